"""Batching: many relationships that are awaited together become few requests.

To-one relationships of one name and one parent type that are awaited in the same turn of the event loop are grouped.
Their parents are asked for by id with the relationship included, as many in a request as a page holds
(docs.commercelayer.io, "Including associations"). Each awaiting call gets what the response says of its own parent.

A relationship follows its own link instead where it is awaited alone, where the response leaves it out, and where the
service refuses to filter its parents by id.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from .._tasks import WaitQueue, cancel_and_wait
from ..errors import ApiError, CommerceLayerError, SessionError
from ..jsonapi import Relationship
from .chunks import chunked, may_be_one_id
from .reader import Reader

BatchKey = tuple[str, str]
"""What one request can bring for many parents: their type and the relationship's name."""

Waiters = WaitQueue[Relationship | None]
"""Calls that await a relationship of one parent. Each is given the relationship as the parent's document includes it;
None tells it to follow its own link."""


class Batcher:
    """Groups the relationships that calls of one session await."""

    def __init__(self, reader: Reader) -> None:
        self._reader: Final = reader
        self._pending: dict[BatchKey, dict[str, Waiters]] = {}
        """Waiters of this turn of the loop, by the id of their parent."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._refused: set[BatchKey] = set()
        """What the service refused to bring for many parents at once; it is not asked again."""

    async def resolve(self, relationship: Relationship) -> Any:
        """Fetch what a relationship leads to, in one request with others awaited at the same time."""
        owner, key = relationship.owner, (relationship.owner.type, relationship.name)
        if relationship.to_many is not False or key in self._refused or owner.id is None:
            return await self._reader.related(relationship, ())
        if not self._pending:
            # Callbacks run in order: every task that was ready before this one was scheduled gets its turn first, and
            # whatever relationships those tasks await join the batch. It costs a turn of the loop and no time.
            asyncio.get_running_loop().call_soon(self._flush)
        included = await self._pending.setdefault(key, {}).setdefault(owner.id, WaitQueue()).append()
        return await (included if included is not None else self._reader.related(relationship, ()))

    async def close(self) -> None:
        """End the requests under way; whoever waits for one gets `SessionError`."""
        await cancel_and_wait(self._tasks)

    def _flush(self) -> None:
        """The turn of the loop is over: start the requests for what has come together."""
        pending, self._pending = self._pending, {}
        for key, by_parent in pending.items():
            # Without those whose every waiter was cancelled meanwhile.
            waiting = {id: waiters for id, waiters in by_parent.items() if waiters}
            if len(waiting) == 1:
                # A list request for one parent saves nothing, and the parent's own link is what its document gave.
                _follow_own_links(waiting)
                continue
            for ids in chunked(waiting, size=self._reader.max_ids):
                task = asyncio.create_task(self._read(key, {id: waiting[id] for id in ids}))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _read(self, key: BatchKey, waiting: Mapping[str, Waiters]) -> None:
        """Send one request for a chunk of parents, and give each waiter what concerns it."""
        type, name = key
        try:
            found = await self._reader.parents(type, tuple(waiting), name)
        except asyncio.CancelledError:
            _fail(waiting, SessionError("the session was closed while the response was awaited"))
            raise
        except CommerceLayerError as error:
            if not may_be_one_id(error):
                _fail(waiting, error)
                return
            # The service does not know such a filter, or one parent spoils the request for all.
            if isinstance(error, ApiError):
                self._refused.add(key)
            _follow_own_links(waiting)
            return
        for id, waiters in waiting.items():
            if id not in found:
                waiters.fail_all(self._reader.absent(type, id))
                continue
            relationship = found[id]
            waiters.wake_all(relationship if relationship is not None and relationship.loaded else None)


def _follow_own_links(waiting: Mapping[str, Waiters]) -> None:
    for waiters in waiting.values():
        waiters.wake_all(None)


def _fail(waiting: Mapping[str, Waiters], error: CommerceLayerError) -> None:
    for waiters in waiting.values():
        waiters.fail_all(error)
