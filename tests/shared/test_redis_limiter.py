"""One budget for many machines in Redis: a real server, and what it does when it is ill."""

import asyncio
import gc
import logging
import multiprocessing
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import pytest
import redis.asyncio

from commercelayer_async import AccessToken, ConfigurationError, RateLimits, Session, SharedBudgetError
from commercelayer_async.redis import RedisLimiter
from commercelayer_async.resources import CustomerPaymentSource
from commercelayer_async.sandbox import Rates, Sandbox
from tests.support.documents import WALLET_ID

from .processes import LIMITS, together
from .proxy import Proxy
from .redis_server import EACH_PROGRAM, RedisServer

SECRET = "dont-show-me"


@pytest.fixture(params=EACH_PROGRAM)
def server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    with RedisServer(program=request.param) as running:
        yield running


@pytest.fixture
async def limited() -> AsyncIterator[Sandbox]:
    async with Sandbox(rates=Rates.test().scaled(20)) as sandbox:
        yield sandbox


def session(sandbox: Sandbox, where: Any, **options: Any) -> Session:
    limiter = RedisLimiter(where, limits=LIMITS, **options)
    return Session(sandbox.url, AccessToken(sandbox.access_token), limiter=limiter, timeout=120)


async def get(session: Session, calls: int = 1) -> None:
    await asyncio.gather(*(session.get(CustomerPaymentSource, WALLET_ID) for _ in range(calls)))


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2, 8, 32])
async def test_processes_keep_the_windows_together(server: RedisServer, limited: Sandbox, processes: int) -> None:
    calls = (160 if processes < 8 else 256) // processes
    done = await together("redis", server.url, limited.url, limited.access_token, processes=processes, calls=calls)

    assert sum(done) == calls * processes
    assert limited.violations == ()
    assert all(window.refused == 0 for window in limited.windows())


async def test_members_and_store_are_told_and_nothing_of_a_customer_is_kept(
    server: RedisServer, limited: Sandbox
) -> None:
    async with session(limited, server.url) as one, session(limited, server.url) as other:
        await get(one)
        await get(other)
        state = other.rate_limits
        assert (state.members, state.store, state.store_lost, state.limit) == (2, "redis", False, 100)
        with server.client() as client:
            (key,) = client.keys()
            kept = key + client.get(key)
            assert 0 < client.pttl(key) < 300_000
    assert b"127.0.0.1" not in kept
    assert limited.access_token.encode() not in kept
    assert key.count(b"{") == 1


async def test_members_at_several_addresses_count_apart(server: RedisServer, limited: Sandbox) -> None:
    """Those with one label count together; without one it is another budget."""
    labels = ["eu-1", "eu-1", "us-1", None]
    sessions = [session(limited, server.url, address=label) for label in labels]
    for _ in range(2):
        for one in sessions:
            await get(one)
    members = [one.rate_limits.members for one in sessions]
    for one in sessions:
        await one.close()
    assert members == [2, 2, 1, 1]


@pytest.mark.parametrize("address", ["", 7])
def test_an_address_is_a_text(address: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"^address must be a text"):
        RedisLimiter("redis://localhost", address=address)


@pytest.mark.parametrize("decode", [False, True])
async def test_a_client_of_the_callers_is_used_and_not_closed(
    server: RedisServer, limited: Sandbox, *, decode: bool
) -> None:
    client = redis.asyncio.Redis(unix_socket_path=server.url.removeprefix("unix://"), decode_responses=decode)
    async with session(limited, client) as one:
        await get(one)
    assert await client.ping()
    await client.aclose()


@pytest.mark.slow
@pytest.mark.parametrize("ill", ["killed", "stopped"])
async def test_a_store_that_is_lost_leaves_each_its_share_and_comes_back(
    server: RedisServer, limited: Sandbox, ill: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "commercelayer_async")
    async with session(limited, server.url) as one, session(limited, server.url) as other:
        await get(one)
        await get(other)
        # A member knows how many there are from its last step.
        await get(one)
        server.kill() if ill == "killed" else server.stop()
        await asyncio.gather(get(one, 60), get(other, 60))
        assert one.rate_limits.store_lost
        assert one.rate_limits.members == 2
        server.start() if ill == "killed" else server.go_on()
        for _ in range(200):
            if not one.rate_limits.store_lost and not other.rate_limits.store_lost:
                break
            await asyncio.sleep(0.05)
        assert not one.rate_limits.store_lost
        await asyncio.gather(get(one, 60), get(other, 60))
    assert limited.violations == ()
    assert "cannot be reached" in caplog.text
    assert "is back" in caplog.text or "began anew" in caplog.text


@pytest.mark.slow
async def test_a_store_that_forgets_everything_is_told_again(server: RedisServer, limited: Sandbox) -> None:
    async with session(limited, server.url) as one, session(limited, server.url) as other:
        both = asyncio.gather(get(one, 120), get(other, 120))
        await asyncio.sleep(1)
        with server.client() as client:
            client.flushall()
            client.script_flush()
        await both
    assert limited.violations == ()


class Illness(NamedTuple):
    """What becomes of a server, and how it recovers."""

    falls: Callable[[RedisServer, Any], None]
    recovers: Callable[[RedisServer, Any], None]
    is_loss: bool = True


def change_password(_: RedisServer, control: Any) -> None:
    control.config_set("requirepass", "right")
    # Who is connected stays so, until the connection ends.
    control.client_kill_filter(_type="normal", skipme=True)


def drop_connections(_: RedisServer, control: Any) -> None:
    control.client_kill_filter(_type="normal", skipme=True)


def forget_scripts(_: RedisServer, control: Any) -> None:
    control.script_flush()


ILLNESSES = {
    "password changed": Illness(change_password, lambda _, control: control.config_set("requirepass", "")),
    "read-only": Illness(
        lambda _, control: control.replicaof("127.0.0.1", 1), lambda _, control: control.replicaof("NO", "ONE")
    ),
    "out of memory": Illness(
        lambda _, control: control.config_set("maxmemory", 1), lambda _, control: control.config_set("maxmemory", 0)
    ),
    "stands still": Illness(lambda server, _: server.stop(), lambda server, _: server.go_on()),
    "killed": Illness(lambda server, _: server.kill(), lambda server, _: server.start()),
    "connections dropped": Illness(drop_connections, drop_connections, is_loss=False),
    "scripts forgotten": Illness(forget_scripts, forget_scripts, is_loss=False),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("illness", "times"),
    [*((name, 1) for name in ILLNESSES), *((name, 5) for name in ("stands still", "killed", "connections dropped"))],
)
async def test_whatever_becomes_of_the_server_the_windows_hold(
    server: RedisServer, limited: Sandbox, illness: str, times: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Two members, of which each makes more requests than a window has, while the server is ill and well again."""
    falls, recovers, is_loss = ILLNESSES[illness]
    async with session(limited, server.url) as one, session(limited, server.url) as other:
        await asyncio.gather(get(one), get(other))
        # A member knows how many there are from its last step.
        await asyncio.gather(get(one), get(other))
        with server.client() as control:
            control.ping()
            both = asyncio.gather(get(one, 110), get(other, 110))
            for _ in range(times):
                await until(limited, 20, both)
                falls(server, control)
                await until(limited, 10, both)
                recovers(server, control)
            await both
    assert limited.violations == ()
    assert not is_loss or "cannot be reached" in caplog.text


async def until(sandbox: Sandbox, more: int, all_of_them: "asyncio.Future[Any]") -> None:
    """Wait until there were so many more requests, or no more will come."""
    wanted = len(sandbox.requests) + more
    while len(sandbox.requests) < wanted and not all_of_them.done():  # noqa: ASYNC110 - the sandbox has no event to wait for
        await asyncio.sleep(0.005)


async def test_a_store_that_was_never_reached_raises(limited: Sandbox) -> None:
    async with session(limited, f"redis://user:{SECRET}@127.0.0.1:1/0") as one:
        with pytest.raises(SharedBudgetError, match="never was") as caught:
            await get(one)
        assert one.rate_limits.store_lost
    assert SECRET not in f"{caught.value!r}"
    assert caught.value.store == "redis"
    assert len(limited.requests) == 0


@pytest.mark.slow
async def test_the_policy_may_be_to_raise(server: RedisServer, limited: Sandbox) -> None:
    async with session(limited, server.url, on_unreachable="raise") as one:
        await get(one)
        server.kill()
        with pytest.raises(SharedBudgetError, match="no connection"):
            await get(one)
        server.start()
        await asyncio.sleep(0.5)
        await get(one)


async def test_a_wrong_password_is_told_and_not_shown(limited: Sandbox) -> None:
    with RedisServer("--requirepass", "right") as server:
        url = f"unix://:{SECRET}@{server.url.removeprefix('unix://')}"
        async with session(limited, url) as one:
            with pytest.raises(SharedBudgetError, match="password") as caught:
                await get(one)
    shown = f"{caught.value!r} {RedisLimiter(url)!r}"
    assert SECRET not in shown


async def test_a_read_only_replica_and_a_full_server_are_told(server: RedisServer, limited: Sandbox) -> None:
    with server.client() as client:
        client.replicaof("127.0.0.1", 1)
        client.config_set("replica-serve-stale-data", "yes")
    async with session(limited, server.url) as one:
        with pytest.raises(SharedBudgetError, match="read-only"):
            await get(one)
    with server.client() as client:
        client.replicaof("NO", "ONE")
        client.config_set("maxmemory", "1")
    async with session(limited, server.url) as one:
        with pytest.raises(SharedBudgetError, match="memory"):
            await get(one)


async def test_what_answers_and_is_not_redis_is_told(limited: Sandbox) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    other = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = other.sockets[0].getsockname()[1]
    async with other, session(limited, f"redis://127.0.0.1:{port}") as one:
        with pytest.raises(SharedBudgetError):
            await get(one)


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        ("LOADING Redis is loading the dataset in memory", "loading"),
        ("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", "lost its master"),
        ("READONLY You can't write against a read only replica.", "read-only"),
        ("OOM command not allowed when used memory > 'maxmemory'.", "out of memory"),
        ("NOPERM this user has no permissions to run the 'evalsha' command", "no right"),
        ("NOAUTH Authentication required.", "password"),
        ("MISCONF Redis is configured to save RDB snapshots", "ResponseError"),
        ("BUSY Redis is busy running a script.", "ResponseError"),
        ("CLUSTERDOWN The cluster is down", "ClusterDownError|the cluster is down"),
        ("NOSCRIPT No matching script.", "NoScriptError"),
        ("ERR max number of clients reached", "."),
    ],
)
async def test_each_refusal_of_a_server_is_told_in_words_of_our_own(
    limited: Sandbox, refusal: str, reason: str
) -> None:
    """And in none of the server's, which may hold anything."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while command := await reader.read(65536):
                # What the client says of itself when it connects is for every server.
                is_greeting = b"HELLO" in command or b"CLIENT" in command
                count = command.count(b"CLIENT") or 1
                writer.write((b"+OK\r\n" * count) if is_greeting else f"-{refusal} {SECRET}\r\n".encode())
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    url = f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}?protocol=2"
    async with server, session(limited, url) as one:
        with pytest.raises(SharedBudgetError, match=reason) as caught:
            await get(one)
    assert SECRET not in f"{caught.value!r}"
    assert len(limited.requests) == 0


async def test_an_answer_of_something_else_is_not_believed(limited: Sandbox) -> None:
    class Lying(redis.asyncio.Redis):
        async def execute_command(self, *_: Any, **__: Any) -> Any:
            return [1] * 13 + ["0"]

    client = Lying()
    async with session(limited, client) as one:
        with pytest.raises(SharedBudgetError, match="not one of the script"):
            await get(one)
    await client.aclose()


class Deaf(redis.asyncio.Redis):
    """A client that loses the first cancellation of each command, as redis-py may with Python 3.11."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.begun = asyncio.Event()
        self.answers = True

    async def execute_command(self, *arguments: Any, **options: Any) -> Any:
        self.begun.set()
        for _ in range(2):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0 if self.answers else 3600)
        return await super().execute_command(*arguments, **options)


@pytest.mark.slow
@pytest.mark.parametrize("answers", [True, False])
async def test_a_session_ends_although_its_client_is_deaf_to_it(
    server: RedisServer, limited: Sandbox, *, answers: bool
) -> None:
    """It is closed while a step is under way, and whether or not that is ever answered."""
    client = Deaf(unix_socket_path=server.url.removeprefix("unix://"))
    async with asyncio.timeout(20):
        async with session(limited, client) as one:
            await get(one)
            client.answers = answers
            client.begun.clear()
            await client.begun.wait()
        client.answers = True
        await client.aclose()
    assert not [task for task in asyncio.all_tasks() if "shared budget" in task.get_name()]


@pytest.mark.slow
async def test_what_accepts_and_never_answers_is_lost_in_time(limited: Sandbox) -> None:
    """Whatever timeouts the client of a caller's has: here it has none."""
    held: list[asyncio.StreamWriter] = []

    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    silent = await asyncio.start_server(hold, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    client = redis.asyncio.Redis(port=port, socket_timeout=None, socket_connect_timeout=None)
    async with asyncio.timeout(20), silent:
        for where in (f"redis://127.0.0.1:{port}", client):
            async with session(limited, where) as one:
                with pytest.raises(SharedBudgetError, match="no answer in time"):
                    await get(one)
        await client.aclose()
        for writer in held:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_limiter_outlives_a_loop_that_was_closed_before_its_sessions(
    server: RedisServer, limited: Sandbox
) -> None:
    limiter = RedisLimiter(server.url, limits=LIMITS)

    async def leave_open() -> None:
        await get(Session(limited.url, AccessToken(limited.access_token), limiter=limiter, timeout=120))

    await asyncio.to_thread(asyncio.run, leave_open())
    async with Session(limited.url, AccessToken(limited.access_token), limiter=limiter, timeout=120) as one:
        await get(one)
        assert one.rate_limits.members == 2
        gc.collect()


@pytest.mark.slow
async def test_a_replica_that_is_promoted_goes_on_with_the_budget(limited: Sandbox, unused_tcp_port: int) -> None:
    with (
        RedisServer("--port", str(unused_tcp_port)) as first,
        RedisServer() as second,
        first.client() as old,
        second.client() as new,
    ):
        new.replicaof("127.0.0.1", unused_tcp_port)
        async with Proxy(first.url) as proxy, session(limited, proxy.url) as one:
            await get(one, 5)
            assert old.wait(1, 20_000) == 1, "what was written is at the replica"
            first.kill()
            new.replicaof("NO", "ONE")
            proxy.lead_to(second.url)
            await get(one, 60)
            assert not one.rate_limits.store_lost
            (kept,) = new.mget(new.keys())
    assert b"members" in kept
    assert limited.violations == ()


@pytest.mark.slow
@pytest.mark.parametrize(("delay", "lost"), [(0.05, False), (1.0, True)])
async def test_a_slow_way_to_the_store_breaks_no_window(
    server: RedisServer, limited: Sandbox, delay: float, *, lost: bool
) -> None:
    async with Proxy(server.url, delay=0) as proxy, session(limited, proxy.url) as one:
        await get(one, 5)
        proxy.delay = delay
        await get(one, 60)
        assert one.rate_limits.store_lost is lost
    assert limited.violations == ()


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_a_limiter_that_was_used_before_a_fork_counts_in_both(server: RedisServer, limited: Sandbox) -> None:
    limiter = RedisLimiter(server.url, limits=LIMITS)

    async def main() -> None:
        async with Session(limited.url, AccessToken(limited.access_token), limiter=limiter, timeout=120) as one:
            await get(one, 20)
            assert one.rate_limits.members == 2

    async with Session(limited.url, AccessToken(limited.access_token), limiter=limiter, timeout=120) as one:
        await get(one)
        child = multiprocessing.get_context("fork").Process(target=lambda: asyncio.run(main()))
        child.start()
        await asyncio.gather(get(one, 40), asyncio.to_thread(child.join, 60))
    assert child.exitcode == 0
    assert len(limited.requests) == 61
    assert limited.violations == ()


@pytest.mark.parametrize("wrong", ["http://x", f"{SECRET}", 5, None, redis.Redis(), f"redis://:{SECRET}@h:port"])
def test_what_is_neither_a_url_nor_a_client_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        RedisLimiter(wrong)
    assert SECRET not in str(caught.value)


def test_a_policy_that_is_not_one_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="on_unreachable"):
        RedisLimiter("redis://localhost", on_unreachable="ignore")


def test_the_line_that_installs_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "redis.asyncio", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'commercelayer-async\[redis\]'"):
        RedisLimiter("redis://localhost")


@pytest.mark.slow
async def test_one_limiter_serves_loops_of_several_threads(server: RedisServer, limited: Sandbox) -> None:
    limiter = RedisLimiter(server.url, limits=RateLimits(average=(100, 3.0), burst=(25, 0.5)))

    async def main() -> None:
        async with Session(limited.url, AccessToken(limited.access_token), limiter=limiter, timeout=120) as one:
            await get(one, 40)

    threads = [threading.Thread(target=lambda: asyncio.run(main())) for _ in range(2)]
    for thread in threads:
        thread.start()
    await asyncio.gather(*(asyncio.to_thread(thread.join) for thread in threads))
    assert len(limited.requests) == 80
    assert limited.violations == ()
