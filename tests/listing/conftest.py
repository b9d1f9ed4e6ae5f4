"""Directories that the tests of lists only read."""

from typing import Any

import pytest
from sqlalchemy import update

from contacts_service.db.models import Note
from contacts_service.db.session import unit_of_work
from tests.client import Api
from tests.directory import PEOPLE, open_directory
from tests.listing.walks import TIMES, House, paths_of
from tests.threads import receive


@pytest.fixture(scope="package")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Api:
    return open_directory(tmp_path_factory.mktemp("directory"))


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Every list has rows. Linda and José, contacts 1 and 2, have equal ones."""
    api = open_directory(tmp_path_factory.mktemp("cursors"))
    conversation: Any = None
    for number, time in enumerate(TIMES):
        for person in ("linda", "jose"):
            api.post(f"/contacts/{PEOPLE[person]['id']}/notes", {"content": f"{number}"})
            receive(api, PEOPLE[person]["email"], received_at=time)
            thread = f"{person}@x"
            answer = receive(
                api,
                PEOPLE[person]["email"],
                received_at=time,
                **({"in_reply_to": thread} if number else {"message_id": thread}),
            )
            conversation = answer["conversation"]
        receive(api, PEOPLE["zed"]["email"], received_at=time)  # who is blocked
        definition = {"key": f"key_{number}", "name": "Name", "data_type": "text"}
        api.post("/custom-attributes", definition)
    with api.client.application.app_context(), unit_of_work() as session:
        for note_id in range(1, 11):
            time = TIMES[(note_id - 1) // 2]
            session.execute(update(Note).where(Note.id == note_id).values(created_at=time))
    return House(api, paths_of(1, conversation["uuid"]))
