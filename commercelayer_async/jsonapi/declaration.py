"""Declarations of relationships: the descriptors `ToOne` and `ToMany`, and the lazy members that they read."""

from typing import Any, ClassVar, ForwardRef, Generic, Self, TypeVar, get_args, overload

from msgspec import UNSET

from .._markers import public
from .._plain import plain_text
from ._bookkeeping import set_relationships
from ._compound import Compound, Identified
from ._json import FAILURES, loads
from ._linkage import ABSENT, UNREAD, decode_members, decode_usual
from .document import mapping
from .relationship import Relationship, ToManyRelationship, ToOneRelationship

T_co = TypeVar("T_co", covariant=True)


class _Declared:
    """The base of `ToOne` and `ToMany`: a member name, and the class of the relationships they give."""

    value: ClassVar[type[Relationship]] = Relationship

    def __init__(self, member: str | None = None) -> None:
        self.member = plain_text(member) or ""

    def __set_name__(self, owner: type, name: str) -> None:
        if not self.member:
            self.member = name

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.member!r})"

    @property
    def names(self) -> tuple[str, ...]:
        """The class names in the type parameter; empty if it was not given, or not given as a string."""
        for argument in get_args(getattr(self, "__orig_class__", None)):
            if isinstance(argument, ForwardRef):
                parts = (part.strip() for part in argument.__forward_arg__.split("|"))
                return tuple(part for part in parts if part != "None")
        return ()


@public("commercelayer_async.jsonapi")
class ToOne(_Declared, Generic[T_co]):
    """Declares a to-one relationship in the body of a resource class: `customer = ToOne["Customer"]()`.

    The type parameter is what awaiting gives, for the type checker: `"Customer | None"` where there may be none. The
    member name is that of the attribute unless given.
    """

    value: ClassVar[type[Relationship]] = ToOneRelationship

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Identified, owner: type) -> ToOneRelationship[T_co]: ...
    def __get__(self, instance: Identified | None, owner: type) -> "Self | ToOneRelationship[T_co]":
        if instance is None:
            return self
        found: ToOneRelationship[T_co] = get_relationship(instance, self.member, ToOneRelationship)
        return found


@public("commercelayer_async.jsonapi")
class ToMany(_Declared, Generic[T_co]):
    """Declares a to-many relationship in the body of a resource class: `event_stores = ToMany["EventStore"]()`."""

    value: ClassVar[type[Relationship]] = ToManyRelationship

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Identified, owner: type) -> ToManyRelationship[T_co]: ...
    def __get__(self, instance: Identified | None, owner: type) -> "Self | ToManyRelationship[T_co]":
        if instance is None:
            return self
        found: ToManyRelationship[T_co] = get_relationship(instance, self.member, ToManyRelationship)
        return found


def get_relationship(resource: Any, name: str, cls: type[Relationship]) -> Any:
    """Return the relationship `name` of `resource`, made on first use and kept on the resource."""
    members: Any
    try:
        members = resource._relationships
        document = resource._document
    except AttributeError:
        # Made by hand.
        members, document = relationship_members(resource), None
    if members.__class__ is not dict:
        members = _open(resource, members, document)
    value = members.get(name, ABSENT)
    kind = value.__class__
    if kind is cls or kind not in UNREAD:
        return value
    id = resource.id
    lid = None if id else resource.lid
    found = members[name] = cls(name, resource.type, id, document, value, UNSET, lid)
    return found


def is_in_document(value: Any) -> bool:
    """Return True if the document itself has this member; False for a placeholder made on access."""
    return not (isinstance(value, Relationship) and value.is_absent)


def relationship_members(resource: Identified) -> dict[str, Any]:
    """Return the members of a resource's `relationships`, by name, each as far as it was read.

    A member is bytes, a relationship object or, once accessed, a `Relationship`. The resource keeps the raw slice until
    the first call, then this dict in its stead.
    """
    members: Any = getattr(resource, "_relationships", None)
    if members.__class__ is dict:
        found: dict[str, Any] = members
        return found
    return _open(resource, members, getattr(resource, "_document", None))


def _open(resource: Identified, raw: Any, document: Compound | None) -> dict[str, Any]:
    # A single primary resource is not tracked until its relationships are read: most never are.
    if document is not None and document.live_primary is None:
        document.track(resource)
    try:
        members = decode_usual(raw)
    except (*FAILURES, TypeError):
        members = None
    if members is None:
        # Outside of the handler, so that an error has no context that quotes values.
        members = _decode(raw, document, resource)
    set_relationships(resource, members)
    return members


def _decode(raw: Any, document: Compound | None, resource: Identified) -> dict[str, Any]:
    """Decode what is not as most servers send it; nothing at all for a resource made by hand."""
    if raw is None:
        return {}
    members = decode_members(raw)
    if members is not None:
        return members
    url = document.url if document is not None else None
    at = document.locate(resource.key) if document is not None else ""
    return mapping(loads(raw, url=url), f"{at}/relationships", url)
