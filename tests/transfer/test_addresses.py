"""The import spells addresses as the API and mails do."""

from pathlib import Path

import pytest
from flask import Flask

from tests.client import Api
from tests.conversations.test_addresses import ADDRESSES
from tests.transfer.csv_rows import import_rows


@pytest.mark.parametrize(("written", "stored"), ADDRESSES)
def test_imported_address_is_that_of_the_contact(
    app: Flask, api: Api, tmp_path: Path, written: str, stored: str
) -> None:
    import_rows(app, tmp_path, {"email": written, "first_name": "Ann"})
    assert api.post("/contacts/quick", {"email": stored}, 200)["first_name"] == "Ann"
    import_rows(app, tmp_path, {"email": stored, "first_name": "Anna"})
    assert [each["email"] for each in api.get("/contacts")["results"]] == [stored]
