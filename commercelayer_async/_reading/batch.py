"""Batching: many relationships that are awaited together become few requests.

To-one relationships of one name and one parent type that are awaited in the same turn of the event loop are grouped.
Their parents are asked for by id with the relationship included, as many in a request as a page holds
(docs.commercelayer.io, "Including associations"). Each awaiting call gets what the response says of its own parent.

A relationship follows its own link instead where it is awaited alone, where the response leaves it out, and where the
service refuses to filter its parents by id. Where a response leaves parents out and does not show that it is whole,
they are asked for again by halves.

Whoever waits is woken by whatever ends the request: a response, an error of any type, the end of the session. When the
last one has stopped waiting, the request is cancelled. What follows after a request that failed is done within the time
that the waiting call has left.

Where more are awaited together than a bulk read has under way, it is one: some requests at a time, each with the time
of a bulk read's, as the rate windows may not let all of them leave within the time of one call.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from .._calls.deadline import CallScope
from .._calls.semaphore import FifoSemaphore
from .._tasks import WaitQueue, cancel_and_wait, consume_exception
from ..errors import ApiError, CommerceLayerError, closed_meanwhile, stopped_meanwhile
from ..jsonapi import Relationship
from .chunks import chunked, halves, may_be_one_id
from .reader import Chunk, Reader

BatchKey = tuple[str, str]
"""What one request can bring for many parents: their type and the relationship's name."""


_CONCURRENCY: Final = 8
"""Requests under way at most, of one turn's where these are many."""


class _LargeBatch:
    """What the requests of a batch share that is larger than what one call's time is meant for."""

    def __init__(self, reader: Reader) -> None:
        self.reader: Final = reader
        self.turns: Final = FifoSemaphore(_CONCURRENCY)

    async def turn(self) -> None:
        """Wait until fewer than the most are under way; whoever had a turn releases it."""
        if not self.turns.try_acquire():
            await self.turns.acquire()


class Waiters(WaitQueue[Relationship | None]):
    """Calls that await a relationship of one parent.

    Each is given the relationship as the parent's document includes it; None where it is to follow its own link.
    """

    __slots__ = ("due", "large_batch", "request", "together")

    def __init__(self, due: float) -> None:
        super().__init__()
        self.due = due
        """When the time of the first of them is up."""
        self.large_batch: _LargeBatch | None = None
        """What they belong to, if so many are awaited that `due` does not count."""
        self.request: asyncio.Task[None] | None = None
        """What reads their parent, while it does."""
        self.together: Mapping[str, Waiters] = {}
        """All that wait for it."""

    def stop_what_nobody_awaits(self) -> None:
        """Cancel the request if all have stopped waiting for it."""
        if self.request is not None and not any(self.together.values()):
            self.request.cancel()

    def leave_request(self) -> None:
        """Know no longer of the request, which has ended."""
        self.request, self.together = None, {}


class Batcher:
    """Groups the relationships that calls of one session await."""

    def __init__(self, reader: Reader, reader_of: Callable[[], Reader]) -> None:
        """Read with `reader`; `reader_of` gives what reads more than a call's time is meant for."""
        self._reader: Final = reader
        self._reader_of: Final = reader_of
        self._pending: dict[BatchKey, dict[str, Waiters]] = {}
        """Waiters of this turn of the loop, by the id of their parent."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def resolve(self, relationship: Relationship, scope: CallScope) -> Any:
        """Fetch what a relationship leads to, in one request with others awaited at the same time.

        Raises:
            SessionError: the session was closed meanwhile.
        """
        if self._closed:
            raise closed_meanwhile()
        owner, key = relationship.owner, (relationship.owner.type, relationship.name)
        if relationship.to_many is not False or owner.id is None or not self._may_batch(key, owner.id):
            return await self._reader.related(relationship, (), scope)
        if not self._pending:
            # Callbacks run in order: every task that was ready before this one was scheduled gets its turn first, and
            # whatever relationships those tasks await join the batch. It costs a turn of the loop and no time.
            asyncio.get_running_loop().call_soon(self._flush)
        by_parent = self._pending.setdefault(key, {})
        waiters = by_parent.get(owner.id)
        if waiters is None:
            waiters = by_parent[owner.id] = Waiters(scope.due)
        try:
            included = await waiters.append()
        except asyncio.CancelledError:
            waiters.stop_what_nobody_awaits()
            raise
        if included is not None:
            return await included
        if (large_batch := waiters.large_batch) is None:
            return await self._reader.related(relationship, (), scope)
        await large_batch.turn()
        try:
            return await large_batch.reader.related(relationship, (), CallScope(large_batch.reader.due()))
        finally:
            large_batch.turns.release()

    def end(self) -> None:
        """End the requests under way, and those that were to begin; whoever waits for one gets `SessionError`."""
        self._closed = True
        pending, self._pending = self._pending, {}
        for by_parent in pending.values():
            _fail(by_parent, closed_meanwhile())
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """The same, and wait until they have ended."""
        self.end()
        await cancel_and_wait(tuple(self._tasks))

    def _may_batch(self, key: BatchKey, id: str) -> bool:
        reader, memory = self._reader, self._reader.memory
        return (
            reader.max_ids(key[0]) > 1
            and reader.can_be_joined(id)
            and memory.may_batch(key)
            and memory.filters_by_id(key[0])
        )

    def _flush(self) -> None:
        """The turn of the loop is over: start the requests for what has come together."""
        pending, self._pending = self._pending, {}
        for key, by_parent in pending.items():
            # Without those whose every waiter was cancelled meanwhile.
            waiting = {id: waiters for id, waiters in by_parent.items() if waiters}
            size = self._reader.max_ids(key[0])
            if len(waiting) > _CONCURRENCY * size:
                large_batch = _LargeBatch(self._reader_of())
                for waiters in waiting.values():
                    waiters.large_batch = large_batch
            for ids in chunked(waiting, size=size):
                chunk = {id: waiting[id] for id in ids}
                if len(chunk) == 1:
                    # A list request for one parent saves nothing, and the parent's own link is what its document gave.
                    _follow_own_links(chunk)
                    continue
                task = asyncio.create_task(self._read(key, chunk))
                for waiters in chunk.values():
                    waiters.request, waiters.together = task, chunk
                self._tasks.add(task)
                task.add_done_callback(partial(_leave_request, chunk))
                task.add_done_callback(self._tasks.discard)
                task.add_done_callback(consume_exception)

    async def _read(self, key: BatchKey, waiting: Mapping[str, Waiters]) -> None:
        """Give each waiter what concerns it, and leave none, whatever happens."""
        large_batch = next(iter(waiting.values())).large_batch
        try:
            if large_batch is None:
                await self._read_chunk(key, waiting, self._reader)
                return
            await large_batch.turn()
            try:
                await self._read_chunk(key, waiting, large_batch.reader)
            finally:
                large_batch.turns.release()
        except CommerceLayerError as error:
            _fail(waiting, error)
        except asyncio.CancelledError as error:
            # If it was not the end of the session, it came from a part of the caller's, such as its limiter; the
            # waiters get it as they would have got it without a batch.
            _fail(waiting, closed_meanwhile() if self._closed else error)
            raise
        except (KeyboardInterrupt, SystemExit) as error:
            # It leaves the event loop from here. The waiters are not to raise it once more each.
            _fail(waiting, stopped_meanwhile(type(error).__name__))
            raise
        except BaseException as error:  # noqa: BLE001 - of a part of the caller's, and raised by each waiter
            _fail(waiting, error)

    async def _read_chunk(self, key: BatchKey, waiting: Mapping[str, Waiters], reader: Reader) -> None:
        """Send one request for a chunk of parents, and give each waiter what concerns it.

        Raises:
            CommerceLayerError: it concerns all waiters that are left.
        """
        if len(waiting) == 1:
            return _follow_own_links(waiting)
        type, name = key
        scope = CallScope(min(reader.due() if waiters.large_batch else waiters.due for waiters in waiting.values()))
        try:
            chunk: Chunk[Any] = await reader.parents(type, tuple(waiting), name, scope)
        except CommerceLayerError as error:
            if not may_be_one_id(error):
                raise
            # The service does not know such a filter, or one parent spoils the request for all.
            if isinstance(error, ApiError):
                self._reader.memory.batch_refused(key)
            return _follow_own_links(waiting)
        if not chunk.is_filtered:
            return _follow_own_links(waiting)
        self._reader.memory.batch_succeeded(key)
        left = _deliver(chunk, key, waiting)
        for ids in halves(tuple(left)):
            if ids:
                await self._read_chunk(key, {id: left[id] for id in ids}, reader)
        return None


def _deliver(chunk: Chunk[Any], key: BatchKey, waiting: Mapping[str, Waiters]) -> dict[str, Waiters]:
    """Wake whom a chunk concerns, and return those whose parents are to be asked for again."""
    type, name = key
    left: dict[str, Waiters] = {}
    for id, waiters in waiting.items():
        parent = chunk.found.get(id)
        if parent is None and not chunk.is_whole:
            left[id] = waiters
            continue
        try:
            if parent is None:
                raise chunk.absent(type, id)
            relationship = parent.relationships.get(name)
            waiters.wake_all(relationship if relationship is not None and relationship.loaded else None)
        except CommerceLayerError as error:
            # Also a relationship that is malformed, which is nobody else's affair.
            waiters.fail_all(error)
    return left


def _follow_own_links(waiting: Mapping[str, Waiters]) -> None:
    for waiters in waiting.values():
        waiters.wake_all(None)


def _leave_request(waiting: Mapping[str, Waiters], _: "asyncio.Task[None]") -> None:
    for waiters in waiting.values():
        waiters.leave_request()


def _fail(waiting: Mapping[str, Waiters], error: BaseException) -> None:
    for waiters in waiting.values():
        waiters.fail_all(error)
