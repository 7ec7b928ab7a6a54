"""The types of a frame's columns, by those of the export's cells.

Texts are pandas' texts over Arrow, integers and truth values may be missing (`Int64`, `boolean`), moments are
`datetime64[us, UTC]`, days are Arrow's. A Parquet file says so in the metadata that pandas looks for, so every reader
has these types without being told.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

from .._export import parquet
from .._export.columns import Column
from .extra import load


def empty_frame(columns: Sequence[Column]) -> Any:
    """A pandas frame with these columns and no rows."""
    return _frame_of(parquet.schema_of(columns).empty_table())


def frame_of_parquet(data: bytes) -> Any:
    """The pandas frame of a Parquet file."""
    return _frame_of(load("pyarrow.parquet").read_table(io.BytesIO(data)))


def pandas_metadata(columns: Sequence[Column]) -> Mapping[bytes, bytes]:
    """The metadata of a file by which pandas knows these types."""
    schema = load("pyarrow").Schema.from_pandas(empty_frame(columns), preserve_index=False)
    found: Mapping[bytes, bytes] = schema.metadata
    return found


def _frame_of(table: Any) -> Any:
    pandas, pyarrow = load("pandas"), load("pyarrow")
    types: Mapping[Any, Any] = {
        pyarrow.string(): pandas.StringDtype("pyarrow"),
        pyarrow.int64(): pandas.Int64Dtype(),
        pyarrow.bool_(): pandas.BooleanDtype(),
        pyarrow.date32(): pandas.ArrowDtype(pyarrow.date32()),
    }
    return table.to_pandas(types_mapper=types.get)
