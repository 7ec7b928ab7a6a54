"""The protocols through which relationships reach the network: implemented by a session, or by a client of yours."""

from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import Any, Protocol

from .._markers import public
from .relationship import Relationship, ToManyRelationship


@public("commercelayer_async.jsonapi")
class Collection(Protocol):
    """The collection that a to-many relationship leads to, read page by page."""

    def __aiter__(self) -> AsyncIterator[Any]:
        """Iterate over all resources, in order."""
        ...

    def pages(self) -> AsyncIterator[Any]:
        """Iterate over the pages, in order."""
        ...

    def first(self) -> Awaitable[Any]:
        """Return the first resource; None if there is none."""
        ...

    def count(self) -> Awaitable[int]:
        """Return the number of resources."""
        ...


@public("commercelayer_async.jsonapi")
class Follow(Protocol):
    """Something that fetches the targets of relationships; a session is one."""

    def follow(self, relationship: Relationship, *, include: Sequence[str] = (), anew: bool = False) -> Awaitable[Any]:
        """Fetch the resource, the tuple of resources, or None that `relationship` leads to.

        Concurrent awaits of one relationship object share one request, except with `anew`.
        """
        ...

    def list(self, relationship: ToManyRelationship[Any], /) -> Collection:
        """Return the collection that a to-many relationship leads to, without a request yet."""
        ...
