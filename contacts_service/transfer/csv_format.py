"""CSV files as people have them: read row by row whatever program wrote them, written atomically.

Written: UTF-8, commas, quoted as RFC 4180 says. Read: a byte order mark, semicolons and tabs as
well. A spreadsheet takes a cell that begins with = + - @, a tab or a carriage return for a
formula, so a cell of such text (or of apostrophes before it) gets one more apostrophe in front
when it is written, and loses one when it is read: `+61 4` is in the file as `'+61 4`, and `'+61 4`
as `''+61 4`. Every other apostrophe stays: `'t Hooft` is in the file as it is.
"""

import csv
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

DELIMITERS = ",;\t"
CELL_LENGTH = 131_072  # characters
LINE_LENGTH = 16 * CELL_LENGTH

_formula = re.compile("'*[=+\\-@\t\r＝＋－＠]")
_escaped_formula = re.compile("'+[=+\\-@\t\r＝＋－＠]")


class FileError(Exception):
    """A file that cannot be read or written as a whole; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Row:
    """A record and the line it begins on. `error` tells why its cells could not be told apart."""

    line: int
    cells: list[str]
    error: str | None = None


def escape(cell: str) -> str:
    """The cell as it is written: nothing that a spreadsheet would run."""
    return "'" + cell if _formula.match(cell) else cell


def unescape(cell: str) -> str:
    """The cell that `escape` was given."""
    return cell[1:] if _escaped_formula.match(cell) else cell


@contextmanager
def open_csv(path: Path) -> Iterator[TextIO]:
    """The file, for `read_table`. Raises FileError where it cannot be opened."""
    try:
        if not path.is_file():  # a pipe cannot be read twice
            raise FileError(f"{path} is not a file.")
        # Bytes that are not UTF-8 come in as surrogates, so that their line can be named.
        file = path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
    except OSError as error:
        raise FileError(f"{path} cannot be opened: {error.strerror}.") from None
    with file:
        yield file


def read_table(file: TextIO, columns: Collection[str]) -> tuple[list[str], Iterator[Row]]:
    """The headers, which are of `columns`, and the rows; blank rows are left out.

    Raises FileError, from the iterator too: a header that is none of `columns` or comes twice,
    text that is not UTF-8, a cell without end.
    """
    file.seek(0)
    lines = _Lines(file)
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        raise FileError(f"{lines.name} is empty.")
    delimiter = max(DELIMITERS, key=lambda mark: len(_split(first, mark)))
    written = [unescape(cell).strip() for cell in _split(first, delimiter)]
    headers = [header.lower() for header in written]
    for place, header in enumerate(headers):
        if not header:
            raise FileError(f"Column {place + 1} of {lines.name} has no header.")
        if header not in columns:
            known = ", ".join(columns)
            name = written[place][:80]
            raise FileError(f"{name!r} is not a column of contacts; there are: {known}.")
        if headers.index(header) != place:
            raise FileError(f"The column {header} is in {lines.name} twice.")
    return headers, _rows(lines, delimiter)


def write_table(file: TextIO, headers: Iterable[str]) -> Callable[[Iterable[str]], object]:
    """Write the headers; what is returned writes a row."""
    writer = csv.writer(file)
    writer.writerow(headers)
    return lambda cells: writer.writerow(map(escape, cells))


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """A file that takes the place of `path` once all of it is on the disk, and else is gone."""
    target = path.resolve()
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("x", encoding="utf-8", newline="") as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                part.replace(target)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror}.") from None


class _Lines:
    """The lines of a file, checked; `record` has those that were taken since it was cleared."""

    def __init__(self, file: TextIO) -> None:
        self.file = file
        self.name = Path(file.name).name
        self.number = 0
        self.record: list[str] = []
        self.is_at_end = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.file.readline(LINE_LENGTH)
        if not line:
            self.is_at_end = True
            raise StopIteration
        self.number += 1
        if len(line) == LINE_LENGTH:
            raise FileError(
                f"Line {self.number:,} of {self.name} is longer than {LINE_LENGTH:,} characters."
            )
        try:
            line.isascii() or line.encode()
        except UnicodeEncodeError:
            raise FileError(
                f"Line {self.number:,} of {self.name} is not UTF-8; save the file as CSV UTF-8."
            ) from None
        self.record.append(line)
        return line


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True, strict=True))
    except csv.Error:
        return [line]


def _rows(lines: _Lines, delimiter: str) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    while True:
        lines.record.clear()
        line = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            text = "".join(lines.record)
            # Where the cell ends is unknown, and so is where the next row begins.
            if lines.is_at_end or len(text) > CELL_LENGTH:
                raise FileError(
                    f"The row in line {line:,} of {lines.name} has a cell that does not end within "
                    f"{CELL_LENGTH:,} characters; is a closing quote missing?"
                ) from None
            yield Row(line, [text.rstrip("\r\n")], "A quote is misplaced.")
            continue
        if any(map(str.strip, cells)):
            yield Row(line, list(map(unescape, cells)))
