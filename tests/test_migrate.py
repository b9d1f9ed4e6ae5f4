"""`flask migrate`: the database for servers that only serve."""

import subprocess
from pathlib import Path

from contacts_service.config import PROJECT_FOLDER
from tests.service import FLASK


def test_migrate_makes_a_database_and_leaves_one_that_is_up_to_date(tmp_path: Path) -> None:
    database = tmp_path / "contacts.db"
    environ = {"CONTACTS_DATABASE_URL": f"sqlite:///{database}"}
    for _ in range(2):
        said = subprocess.check_output(
            [FLASK, "migrate"], cwd=PROJECT_FOLDER, env=environ, text=True
        )
        assert said == f"The database {database} is up to date.\n"
        assert database.stat().st_size > 0
