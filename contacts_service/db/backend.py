"""The database systems that the service runs on, and what each does in its own way.

`CONTACTS_DATABASE_URL` chooses one when the application is made: `sqlite.SQLiteFile` or
`postgresql.PostgreSQLServer`. What they spell differently in SQL is in `dialects`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar, Literal

from sqlalchemy import Connection, Dialect, Engine

from contacts_service.db.queries import Reader
from contacts_service.search.tokens import AllOf

# Others are at work for too long; what was asked takes too long; it cannot be reached or used.
Cause = Literal["busy", "slow", "unreachable"]

Rows = Sequence[tuple[Any, ...]]
Candidate = tuple[int, int, str]  # the number in the index, the contact's id, its document


class BackendError(Exception):
    """A database that will not do; the message is a sentence that says what to do."""


class Reading:
    """A transaction that only reads. `executor` has the `execute` of the driver's connections."""

    __slots__ = ("executor",)

    def __init__(self, executor: Any) -> None:
        self.executor = executor


class Backend(ABC):
    """A database. `driver` is a connection of the driver's own, in a transaction or not."""

    placeholder: ClassVar[str]  # of a value in the driver's SQL
    search: "SearchIndex"
    name: str  # in sentences for the operator; without the password
    path: Path | None = None  # of the file, if it is one
    busy_timeout: int  # seconds that a writer waits for another
    url: Any
    engine_options: dict[str, Any]
    dialect: Dialect  # of the engine that it was prepared for

    @abstractmethod
    def is_there(self) -> bool:
        """Whether there is a database, as far as that can be told without opening it."""

    @abstractmethod
    def create(self) -> None:
        """Make an empty database, where that is the service's to do. Raises OSError."""

    @abstractmethod
    def check(self, connection: Connection) -> None:
        """Raises BackendError if the service cannot work with this database."""

    @abstractmethod
    def prepare(self, engine: Engine) -> None:
        """Set up every connection that the engine will make."""

    @abstractmethod
    def begin_reading(self, seconds: float | None) -> Reading:
        """A connection by which all that is read is of one state, each query within `seconds`.

        None is without a limit. Raises the driver's errors.
        """

    @abstractmethod
    def end_reading(self, reading: Reading) -> None:
        """Keep the connection for the next one that reads, if it can still be used."""

    @abstractmethod
    def close_idle(self) -> None:
        """Close the connections that nobody reads by."""

    @abstractmethod
    def writer(self, deadline: float) -> AbstractContextManager[None]:
        """Who is about to write, and waits for others until `deadline` at most."""

    @abstractmethod
    def begin_writing(self, driver: Any, deadline: float) -> None:
        """Begin a transaction with no other writer at work, waiting for that until `deadline`."""

    def after_commit(self, driver: Any) -> None:  # noqa: B027 (most have nothing to do)
        """What is to be done for the database now and then. Raises nothing."""

    def leave(self) -> None:  # noqa: B027
        """What is to be done once nobody else of the service has it open. Raises nothing."""

    @abstractmethod
    def migrating(self, engine: Engine) -> AbstractContextManager[Connection]:
        """A connection in a transaction that may change tables, alone."""

    @abstractmethod
    def insert_rows(self, driver: Any, table: str, columns: Sequence[str], rows: Rows) -> None:
        """Add rows; what fails undoes the whole transaction."""

    @abstractmethod
    def take_ids(self, driver: Any, table: str, count: int) -> int:
        """The first of so many ids that were never given before, for rows that are added next."""

    @abstractmethod
    def why_unavailable(self, error: Any) -> Cause | None:
        """What a driver's error says of the database's surroundings; None if of a statement."""

    @abstractmethod
    def advice(self, error: Any) -> str:
        """What to do about a database that cannot be opened, as a sentence."""


class Candidates(ABC):
    """What one reader finds in the search index; what it looks for is given as alternatives."""

    @abstractmethod
    def few(self, wanted: Sequence[AllOf], most: int) -> list[int] | None:
        """The numbers of those that have the tokens; None if there are more than `most`."""

    @abstractmethod
    def streamed(self, wanted: Sequence[AllOf], *, with_documents: bool) -> Iterator[Candidate]:
        """Those that have the tokens, most recently updated first; without documents, "" each."""


class SearchIndex(ABC):
    """Which contacts have which tokens; each contact is a number, the greatest updated last.

    A table's name is given to those who write, as an index can be built beside the live one.
    """

    is_exact: ClassVar[bool]  # whether what is found has the tokens for sure

    @abstractmethod
    def seen_by(self, reader: Reader) -> Candidates:
        """The live index, for as long as the reader sees one state."""

    @abstractmethod
    def add(self, driver: Any, table: str, rows: Iterable[tuple[int, set[str]]]) -> None:
        """Add numbers with their tokens."""

    @abstractmethod
    def remove(self, driver: Any, table: str, rows: Sequence[tuple[int, set[str]]]) -> None:
        """Remove numbers; their tokens are those that they were added with."""

    @abstractmethod
    def create_like(self, connection: Connection, live: str, new: str) -> None:
        """Make an empty table of documents or of tokens like the live one."""

    @abstractmethod
    def put_in_place(self, connection: Connection, new: str, live: str) -> None:
        """Let the new table take the place of the live one."""

    @abstractmethod
    def merge(self, connection: Connection, table: str, *, is_first: bool) -> bool:
        """Bring some of the index's parts together; whether there is more to do."""

    @abstractmethod
    def checksums(self, connection: Connection, table: str) -> Iterator[tuple[int, int]]:
        """Sums of checksums by number, in parts that add up to `checksum` of its tokens."""

    @abstractmethod
    def checksum(self, number: int, tokens: set[str]) -> int:
        """The sum of checksums of a number that has these tokens."""
