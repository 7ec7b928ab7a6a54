"""Drills of a session's life: closing, other loops, threads and processes, interrupts, the environment."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from commercelayer_async import AccessToken, CommerceLayerError, Session, SessionError, TransportError
from commercelayer_async.resources import Customer
from commercelayer_async.sandbox import Sandbox
from tests.faults.assertions import (
    MARKS,
    SECRET,
    TOKEN,
    Hosts,
    printed_forms,
    require_clean,
    require_silent,
    require_typed,
)
from tests.faults.breaking_server import Server, pause, stall
from tests.faults.interpreter_modes import PLAYED
from tests.faults.row import GOOD
from tests.faults.runner import options, quicken

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    quicken(monkeypatch)


def bearer(url: str, **changed: Any) -> Session:
    """A session that has a token."""
    return Session(url, AccessToken(TOKEN), **options(**changed))


async def python(script: str, *arguments: str, flags: tuple[str, ...] = (), **env: str) -> tuple[int, str, str]:
    """Exit code and output of a program."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *flags,
        "-c",
        script,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | env,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, out.decode(), err.decode()


async def test_after_close() -> None:
    async with Server([GOOD]) as server:
        session = bearer(server.url)
        await session.get(Customer, "c1")
        before = asyncio.all_tasks()
        await session.close()
        await session.close()
        with pytest.raises(SessionError, match="closed") as caught:
            await session.get(Customer, "c1")
        require_typed(caught.value, Hosts(server.netloc, 0, "", ""))
        await require_clean(server, before)
        assert len(server.asked) == 1


async def test_closing_ends_fifty_calls_in_flight() -> None:
    async with Server([(stall,)]) as server:
        before = asyncio.all_tasks()
        session = bearer(server.url, timeout=None, max_connections=30)
        calls = [asyncio.ensure_future(session.get(Customer, "c1")) for _ in range(50)]
        while len(server.asked) < 25:  # noqa: ASYNC110 - that of the server
            await asyncio.sleep(0.001)
        await asyncio.wait_for(session.close(), 2)
        results = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 2)
        assert all(isinstance(one, SessionError) for one in results)
        await require_clean(server, before)


async def test_another_loop_is_a_typed_error_at_once() -> None:
    async with Server([GOOD]) as server, bearer(server.url) as session:
        await session.get(Customer, "c1")

        def elsewhere() -> BaseException | None:
            try:
                asyncio.run(session.get(Customer, "c1"))
            except BaseException as error:  # noqa: BLE001 - whatever it is
                return error
            return None

        error = await asyncio.wait_for(asyncio.to_thread(elsewhere), 30)
        assert isinstance(error, SessionError)
        assert len(server.asked) == 1
        require_silent(printed_forms(error))
        assert (await session.get(Customer, "c1")).id == "c1"


async def test_threads_with_loops_of_their_own_get_typed_errors() -> None:
    async with Server([(pause(0.02), GOOD)]) as server:
        session = bearer(server.url)
        results: list[object] = []

        async def use() -> None:
            try:
                results.append(await session.get(Customer, "c1"))
                await session.close()
            except CommerceLayerError as error:
                results.append(error)

        await asyncio.gather(*(asyncio.to_thread(asyncio.run, use()) for _ in range(10)))
        assert sum(isinstance(one, Customer) for one in results) == 1
        assert sum(isinstance(one, SessionError) for one in results) == 9


FORKING = """
import asyncio, os, sys
from commercelayer_async import AccessToken, RateLimits, Session, SessionError
session = Session(sys.argv[1], AccessToken("token"), limits=RateLimits.none())
loop = asyncio.new_event_loop()
print((loop.run_until_complete(session.get("customers", "c1"))).id, flush=True)
child = os.fork()
if child == 0:
    try:
        asyncio.run(session.get("customers", "c1"))
    except SessionError as error:
        print("child", "forked" in str(error), flush=True)
    fresh = Session(sys.argv[1], AccessToken("token"), limits=RateLimits.none())
    async def use():
        async with fresh:
            print("fresh", (await fresh.get("customers", "c1")).id, flush=True)
    asyncio.run(use())
    os._exit(0)
os.waitpid(child, 0)
for _ in range(5):
    print((loop.run_until_complete(session.get("customers", "c1"))).id)
loop.run_until_complete(session.close())
loop.close()
"""


async def test_a_fork_harms_nobody() -> None:
    async with Server([GOOD]) as server:
        code, out, err = await python(FORKING, server.url)
    assert (code, out.split("\n")) == (0, ["c1", "child True", "fresh c1", *["c1"] * 5, ""]), err


LEFT_OPEN = """
import asyncio, sys
from commercelayer_async import AccessToken, RateLimits, Session
async def main():
    session = Session(sys.argv[1], AccessToken(sys.argv[2]), limits=RateLimits.none())
    print((await session.get("customers", "c1")).id)
asyncio.run(main())
"""


@pytest.mark.parametrize("flags", [(), ("-X", "dev")])
async def test_a_session_that_is_never_closed_ends_quietly(flags: tuple[str, ...]) -> None:
    async with Server([GOOD]) as server:
        code, out, err = await python(LEFT_OPEN, server.url, TOKEN, flags=flags)
    assert (code, out) == (0, "c1\n")
    assert "Traceback" not in err
    require_silent(err)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Under nohup, and in the background of a shell, SIGINT is ignored; here it is not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_propagates() -> None:
    left: list[int] = []

    async def main() -> None:
        async with Server([(stall,)]) as server:
            try:
                async with bearer(server.url) as session:
                    asyncio.get_running_loop().call_later(0.05, signal.raise_signal, signal.SIGINT)
                    await session.get(Customer, "c1")
            finally:
                await server.deserted()
                left.append(server.open)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(main())
    assert left == [0]


async def test_a_loop_that_was_blocked_is_no_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """For longer than a read and a connection may take."""
    quicken(monkeypatch, read=0.2, connect=0.2)
    async with Server([(pause(0.05), GOOD)]) as server, bearer(server.url) as session:
        calls = [asyncio.ensure_future(session.get(Customer, "c1")) for _ in range(20)]
        for _ in range(2):
            await asyncio.sleep(0.02)
            time.sleep(0.4)  # noqa: ASYNC251 - that is the point
        assert all(one.id == "c1" for one in await asyncio.gather(*calls))


@pytest.fixture
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """An environment that names a proxy, and a netrc for every host."""

    def fill(proxy: str) -> None:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy)
            monkeypatch.setenv(name.upper(), proxy)
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        netrc = tmp_path / "netrc"
        netrc.write_text(f"default login user password {SECRET}\n")
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc))

    return fill


async def test_the_environment_is_ignored_unless_asked_for(surroundings: Any) -> None:
    async with Server([GOOD]) as proxy, Server([GOOD]) as server:
        surroundings(f"http://proxyuser:proxypass@{proxy.netloc}")
        async with bearer(server.url) as session:
            await session.get(Customer, "c1")
        assert proxy.connections == 0
        assert server.asked[0].headers("Authorization") == [f"Bearer {TOKEN}"]
        assert not server.asked[0].headers("Proxy-Authorization")

        async with bearer(server.url, trust_env=True) as session:
            await session.get(Customer, "c1")
        assert len(proxy.asked) == 1
        assert proxy.asked[0].headers("Authorization") == [f"Bearer {TOKEN}"]
        assert proxy.asked[0].headers("Proxy-Authorization") == ["Basic cHJveHl1c2VyOnByb3h5cGFzcw=="]


async def test_a_proxy_that_is_down_is_a_transport_error(surroundings: Any) -> None:
    surroundings("http://127.0.0.1:9")
    async with Server([GOOD]) as server, bearer(server.url, trust_env=True) as session:
        with pytest.raises(TransportError):
            await session.get(Customer, "c1")


async def test_the_verdicts_do_not_depend_on_how_python_runs() -> None:
    script = "import runpy; runpy.run_module('tests.faults.interpreter_modes', run_name='__main__')"
    results = await asyncio.gather(
        python(script),
        python(script, flags=("-O",)),
        python(script, flags=("-W", "error", "-X", "dev"), PYTHONASYNCIODEBUG="1"),
    )
    verdicts = [out for _, out, _ in results]
    assert [code for code, _, _ in results] == [0, 0, 0], [err[-2000:] for _, _, err in results]
    assert verdicts[0].count("\n") == len(PLAYED)
    assert verdicts == [verdicts[0]] * 3
    assert not [mark for _, _, err in results for mark in MARKS if mark in err]
    assert not any("Traceback" in err for _, _, err in results)


async def test_the_sandbox_stays_at_home() -> None:
    async with Sandbox() as sandbox:
        port = int(sandbox.url.rpartition(":")[2])
        for host in ("127.0.0.2", "127.1.2.3"):
            with pytest.raises(OSError, match=r"\d"):
                await asyncio.open_connection(host, port)
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{sandbox.url}/api/customers", headers={"Host": "shop.example"}) as refused,
        ):
            assert refused.status >= 400
        assert sandbox.client_secret not in repr(sandbox)
