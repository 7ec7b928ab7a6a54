"""From rows to a Parquet file, in bounded memory: some thousands of rows become one row group, then the next.

pyarrow is imported when the first Parquet export begins, and a missing one is told then and not at the end.
"""

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any, BinaryIO, Final

import msgspec

from ..errors import ConfigurationError
from .columns import Column, Kind, moment_of

ROWS: Final = 10_000
"""Rows of a row group at most."""
BYTES: Final = 16 * 2**20
"""Bytes of rows, as JSON, after which a row group ends."""

_decode: Final = msgspec.json.Decoder(list[Any]).decode
_decode_raws: Final = msgspec.json.Decoder(list[msgspec.Raw]).decode


def require() -> None:
    """Refuse at once where pyarrow is missing.

    Raises:
        ConfigurationError: with the line to run.
    """
    _pyarrow("pyarrow")


def convert(
    rows: BinaryIO, file: BinaryIO, columns: Sequence[Column], *, going_on: Callable[[], bool] = lambda: True
) -> None:
    """Write the Parquet file for rows, JSON arrays on a line each, from where `rows` stands to its end.

    Stops early, leaving a file that is not whole, once it is not `going_on`.
    """
    pyarrow, parquet = _pyarrow("pyarrow"), _pyarrow("pyarrow.parquet")
    schema = pyarrow.schema([(column.name, _type_of(pyarrow, column.kind)) for column in columns])
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for group in _groups(rows):
            if not going_on():
                return
            writer.write_table(_table(pyarrow, schema, columns, group))


def _table(pyarrow: Any, schema: Any, columns: Sequence[Column], lines: list[bytes]) -> Any:
    cells = list(zip(*map(_decode, lines), strict=True))
    for n, column in enumerate(columns):
        if column.kind is Kind.JSON:
            # As it was written, and not decoded and written anew, which could lose digits.
            cells[n] = tuple(_json_text(_decode_raws(line)[n]) for line in lines)
        elif column.kind is Kind.MOMENT:
            cells[n] = tuple(None if text is None else moment_of(text) for text in cells[n])
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


def _type_of(pyarrow: Any, kind: Kind) -> Any:
    match kind:
        case Kind.TEXT | Kind.JSON:
            return pyarrow.string()
        case Kind.INTEGER:
            return pyarrow.int64()
        case Kind.NUMBER:
            return pyarrow.float64()
        case Kind.BOOLEAN:
            return pyarrow.bool_()
        case Kind.MOMENT:
            return pyarrow.timestamp("us", tz="UTC")


def _pyarrow(module: str) -> Any:
    # By name: it is an extra, and tells type checkers nothing.
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
    raise ConfigurationError(
        f"Parquet needs {missing}, which is not installed; run: pip install 'commercelayer-async[parquet]'"
    )
