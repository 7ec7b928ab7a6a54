"""Lists as the tests' server gives them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from commercelayer_async import AccessToken, RateLimits, Resource, Retry, Session
from tests.support.documents import resource
from tests.support.responses import reply

TOKEN = AccessToken("secret-token")
SIXTY = [f"c{n:02}" for n in range(60)]
PATH = "/api/customers"
FIRST = f"{PATH}?sort=id&page%5Bnumber%5D=1&page%5Bsize%5D=25"
UNSAID: Any = object()


def session_on(url: str, **options: Any) -> Session:
    """A session that neither waits nor tries again."""
    return Session(url, TOKEN, **{"limits": RateLimits.none(), "retry": Retry.never(), **options})


def page(ids: Sequence[str], next: Any = UNSAID, *, count: Any = 60, type: str = "customers", **members: Any) -> bytes:
    """An answer with a page of a list."""
    links = {"first": f"{PATH}?page%5Bnumber%5D=1"} | ({} if next is UNSAID else {"next": next})
    meta = {} if count is UNSAID else {"record_count": count}
    return reply({"data": [resource(type, id) for id in ids], "links": links, "meta": meta} | members)


def link(number: int) -> str:
    """A link to a page."""
    return f"{PATH}?page%5Bnumber%5D={number}&page%5Bsize%5D=25&sort=id"


def pages(*sizes: int, count: Any = 60) -> list[bytes]:
    """The pages of a good list with such sizes."""
    answers: list[bytes] = []
    start = 0
    for number, size in enumerate(sizes, start=1):
        ids = SIXTY[start : start + size]
        answers.append(page(ids, *([link(number + 1)] if number < len(sizes) else []), count=count))
        start += size
    return answers


async def ids_of(resources: AsyncIterator[Resource] | Any) -> list[str]:
    """The ids that an iteration gives."""
    return [one.id async for one in resources]


async def broken(resources: Any, expected: type[Exception]) -> tuple[list[str], Any]:
    """The ids that an iteration gives before it fails, and its error."""
    found: list[str] = []

    async def take() -> None:
        async for one in resources:
            found.append(one.id)  # noqa: PERF401 - what came before the failure counts

    with pytest.raises(expected) as caught:
        await take()
    return found, caught.value


async def until(condition: Callable[[], Any]) -> None:
    """Wait for the loop to get there."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - nothing signals it
            await asyncio.sleep(0)


def reading() -> list["asyncio.Task[Any]"]:
    """The tasks that read a page ahead."""
    return [task for task in asyncio.all_tasks() if "ListReader.next_page" in repr(task.get_coro())]
