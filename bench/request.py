"""What the parts of a request take, in process: `python -m bench.request`, half a minute.

Prints the microseconds of a whole request for one contact, and beside each other the ways in which
some of its parts could be done: what docstrings say of them comes from here.
"""

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from timeit import repeat

from flask import current_app
from sqlalchemy import bindparam, select

from bench.directories import directory, opened
from contacts_service.auth import api_keys
from contacts_service.auth.principal import SCOPES
from contacts_service.db.models import ApiKey
from contacts_service.db.queries import CompiledStatement
from contacts_service.db.session import (
    READ_POOL,
    close_read_connection,
    db,
    read_connection,
    unit_of_work,
)
from contacts_service.web import request_log

FOLDER = Path("/tmp/contacts-bench")
PEOPLE, CALLS, ROUNDS = 5000, 500, 15
ID = 42


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with opened(directory(FOLDER, PEOPLE)), open(os.devnull, "w") as nowhere:  # noqa: PTH123
        request_log.handler.stream = nowhere
        with unit_of_work() as session:
            key = api_keys.create_key(session, "1", "Bench", SCOPES)
        for what, call in parts(key):
            times = repeat(call, number=CALLS, repeat=ROUNDS)
            print(f"{what:52}{1e6 * median(times) / CALLS:8.1f} µs")


def parts(key: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is measured, by its name."""
    client, sent = current_app.test_client(), {"Authorization": f"Bearer {key}"}
    yield (
        "one contact, by Flask's test client",
        lambda: client.get(f"/api/v1/contacts/{ID}", headers=sent),
    )
    pool = current_app.extensions[READ_POOL]
    yield "connection: from our pool", lambda: pool.give_back(pool.take())
    yield "connection: from SQLAlchemy's pool", lambda: db.engine.raw_connection().close()
    statement = select(ApiKey.agent_id, ApiKey.scopes).where(ApiKey.id == bindparam("id"))
    compiled, values = CompiledStatement(statement), {"id": 1}
    reads = read_connection()
    yield "statement: by the driver", lambda: reads.row(compiled, values)
    close_read_connection()
    with db.engine.connect() as connection:
        yield (
            "statement: by SQLAlchemy's Core",
            lambda: connection.execute(statement, values).first(),
        )
    fields = {"status": 200, "method": "GET", "route": "/contacts/{contact_id}", "milliseconds": 1}
    logger = logging.getLogger(request_log.__name__)
    yield "log line: written", lambda: request_log.handler.write_request(fields)
    yield (
        "log line: by a record",
        lambda: logger.info(request_log.REQUEST, fields, extra={"fields": fields}),
    )


if __name__ == "__main__":
    main()
