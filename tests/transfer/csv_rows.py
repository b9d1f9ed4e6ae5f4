"""CSV files for the import: written from rows, and read back."""

import csv
from collections.abc import Iterable
from pathlib import Path

from flask import Flask

from tests.files import flask

HEADERS = (
    "first_name", "last_name", "email", "phone", "blocked", "custom_attributes", "created_at",
    "contact_channels",
)  # fmt: skip
CHAT = '[{"channel": "chat", "identifier": "%s"}]'

Rows = Iterable[dict[str, str]]


def write_rows(path: Path, rows: Rows) -> Path:
    rows = list(rows)
    headers = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, headers, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def import_rows(app: Flask, folder: Path, *rows: dict[str, str], code: int = 0) -> str:
    """What the import of these rows prints, as `people.csv` in the folder."""
    return flask(app, "contacts", "import", write_rows(folder / "people.csv", rows), code=code)
