"""Ids in, outcomes out: few requests, bounded work, and nothing that outlives its block.

A fixed number of workers takes chunks of ids from one iterator, which may be endless, and puts each chunk's outcomes
into a ring from which the consumer takes them. A worker that is too far ahead of the consumer waits, so memory is
bounded by the ring, however many ids there are; there is no task for an id, no queue and no lock.
"""

import asyncio
import logging
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Sequence, Sized
from types import TracebackType
from typing import Final, Generic, Protocol, Self, TypeVar

import attrs

from .._clock import Clock
from .._reading.chunks import CHUNK, chunked, invalid_ids, may_be_one_id
from ..errors import AuthError, CommerceLayerError, ConfigurationError, SessionError, Unauthorized
from ..jsonapi import Resource

R = TypeVar("R", bound=Resource)
R_co = TypeVar("R_co", bound=Resource, covariant=True)

_Found = dict[str, R | CommerceLayerError]

_log: Final = logging.getLogger("commercelayer_async")

_AHEAD: Final = 2
"""Chunks for each worker that may wait for the consumer."""
_FATAL: Final = (AuthError, SessionError, Unauthorized)
"""What would happen to every other id too."""


@attrs.frozen
class Fetched(Generic[R_co]):
    """An id and its resource."""

    id: str
    resource: R_co


@attrs.frozen
class Failed:
    """An id and what went wrong with it."""

    id: str
    error: CommerceLayerError


@attrs.define(eq=False)
class Progress:
    """How far a bulk read has come; it changes while the read goes on."""

    done: int = 0
    """Ids with a resource."""
    failed: int = 0
    """Ids with an error."""
    total: int | None = None
    """Ids in all; None where they come from an iterator that does not tell."""
    requests: int = 0
    """Requests sent, with all tries."""
    waited: float = 0.0
    """Seconds spent waiting for rate limits, summed over the workers."""
    elapsed: float = 0.0
    """Seconds since the read began, as of the last outcome."""

    @property
    def rate(self) -> float:
        """Ids a second."""
        return (self.done + self.failed) / self.elapsed if self.elapsed else 0.0

    @property
    def left(self) -> float | None:
        """Seconds that the rest will take at this rate; None where nobody can tell."""
        if self.total is None or not self.rate:
            return None
        return (self.total - self.done - self.failed) / self.rate


class ChunkReader(Protocol[R]):
    """What a bulk read needs of a session."""

    async def chunk(self, ids: Sequence[str], progress: Progress) -> dict[str, R]:
        """The resources of those ids that the API has, in one request; counted in `progress`."""
        ...

    async def one(self, id_: str, progress: Progress) -> R:
        """One resource by its own address."""
        ...

    def absent(self, id_: str) -> CommerceLayerError:
        """What the absence of an id from a chunk's answer means."""
        ...


async def outcomes_of(
    ids: Sequence[str], reader: ChunkReader[R], progress: Progress, *, per_id: bool
) -> list[Fetched[R] | Failed]:
    """The outcome of each id of a chunk, in its order; an id given twice is read once.

    Raises:
        AuthError, SessionError, Unauthorized: it would be the same for every id.
    """
    found: _Found[R] = dict(invalid_ids(ids))
    wanted = [id_ for id_ in dict.fromkeys(ids) if id_ not in found]
    if per_id or len(wanted) == 1:
        for id_ in wanted:
            await _read_one(id_, reader, progress, found)
    elif wanted:
        await _read_chunk(wanted, reader, progress, found)
    return [
        Failed(id_, result) if isinstance(result := found[id_], CommerceLayerError) else Fetched(id_, result)
        for id_ in ids
    ]


async def _read_one(id_: str, reader: ChunkReader[R], progress: Progress, found: _Found[R]) -> None:
    try:
        found[id_] = await reader.one(id_, progress)
    except _FATAL:
        raise
    except CommerceLayerError as error:
        found[id_] = error


async def _read_chunk(ids: Sequence[str], reader: ChunkReader[R], progress: Progress, found: _Found[R]) -> None:
    """Read a chunk; where it is refused, halve it until the id to blame is alone."""
    if len(ids) == 1:
        return await _read_one(ids[0], reader, progress, found)
    try:
        resources = await reader.chunk(ids, progress)
    except _FATAL:
        raise
    except CommerceLayerError as error:
        refused = error
    else:
        found.update(resources)
        if len(resources) < len(ids):
            found.update({id_: reader.absent(id_) for id_ in ids if id_ not in resources})
        return None
    if not may_be_one_id(refused):
        found.update(dict.fromkeys(ids, refused))
        return None
    middle = len(ids) // 2
    await _read_chunk(ids[:middle], reader, progress, found)
    await _read_chunk(ids[middle:], reader, progress, found)
    return None


class Stream(Generic[R]):
    """A bulk read under way: iterate over it inside its `async with` block, which ends it.

        async with session.stream(CustomerPaymentSource, ids) as outcomes:
            async for outcome in outcomes:
                match outcome:
                    case Fetched(id, resource): ...
                    case Failed(id, error): ...

    Outcomes come as they arrive, or in the order of the ids where that was asked for. `progress` tells how far it is.
    What concerns every id, such as refused credentials, is raised by the iteration.
    """

    def __init__(
        self,
        ids: Iterable[str] | AsyncIterable[str],
        reader: ChunkReader[R],
        *,
        workers: int,
        ordered: bool,
        per_id: bool,
        clock: Clock,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self.progress = Progress(total=len(ids) if isinstance(ids, Sized) else None)
        self._chunks = _chunks_of(ids, size=1 if per_id else CHUNK)
        self._reader = reader
        self._workers = workers
        self._ordered = ordered
        self._per_id = per_id
        self._clock = clock
        self._on_progress = on_progress
        self._tasks: list[asyncio.Task[None]] = []
        self._ready: dict[int, list[Fetched[R] | Failed]] = {}
        self._taken = 0
        self._given = 0
        self._exhausted = False
        self._taking = asyncio.Lock()
        self._wake: asyncio.Future[None] | None = None
        self._room: list[asyncio.Future[None]] = []
        self._failure: BaseException | None = None
        self._entered = False

    async def __aenter__(self) -> Self:
        self._entered = True
        self._began = self._clock.now()
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._workers)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._ready.clear()
        self._exhausted = True

    async def __aiter__(self) -> AsyncIterator[Fetched[R] | Failed]:
        if not self._entered:
            raise ConfigurationError("iterate inside the block: async with session.stream(...) as outcomes")
        progress = self.progress
        while True:
            key = self._next_key()
            while key is None:
                if self._failure is not None:
                    raise self._failure
                if self._exhausted and self._given == self._taken:
                    return
                self._wake = asyncio.get_running_loop().create_future()
                await self._wake
                key = self._next_key()
            outcomes = self._ready.pop(key)
            self._given += 1
            self._make_room()
            for outcome in outcomes:
                if isinstance(outcome, Failed):
                    progress.failed += 1
                else:
                    progress.done += 1
                yield outcome
            self._tell()

    def _next_key(self) -> int | None:
        if self._ordered:
            return self._given if self._given in self._ready else None
        return next(iter(self._ready), None)

    async def _work(self) -> None:
        try:
            while True:
                number, ids = await self._take()
                self._ready[number] = await outcomes_of(ids, self._reader, self.progress, per_id=self._per_id)
                self._notify()
        except StopAsyncIteration:
            self._exhausted = True
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - the consumer's, whose iteration raises it
            self._failure = self._failure or error
        self._notify()

    async def _take(self) -> tuple[int, Sequence[str]]:
        """The next chunk and its number, once it is not too far ahead of the consumer."""
        async with self._taking:
            while self._taken >= self._given + self._workers * (1 + _AHEAD):
                turn = asyncio.get_running_loop().create_future()
                self._room.append(turn)
                await turn
            ids = await anext(self._chunks)
            number = self._taken
            self._taken += 1
            return number, ids

    def _make_room(self) -> None:
        waiting, self._room = self._room, []
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)

    def _notify(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _tell(self) -> None:
        self.progress.elapsed = self._clock.now() - self._began
        if self._on_progress is None:
            return
        try:
            self._on_progress(self.progress)
        except Exception as error:  # noqa: BLE001 - the callback is the caller's, and may raise anything
            _log.warning("a progress callback raised %s: it is passed over", type(error).__name__)


async def _chunks_of(ids: Iterable[str] | AsyncIterable[str], *, size: int) -> AsyncIterator[tuple[str, ...]]:
    """Chunks of ids, from whatever gives them; an async source is waited for until a chunk is full."""
    if not isinstance(ids, AsyncIterable):
        for chunk in chunked(ids, size=size):
            yield chunk
        return
    pending: list[str] = []
    async for id_ in ids:
        pending.append(id_)
        if len(pending) == size:
            for chunk in chunked(pending, size=size):
                yield chunk
            pending = []
    for chunk in chunked(pending, size=size):
        yield chunk
