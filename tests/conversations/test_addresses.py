"""One rule for addresses: the API and raw mails spell them alike."""

from typing import Any

import pytest

from tests.client import Api
from tests.conversations.mails import mail
from tests.threads import INBOUND, channels_of

ADDRESSES = [
    ("John@abc_d.example", "john@abc_d.example"),
    ("a..b@docomo.example", "a..b@docomo.example"),
    ("xy.@docomo.example", "xy.@docomo.example"),
    ('"aaa..b"@docomo.example', "aaa..b@docomo.example"),
    ('"#FAX#*49"@fax.example', "#fax#*49@fax.example"),
    ('"Linda Olsen"@example.com', '"linda olsen"@example.com'),
    ('"linda@example.com"@example.net', '"linda@example.com"@example.net'),
    (".linda@example.com", ".linda@example.com"),
    ("linda@mail.local", "linda@mail.local"),
    ("linda@xn--bcher-kva.example", "linda@bücher.example"),
]


def hand_over(api: Api, raw: bytes) -> Any:
    """Post a raw mail."""
    headers = {"Content-Type": "message/rfc822"}
    return api.call("POST", INBOUND, 201, data=raw, headers=headers).json["data"]


@pytest.mark.parametrize(("written", "stored"), ADDRESSES)
def test_address_is_the_same_in_the_api_and_in_a_mail(api: Api, written: str, stored: str) -> None:
    contact = api.post("/contacts/quick", {"email": written, "first_name": "Ann"})
    assert contact["email"] == stored
    answer = hand_over(api, mail(f"From: Ann Lee <{written}>"))
    assert (answer["contact"]["id"], answer["contact_created"]) == (contact["id"], False)
    assert answer["contact"]["last_name"] == "Lee"


@pytest.mark.parametrize(("written", "stored"), ADDRESSES)
def test_address_can_be_a_further_one(api: Api, written: str, stored: str) -> None:
    contact = api.make_contact("someone@example.com")
    body = {"channel": "email", "identifier": written}
    contact = api.post(f"/contacts/{contact['id']}/channels", body)
    assert channels_of(contact) == [("email", stored)]
    assert api.post("/contacts/quick", {"email": stored}, 200)["id"] == contact["id"]


def test_address_with_a_dot_in_front_is_another_mailbox(api: Api) -> None:
    linda = api.make_contact("linda@example.com")
    answer = hand_over(api, mail("From: .linda@example.com"))
    assert answer["contact_created"] is True
    assert answer["contact"]["id"] != linda["id"]
