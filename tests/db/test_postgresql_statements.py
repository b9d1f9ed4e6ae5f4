"""What is asked of PostgreSQL by libpq's own calls is what a cursor of psycopg is answered."""

import os
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask

from contacts_service.db.postgresql_statements import Statements
from contacts_service.factory import create_app
from tests.conftest import make_app
from tests.databases import by_other_hands

pytestmark = pytest.mark.postgresql

LONE = "SELECT CAST(%s AS bigint)"


@pytest.fixture
def server(app: Flask) -> Iterator[psycopg.Connection[Any]]:
    with closing(app.extensions["database"].connect()) as connection:
        yield connection


def prepared(server: psycopg.Connection[Any]) -> int:
    (number,) = server.execute("SELECT count(*) FROM pg_prepared_statements", prepare=False)
    return int(number[0])


QUESTIONS: dict[str, tuple[str, list[Any]]] = {
    "no value": ("SELECT 1, 'two', NULL, 4.5, true", []),
    "nothing found": ("SELECT 1 WHERE %s::int = 2", [1]),
    "several rows": ("SELECT generate_series(1, %s::int) ORDER BY 1 DESC", [300]),
    "text": ("SELECT %s::text, %s::text", ["", "O'Hara 🦊 %s %% $1 \\"]),
    "per cent": ("SELECT '%%s', 7 %% %s::int, '100%%'", [4]),
    "numbers": ("SELECT %s::bigint, %s::numeric, %s::float8", [2**62, 0.1, 1e100]),
    "none": ("SELECT %s::text, %s::bigint", [None, None]),
    "booleans": ("SELECT %s::boolean, NOT %s::boolean", [True, True]),
    "lists": ("SELECT %s::bigint[], %s::text[]", [[1, 2**40], ["a,b", '"']]),
    "more than nine": (f"SELECT {', '.join(['%s::int'] * 12)}", list(range(12))),
}


@pytest.mark.parametrize(("text", "values"), QUESTIONS.values(), ids=QUESTIONS)
def test_answers_are_a_cursor_s(
    server: psycopg.Connection[Any], text: str, values: list[Any]
) -> None:
    statements = Statements(server)
    expected = server.execute(text, values).fetchall()
    for _ in range(10):  # prepared in the end
        assert statements.execute(text, values).fetchall() == expected
        first = statements.execute(text, values).fetchone()
        assert first == (expected[0] if expected else None)
    assert prepared(server) == 1


def test_kinds_of_values_are_prepared_apart(server: psycopg.Connection[Any]) -> None:
    statements = Statements(server)
    for value in (1, "1", None) * 10:
        expected = None if value is None else 1
        assert statements.execute(LONE, [value]).fetchone() == (expected,)
    assert prepared(server) == 2  # text and none are of no type


def test_only_so_many_are_kept(server: psycopg.Connection[Any]) -> None:
    statements = Statements(server)
    server.prepared_max = 3
    for number in [*range(6), 5, 0] * 2:
        for _ in range(10):
            assert statements.execute(f"SELECT {number} + %s::int", [1]).fetchone() == (number + 1,)
        assert prepared(server) <= 3


def test_those_asked_last_are_kept(server: psycopg.Connection[Any]) -> None:
    statements = Statements(server)
    server.prepared_max = 2
    for number in (1, 2, 1, 3):
        for _ in range(10):
            statements.execute(f"SELECT {number}", [])
    kept = server.execute("SELECT statement FROM pg_prepared_statements", prepare=False)
    assert {text for (text,) in kept} == {"SELECT 1", "SELECT 3"}


def test_statement_is_prepared_once_it_was_asked_often(server: psycopg.Connection[Any]) -> None:
    statements = Statements(server)
    counted = []
    for _ in range(7):
        statements.execute(LONE, [1])
        counted.append(prepared(server))
    assert counted == [0, 0, 0, 0, 0, 1, 1]


def test_what_is_asked_once_is_not_prepared(server: psycopg.Connection[Any]) -> None:
    statements = Statements(server)
    for _ in range(10):
        statements.execute(LONE, [1])
    for number in range(500):
        statements.execute(f"SELECT {number}", [])
    assert prepared(server) == 1  # which it does not push out either
    assert len(statements._asked) == server.prepared_max


def test_pooler_without_prepared_statements_is_spared_them(app: Flask) -> None:
    address = app.extensions["database"].url.update_query_dict({"prepare_threshold": "0"})
    url = address.render_as_string(hide_password=False)
    other = create_app({"CONTACTS_DATABASE_URL": url})
    with closing(other.extensions["database"].connect()) as connection:
        statements = Statements(connection)
        for _ in range(10):
            assert statements.execute(LONE, [3]).fetchone() == (3,)
        assert prepared(connection) == 0


def test_statement_whose_columns_have_changed_is_prepared_anew(
    server: psycopg.Connection[Any],
) -> None:
    """The server refuses to run a prepared statement whose columns have changed."""
    statements = Statements(server)
    server.execute("CREATE TEMPORARY TABLE changing AS SELECT 1 AS number")
    for _ in range(10):
        statements.execute("SELECT * FROM changing", [])
    server.execute("ALTER TABLE changing ADD COLUMN word text DEFAULT 'a'")
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        statements.execute("SELECT * FROM changing", [])
    for _ in range(10):
        assert statements.execute("SELECT * FROM changing", []).fetchone() == (1, "a")
    assert prepared(server) == 1


def test_statement_that_was_dropped_is_prepared_anew(server: psycopg.Connection[Any]) -> None:
    statements = Statements(server)
    for _ in range(10):
        statements.execute(LONE, [1])
    server.execute("DEALLOCATE ALL")
    with pytest.raises(psycopg.errors.InvalidSqlStatementName):
        statements.execute(LONE, [1])
    for _ in range(10):
        assert statements.execute(LONE, [1]).fetchone() == (1,)
    assert prepared(server) == 1


def test_statement_that_failed_stays_prepared(server: psycopg.Connection[Any]) -> None:
    statements = Statements(server)
    for divisor in ([1] * 10 + [0]) * 3:
        with suppress(psycopg.errors.DivisionByZero):
            statements.execute("SELECT 1 / %s::int", [divisor])
    assert prepared(server) == 1


def test_error_does_not_tell_what_rows_hold(server: psycopg.Connection[Any]) -> None:
    raising = "RAISE EXCEPTION 'No.' USING DETAIL = word, HINT = word"
    server.execute(
        "CREATE FUNCTION pg_temp.tell(word text) RETURNS text LANGUAGE plpgsql "
        f"AS $$ BEGIN {raising}; END $$"
    )
    with pytest.raises(psycopg.Error) as raised:
        Statements(server).execute("SELECT pg_temp.tell(%s)", ["secret"])
    assert "secret" not in str(raised.value)
    assert str(raised.value) == "No."


def end_by_administrator(app: Flask, server: psycopg.Connection[Any]) -> None:
    with closing(app.extensions["database"].connect()) as other:
        pid = server.info.backend_pid
        other.execute("SELECT pg_terminate_backend(%s::int, 5000)", [pid])  # waits for it


def hang_up(_app: Flask, server: psycopg.Connection[Any]) -> None:
    with socket.socket(fileno=os.dup(server.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


def let_nothing_out(app: Flask, server: psycopg.Connection[Any]) -> None:
    """The server has said something before: for libpq the connection is not broken then."""
    server.execute("LISTEN something")
    with closing(app.extensions["database"].connect()) as other:
        other.execute("NOTIFY something")
    assert select.select([server], [], [], 10)[0]
    with socket.socket(fileno=os.dup(server.fileno())) as line:
        line.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("end", [end_by_administrator, hang_up, let_nothing_out])
@pytest.mark.parametrize("asked", [0, 5, 9])  # then: as it is, to be prepared, prepared
def test_connection_that_is_gone_makes_the_database_unreachable(
    app: Flask, server: psycopg.Connection[Any], end: Callable[..., None], asked: int
) -> None:
    statements = Statements(server)
    for _ in range(asked):
        statements.execute(LONE, [1])
    end(app, server)
    for _ in range(2):
        with pytest.raises(psycopg.OperationalError) as raised:
            statements.execute(LONE, [1])
        assert app.extensions["database"].why_unavailable(raised.value) == "unreachable"


@contextmanager
def reading(app: Flask, seconds: float | None) -> Iterator[Any]:
    database = app.extensions["database"]
    made = database.begin_reading(seconds)
    try:
        yield made.executor
    finally:
        database.end_reading(made)


def limit(statements: Any) -> str:
    (found,) = statements.execute("SELECT current_setting('statement_timeout')", []).fetchone()
    return str(found)


def test_reading_has_its_own_limit_of_time_and_one_state(app: Flask) -> None:
    database = app.extensions["database"]
    database.close_idle()
    for seconds, expected in [(2.5, "2500ms"), (None, "0"), (2.5, "2500ms"), (0.02, "20ms")]:
        for _ in range(2):
            with reading(app, seconds) as statements:
                assert limit(statements) == expected
                kind = "SELECT current_setting('transaction_isolation'), now()"
                isolation, began = statements.execute(kind, []).fetchone()
                assert isolation == "repeatable read"
                assert statements.execute(kind, []).fetchone() == (isolation, began)
    assert len(database._idle) == 1


def test_limit_of_the_server_is_not_ours(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    database = app.extensions["database"].url.database
    with by_other_hands(app) as connection:
        connection.execute(f"ALTER DATABASE {database} SET statement_timeout = 1234")
    for _ in range(2):
        with reading(app, None) as statements:
            assert limit(statements) == "0"


def test_reading_that_lost_its_state_is_not_kept(app: Flask) -> None:
    with reading(app, 1) as statements:
        statements.execute("SELECT 1", [])
        statements._connection.execute("ROLLBACK")
    for _ in range(2):
        with reading(app, 1) as statements:
            kind = "SELECT current_setting('transaction_isolation')"
            assert statements.execute(kind, []).fetchone() == ("repeatable read",)


@pytest.mark.parametrize("end", [end_by_administrator, hang_up])
def test_connection_that_is_gone_at_rest_is_made_anew(app: Flask, end: Callable[..., None]) -> None:
    database = app.extensions["database"]
    database.close_idle()
    with reading(app, 1) as statements:
        statements.execute("SELECT 1", [])
    end(app, database._idle[0].server)
    with reading(app, 1) as statements:
        assert statements.execute("SELECT 2", []).fetchone() == (2,)


def test_limit_of_time_outlives_a_failure(app: Flask) -> None:
    for _ in range(3):
        with pytest.raises(psycopg.errors.QueryCanceled), reading(app, 0.05) as statements:
            statements.execute("SELECT pg_sleep(5)", [])
        with reading(app, 0.05) as statements:
            assert limit(statements) == "50ms"
    with reading(app, 0.05) as statements, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        statements.execute("DELETE FROM contacts RETURNING id", [])
