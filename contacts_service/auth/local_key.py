"""The key of a local installation: made on first use, kept in a file that only its owner reads."""

import os
from pathlib import Path

from contacts_service.auth import api_keys as keys
from contacts_service.auth.principal import SCOPES
from contacts_service.db.session import unit_of_work


def local_key(folder: Path) -> str:
    """The key in `folder`, with every scope; a new one where the database does not know it."""
    path = folder / "local-key"
    if path.exists():
        key = path.read_text().strip()
        if keys.is_accepted(key):
            return key
    with unit_of_work() as session:
        key = keys.create_key(session, "local", "Local developer", SCOPES)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{key}\n")
    return key
