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
from collections.abc import AsyncIterable, Callable, Iterable, Sequence, Sized
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

from .._clock import Clock
from .._hooks import call_hook
from .._markers import public
from .._tasks import WaitQueue, cancel_and_wait, consume_exception, is_cancelled
from ..errors import ConfigurationError, closed_meanwhile
from ..jsonapi import Resource
from .chunk_reading import ChunkReader, outcomes_of
from .id_source import IdSource
from .outcomes import Failed, Fetched, Progress

R = TypeVar("R", bound=Resource)

_BUFFER_PER_WORKER: Final = 2
"""Chunks for each worker that may wait for the consumer, beside the one that the worker reads."""


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
        self._ids = IdSource(ids, size=1 if per_id else reader.max_ids)
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
                if isinstance(error, asyncio.CancelledError) and is_cancelled():
                    raise
                self._source_failure = error
                return None
            if not ids or self._exhausted:
                self._exhausted = True
                return None
            number = self._started
            self._started += 1
            return number, ids
