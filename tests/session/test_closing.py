"""Closing: whatever goes on ends, nothing is sent afterwards, and where it cannot be closed the session says so."""

import asyncio
import subprocess
import sys
from typing import Any

import pytest

from commercelayer_async import AccessToken, ClientCredentials, RateLimits, Retry, Session, SessionError
from commercelayer_async.resources import Customer
from tests.support.documents import resource
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer

TOKEN = AccessToken("secret-token")
QUICK: dict[str, Any] = {"limits": RateLimits.none(), "retry": Retry.never()}


async def test_calls_of_copies_end_and_no_connection_is_opened_again() -> None:
    async with ScriptedServer(None) as server:
        session = Session(server.url, TOKEN, **QUICK)
        copies = [session.with_options(timeout=20.0), session.with_options(timeout=None).with_options(priority="bulk")]
        calls = [asyncio.ensure_future(one.get(Customer, "c1")) for one in (session, *copies)]
        while len(server.requests) < 3:
            await server.arrived.wait()
            server.arrived.clear()

        closing = asyncio.ensure_future(session.close())
        await asyncio.sleep(0)
        late = [asyncio.ensure_future(one.get(Customer, "c1")) for one in copies]
        results = await asyncio.gather(*calls, *late, return_exceptions=True)
        await closing

        assert [type(result) for result in results] == [SessionError] * 5
        assert len(server.requests) == 3
        assert not session._context.transport.is_open
        with pytest.raises(SessionError, match="closed"):
            await session._context.transport.send(None, None)  # type: ignore[arg-type] # refused before it looks at them
        with pytest.raises(SessionError, match="closed"):
            copies[0].stream(Customer, ["c1"])


async def test_closing_a_copy_ends_what_was_begun_through_it_and_nothing_else() -> None:
    async with ScriptedServer(None) as server, Session(server.url, TOKEN, **QUICK) as session:
        copy = session.with_options(timeout=20.0)
        own = asyncio.ensure_future(session.get(Customer, "c1"))
        theirs = asyncio.ensure_future(copy.with_options(timeout=None).get(Customer, "c1"))
        while len(server.requests) < 2:
            await server.arrived.wait()
            server.arrived.clear()

        await copy.close()
        with pytest.raises(SessionError):
            await theirs
        with pytest.raises(SessionError):
            await copy.with_options(timeout=1.0).get(Customer, "c1")
        assert not own.done()
        own.cancel()


class SlowStore:
    """A store that finishes what it writes, also when it is cancelled."""

    def __init__(self) -> None:
        self.saving = asyncio.Event()
        self.finish = asyncio.Event()

    async def load(self, key: str) -> None:
        return None

    async def save(self, key: str, token: object) -> None:
        self.saving.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await self.finish.wait()
            raise

    async def delete(self, key: str) -> None:
        """Nothing is kept."""


async def test_a_close_that_is_cancelled_can_be_called_again() -> None:
    token = reply({"access_token": "AT-access", "token_type": "bearer", "expires_in": 7200})
    async with ScriptedServer(reply({"data": resource()}), paths={"/oauth/token": token}) as server:
        store: Any = SlowStore()
        session = Session(server.url, ClientCredentials("client-id", "client-secret"), token_store=store, **QUICK)
        call = asyncio.ensure_future(session.get(Customer, "c1"))
        await store.saving.wait()
        closing = asyncio.ensure_future(session.close())
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        again = asyncio.ensure_future(session.close())
        await asyncio.sleep(0)
        store.finish.set()
        await again

        assert not session._context.token_transport.is_open
        assert isinstance((await asyncio.gather(call, return_exceptions=True))[0], SessionError)
        await session.close()


def test_closing_in_another_loop_says_so_and_changes_nothing() -> None:
    """The session's own loop still runs, so it can be closed there."""

    async def main() -> None:
        async with ScriptedServer(reply({"data": resource()})) as server:
            session = Session(server.url, TOKEN, **QUICK)
            await session.get(Customer, "c1")
            with pytest.raises(SessionError, match="closed in another"):
                await asyncio.to_thread(asyncio.run, session.close())
            assert (await session.get(Customer, "c1")).id == "c1"
            await session.close()

    asyncio.run(main())


def test_closing_without_a_loop_says_so() -> None:
    closing = Session("yourdomain", TOKEN).close()

    with pytest.raises(SessionError, match="none is running"):
        closing.send(None)
    with pytest.raises(SessionError, match="none is running"):
        _ = Session("yourdomain", TOKEN).rate_limits


FORKING = """
import asyncio, os
from commercelayer_async import AccessToken, Session, SessionError
async def main():
    session = Session("http://127.0.0.1:1", AccessToken("token"))
    try:
        await session.get("customers", "c1")
    except Exception:
        pass
    if os.fork() == 0:
        code = 0
        for call in (session.get("customers", "c1"), session.close()):
            try:
                await call
                code = 1
            except SessionError as error:
                code += "forked" not in str(error)
            except BaseException:
                code = 2
        os._exit(code)
    _, status = os.wait()
    await session.close()
    print(os.waitstatus_to_exitcode(status))
asyncio.run(main())
"""


def test_a_fork_within_the_loop_can_neither_use_nor_close_the_session() -> None:
    run = subprocess.run([sys.executable, "-c", FORKING], capture_output=True, text=True, check=True)

    assert run.stdout.split() == ["0"]
