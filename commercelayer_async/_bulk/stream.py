"""A stream: ids in, outcomes out; few requests, bounded work, and nothing that outlives its block.

A fixed number of workers takes chunks of ids from one iterator, which may be endless. Chunks are numbered as they are
started. A worker puts the outcomes of its chunk into a buffer under the chunk's number, and the consumer delivers them
from there, in the order of the numbers or as they come.

Two counters bound the buffer: chunks started, and chunks delivered. Their difference is what is being read or waits to
be delivered. Where it reaches the capacity, workers wait for space before they take further ids. So memory is bounded
however many ids there are and however slow the consumer is: there is no task and no future for an id.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Sequence, Sized
from types import TracebackType
from typing import Final, Generic, Protocol, Self, TypeVar

import attrs

from .._clock import Clock
from .._hooks import call_hook
from .._markers import public
from .._reading.chunks import chunked, invalid_ids, may_be_one_id
from .._tasks import WaitQueue, cancel_and_wait
from ..errors import AuthError, CommerceLayerError, ConfigurationError, SessionError, Unauthorized
from ..jsonapi import Resource

R = TypeVar("R", bound=Resource)
R_co = TypeVar("R_co", bound=Resource, covariant=True)

_Results = dict[str, R | CommerceLayerError]

_BUFFER_PER_WORKER: Final = 2
"""Chunks for each worker that may wait for the consumer, beside the one that the worker reads."""
_FATAL: Final = (AuthError, SessionError, Unauthorized)
"""What would happen to every other id too."""


@public("commercelayer_async")
@attrs.frozen
class Fetched(Generic[R_co]):
    """The outcome of an id that was read: its resource."""

    id: str
    resource: R_co


@public("commercelayer_async")
@attrs.frozen
class Failed:
    """The outcome of an id that could not be read: its error."""

    id: str
    error: CommerceLayerError


@public("commercelayer_async")
@attrs.define(eq=False)
class Progress:
    """How far a bulk read has come; it changes while the read goes on."""

    done: int = 0
    """Ids with a resource."""
    failed: int = 0
    """Ids with an error."""
    total: int | None = None
    """Ids in all; None where they come from an iterator, whose length is not known."""
    requests: int = 0
    """Requests sent, with all tries."""
    waited: float = 0.0
    """Seconds spent waiting for rate limits, summed over the workers."""
    elapsed: float = 0.0
    """Seconds since the read began, as of the last chunk delivered."""

    @property
    def rate(self) -> float:
        """Ids a second."""
        return (self.done + self.failed) / self.elapsed if self.elapsed else 0.0

    @property
    def left(self) -> float | None:
        """Seconds that the rest will take at this rate; None where the total or the rate is not known."""
        if self.total is None or not self.rate:
            return None
        return (self.total - self.done - self.failed) / self.rate


class ChunkReader(Protocol[R]):
    """What a stream needs of a session: one class of resources, read by id."""

    @property
    def max_ids(self) -> int:
        """Ids of a chunk at most."""
        ...

    async def chunk(self, ids: Sequence[str], progress: Progress) -> dict[str, R]:
        """Read a chunk in one request, and return the resources that there are; the request counts in `progress`."""
        ...

    async def one(self, id: str, progress: Progress) -> R:
        """Read one resource at its own URL; the request counts in `progress`."""
        ...

    def absent(self, id: str) -> CommerceLayerError:
        """Make the error for an id whose resource a chunk's response does not hold."""
        ...


async def outcomes_of(
    ids: Sequence[str], reader: ChunkReader[R], progress: Progress, *, per_id: bool
) -> list[Fetched[R] | Failed]:
    """Read a chunk, and return the outcome of each id in its order; an id given twice is read once.

    Raises:
        AuthError, SessionError, Unauthorized: it would be the same for every id.
    """
    results: _Results[R] = dict(invalid_ids(ids))
    wanted = [id for id in dict.fromkeys(ids) if id not in results]
    if per_id or len(wanted) == 1:
        for id in wanted:
            await _read_one(id, reader, progress, results)
    elif wanted:
        await _read_chunk(wanted, reader, progress, results)
    return [
        Failed(id, result) if isinstance(result := results[id], CommerceLayerError) else Fetched(id, result)
        for id in ids
    ]


async def _read_one(id: str, reader: ChunkReader[R], progress: Progress, results: _Results[R]) -> None:
    try:
        results[id] = await reader.one(id, progress)
    except _FATAL:
        raise
    except CommerceLayerError as error:
        results[id] = error


async def _read_chunk(ids: Sequence[str], reader: ChunkReader[R], progress: Progress, results: _Results[R]) -> None:
    """Read a chunk; where it is refused, halve it until the id to blame is alone."""
    if len(ids) == 1:
        return await _read_one(ids[0], reader, progress, results)
    try:
        resources = await reader.chunk(ids, progress)
    except _FATAL:
        raise
    except CommerceLayerError as error:
        refused = error
    else:
        results.update(resources)
        if len(resources) < len(ids):
            results.update({id: reader.absent(id) for id in ids if id not in resources})
        return None
    if not may_be_one_id(refused):
        results.update(dict.fromkeys(ids, refused))
        return None
    middle = len(ids) // 2
    await _read_chunk(ids[:middle], reader, progress, results)
    await _read_chunk(ids[middle:], reader, progress, results)
    return None


@public("commercelayer_async")
class Stream(Generic[R]):
    """A bulk read under way: iterate over it inside its `async with` block, which ends it.

        async with session.stream(CustomerPaymentSource, ids) as outcomes:
            async for outcome in outcomes:
                match outcome:
                    case Fetched(id, resource): ...
                    case Failed(id, error): ...

    Outcomes come as they arrive, or in the order of the ids where that was asked for. `progress` shows how far it is.
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
        self._chunks = _chunks_of(ids, size=1 if per_id else reader.max_ids)
        self._reader = reader
        self._workers = workers
        self._ordered = ordered
        self._per_id = per_id
        self._clock = clock
        self._on_progress = on_progress
        self._tasks: list[asyncio.Task[None]] = []
        self._capacity = workers * (1 + _BUFFER_PER_WORKER)
        self._buffer: dict[int, list[Fetched[R] | Failed]] = {}
        """Outcomes that wait for the consumer, by the number of their chunk."""
        self._started = 0
        """Chunks taken from the ids, which is the number of the next one."""
        self._delivered = 0
        """Chunks whose outcomes the consumer took."""
        self._exhausted = False
        self._next_chunk_lock = asyncio.Lock()
        self._space: WaitQueue[None] = WaitQueue()
        """Workers that wait until the consumer has taken a chunk."""
        self._news: WaitQueue[None] = WaitQueue()
        """Consumers that wait until a worker has put a chunk into the buffer, or has ended."""
        self._failure: BaseException | None = None
        self._entered = False

    async def __aenter__(self) -> Self:
        self._entered = True
        self._began = self._clock.now()
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._workers)]
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await cancel_and_wait(self._tasks)
        self._buffer.clear()
        self._exhausted = True

    async def __aiter__(self) -> AsyncIterator[Fetched[R] | Failed]:
        if not self._entered:
            raise ConfigurationError("iterate inside the block: async with session.stream(...) as outcomes")
        progress = self.progress
        while True:
            # 1. Wait for a chunk that may be delivered. What is ready is delivered before a failure is raised.
            number = self._deliverable()
            while number is None:
                if self._failure is not None:
                    raise self._failure
                # A chunk that was started and not delivered is still being read, or waits for one before it.
                if self._exhausted and self._delivered == self._started:
                    return
                await self._news.append()
                number = self._deliverable()
            # 2. Make space before the outcomes are handed out: workers read on while the consumer works on them.
            outcomes = self._buffer.pop(number)
            self._delivered += 1
            self._space.wake_all(None)
            # 3. Hand them out one by one.
            for outcome in outcomes:
                if isinstance(outcome, Failed):
                    progress.failed += 1
                else:
                    progress.done += 1
                yield outcome
            progress.elapsed = self._clock.now() - self._began
            call_hook(self._on_progress, progress, what="a progress callback")

    def _deliverable(self) -> int | None:
        """The number of the chunk to deliver next; None while it is not in the buffer."""
        if self._ordered:
            return self._delivered if self._delivered in self._buffer else None
        return next(iter(self._buffer), None)

    async def _work(self) -> None:
        """Read chunk after chunk, until the ids are exhausted or something fails for every id."""
        try:
            while True:
                number, ids = await self._next_chunk()
                self._buffer[number] = await outcomes_of(ids, self._reader, self.progress, per_id=self._per_id)
                self._news.wake_all(None)
        except StopAsyncIteration:
            self._exhausted = True
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - the consumer's, whose iteration raises it
            self._failure = self._failure or error
        self._news.wake_all(None)

    async def _next_chunk(self) -> tuple[int, Sequence[str]]:
        """Take the next chunk of ids and its number, once there is space for its outcomes.

        Raises:
            StopAsyncIteration: there are no more ids.
        """
        # The lock keeps two workers from advancing one iterator at the same time, which an async one does not allow.
        # Whoever holds it may wait for space: the others could not go on either.
        async with self._next_chunk_lock:
            while self._started - self._delivered >= self._capacity:
                await self._space.append()
            ids = await anext(self._chunks)
            number = self._started
            self._started += 1
            return number, ids


async def _chunks_of(ids: Iterable[str] | AsyncIterable[str], *, size: int) -> AsyncIterator[tuple[str, ...]]:
    """Cut ids into chunks, whatever they come from; an async source is waited for until a chunk is full."""
    if not isinstance(ids, AsyncIterable):
        for chunk in chunked(ids, size=size):
            yield chunk
        return
    pending: list[str] = []
    async for id in ids:
        pending.append(id)
        if len(pending) == size:
            for chunk in chunked(pending, size=size):
                yield chunk
            pending = []
    for chunk in chunked(pending, size=size):
        yield chunk
