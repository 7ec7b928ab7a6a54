"""Filters in the grammars of services: whatever a value holds, it stays that one value."""

import re
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercelayer_async._reading.grammars import conditions_of, grammar_of
from commercelayer_async.errors import ConfigurationError
from commercelayer_async.service import ByAttribute, Calls, Conditions

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
MARKED = st.text(st.sampled_from("ab\\\"'(),[]:{}&=%#+ "), min_size=1, max_size=12) | TEXTS


def pairs(form: Any, filter: dict[str, Any]) -> list[tuple[str, str]]:
    """The query parameters that a filter is written as, decoded."""
    parameters = grammar_of(form).parameters(conditions_of(filter, str))
    return [(unquote(name), unquote(value)) for name, _, value in (one.partition("=") for one in parameters)]


def texts_in(call: str, quote: str, escape: str) -> list[str]:
    """The texts in a call, read as a service reads them."""
    mark, sign = re.escape(quote), re.escape(escape)
    inside = rf"(?:{sign}.|[^{mark}{sign}])*" if escape != quote else rf"(?:{mark}{mark}|[^{mark}])*"
    found = re.findall(rf"{mark}({inside}){mark}", call, re.DOTALL)
    return [re.sub(rf"{sign}(.)", r"\1", text, flags=re.DOTALL) for text in found]


@pytest.mark.parametrize(("quote", "escape"), [('"', "\\"), ("'", "'"), ("'", "\\")])
@given(values=st.lists(MARKED, min_size=1, max_size=4))
def test_a_text_in_a_call_is_read_as_it_was_meant(quote: str, escape: str, values: list[str]) -> None:
    ((name, call),) = pairs(Calls(quote=quote, escape=escape), {"title": values, "open": True})

    assert name == "filter"
    assert texts_in(call, quote, escape) == values
    assert call.startswith("and(any(title,[")
    assert call.endswith("]),equals(open,true))")


@given(value=MARKED)
def test_a_bare_text_is_written_as_it_is_or_refused(value: str) -> None:
    try:
        ((_, call),) = pairs(Calls(quote="", equals="eq"), {"title": value})
    except ConfigurationError:
        assert set(value) & set("(),[]\"'")
    else:
        assert call == f"eq(title,{value})"


@given(values=st.lists(MARKED, min_size=1, max_size=4))
def test_values_that_are_joined_can_be_told_apart(values: list[str]) -> None:
    try:
        ((_, joined),) = pairs(ByAttribute(quote="{{"), {"title": values})
    except ConfigurationError:
        assert any("," in value and ("{{" in value or "}}" in value) for value in values)
    else:
        assert len(re.sub(r"\{\{.*?\}\}", "x", joined, flags=re.DOTALL).split(",")) == len(values) or any(
            "{{" in value or "}}" in value for value in values
        )


@given(values=st.lists(MARKED, min_size=1, max_size=4))
def test_values_that_are_not_joined_are_as_they_were(values: list[str]) -> None:
    assert pairs(ByAttribute(join=None), {"title": values}) == [("filter[title]", value) for value in values]
    of_condition = pairs(Conditions(), {"title": values})
    assert [value for name, value in of_condition if name.endswith("[value][]")] == values


@given(values=st.sets(MARKED, min_size=1, max_size=4))
def test_a_set_is_written_in_an_order_of_its_own(values: set[str]) -> None:
    assert pairs(ByAttribute(join=None), {"title": values}) == [("filter[title]", value) for value in sorted(values)]
