"""Resources: the attrs classes that resource objects become."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, cast

import attrs

from ..errors import ConfigurationError
from .links import Links
from .relationship import Follow, Relationship, ToMany, ToOne, opened, related

if TYPE_CHECKING:
    from ._compound import Compound


class _Bookkeeping:
    """What a decoded resource knows beside its attributes: slots that neither attrs nor msgspec sees.

    As attrs fields they would be tested and filled with defaults for each resource, which costs as much as three
    attributes do.
    """

    __slots__ = ("__weakref__", "_document", "_relationships")

    if TYPE_CHECKING:
        _document: Compound
        _relationships: Any


@attrs.frozen(kw_only=True)
class Resource(_Bookkeeping):
    """A resource: subclass it with `@attrs.frozen(kw_only=True)`, name its `type`, list its attributes.

    Two resources are equal if class, id and attributes are; relationships do not count. Links, meta, relationships
    and unknown attributes come from the document and are read from it when asked for; a resource made by hand has
    none. Resources pickle with their document, but without their session: see `bind`.
    """

    type: ClassVar[str]
    """The JSON:API type, as it stands in documents."""
    sparse: ClassVar[bool] = False
    """True for a class that lists only some of the type's fields: these, and no others, are asked for."""

    id: str
    """Opaque; unique among the resources of its type."""

    @classmethod
    def __attrs_init_subclass__(cls) -> None:
        own = {field.name for field in attrs.fields(cls)} - {"id"}
        taken = sorted(own & _RESERVED - ({"type", "attributes"} if cls.__name__ == "GenericResource" else set()))
        if taken:
            raise ConfigurationError(
                f"{cls.__name__}.{taken[0]} would hide a member of Resource; give the attribute another name and"
                f" the wire name as its alias: attrs.field(alias={taken[0]!r})"
            )
        # attrs generates these for each class: a hash that fails on objects, and a state without the document.
        for name in ("__hash__", "__getstate__", "__setstate__"):
            if name in vars(cls) and name != "__hash__":
                delattr(cls, name)
        cls.__hash__ = Resource.__hash__  # type: ignore[method-assign]

    def __hash__(self) -> int:
        values = (getattr(self, field.name) for field in attrs.fields(type(self)))
        return hash((self.type, *map(_hashable, values)))

    @property
    def links(self) -> Links:
        """The resource's own links; `links.self` answers with this resource."""
        document = getattr(self, "_document", None)
        if document is None:
            return Links()
        members = document.member(self, "links")
        return Links(members, pointer=f"{document.locate(self)}/links", base=document.url)

    @property
    def meta(self) -> Mapping[str, Any]:
        """What the document says about the resource beside its attributes, such as its `mode`."""
        document = getattr(self, "_document", None)
        return document.member(self, "meta") if document is not None else {}

    @property
    def extra(self) -> Mapping[str, Any]:
        """Attributes that the class does not declare, as received."""
        document = getattr(self, "_document", None)
        if document is None:
            return {}
        known = {field.alias for field in attrs.fields(type(self))}
        return {name: value for name, value in document.attributes(self).items() if name not in known}

    @property
    def raw(self) -> Mapping[str, Any]:
        """The whole resource object as received, equal as JSON and in its order; empty if made by hand."""
        document = getattr(self, "_document", None)
        return document.raw(self) if document is not None else {}

    @property
    def relationships(self) -> Mapping[str, Relationship]:
        """Every relationship that the document names, declared in the class or not."""
        return _Relationships(self)

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

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        values = {field.name: copy.deepcopy(getattr(self, field.name), memo) for field in attrs.fields(type(self))}
        copied: Self = _revive(type(self), values, getattr(self, "_document", None), _raw_relationships(self))
        return copied

    def __reduce__(self) -> tuple[Any, ...]:
        values = {field.name: getattr(self, field.name) for field in attrs.fields(type(self))}
        return _revive, (type(self), values, getattr(self, "_document", None), _raw_relationships(self))


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
        return (name for name in opened(self._resource) if name[:1] != "@" and ":" not in name)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def declared_relationships(cls: type[Resource]) -> dict[str, ToOne[Any] | ToMany[Any]]:
    """The relationships that a class declares, by member name."""
    return {
        value.member: value
        for base in reversed(cls.__mro__)
        for value in vars(base).values()
        if isinstance(value, ToOne | ToMany)
    }


def _revive(cls: type[Any], values: dict[str, Any], document: "Compound | None", relationships: bytes | None) -> Any:
    resource: Any = object.__new__(cls)
    for name, value in values.items():
        object.__setattr__(resource, name, value)
    if document is not None:
        object.__setattr__(resource, "_document", document)
        object.__setattr__(resource, "_relationships", relationships)
    return resource


def _raw_relationships(resource: Resource) -> bytes | None:
    document: Compound | None = getattr(resource, "_document", None)
    return document.part(resource, "relationships") if document is not None else None


def _hashable(value: Any) -> Any:
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Any]", value)
        return frozenset((name, _hashable(entry)) for name, entry in members.items())
    if isinstance(value, list | tuple):
        return tuple(map(_hashable, cast("Sequence[Any]", value)))
    return value
