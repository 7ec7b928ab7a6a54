"""No connection to Redis outlives what used it, whatever the server did, and in whichever moment it was cancelled."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from commercelayer_async import TokenStoreError
from commercelayer_async._auth.token_redis import TokenRedis
from commercelayer_async._shared.redis_store import RedisStore
from commercelayer_async._shared.state import SECOND, Request, Settled
from commercelayer_async._shared.store import StoreLost

from .redis_server import RedisServer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts sockets in /proc")

PAIR = [200, 60 * SECOND, 50, 10 * SECOND]
MOST_TURNS = 200
"""Turns of the loop in which a step is surely made, if the server answers."""


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


def sockets() -> set[str]:
    found: set[str] = set()
    for one in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found.add(str(one.readlink()))
    return {name for name in found if name.startswith("socket:")}


@asynccontextmanager
async def all_closed() -> AsyncIterator[None]:
    """Fail if a socket is open afterwards that was not before; a connection that is only dropped fails as a warning."""
    before = sockets()
    yield
    for _ in range(3):
        await asyncio.sleep(0)  # asyncio closes a socket in the turn after that of its transport
    assert sockets() <= before
    gc.collect()


def request(number: int, settled: int = 0) -> Request:
    return Request("a", number, documented=PAIR, type="x", bulk=1, settled=[Settled("b" * 200, "x", 1)] * settled)


async def cancelled_after(turns: int, task: "asyncio.Task[object]") -> bool:
    """True if the task was done before."""
    for _ in range(turns):
        if task.done():
            break
        await asyncio.sleep(0)
    was_done = task.done()
    task.cancel()
    with suppress(asyncio.CancelledError, StoreLost, TokenStoreError):
        await task
    return was_done


ILLS: dict[str, Callable[[RedisServer], None]] = {
    "answers": lambda _: None,
    "stands still": RedisServer.stop,
    "is killed": RedisServer.kill,
}


@pytest.mark.parametrize("ill", ILLS)
@pytest.mark.parametrize("used", [False, True], ids=["first", "later"])
async def test_a_step_that_is_cancelled_in_any_moment_leaves_no_connection(
    server: RedisServer, ill: str, *, used: bool
) -> None:
    async def one(turns: int) -> bool:
        store = RedisStore(server.url)
        if used:
            await store.step("key", request(1))
        ILLS[ill](server)
        done = await cancelled_after(turns, asyncio.ensure_future(store.step("key", request(2))))
        await store.close()
        return done

    for turns in range(MOST_TURNS):
        async with all_closed():
            done = await one(turns)
        if ill == "stands still":
            server.go_on()
        elif ill == "is killed":
            server.start()
        if done or (ill != "answers" and turns == 30):
            break
    else:
        pytest.fail("the step was never made")


@pytest.mark.parametrize("ill", ILLS)
async def test_a_token_store_that_is_cancelled_in_any_moment_leaves_no_connection(
    server: RedisServer, ill: str
) -> None:
    ILLS[ill](server)
    for turns in range(MOST_TURNS):
        async with all_closed():
            task: asyncio.Task[object] = asyncio.ensure_future(TokenRedis(server.url).read("name"))
            done = await cancelled_after(turns, task)
        if done or (ill != "answers" and turns == 30):
            break
    else:
        pytest.fail("the token was never read")


async def test_a_token_store_that_is_cancelled_twice_leaves_no_connection(server: RedisServer) -> None:
    """The second time while it closes its connection."""
    for turns in range(40):
        async with all_closed():
            task: asyncio.Task[object] = asyncio.ensure_future(TokenRedis(server.url).read("name"))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await cancelled_after(1, task)
            await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))


@pytest.mark.slow
@pytest.mark.parametrize("ill", ["stands still", "is killed"])
@pytest.mark.parametrize("settled", [0, 10_000], ids=["small", "large"])
async def test_a_store_that_is_lost_leaves_no_connection(server: RedisServer, ill: str, settled: int) -> None:
    """Also not one with more to send than the server ever reads."""
    async with all_closed():
        store = RedisStore(server.url)
        await store.step("key", request(1))
        ILLS[ill](server)
        with pytest.raises(StoreLost):
            await store.step("key", request(2, settled))
        await store.close()
    async with all_closed():
        with pytest.raises(TokenStoreError):
            await TokenRedis(server.url).read("name")


async def test_what_is_not_redis_is_left_too() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    other = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = f"redis://127.0.0.1:{other.sockets[0].getsockname()[1]}"
    async with other:
        async with all_closed():
            store = RedisStore(url)
            with pytest.raises(StoreLost):
                await store.step("key", request(1))
            await store.close()
        async with all_closed():
            with pytest.raises(TokenStoreError):
                await TokenRedis(url).read("name")
