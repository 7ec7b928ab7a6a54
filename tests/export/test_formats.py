"""Lines, rows and cells."""

import csv
import io
import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar

import attrs
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercelayer_async import (
    CommerceLayerError,
    ConfigurationError,
    DecodeError,
    ExportMismatch,
    Resource,
    ToMany,
    ToOne,
    export,
)
from commercelayer_async._export import parquet
from commercelayer_async._export.cells import CellType, fits, parse_timestamp
from commercelayer_async._export.columns import layout_for
from commercelayer_async._export.formats import Csv, JsonLines, Rows
from commercelayer_async._export.records import records_of
from commercelayer_async.resources import CustomerPaymentSource
from commercelayer_async.sandbox import Answer

FORMULAS = ("=1+1", "+1", "-1", "@sum", "\t=1", "\r=1", "\n=1", "\uff1d1", "'quoted")


@attrs.frozen(kw_only=True)
class Thing(Resource):
    """One field of each type."""

    type: ClassVar[str] = "things"

    name: str | None = None
    size: int | None = None
    weight: float | None = None
    good: bool | None = None
    made_at: datetime | None = None
    free: dict[str, object] | None = None

    owner = ToOne["Thing"]()
    parts = ToMany["Thing"]()


def page(*things, included=None):
    document = {"data": [{"type": "things", **thing} for thing in things]}
    if included is not None:
        document["included"] = included
    return json.dumps(document, ensure_ascii=False).encode()


def thing(id="a", relationships=None, **attributes):
    made = {"id": id, "attributes": attributes}
    return made if relationships is None else {**made, "relationships": relationships}


def to(*ids):
    return {"data": [{"type": "things", "id": id} for id in ids]}


def csv_of(*things, cls=Thing, included=None):
    """The rows of a CSV file as a reader of CSV sees them, and the file's text."""
    writer = Csv(layout_for(cls, compound=included is not None))
    records = records_of(page(*things, included=included), compound=included is not None)
    text = (writer.header + writer.lines(records)).decode()
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True)), text


def parquet_of(*things, cls=Thing):
    writer = Rows(layout_for(cls, compound=False))
    file = io.BytesIO()
    parquet.convert(io.BytesIO(writer.lines(records_of(page(*things), compound=False))), file, writer.columns)
    return pq.ParquetFile(file)


# JSON lines


def lines_of(body, *, compound=False):
    return JsonLines().lines(records_of(body, compound=compound)).splitlines(keepends=True)


def test_numbers_and_names_stay_as_they_were_spelled():
    body = b'{ "data": [ {"type": "things", "id": "a", "attributes": {"n": 1.50, "m": 1234567890123456789012.10e0}} ]}'

    assert lines_of(body) == [
        b'{"data":{"type":"things","id":"a","attributes":{"n":1.50,"m":1234567890123456789012.10e0}}}\n'
    ]


def test_whatever_ends_a_line_somewhere_is_escaped():
    (line,) = lines_of(page(thing(name="a\u2028b\u2029c\x85d\r\ne é 東")))

    assert len(line.decode().splitlines()) == 1
    assert json.loads(line)["data"]["attributes"]["name"] == "a\u2028b\u2029c\x85d\r\ne é 東"
    assert "é 東" in line.decode()


def test_each_line_gets_what_linkage_leads_to_from_it():
    included = [
        {"type": "things", **thing("b", {"parts": to("c")})},
        {"type": "things", **thing("c", {"parts": to("b", "c", "nowhere")})},
        {"type": "things", **thing("d")},
    ]
    body = page(thing("a", {"owner": {"data": {"type": "things", "id": "b"}}}), thing("e"), included=included)

    found = [json.loads(line) for line in lines_of(body, compound=True)]

    assert [[one["id"] for one in document["included"]] for document in found] == [["b", "c"], []]


@pytest.mark.parametrize("at", ["data", "included"])
def test_where_linkage_cannot_be_read_nothing_is_left_out(at):
    odd = {"owner": {"data": 5}}
    near = {"owner": {"data": {"type": "things", "id": "b"}}}
    included = [{"type": "things", **thing("b", odd)}, {"type": "things", **thing("c")}]
    body = page(thing("a", odd if at == "data" else near), included=included)

    (found,) = (json.loads(line) for line in lines_of(body, compound=True))

    assert [one["id"] for one in found["included"]] == ["b", "c"]


def test_local_ids_lead_to_what_has_them():
    included = [{"type": "things", "lid": "x"}]
    body = page(thing("a", {"owner": {"data": {"type": "things", "lid": "x"}}}), thing("b"), included=included)

    found = [json.loads(line)["included"] for line in lines_of(body, compound=True)]

    assert found == [included, []]


@pytest.mark.parametrize("body", [b"{}", b'{"data":null}', b"[", b'{"data":{}}'])
def test_what_is_not_a_page_is_refused(body):
    with pytest.raises(DecodeError):
        list(records_of(body, compound=False))


# CSV


def test_columns_come_from_the_class():
    table = layout_for(CustomerPaymentSource, compound=True)

    assert [column.name for column in table.columns] == [
        *("id", "type"),
        *("created_at", "updated_at", "reference", "reference_origin", "metadata"),
        *("name", "customer_token", "payment_source_token"),
        *("customer.type", "customer.id", "payment_method.type", "payment_method.id"),
        *("payment_source.type", "payment_source.id", "event_stores"),
        *("other_attributes", "meta", "included"),
    ]


def test_a_class_with_a_field_of_that_name_is_refused():
    @attrs.frozen(kw_only=True)
    class Odd(Resource):
        type: ClassVar[str] = "odd"
        included: str = ""

    layout_for(Odd, compound=False)
    with pytest.raises(ConfigurationError, match="Odd has a field called 'included'"):
        layout_for(Odd, compound=True)


def test_null_and_absent_are_nothing_and_an_empty_text_is_quoted():
    _, text = csv_of(thing(name=""), thing(name=None), thing())

    lines = text.split("\r\n")
    assert lines[1].startswith('a,things,"",,')
    assert lines[2].startswith("a,things,,,")
    assert lines[3] == lines[2]


def test_cells_are_as_received():
    rows, text = csv_of(
        thing(
            name='a "b", c\r\nd; é',
            size=2**70,
            weight=1.5,
            good=True,
            made_at="2024-01-01T00:00:00.000Z",
            free={"a": [1, None]},
            more="unknown",
        ),
        thing("b", {"owner": {"data": {"type": "things", "id": "o"}}, "parts": to("p")}, good=False, size=-5),
    )

    first, second = rows
    assert first["name"] == 'a "b", c\r\nd; é'
    assert (first["size"], first["weight"], first["good"]) == (str(2**70), "1.5", "true")
    assert first["made_at"] == "2024-01-01T00:00:00.000Z"
    assert json.loads(first["free"]) == {"a": [1, None]}
    assert json.loads(first["other_attributes"]) == {"more": "unknown"}
    assert (second["owner.type"], second["owner.id"], second["good"], second["size"]) == ("things", "o", "false", "-5")
    assert json.loads(second["parts"]) == to("p")["data"]
    assert text.endswith("\r\n")


def test_numbers_that_no_float_holds_keep_their_digits():
    body = b'{"data":[{"type":"things","id":"a","attributes":{"weight":1.23456789012345678901,"free":{"n":1e400}}}]}'
    writer = Csv(layout_for(Thing, compound=False))

    text = writer.lines(records_of(body, compound=False)).decode()

    assert "1.23456789012345678901" in text
    assert "1e400" in text


@pytest.mark.parametrize("text", FORMULAS)
def test_a_spreadsheet_takes_no_text_for_a_formula(text):
    (row,), _ = csv_of(thing(name=text))

    assert row["name"] == f"'{text}"


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=5))
def test_every_text_comes_back_without_its_apostrophe(texts):
    rows, _ = csv_of(*(thing(name=text) for text in texts))

    assert [row["name"].removeprefix("'") if row["name"].startswith("'") else row["name"] for row in rows] == texts
    assert not any(row["name"].startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for row in rows)


def test_a_type_without_a_class_has_its_attributes_as_json():
    (row,), _ = csv_of(thing("a", {"owner": to("b"), "links": {"links": {}}}, odd="=1"), cls=None, included=[])

    assert list(row) == ["id", "type", "attributes", "relationships", "meta", "included"]
    assert json.loads(row["attributes"]) == {"odd": "=1"}
    assert json.loads(row["relationships"]) == {"owner": to("b")["data"]}
    assert row["included"] == "[]"


# Parquet


def test_parquet_columns_are_typed():
    moment = "2024-01-01T00:00:00.123456+02:00"
    file = parquet_of(thing(name="=n", size=5, weight=1, good=False, made_at=moment, free={"a": 1}), thing("b"))

    types = {field.name: str(field.type) for field in file.schema_arrow}
    assert [types[name] for name in ("name", "size", "weight", "good", "made_at", "free")] == [
        *("string", "int64", "double", "bool", "timestamp[us, tz=UTC]", "string"),
    ]
    first, second = file.read().to_pylist()
    assert (first["name"], first["size"], first["weight"], first["good"]) == ("=n", 5, 1.0, False)
    assert first["made_at"] == datetime(2023, 12, 31, 22, 0, 0, 123456, tzinfo=UTC)
    assert json.loads(first["free"]) == {"a": 1}
    assert first["other_attributes"] is None
    assert {name for name, value in second.items() if value is not None} == {"id", "type"}


def test_what_does_not_fit_its_column_stands_beside_it():
    odd = {"name": 5, "size": 2**63, "weight": "heavy", "good": 1, "made_at": "yesterday"}

    (row,) = parquet_of(thing(**odd)).read().to_pylist()

    assert json.loads(row["other_attributes"]) == odd
    assert all(row[name] is None for name in odd)


@pytest.mark.parametrize(
    ("value", "type", "fit"),
    [
        (None, CellType.INTEGER, True),
        (True, CellType.INTEGER, False),
        (2**63 - 1, CellType.INTEGER, True),
        (1.0, CellType.INTEGER, False),
        (2**53 + 1, CellType.NUMBER, False),
        (True, CellType.NUMBER, False),
        (Decimal("1.23456789012345678901"), CellType.NUMBER, False),
        ("2024-01-01T00:00:00", CellType.TIMESTAMP, False),
        ("2024-01-01T00:00:00.1234567Z", CellType.TIMESTAMP, False),
        ([], CellType.JSON, True),
        ("true", CellType.BOOLEAN, False),
    ],
)
def test_what_fits_loses_nothing(value, type, fit):
    assert fits(value, type) is fit


def test_a_moment_with_microseconds_is_exact():
    assert parse_timestamp("2024-01-01T00:00:00.123456Z") == datetime(2024, 1, 1, microsecond=123456, tzinfo=UTC)


@pytest.mark.parametrize(("limit", "value"), [("ROWS", 10), ("BYTES", 500)])
def test_row_groups_are_bounded(monkeypatch, limit, value):
    monkeypatch.setattr(parquet, limit, value)

    file = parquet_of(*(thing(f"i{n}", name="n" * 20) for n in range(100)))

    assert file.num_row_groups >= 10
    assert [row["id"] for row in file.read(columns=["id"]).to_pylist()] == [f"i{n}" for n in range(100)]


async def test_an_exported_parquet_file_holds_every_wallet(session, sandbox, tmp_path):
    await export(session, CustomerPaymentSource, tmp_path / "wallets.parquet", include="customer")

    table = pq.read_table(tmp_path / "wallets.parquet")
    assert table.column("id").to_pylist() == list(sandbox.world.wallet_ids())
    assert all(table.column("customer.id").to_pylist())
    assert table.column("created_at").null_count == 0


async def test_an_exported_csv_file_holds_every_wallet(session, sandbox, tmp_path):
    await export(session, CustomerPaymentSource, tmp_path / "wallets.csv", include="customer")

    with (tmp_path / "wallets.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, strict=True))
    assert [row["id"] for row in rows] == list(sandbox.world.wallet_ids())
    assert all(row["customer.email"] and row["included"] == "[]" for row in rows)


async def test_what_a_to_one_relationship_includes_has_columns_in_csv(session, sandbox, tmp_path):
    path = tmp_path / "wallets.csv"
    await export(session, CustomerPaymentSource, path, include=["customer", "payment_source", "customer.orders"])

    with path.open(newline="", encoding="utf-8") as file:
        first = next(csv.DictReader(file, strict=True))
    async with session:
        wallet = await session.get(CustomerPaymentSource, first["id"], include=["customer"])
        customer = await wallet.customer
    assert first["customer.email"] == customer.email
    assert first["customer.status"] == customer.status
    assert json.loads(first["customer.metadata"]) == customer.metadata
    assert json.loads(first["customer.meta"])["mode"] == "test"
    # Its class is one of ten, and what is further down the path may be many.
    assert {one["type"] for one in json.loads(first["included"])} <= {first["payment_source.type"], "orders"}


@pytest.mark.parametrize("odd", [5, None, [], {"type": [], "id": {}}, {"type": "owners"}, {"id": "b", "lid": "x"}])
def test_what_is_included_may_be_anything(odd):
    layout = layout_for(Thing, compound=True, targets={"owner": Thing})
    body = page(thing("a", {"owner": {"data": odd}, "links": 5}, name="x"), included=[odd])

    (record,) = records_of(body, compound=True)
    row = dict(zip([column.name for column in layout.columns], layout.row(record, strict=False), strict=True))

    assert row["id"] == "a"
    assert json.loads(bytes(row["included"])) == [odd]


async def test_an_export_without_these_columns_is_not_resumed_with_them(session, sandbox, tmp_path):
    path = tmp_path / "wallets.csv"
    sandbox.faults.add(Answer.errors(418), where=lambda request: sandbox.world.wallet_ids()[49] in request.raw_path)
    with pytest.raises(CommerceLayerError):
        await export(session, CustomerPaymentSource, path)

    with pytest.raises(ExportMismatch, match="it differs in columns, include"):
        await export(session, CustomerPaymentSource, path, include="customer", resume=True)


async def test_a_missing_pyarrow_is_reported_before_anything_is_sent(session, sandbox, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(ConfigurationError, match=r"pip install 'commercelayer-async\[parquet\]'"):
        await export(session, CustomerPaymentSource, tmp_path / "wallets.parquet")

    assert not sandbox.requests
    assert not list(tmp_path.iterdir())


def test_other_formats_do_without_pyarrow():
    script = "import sys; from commercelayer_async import export; print('pyarrow' in sys.modules)"

    assert subprocess.check_output([sys.executable, "-c", script], text=True) == "False\n"
