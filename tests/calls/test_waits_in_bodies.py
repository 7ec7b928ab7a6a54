"""A refusal that says in its body how long to wait is heeded like one with `Retry-After`."""

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from commercelayer_async import RateLimits, Retry, Session
from commercelayer_async.service import Rates, Service
from tests.support.memory_transport import URL, MemoryTransport
from tests.support.responses import reply
from tests.support.virtual_loop import run

GOOD = reply({"data": {"type": "tasks", "id": "1"}})
PATREON = {"errors": [{"code": 0, "retry_after_seconds": 7}]}


def patreon(body: Any) -> Any:
    return body["errors"][0]["retry_after_seconds"]


def wait_of(read: Callable[[Any], Any], refusal: bytes, *, more: int = 1) -> float:
    """Seconds that a call waits that is refused so often."""
    answers = [*[refusal] * more, GOOD]
    times: list[float] = []

    async def think(target: str) -> bytes:
        import asyncio  # noqa: PLC0415 - the running loop's time

        times.append(asyncio.get_running_loop().time())
        return answers.pop(0)

    class InMemory(Session):
        _seams = {"transports": lambda url, http: MemoryTransport(think)}  # noqa: RUF012 - as the base has it

    async def main() -> None:
        service = Service(rates=Rates(wait_in_body=read))
        options: dict[str, Any] = {"limits": RateLimits.none(), "retry": Retry(base=0.5), "timeout": 600.0}
        async with InMemory(URL, "key", service=service, **options) as session:
            await session.get("tasks", "1")

    run(main())
    return times[-1] - times[0]


@pytest.mark.parametrize("status", [429, 503])
def test_seconds_of_a_body_are_waited_for(status: int) -> None:
    assert 7.0 <= wait_of(patreon, reply(PATREON, status=status)) < 9.0


def test_retry_after_goes_first_where_it_says_something() -> None:
    usable = reply(PATREON, status=429, headers={"Retry-After": "20"})
    absurd = reply(PATREON, status=429, headers={"Retry-After": "1e12"})

    assert 20.0 <= wait_of(patreon, usable) < 25.0
    assert 7.0 <= wait_of(patreon, absurd) < 9.0


def test_other_failures_are_not_read() -> None:
    assert wait_of(patreon, reply(PATREON, status=500)) < 2.0


@pytest.mark.parametrize("value", [-1, 1e9, float("inf"), float("nan"), "7", True, [7], object()])
def test_a_function_that_lies_is_ignored_and_logged_once(value: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert wait_of(lambda body: value, reply(PATREON, status=503), more=2) < 4.0
    assert [record.levelno for record in caplog.records if "wait_in_body" in record.message] == [logging.WARNING]


def test_a_function_that_raises_is_ignored_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    assert wait_of(patreon, reply({"errors": []}, status=503), more=2) < 4.0
    assert [record.message for record in caplog.records if "wait_in_body" in record.message] == [
        "how long a refusal asks to wait is not read: wait_in_body raised IndexError"
    ]


@pytest.mark.parametrize("body", [b"", b"no JSON", json.dumps(PATREON).encode()[:-1]])
def test_a_body_that_is_no_json_asks_for_nothing(body: bytes, caplog: pytest.LogCaptureFixture) -> None:
    assert wait_of(patreon, reply(body, status=503)) < 2.0
    assert not [record for record in caplog.records if "wait_in_body" in record.message]
