"""What connections are made with: how a server is watched over a network, and an encoding."""

import os
import select
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from contacts_service.db.queries import CompiledStatement, ReadConnection
from contacts_service.db.session import backend, classify_error, db, describe_error, read_connection
from contacts_service.factory import create_app
from tests import databases
from tests.client import Api
from tests.conftest import make_api, make_app

pytestmark = pytest.mark.postgresql


@contextmanager
def listening(server: str) -> Iterator[int]:
    """A port at which the first caller is connected with a server's socket."""

    def forward(source: socket.socket, target: socket.socket) -> None:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)

    def connect() -> None:
        here = listener.accept()[0]
        there = socket.socket(socket.AF_UNIX)
        there.connect(f"{server}/.s.PGSQL.5432")
        back = threading.Thread(target=forward, args=(there, here))
        back.start()
        forward(here, there)
        back.join()
        here.close()
        there.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=connect)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


@pytest.mark.parametrize(
    ("option", "seconds"), [("", 10), ("&keepalives_idle=77", 77)], ids=["default", "by the URL"]
)
def test_a_machine_that_is_gone_is_noticed(tmp_path: Path, option: str, seconds: int) -> None:
    database = databases.database_url(tmp_path, is_migrated=True)
    server = os.environ[databases.SERVER]
    with listening(server) as port:
        at_port = database.replace(f"host={server}", f"host=127.0.0.1&port={port}{option}")
        made = create_app({"CONTACTS_DATABASE_URL": at_port}).extensions["database"]
        with (
            closing(made.connect()) as connection,
            socket.socket(fileno=os.dup(connection.fileno())) as line,
        ):
            assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            probes = [socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT]
            times = [line.getsockopt(socket.IPPROTO_TCP, probe) for probe in probes]
            assert times == [seconds, 5, 4]
            assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000


def test_the_database_s_own_encoding_for_clients_does_not_matter(tmp_path: Path) -> None:
    api = make_api(app := make_app(tmp_path))
    with databases.by_other_hands(app) as connection:
        name = app.extensions["database"].url.database
        connection.execute(f"ALTER DATABASE {name} SET client_encoding = 'LATIN1'")
    databases.end_connections(name)
    api.make_contact("wang@example.com", first_name="小明")
    assert api.get("/contacts/search?q=小")[0]["first_name"] == "小明"


@pytest.fixture
def limited(tmp_path: Path) -> Api:
    """A caller of a service that has two connections at most."""
    owner = make_api(app := make_app(tmp_path))
    role = f"limited_{os.getpid()}_{crc32(tmp_path.name.encode()):x}"
    with databases.by_other_hands(app) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 2")
        for things in ("TABLES", "SEQUENCES"):
            connection.execute(f"GRANT ALL ON ALL {things} IN SCHEMA public TO {role}")
    url = databases.database_url(tmp_path).replace(f"//{databases.OWNER}@", f"//{role}@")
    return Api(create_app({"CONTACTS_DATABASE_URL": url}).test_client(), owner.token)


def test_two_connections_are_enough_for_one_caller(limited: Api) -> None:
    assert limited.get("/contacts")["total"] == 0
    limited.make_contact("linda@example.com")
    assert limited.get("/contacts")["total"] == 1


def backend_pid(connection: ReadConnection) -> int:
    return int(connection.driver.info.backend_pid)


def end_by_administrator(reads: ReadConnection) -> None:
    with databases.administration() as other:  # which waits for it
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [backend_pid(reads)])


def hang_up(reads: ReadConnection) -> None:
    with socket.socket(fileno=os.dup(reads.driver.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


def let_nothing_out(reads: ReadConnection) -> None:
    """The server has said something before: for libpq the connection is not broken then."""
    reads.driver.execute("LISTEN something")
    with databases.administration(name=reads.driver.info.dbname) as other:
        other.execute("NOTIFY something")
    assert select.select([reads.driver], [], [], 10)[0]
    with socket.socket(fileno=os.dup(reads.driver.fileno())) as line:
        line.shutdown(socket.SHUT_WR)


ENDS = (end_by_administrator, hang_up, let_nothing_out)
ONE = CompiledStatement(text("SELECT CAST(:number AS bigint)"))


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("asked", [0, 5, 9])  # then: as it is, to be prepared, prepared
def test_a_lost_connection_makes_the_database_unreachable(
    app: Flask, end: Callable[[ReadConnection], None], asked: int
) -> None:
    with app.app_context():
        reads = ReadConnection(backend().connect(), db.engine.dialect)
        for _ in range(asked):
            reads.value(ONE, {"number": 1})
        end(reads)
        for _ in range(2):
            with pytest.raises(OperationalError) as raised:
                reads.value(ONE, {"number": 1})
            assert classify_error(raised.value) == "unreachable"


@pytest.mark.parametrize("end", [end_by_administrator, hang_up])
def test_a_connection_that_is_lost_at_rest_is_replaced(
    app: Flask, end: Callable[[ReadConnection], None]
) -> None:
    with app.app_context():
        at_rest = read_connection()
    end(at_rest)
    with app.app_context():
        assert read_connection().value(ONE, {"number": 2}) == 2


def setting(name: str) -> str:
    shown = CompiledStatement(text("SELECT current_setting(:name)"))
    return str(read_connection().value(shown, {"name": name}))


def test_a_request_reads_one_state_within_its_limit_of_time(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seconds, expected in [(2.5, "2500ms"), (0.02, "20ms"), (2.5, "2500ms")]:
        monkeypatch.setitem(app.config, "CONTACTS_QUERY_TIMEOUT", seconds)
        with app.test_request_context():
            assert setting("statement_timeout") == expected
            assert setting("transaction_isolation") == "repeatable read"
            with pytest.raises(OperationalError, match="read-only"):
                read_connection().row(CompiledStatement(text("DELETE FROM contacts")))


def test_the_server_s_limit_of_time_is_not_that_of_commands(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    with databases.by_other_hands(app) as connection:
        name = app.extensions["database"].url.database
        connection.execute(f"ALTER DATABASE {name} SET statement_timeout = 1234")
    for _ in range(2):
        with app.app_context():
            assert setting("statement_timeout") == "0"


def prepared(reads: ReadConnection) -> int:
    found = reads.driver.execute("SELECT count(*) FROM pg_prepared_statements", prepare=False)
    return int(found.fetchone()[0])


@pytest.mark.parametrize(("option", "expected"), [("5", 1), ("0", 0)])
def test_statements_stay_prepared_but_for_poolers_that_know_none(
    app: Flask, option: str, expected: int
) -> None:
    address = app.extensions["database"].url.update_query_dict({"prepare_threshold": option})
    url = address.render_as_string(hide_password=False)
    other = create_app({"CONTACTS_DATABASE_URL": url})
    for _ in range(3):  # requests, which use the same connection
        with other.app_context():
            for _ in range(10):
                assert read_connection().value(ONE, {"number": 3}) == 3
            assert prepared(read_connection()) == expected
    with other.app_context():
        db.engine.dispose()


def test_a_statement_whose_columns_have_changed_is_prepared_anew(app: Flask) -> None:
    changing = CompiledStatement(text("SELECT * FROM changing"))
    with app.app_context():
        reads = ReadConnection(backend().connect(), db.engine.dialect)
    reads.driver.execute("CREATE TEMPORARY TABLE changing AS SELECT 1 AS number")
    for _ in range(10):
        reads.rows(changing)
    reads.driver.execute("ALTER TABLE changing ADD COLUMN word text DEFAULT 'a'")
    for _ in range(10):
        assert reads.rows(changing) == [(1, "a")]
    reads.driver.close()


def test_an_error_s_description_does_not_tell_what_rows_hold(app: Flask) -> None:
    raising = "RAISE EXCEPTION 'No.' USING DETAIL = word, HINT = word"
    tell = CompiledStatement(text("SELECT pg_temp.tell('secret')"))
    with app.app_context():
        reads = ReadConnection(backend().connect(), db.engine.dialect)
    reads.driver.execute(
        "CREATE FUNCTION pg_temp.tell(word text) RETURNS text LANGUAGE plpgsql "
        f"AS $$ BEGIN {raising}; END $$"
    )
    with pytest.raises(OperationalError) as raised:
        reads.value(tell)
    assert describe_error(raised.value) == "No."
    reads.driver.close()


def test_a_silent_server_process_stops_nobody_but_who_asks_it(app: Flask) -> None:
    def read(number: int) -> Any:
        with app.app_context():
            return read_connection().value(ONE, {"number": number})

    with app.app_context():
        silent = str(backend_pid(read_connection()))
    os.kill(int(silent), signal.SIGSTOP)
    with (
        subprocess.Popen(["/bin/sh", "-c", f"sleep 2; kill -CONT {silent}"]),
        ThreadPoolExecutor(2) as pool,
    ):
        held = pool.submit(read, 1)  # takes the connection that was used last
        time.sleep(0.2)
        assert pool.submit(read, 2).result() == 2
        assert not held.done()
        assert held.result() == 1
