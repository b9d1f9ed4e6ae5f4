"""PostgreSQL that crashes and comes back under the running service, again and again."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from contacts_service.db.session import close_connections, db, read_connection
from contacts_service.factory import create_app
from contacts_service.search.index import find_differences
from tests import databases
from tests.service import ROUNDS, Service, at_once, served

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]

WRITERS = 8
CRASHES = 3


@pytest.fixture
def cluster() -> Iterator[databases.Cluster]:
    with databases.own_server() as made:
        yield made


@pytest.fixture
def service(cluster: databases.Cluster, tmp_path: Path) -> Iterator[Service]:
    server = str(cluster.folder)
    with databases.administration(server) as connection:
        connection.execute("CREATE DATABASE contacts TEMPLATE template0")
    with served(tmp_path, CONTACTS_DATABASE_URL=databases.url_of("contacts", server)) as started:
        yield started


def test_server_that_crashes_costs_503_and_no_acknowledged_write(
    cluster: databases.Cluster, service: Service
) -> None:
    statuses: Counter[int] = Counter()
    acknowledged: set[str] = set()

    def write() -> None:
        for number in count():
            email = f"person{number}.of{threading.get_ident()}@example.com"
            status, _ = service.call("POST", "/contacts/quick", {"email": email})
            statuses[status] += 1
            if status == 201:
                acknowledged.add(email)
            statuses[service.call("GET", "/contacts").status] += 1
            if is_over.is_set():
                return

    with at_once([write] * WRITERS) as is_over:
        for _ in range(CRASHES * ROUNDS):
            time.sleep(1)
            cluster.stop()
            assert service.call("GET", "/contacts").status == 503
            cluster.start(databases.LASTING)
            assert service.recovers("GET", "/contacts").status == 200

    assert set(statuses) == {200, 201, 503}
    assert service.health() == 200
    app = create_app({"CONTACTS_DATABASE_URL": service.environ["CONTACTS_DATABASE_URL"]})
    with app.app_context():
        kept = set(db.session.execute(db.text("SELECT email FROM contacts")).scalars())
        assert acknowledged <= kept
        assert list(find_differences(read_connection())) == []
        close_connections()
