"""Declarations: how a resource class says which relationships it has, and what reading one of them gives."""

from typing import Any, ClassVar, ForwardRef, Generic, Self, TypeVar, get_args, overload

from ._compound import Compound, Identified
from ._json import loads
from ._linkage import NOTHING, open_members
from .document import mapping
from .relationship import Relationship, ToManyRelationship, ToOneRelationship

T_co = TypeVar("T_co", covariant=True)


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
    def __get__(self, instance: Identified, owner: type) -> ToOneRelationship[T_co]: ...
    def __get__(self, instance: Identified | None, owner: type) -> "Self | ToOneRelationship[T_co]":
        if instance is None:
            return self
        found: Any = related(instance, self.member, ToOneRelationship)
        return found  # type: ignore[no-any-return]  # a cast is a call, and this is read for each resource


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
        found: Any = related(instance, self.member, ToManyRelationship)
        return found  # type: ignore[no-any-return]  # as above


def related(resource: Identified, name: str, cls: type[Relationship]) -> Relationship:
    """The relationship `name` of `resource`, made on first use and kept there."""
    members = opened(resource)
    value: Any = members.get(name, NOTHING)
    if isinstance(value, Relationship):
        return value
    made = members[name] = cls(name, resource.key, getattr(resource, "_document", None), value)
    return made


def said(value: Any) -> bool:
    """Whether a member of `opened` stands in the document, and was not made for want of one."""
    return not (isinstance(value, Relationship) and value.unsaid)


def opened(resource: Identified) -> dict[str, Any]:
    """The members of a resource's `relationships`: as the document has them, and those already made."""
    known: Any = getattr(resource, "_relationships", None)
    members: Any = known
    if type(known) is dict:
        return members  # type: ignore[no-any-return]  # as above
    document: Compound | None = getattr(resource, "_document", None)
    if document is not None and document.handed is None:
        document.hand_out(resource)
    made = _open(members, document, resource) if members else {}
    object.__setattr__(resource, "_relationships", made)
    return made


def _open(raw: bytes, document: Compound | None, resource: Identified) -> dict[str, Any]:
    members = open_members(raw)
    if members is not None:
        return members
    url = document.url if document is not None else None
    at = document.locate(resource.key) if document is not None else ""
    return mapping(loads(raw, url=url), f"{at}/relationships", url)
