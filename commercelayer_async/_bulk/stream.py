"""A stream: ids in, outcomes out; few requests, bounded work, and nothing that outlives its block.

A fixed number of workers takes chunks of ids from one iterator, which may be endless. Chunks are numbered as they are
started. A worker puts the outcomes of its chunk into a buffer under the chunk's number, and the consumer delivers them
from there, in the order of the numbers or as they come.

Two counters bound the buffer: chunks started, and chunks delivered. Their difference is what is being read or waits to
be delivered. Where it reaches the capacity, workers wait for space before they take further ids. So memory is bounded
however many ids there are and however slow the consumer is: there is no task and no future for an id.

Whatever is taken from the buffer is handed out in the same step, and a consumer only waits where there is nothing to
take. So a consumer that stops waiting loses nothing, and several of them share one stream. It ends after all that was
read is handed out: quietly, or with the error that ended the ids or the reading.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence, Sized
from types import TracebackType
from typing import Final, Generic, Protocol, Self, TypeVar, cast

import attrs

from .._clock import Clock
from .._hooks import call_hook
from .._markers import public
from .._plain import plain
from .._reading.chunks import fitting, halves, may_be_one_id, reason_against
from .._tasks import WaitQueue, cancel_and_wait, consume_exception
from ..errors import AuthError, CommerceLayerError, ConfigurationError, SessionError, Unauthorized, closed_meanwhile
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
    """Requests sent, with all tries, for chunks and for single ids."""
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


class ReadChunk(Protocol[R_co]):
    """What a request for a chunk gave."""

    @property
    def found(self) -> Mapping[str, R_co]:
        """The resources that there are, by id."""
        ...

    @property
    def is_whole(self) -> bool:
        """True if an id that is not there has no resource; else it has to be asked for again."""
        ...

    @property
    def is_filtered(self) -> bool:
        """False if it was not about these ids alone, so that nothing of it counts."""
        ...

    def absent(self, type: str, id: str) -> CommerceLayerError:
        """Make the error for an id that a whole chunk does not hold."""
        ...


class ChunkReader(Protocol[R_co]):
    """What a stream needs of a session: one class of resources, read by id."""

    @property
    def type(self) -> str:
        """The type of the resources."""
        ...

    @property
    def max_ids(self) -> int:
        """Ids of a chunk at most."""
        ...

    def due(self) -> float:
        """When the time is up for a chunk that begins now, with all requests that it takes."""
        ...

    def filters_by_id(self) -> bool:
        """False where the service is known to ignore which ids a list is for."""
        ...

    async def chunk(self, ids: Sequence[str], due: float, progress: Progress) -> ReadChunk[R_co]:
        """Read a chunk in one request, which counts in `progress`."""
        ...

    async def one(self, id: str, due: float, progress: Progress) -> R_co:
        """Read one resource at its own URL; the request counts in `progress`."""
        ...


async def outcomes_of(
    ids: Sequence[str], reader: ChunkReader[R], progress: Progress, *, per_id: bool
) -> list[Fetched[R] | Failed]:
    """Read a chunk, and return the outcome of each id in its order; an id given twice is read once.

    Raises:
        AuthError, SessionError, Unauthorized: it would be the same for every id.
    """
    # Ids are the caller's and may be anything, also what cannot be a key.
    reasons = [reason_against(id) for id in ids]
    wanted = tuple(dict.fromkeys(id for id, reason in zip(ids, reasons, strict=True) if reason is None))
    chunk = _ChunkOutcomes(reader, progress)
    if per_id:
        await chunk.read_each(wanted)
    elif wanted:
        await chunk.read(wanted)
    return chunk.hand_over(ids, reasons)


class _ChunkOutcomes(Generic[R]):
    """Reads one chunk, by as many requests as it takes, within the time of one call."""

    def __init__(self, reader: ChunkReader[R], progress: Progress) -> None:
        self._reader = reader
        self._progress = progress
        self._due = reader.due()
        self.results: _Results[R] = {}

    def hand_over(self, ids: Sequence[str], reasons: Sequence[CommerceLayerError | None]) -> list[Fetched[R] | Failed]:
        """The outcome of each id, in order; `reasons` are why some were not even asked for.

        A traceback leads to the frames that an error went through, and their variables: this one is none of them, and
        nothing of the results is left behind, so that they are in no cycle.
        """
        results, self.results = self.results, {}
        outcomes: list[Fetched[R] | Failed] = []
        for id, reason in zip(ids, reasons, strict=True):
            result = reason if reason is not None else results[id]
            outcomes.append(Failed(id, result) if isinstance(result, CommerceLayerError) else Fetched(id, result))
        return outcomes

    async def read_each(self, ids: Sequence[str]) -> None:
        """Read ids one by one."""
        for id in ids:
            try:
                self.results[id] = await self._reader.one(id, self._due, self._progress)
            except _FATAL:
                raise
            except CommerceLayerError as error:
                self.results[id] = error

    async def read(self, ids: Sequence[str]) -> None:
        """Read ids in one request; what it leaves open is asked for again by halves, and at last one by one."""
        if len(ids) == 1 or not self._reader.filters_by_id():
            return await self.read_each(ids)
        try:
            chunk = await self._reader.chunk(ids, self._due, self._progress)
        except _FATAL:
            raise
        except CommerceLayerError as error:
            if not may_be_one_id(error):
                self.results.update(dict.fromkeys(ids, error))
                return None
            # One id may be to blame, so it is searched for.
            left = ids
        else:
            if not chunk.is_filtered:
                return await self.read_each(ids)
            self.results.update(chunk.found)
            left = [id for id in ids if id not in chunk.found]
            if chunk.is_whole:
                self.results.update({id: chunk.absent(self._reader.type, id) for id in left})
                return None
        for half in halves(left):
            if half:
                await self.read(half)
        return None


class _IdSource:
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


@public("commercelayer_async")
class Stream(Generic[R]):
    """A bulk read under way: iterate over it inside its `async with` block, which ends it.

        async with session.stream(CustomerPaymentSource, ids) as outcomes:
            async for outcome in outcomes:
                match outcome:
                    case Fetched(id, resource): ...
                    case Failed(id, error): ...

    Outcomes come as they arrive, or in the order of the ids where that was asked for. `progress` shows how far it is.
    What concerns every id, such as refused credentials, is raised by the iteration; so is what the source of the ids
    raised, after the outcomes of the ids that it gave before.

    It is an iterator. Leaving a loop and beginning another goes on where the first one was, a turn that is cancelled or
    timed out loses nothing, and several tasks may take from it: each outcome goes to one of them. The iterator of an
    async source of ids is closed at the end of the block.
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
        self._ids = _IdSource(ids, size=1 if per_id else reader.max_ids)
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
        self._current: deque[Fetched[R] | Failed] = deque()
        """What is left of the chunk that is being delivered."""
        self._unreported = False
        """True if that chunk has not been reported as progress."""
        self._started = 0
        """Chunks taken from the ids, which is the number of the next one."""
        self._delivered = 0
        """Chunks whose outcomes the consumer took."""
        self._exhausted = False
        """True if no further chunk begins."""
        self._next_chunk_lock = asyncio.Lock()
        self._space: WaitQueue[None] = WaitQueue()
        """Workers that wait until the consumer has taken a chunk."""
        self._news: WaitQueue[None] = WaitQueue()
        """Consumers that wait until a worker has put a chunk into the buffer, or has ended."""
        self._source_failure: BaseException | None = None
        """What the ids ended with; raised after what was read."""
        self._failure: BaseException | None = None
        """What ended the reading; raised as soon as nothing is ready."""
        self._entered = False
        self._left = False
        self._closed = False
        self._complete = False
        """True if everything had been taken when it was closed."""
        self._iterated = False

    async def __aenter__(self) -> Self:
        if self._entered:
            raise ConfigurationError("a stream is entered once; make another by session.stream(...)")
        self._entered = True
        self._began = self._clock.now()
        for _ in range(self._workers):
            task = asyncio.create_task(self._work())
            task.add_done_callback(consume_exception)
            self._tasks.append(task)
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._left = True
        failure = self._failure or self._source_failure
        await self.aclose()
        if failure is not None and exc_type is None and not self._iterated:
            # Nobody else would ever learn of it.
            raise failure

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Fetched[R] | Failed:
        if not self._entered:
            raise ConfigurationError("iterate inside the block: async with session.stream(...) as outcomes")
        self._iterated = True
        while True:
            outcome = self._take()
            if outcome is not None:
                return outcome
            if self._closed:
                if self._left and not self._complete:
                    raise ConfigurationError("the block of the stream has ended: iterate inside it")
                raise StopAsyncIteration
            if self._failure is not None:
                raise self._failure
            if self._is_done():
                if self._source_failure is not None:
                    raise self._source_failure
                raise StopAsyncIteration
            await self._news.append()

    async def aclose(self) -> None:
        """End the iteration; no request is under way when this returns. Twice is fine."""
        if not self._closed:
            self._report()
            self._complete = self._is_done()
        self._closed = self._exhausted = True
        self._buffer.clear()
        self._current.clear()
        self._news.wake_all(None)
        try:
            await cancel_and_wait(self._tasks)
        finally:
            await self._ids.aclose()

    def end(self) -> None:
        """End the reading because the session is closed: the iteration raises `SessionError` after what was read."""
        if self._entered and not self._closed and not (self._is_done() and self._source_failure is None):
            self._fail(closed_meanwhile())
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """The same, and wait until no request is under way."""
        self.end()
        await cancel_and_wait(self._tasks)

    def _take(self) -> Fetched[R] | Failed | None:
        """Take an outcome that is ready; None if there is none."""
        if not self._current:
            self._report()
            number = self._deliverable()
            if number is None:
                return None
            # Space is made before the outcomes are handed out: workers read on while the consumer works on them.
            self._current.extend(self._buffer.pop(number))
            self._delivered += 1
            self._unreported = True
            self._space.wake_all(None)
        outcome = self._current.popleft()
        if isinstance(outcome, Failed):
            self.progress.failed += 1
        else:
            self.progress.done += 1
        return outcome

    def _deliverable(self) -> int | None:
        """The number of the chunk to deliver next; None while it is not in the buffer."""
        if self._ordered:
            return self._delivered if self._delivered in self._buffer else None
        return next(iter(self._buffer), None)

    def _report(self) -> None:
        """Report the progress of a chunk of which everything was taken."""
        if self._unreported and not self._current:
            self._unreported = False
            self.progress.elapsed = self._clock.now() - self._began
            call_hook(self._on_progress, self.progress, what="a progress callback")

    def _is_done(self) -> bool:
        # A chunk that was started and not delivered is still being read, or waits for one before it.
        return self._exhausted and self._delivered == self._started and not self._current and not self._buffer

    def _fail(self, error: BaseException) -> None:
        self._failure = self._failure or error
        self._exhausted = True
        self._news.wake_all(None)

    async def _work(self) -> None:
        """Read chunk after chunk, until the ids are exhausted or something fails for every id."""
        try:
            while (taken := await self._next_chunk()) is not None:
                number, ids = taken
                self._buffer[number] = await outcomes_of(ids, self._reader, self.progress, per_id=self._per_id)
                self._news.wake_all(None)
        except asyncio.CancelledError as error:
            if not self._closed:
                # By a part of the caller's, or by whoever cancels every task that there is.
                self._fail(error)
            raise
        except (KeyboardInterrupt, SystemExit) as error:
            self._fail(error)
            raise
        except BaseException as error:  # noqa: BLE001 - the consumer's, whose iteration raises it
            self._fail(error)
        # The last worker to end may be the news that a consumer waits for.
        self._news.wake_all(None)

    async def _next_chunk(self) -> tuple[int, Sequence[str]] | None:
        """Take the next chunk of ids and its number, once there is space for its outcomes; None if there is none."""
        # The lock keeps two workers from advancing one iterator at the same time, which an async one does not allow.
        # Whoever holds it may wait for space: the others could not go on either.
        async with self._next_chunk_lock:
            while self._started - self._delivered >= self._capacity and not self._exhausted:
                await self._space.append()
            if self._exhausted:
                return None
            try:
                ids = await self._ids.next_chunk()
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:
                self._exhausted = True
                if isinstance(error, asyncio.CancelledError) and _is_cancelled():
                    raise
                self._source_failure = error
                return None
            if not ids or self._exhausted:
                self._exhausted = True
                return None
            number = self._started
            self._started += 1
            return number, ids


def _is_cancelled() -> bool:
    """True if somebody cancelled the current task, and not only what it awaits."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
