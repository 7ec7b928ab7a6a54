"""Many relationships awaited together become few requests.

Resolvers of one relationship that are pending in the same turn of the loop are grouped, and their parents are asked for
by id with the relationship included: 25 in a request (docs.commercelayer.io, "Including associations"). Each gets what
the answer says of its own parent. One that is alone, and one of which the answer says nothing, follows its own link.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from ..errors import ApiError, CommerceLayerError, SessionError
from ..jsonapi import Relationship
from .chunks import chunked, may_be_one_id

Group = tuple[str, str]
"""The parents' type and the relationship's name."""

Parents = Callable[[str, Sequence[str], str], Awaitable[dict[str, Relationship | None]]]
"""Of a type, ids and a relationship: that relationship of each parent that there is, by the parent's id."""


class Batcher:
    """The resolvers of one session that are pending."""

    def __init__(
        self,
        alone: Callable[[Relationship], Awaitable[Any]],
        parents: Parents,
        absent: Callable[[str, str], CommerceLayerError],
    ) -> None:
        self._alone: Final = alone
        self._parents: Final = parents
        self._absent: Final = absent
        self._pending: dict[Group, list[tuple[Relationship, asyncio.Future[Relationship | None]]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._refusing: set[Group] = set()
        self._closed = False

    async def resolve(self, relationship: Relationship) -> Any:
        """What a relationship leads to."""
        group = (relationship.owner.type, relationship.name)
        if relationship.to_many is not False or group in self._refusing or relationship.owner.id is None:
            return await self._alone(relationship)
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[Relationship | None] = loop.create_future()
        if not self._pending:
            loop.call_soon(self._flush)
        self._pending.setdefault(group, []).append((relationship, turn))
        found = await turn
        return await (found if found is not None else self._alone(relationship))

    async def close(self) -> None:
        """End what is under way; whoever waits gets `SessionError`."""
        self._closed = True
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _flush(self) -> None:
        """The turn is over: send off what has come together."""
        pending, self._pending = self._pending, {}
        for group, members in pending.items():
            waiting = [member for member in members if not member[1].done()]
            by_parent: dict[str, list[asyncio.Future[Relationship | None]]] = {}
            for relationship, turn in waiting:
                by_parent.setdefault(relationship.owner.id or "", []).append(turn)
            if len(by_parent) == 1:
                _settle(waiting, None)
                continue
            for ids in chunked(by_parent):
                task = asyncio.ensure_future(self._read(group, {id_: by_parent[id_] for id_ in ids}))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _read(self, group: Group, turns: dict[str, list["asyncio.Future[Relationship | None]"]]) -> None:
        """One request for a chunk of parents; each resolver learns what concerns it."""
        type_, name = group
        waiting = [(None, turn) for of_parent in turns.values() for turn in of_parent]
        try:
            found = await self._parents(type_, tuple(turns), name)
        except asyncio.CancelledError:
            _fail(waiting, SessionError("the session was closed while the answer was awaited"))
            raise
        except CommerceLayerError as error:
            if not may_be_one_id(error):
                _fail(waiting, error)
                return
            # The server knows no such filter, or one parent spoils it for all: each goes its own way.
            if isinstance(error, ApiError):
                self._refusing.add(group)
            _settle(waiting, None)
            return
        for id_, of_parent in turns.items():
            mine = [(None, turn) for turn in of_parent]
            if id_ not in found:
                _fail(mine, self._absent(type_, id_))
            else:
                relationship = found[id_]
                _settle(mine, relationship if relationship is not None and relationship.loaded else None)


def _settle(waiting: Sequence[tuple[Any, "asyncio.Future[Relationship | None]"]], value: Relationship | None) -> None:
    for _, turn in waiting:
        if not turn.done():
            turn.set_result(value)


def _fail(waiting: Sequence[tuple[Any, "asyncio.Future[Relationship | None]"]], error: CommerceLayerError) -> None:
    for _, turn in waiting:
        if not turn.done():
            turn.set_exception(error)
