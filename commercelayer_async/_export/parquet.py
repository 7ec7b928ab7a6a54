"""From rows to a Parquet file, in bounded memory: a row group of some thousands of rows is written, then the next.

pyarrow is imported when the first Parquet export begins. If it is missing, the export fails then, and not at its end.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, BinaryIO, Final, TypeVar

import msgspec
from msgspec import Raw

from ..errors import ConfigurationError
from .cells import CellType, parse_date, parse_timestamp
from .columns import Column

T = TypeVar("T")

ROWS: Final = 10_000
"""The most rows of a row group."""
BYTES: Final = 16 * 2**20
"""Bytes of rows, as JSON, after which a row group ends."""

_decode: Final = msgspec.json.Decoder().decode
_decode_row: Final = msgspec.json.Decoder(list[Raw]).decode


def require() -> None:
    """Check that pyarrow is installed.

    Raises:
        ConfigurationError: it is missing; the message has the command that installs it.
    """
    _pyarrow("pyarrow")


def convert(
    rows: Iterable[bytes],
    file: BinaryIO,
    columns: Sequence[Column],
    *,
    proceed: Callable[[], bool] = lambda: True,
    metadata: Mapping[bytes, bytes] | None = None,
) -> None:
    """Write the Parquet file for `rows`, each a JSON array on a line, with further `metadata`.

    `proceed` is called before each row group. Once it gives False, the rest is left out and the file is incomplete.
    """
    pyarrow, parquet = _pyarrow("pyarrow"), _pyarrow("pyarrow.parquet")
    schema = schema_of(columns).with_metadata(metadata)
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        empty = True
        for group in _groups(rows):
            if not proceed():
                return
            writer.write_table(_table(pyarrow, schema, columns, group))
            empty = False
        if empty:
            # A file without a row group, which the format allows, is one that pyarrow 18 cannot read.
            writer.write_table(schema.empty_table())


def schema_of(columns: Sequence[Column]) -> Any:
    """The schema of the file that columns make."""
    pyarrow = _pyarrow("pyarrow")
    return pyarrow.schema([(column.name, _arrow_type(pyarrow, column.type)) for column in columns])


def _table(pyarrow: Any, schema: Any, columns: Sequence[Column], lines: list[bytes]) -> Any:
    by_column = zip(*map(_decode_row, lines), strict=True)
    arrays = [
        pyarrow.array(list(map(_CELLS.get(column.type, _decode), raws)), type=field.type)
        for raws, column, field in zip(by_column, columns, schema, strict=True)
    ]
    return pyarrow.Table.from_arrays(arrays, schema=schema)


def _groups(rows: Iterable[bytes]) -> Iterator[list[bytes]]:
    group: list[bytes] = []
    size = 0
    for line in rows:
        group.append(line)
        size += len(line)
        if len(group) >= ROWS or size >= BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _json_text(raw: Raw) -> str | None:
    text = bytes(raw).decode()
    return None if text == "null" else text


def _parsed(parse: Callable[[str], T | None]) -> Callable[[Raw], T | None]:
    """Make a function that reads a cell by `parse`, which gave a value when the row was written."""

    def read(raw: Raw) -> T | None:
        text = _decode(raw)
        return None if text is None else parse(text)

    return read


_CELLS: Final[dict[CellType, Callable[[Raw], Any]]] = {
    # The bytes of the row itself: decoding and encoding again could lose digits.
    CellType.JSON: _json_text,
    CellType.DECIMAL: _json_text,
    CellType.TIMESTAMP: _parsed(parse_timestamp),
    CellType.DATE: _parsed(parse_date),
}


def _arrow_type(pyarrow: Any, type: CellType) -> Any:
    match type:
        case CellType.TEXT | CellType.JSON | CellType.DECIMAL:
            return pyarrow.string()
        case CellType.INTEGER:
            return pyarrow.int64()
        case CellType.NUMBER:
            return pyarrow.float64()
        case CellType.BOOLEAN:
            return pyarrow.bool_()
        case CellType.TIMESTAMP:
            return pyarrow.timestamp("us", tz="UTC")
        case CellType.DATE:
            return pyarrow.date32()


def _pyarrow(module: str) -> Any:
    # By name, as pyarrow is an extra and has no types.
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
    raise ConfigurationError(
        f"Parquet needs {missing}, which is not installed; run: pip install 'commercelayer-async[parquet]'"
    )
