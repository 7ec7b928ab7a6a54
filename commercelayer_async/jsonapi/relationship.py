"""Relationships: what a document says of them, and how what it does not hold is fetched.

A class declares its relationships with `ToOne` and `ToMany`; reading one on a resource gives a small awaitable object
that knows its state, linkage, links and meta without a request. What is included is found in the document; anything
else is fetched through the document's `Follow`, which alone reaches the network.
"""

from collections.abc import AsyncIterator, Awaitable, Generator, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Final,
    Generic,
    TypeVar,
    cast,
)

from msgspec import UNSET, Raw, UnsetType

from .._markers import override, public
from ._compound import Compound, Follower, Key
from ._linkage import NOTHING, Identifier, RelationshipObject, identifier_of, read_relationship
from .errors import ConfigurationError, DecodeError, SessionError
from .links import Links, escape
from .objects import ResourceIdentifier

T_co = TypeVar("T_co", covariant=True)


@public("commercelayer_async.jsonapi")
class RelationshipState(StrEnum):
    """What a document says of a relationship (JSON:API 1.1, "Relationship Objects")."""

    ABSENT = "absent"
    """No member of that name, or one without content."""
    LINKS_ONLY = "links only"
    """Links but no linkage: it is unknown whether there is a target."""
    META_ONLY = "meta only"
    """Meta, but neither links nor linkage."""
    EMPTY = "empty"
    """Linkage null or []: there is no target, and awaiting makes no request."""
    IDENTIFIED = "identified"
    """Linkage, but not all targets are in the document."""
    INCLUDED = "included"
    """Linkage, and all targets are in the document."""


_NOT_LOADED: Final = object()


@public("commercelayer_async.jsonapi")
class Relationship:
    """A relationship of one resource. Its properties repeat the document and never make a request.

    Awaiting it gives the target: from the document if it is included, else by one request, however many await it at
    once. A fetched target is kept; a failure is not. Where the document says that there is no target, awaiting gives
    None (to-one) or () (to-many) without a request.

    Raises (when awaited):
        NotFound: there is no such record, or no such route.
        LinkRefused: the document's link leaves the API.
        DecodeError: the response does not fit, or the document has neither a link nor linkage to follow.
        SessionError: the resource is not bound to a session, or the session is closed.
    """

    __slots__ = ("_document", "_object", "_owner", "_value", "name")

    to_many: ClassVar[bool | None] = None
    """True if the target is a collection; None if only the response will show it."""

    name: str
    """The member name under `relationships`."""

    def __init__(
        self, name: str, owner: Key, document: Compound | None = None, relationship: RelationshipObject | Raw = NOTHING
    ) -> None:
        self.name = name
        # The identity and not the resource: the resource holds this object, and a cycle would need the collector.
        self._owner = owner
        self._document = document
        self._value: Any = _NOT_LOADED
        self._object = relationship

    def __repr__(self) -> str:
        try:
            state: str = self.state
        except DecodeError as error:
            state = f"malformed, {error}"
        return f"<{type(self).__name__} {self._path}: {state}>"

    @property
    def owner(self) -> ResourceIdentifier:
        """The resource that holds the relationship."""
        type, by, value = self._owner
        return ResourceIdentifier(type, value) if by == "id" else ResourceIdentifier(type, lid=value)

    @property
    def is_absent(self) -> bool:
        """True if the document has no member of this name: the object was made because the class declares it."""
        return self._object is NOTHING

    @property
    def _path(self) -> str:
        return f"{self._owner[0]}/{self._owner[2]}.{self.name}"

    @property
    def _relationship_object(self) -> RelationshipObject:
        """The relationship object, decoded on first use.

        Raises:
            DecodeError: it is malformed.
        """
        relationship = self._object
        if type(relationship) is not RelationshipObject:
            relationship = self._object = read_relationship(
                cast("Raw", relationship), self._pointer(), self._document.url if self._document is not None else None
            )
        return relationship

    def __await__(self) -> Generator[Any, Any, Any]:
        if self._value is _NOT_LOADED and not self.loaded:
            self._value = yield from self._follow().__await__()
        return self._value

    def fetch(self, *, include: Sequence[str] = ()) -> Awaitable[Any]:
        """Request the target anew, with `include`d relationships of its own; a target kept before stays as it is."""
        return self._follow(include=include, anew=True)

    @property
    def state(self) -> RelationshipState:
        """Which of six states the document gives."""
        relationship = self._relationship_object
        linkage = relationship.data
        if linkage is UNSET:
            if relationship.links:
                return RelationshipState.LINKS_ONLY
            return RelationshipState.META_ONLY if relationship.meta is not None else RelationshipState.ABSENT
        if not linkage:
            return RelationshipState.EMPTY
        found = self._find(linkage)
        return RelationshipState.IDENTIFIED if found is None else RelationshipState.INCLUDED

    @property
    def loaded(self) -> bool:
        """True if awaiting makes no request."""
        if self._value is not _NOT_LOADED:
            return True
        relationship = self._object
        linkage = (relationship if type(relationship) is RelationshipObject else self._relationship_object).data
        if linkage is UNSET:
            return False
        if not linkage:
            self._value = () if isinstance(linkage, list) else None
            return True
        found = self._find(linkage)
        if found is None:
            return False
        self._value = found
        return True

    @property
    def value(self) -> Any:
        """The target without awaiting it, if `loaded`.

        Raises:
            ConfigurationError: it is not loaded.
        """
        if self._value is _NOT_LOADED and not self.loaded:
            raise ConfigurationError(f"{self._path} is not loaded ({self.state}): await it, or include it")
        return self._value

    def take_over(self, other: "Relationship") -> None:
        """Keep the target of `other`, the same relationship read from another document, if it is loaded there."""
        if other.loaded:
            self._value = other.value

    @property
    def linkage(self) -> "ResourceIdentifier | tuple[ResourceIdentifier, ...] | UnsetType | None":
        """The linkage: an identifier, a tuple of them, None for null; `msgspec.UNSET` if the member is missing."""
        linkage = self._relationship_object.data
        if isinstance(linkage, list):
            return tuple(map(identifier_of, linkage))
        return identifier_of(linkage) if isinstance(linkage, Identifier) else linkage

    @property
    def identifiers(self) -> tuple[ResourceIdentifier, ...]:
        """The linkage in the document's order, duplicates kept; empty if there is none, or if it is empty."""
        linkage = self._relationship_object.data
        if linkage is UNSET or linkage is None:
            return ()
        return tuple(map(identifier_of, linkage if isinstance(linkage, list) else [linkage]))

    @property
    def links(self) -> Links:
        """`related` (the target), `self` (the linkage) and any other link of the relationship.

        Pagination links page the linkage; if `next` is among them, the document holds only a part of it.
        """
        document = self._document
        relationship = self._object
        if type(relationship) is not RelationshipObject:
            relationship = self._relationship_object
        return Links(
            relationship.links, pointer=self._links_pointer, base=document.url if document is not None else None
        )

    @property
    def meta(self) -> Mapping[str, Any]:
        """The `meta` of the relationship object; empty if there is none."""
        return self._relationship_object.meta or {}

    def _follow(self, *, include: Sequence[str] = (), anew: bool = False) -> Awaitable[Any]:
        return self._follower().follow(self, include=include, anew=anew)

    def _follower(self) -> Follower:
        follow = self._document.follow if self._document is not None else None
        if follow is None:
            raise SessionError(
                f"{self._path} cannot be fetched: the resource is not bound to a session;"
                " get it from one, or call resource.bind(session)"
            )
        return follow

    def _find(self, linkage: Identifier | list[Identifier]) -> Any:
        """Return the target, or the tuple of targets, if the document holds all of it; else None."""
        document = self._document
        if document is None:
            return None
        if not isinstance(linkage, list):
            return document.find(linkage.type, linkage.id, linkage.lid)
        found = tuple(document.find(one.type, one.id, one.lid) for one in linkage)
        return None if None in found else found

    def _pointer(self) -> str:
        at = self._document.locate(self._owner) if self._document is not None else ""
        return f"{at}/relationships/{escape(self.name)}"

    def _links_pointer(self) -> str:
        return f"{self._pointer()}/links"


@public("commercelayer_async.jsonapi")
class ToOneRelationship(Relationship, Generic[T_co]):
    """A relationship to one resource or none."""

    __slots__ = ()

    to_many: ClassVar[bool | None] = False

    @property
    def identifier(self) -> ResourceIdentifier | None:
        """The linkage; None if it is missing or null, which `state` tells apart."""
        return next(iter(self.identifiers), None)

    if TYPE_CHECKING:

        @property
        @override
        def value(self) -> T_co: ...
        def __await__(self) -> Generator[Any, Any, T_co]: ...
        @override
        def fetch(self, *, include: Sequence[str] = ()) -> Awaitable[T_co]: ...


@public("commercelayer_async.jsonapi")
class ToManyRelationship(Relationship, Generic[T_co]):
    """A relationship to any number of resources, in the server's order.

        stores = await wallet.event_stores              # a tuple: all if included, else the first page
        async for store in wallet.event_stores: ...     # all, page by page
        async for page in wallet.event_stores.pages(): ...
        newest = await wallet.event_stores.first()
        total = await wallet.event_stores.count()

    Only awaiting keeps the result. `session.list(wallet.event_stores, ...)` filters, sorts and resumes.
    """

    __slots__ = ()

    to_many: ClassVar[bool | None] = True

    def __aiter__(self) -> AsyncIterator[T_co]:
        """Iterate over all resources: without requests if all are included, else page by page, anew each time.

        Raises:
            SessionError: they are not included, and the resource is not bound to a session.
        """
        found = self._all_included()
        return aiter(self._follower().list(self)) if found is None else _IncludedIterator(found)

    def pages(self) -> "AsyncIterator[Any]":
        """Iterate over the pages in order, by requests even if all is included; a session gives `Page` objects."""
        pages: AsyncIterator[Any] = self._follower().list(self).pages()
        return pages

    def first(self) -> Awaitable[T_co | None]:
        """Return the first resource, None if there is none; one request at most."""
        found = self._all_included()
        return self._follower().list(self).first() if found is None else _Resolved(next(iter(found), None))

    def count(self) -> Awaitable[int]:
        """Count the resources: by the linkage if the document holds all of it, else by one request.

        Raises:
            DecodeError: the response has no count.
        """
        linkage = self._relationship_object.data
        if isinstance(linkage, list) and self.links.next is None:
            return _Resolved(len(linkage))
        count: Awaitable[int] = self._follower().list(self).count()
        return count

    def _all_included(self) -> tuple[T_co, ...] | None:
        """Return all targets if the document holds them; never a fetched tuple, which may be a first page."""
        linkage = self._relationship_object.data
        if not isinstance(linkage, list) or self.links.next is not None:
            return None
        found: tuple[T_co, ...] | None = self._find(linkage) if linkage else ()
        return found

    if TYPE_CHECKING:

        @property
        @override
        def value(self) -> tuple[T_co, ...]: ...
        def __await__(self) -> Generator[Any, Any, tuple[T_co, ...]]: ...
        @override
        def fetch(self, *, include: Sequence[str] = ()) -> Awaitable[tuple[T_co, ...]]: ...


class _Resolved(Awaitable[T_co]):
    """An awaitable that is done: its value needs no request."""

    __slots__ = ("_value",)

    def __init__(self, value: T_co) -> None:
        self._value = value

    def __await__(self) -> Generator[Any, Any, T_co]:
        return self._value
        yield


class _IncludedIterator(AsyncIterator[T_co]):
    """An asynchronous iterator over resources that need no request."""

    __slots__ = ("_left",)

    def __init__(self, found: Iterable[T_co]) -> None:
        self._left = iter(found)

    def __anext__(self) -> Awaitable[T_co]:
        for one in self._left:
            return _Resolved(one)
        raise StopAsyncIteration
