"""Ctrl-C and SIGTERM: both end a command in order, and each has its exit code.

By default SIGTERM ends a process at once, but not process 1, for which the kernel ignores signals that nobody handles:
in a container, `docker stop` would wait ten seconds and then kill.
"""

import asyncio
import signal
import threading
from collections.abc import Coroutine, Generator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived."""


@contextmanager
def sigterm_raises() -> Generator[None]:
    """Raise `Terminated` in the block when SIGTERM arrives, unless somebody has decided about that signal already."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated


def run_until_signal(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` in an event loop; SIGTERM cancels it as Ctrl-C does.

    Raises:
        KeyboardInterrupt: it was cancelled by a signal; `kept` is that of the cancellation, if it has one.
    """
    kept = 0
    terminated = False

    async def run() -> T | None:
        nonlocal kept, terminated
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()

        def terminate() -> None:
            nonlocal terminated
            terminated = True
            if task is not None:
                task.cancel()

        if signal.getsignal(signal.SIGTERM) is _terminate:
            # Not there on Windows, where that handler stays.
            with suppress(NotImplementedError):
                loop.add_signal_handler(signal.SIGTERM, terminate)
        try:
            return await work
        except asyncio.CancelledError as cancelled:
            kept = getattr(cancelled, "kept", 0)
            if terminated:
                return None
            raise

    try:
        result = asyncio.run(run())
        if terminated:
            raise Terminated
    except KeyboardInterrupt as interrupted:
        vars(interrupted)["kept"] = kept
        raise
    return result  # type: ignore[return-value]  # pyright: ignore[reportReturnType] - None only if terminated
