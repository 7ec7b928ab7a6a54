"""Rate headers of services, as they look, and as nobody should send them."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from commercelayer_async import ConfigurationError
from commercelayer_async._limits.windows import choose
from commercelayer_async._rate_dialects import (
    APP_STORE,
    DRAFT_6,
    DRAFT_7,
    DRAFT_8,
    Dialect,
    Names,
    ReportedWindow,
    guarded,
)
from commercelayer_async.service import COMMERCE_LAYER

NOON = 1_767_268_800.0
"""Thu, 01 Jan 2026 12:00:00 GMT."""

USUAL = Names("X-RateLimit-", left="Remaining", reset="Reset")
HYPHENATED = Names("X-Rate-Limit-", left="Remaining", reset="Reset")
DATADOG = Names("X-RateLimit-", left="Remaining", reset="Reset", window="Period", name="Name")
PLANNING_CENTER = Names("X-PCO-API-Request-Rate-", used="Count", window="Period")
DIALECTS: Sequence[Dialect] = [
    USUAL,
    DATADOG,
    PLANNING_CENTER,
    COMMERCE_LAYER.rates.dialect,
    DRAFT_6,
    DRAFT_7,
    DRAFT_8,
    APP_STORE,
]


def response_headers(lines: str) -> Mapping[str, str]:
    """The headers of a response, of lines such as `Name: value`."""
    pairs = [line.strip().split(": ", 1) for line in lines.strip().splitlines()]
    return CIMultiDictProxy(CIMultiDict([(name, value) for name, value in pairs]))


def window(*told: Any, **named: Any) -> list[ReportedWindow]:
    return [ReportedWindow(*told, **named)]


@pytest.mark.parametrize(
    ("service", "dialect", "lines", "reported"),
    [
        (
            "Commerce Layer",
            COMMERCE_LAYER.rates.dialect,
            "X-Ratelimit-Limit: 200\nX-Ratelimit-Interval: 60\nX-Ratelimit-Remaining: 199",
            window(200, 60, 199),
        ),
        (
            "Datadog",
            DATADOG,
            """X-RateLimit-Limit: 300
            X-RateLimit-Period: 3600
            X-RateLimit-Remaining: 299
            X-RateLimit-Reset: 1745
            X-RateLimit-Name: logs_list_search_api""",
            window(300, 3600, 299, 1745, "logs_list_search_api"),
        ),
        (
            "DatoCMS",
            USUAL,
            "X-RateLimit-Limit: 60\nX-RateLimit-Remaining: 58\nX-RateLimit-Reset: 3",
            window(60, None, 58, 3),
        ),
        (
            "Teamtailor",
            HYPHENATED,
            "X-Rate-Limit-Limit: 50\nX-Rate-Limit-Remaining: 49\nX-Rate-Limit-Reset: 7",
            window(50, None, 49, 7),
        ),
        (
            "HCP Terraform",
            USUAL,
            "x-ratelimit-limit: 30\nx-ratelimit-remaining: 0\nx-ratelimit-reset: 0.742",
            window(30, None, 0, 0.742),
        ),
        (
            "MBTA, by our clock",
            USUAL,
            f"x-ratelimit-limit: 1000\nx-ratelimit-remaining: 999\nx-ratelimit-reset: {NOON + 60:.0f}",
            window(1000, None, 999, 60),
        ),
        (
            "MBTA, by its own clock",
            USUAL,
            f"""date: Thu, 01 Jan 2026 11:00:00 GMT
            x-ratelimit-limit: 1000
            x-ratelimit-remaining: 999
            x-ratelimit-reset: {NOON - 3600 + 60:.0f}""",
            window(1000, None, 999, 60),
        ),
        (
            "Lemon Squeezy",
            USUAL,
            "X-Ratelimit-Limit: 300\nX-Ratelimit-Remaining: 298",
            window(300, None, 298),
        ),
        (
            "App Store Connect",
            APP_STORE,
            "X-Rate-Limit: user-hour-lim:3500;user-hour-rem:500;",
            window(3500, 3600, 500, None, "user-hour"),
        ),
        (
            "Planning Center",
            PLANNING_CENTER,
            """X-PCO-API-Request-Rate-Limit: 100
            X-PCO-API-Request-Rate-Count: 42
            X-PCO-API-Request-Rate-Period: 20""",
            window(100, 20, 58),
        ),
        (
            "Klaviyo",
            DRAFT_6,
            "RateLimit-Limit: 60, 3;w=1, 60;w=60\nRateLimit-Remaining: 57\nRateLimit-Reset: 34",
            [ReportedWindow(3, 1), ReportedWindow(60, 60, 57, 34)],
        ),
        (
            "Persona",
            DRAFT_6,
            "RateLimit-Limit: 300\nRateLimit-Remaining: 299\nRateLimit-Reset: 48",
            window(300, None, 299, 48),
        ),
        (
            "draft 6, with policies of their own",
            DRAFT_6,
            """RateLimit-Limit: 100
            RateLimit-Policy: 100;w=10, 5000;w=3600;comment="sliding, mostly"
            RateLimit-Remaining: 50
            RateLimit-Reset: 5""",
            [ReportedWindow(100, 10, 50, 5), ReportedWindow(5000, 3600)],
        ),
        (
            "Postman",
            DRAFT_7,
            "RateLimit: limit=9, remaining=5, reset=3\nRateLimit-Policy: 9;w=60",
            window(9, 60, 5, 3),
        ),
        (
            "draft 8",
            DRAFT_8,
            'RateLimit: "a";r=5;t=3\nRateLimit-Policy: "a";q=9;w=60',
            window(9, 60, 5, 3, "a"),
        ),
        (
            "draft 10, of several units and partitions",
            DRAFT_8,
            """RateLimit: "day";r=100;t=36000;pk=:dXNlcjE=:
            RateLimit: "minute, really";r=0;t=11, "volume";r=12;t=9
            RateLimit-Policy: "minute, really";q=10;w=60, "day";q=1000;w=86400;pk=:dXNlcjE=:
            RateLimit-Policy: "volume";q=65535;qu="content-bytes";w=10, "slots";q=5;qu="concurrent-requests\"""",
            [
                ReportedWindow(10, 60, 0, 11, "minute, really"),
                ReportedWindow(1000, 86_400, 100, 36_000, "day", ":dXNlcjE=:"),
            ],
        ),
        (
            "draft 8, of which the policy is not sent each time",
            DRAFT_8,
            'RateLimit: "a";r=0;t=3',
            window(None, None, 0, 3, "a"),
        ),
        (
            "draft 8, before anything was counted",
            DRAFT_8,
            'RateLimit-Policy: "a";q=9;w=60;qu=requests',
            window(9, 60, name="a"),
        ),
    ],
)
def test_what_services_report(service: str, dialect: Dialect, lines: str, reported: Sequence[ReportedWindow]) -> None:
    headers = response_headers(lines)
    as_written: dict[str, str] = {}
    for name, value in headers.items():
        as_written[name.upper()] = f"{as_written[name.upper()]}, {value}" if name.upper() in as_written else value

    assert list(dialect(headers, NOON)) == reported, service
    assert list(dialect(as_written, NOON)) == reported, service


@pytest.mark.parametrize(
    ("dialect", "lines", "reported"),
    [
        (USUAL, "Content-Type: text/html", []),
        (USUAL, "X-RateLimit-Limit: 10, 10", []),
        (USUAL, 'X-RateLimit-Limit: "10"', []),
        (USUAL, "X-RateLimit-Limit: 10;w=60", []),
        (USUAL, "X-RateLimit-Limit: \u0661\u0660", []),
        (USUAL, "X-RateLimit-Limit: 1e3", []),
        (USUAL, "X-RateLimit-Limit: 1_000", []),
        (USUAL, "X-RateLimit-Limit: nan", []),
        (USUAL, "X-RateLimit-Limit: unlimited\nX-RateLimit-Remaining: unlimited", []),
        (USUAL, f"X-RateLimit-Limit: {'9' * 30}\nX-RateLimit-Reset: {'9' * 30}", []),
        (USUAL, "X-RateLimit-Limit: 0\nX-RateLimit-Remaining: 0", window(remaining=0)),
        (USUAL, "X-RateLimit-Limit: 10\nX-RateLimit-Remaining: -1", window(10)),
        (USUAL, "X-RateLimit-Limit: 10\nX-RateLimit-Remaining: 11", window(10)),
        (USUAL, "X-RateLimit-Limit: 10\nX-RateLimit-Limit: 5", window(10)),
        (USUAL, "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: -5", window(remaining=0)),
        (USUAL, "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 999999999", window(remaining=0)),
        (USUAL, f"X-RateLimit-Reset: {NOON - 2:.0f}", window(resets_in=0)),
        (USUAL, f"X-RateLimit-Reset: {NOON + 0.25:.2f}", window(resets_in=1)),
        (USUAL, "X-RateLimit-Reset: 1000000001", []),
        (USUAL, f"X-RateLimit-Reset: {NOON * 1000:.0f}", []),
        (USUAL, f"Date: some day\nX-RateLimit-Reset: {NOON + 5:.0f}", window(resets_in=5)),
        (PLANNING_CENTER, "X-PCO-API-Request-Rate-Limit: 100\nX-PCO-API-Request-Rate-Count: 118", window(100, None, 0)),
        (PLANNING_CENTER, "X-PCO-API-Request-Rate-Count: 118", []),
        (COMMERCE_LAYER.rates.dialect, "X-Ratelimit-Remaining: 5\nX-Ratelimit-Interval: 60", []),
        (DRAFT_6, "RateLimit-Limit: 100;w=60\nRateLimit-Remaining: 5", window(100, 60, 5)),
        (DRAFT_6, "RateLimit-Limit: 10, 10;window=60", window(10)),
        (DRAFT_6, "RateLimit-Limit: (10 20)\nRateLimit-Remaining: 5", window(remaining=5)),
        (DRAFT_7, "RateLimit: limit=9, remaining=5,", []),
        (DRAFT_7, 'RateLimit: limit="9", remaining=-5, reset=3', window(resets_in=3)),
        (DRAFT_7, "RateLimit: limit=9, limit=8", window(8)),
        (DRAFT_8, '"a";r=5', []),
        (DRAFT_8, 'RateLimit: "a;r=5', []),
        (DRAFT_8, 'RateLimit: "a";r=-5;t=3, "b";r=?1;t="7"', [*window(resets_in=3, name="a"), *window(name="b")]),
        (DRAFT_8, 'RateLimit: "\\"a\\\\";r=5;t=3;later=:AA==:;r=4', window(None, None, 4, 3, '"a\\')),
        (DRAFT_8, f'RateLimit-Policy: "a";q={"9" * 30};w=60', []),
        (DRAFT_8, 'RateLimit-Policy: "a";q=5;w=0', window(5, name="a")),
        (DRAFT_8, f"RateLimit-Policy: {'a' * 3000};q=5", []),
        (
            DRAFT_8,
            'RateLimit: "a";r=0;t=3;pk=:AA==:\nRateLimit-Policy: "a";q=5;w=9;pk=:BB==:',
            [ReportedWindow(5, 9, None, None, "a", ":BB==:"), ReportedWindow(None, None, 0, 3, "a", ":AA==:")],
        ),
        (DRAFT_8, 'RateLimit: "a";r=0;t=3\nRateLimit-Policy: "a";q=5;w=9;qu="content-bytes"', []),
        (APP_STORE, "X-Rate-Limit: user-hour-lim:3500", window(3500, 3600, name="user-hour")),
        (APP_STORE, "X-Rate-Limit: user-hour-lim:;user-hour-rem:-4;lim:5;user-week-lim:4", []),
    ],
)
def test_what_cannot_be_is_not_believed(dialect: Dialect, lines: str, reported: Sequence[ReportedWindow]) -> None:
    headers = response_headers(lines) if ": " in lines else {}

    assert list(dialect(headers, NOON)) == reported


NUMBERS = st.one_of(
    st.integers().map(str),
    st.floats().map(str),
    st.text(max_size=40),
    st.text("0123456789.,;=\"'-+eE_ ", max_size=40),
    st.from_regex(r"[0-9]{0,30}(\.[0-9]{0,30})?", fullmatch=True),
)
FIELDS = st.one_of(
    NUMBERS,
    st.text('"abqrtwpk;=:,?\\() 0123456789.-', max_size=80),
    st.lists(
        st.builds("{};{}={};{}={}".format, st.sampled_from(['"a"', "a", "9"]), *[st.sampled_from("qrtw"), NUMBERS] * 2)
    ).map(", ".join),
)
NAMES = [
    *(f"X-RateLimit-{name}" for name in ("Limit", "Remaining", "Reset", "Period", "Name", "Interval")),
    *(f"X-PCO-API-Request-Rate-{name}" for name in ("Limit", "Count", "Period")),
    *("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit", "RateLimit-Policy", "X-Rate-Limit"),
    "Date",
]


@given(st.dictionaries(st.sampled_from(NAMES), FIELDS), st.floats(0, 1e11))
@example({"X-RateLimit-Reset": "1" * 20}, 1e11)
def test_no_header_raises_or_gives_a_window_that_cannot_be(headers: dict[str, str], now: float) -> None:
    for dialect in DIALECTS:
        for reported in dialect(headers, now):
            assert_sane(reported)


def assert_sane(reported: ReportedWindow) -> None:
    assert reported.limit is None or (type(reported.limit) is int and 1 <= reported.limit <= 10**9)
    assert reported.seconds is None or 0 < reported.seconds <= 31 * 86_400
    assert reported.resets_in is None or 0 <= reported.resets_in <= 31 * 86_400
    if reported.remaining is not None:
        assert type(reported.remaining) is int
        assert 0 <= reported.remaining <= (reported.limit or 10**9)


ANYTHING = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.decimals())


@given(st.lists(ANYTHING, min_size=6, max_size=6))
def test_a_window_that_a_caller_makes_holds_nothing_that_cannot_be(told: list[Any]) -> None:
    assert_sane(ReportedWindow(*told))


@given(st.integers(1, 10**6), st.integers(1, 3600), st.data())
def test_what_is_written_in_any_dialect_is_read(limit: int, seconds: int, data: st.DataObject) -> None:
    left, reset = data.draw(st.integers(0, limit)), data.draw(st.integers(0, 10**6))
    expected = ReportedWindow(limit, seconds, left, reset)

    assert list(DRAFT_7(
        {"RateLimit": f"limit={limit},remaining={left} ,  reset={reset}", "RateLimit-Policy": f"{limit};  w={seconds}"},
        NOON,
    )) == [expected]  # fmt: skip
    assert list(DRAFT_8(
        {"RateLimit": f'"x";t={reset};r={left}', "RateLimit-Policy": f'"x";w={seconds};q={limit}'}, NOON
    )) == [attrs.evolve(expected, name="x")]  # fmt: skip
    (usual,) = Names("A-", left="Left", reset="Reset", window="Of")(
        {"a-limit": str(limit), "a-left": str(left), "a-reset": str(NOON + reset), "a-of": str(seconds)}, NOON
    )
    assert usual == expected


def test_a_function_of_a_callers_may_be_anything(caplog: pytest.LogCaptureFixture) -> None:
    def endless(headers: Mapping[str, str], now: float) -> Iterator[ReportedWindow]:
        while True:
            yield ReportedWindow(limit=5)

    def fails(headers: Mapping[str, str], now: float) -> list[ReportedWindow]:
        raise RuntimeError(headers["authorization"])

    odd: list[Any] = [endless, fails, lambda *_: None, list, lambda *_: [None, 5, ReportedWindow(5)]]
    with caplog.at_level(logging.WARNING, "commercelayer_async"):
        read = [
            [dialect({"authorization": "Bearer s3cr3t"}, NOON) for _ in range(2)][-1] for dialect in map(guarded, odd)
        ]

    assert [len(windows) for windows in read] == [64, 0, 0, 0, 1]
    assert len(caplog.records) == 3
    assert "s3cr3t" not in caplog.text


def test_a_dialect_of_the_package_stays_as_it_is_and_one_of_a_callers_is_guarded_once() -> None:
    own = guarded(lambda *_: [])

    assert guarded(own) is own
    assert [guarded(dialect) for dialect in DIALECTS] == list(DIALECTS)


@pytest.mark.parametrize("odd", [None, "X-RateLimit-", 5])
def test_what_cannot_be_called_is_not_a_dialect(odd: Any) -> None:
    with pytest.raises(ConfigurationError, match="dialect"):
        attrs.evolve(COMMERCE_LAYER.rates, dialect=odd)


@pytest.mark.parametrize("names", [{"prefix": 5}, {"prefix": "X-", "left": 5}, {"prefix": "X-", "limit": ""}])
def test_names_that_are_not_texts_are_refused(names: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="Names"):
        Names(**names)


def test_of_several_windows_the_slowest_is_kept_and_of_the_others_the_one_with_the_fewest_left_counts_down() -> None:
    fast, slow, day = ReportedWindow(3, 1), ReportedWindow(60, 60, 5, 3), ReportedWindow(10_000, 86_400, 7, 50_000)
    untold, without_reset = ReportedWindow(None, None, 9, 4), ReportedWindow(None, None, 1)

    kept, counted = choose([fast, day, slow, untold, without_reset])

    assert kept == (60, 60.0, 5)
    assert counted == day
