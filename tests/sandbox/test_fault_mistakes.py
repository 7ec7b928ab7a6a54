"""A mistake in a fault is told where it is written: by its class, or by the rule."""

import asyncio
import threading
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercelayer_async.sandbox import Answer, Delay, ExpireTokens, Gate, Replace, Reset, Truncate
from commercelayer_async.sandbox.faults.rules import Faults
from tests.support.documents import WALLET_PATH

NAN, INF = float("nan"), float("inf")


async def asynchronous(request: object) -> bool:
    return bool(request)


class Stopped:
    """Its `wait` would block the whole sandbox."""

    def wait(self) -> None: ...


@pytest.mark.parametrize("kind", [Answer, Replace])
@pytest.mark.parametrize(
    ("headers", "kept"),
    [
        ((), ()),
        ({}, ()),
        ({"Retry-After": "3"}, (("Retry-After", "3"),)),
        ([("A", "1"), ("A", "2")], (("A", "1"), ("A", "2"))),
        ((["A", "1"],), (("A", "1"),)),
        ((("A", "ü\t€"),), (("A", "ü\t€"),)),
    ],
)
def test_headers_are_a_mapping_or_pairs(kind: Any, headers: Any, kept: Any) -> None:
    fault = Answer(200, b"", headers) if kind is Answer else Replace(headers=headers)

    assert fault.headers == kept
    assert hash(fault) == hash(fault)


async def test_a_mapping_of_headers_is_sent(sandbox, api):
    sandbox.faults.add(Replace(headers={"X-Ratelimit-Remaining": "0", "Via": "me"}))

    response = await api.send("GET", WALLET_PATH)

    assert (response.status, response.headers["X-Ratelimit-Remaining"], response.headers["Via"]) == (200, "0", "me")


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ("ab", TypeError),
        (b"ab", TypeError),
        (None, TypeError),
        (5, TypeError),
        (["ab"], TypeError),
        ([("A", "1", "2")], TypeError),
        ([5], TypeError),
        ({"A": 1}, TypeError),
        ({1: "a"}, TypeError),
        ([("A", None)], TypeError),
        ({"": "1"}, ValueError),
        ({"A B": "1"}, ValueError),
        ({"A:": "1"}, ValueError),
        ({"Ä": "1"}, ValueError),
        ({"A": "1\r\nB: 2"}, ValueError),
        ({"A": "\x00"}, ValueError),
        ({"A": "\ud800"}, ValueError),
        ({"content-length": "many"}, ValueError),
        ({"Content-Length": "-1"}, ValueError),
    ],
)
@pytest.mark.parametrize("kind", [Answer, Replace])
def test_other_headers_are_refused(kind: Any, headers: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="header"):
        _ = Answer(200, b"", headers) if kind is Answer else Replace(headers=headers)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: Answer("200"), TypeError, "status"),  # type: ignore[arg-type] # what is refused
        (lambda: Answer(bool(1)), TypeError, "status"),
        (lambda: Answer(None), TypeError, "status"),  # type: ignore[arg-type] # what is refused
        (lambda: Answer(100), ValueError, "200 to 599"),
        (lambda: Answer(0), ValueError, "200 to 599"),
        (lambda: Answer.html(600), ValueError, "200 to 599"),
        (lambda: Answer.empty(-1), ValueError, "200 to 599"),
        (lambda: Answer.errors(1000), ValueError, "200 to 599"),
        (lambda: Answer.errors(404, code=5), TypeError, "code"),  # type: ignore[arg-type] # what is refused
        (lambda: Answer.errors(404, detail=None), TypeError, "detail"),  # type: ignore[arg-type] # what is refused
        (lambda: Answer.errors(404, code="\ud800"), ValueError, "code"),
        (lambda: Answer(200, "text"), TypeError, "bytes"),  # type: ignore[arg-type] # what is refused
        (lambda: Answer(200, None), TypeError, "bytes"),  # type: ignore[arg-type] # what is refused
        (lambda: Answer.too_many(retry_after=1.5), TypeError, "retry_after"),  # type: ignore[arg-type] # what is refused
        (lambda: Answer.too_many(retry_after=True), TypeError, "retry_after"),
        (lambda: Answer.too_many(retry_after="1\n"), ValueError, "Retry-After"),
        (lambda: Replace("text"), TypeError, "bytes"),  # type: ignore[arg-type] # what is refused
        (lambda: Reset("x"), TypeError, "after"),  # type: ignore[arg-type] # what is refused
        (lambda: Reset(bool(1)), TypeError, "after"),
        (lambda: Reset(7), ValueError, "0 to 1"),
        (lambda: Reset(NAN), ValueError, "0 to 1"),
        (lambda: Truncate(-0.1), ValueError, "0 to 1"),
        (lambda: Truncate(None), TypeError, "after"),  # type: ignore[arg-type] # what is refused
        (lambda: Delay("1"), TypeError, "seconds"),  # type: ignore[arg-type] # what is refused
        (lambda: Delay(-1), ValueError, "seconds"),
        (lambda: Delay(NAN), ValueError, "seconds"),
        (lambda: Delay(INF), ValueError, "seconds"),
        (lambda: Delay(until=Gate), TypeError, "Gate"),  # type: ignore[arg-type] # what is refused
        (lambda: Delay(until=threading.Event()), TypeError, "wait"),  # type: ignore[arg-type] # what is refused
        (lambda: Delay(until=Stopped()), TypeError, "wait"),  # type: ignore[arg-type] # what is refused
        (lambda: Delay(until=5), TypeError, "until"),  # type: ignore[arg-type] # what is refused
        (lambda: Delay(then=Reset), TypeError, r"write Reset\("),  # type: ignore[arg-type] # what is refused
        (lambda: Delay(then=Delay(1)), TypeError, "then"),  # type: ignore[arg-type] # what is refused
        (lambda: Delay(then="reset"), TypeError, "then"),  # type: ignore[arg-type] # what is refused
    ],
)
def test_a_fault_that_cannot_be_is_not_made(make: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        make()


@pytest.mark.parametrize(
    ("fault", "options", "error", "text"),
    [
        (Reset, {}, TypeError, r"the class Reset; .* write Reset\("),
        (Delay, {}, TypeError, r"write Delay\("),
        (Gate(), {}, TypeError, "fault"),
        (Gate, {}, TypeError, "fault is the class Gate"),
        (503, {}, TypeError, "fault"),
        (None, {}, TypeError, "fault"),
        (Answer.html, {}, TypeError, "fault"),
        ([Reset()], {}, TypeError, "fault"),
        (Reset(), {"times": 0}, ValueError, "times"),
        (Reset(), {"times": -1}, ValueError, "times"),
        (Reset(), {"times": "2"}, TypeError, "times"),
        (Reset(), {"times": 1.5}, TypeError, "times"),
        (Reset(), {"times": True}, TypeError, "times"),
        (Reset(), {"where": ""}, ValueError, "'/api/customers'"),
        (Reset(), {"where": "api/customers"}, ValueError, "beginning of a path"),
        (Reset(), {"where": "GET /api/customers"}, ValueError, "method"),
        (Reset(), {"where": "FETCH /api"}, ValueError, "method"),
        (Reset(), {"where": "http://127.0.0.1/api"}, ValueError, "beginning of a path"),
        (Reset(), {"where": "/api/a b"}, ValueError, "as they are sent"),
        (Reset(), {"where": "/api#x"}, ValueError, "as they are sent"),
        (Reset(), {"where": 5}, TypeError, "where"),
        (Reset(), {"where": ["/api"]}, TypeError, "where"),
        (Reset(), {"where": lambda: True}, TypeError, "cannot be called with a request"),
        (Reset(), {"where": lambda request, more: bool(request or more)}, TypeError, "cannot be called"),
        (Reset(), {"where": asynchronous}, TypeError, "async"),
    ],
)
def test_a_rule_that_cannot_be_is_not_added(fault: Any, options: Any, error: type[Exception], text: str) -> None:
    faults = Faults()

    with pytest.raises(error, match=text):
        faults.add(fault, **options)
    assert faults._rules == ()


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"rate": 1.1}, ValueError, "rate"),
        ({"rate": -0.1}, ValueError, "rate"),
        ({"rate": NAN}, ValueError, "rate"),
        ({"rate": "0.5"}, TypeError, "rate"),
        ({"rate": None}, TypeError, "rate"),
        ({"rate": True}, TypeError, "rate"),
        ({"seed": None}, TypeError, "seed"),
        ({"seed": "x"}, TypeError, "seed"),
        ({"where": "api"}, ValueError, "where"),
        ({"where": 5}, TypeError, "where"),
        ({"kinds": []}, ValueError, "kinds"),
        ({"kinds": Reset()}, TypeError, "kinds"),
        ({"kinds": None}, TypeError, "kinds"),
        ({"kinds": {Reset()}}, TypeError, "kinds"),
        ({"kinds": [Reset]}, TypeError, r"write Reset\("),
        ({"kinds": [Reset(), 5]}, TypeError, "kinds"),
    ],
)
def test_random_faults_that_cannot_be_are_not_added(options: Any, error: type[Exception], text: str) -> None:
    faults = Faults()

    with pytest.raises(error, match=text):
        faults.randomly(**({"rate": 0.5, "seed": 1} | options))
    assert faults._random_faults == ()


def test_what_can_be_is_accepted() -> None:
    faults = Faults()
    faults.add(Reset(), where=lambda request, *_: bool(request))
    for fault in (Answer(599), Reset(0), Reset(1), Truncate(1.0), ExpireTokens(), Delay(0, Gate(), Reset())):
        faults.add(fault, times=None, where=partial(isinstance, 5))
    faults.add(Delay(until=asyncio.Event()), where="/")
    faults.add(Reset(), where=bool)
    faults.randomly(rate=0, seed=0)
    faults.randomly(rate=1, seed=-1, kinds=(Reset(),))


SENDABLE = st.dictionaries(
    st.text("abcXYZ-0123456789", min_size=1).map(lambda name: f"X-{name}"),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20).map(str.strip),
    max_size=3,
)


@given(SENDABLE | st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2))
def test_headers_are_kept_as_given_or_refused(headers: dict[str, str]) -> None:
    try:
        kept = Replace(headers=headers).headers
    except ValueError as refusal:
        assert "header" in str(refusal)  # noqa: PT017 - either holds
    else:
        assert kept == tuple(headers.items())
