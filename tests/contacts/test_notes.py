"""Notes on contacts: immutable, and deleted by their author or with the scope."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from contacts_service.db.models import Note
from contacts_service.db.session import unit_of_work
from tests.client import Api

MakeApi = Callable[..., Api]


@pytest.fixture
def contact(api: Api) -> dict[str, Any]:
    return api.make_contact()


@pytest.fixture
def notes(contact: dict[str, Any]) -> str:
    return f"/contacts/{contact['id']}/notes"


@pytest.fixture
def as_agent(client: FlaskClient, make_key: Callable[..., str]) -> MakeApi:
    """Return a function that makes a caller with these scopes."""
    return lambda *scopes, **options: Api(client, make_key(*scopes, **options))


def test_author_of_a_note_is_the_caller(
    api: Api, as_agent: MakeApi, contact: dict[str, Any], notes: str
) -> None:
    alice = as_agent("contact_notes:write", agent="23", name="Alice Ågren")
    note = alice.post(notes, {"content": "Wants invoice changes — soon."})
    assert set(note) == {"id", "contact_id", "content", "author", "created_at"}
    assert note["contact_id"] == contact["id"]
    assert note["content"] == "Wants invoice changes — soon."
    assert note["author"] == {"id": "23", "name": "Alice Ågren"}
    assert api.get(notes)["results"] == [note]


@pytest.mark.parametrize(
    ("content", "stored"),
    [
        ("  \n one\r\ntwo\tthree \r\n", "one\ntwo\tthree"),
        ("e\u0301", "é"),
        ("<b>&amp;'\"\\", "<b>&amp;'\"\\"),
        ("😀" * 10_000, "😀" * 10_000),
        (" " + "e\u0301" * 10_000 + "\n", "é" * 10_000),
        ("a\r\n" * 5_000, ("a\n" * 5_000).strip()),
    ],
)
def test_content_is_trimmed_and_composed(api: Api, notes: str, content: str, stored: str) -> None:
    assert api.post(notes, {"content": content})["content"] == stored
    assert api.get(notes)["results"][0]["content"] == stored


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "content"),
        *(({"content": value}, "content") for value in (None, 5, True, [], {})),
        *(({"content": value}, "content") for value in ("", "  ", "\n\t\r\n", "\u00a0\u3000")),
        *(({"content": f"a{character}b"}, "content") for character in "\0\b\r\x1b\x7f\x85"),
        ({"content": "x" * 10_001}, "content"),
        ({"content": "fine", "author": {"id": "1"}}, "author"),
        ({"content": "fine", "created_at": "2026-01-01T00:00:00Z"}, "created_at"),
        (["fine"], ""),
    ],
)
def test_invalid_field_is_named(api: Api, notes: str, body: Any, path: str) -> None:
    answer = api.post(notes, body, 400)
    assert list(answer["errors"]["json"]) == [path]
    assert api.get(notes)["total"] == 0


def test_newest_comes_first(app: Flask, api: Api, notes: str) -> None:
    written = [api.post(notes, {"content": f"Note {n}"}) for n in range(5)]
    assert api.get(notes)["results"] == written[::-1]
    times = ["2026-05-01", "2026-05-03", "2026-05-02", "2026-05-03", "2026-05-03"]
    with app.app_context(), unit_of_work() as session:
        for note, day in zip(written, times, strict=True):
            moment = f"{day}T00:00:00.000000Z"
            session.execute(update(Note).where(Note.id == note["id"]).values(created_at=moment))
    contents = [note["content"] for note in api.get(notes)["results"]]
    assert contents == ["Note 4", "Note 3", "Note 1", "Note 2", "Note 0"]


@pytest.mark.parametrize("size", [1, 2, 5, 6])
def test_pages_together_are_the_list(api: Api, notes: str, size: int) -> None:
    written = [api.post(notes, {"content": str(n)})["id"] for n in range(5)]
    first = api.get(f"{notes}?page_size={size}")
    pages = range(1, first["total_pages"] + 2)
    answers = [api.get(f"{notes}?page_size={size}&page={page}") for page in pages]
    assert {answer["total"] for answer in answers} == {5}
    assert len(answers) == -(-5 // size) + 1
    assert [note["id"] for answer in answers for note in answer["results"]] == written[::-1]


def test_notes_are_listed_with_their_contact_alone(api: Api, notes: str) -> None:
    api.post(notes, {"content": "one"})
    other = api.make_contact("other@example.com")
    assert api.get(f"/contacts/{other['id']}/notes")["results"] == []


@pytest.mark.parametrize("method", ["PUT", "PATCH", "GET", "POST"])
def test_note_cannot_be_changed(api: Api, notes: str, method: str) -> None:
    note = api.post(notes, {"content": "one"})
    path = f"{notes}/{note['id']}"
    response = api.call(method, path, 405, json={"content": "two"})
    assert response.json["data"]["type"] == "MethodNotAllowedError"
    assert response.headers["Allow"] == "DELETE"
    assert api.get(notes)["results"] == [note]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_list_of_notes_cannot_be_changed(api: Api, notes: str, method: str) -> None:
    response = api.call(method, notes, 405, json={"content": "two"})
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST"}


def test_notes_leave_the_contact_unchanged(api: Api, contact: dict[str, Any], notes: str) -> None:
    note = api.post(notes, {"content": "one"})
    api.delete(f"{notes}/{note['id']}")
    assert api.get(f"/contacts/{contact['id']}") == contact


def test_id_of_a_deleted_note_is_not_used_again(api: Api, notes: str) -> None:
    first = api.post(notes, {"content": "one"})
    api.delete(f"{notes}/{first['id']}")
    assert api.post(notes, {"content": "two"})["id"] > first["id"]


# Each caller, and the statuses for: the note, the note below another contact, a missing note, an
# impossible id, the note below a missing contact.
DELETERS = {
    "author": ({"agent": "17"}, ["contact_notes:write"], (200, 403, 403, 403, 403)),
    "author, another token": ({"agent": "17"}, ["contacts:read"], (200, 403, 403, 403, 403)),
    "author, renamed": ({"agent": "17", "name": "X"}, ["contacts:read"], (200, 403, 403, 403, 403)),
    "author with the scope": ({"agent": "17"}, ["contact_notes:delete"], (200, 404, 404, 404, 404)),
    "anyone with the scope": ({"agent": "9"}, ["contact_notes:delete"], (200, 404, 404, 404, 404)),
    "namesake": (
        {"agent": "9", "name": "Bob Smith"},
        ["contact_notes:write", "contact_notes:read", "contacts:write"],
        (403, 403, 403, 403, 403),
    ),
    "agent with a similar id": ({"agent": "017"}, ["contacts:read"], (403, 403, 403, 403, 403)),
}


@pytest.fixture
def paths(api: Api, notes: str) -> list[str]:
    note = api.post(notes, {"content": "one"})
    other = api.make_contact("other@example.com")
    return [
        f"{notes}/{note['id']}",
        f"/contacts/{other['id']}/notes/{note['id']}",
        f"{notes}/{note['id'] + 1}",
        f"{notes}/abc",
        f"/contacts/999/notes/{note['id']}",
    ]


@pytest.mark.parametrize(("agent", "scopes", "statuses"), DELETERS.values(), ids=DELETERS.keys())
def test_note_is_deleted_by_its_author_or_with_the_scope(
    api: Api,
    as_agent: MakeApi,
    notes: str,
    paths: list[str],
    agent: dict[str, str],
    scopes: list[str],
    statuses: tuple[int, ...],
) -> None:
    caller = as_agent(*scopes, **agent)
    for path, status in reversed(list(zip(paths, statuses, strict=True))):
        total = api.get(notes)["total"]
        answer = caller.delete(path, status)
        if status == 403:
            assert "contact_notes:delete" in answer["message"]
        assert (answer is True) == (status == 200)
        assert api.get(notes)["total"] == total - (status == 200)


@pytest.mark.parametrize(
    ("scope", "status"), [("contacts:read", 403), ("contact_notes:delete", 404)]
)
def test_deleted_note_answers_like_a_missing_one(
    as_agent: MakeApi, paths: list[str], scope: str, status: int
) -> None:
    author = as_agent(scope, agent="17")
    assert author.delete(paths[0]) is True
    author.delete(paths[0], status)


def test_scopes_of_notes_do_not_imply_each_other(as_agent: MakeApi, notes: str) -> None:
    reader = as_agent("contact_notes:read")
    writer = as_agent("contact_notes:write", "contact_notes:delete")
    assert "contact_notes:write" in reader.post(notes, {"content": "one"}, 403)["message"]
    assert "contact_notes:read" in writer.get(notes, 403)["message"]
    writer.post(notes, {"content": "one"})
    assert reader.get(notes)["total"] == 1
