"""The formats: how records become bytes, one whole line after the other.

What is appended while an export goes on is lines in every format, so that a place between two of them is a place to go
on from. Of Parquet, which can only be written from beginning to end, they are rows as JSON; the file is made of them
when they are complete.
"""

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol

import attrs
import msgspec

from .._text import did_you_mean, printable
from ..errors import ConfigurationError
from .columns import Column, Table
from .records import Record

_encode: Final = msgspec.json.Encoder(decimal_format="number").encode

_FORMULA: Final = tuple("=+-@\t\r\n'\uff1d\uff0b\uff0d\uff20")
"""What a text must not begin with in a spreadsheet: these begin a formula (the last four do in some locales), and the
apostrophe is what keeps them from it."""
_QUOTED: Final = frozenset(',"\r\n;\t')


class Format(StrEnum):
    """What a file is written as."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


class Writer(Protocol):
    """How one format is written."""

    @property
    def header(self) -> bytes:
        """What comes before the first record."""
        ...

    def lines(self, records: Iterable[Record]) -> bytes:
        """Some records, each as one whole line; a line of CSV may hold line breaks between quotes."""
        ...


class JsonLines:
    """One JSON:API document a line."""

    header = b""

    def lines(self, records: Iterable[Record]) -> bytes:
        """See `Writer`."""
        return b"".join(b"%b\n" % record.document for record in records)


@attrs.frozen
class Csv:
    """RFC 4180 in UTF-8: a row of names, then one row a record.

    Null and what is absent are nothing between two commas, an empty text is `""`. Objects and arrays are JSON. A text
    that a spreadsheet would take for a formula has an apostrophe put before it, and so does one that begins with an
    apostrophe: taking one away gives every text back.
    """

    table: Table

    @property
    def header(self) -> bytes:
        """See `Writer`."""
        return _csv_line(_csv_text(column.name) for column in self.table.columns)

    def lines(self, records: Iterable[Record]) -> bytes:
        """See `Writer`."""
        rows = (self.table.row(record, strict=False) for record in records)
        return b"".join(_csv_line(map(_csv_cell, row)) for row in rows)


@attrs.frozen
class Rows:
    """Cells as JSON arrays, from which `parquet.convert` makes the file."""

    table: Table

    header = b""

    def lines(self, records: Iterable[Record]) -> bytes:
        """See `Writer`."""
        return b"".join(b"%b\n" % _encode(self.table.row(record, strict=True)) for record in records)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the cells."""
        return self.table.columns


def format_of(format: str | None, path: Path) -> Format:
    """The format that was asked for, else the one that the file's name ends in, else JSON lines.

    Raises:
        ConfigurationError: there is no such format.
    """
    if format is None:
        return _BY_SUFFIX.get(path.suffix.lower(), Format.JSONL)
    try:
        return Format(format)
    except ValueError:
        pass
    hint = did_you_mean(str(format), map(str, Format)) or f"; there are {', '.join(Format)}"
    raise ConfigurationError(f"format: {printable(repr(format), 60)} is none{hint}")


_BY_SUFFIX: Final = {
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".csv": Format.CSV,
    ".parquet": Format.PARQUET,
}


def _csv_line(cells: Iterable[str]) -> bytes:
    # Text that came as JSON holds no half characters, but a name of a caller's own may.
    return f"{','.join(cells)}\r\n".encode(errors="backslashreplace")


def _csv_cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str():
            return _csv_text(value)
        case int() | float() | Decimal():
            return _encode(value).decode() if isinstance(value, Decimal | float) else str(value)
        case _:
            return _quoted(_encode(value).decode())


def _csv_text(text: str) -> str:
    shown = f"'{text}" if text.startswith(_FORMULA) else text
    needed = not shown or shown[0] == " " or shown[-1] == " " or not _QUOTED.isdisjoint(shown)
    return _quoted(shown) if needed else shown


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
