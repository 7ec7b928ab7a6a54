"""The formats: records as bytes, in complete lines.

Every format is appended to in lines, so an export can be resumed after any of them. A Parquet file cannot be appended
to: its lines are rows as JSON, and the file is made from them when all are there.
"""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

import attrs
import msgspec
from msgspec import Raw

from .._markers import override
from .._plain import plain_text
from .._text import did_you_mean, printable
from ..errors import ConfigurationError
from .columns import Column, RowLayout
from .records import RawRecord

_encode: Final = msgspec.json.Encoder().encode

_FORMULA: Final = tuple("=+-@\t\r\n'\uff1d\uff0b\uff0d\uff20")
"""The first characters of a formula in a spreadsheet (the last four in some locales); and the apostrophe, which stands
before a text that is not to be taken for one."""
_QUOTED: Final = frozenset(',"\r\n;\t\0')
_COMPOSITE: Final = ("{", "[", '"')
"""How JSON begins that is neither a number nor true nor false."""


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

    An absent or null value is nothing between two commas, an empty text is `""`. Objects, arrays and all of a column
    without one type are JSON. A text that a spreadsheet would take for a formula gets an apostrophe in front, and so
    does a text that begins with an apostrophe: whoever removes one leading apostrophe has every text as it was.
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


@attrs.frozen
class FileType:
    """How a file is written: in which format, and whether compressed by gzip."""

    format: Format
    gzip: bool = False


def file_type_of(format: str | None, path: Path) -> FileType:
    """The format of that name; for None, the one that the file's name ends in, JSON lines if it has no ending.

    A name that ends in `.gz` means gzip, whoever names the format.

    Raises:
        ConfigurationError: there is no such format, no known ending, or Parquet is to be compressed again.
    """
    gzip = path.suffix.lower() == _GZIP
    chosen = _named(format) if format is not None else _by_ending(path.with_suffix("") if gzip else path, path)
    if gzip and chosen is Format.PARQUET:
        raise ConfigurationError(f"Parquet is compressed by itself; let the file end in {_PARQUET}, without {_GZIP}")
    return FileType(chosen, gzip)


def _named(format: str) -> Format:
    try:
        return Format(plain_text(format) or "")
    except ValueError:
        pass
    hint = did_you_mean(str(format), map(str, Format)) or f"; use one of {', '.join(Format)}"
    raise ConfigurationError(f"format: {printable(repr(format), 60)} is not a format{hint}")


def _by_ending(path: Path, whole: Path) -> Format:
    ending = path.suffix.lower()
    if ending in _BY_ENDING:
        return _BY_ENDING[ending]
    if not whole.suffix:
        return Format.JSONL
    shown = printable(repr(ending or whole.suffix), 60)
    known = f"{', '.join(_BY_ENDING)}, and all but {_PARQUET} with {_GZIP} behind"
    raise ConfigurationError(
        f"to: {shown} is not the ending of a known format{did_you_mean(ending, _BY_ENDING)}; known are {known};"
        f" or name the format, one of {', '.join(Format)}"
    )


_GZIP: Final = ".gz"
_PARQUET: Final = ".parquet"
_BY_ENDING: Final = {
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".csv": Format.CSV,
    _PARQUET: Format.PARQUET,
}


def _csv_line(cells: Iterable[str]) -> bytes:
    # Text from JSON has no lone surrogates, but the name of a field of the caller's may have one.
    return f"{','.join(cells)}\r\n".encode(errors="backslashreplace")


def _csv_cell(value: str | Raw | None) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return _csv_text(value)
    text = bytes(value).decode()
    # Numbers, true and false are nobody's formulas; texts, objects and arrays are JSON.
    return _quoted(text) if text.startswith(_COMPOSITE) else text


def _csv_text(text: str) -> str:
    shown = f"'{text}" if text.startswith(_FORMULA) else text
    needs_quotes = not shown or shown[0] == " " or shown[-1] == " " or not _QUOTED.isdisjoint(shown)
    return _quoted(shown) if needs_quotes else shown


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
