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

import msgspec
from msgspec import UNSET, Raw, UnsetType

from .._markers import override, public
from .._text import printable
from ._compound import Compound, Follower, Key
from ._linkage import (
    ABSENT,
    AnyRelationshipObject,
    Identifier,
    RelationshipObject,
    UsualRelationshipObject,
    decode_members,
    identifier_of,
    read_relationship,
)
from .errors import ConfigurationError, DecodeError, SessionError
from .links import Links, escape, links_from_json
from .objects import ResourceIdentifier

T_co = TypeVar("T_co", covariant=True)

_OF_OBJECT: Final = frozenset({"_data", "links", "_meta"})
"""What a relationship takes from its relationship object."""


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


@public("commercelayer_async.jsonapi")
class Relationship(msgspec.Struct, eq=False):
    """A relationship of one resource. Its properties repeat the document and never make a request.

    Awaiting it gives the target: from the document if it is included, else by one request, however many await it at
    once. A fetched target is kept; a failure is not. Where the document says that there is no target, awaiting gives
    None (to-one) or () (to-many) without a request. It is neither true nor false, and has none of its target's
    attributes: `(await order.customer).email`.

    Linkage of another cardinality than declared is malformed, and so is an included target of another class. But null
    counts as an empty array where one is declared, and an empty array as null: not all servers tell them apart.

    Raises (when awaited):
        NotFound: there is no such record, or no such route.
        LinkRefused: the document's link leaves the API.
        DecodeError: the response or the linkage does not fit, or the document has neither a link nor linkage to follow.
        SessionError: the resource is not bound to a session, or the session is closed.
    """

    name: str
    """The member name under `relationships`."""
    # The identity and not the resource: the resource holds this object, and a cycle would need the collector.
    _type: str
    _id: str
    """Empty if the resource has a local id instead."""
    _document: Compound | None
    # These three are of a relationship object as most servers send it. If it is another, `_odd` holds it, they are
    # deleted as soon as this object is made, and `__getattr__` gives them.
    _data: Identifier | list[Identifier] | UnsetType | None
    links: Links
    """`related` (the target), `self` (the linkage) and any other link of the relationship.

    Pagination links page the linkage; if `next` is among them, the document holds only a part of it.
    """
    _meta: dict[str, Any] | None
    _target: Any = UNSET
    """The target once it is known; UNSET before."""
    _lid: str | None = None
    _odd: RelationshipObject | Raw | None = None

    to_many: ClassVar[bool | None] = None
    """True if the target is a collection; None if only the document or the response will show it."""

    def __repr__(self) -> str:
        try:
            state: str = self.state
        except DecodeError as error:
            state = f"malformed, {error}"
        return f"<{type(self).__name__} {self._path}: {state}>"

    @property
    def owner(self) -> ResourceIdentifier:
        """The resource that holds the relationship."""
        return ResourceIdentifier(self._type, self._id or None, self._lid)

    @property
    def _owner(self) -> Key:
        return (self._type, "id", self._id) if self._id else (self._type, "lid", self._lid or "")

    def __bool__(self) -> bool:
        raise ConfigurationError(
            f"{self._path} is a relationship, which is neither true nor false: await it, or look at its state"
        )

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in _OF_OBJECT:
                return self._read_odd(name)
            if name.startswith("_"):
                raise AttributeError(name)
            raise AttributeError(
                f"{self._path} is a relationship and has no {name!r} itself;"
                f" its target may: (await ….{self.name}).{name}"
            )

    @override
    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("", repr(self))]

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore_relationship, (type(self), self.name, self._owner, self._document)

    @property
    def is_absent(self) -> bool:
        """True if the document has no member of this name: the object was made because the class declares it."""
        return self._odd is ABSENT

    @property
    def _path(self) -> str:
        return f"{self._type}/{self._id or self._lid}.{self.name}"

    @property
    def _url(self) -> str | None:
        document = self._document
        return document.url if document is not None else None

    def _read_odd(self, name: str) -> Any:
        """Return linkage, links or meta of a relationship object that is not as most servers send it.

        Raises:
            DecodeError: it is malformed.
        """
        relationship = self._odd
        if isinstance(relationship, Raw):
            relationship = self._odd = read_relationship(relationship, self._pointer(), self._url)
        if name == "links":
            # Made anew each time: they lead back to this object, in a cycle that the collector would not see.
            links = relationship.links if relationship is not None else None
            return links_from_json(links, pointer=self._links_pointer, base=self._url)
        return getattr(relationship, name.removeprefix("_"))

    @property
    def _linkage(self) -> Identifier | list[Identifier] | UnsetType | None:
        """The linkage, of the cardinality that is declared.

        Raises:
            DecodeError: it is of another one, or malformed.
        """
        linkage, to_many = self._data, self.to_many
        if linkage is UNSET or to_many is None or (type(linkage) is list) is to_many:
            return linkage
        if not linkage:
            return [] if to_many else None
        one, many = "a resource identifier", "an array of resource identifiers"
        raise self._malformed(expected=many if to_many else f"{one} or null", got=one if to_many else many)

    def __await__(self) -> Generator[Any, Any, Any]:
        if self._target is UNSET and not self.loaded:
            self._target = yield from self._follow().__await__()
        return self._target

    def fetch(self, *, include: Sequence[str] = ()) -> Awaitable[Any]:
        """Request the target anew, with `include`d relationships of its own; a target kept before stays as it is."""
        return self._follow(include=include, anew=True)

    @property
    def state(self) -> RelationshipState:
        """Which of six states the document gives."""
        linkage = self._linkage
        if linkage is UNSET:
            # Of another object than most servers send, all that it holds, @-members too.
            if self._odd.links if isinstance(self._odd, RelationshipObject) else self.links:
                return RelationshipState.LINKS_ONLY
            return RelationshipState.META_ONLY if self._meta is not None else RelationshipState.ABSENT
        found = self._find(linkage)
        if found is UNSET:
            return RelationshipState.IDENTIFIED
        return RelationshipState.INCLUDED if linkage else RelationshipState.EMPTY

    @property
    def loaded(self) -> bool:
        """True if awaiting makes no request."""
        if self._target is not UNSET:
            return True
        if self._data is UNSET:
            return False
        target = self._target = self._find(self._linkage)
        return target is not UNSET

    @property
    def value(self) -> Any:
        """The target without awaiting it, if `loaded`.

        Raises:
            ConfigurationError: it is not loaded.
        """
        if self._target is UNSET and not self.loaded:
            raise ConfigurationError(f"{self._path} is not loaded ({self.state}): await it, or include it")
        return self._target

    def take_over(self, other: "Relationship") -> None:
        """Keep the target of `other`, the same relationship read from another document, if it is loaded there."""
        if other.loaded:
            self._target = other.value

    @property
    def linkage(self) -> "ResourceIdentifier | tuple[ResourceIdentifier, ...] | UnsetType | None":
        """The linkage: an identifier, a tuple of them, None for null; `msgspec.UNSET` if the member is missing."""
        linkage = self._linkage
        if isinstance(linkage, list):
            return tuple(map(identifier_of, linkage))
        return identifier_of(linkage) if isinstance(linkage, Identifier) else linkage

    @property
    def identifiers(self) -> tuple[ResourceIdentifier, ...]:
        """The linkage in the document's order, duplicates kept; empty if there is none, or if it is empty."""
        linkage = self.linkage
        if linkage is UNSET or linkage is None:
            return ()
        return linkage if isinstance(linkage, tuple) else (linkage,)

    @property
    def meta(self) -> Mapping[str, Any]:
        """The `meta` of the relationship object; empty if there is none."""
        return self._meta or {}

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

    def _find(self, linkage: Identifier | list[Identifier] | UnsetType | None) -> Any:
        """Return the target, or the tuple of targets, if the document holds all of it; else UNSET."""
        if type(linkage) is not Identifier:
            if type(linkage) is not list:
                return linkage
            return UNSET if self._is_partial(linkage) else self._find_all(linkage)
        document = self._document
        found = document.find(linkage.type, linkage.id, linkage.lid) if document is not None else None
        if document is None or found is None:
            return UNSET
        declared = document.registry.target_of(self._type, self.name)
        if declared is not None and type(found) not in declared:
            raise self._malformed(expected=" or ".join(cls.type for cls in declared), got=f"{found.type}/{found.id}")
        return found

    def _find_all(self, linkage: list[Identifier]) -> Any:
        found = tuple(map(self._find, linkage))
        return UNSET if UNSET in found else found

    def _is_partial(self, linkage: list[Identifier]) -> bool:
        """True if an array of linkage is but one page of all (JSON:API 1.1, "Fetching Relationships").

        A link to the next page says so; of a service that cuts linkage without one, the number of all does.
        """
        if self.links.next is not None:
            return True
        pointer = self._document.registry.linkage_total if self._document is not None else None
        if pointer is None:
            return False
        total: object = self.meta
        for member in pointer.split("."):
            total = cast("Mapping[str, object]", total).get(member) if isinstance(total, Mapping) else None
        return type(total) is int and total > len(linkage)

    def _malformed(self, *, expected: str, got: str) -> DecodeError:
        """Make the error for linkage that does not fit the declaration."""
        pointer, got = f"{self._pointer()}/data", printable(got, 120)
        return DecodeError(expected=expected, got=got, pointer=pointer, url=self._url, resource=self._path)

    def _pointer(self) -> str:
        at = self._document.locate(self._owner) if self._document is not None else ""
        return f"{at}/relationships/{escape(self.name)}"

    def _links_pointer(self) -> str:
        return f"{self._pointer()}/links"


@public("commercelayer_async.jsonapi")
class ToOneRelationship(Relationship, Generic[T_co]):
    """A relationship to one resource or none."""

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


class _ManyTargets(Relationship):
    """What relationships have that may lead to many resources."""

    def __aiter__(self) -> AsyncIterator[Any]:
        """Iterate over all resources: without requests if all are included, else page by page, anew each time.

        Raises:
            ConfigurationError: the linkage is that of a to-one relationship.
            SessionError: they are not included, and the resource is not bound to a session.
        """
        found = self._all_included()
        return aiter(self._follower().list(self)) if found is UNSET else _IncludedIterator(found)

    def pages(self) -> AsyncIterator[Any]:
        """Iterate over the pages in order, by requests even if all is included; a session gives `Page` objects."""
        self._array()
        pages: AsyncIterator[Any] = self._follower().list(self).pages()
        return pages

    def first(self) -> Awaitable[Any]:
        """Return the first resource, None if there is none; one request at most."""
        found = self._all_included()
        return self._follower().list(self).first() if found is UNSET else _Resolved(next(iter(found), None))

    def count(self) -> Awaitable[int]:
        """Count the resources: by the linkage if the document holds all of it, else by one request.

        Raises:
            DecodeError: the response has no count.
        """
        linkage = self._array()
        if linkage is not UNSET and not self._is_partial(linkage):
            return _Resolved(len(linkage))
        count: Awaitable[int] = self._follower().list(self).count()
        return count

    def _all_included(self) -> Any:
        """Return all targets if the document holds them, else UNSET; not a fetched tuple, which may be a first page."""
        return self._find(self._array())

    def _array(self) -> list[Identifier] | UnsetType:
        linkage = self._linkage
        if linkage is UNSET or isinstance(linkage, list):
            return linkage
        raise ConfigurationError(f"{self._path} leads to one resource at most: await it")


@public("commercelayer_async.jsonapi")
class GenericRelationship(_ManyTargets):
    """A relationship that no class declares, as all of a `GenericResource` are.

    Whether it leads to one or to many, the document or the response shows: awaiting gives a resource, None, or a tuple.
    One that leads to many is iterated over, paged and counted as a `ToManyRelationship`.
    """


@public("commercelayer_async.jsonapi")
class ToManyRelationship(_ManyTargets, Generic[T_co]):
    """A relationship to any number of resources, in the server's order.

        stores = await wallet.event_stores              # a tuple: all if included, else the first page
        async for store in wallet.event_stores: ...     # all, page by page
        async for page in wallet.event_stores.pages(): ...
        newest = await wallet.event_stores.first()
        total = await wallet.event_stores.count()

    Only awaiting keeps the result. `session.list(wallet.event_stores, ...)` filters, sorts and resumes.
    """

    to_many: ClassVar[bool | None] = True

    if TYPE_CHECKING:

        @override
        def __aiter__(self) -> AsyncIterator[T_co]: ...
        @override
        def first(self) -> Awaitable[T_co | None]: ...
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


def make_relationship(
    cls: type[Relationship], name: str, owner: Key, document: Compound | None, value: AnyRelationshipObject | Raw
) -> Relationship:
    """Make a relationship of what the document of its resource holds of it."""
    type, by, identity = owner
    id, lid = (identity, None) if by == "id" else ("", identity)
    if isinstance(value, UsualRelationshipObject):
        links = Links() if value.links is None else value.links
        links.base = document.url if document is not None else None
        return cls(name, type, id, document, value.data, links, value.meta, UNSET, lid)
    found = cls(name, type, id, document, UNSET, Links(), None, UNSET, lid, value)
    for attribute in _OF_OBJECT:
        delattr(found, attribute)
    return found


@public("commercelayer_async.jsonapi")
def _restore_relationship(cls: type[Relationship], name: str, owner: Key, document: Compound | None) -> Relationship:
    """Make the relationship of a pickle: as its document gives it, without what was fetched."""
    raw = document.member_bytes(owner, "relationships") if document is not None else None
    members = (decode_members(raw) if raw is not None else None) or {}
    return make_relationship(cls, name, owner, document, members.get(name, ABSENT))
