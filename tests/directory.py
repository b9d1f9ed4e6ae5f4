"""Twelve fixed people, for tests that only read: names that fold alike, nulls, ties, every type."""

from pathlib import Path
from typing import Any

from sqlalchemy import update

from contacts_service.auth import api_keys as keys
from contacts_service.auth.principal import SCOPES
from contacts_service.db.models import Contact
from contacts_service.db.session import unit_of_work
from tests.client import Api
from tests.conftest import make_app

COLUMNS = (
    "id", "first_name", "last_name", "email", "phone", "custom_attributes",
    "created_at", "updated_at", "blocked",
)  # fmt: skip

ROWS: dict[str, tuple[Any, ...]] = {
    "linda": (
        "Linda", "Olsen", "linda@example.com", "+61 412 345 678",
        {"tier": "gold", "score": 10, "vip": True},
        "2026-05-12T23:59:59.999999Z", "2026-05-20T00:00:00.000000Z", False,
    ),
    "jose": (
        "José", "García", "jose@example.com", None,
        {"tier": "Gold", "score": 10.5, "vip": False},
        "2026-05-13T00:00:00.000000Z", "2026-05-20T00:00:00.000000Z", False,
    ),
    "soren": (
        "Søren", "Kierkegård", "soren@example.org", "0412 345 678 X9",
        {"tier": "silver", "score": -3},
        "2026-05-13T12:00:00.500000Z", "2026-05-19T00:00:00.000000Z", False,
    ),
    "empty": (
        "", "", None, None,
        {},
        "2026-05-13T12:00:00.500000Z", "2026-05-21T00:00:00.000000Z", False,
    ),
    "percent": (
        "50%", "a_b", "percent_1@example.net", "50#1",
        {"tier": "50%", "score": "10"},
        "2026-05-13T23:59:59.999999Z", "2026-05-20T00:00:00.000000Z", False,
    ),
    "digits": (
        "500", "axb", "percentx1@example.net", "5001",
        {"tier": "500", "score": True},
        "2026-05-14T00:00:00.000000Z", "2026-05-14T00:00:00.000000Z", False,
    ),
    "obrien": (
        "Conan", "O’Brien", "o'brien@example.com", None,
        {"tier": "", "score": None, "vip": None},
        "2026-06-01T08:00:00.000000Z", "2026-06-01T08:00:00.000000Z", False,
    ),
    "weiss": (
        "Weiß", "STRASSE", "weiss@example.com", "12",
        {"tier": ["gold"], "score": {"a": 10}, "word": "Ärzte"},
        "2026-06-01T08:00:00.000000Z", "2026-06-02T08:00:00.000000Z", False,
    ),
    "wang": (
        "小明", "王", None, "(03) 9000-0000",
        {"tier": "ЗОЛОТО", "score": 1000.0, "a.b": "dot", "word": "zebra"},
        "1999-12-31T23:59:59.000000Z", "2026-06-02T08:00:00.000000Z", False,
    ),
    "zed": (
        "linda", "Zed", "linda.zed@example.com", "+61 412",
        {"tier": "golden", "score": 0, "vip": False, "word": "_x"},
        "2026-06-03T00:00:00.000000Z", "2026-06-03T00:00:00.000001Z", True,
    ),
    "loud": (
        "LINDA", "Straße-Olsen", "linda@example.org", "0412",
        {"tier": "GOLD", "score": 2**63 - 1},
        "2026-06-04T00:00:00.000000Z", "2026-06-04T00:00:00.000000Z", True,
    ),
    "quote": (
        'Al"x', "D'Ángelo \\", "alx@example.com", "7",
        {'q"\\é': "yes", "score": 1e-7, "tier": "gold_50%"},
        "2026-06-04T00:00:00.000000Z", "2026-05-20T00:00:00.000000Z", False,
    ),
}  # fmt: skip

# Each person as a list shows them, by label.
PEOPLE: dict[str, dict[str, Any]] = {
    label: dict(zip(COLUMNS, (number, *row), strict=True))
    for number, (label, row) in enumerate(ROWS.items(), 1)
}


def open_directory(folder: Path) -> Api:
    """A caller with every scope, of a service whose directory holds PEOPLE and nobody else."""
    app = make_app(folder)
    with app.app_context(), unit_of_work() as session:
        token = keys.create_key(session, "17", "Bob Smith", SCOPES)
    api = Api(app.test_client(), token)
    for person in PEOPLE.values():
        path = f"/contacts/{person['id']}"
        api.post("/contacts/quick", {"email": person["email"] or "nobody@example.com"})
        api.put(path, {name: person[name] for name in COLUMNS[1:6]})
        api.put(f"{path}/block", {"blocked": person["blocked"]})
        times = {name: person[name] for name in ("created_at", "updated_at")}
        with app.app_context(), unit_of_work() as session:
            session.execute(update(Contact).where(Contact.id == person["id"]).values(times))
    return api


def labels(answer: Any) -> list[str]:
    """Who the contacts in an answer to a list are, in its order."""
    by_id = {person["id"]: label for label, person in PEOPLE.items()}
    return [by_id[contact["id"]] for contact in answer["results"]]
