"""Relationships: what a document says of them, and the way to what it does not say.

A class declares its relationships with `ToOne` and `ToMany`; reading one on a resource gives a small value that knows
its state, its linkage, links and meta without asking anybody, and that can be awaited. What is included is found in
the document; anything else is fetched through the document's `Follow`, the one way from here to a network.
"""

from collections.abc import Awaitable, Generator, Mapping, Sequence
from enum import StrEnum
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Final,
    ForwardRef,
    Generic,
    Protocol,
    Self,
    TypeVar,
    cast,
    get_args,
    overload,
)

import msgspec
from msgspec import UNSET, Raw, UnsetType

from .._text import kind
from ..errors import ConfigurationError, DecodeError, SessionError
from ._json import FAILURES, as_array, as_object, as_text, exact, loads
from .document import identity, mapping
from .links import Link, Links, escape
from .objects import ResourceIdentifier

if TYPE_CHECKING:
    from ._compound import Compound, Key
    from .resource import Resource

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


class Follow(Protocol):
    """What fetches the target of a relationship; a session is one."""

    def follow(
        self, relationship: "Relationship", *, include: Sequence[str] = (), anew: bool = False
    ) -> Awaitable[Any]:
        """The resource, the tuple of resources, or None that `relationship` leads to.

        Awaits of one relationship object share one request, unless it is to be asked `anew`.
        """
        ...


_Text = Annotated[str, msgspec.Meta(min_length=1)]


class _Identifier(msgspec.Struct, gc=False):
    """Linkage on the wire."""

    type: _Text
    id: _Text
    meta: dict[str, Any] | None = None
    lid: Any = None


class _Wire(msgspec.Struct, gc=False):
    """A relationship object on the wire."""

    data: _Identifier | list[_Identifier] | UnsetType | None = UNSET
    links: dict[str, Any] | None = None
    meta: dict[str, Any] | None = None


_decode_wire: Final = msgspec.json.Decoder(_Wire, float_hook=exact).decode
_decode_wires: Final = msgspec.json.Decoder(dict[str, _Wire], float_hook=exact).decode
_decode_members: Final = msgspec.json.Decoder(dict[str, Raw]).decode
_NOTHING: Final = _Wire()
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

    def __init__(
        self, name: str, owner: "Key", document: "Compound | None" = None, wire: "_Wire | Raw" = _NOTHING
    ) -> None:
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
        return self._wire is _NOTHING

    @property
    def _path(self) -> str:
        return f"{self._owner[0]}/{self._owner[2]}.{self.name}"

    @property
    def _said(self) -> _Wire:
        """What the document says; where it says it wrongly, this raises `DecodeError`."""
        wire = self._wire
        if type(wire) is not _Wire:
            wire = self._wire = self._read(cast("Raw", wire))
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
        linkage = self._said.data
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
            return tuple(map(_identifier, linkage))
        return _identifier(linkage) if isinstance(linkage, _Identifier) else linkage

    @property
    def identifiers(self) -> tuple[ResourceIdentifier, ...]:
        """The linkage in the document's order, duplicates kept; empty if there is none, or if it is empty."""
        linkage = self._said.data
        if linkage is UNSET or linkage is None:
            return ()
        return tuple(map(_identifier, linkage if isinstance(linkage, list) else [linkage]))

    @property
    def links(self) -> Links:
        """`related` (the target), `self` (the linkage) and whatever else the document gives.

        Pagination links page the linkage; where `next` is among them, the linkage is not all of it.
        """
        document = self._document
        wire = self._wire
        if type(wire) is not _Wire:
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
        follow: Follow | None = self._document.follow if self._document is not None else None
        if follow is None:
            raise SessionError(
                f"{self._path} cannot be fetched: the resource is bound to no"
                " session; get it from one, or call resource.bind(session)"
            )
        return follow.follow(self, include=include, anew=anew)

    def _find(self, linkage: _Identifier | list[_Identifier]) -> Any:
        """The included target, None unless all of it is in the document."""
        document = self._document
        if document is None:
            return None
        if not isinstance(linkage, list):
            return document.find(_key(linkage))
        found = tuple(document.find(_key(one)) for one in linkage)
        return None if None in found else found

    def _place(self) -> str:
        at = self._document.locate(self._owner) if self._document is not None else ""
        return f"{at}/relationships/{escape(self.name)}"

    def _links_place(self) -> str:
        return f"{self._place()}/links"

    def _read(self, raw: Raw) -> _Wire:
        """The relationship object member by member: local ids, what null stands for, or the error with its pointer."""
        try:
            return _decode_wire(raw)
        except FAILURES:
            pass
        url = self._document.url if self._document is not None else None
        at = self._place()
        members = mapping(loads(raw, url=url), at, url)
        wire = _Wire()
        if "links" in members:
            wire.links = mapping(members["links"], f"{at}/links", url)
        if members.get("meta") is not None:
            wire.meta = mapping(members["meta"], f"{at}/meta", url)
        if "data" in members:
            linkage = members["data"]
            entries = as_array(linkage)
            if entries is not None:
                wire.data = [_identified(entry, f"{at}/data/{n}", url) for n, entry in enumerate(entries)]
            else:
                wire.data = _identified(linkage, f"{at}/data", url) if linkage is not None else None
        return wire


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
    """A relationship to any number of resources, in the server's order."""

    __slots__ = ()

    to_many: ClassVar[bool | None] = True

    if TYPE_CHECKING:

        @property
        def value(self) -> tuple[T_co, ...]: ...  # noqa: D102 - as inherited
        def __await__(self) -> Generator[Any, Any, tuple[T_co, ...]]: ...
        def fetch(self, *, include: Sequence[str] = ()) -> Awaitable[tuple[T_co, ...]]: ...  # noqa: D102


class _Declared:
    """What `ToOne` and `ToMany` share: a name, and the values they give."""

    value: ClassVar[type[Relationship]] = Relationship

    def __init__(self, member: str | None = None) -> None:
        self.member = member or ""

    def __set_name__(self, owner: type, name: str) -> None:
        if not self.member:
            self.member = name

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.member!r})"

    @property
    def names(self) -> tuple[str, ...]:
        """The classes that the type parameter names; empty if it is no text or was not given."""
        for argument in get_args(getattr(self, "__orig_class__", None)):
            if isinstance(argument, ForwardRef):
                parts = (part.strip() for part in argument.__forward_arg__.split("|"))
                return tuple(part for part in parts if part != "None")
        return ()


class ToOne(_Declared, Generic[T_co]):
    """Declares a to-one relationship in the body of a resource class: `customer = ToOne["Customer"]()`.

    The type parameter is what awaiting gives, for the type checker; `"Customer | None"` where there may be none. The
    member name is the attribute's, unless given.
    """

    value: ClassVar[type[Relationship]] = ToOneRelationship

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: "Resource", owner: type) -> ToOneRelationship[T_co]: ...
    def __get__(self, instance: "Resource | None", owner: type) -> "Self | ToOneRelationship[T_co]":
        if instance is None:
            return self
        return cast("ToOneRelationship[T_co]", related(instance, self.member, ToOneRelationship))


class ToMany(_Declared, Generic[T_co]):
    """Declares a to-many relationship in the body of a resource class: `event_stores = ToMany["EventStore"]()`."""

    value: ClassVar[type[Relationship]] = ToManyRelationship

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: "Resource", owner: type) -> ToManyRelationship[T_co]: ...
    def __get__(self, instance: "Resource | None", owner: type) -> "Self | ToManyRelationship[T_co]":
        if instance is None:
            return self
        return cast("ToManyRelationship[T_co]", related(instance, self.member, ToManyRelationship))


def related(resource: "Resource", name: str, cls: type[Relationship]) -> Relationship:
    """The relationship `name` of `resource`, made on first use and kept there."""
    value: Any = opened(resource).get(name, _NOTHING)
    if isinstance(value, Relationship):
        return value
    made = cls(name, resource.key, getattr(resource, "_document", None), value)
    opened(resource)[name] = made
    return made


def said(value: Any) -> bool:
    """Whether a member of `opened` stands in the document, and was not made for want of one."""
    return not (isinstance(value, Relationship) and value.unsaid)


def opened(resource: "Resource") -> dict[str, Any]:
    """The members of a resource's `relationships`: as the document has them, and those already made."""
    members: Any = getattr(resource, "_relationships", None)
    if type(members) is dict:
        return cast("dict[str, Any]", members)
    document: Compound | None = getattr(resource, "_document", None)
    if document is not None and document.handed is None:
        document.hand_out(resource)
    made = _open(members, document, resource) if members else {}
    object.__setattr__(resource, "_relationships", made)
    return made


def _open(raw: Raw, document: "Compound | None", resource: "Resource") -> dict[str, Any]:
    for decode in (_decode_wires, _decode_members):
        try:
            return decode(raw)
        except FAILURES:
            continue
    url = document.url if document is not None else None
    at = document.locate(resource.key) if document is not None else ""
    return mapping(loads(raw, url=url), f"{at}/relationships", url)


def _key(identifier: _Identifier) -> "Key":
    return (identifier.type, "id", identifier.id) if identifier.id else (identifier.type, "lid", identifier.lid)


def _identifier(wire: _Identifier) -> ResourceIdentifier:
    return ResourceIdentifier(wire.type, wire.id or None, as_text(wire.lid), wire.meta or {})


def _identified(value: object, pointer: str, url: str | None) -> _Identifier:
    members = as_object(value)
    if members is None:
        raise DecodeError(expected="a resource identifier", got=kind(value), pointer=pointer, url=url)
    type_, id_, lid = identity(members, pointer, url)
    meta = mapping(members.get("meta"), f"{pointer}/meta", url)
    # Without an id, the empty one stands for none: no document can hold it.
    return _Identifier(type_, id_ or "", meta, lid)
