"""The interface that `sqlite` and `postgresql` implement.

`CONTACTS_DATABASE_URL` chooses one of them when the application is made. Differences of their SQL
are in `sql`.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar, Literal

from sqlalchemy import URL, Connection, Engine

from contacts_service.errors import OperatorError

# Other writers take too long; a query takes too long; the database cannot be reached or used.
Cause = Literal["busy", "slow", "unreachable"]

Rows = Sequence[tuple[Any, ...]]


class BackendError(OperatorError):
    """The service cannot work with this database. The message says what to do."""


class Backend(ABC):
    """A database. A parameter `driver` is a DB-API connection of its driver."""

    placeholder: ClassVar[str]  # for a value in the driver's SQL
    name: str  # for sentences to the operator, without the password
    path: Path | None = None  # of the file, if it is one
    url: URL
    busy_timeout: int  # seconds
    engine_options: dict[str, Any]
    engine: Engine

    @abstractmethod
    def exists(self) -> bool:
        """Whether there is a database, as far as can be said without opening it."""

    @abstractmethod
    def create(self) -> None:
        """Make an empty database, if this is a task of the service. Raises OSError."""

    @abstractmethod
    def check(self, connection: Connection) -> None:
        """Raises BackendError if the service cannot work with this database."""

    @abstractmethod
    def connect(self) -> Any:
        """A new connection of the driver, in autocommit mode. Raises the driver's errors."""

    @abstractmethod
    def is_current(self, driver: Any) -> bool:
        """Whether an idle connection can still be used."""

    @abstractmethod
    def on_begin(self, connection: Connection) -> None:
        """Begin a transaction of SQLAlchemy: to write if it has the option `write_before`."""

    @abstractmethod
    def begin_reading(self, driver: Any, seconds: float | None) -> None:
        """Begin a read-only transaction that sees one state of the database.

        Its queries fail as "slow" after `seconds`, or never if that is None. SQLite counts from the
        beginning of the transaction, PostgreSQL from that of each query.
        """

    @abstractmethod
    def end_reading(self, driver: Any) -> None:
        """End the transaction of `begin_reading`."""

    @abstractmethod
    def begin_writing(self, driver: Any, deadline: float) -> None:
        """Begin a transaction with the database's write lock.

        Waits for other processes until `deadline` (monotonic seconds), then raises SQLAlchemy's
        DatabaseError, which `classify_error` calls "busy".
        """

    @abstractmethod
    def sizes(self, driver: Any) -> tuple[int, int | None]:
        """The bytes of the database and of its write-ahead log; None if that is no file of its own.

        Raises the driver's errors.
        """

    def after_commit(self, driver: Any) -> None:  # noqa: B027 (PostgreSQL has nothing to do)
        """Maintain the database after a commit. Raises nothing."""

    def checkpoint_on_exit(self) -> None:  # noqa: B027
        """Maintain the database after all other connections are closed. Raises nothing."""

    @abstractmethod
    def migrating(self) -> AbstractContextManager[Connection]:
        """A connection in a transaction that holds the write lock and may alter tables."""

    @abstractmethod
    def insert_rows(self, driver: Any, table: str, columns: Sequence[str], rows: Rows) -> None:
        """Insert rows."""

    @abstractmethod
    def reserve_ids(self, driver: Any, table: str, count: int) -> int:
        """Reserve `count` consecutive ids that were never used; the first one."""

    @abstractmethod
    def classify_error(self, error: Any) -> Cause | None:
        """Why the database was unavailable; None if the error is the statement's."""

    @abstractmethod
    def connection_hint(self, error: Any) -> str:
        """A sentence that says what to do about a database that cannot be opened."""
