"""Every kind of annotation says the same in JSON lines, CSV and Parquet: what was received, and where it is null."""

import base64
import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Final, Literal, NewType
from uuid import UUID

import attrs
import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commercelayer_async import Resource
from commercelayer_async._export import parquet
from commercelayer_async._export.cells import CellType, cell_type, fits, parse_date, parse_timestamp
from commercelayer_async._export.columns import layout_for
from commercelayer_async._export.formats import Csv, JsonLines, Rows
from commercelayer_async._export.records import records_of


class Color(Enum):
    """Texts."""

    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    """Whole numbers."""

    LOW = 1
    HIGH = 2


class Size(StrEnum):
    """Texts too."""

    S = "s"
    L = "l"


class Mixed(Enum):
    """Both."""

    A = "a"
    B = 1


@attrs.frozen
class Address:
    """An object."""

    city: str


Email = NewType("Email", str)


@attrs.frozen(kw_only=True)
class Kinds(Resource):
    """One attribute of each kind."""

    type: ClassVar[str] = "things"

    text: str | None = None
    email: Email | None = None
    whole: int | None = None
    double: float | None = None
    either: int | float | None = None
    price: Decimal | None = None
    good: bool | None = None
    made_at: datetime | None = None
    made_on: date | None = None
    at: time | None = None
    lasts: timedelta | None = None
    uid: UUID | None = None
    status: Literal["draft", "placed"] | None = None
    step: Literal[1, 2] | None = None
    mixed_literal: Literal["a", 1] | None = None
    color: Color | None = None
    level: Level | None = None
    size: Annotated[Size, "anything"] | None = None
    mixed_enum: Mixed | None = None
    picture: bytes | None = None
    address: Address | None = None
    tags: list[str] | None = None
    free: dict[str, object] | None = None
    union: str | int | None = None
    day_or_text: date | str | None = None
    anything: object = None


TYPES: Final = {
    **dict.fromkeys(("text", "email", "at", "lasts", "uid", "status", "color", "size", "picture"), "text"),
    "day_or_text": "text",
    **dict.fromkeys(("whole", "step", "level"), "integer"),
    **dict.fromkeys(("double", "either"), "number"),
    "price": "decimal",
    "good": "boolean",
    "made_at": "timestamp",
    "made_on": "date",
    **dict.fromkeys(("mixed_literal", "mixed_enum", "address", "tags", "free", "union", "anything"), "json"),
}

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["", " ", "=1+1", "-1", "'a", '"', "a\r\nb", "a\0b", "\u2028", "日本", "NaN", "null", "true", "[]", "\\", ","]
)
wholes = st.integers(-(2**63), 2**63 - 1)
doubles = st.floats(allow_nan=False, allow_infinity=False)
days = st.dates().map(date.isoformat)
within = st.dates(date(1, 1, 2), date(9999, 12, 30)).map(date.isoformat)
offsets = st.integers(-23 * 60, 23 * 60).map(lambda minutes: f"{minutes // 60:+03d}:{minutes % 60:02d}")
moments = st.tuples(within, st.just("T"), st.times().map(time.isoformat), offsets | st.just("Z")).map("".join)
prices = st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str) | st.integers(-(10**30), 10**30)
values = st.recursive(
    st.none() | st.booleans() | wholes | doubles | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
FITTING: Final = MappingProxyType(
    {
        "text": texts,
        "email": texts,
        "whole": wholes,
        "double": doubles,
        "either": doubles | st.integers(-(2**53), 2**53),
        "price": prices,
        "good": st.booleans(),
        "made_at": moments,
        "made_on": days,
        "at": st.times().map(time.isoformat),
        "lasts": st.sampled_from(["PT1H", "-P1D", "P2DT3.5S"]),
        "uid": st.uuids().map(str),
        "status": st.sampled_from(["draft", "placed"]),
        "step": st.sampled_from([1, 2]),
        "mixed_literal": st.sampled_from(["a", 1]),
        "color": st.sampled_from(["red", "blue"]),
        "level": st.sampled_from([1, 2]),
        "size": st.sampled_from(["s", "l"]),
        "mixed_enum": st.sampled_from(["a", 1]),
        "picture": st.binary(max_size=6).map(lambda data: base64.b64encode(data).decode()),
        "address": st.fixed_dictionaries({"city": texts}),
        "tags": st.lists(texts, max_size=3),
        "free": st.dictionaries(texts, values, max_size=3),
        "union": texts | wholes,
        "day_or_text": days | texts,
        "anything": values,
    }
)
attributes = st.fixed_dictionaries(
    {}, optional={name: st.none() | fitting for name, fitting in FITTING.items()}
) | st.fixed_dictionaries({}, optional=dict.fromkeys(FITTING, values))


def page(*attributes: object) -> bytes:
    things = [{"type": "things", "id": f"i{n}", "attributes": one} for n, one in enumerate(attributes)]
    return json.dumps({"data": things}).encode()


def write_all(folder: Path, body: bytes) -> None:
    """Write a page in each format."""
    layout = layout_for(Kinds, compound=False)
    records = list(records_of(body, compound=False))
    for name, writer in (("t.jsonl", JsonLines()), ("t.csv", Csv(layout))):
        (folder / name).write_bytes(writer.header + writer.lines(records))
    rows = Rows(layout)
    with (folder / "t.parquet").open("w+b") as file:
        parquet.convert(io.BytesIO(rows.lines(records)), file, rows.columns)


def expected_cell(value: Any, kind: str) -> Any:
    """What a Parquet cell holds for a JSON value that fits its column."""
    read: dict[str, Callable[[Any], Any]] = {
        "number": float,
        "decimal": str,
        "timestamp": datetime.fromisoformat,
        "date": date.fromisoformat,
        "json": json.dumps,
    }
    return value if value is None or kind not in read else read[kind](value)


def same(found: Any, wanted: Any, kind: str) -> bool:
    if wanted is None or found is None or kind not in ("json", "decimal"):
        return bool(found == wanted)
    return (
        bool(Decimal(found) == Decimal(wanted)) if kind == "decimal" else bool(json.loads(found) == json.loads(wanted))
    )


def unguarded(text: str) -> str:
    return text.removeprefix("'")


def expected_csv(value: Any, kind: str, cell: str) -> bool:
    """True if a CSV cell, as a reader gives it, is what was received."""
    if value is None:
        return cell == ""
    if kind == "json" or not isinstance(value, str):
        return bool(json.loads(cell) == value)
    return unguarded(cell) == value or (kind == "decimal" and cell == value)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(st.lists(attributes, min_size=1, max_size=4))
def test_all_formats_say_the_same(tmp_path: Path, given: list[dict[str, Any]]) -> None:
    write_all(tmp_path, page(*given))

    lines = [json.loads(line)["data"]["attributes"] for line in (tmp_path / "t.jsonl").read_bytes().splitlines()]
    assert lines == given
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, strict=True))
    table = pq.read_table(tmp_path / "t.parquet").to_pylist()
    assert len(rows) == len(table) == len(given)
    for one, row, cells in zip(given, rows, table, strict=True):
        other = json.loads(cells["other_attributes"] or "{}")
        for name, kind in TYPES.items():
            value = one.get(name)
            assert expected_csv(value, kind, row[name]), (name, value, row[name])
            if fits(value, CellType(kind)):
                assert name not in other
                assert same(cells[name], expected_cell(value, kind), kind), (name, value, cells[name])
            else:
                assert cells[name] is None
                assert other[name] == value


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_a_query_finds_values_without_quotes(tmp_path: Path, name: str) -> None:
    drafts = {
        "status": "draft",
        "made_on": "2018-01-01",
        "uid": "12345678-1234-5678-1234-567812345678",
        "color": "red",
        "price": "-12.50",
        "made_at": "2018-01-01T01:00:00+01:00",
        "at": "12:00:00",
    }
    write_all(tmp_path, page(drafts, {}))
    conditions = (
        "status = 'draft' AND made_on = DATE '2018-01-01' AND color = 'red' AND CAST(price AS DECIMAL(9, 2)) = -12.5"
        " AND CAST(uid AS VARCHAR) = '12345678-1234-5678-1234-567812345678'"
        " AND made_at = TIMESTAMPTZ '2018-01-01 00:00:00Z'"
        " AND CAST(\"at\" AS TIME) = TIME '12:00:00'"
    )

    with duckdb.connect() as database:
        found = database.sql(f"SELECT id FROM '{tmp_path / name}' WHERE {conditions}").fetchall()

    assert found == [("i0",)]


def test_duckdb_reads_every_text_of_a_csv_file(tmp_path: Path) -> None:
    wanted = ["a\0b", "a\r\nb", 'a"b', "a,b", " a ", "日本", "x" * 5000, "\\", "\u2028", "#a", "NULL"]
    write_all(tmp_path, page(*({"text": text} for text in wanted)))

    with duckdb.connect() as database:
        source = f"read_csv('{tmp_path / 't.csv'}', all_varchar=true, header=true, quote='\"', escape='\"', delim=',')"
        found = database.sql(f"SELECT text FROM {source} ORDER BY CAST(id[2:] AS INTEGER)").fetchall()

    assert [text for (text,) in found] == wanted


def test_the_types_of_columns_come_from_annotations() -> None:
    columns = {column.name: column.type.value for column in layout_for(Kinds, compound=False).columns}

    assert {name: columns[name] for name in TYPES} == TYPES


@pytest.mark.parametrize(
    ("hint", "type"),
    [
        (Literal["a", None], CellType.TEXT),  # noqa: PYI061 - what is tested
        (Literal[True, False], CellType.BOOLEAN),
        (Literal[Color.RED], CellType.TEXT),
        (Literal[Color.RED, Level.LOW], CellType.JSON),
        (Decimal | int, CellType.DECIMAL),
        (Decimal | str, CellType.JSON),
        (datetime | date, CellType.TEXT),
        (bool | int, CellType.JSON),
        (None, CellType.JSON),
        (Any, CellType.JSON),
        (Address, CellType.JSON),
        (Annotated[int | None, "x"], CellType.INTEGER),
        (bytearray, CellType.TEXT),
    ],
)
def test_the_type_of_what_is_put_together(hint: Any, type: CellType) -> None:
    assert cell_type(hint) is type


def test_an_alias_of_python_312_is_what_it_stands_for() -> None:
    class Alias:
        __value__ = str | None

    assert cell_type(Alias()) is CellType.TEXT


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-01T00:00:00.123456Z", datetime(2024, 1, 1, microsecond=123456, tzinfo=UTC)),
        ("2024-01-01T00:00:00.123456000Z", datetime(2024, 1, 1, microsecond=123456, tzinfo=UTC)),
        ("2024-01-01t00:00:00.1z", datetime(2024, 1, 1, microsecond=100000, tzinfo=UTC)),
        ("2024-01-01 00:00+02:00", datetime(2023, 12, 31, 22, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59.999999Z", datetime.max.replace(tzinfo=UTC)),
        ("0001-01-01T00:00:00+00:01", None),
        ("9999-12-31T23:59:59-00:01", None),
        ("10000-01-01T00:00:00Z", None),
        ("-0001-01-01T00:00:00Z", None),
        ("0000-01-01T00:00:00Z", None),
        ("2024-02-30T00:00:00Z", None),
        ("2024-01-01T24:00:00Z", None),
        ("2024-01-01T00:00:60Z", None),
        ("2024-01-01T00:00:00.1234567Z", None),
        ("2024-01-01T00:00:00", None),
        ("20240101T000000Z", None),
        ("2024-W01-1T00:00:00Z", None),
        ("٢٠٢٤-01-01T00:00:00Z", None),
        ("", None),
    ],
)
def test_a_moment_is_exact_or_stands_beside_its_column(tmp_path: Path, text: str, moment: datetime | None) -> None:
    write_all(tmp_path, page({"made_at": text}, {"made_at": "2024-01-01T00:00:00Z"}))
    first, second = pq.read_table(tmp_path / "t.parquet").to_pylist()
    assert first["made_at"] == moment
    assert json.loads(first["other_attributes"] or "{}") == ({} if parse_timestamp(text) else {"made_at": text})
    assert second["made_at"] == datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["20240101", "2024-W01-1", "2024-1-1", "2024-02-30", "0000-01-01", "2024-01-01T00:00:00Z"]
)
def test_a_day_is_a_day_alone(text: str) -> None:
    assert parse_date(text) is None


@pytest.mark.parametrize(
    "value", ["NaN", "Infinity", "sNaN", "1_0", " 1", "+1", "01", ".5", "1.", "", "1e", True, [], {}]
)
def test_what_is_not_a_number_is_no_decimal(value: object) -> None:
    assert not fits(value, CellType.DECIMAL)


@pytest.mark.parametrize("text", ["1e400", "12.50", "-0.0", "123456789012345678901234567890.123", str(10**40)])
def test_a_decimal_keeps_its_digits_as_a_number_or_a_text(tmp_path: Path, text: str) -> None:
    things = [
        f'{{"type":"things","id":"i{n}","attributes":{{"price":{spelled}}}}}'
        for n, spelled in enumerate((text, f'"{text}"'))
    ]
    write_all(tmp_path, f'{{"data":[{",".join(things)}]}}'.encode())

    assert pq.read_table(tmp_path / "t.parquet").column("price").to_pylist() == [text, text]
    with (tmp_path / "t.csv").open(newline="") as file:
        assert [row["price"] for row in csv.DictReader(file)] == [text, text]


@pytest.mark.parametrize("given", ["[]", "5", '"text"', "[1]"])
def test_attributes_that_are_no_object_are_not_lost(tmp_path: Path, given: str) -> None:
    write_all(tmp_path, f'{{"data":[{{"type":"things","id":"i","attributes":{given},"relationships":[]}}]}}'.encode())

    (row,) = pq.read_table(tmp_path / "t.parquet").to_pylist()
    assert row["other_attributes"] == given
    with (tmp_path / "t.csv").open(newline="") as file:
        assert next(csv.DictReader(file))["other_attributes"] == given


def test_empty_and_null_are_told_apart_where_a_format_can(tmp_path: Path) -> None:
    things = [{"text": ""}, {"text": None}, {}, {"tags": []}, {"tags": None}, {"free": {}}]
    write_all(tmp_path, page(*things))

    table = pq.read_table(tmp_path / "t.parquet")
    assert table.column("text").to_pylist() == ["", None, None, None, None, None]
    assert table.column("tags").to_pylist() == [None, None, None, "[]", None, None]
    assert table.column("free").to_pylist() == [None, None, None, None, None, "{}"]
    lines = (tmp_path / "t.csv").read_bytes().decode().split("\r\n")
    assert [line.partition("things,")[2][:2] for line in lines[1:4]] == ['""', ",,", ",,"]
    assert '"[]"' in lines[4]
    assert '"{}"' in lines[6]
