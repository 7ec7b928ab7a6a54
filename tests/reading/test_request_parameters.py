"""The parameters of `session.request()`: scalars and several of them are sent, and anything else is refused by name."""

from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercelayer_async import AccessToken, ConfigurationError, Session
from commercelayer_async._reading.parameters import query_parameters
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer

texts = st.text(st.characters(codec="utf-8"))


class Broken(tzinfo):
    """A time zone that fails."""

    def utcoffset(self, _: datetime | None) -> timedelta:
        raise RuntimeError("no offset today")

    dst = utcoffset

    def tzname(self, _: datetime | None) -> str:
        return "nowhere"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a b&c=d", "a b&c=d"),
        ("", ""),
        ("a,b", "a,b"),
        (5, "5"),
        (-1.5, "-1.5"),
        (Decimal("1.50"), "1.50"),
        (True, "true"),
        (False, "false"),
        (["a", 5, True], "a,5,true"),
        (("a",), "a"),
        ({"b", "a"}, "a,b"),
        (date(2024, 1, 2), "2024-01-02"),
        (datetime(2024, 1, 2, tzinfo=UTC), "2024-01-02T00:00:00.000Z"),
    ],
)
async def test_a_value_is_sent_as_the_api_writes_it(value: Any, text: str) -> None:
    async with (
        ScriptedServer(reply({"data": []})) as server,
        Session(server.url, AccessToken("secret")) as session,
    ):
        await session.request("/customers?x=1", params={"page[size]": value})

    assert parse_qsl(urlsplit(server.paths[0]).query, keep_blank_values=True) == [("x", "1"), ("page[size]", text)]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "is None; leave it out, or give ''"),
        ({"a": 1}, "is a mapping; give a parameter of its own for each member"),
        (b"x", "takes a text, a number, a boolean, a date or an aware datetime, not a bytes"),
        (object(), "not a object"),
        ([], "has no values"),
        ([None], "not a NoneType"),
        ([["a"]], "not a list"),
        (["a,b"], "a comma"),
        ("\ud800", "half a character"),
        (float("nan"), "a number that no record can have"),
        (2**63, "a number that no record can have"),
        (datetime(2024, 1, 2), "without time zone"),  # noqa: DTZ001 - the point
        (datetime.max.replace(tzinfo=Broken()), "a datetime that is none in UTC"),
    ],
)
async def test_anything_else_is_refused_and_the_parameter_named(value: Any, message: str) -> None:
    async with (
        ScriptedServer(reply({"data": []})) as server,
        Session(server.url, AccessToken("secret")) as session,
    ):
        with pytest.raises(ConfigurationError, match=r"^params: 'page\[size\]'") as caught:
            await session.request("/customers", params={"page[size]": value})
        assert message in str(caught.value)
        assert server.requests == []


@pytest.mark.parametrize(
    "params", ["a=b", [("a", "b")], 5, {5: "x"}, {"": "x"}, {None: "x"}, {"\ud800": "x"}, {b"a": "x"}]
)
def test_what_is_not_a_mapping_of_names_is_refused(params: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^params"):
        query_parameters(params)


@pytest.mark.parametrize("path", [5, None, b"/customers", ["/customers"]])
async def test_so_is_a_path_that_is_not_a_text(path: Any) -> None:
    async with Session("http://127.0.0.1:9", AccessToken("secret")) as session:
        with pytest.raises(ConfigurationError, match=r"^path_or_url must be"):
            await session.request(path)


@given(st.dictionaries(texts.filter(bool), texts | st.integers(-(2**63) + 1, 2**63 - 1), max_size=5))
def test_parameters_survive_the_round_trip(params: dict[str, Any]) -> None:
    sent = "&".join(query_parameters(params))

    assert parse_qsl(sent, keep_blank_values=True) == [(name, str(value)) for name, value in params.items()]
