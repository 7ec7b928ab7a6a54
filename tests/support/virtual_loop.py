"""An event loop in virtual time: where it would wait, its clock jumps to the moment of the next timer.

It has no files: what runs in it opens no socket. The tests and the benchmarks of the rate limits run in it.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Jumping(selectors.BaseSelector):
    """A selector without files that, asked to wait, moves the loop's time instead."""

    def __init__(self) -> None:
        self.loop: VirtualLoop | None = None
        self._files: dict[Any, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = self._files[fileobj] = selectors.SelectorKey(fileobj, 0, events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._files.pop(fileobj)

    def select(self, timeout: float | None = None) -> list[Any]:
        assert self.loop is not None
        if timeout is None:
            raise RuntimeError("deadlock: no timer is set and no callback is ready, so nothing can wake the loop")
        self.loop.moment += max(0.0, timeout)
        return []

    def get_map(self) -> Any:
        return self._files

    def close(self) -> None:
        self._files.clear()


class VirtualLoop(asyncio.SelectorEventLoop):
    """A selector loop with a clock of its own, which starts at 1000 seconds."""

    def __init__(self) -> None:
        self.moment = 1000.0
        selector = _Jumping()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.moment


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` in a new virtual loop and return its result; its sleeps take no time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
