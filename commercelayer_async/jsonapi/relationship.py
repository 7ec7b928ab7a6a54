"""Relationships: what a document says of them, and the way to what it does not say.

A class declares its relationships with `ToOne` and `ToMany`; reading one on a resource gives a small value that knows
its state, its linkage, links and meta without asking anybody, and that can be awaited. What is included is found in
the document; anything else is fetched through the document's `Follow`, the one way from here to a network.
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

from ._compound import Compound, Follower, Key
from ._linkage import NOTHING, Identifier, Wire, identifier_of, read_relationship
from .errors import ConfigurationError, DecodeError, SessionError
from .links import Link, Links, escape
from .objects import ResourceIdentifier

T_co = TypeVar("T_co", covariant=True)


class RelationshipState(StrEnum):
    """What a document says of a relationship (JSON:API 1.1, "Relationship Objects")."""

    ABSENT = "absent"
    """Nothing: no member of that name, or one without content."""
    LINKS_ONLY = "links only"
    """Links but no linkage: nothing is known of the target, not even whether there is one."""
    META_ONLY = "meta only"
    """Meta, but no way to the target."""
    EMPTY = "empty"
    """Linkage null or []: there is no target, and no need to ask."""
    IDENTIFIED = "identified"
    """Linkage, but the target is not (or not wholly) in the document."""
    INCLUDED = "included"
    """Linkage, and the target is in the document."""


_UNKNOWN: Final = object()


class Relationship:
    """A relationship of one resource. Its properties tell what the document said and never ask the network.

    Awaiting it gives the target: from the document if it is included, else by one request, however many await it at
    once. What was fetched is kept; a failure is not. Where the document says that there is no target, the answer is
    None (to-one) or () (to-many) without a request.

    Raises (when awaited):
        NotFound: there is no such record, or no such route.
        LinkRefused: the document's link leaves the API.
        DecodeError: the answer does not fit, or the document gives no way to the target.
        SessionError: the resource is bound to no session, or the session is closed.
    """

    __slots__ = ("_document", "_owner", "_value", "_wire", "name")

    to_many: ClassVar[bool | None] = None
    """Whether the target is a collection; None if only the answer can tell."""

    name: str
    """The member name under `relationships`."""

    def __init__(self, name: str, owner: Key, document: Compound | None = None, wire: Wire | Raw = NOTHING) -> None:
        self.name = name
        # Its identity and not the resource, which holds this object: no cycle.
        self._owner = owner
        self._document = document
        self._value: Any = _UNKNOWN
        self._wire = wire

    def __repr__(self) -> str:
        try:
            state: str = self.state
        except DecodeError as error:
            state = f"malformed, {error}"
        return f"<{type(self).__name__} {self._path}: {state}>"

    @property
    def owner(self) -> ResourceIdentifier:
        """The resource that holds the relationship."""
        type_, by, value = self._owner
        return ResourceIdentifier(type_, value) if by == "id" else ResourceIdentifier(type_, lid=value)

    @property
    def unsaid(self) -> bool:
        """Whether the document has no member of this name at all."""
        return self._wire is NOTHING

    @property
    def _path(self) -> str:
        return f"{self._owner[0]}/{self._owner[2]}.{self.name}"

    @property
    def _said(self) -> Wire:
        """What the document says; where it says it wrongly, this raises `DecodeError`."""
        wire = self._wire
        if type(wire) is not Wire:
            wire = self._wire = read_relationship(
                cast("Raw", wire), self._place(), self._document.url if self._document is not None else None
            )
        return wire

    def __await__(self) -> Generator[Any, Any, Any]:
        if self._value is _UNKNOWN and not self.loaded:
            self._value = yield from self._follow().__await__()
        return self._value

    def fetch(self, *, include: Sequence[str] = ()) -> Awaitable[Any]:
        """The target, asked anew, with `include`d relationships of its own; what was known before stays as it is."""
        return self._follow(include=include, anew=True)

    @property
    def state(self) -> RelationshipState:
        """Which of the six things the document says."""
        wire = self._said
        linkage = wire.data
        if linkage is UNSET:
            if wire.links:
                return RelationshipState.LINKS_ONLY
            return RelationshipState.META_ONLY if wire.meta is not None else RelationshipState.ABSENT
        if not linkage:
            return RelationshipState.EMPTY
        found = self._find(linkage)
        return RelationshipState.IDENTIFIED if found is None else RelationshipState.INCLUDED

    @property
    def loaded(self) -> bool:
        """True if awaiting costs no request."""
        if self._value is not _UNKNOWN:
            return True
        wire = self._wire
        linkage = (wire if type(wire) is Wire else self._said).data
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
        """The target without awaiting, where `loaded` says that it is here.

        Raises:
            ConfigurationError: it is not.
        """
        if self._value is _UNKNOWN and not self.loaded:
            raise ConfigurationError(f"{self._path} is not loaded ({self.state}): await it, or include it")
        return self._value

    def take_over(self, other: "Relationship") -> None:
        """Keep what another reading of the same relationship has loaded, if it has, in place of what was here."""
        if other.loaded:
            self._value = other.value

    @property
    def linkage(self) -> "ResourceIdentifier | tuple[ResourceIdentifier, ...] | UnsetType | None":
        """The linkage as it stands: an identifier, a tuple of them, None for null; `msgspec.UNSET` if there is none."""
        linkage = self._said.data
        if isinstance(linkage, list):
            return tuple(map(identifier_of, linkage))
        return identifier_of(linkage) if isinstance(linkage, Identifier) else linkage

    @property
    def identifiers(self) -> tuple[ResourceIdentifier, ...]:
        """The linkage in the document's order, duplicates kept; empty if there is none, or if it is empty."""
        linkage = self._said.data
        if linkage is UNSET or linkage is None:
            return ()
        return tuple(map(identifier_of, linkage if isinstance(linkage, list) else [linkage]))

    @property
    def links(self) -> Links:
        """`related` (the target), `self` (the linkage) and whatever else the document gives.

        Pagination links page the linkage; where `next` is among them, the linkage is not all of it.
        """
        document = self._document
        wire = self._wire
        if type(wire) is not Wire:
            wire = self._said
        return Links(wire.links, pointer=self._links_place, base=document.url if document is not None else None)

    @property
    def meta(self) -> Mapping[str, Any]:
        """What the document says about the relationship itself."""
        return self._said.meta or {}

    def way(self) -> Link | None:
        """The link to follow to the target: the document's `related`; None if it gives none."""
        return self.links.related

    def _follow(self, *, include: Sequence[str] = (), anew: bool = False) -> Awaitable[Any]:
        return self._through().follow(self, include=include, anew=anew)

    def _through(self) -> Follower:
        follow = self._document.follow if self._document is not None else None
        if follow is None:
            raise SessionError(
                f"{self._path} cannot be fetched: the resource is bound to no"
                " session; get it from one, or call resource.bind(session)"
            )
        return follow

    def _find(self, linkage: Identifier | list[Identifier]) -> Any:
        """The included target, None unless all of it is in the document."""
        document = self._document
        if document is None:
            return None
        if not isinstance(linkage, list):
            return document.find(linkage.type, linkage.id, linkage.lid)
        found = tuple(document.find(one.type, one.id, one.lid) for one in linkage)
        return None if None in found else found

    def _place(self) -> str:
        at = self._document.locate(self._owner) if self._document is not None else ""
        return f"{at}/relationships/{escape(self.name)}"

    def _links_place(self) -> str:
        return f"{self._place()}/links"


class ToOneRelationship(Relationship, Generic[T_co]):
    """A relationship to one resource, or to none."""

    __slots__ = ()

    to_many: ClassVar[bool | None] = False

    @property
    def identifier(self) -> ResourceIdentifier | None:
        """The linkage; None if there is none, or if it is null (`state` tells)."""
        return next(iter(self.identifiers), None)

    if TYPE_CHECKING:

        @property
        def value(self) -> T_co: ...  # noqa: D102 - as inherited
        def __await__(self) -> Generator[Any, Any, T_co]: ...
        def fetch(self, *, include: Sequence[str] = ()) -> Awaitable[T_co]: ...  # noqa: D102 - as inherited


class ToManyRelationship(Relationship, Generic[T_co]):
    """A relationship to any number of resources, in the server's order.

        stores = await wallet.event_stores              # a tuple: what is included, else the first page
        async for store in wallet.event_stores: ...     # every one, page by page
        async for page in wallet.event_stores.pages(): ...
        newest = await wallet.event_stores.first()
        total = await wallet.event_stores.count()

    Only awaiting keeps what came. `session.list(wallet.event_stores, ...)` filters, sorts and resumes.
    """

    __slots__ = ()

    to_many: ClassVar[bool | None] = True

    def __aiter__(self) -> AsyncIterator[T_co]:
        """Each resource: without a request where all of them are included, else page by page, anew each time.

        Raises:
            SessionError: they are not included, and the resource is bound to no session.
        """
        found = self._whole()
        return aiter(self._through().list(self)) if found is None else _Each(found)

    def pages(self) -> "AsyncIterator[Any]":
        """The pages, in order, with their meta and links; asked for, whatever is included. Of a session, `Page`s."""
        pages: AsyncIterator[Any] = self._through().list(self).pages()
        return pages

    def first(self) -> Awaitable[T_co | None]:
        """The first resource, None if there is none; one request at most."""
        found = self._whole()
        return self._through().list(self).first() if found is None else _Known(next(iter(found), None))

    def count(self) -> Awaitable[int]:
        """How many there are: by the linkage, where the document has all of it, else by one request.

        Raises:
            DecodeError: the server does not say.
        """
        linkage = self._said.data
        if isinstance(linkage, list) and self.links.next is None:
            return _Known(len(linkage))
        count: Awaitable[int] = self._through().list(self).count()
        return count

    def _whole(self) -> tuple[T_co, ...] | None:
        """All targets, if the document holds them; not what a request brought, which may be a first page."""
        linkage = self._said.data
        if not isinstance(linkage, list) or self.links.next is not None:
            return None
        found: tuple[T_co, ...] | None = self._find(linkage) if linkage else ()
        return found

    if TYPE_CHECKING:

        @property
        def value(self) -> tuple[T_co, ...]: ...  # noqa: D102 - as inherited
        def __await__(self) -> Generator[Any, Any, tuple[T_co, ...]]: ...
        def fetch(self, *, include: Sequence[str] = ()) -> Awaitable[tuple[T_co, ...]]: ...  # noqa: D102


class _Known(Awaitable[T_co]):
    """What is here already, for whoever awaits."""

    __slots__ = ("_value",)

    def __init__(self, value: T_co) -> None:
        self._value = value

    def __await__(self) -> Generator[Any, Any, T_co]:
        return self._value
        yield


class _Each(AsyncIterator[T_co]):
    """What is here already, for whoever iterates as over what is fetched."""

    __slots__ = ("_left",)

    def __init__(self, found: Iterable[T_co]) -> None:
        self._left = iter(found)

    def __anext__(self) -> Awaitable[T_co]:
        for one in self._left:
            return _Known(one)
        raise StopAsyncIteration
