"""Declarations of relationships: the descriptors `ToOne` and `ToMany`."""

from typing import TYPE_CHECKING, Any, ForwardRef, Generic, Self, TypeVar, get_args, overload

from msgspec import UNSET

from .._markers import public
from .._plain import plain_text
from ._compound import Identified
from ._linkage import UsualRelationshipObject
from ._members import get_relationship, open_members
from .relationship import Relationship, ToManyRelationship, ToOneRelationship

T_co = TypeVar("T_co", covariant=True)


class _Declared:
    """The base of `ToOne` and `ToMany`: a member name, and the class of the relationships they give."""

    def __init__(self, member: str | None, value: type[Relationship]) -> None:
        self.member = plain_text(member) or ""
        self.value = value

    def __set_name__(self, owner: type, name: str) -> None:
        if not self.member:
            self.member = name

    if not TYPE_CHECKING:

        def __get__(self, instance: Any, owner: type) -> Any:
            if instance is None:
                return self
            # What nearly all accesses meet, spelled out, since each call would add a tenth. `get_relationship` does the
            # same, and knows whatever else there is.
            cls, value = self.value, None
            try:
                members = instance._relationships
                document = instance._document
                if type(members) is not dict:
                    members = open_members(instance, members, document)
                value = members[self.member]
            except (AttributeError, KeyError):
                pass
            kind = type(value)
            if kind is cls:
                return value
            if kind is UsualRelationshipObject and value.links is not None and instance.id:
                name, links, data = self.member, value.links, value.data
                links.base = document.url
                if data is not UNSET and document.live_primary is None:
                    document.track(instance)
                found = members[name] = cls(name, instance.type, instance.id, document, data, links, value.meta)
                return found
            return get_relationship(instance, self.member, cls)

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

    def __init__(self, member: str | None = None) -> None:
        super().__init__(member, ToOneRelationship)

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: type) -> Self: ...
        @overload
        def __get__(self, instance: Identified, owner: type) -> ToOneRelationship[T_co]: ...
        def __get__(self, instance: Identified | None, owner: type) -> Any: ...


@public("commercelayer_async.jsonapi")
class ToMany(_Declared, Generic[T_co]):
    """Declares a to-many relationship in the body of a resource class: `event_stores = ToMany["EventStore"]()`."""

    def __init__(self, member: str | None = None) -> None:
        super().__init__(member, ToManyRelationship)

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: type) -> Self: ...
        @overload
        def __get__(self, instance: Identified, owner: type) -> ToManyRelationship[T_co]: ...
        def __get__(self, instance: Identified | None, owner: type) -> Any: ...
