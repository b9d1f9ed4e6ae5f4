"""What the two search indexes have in common; `sqlite_index` and `postgresql_index` are they."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

from sqlalchemy import Connection

from contacts_service.db.queries import ReadConnection
from contacts_service.search.tokens import AllOf

Candidate = tuple[int, int, str]  # the number in the index, the contact's id, its document


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
    def seen_by(self, reads: ReadConnection) -> Candidates:
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
    def checksums(self, reads: ReadConnection, table: str) -> Iterator[tuple[int, int]]:
        """Sums of checksums by number, in parts that add up to `checksum` of its tokens."""

    @abstractmethod
    def checksum(self, number: int, tokens: set[str]) -> int:
        """The sum of checksums of a number that has these tokens."""
