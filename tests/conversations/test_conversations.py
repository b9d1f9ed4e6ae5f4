"""The list of a contact's conversations."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from contacts_service.db.models import Conversation, Participant
from contacts_service.db.session import unit_of_work
from tests.client import Api

STATUSES = ["Open", "Snoozed", "Resolved", "Closed", "Spam", "Trashed"]
Insert = Callable[..., str]


@pytest.fixture
def linda(api: Api) -> int:
    contact_id: int = api.make_contact("linda@example.com")["id"]
    return contact_id


@pytest.fixture
def bob(api: Api) -> int:
    contact_id: int = api.make_contact("bob@example.com")["id"]
    return contact_id


@pytest.fixture
def insert(app: Flask) -> Insert:
    """Return a function that stores a conversation and returns its uuid."""

    def store(day: int = 1, *, people: dict[int, str], **fields: Any) -> str:
        moment = f"2026-05-{day:02}T10:00:00.000000Z"
        conversation = Conversation(
            uuid=str(uuid4()),
            **{
                "subject": f"Day {day}",
                "status": "Open",
                "channel": "email",
                "last_message": "Hello.",
                "last_message_at": moment,
                "created_at": moment,
                "updated_at": moment,
            }
            | fields,
        )
        uuid: str = conversation.uuid
        with app.app_context(), unit_of_work() as session:
            session.add(conversation)
            session.flush()
            for contact_id, role in people.items():
                session.add(
                    Participant(conversation_id=conversation.id, contact_id=contact_id, role=role)
                )
        return uuid

    return store


def uuids(api: Api, contact_id: int, query: str = "") -> list[str]:
    answer = api.get(f"/contacts/{contact_id}/conversations{query}")
    assert answer["total"] >= len(answer["results"])
    return [conversation["uuid"] for conversation in answer["results"]]


def test_conversation_has_every_field(api: Api, insert: Insert, linda: int) -> None:
    uuid = insert(
        4,
        people={linda: "sender"},
        subject="Invoice — März",
        status="Snoozed",
        channel="chat",
        last_message="Thank you.",
        last_message_at="2026-05-06T12:00:00.123456Z",
        updated_at="2026-05-07T12:00:00.000000Z",
    )
    [conversation] = api.get(f"/contacts/{linda}/conversations")["results"]
    number = conversation.pop("reference_number")
    assert isinstance(number, int)
    assert number > 0
    assert conversation == {
        "uuid": uuid,
        "subject": "Invoice — März",
        "status": "Snoozed",
        "channel": "chat",
        "role": "sender",
        "last_message": "Thank you.",
        "last_message_at": "2026-05-06T12:00:00.123456Z",
        "created_at": "2026-05-04T10:00:00.000000Z",
        "updated_at": "2026-05-07T12:00:00.000000Z",
    }


def test_each_person_sees_their_own_role(api: Api, insert: Insert, linda: int, bob: int) -> None:
    uuid = insert(people={linda: "sender", bob: "participant"})
    roles = {}
    for contact_id in (linda, bob):
        [conversation] = api.get(f"/contacts/{contact_id}/conversations")["results"]
        assert conversation["uuid"] == uuid
        roles[contact_id] = conversation["role"]
    assert roles == {linda: "sender", bob: "participant"}


def test_others_conversations_are_not_listed(
    api: Api, insert: Insert, linda: int, bob: int
) -> None:
    hers = insert(people={linda: "sender"})
    his = insert(people={bob: "sender"})
    assert (uuids(api, linda), uuids(api, bob)) == ([hers], [his])


def test_conversation_without_a_message_has_no_last_message(
    api: Api, insert: Insert, linda: int
) -> None:
    insert(people={linda: "sender"}, last_message=None)
    [conversation] = api.get(f"/contacts/{linda}/conversations")["results"]
    assert conversation["last_message"] is None


def test_latest_message_comes_first(api: Api, insert: Insert, linda: int) -> None:
    days = [3, 1, 4, 1, 5]
    other_times = {
        "created_at": "2026-06-01T10:00:00.000000Z",
        "updated_at": "2026-06-02T10:00:00.000000Z",
    }
    stored = {
        insert(day, people={linda: "sender"}, **other_times): (day, n) for n, day in enumerate(days)
    }
    expected = sorted(stored, key=lambda uuid: stored[uuid], reverse=True)
    assert uuids(api, linda) == expected
    for size in (1, 2, 3, 5):
        pages = range(1, len(days) // size + 2)
        walked = [uuids(api, linda, f"?page_size={size}&page={page}") for page in pages]
        assert [uuid for page in walked for uuid in page] == expected


@pytest.mark.parametrize(
    "statuses", ["Open", "Open,Spam", "Spam,Open", "Trashed,Closed,Open,Open", ",".join(STATUSES)]
)
def test_list_is_filtered_by_statuses(api: Api, insert: Insert, linda: int, statuses: str) -> None:
    stored = {
        insert(day, people={linda: "participant"}, status=status): status
        for day, status in enumerate(STATUSES, 1)
    }
    expected = [uuid for uuid in reversed(stored) if stored[uuid] in statuses.split(",")]
    assert uuids(api, linda, f"?statuses={statuses}") == expected
    assert uuids(api, linda) == list(reversed(stored))


def test_total_counts_filtered_conversations(api: Api, insert: Insert, linda: int) -> None:
    for status in STATUSES:
        insert(people={linda: "sender"}, status=status)
    answer = api.get(f"/contacts/{linda}/conversations?statuses=Open,Spam&page_size=1")
    assert (answer["total"], answer["total_pages"], len(answer["results"])) == (2, 2, 1)


@pytest.mark.parametrize("statuses", ["open", "Open,Spammy", "Open,", "", "%", "Open;Spam"])
def test_unknown_status_is_refused(api: Api, linda: int, statuses: str) -> None:
    query = {"statuses": statuses}
    answer = api.get(f"/contacts/{linda}/conversations", 400, query_string=query)
    assert list(answer["errors"]["query"]) == ["statuses"]
