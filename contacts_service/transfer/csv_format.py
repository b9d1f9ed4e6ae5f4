"""Reads and writes CSV files.

Files are written in UTF-8 with commas and the quotes of RFC 4180. A byte order mark, semicolons
and tabs are read as well.

A spreadsheet runs a cell that begins with = + - @, a tab or a carriage return as a formula. Such a
cell is written with an apostrophe in front, also if it begins with apostrophes already, and read
without it: `=1` becomes `'=1` and `'=1` becomes `''=1`. Other apostrophes are kept: `'t Hooft`
stays as it is, and so does `+61 412 345 678`, in which there is nothing to run.
"""

import csv
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from contacts_service.errors import OperatorError

DELIMITERS = ",;\t"
CELL_LENGTH = 131_072  # characters
LINE_LENGTH = 16 * CELL_LENGTH

_formula = re.compile("'*[=+\\-@\t\r＝＋－＠]")
_plain_number = re.compile(r"\+[0-9 ]+", re.ASCII)
_escaped_formula = re.compile("'+[=+\\-@\t\r＝＋－＠]")


class FileError(OperatorError):
    """A file cannot be read or written."""


@dataclass(frozen=True, slots=True)
class Row:
    """A record and the line on which it begins. `error` says why it could not be parsed."""

    line: int
    cells: list[str]
    error: str | None = None


def escape(cell: str) -> str:
    """The cell with an apostrophe in front if a spreadsheet would run it."""
    is_run = _formula.match(cell) and not _plain_number.fullmatch(cell)
    return "'" + cell if is_run else cell


def unescape(cell: str) -> str:
    """The cell that `escape` turned into this one."""
    return cell[1:] if _escaped_formula.match(cell) else cell


@contextmanager
def open_csv(path: Path) -> Iterator[TextIO]:
    """Open a file for `read_table`. Raises FileError."""
    try:
        if not path.is_file():  # a pipe cannot be read twice
            raise FileError(f"{path} is not a file.")
        # Bytes that are not UTF-8 become surrogates, by which _Lines finds their line.
        file = path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
    except OSError as error:
        raise FileError(f"{path} cannot be opened: {error.strerror}.") from None
    with file:
        yield file


def read_table(file: TextIO, columns: Collection[str]) -> tuple[list[str], Iterator[Row]]:
    """Return the headers and an iterator over the rows, without blank rows.

    Raises FileError, from the iterator too: for a header that is not in `columns` or comes twice,
    for text that is not UTF-8, and for a quote that is never closed.
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
    """Write the headers, and return a function that writes a row."""
    writer = csv.writer(file)
    writer.writerow(headers)
    return lambda cells: writer.writerow(map(escape, cells))


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """A new file that replaces `path` once it is on the disk, and is deleted by any exception.

    Only its owner may read it.
    """
    target = path.resolve()
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with open(part, "x", encoding="utf-8", newline="", opener=_open_own) as file:
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


def _open_own(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class _Lines:
    """The checked lines of a file. `record` collects them until it is cleared."""

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
            # Without the end of the cell, the beginning of the next row is unknown.
            if lines.is_at_end or len(text) > CELL_LENGTH:
                raise FileError(
                    f"The row in line {line:,} of {lines.name} has a cell that does not end within "
                    f"{CELL_LENGTH:,} characters; is a closing quote missing?"
                ) from None
            yield Row(line, [text.rstrip("\r\n")], "A quote is misplaced.")
            continue
        if any(map(str.strip, cells)):
            yield Row(line, list(map(unescape, cells)))
