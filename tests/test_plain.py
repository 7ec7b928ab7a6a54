"""Plain values: what a caller gives becomes an instance of exactly the built-in class, by its content alone."""

import enum
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercelayer_async._plain import plain, plain_json, plain_text
from tests.support.subclasses import WRONG, Text, impostors, variants

moments = st.datetimes(timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=-7))]))
values = (
    st.text()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.decimals(allow_nan=False)
    | moments
    | st.dates()
)


@given(data=st.data(), value=values)
def test_a_value_of_a_subclass_becomes_what_it_is(data: st.DataObject, value: Any) -> None:
    made = plain(data.draw(impostors(value)))

    assert type(made) is type(value)
    assert made == value
    assert repr(made) == repr(value)


@given(value=values)
def test_a_plain_value_stays_itself(value: Any) -> None:
    assert plain(value) is value


@given(st.uuids())
def test_a_uuid_is_its_text(value: UUID) -> None:
    assert [plain(one) for one in (value, *variants(value))] == [str(value)] * 2


@pytest.mark.parametrize("value", [None, b"x", [1], (), {"a": 1}, object(), 1j, timedelta(1), Text, enum.Enum])
def test_anything_else_is_left_to_be_refused(value: Any) -> None:
    assert plain(value) is value
    assert plain_text(value) is None


class Array:
    """Holds one number, and is not one."""

    def __len__(self) -> int:
        return 1

    def __index__(self) -> int:
        return 1


class Imaginary:
    """Has a float for want of something better."""

    def __float__(self) -> float:
        return 1.0

    def __complex__(self) -> complex:
        return 1j


class Reluctant:
    """Raises when it is asked for its number."""

    def __index__(self) -> int:
        raise RuntimeError("not today")


class Proxy:
    """Says that it is a text, and is none."""

    @property
    def __class__(self) -> Any:
        return str

    @__class__.setter
    def __class__(self, _: Any) -> None:
        pass


@pytest.mark.parametrize("cls", [Array, Imaginary, Reluctant, Proxy])
def test_what_only_looks_like_a_scalar_is_none(cls: type) -> None:
    value = cls()

    assert plain(value) is value
    assert plain_text(value) is None


def test_a_fraction_is_the_number_next_to_it() -> None:
    assert plain(Fraction(1, 4)) == 0.25


def test_the_fold_of_a_datetime_stays() -> None:
    folded = datetime(2024, 10, 27, 1, tzinfo=UTC, fold=1)

    assert [plain(one).fold for one in variants(folded)] == [1, 1]


def test_json_is_made_of_plain_values() -> None:
    given = {Text("a"): [Text("b"), {"c": variants(5)[0]}], "d": (Decimal(1), date(2024, 1, 1), None)}

    assert plain_json(given) == {"a": ["b", {"c": 5}], "d": [Decimal(1), date(2024, 1, 1), None]}
    assert WRONG not in repr(plain_json(given))
