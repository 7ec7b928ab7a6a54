"""The sandbox in a thread of its own, for a program without an event loop or with one of another kind."""

import asyncio
from collections.abc import Generator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread

from .server import Sandbox


@contextmanager
def in_thread(sandbox: Sandbox) -> Generator[Sandbox]:
    """Run *sandbox* while the block lasts. The thread has ended when the block is left.

    Raises:
        OSError: the port is in use, or not allowed.
    """
    started = Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]()
    thread = Thread(target=asyncio.run, args=(_serve(sandbox, started),), name="sandbox")
    thread.start()
    try:
        loop, stop = started.result()
        try:
            yield sandbox
        finally:
            loop.call_soon_threadsafe(stop.set)
    finally:
        thread.join()


async def _serve(sandbox: Sandbox, started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
    stop = asyncio.Event()
    try:
        await sandbox.start()
    except BaseException as error:  # noqa: BLE001 - raised again by `in_thread`
        started.set_exception(error)
        return
    started.set_result((asyncio.get_running_loop(), stop))
    await stop.wait()
    await sandbox.stop()
