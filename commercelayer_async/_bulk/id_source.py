"""The ids of a bulk read, whatever they come from, cut into chunks."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import cast

from .._plain import plain
from .._reading.chunks import fitting


class IdSource:
    """Cuts the ids of a stream into chunks, whatever they come from; an async source is waited for until one is full.

    Where the source fails, what it gave before is cut into chunks first.
    """

    def __init__(self, ids: Iterable[str] | AsyncIterable[str], *, size: int) -> None:
        self._ids = ids
        self._size = size
        self._pending: list[str] = []
        self._iterator: Iterator[str] | AsyncIterator[str] | None = None
        self._ended = False
        self._failure: BaseException | None = None

    async def next_chunk(self) -> tuple[str, ...]:
        """The next chunk; empty if there are no more ids.

        Raises:
            BaseException: what the source raised.
        """
        if not self._ended and len(self._pending) < self._size:
            try:
                await self._fill()
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:  # noqa: BLE001 - the source is the caller's; kept until its turn comes
                self._ended, self._failure = True, error
        chunk = tuple(self._pending[: fitting(self._pending, size=self._size)])
        del self._pending[: len(chunk)]
        if not chunk and self._failure is not None:
            raise self._failure
        return chunk

    async def aclose(self) -> None:
        """Close the iterator of an async source, so that what it holds open is let go."""
        self._ended = True
        close = getattr(self._iterator, "aclose", None) if isinstance(self._ids, AsyncIterable) else None
        if close is not None:
            await close()

    async def _fill(self) -> None:
        pending, size = self._pending, self._size
        if isinstance(self._ids, AsyncIterable):
            if self._iterator is None:
                self._iterator = aiter(self._ids)
            iterator = cast("AsyncIterator[str]", self._iterator)
            while len(pending) < size:
                try:
                    pending.append(plain(await anext(iterator)))
                except StopAsyncIteration:
                    self._ended = True
                    return
        else:
            if self._iterator is None:
                self._iterator = iter(self._ids)
            for id in cast("Iterator[str]", self._iterator):
                pending.append(plain(id))
                if len(pending) >= size:
                    return
            self._ended = True
