"""From rows to a Parquet file, in bounded memory: a row group of some thousands of rows is written, then the next.

pyarrow is imported when the first Parquet export begins. If it is missing, the export fails then, and not at its end.
"""

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any, BinaryIO, Final

import msgspec

from ..errors import ConfigurationError
from .columns import CellType, Column, parse_timestamp

ROWS: Final = 10_000
"""The most rows of a row group."""
BYTES: Final = 16 * 2**20
"""Bytes of rows, as JSON, after which a row group ends."""

_decode: Final = msgspec.json.Decoder(list[Any]).decode
_decode_raws: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode


def require() -> None:
    """Check that pyarrow is installed.

    Raises:
        ConfigurationError: it is missing; the message has the command that installs it.
    """
    _pyarrow("pyarrow")


def convert(
    rows: BinaryIO, file: BinaryIO, columns: Sequence[Column], *, proceed: Callable[[], bool] = lambda: True
) -> None:
    """Write the Parquet file for `rows`, one JSON array on each line, from its position to its end.

    `proceed` is called before each row group. Once it gives False, the rest is left out and the file is incomplete.
    """
    pyarrow, parquet = _pyarrow("pyarrow"), _pyarrow("pyarrow.parquet")
    schema = pyarrow.schema([(column.name, _arrow_type(pyarrow, column.type)) for column in columns])
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for group in _groups(rows):
            if not proceed():
                return
            writer.write_table(_table(pyarrow, schema, columns, group))


def _table(pyarrow: Any, schema: Any, columns: Sequence[Column], lines: list[bytes]) -> Any:
    cells = list(zip(*map(_decode, lines), strict=True))
    for n, column in enumerate(columns):
        if column.type is CellType.JSON:
            # The bytes of the row itself: decoding and encoding again could lose digits.
            cells[n] = tuple(_json_text(_decode_raws(line)[n]) for line in lines)
        elif column.type is CellType.TIMESTAMP:
            cells[n] = tuple(None if text is None else parse_timestamp(text) for text in cells[n])
    arrays = [pyarrow.array(values, type=field.type) for values, field in zip(cells, schema, strict=True)]
    return pyarrow.Table.from_arrays(arrays, schema=schema)


def _groups(rows: BinaryIO) -> Iterator[list[bytes]]:
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


def _json_text(raw: msgspec.Raw) -> str | None:
    text = bytes(raw).decode()
    return None if text == "null" else text


def _arrow_type(pyarrow: Any, type: CellType) -> Any:
    match type:
        case CellType.TEXT | CellType.JSON:
            return pyarrow.string()
        case CellType.INTEGER:
            return pyarrow.int64()
        case CellType.NUMBER:
            return pyarrow.float64()
        case CellType.BOOLEAN:
            return pyarrow.bool_()
        case CellType.TIMESTAMP:
            return pyarrow.timestamp("us", tz="UTC")


def _pyarrow(module: str) -> Any:
    # By name, as pyarrow is an extra and has no types.
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
    raise ConfigurationError(
        f"Parquet needs {missing}, which is not installed; run: pip install 'commercelayer-async[parquet]'"
    )
