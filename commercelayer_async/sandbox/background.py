"""A sandbox in a thread of its own, for a program without an event loop or with one of another kind."""

import asyncio
from collections.abc import Generator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread
from typing import Protocol, TypeAlias, TypeVar


class Server(Protocol):
    """What is started and stopped in one event loop."""

    async def start(self) -> None:
        """Listen."""

    async def stop(self) -> None:
        """Stop listening, and close all connections."""


S = TypeVar("S", bound=Server)

_Started: TypeAlias = Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]


@contextmanager
def in_thread(server: S) -> Generator[S]:
    """Run *server* while the block lasts. The thread has ended when the block is left.

    Raises:
        OSError: the port is in use, or not allowed.
    """
    started = _Started()
    thread = Thread(target=lambda: asyncio.run(_serve(server, started)), name="sandbox")
    thread.start()
    try:
        started.result()
        yield server
    finally:
        # As a callback: whoever is interrupted above may be so before the server has started.
        started.add_done_callback(_stop)
        thread.join()


def _stop(started: _Started) -> None:
    if started.exception() is None:
        loop, stop = started.result()
        loop.call_soon_threadsafe(stop.set)


async def _serve(server: Server, started: _Started) -> None:
    stop = asyncio.Event()
    try:
        await server.start()
    except BaseException as error:  # noqa: BLE001 - raised again by `in_thread`
        started.set_exception(error)
        return
    started.set_result((asyncio.get_running_loop(), stop))
    await stop.wait()
    await server.stop()
