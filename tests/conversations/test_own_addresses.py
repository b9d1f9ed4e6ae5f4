"""The addresses of the help desk itself, and those that only forward."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from tests.client import Api
from tests.conversations.mails import mail
from tests.threads import INBOUND, LINDA, Answer, messages_of, receive

DESK, FORM = "support@desk.example", "form@web.example"


@pytest.fixture(autouse=True)
def settings(app: Flask) -> Iterator[None]:
    names = ("CONTACTS_OWN_ADDRESSES", "CONTACTS_FORWARDERS")
    kept = {name: app.config[name] for name in names}
    app.config.update(
        CONTACTS_OWN_ADDRESSES=frozenset({"@desk.example", "sales@example.com"}),
        CONTACTS_FORWARDERS=frozenset({FORM, "forwards@desk.example"}),
    )
    yield
    app.config.update(kept)


def hand_over(api: Api, *headers: str) -> Answer:
    raw = mail(*headers, body="Hello.")
    answer = api.call("POST", INBOUND, 201, data=raw, headers={"Content-Type": "message/rfc822"})
    told: Answer = answer.get_json()["data"]
    return told


@pytest.mark.parametrize("own", [DESK, "Other <other@DESK.example>", "sales@example.com"])
def test_an_own_address_that_is_copied_in_is_nobody(api: Api, own: str) -> None:
    answer = hand_over(api, f"From: {LINDA}", f"Cc: {own}, bob@example.com")
    shown = api.get(f"/conversations/{answer['conversation']['uuid']}")
    assert [each["contact"]["email"] for each in shown["contacts"]] == [LINDA, "bob@example.com"]
    assert api.get("/contacts")["total"] == 2


def test_a_message_of_an_own_address_is_of_no_contact(api: Api) -> None:
    for answer in (hand_over(api, f"From: Support <{DESK}>"), receive(api, DESK)):
        assert (answer["contact"], answer["contact_created"]) == (None, False)
        [message] = messages_of(api, answer["conversation"])
        assert message["from"] == {"channel": "email", "identifier": DESK}
    assert api.get("/contacts")["total"] == 0


@pytest.mark.parametrize("header", ["X-Original-From", "X-Original-Sender", "Reply-To"])
@pytest.mark.parametrize("forwarder", [FORM, "forwards@desk.example"])
def test_what_is_forwarded_is_of_its_author(api: Api, header: str, forwarder: str) -> None:
    answer = hand_over(api, f"From: Form <{forwarder}>", f"{header}: Linda Olsen <{LINDA}>")
    assert answer["contact"]["email"] == LINDA
    assert answer["contact"]["first_name"] == "Linda"


def test_the_first_header_that_names_somebody_else_counts(api: Api) -> None:
    answer = hand_over(
        api, f"From: {FORM}", f"X-Original-From: {FORM}", f"X-Original-Sender: {LINDA}",
        "Reply-To: bob@example.com",
    )  # fmt: skip
    assert answer["contact"]["email"] == LINDA


def test_a_forwarder_that_names_nobody_is_the_sender(api: Api) -> None:
    assert hand_over(api, f"From: {FORM}")["contact"]["email"] == FORM


def test_from_anybody_else_such_headers_count_for_nothing(api: Api) -> None:
    answer = hand_over(
        api, f"From: {LINDA}", "Reply-To: bob@example.com", "X-Original-From: a@b.example"
    )
    assert answer["contact"]["email"] == LINDA


def test_without_the_settings_everybody_is_somebody(app: Flask, api: Api) -> None:
    app.config.update(CONTACTS_OWN_ADDRESSES=None, CONTACTS_FORWARDERS=None)
    answer: Any = hand_over(api, f"From: {DESK}", "Reply-To: bob@example.com")
    assert answer["contact"]["email"] == DESK
