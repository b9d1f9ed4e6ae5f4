"""Words, such as a channel or a status, are trimmed like any other string that is sent."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.client import Api
from tests.threads import begin, receive


def channel(api: Api, blank: str) -> Any:
    path = f"/contacts/{api.make_contact()['id']}/channels"
    contact = api.post(path, {"channel": f"{blank}chat{blank}", "identifier": "lin"})
    return contact["contact_channels"][0]["channel"]


def channel_of_a_message(api: Api, blank: str) -> Any:
    return receive(api, channel=f"{blank}chat{blank}")["conversation"]["channel"]


def conversation(api: Api, blank: str) -> Any:
    uuid = receive(api)["conversation"]["uuid"]
    again = receive(api, conversation_uuid=f"{blank}{uuid}{blank}")["conversation"]["uuid"]
    return "the same" if again == uuid else again


def moment(api: Api, blank: str) -> Any:
    earlier = receive(api, received_at=f"{blank}2001-01-01T00:00:00Z{blank}")
    return earlier["message"]["created_at"]


def status(api: Api, blank: str) -> Any:
    uuid = begin(api, api.make_contact()["id"])["uuid"]
    return api.put(f"/conversations/{uuid}/status", {"status": f"{blank}Closed{blank}"})["status"]


def data_type(api: Api, blank: str) -> Any:
    body = {"key": "tier", "name": "Tier", "data_type": f"{blank}text{blank}"}
    return api.post("/custom-attributes", body)["data_type"]


def order(api: Api, blank: str) -> Any:
    for address in ("a@example.com", "b@example.com"):
        api.make_contact(address)
    answer = api.get(f"/contacts?order_by={blank}email{blank}&order={blank}asc{blank}")
    return [contact["email"] for contact in answer["results"]]


CARRIERS = {
    channel: "chat",
    channel_of_a_message: "chat",
    conversation: "the same",
    moment: "2001-01-01T00:00:00.000000Z",
    status: "Closed",
    data_type: "text",
    order: ["a@example.com", "b@example.com"],
}


@pytest.mark.parametrize("blank", ["", " ", " \u00a0"])
@pytest.mark.parametrize("send", CARRIERS)
def test_blanks_around_a_word_are_nothing(
    api: Api, send: Callable[[Api, str], Any], blank: str
) -> None:
    assert send(api, blank) == CARRIERS[send]
