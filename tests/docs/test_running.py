"""docs/running.md: its settings and scopes are the code's, and its JWT is accepted."""

import os
import subprocess
import sys
from pathlib import Path

from contacts_service.auth.principal import SCOPES
from contacts_service.config import SETTINGS
from tests.client import Api
from tests.docs.pages import FOLDER, examples, new_app, table, written_table

PAGE = FOLDER / "running.md"


def test_settings_are_those_of_the_code() -> None:
    rows = [
        [f"`{s.name}`", s.told_default or (f"`{s.default}`" if s.default else ""), s.help]
        for s in SETTINGS
    ]
    assert table(PAGE, "settings") == written_table(["Name", "Default", "Meaning"], rows)


def test_scopes_are_those_of_the_code() -> None:
    rows = [[f"`{scope}`", meaning] for scope, meaning in SCOPES.items()]
    assert table(PAGE, "scopes") == written_table(["Scope", "Allows"], rows)


def test_the_jwt_that_is_made_is_accepted(tmp_path: Path) -> None:
    (script,) = [each.script for each in examples(PAGE) if "jwt.encode" in each.script]
    minting = script.partition("echo ")[0].replace(".venv/bin/python", sys.executable)
    made = subprocess.check_output(
        ["bash", "-c", f'{minting}\necho "$CONTACTS_JWT_SECRET $TOKEN"'],
        env={"PATH": os.environ["PATH"]}, text=True,
    )  # fmt: skip
    secret, token = made.split()
    app = new_app(tmp_path, CONTACTS_JWT_SECRET=secret)
    assert Api(app.test_client(), token).get("/contacts")["total"] == 0
