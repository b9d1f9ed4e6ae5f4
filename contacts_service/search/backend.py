"""The interface that both search indexes implement; see `sqlite_index` and `postgresql_index`."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar

from sqlalchemy import Connection

from contacts_service.db.queries import ReadConnection
from contacts_service.search.tokens import Conjunction

Candidate = tuple[int, int, str]  # its docid, its contact's id, its dumped document


class SearchIndex(ABC):
    """Knows which documents have which tokens.

    A docid is a document's number in the index; it is greater than that of every document indexed
    before. `wanted` is a list of alternatives: a document is found if it has the tokens of one.
    `table` is the live table of tokens or one that is built beside it.
    """

    is_lossy: ClassVar[bool]  # whether documents without the wanted tokens may be found too

    @abstractmethod
    def ids_up_to(
        self, reads: ReadConnection, wanted: Sequence[Conjunction], limit: int
    ) -> list[int] | None:
        """The docids of all documents found, or None if there are more than `limit`."""

    @abstractmethod
    def iter_newest_first(
        self, reads: ReadConnection, wanted: Sequence[Conjunction], *, with_dumps: bool
    ) -> Iterator[Candidate]:
        """The documents found, greatest docid first; every dump is "" unless `with_dumps`."""

    @abstractmethod
    def add(self, driver: Any, table: str, rows: Iterable[tuple[int, set[str]]]) -> None:
        """Add docids with their tokens."""

    @abstractmethod
    def remove(self, driver: Any, table: str, rows: Sequence[tuple[int, set[str]]]) -> None:
        """Remove docids, given with the tokens that they were added with."""

    @abstractmethod
    def create_like(self, connection: Connection, live: str, new: str) -> None:
        """Create an empty table, of documents or of tokens, with the layout of the live one."""

    @abstractmethod
    def replace(self, connection: Connection, live: str, new: str) -> None:
        """Drop the live table and give the new one its name."""

    @abstractmethod
    def merge(self, connection: Connection, table: str, *, is_first: bool) -> bool:
        """Merge some of the segments that writes have left; whether there is more to merge."""

    @abstractmethod
    def stored_checksums(self, reads: ReadConnection, table: str) -> Iterator[tuple[int, int]]:
        """Docids with checksums; those of one docid add up to its `expected_checksum`."""

    @abstractmethod
    def expected_checksum(self, docid: int, tokens: set[str]) -> int:
        """The checksum of a docid that is stored with exactly these tokens."""
