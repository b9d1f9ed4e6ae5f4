"""Compares PostgreSQL with SQLite on the same rows: `python -m bench.postgresql`.

Starts a server of its own with the settings that it comes with, copies directories of made-up
people into it, and ends with a table of the bounds and the figures measured.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from subprocess import run

from flask import current_app

from bench import load, search_queries
from bench.directories import directory
from bench.promises import Promise, heading, tell
from bench.serving import free_port, running, served_environ
from contacts_service.auth.commands import local_key
from contacts_service.config import PROJECT_FOLDER
from contacts_service.contacts.queries import search_contacts
from contacts_service.db.migrate import migrate_database
from contacts_service.db.session import close_connections, read_connection
from contacts_service.factory import create_app
from contacts_service.strict_json import write_json
from tests import databases

WORKERS, CONNECTIONS = 2, 16
PATHS = {"one contact": "/api/v1/contacts/1000", "list of 50": "/api/v1/contacts"}


def main() -> None:
    options = _options()
    options.folder.mkdir(parents=True, exist_ok=True)
    heading("Directories")
    files = [directory(options.folder, count) for count in (options.small, options.large)]
    programs = databases.programs()
    if programs is None:
        sys.exit("PostgreSQL's programs are not installed.")
    cluster = databases.Cluster(programs)
    cluster.start(("listen_addresses=''", "max_wal_size=4GB"))
    try:
        small, copying = copied(cluster, files[0], "small", options.small)
        large, large_copying = copied(cluster, files[1], "large", options.large)
        promises = [copying, large_copying]
        promises += searching(files[1], large, options.rounds)
        promises += serving(files[0], small, options.rounds, options.seconds)
    finally:
        cluster.stop()
        cluster.remove()
    tell(promises)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.postgresql", description=__doc__)
    parser.add_argument("--small", type=int, default=82_171, help="people in the small directory")
    parser.add_argument("--large", type=int, default=1_000_000, help="people in the large one")
    parser.add_argument("--folder", type=Path, default=Path("/tmp/contacts-bench"))
    parser.add_argument("--quick", action="store_true", help="a small run, to see that it runs")
    options = parser.parse_args()
    options.rounds, options.seconds = 9, 2.0
    if options.quick:
        options.small, options.large, options.rounds, options.seconds = 1000, 5000, 2, 0.3
    return options


def copied(cluster: databases.Cluster, file: Path, name: str, contacts: int) -> tuple[str, Promise]:
    """Copy a directory; the URL of the copy, and how fast it was made."""
    server = str(cluster.folder)
    with databases.administration(server) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    url = databases.url_of(name, server)
    beginning = time.perf_counter()
    command = [Path(sys.executable).parent / "flask", "contacts", "copy-to", url]
    run(command, cwd=PROJECT_FOLDER, env=_environ(f"sqlite:///{file}"), check=True)
    rate = contacts / (time.perf_counter() - beginning)
    with databases.administration(server, name) as connection:
        connection.execute("VACUUM ANALYZE")
        for table, size in connection.execute(
            "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r' "
            "AND relnamespace = 'public'::regnamespace ORDER BY 2 DESC LIMIT 4"
        ):
            print(f"{name:8}{table:28}{size:>16,} bytes with its indexes")
    return url, Promise(f"copy-to, {contacts:,} contacts", rate, 4_000, "/s", is_least=True)


def _environ(url: str, port: int = 0) -> dict[str, str]:
    return served_environ(Path(), port, WORKERS) | {"CONTACTS_DATABASE_URL": url}


@contextmanager
def opened(url: str) -> Iterator[None]:
    app = create_app({"CONTACTS_DATABASE_URL": url})
    with app.app_context():
        migrate_database(may_create=True)
        try:
            yield
        finally:
            close_connections()


def searching(file: Path, url: str, rounds: int) -> list[Promise]:
    """Time every query, and compare the answers."""
    heading("Queries, in milliseconds, in process: SQLite, PostgreSQL")
    queries = search_queries.queries()
    taken: list[dict[str, float]] = []
    answers: list[list[bytes]] = []
    for address in (f"sqlite:///{file}", url):
        with opened(address):
            # A statement is planned anew the first ten times.
            rounds_taken = [_times(queries) for _ in range(10 + rounds)][10:]
            answers.append([_answer(query) for query in queries])
        taken.append({q: statistics.median(each[q] for each in rounds_taken) for q in queries})
    for query in queries:
        print(f"{query:32}{1000 * taken[0][query]:>9.2f}{1000 * taken[1][query]:>9.2f}")
    different = [q for q, one, other in zip(queries, *answers, strict=True) if one != other]
    print(f"{len(queries)} queries, answered differently: {different or 'none'}")
    seconds = taken[1].values()
    return [
        Promise("search: queries answered differently", len(different), 0, ""),
        Promise("search: median", 1000 * statistics.median(seconds), 5, "ms"),
        Promise("search: the worst query", 1000 * max(seconds), 250, "ms"),
    ]


def _times(queries: list[str]) -> dict[str, float]:
    times = {}
    for query in queries:
        beginning = time.perf_counter()
        _answer(query)
        times[query] = time.perf_counter() - beginning
    return times


def _answer(query: str) -> bytes:
    with current_app.app_context():  # one request's
        return write_json(search_contacts(read_connection(), query))


def serving(file: Path, url: str, rounds: int, seconds: float) -> list[Promise]:
    """Measure the requests a second of both in turns."""
    heading(f"Requests a second, {WORKERS} workers, {CONNECTIONS} callers: SQLite, PostgreSQL")
    rates: dict[str, list[list[float]]] = {kind: [[], []] for kind in PATHS}
    for number in range(2 * rounds):
        address = url if number % 2 else f"sqlite:///{file}"
        with opened(address):
            key = local_key(file.parent)
        port, log = free_port(), file.with_name("server.log")
        command = [sys.executable, "-m", "flask", "serve"]
        with running(command, port, _environ(address, port), log):
            for kind, path in PATHS.items():
                asked = repeat(load.get(path, key))
                load.run(port, asked, connections=CONNECTIONS, seconds=seconds / 4)
                outcome = load.run(port, asked, connections=CONNECTIONS, seconds=seconds)
                rates[kind][number % 2].append(outcome.rate)
    promises = []
    for kind, (sqlite, postgresql) in rates.items():
        one, other = statistics.median(sqlite), statistics.median(postgresql)
        print(f"{kind:32}{one:>9,.0f}{other:>9,.0f}")
        promises.append(Promise(f"{kind} against SQLite", other / one, 0.5, "times", is_least=True))
    return promises


if __name__ == "__main__":
    main()
