"""What each copy of a session makes for itself, and what ends with it."""

from collections.abc import Callable
from typing import Any, Final, TypeVar
from weakref import WeakSet

from ._calls.context import Closeable, SessionContext
from ._calls.deadline import CallScope
from ._calls.options import CallOptions
from ._calls.pipeline import Read, RequestPipeline
from ._reading.batch import Batcher
from ._reading.reader import Reader
from .errors import closed_error
from .jsonapi import Follow, Relationship

T = TypeVar("T")


class SessionParts:
    """Deadlines, pipeline, reader and batcher of one copy of a session."""

    def __init__(
        self, context: SessionContext, options: CallOptions, follower: Follow, reader_of: Callable[[], Reader]
    ) -> None:
        self.closed = False
        self._context = context
        self._pipeline = RequestPipeline(context, options)
        self.deadlines: Final = self._pipeline.deadlines
        self.reader = Reader(context, self.send, follower, self.deadlines)
        self._batcher = Batcher(self.reader, reader_of)
        self._begun: WeakSet[Closeable] = WeakSet()
        """What ends with it: copies of the copy, and streams."""

    async def send(self, target: str, type: str, read: Read[T], scope: CallScope | None = None, /) -> T:
        """See `RequestPipeline.send`; refused where the session cannot be used."""
        self.require_usable()
        return await self._pipeline.send(target, type, read, scope)

    async def resolve(self, relationship: Relationship, scope: CallScope) -> Any:
        """What a relationship leads to: together with others that are awaited now, where that is allowed."""
        if self._context.batching:
            return await self._batcher.resolve(relationship, scope)
        return await self.reader.related(relationship, (), scope)

    def require_usable(self) -> None:
        """Refuse what cannot work; see `SessionContext.require_usable`."""
        if self.closed:
            raise closed_error()
        self._context.require_usable()

    def register(self, part: Closeable) -> None:
        """Close what was begun through this copy when the copy is closed."""
        self._begun.add(part)
        if self.closed:
            part.end()

    def end(self) -> None:
        """Begin to end the calls that were made through this copy."""
        self.closed = True
        self.deadlines.close()
        self._batcher.end()
        for part in tuple(self._begun):
            part.end()

    async def close(self) -> None:
        """End the calls that were made through this copy."""
        self.end()
        await self._batcher.close()
        for part in tuple(self._begun):
            await part.close()
