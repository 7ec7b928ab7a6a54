"""The one way from a document to a network: what relationships that are not included are fetched through."""

from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import Any, Protocol

from .relationship import Relationship, ToManyRelationship


class Collection(Protocol):
    """What a to-many relationship leads to, page by page."""

    def __aiter__(self) -> AsyncIterator[Any]:
        """Every resource, in order."""
        ...

    def pages(self) -> AsyncIterator[Any]:
        """The pages, in order."""
        ...

    def first(self) -> Awaitable[Any]:
        """The first resource; None if there is none."""
        ...

    def count(self) -> Awaitable[int]:
        """How many there are."""
        ...


class Follow(Protocol):
    """What fetches the target of a relationship; a session is one."""

    def follow(self, relationship: Relationship, *, include: Sequence[str] = (), anew: bool = False) -> Awaitable[Any]:
        """The resource, the tuple of resources, or None that `relationship` leads to.

        Awaits of one relationship object share one request, unless it is to be asked `anew`.
        """
        ...

    def list(self, relationship: ToManyRelationship[Any], /) -> Collection:
        """What a to-many relationship leads to, to be read page by page; no request yet."""
        ...
