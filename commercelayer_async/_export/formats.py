"""The formats: records as bytes, in complete lines.

Every format is appended to in lines, so an export can be resumed after any of them. A Parquet file cannot be appended
to: its lines are rows as JSON, and the file is made from them when all are there.
"""

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol

import attrs
import msgspec

from .._markers import override
from .._plain import plain_text
from .._text import did_you_mean, printable
from ..errors import ConfigurationError
from .columns import Column, RowLayout
from .records import RawRecord

_encode: Final = msgspec.json.Encoder(decimal_format="number").encode

_FORMULA: Final = tuple("=+-@\t\r\n'\uff1d\uff0b\uff0d\uff20")
"""The first characters of a formula in a spreadsheet (the last four in some locales); and the apostrophe, which stands
before a text that is not to be taken for one."""
_QUOTED: Final = frozenset(',"\r\n;\t')


class Format(StrEnum):
    """The format of a file."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


class Writer(Protocol):
    """Writes one format."""

    @property
    def header(self) -> bytes:
        """The bytes before the first record."""
        ...

    def lines(self, records: Iterable[RawRecord]) -> bytes:
        """Write each record as one complete line. A line of CSV may hold line breaks between quotes."""
        ...


class JsonLines(Writer):
    """JSON lines: one JSON:API document on each line."""

    @property
    @override
    def header(self) -> bytes:
        return b""

    @override
    def lines(self, records: Iterable[RawRecord]) -> bytes:
        return b"".join(b"%b\n" % record.document for record in records)


@attrs.frozen
class Csv(Writer):
    """CSV by RFC 4180, in UTF-8: a row of names, then one row for each record.

    An absent or null value is nothing between two commas, an empty text is `""`. Objects and arrays are JSON. A text
    that a spreadsheet would take for a formula gets an apostrophe in front, and so does a text that begins with an
    apostrophe: whoever removes one leading apostrophe has every text as it was.
    """

    layout: RowLayout

    @property
    @override
    def header(self) -> bytes:
        return _csv_line(_csv_text(column.name) for column in self.layout.columns)

    @override
    def lines(self, records: Iterable[RawRecord]) -> bytes:
        rows = (self.layout.row(record, strict=False) for record in records)
        return b"".join(_csv_line(map(_csv_cell, row)) for row in rows)


@attrs.frozen
class Rows(Writer):
    """Rows as JSON arrays, from which `parquet.convert` makes the Parquet file."""

    layout: RowLayout

    @property
    @override
    def header(self) -> bytes:
        return b""

    @override
    def lines(self, records: Iterable[RawRecord]) -> bytes:
        return b"".join(b"%b\n" % _encode(self.layout.row(record, strict=True)) for record in records)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the rows."""
        return self.layout.columns


def format_of(format: str | None, path: Path) -> Format:
    """The format of that name; for None, the one that the file's name ends in, else JSON lines.

    Raises:
        ConfigurationError: there is no such format; the nearest name is given.
    """
    if format is None:
        return _BY_SUFFIX.get(path.suffix.lower(), Format.JSONL)
    try:
        return Format(plain_text(format) or "")
    except ValueError:
        pass
    hint = did_you_mean(str(format), map(str, Format)) or f"; use one of {', '.join(Format)}"
    raise ConfigurationError(f"format: {printable(repr(format), 60)} is not a format{hint}")


_BY_SUFFIX: Final = {
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".csv": Format.CSV,
    ".parquet": Format.PARQUET,
}


def _csv_line(cells: Iterable[str]) -> bytes:
    # Text from JSON has no lone surrogates, but the name of a field of the caller's may have one.
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
    needs_quotes = not shown or shown[0] == " " or shown[-1] == " " or not _QUOTED.isdisjoint(shown)
    return _quoted(shown) if needs_quotes else shown


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
