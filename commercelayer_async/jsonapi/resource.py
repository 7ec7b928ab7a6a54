"""Resources: the attrs classes that resource objects become."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, TypeVar

import attrs

from ._compound import Compound, Key
from ._depth import WHEN_DEEP, copied, packed, unpacked
from ._dump import to_dict
from ._schema import once_per_class, wire_names
from .declaration import ToMany, ToOne, opened, related, said
from .errors import ConfigurationError, DecodeError
from .follow import Follow
from .links import Links
from .relationship import Relationship

R = TypeVar("R", bound="Resource")


class _Bookkeeping:
    """What a decoded resource knows beside its attributes: slots that neither attrs nor msgspec sees.

    As attrs fields they would be tested and filled with defaults for each resource, which costs as much as three
    attributes do.
    """

    __slots__ = ("__weakref__", "_beside", "_document", "_relationships")

    if TYPE_CHECKING:
        _document: Compound
        _relationships: Any
        _beside: "_Beside"


@attrs.frozen
class _Beside:
    """What only few resources have."""

    lid: str | None = None
    invalid_attributes: Mapping[str, DecodeError] = attrs.field(factory=dict[str, DecodeError])


_NOTHING_BESIDE: Final = _Beside()


@attrs.frozen(kw_only=True)
class Resource(_Bookkeeping):
    """A resource: subclass it with `@attrs.frozen(kw_only=True)`, name its `type`, list its attributes.

    Two resources are equal if class, id and attributes are; relationships do not count. Links, meta, relationships
    and unknown attributes come from the document and are read from it when asked for; a resource made by hand has
    none. Names in documents that cannot be names here are given by `alias` or `member`. Resources pickle with their
    document, but without their session: see `bind`.
    """

    type: ClassVar[str]
    """The JSON:API type, as it stands in documents."""
    sparse: ClassVar[bool] = False
    """True for a class that lists only some of the type's fields: these, and no others, are asked for."""

    id: str
    """Opaque; unique among the resources of its type. Empty only where `lid` stands for it."""

    @classmethod
    def __attrs_init_subclass__(cls) -> None:
        own = {field.name for field in attrs.fields(cls)} - {"id"}
        taken = sorted(own & _RESERVED - ({"type", "attributes"} if cls.__name__ == "GenericResource" else set()))
        if taken:
            raise ConfigurationError(
                f"{cls.__name__}.{taken[0]} would hide a member of Resource; give the attribute another name and"
                f" the wire name as its alias: attrs.field(alias={taken[0]!r})"
            )
        # attrs generates one for each class, which fails on objects among the attributes.
        cls.__hash__ = Resource.__hash__  # type: ignore[method-assign]
        for name in ("__eq__", "__repr__"):
            if name in vars(cls):
                setattr(cls, name, WHEN_DEEP[name](vars(cls)[name]))

    def __hash__(self) -> int:
        return hash((self.type, self.id))

    @property
    def lid(self) -> str | None:
        """Identity local to the document (JSON:API 1.1), of an included resource whose `id` is empty; else None."""
        return getattr(self, "_beside", _NOTHING_BESIDE).lid

    @property
    def key(self) -> Key:
        """Type, "id" or "lid", and its value: what identifies the resource in its document."""
        return (self.type, "id", self.id) if self.id else (self.type, "lid", self.lid or "")

    @property
    def links(self) -> Links:
        """The resource's own links; `links.self` answers with this resource."""
        document = getattr(self, "_document", None)
        if document is None:
            return Links()
        key = self.key
        members = document.member(key, "links")
        return Links(members, pointer=lambda: f"{document.locate(key)}/links", base=document.url)

    @property
    def meta(self) -> Mapping[str, Any]:
        """What the document says about the resource beside its attributes, such as its `mode`."""
        document = getattr(self, "_document", None)
        return document.member(self.key, "meta") if document is not None else {}

    @property
    def raw_attributes(self) -> Mapping[str, Any]:
        """Every attribute as received, by its name in the document, in its order; empty if made by hand.

        `"reference" in resource.raw_attributes` tells an attribute that is absent from one that is null. What was read
        as a date is text here.
        """
        document = getattr(self, "_document", None)
        return document.attributes(self.key) if document is not None else {}

    @property
    def extra(self) -> Mapping[str, Any]:
        """Attributes that the class does not declare, as received."""
        known = wire_names(type(self))
        return {name: value for name, value in self.raw_attributes.items() if name not in known}

    @property
    def invalid_attributes(self) -> Mapping[str, DecodeError]:
        """What is wrong with attributes that a lenient registry kept as received, by their names in the document.

        Under "" is what the class's own checks say of all of them together.
        """
        return getattr(self, "_beside", _NOTHING_BESIDE).invalid_attributes

    @property
    def raw(self) -> Mapping[str, Any]:
        """The whole resource object as received, equal as JSON and in its order; empty if made by hand."""
        document = getattr(self, "_document", None)
        return document.raw(self.key) if document is not None else {}

    @property
    def relationships(self) -> Mapping[str, Relationship]:
        """Every relationship that the document names, declared in the class or not."""
        return _Relationships(self)

    def to_dict(self) -> dict[str, Any]:
        """The resource as a resource object of plain JSON types, secrets included; see `to_dict` in this package."""
        return to_dict(self)

    def bind(self, follow: Follow) -> Self:
        """This resource, and all of its document, able to fetch through `follow` (a session); for unpickled ones.

        Raises:
            ConfigurationError: the resource was made by hand, so there is nothing to follow.
        """
        document = getattr(self, "_document", None)
        if document is None:
            raise ConfigurationError(f"{self.type}/{self.id} was made by hand: it has no relationships to follow")
        document.follow = follow
        return self

    def detached(self) -> Self:
        """This resource without its document: identity and attributes, equal to it; for keeping many.

        A resource keeps all bytes of the document that it came in, which are often more than all its values. This one
        does not, and knows as little of relationships, links, meta and unknown attributes as one made by hand.
        """
        return _made(type(self), _values(self), None, getattr(self, "_beside", None))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        values = {name: copied(value, memo) for name, value in _values(self).items()}
        return _made(type(self), values, getattr(self, "_document", None), getattr(self, "_beside", None))

    def __reduce__(self) -> tuple[Any, ...]:
        values = {name: packed(value) for name, value in _values(self).items()}
        return _revive, (type(self), values, getattr(self, "_document", None), getattr(self, "_beside", None))


_RESERVED: Final = frozenset(name for name in dir(Resource) if not name.startswith("__")) - {"id"}


@attrs.frozen(kw_only=True)
class GenericResource(Resource):
    """A resource of a type that no class was registered for, with its attributes as received."""

    type: str  # type: ignore[misc]  # pyright: ignore[reportIncompatibleVariableOverride] - the one class without one
    attributes: Mapping[str, Any] = attrs.field(factory=dict[str, Any], repr=False)

    @property
    def extra(self) -> Mapping[str, Any]:
        """Nothing: all attributes are in `attributes`."""
        return {}


class _Relationships(Mapping[str, Relationship]):
    """The relationships of one resource by member name."""

    __slots__ = ("_resource",)

    def __init__(self, resource: Resource) -> None:
        self._resource = resource

    def __getitem__(self, name: str) -> Relationship:
        members = opened(self._resource)
        declared = declared_relationships(type(self._resource)).get(name)
        if name not in members and declared is None:
            raise KeyError(name)
        return related(self._resource, name, declared.value if declared is not None else Relationship)

    def __iter__(self) -> Iterator[str]:
        members = opened(self._resource)
        return (name for name, value in members.items() if name[:1] != "@" and ":" not in name and said(value))

    def __len__(self) -> int:
        return sum(1 for _ in self)


@once_per_class
def declared_relationships(cls: Any) -> dict[str, ToOne[Any] | ToMany[Any]]:
    """The relationships that a class declares, by member name."""
    bases: tuple[type, ...] = cls.__mro__
    found: list[Any] = [value for base in reversed(bases) for value in vars(base).values()]
    return {value.member: value for value in found if isinstance(value, (ToOne, ToMany))}


def beside(resource: Resource, **facts: Any) -> None:
    """Note what only few resources have: `lid`, `invalid_attributes`."""
    known = getattr(resource, "_beside", _NOTHING_BESIDE)
    object.__setattr__(resource, "_beside", attrs.evolve(known, **facts))


def _values(resource: Resource) -> dict[str, Any]:
    values = {name: getattr(resource, name, attrs.NOTHING) for name in _names(type(resource))}
    # A field that attrs does not fill may be without a value.
    return {name: value for name, value in values.items() if value is not attrs.NOTHING}


@once_per_class
def _names(cls: Any) -> tuple[str, ...]:
    return tuple(field.name for field in attrs.fields(cls))


def _made(cls: type[R], values: dict[str, Any], document: Compound | None, facts: "_Beside | None") -> R:
    resource = object.__new__(cls)
    for name, value in values.items():
        object.__setattr__(resource, name, value)
    if facts is not None:
        object.__setattr__(resource, "_beside", facts)
    if document is not None:
        object.__setattr__(resource, "_document", document)
        object.__setattr__(resource, "_relationships", document.part(resource.key, "relationships"))
    return resource


def _revive(cls: type[R], values: dict[str, Any], document: Compound | None, facts: "_Beside | None") -> R:
    """What pickles call."""
    resource = _made(cls, {name: unpacked(value) for name, value in values.items()}, document, facts)
    if document is not None:
        document.hand_out(resource)
    return resource
