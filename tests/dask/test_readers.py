"""A finished data set is the same table for every program that reads Parquet, without a hint."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import dask.dataframe
import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from commercelayer_async import dask as cl_dask
from commercelayer_async.resources import CustomerPaymentSource
from commercelayer_async.sandbox import Sandbox

TOO_LARGE_FOR_A_FLOAT: Final = 2**53 + 1
NESTED: Final = {"of": {"lists": [1, None, [True]], "größe": "10 €"}, "line": "a\nb"}
WALLET: Final = "customer_payment_sources"
FULL: Final = "aFullRecord"
EMPTY: Final = "anEmptyOne1"
WALLETS: Final = 40
PARTITION: Final = 21
"""So that the last partition has no rows, but a file with the columns."""

Values = Mapping[str, Any]


def _polars(path: str) -> pa.Table:
    polars = pytest.importorskip("polars", reason="polars is not installed; it is of the dependency group test")
    table: pa.Table = polars.read_parquet(path).to_arrow()
    return table


READERS: Final[Mapping[str, Callable[[str], pa.Table]]] = {
    "dask": lambda data: pa.Table.from_pandas(dask.dataframe.read_parquet(data).compute(), preserve_index=False),
    "pandas": lambda data: pa.Table.from_pandas(pd.read_parquet(data), preserve_index=False),
    "polars, the folder": _polars,
    "polars, the files": lambda data: _polars(f"{data}/*.parquet"),
    "duckdb": lambda data: duckdb.read_parquet(f"{data}/*.parquet").to_arrow_table(),
}
"""Each gives what it read as a table of Arrow, by its own types."""

KINDS: Final[Mapping[str, Callable[[pa.DataType], bool]]] = {
    "a text": lambda one: pa.types.is_string(one) or pa.types.is_large_string(one) or pa.types.is_string_view(one),
    "an integer": lambda one: bool(one == pa.int64()),
    "a truth value": pa.types.is_boolean,
    "a moment": lambda one: pa.types.is_timestamp(one) and one.unit == "us" and one.tz is not None,
}
SOME_KINDS: Final = {
    "created_at": "a moment",
    "customer.created_at": "a moment",
    "customer.total_orders_count": "an integer",
    "customer.has_password": "a truth value",
    "id": "a text",
    "metadata": "a text",
    "payment_method.id": "a text",
}


def kind_of(one: pa.DataType) -> str:
    return next((kind for kind, is_one in KINDS.items() if is_one(one)), str(one))


@pytest.fixture(scope="module")
def world(commercelayer_sandbox_factory: Callable[..., Sandbox]) -> Sandbox:
    """Wallets as ever, one with all there is to a value, and one with as little as there can be."""
    sandbox = commercelayer_sandbox_factory(wallets=WALLETS)
    add = sandbox.world.add
    buyer = {"email": "zoe@example.com", "total_orders_count": TOO_LARGE_FOR_A_FLOAT, "has_password": True}
    name = {"name": 'Zoë, "the" 1st', "metadata": NESTED, "created_at": "1969-12-31T23:59:59.999Z"}
    add("customers", id="aFullBuyer", attributes=buyer)
    add(WALLET, id=FULL, attributes=name, relationships={"customer": ("customers", "aFullBuyer")})
    nothing: Values = {"reference": None, "metadata": {}}
    add("customers", id="anEmptyOne", attributes={"email": "nobody@example.com", **nothing})
    add(WALLET, id=EMPTY, attributes={"name": None, **nothing}, relationships={"customer": ("customers", "anEmptyOne")})
    return sandbox


@pytest.fixture(scope="module")
def report(client: Any, world: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> cl_dask.Report:
    return cl_dask.export(
        client,
        CustomerPaymentSource,
        tmp_path_factory.mktemp("data-set") / "wallets",
        include=["customer"],
        rows_per_partition=PARTITION,
        session="tests.dask.sessions:unlimited",
    )


@pytest.fixture(params=READERS)
def table(request: pytest.FixtureRequest, report: cl_dask.Report) -> pa.Table:
    return READERS[request.param](report.data)


def rows_of(table: pa.Table) -> dict[str, Values]:
    return {row["id"]: row for row in table.to_pylist()}


def test_each_row_is_there_once_with_the_same_columns_and_types(
    table: pa.Table, report: cl_dask.Report, world: Sandbox
) -> None:
    """Also those of which a whole partition has nothing but null, or no rows."""
    files = [pq.read_table(Path(report.path) / one.file) for one in report.partitions]
    expected = pa.concat_tables(files)

    assert [one.num_rows for one in files] == [PARTITION, PARTITION, 0]
    assert sorted(table["id"].to_pylist()) == sorted(world.world.wallet_ids())
    assert table.column_names == expected.column_names
    assert list(map(kind_of, table.schema.types)) == list(map(kind_of, expected.schema.types))
    assert {name: kind_of(table.schema.field(name).type) for name in SOME_KINDS} == SOME_KINDS
    assert rows_of(table) == rows_of(expected)


def test_values_are_those_of_the_service(table: pa.Table) -> None:
    row = rows_of(table)[FULL]

    assert row["created_at"] == datetime(1969, 12, 31, 23, 59, 59, 999_000, UTC)
    assert row["name"] == 'Zoë, "the" 1st'
    assert row["customer.total_orders_count"] == TOO_LARGE_FOR_A_FLOAT
    assert row["customer.has_password"] is True
    assert json.loads(row["metadata"]) == NESTED


def test_null_is_null_and_not_a_text_or_a_number(table: pa.Table) -> None:
    row = rows_of(table)[EMPTY]

    assert [row[name] for name in ("name", "reference", "payment_method.id", "customer.reference")] == [None] * 4
    assert json.loads(row["metadata"]) == {}


def test_what_is_beside_the_data_is_none_of_it(report: cl_dask.Report) -> None:
    """So a program may take the folder of the data, as some of the readers do above, or what lies in it."""
    folder = Path(report.path)

    assert {path.suffix for path in Path(report.data).iterdir()} == {".parquet"}
    assert {path.name for path in folder.iterdir()} - {"data"} == {"plan.json", "manifest.json", "parts"}
