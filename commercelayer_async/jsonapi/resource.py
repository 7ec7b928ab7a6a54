"""Resources: the base of the attrs classes that resource objects are decoded into."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final, Self, TypeVar

import attrs

from .._markers import public
from .._plain import plain_text
from ._bookkeeping import Bookkeeping, Shadow
from ._compound import Compound, Key
from ._depth import WHEN_DEEP, copy_deep, pack_deep, unpack_deep
from ._dump import to_dict
from ._members import get_relationship, is_in_document, relationship_members
from ._schema import member_name, member_names, once_per_class
from .declaration import ToMany, ToOne
from .errors import ConfigurationError, DecodeError
from .follow import Follow
from .links import Links, links_from_json
from .relationship import GenericRelationship, Relationship

R = TypeVar("R", bound="Resource")


@public("commercelayer_async.jsonapi")
@attrs.frozen
class _RareFields:
    """What few resources have: one slot for all of it keeps the others small."""

    lid: str | None = None
    invalid_attributes: Mapping[str, DecodeError] = attrs.field(factory=dict[str, DecodeError])


_NO_RARE_FIELDS: Final = _RareFields()


def _declared_in(cls: type) -> dict[str, Any]:
    return {name: value for name, value in vars(cls).items() if isinstance(value, (ToOne, ToMany))}


def _is_generated(cls: type, name: str) -> bool:
    """True if attrs wrote a method of this very class, which it compiles under a name of its own.

    `attrs.inspect` says the same, but releases before 25.4 have none.
    """
    code = getattr(vars(cls).get(name), "__code__", None)
    return code is not None and code.co_filename.startswith("<attrs generated")


@public("commercelayer_async.jsonapi")
@attrs.frozen(kw_only=True)
class Resource(Bookkeeping):
    """A resource: subclass it with `@attrs.frozen(kw_only=True)`, name its `type`, list its attributes.

    Two resources are equal if class, id and attributes are, unless the class has an `__eq__` of its own; relationships
    do not count. Links, meta, relationships and unknown attributes are read from the document on access; a resource
    made by hand has none. Where a member name is not a Python name, `alias` or `member` gives it. Resources pickle with
    their document, but without their session: see `bind`.
    """

    type: ClassVar[str]
    """The JSON:API type."""
    sparse: ClassVar[bool] = False
    """True for a class that declares some of the type's fields: only these are requested (a sparse fieldset)."""

    id: str
    """Opaque; unique among the resources of its type. Empty only if the resource has a `lid` instead."""

    @classmethod
    def __subclasses__(cls) -> list[Any]:
        """Return the direct subclasses, without the doubles that decoding makes."""
        return [one for one in type.__subclasses__(cls) if Shadow not in one.__mro__]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # attrs drops whatever else has the name of an inherited attribute, so this must be seen before.
        inherited = {field.name for field in getattr(cls, "__attrs_attrs__", ())}
        for name, declared in _declared_in(cls).items():
            if name in inherited:
                raise _hidden(cls, name, declared.member, type(declared).__name__)

    @classmethod
    def __attrs_init_subclass__(cls) -> None:
        _require_own_names(cls)
        given = getattr(cls, "type", None)
        if (text := plain_text(given)) is not None and text is not given:
            # An enum member, say, which would write itself in its own way.
            cls.type = text
        # attrs generates a hash over all attributes: it would fail on those that are objects. One's own stays.
        if _is_generated(cls, "__hash__"):
            inherited: Any = super(cls, cls).__hash__
            cls.__hash__ = Resource.__hash__ if inherited is None else inherited  # type: ignore[method-assign] # attrs has put another one there
        for name in ("__eq__", "__repr__"):
            if _is_generated(cls, name):
                setattr(cls, name, WHEN_DEEP[name](vars(cls)[name]))

    def __hash__(self) -> int:
        return hash((self.type, self.id))

    @property
    def lid(self) -> str | None:
        """The local id (JSON:API 1.1) of an included resource without `id`; else None."""
        return getattr(self, "_rare_fields", _NO_RARE_FIELDS).lid

    @property
    def key(self) -> Key:
        """Type, "id" or "lid", and the value of that: the identity of the resource in its document."""
        return (self.type, "id", self.id) if self.id else (self.type, "lid", self.lid or "")

    @property
    def links(self) -> Links:
        """The resource's own links; `links.self` is its URL."""
        document = getattr(self, "_document", None)
        if document is None:
            return Links()
        key = self.key
        members = document.member(key, "links")
        return links_from_json(members, pointer=lambda: f"{document.locate(key)}/links", base=document.url)

    @property
    def meta(self) -> Mapping[str, Any]:
        """The `meta` of the resource object, such as the `mode`; empty if there is none."""
        document = getattr(self, "_document", None)
        return document.member(self.key, "meta") if document is not None else {}

    @property
    def raw_attributes(self) -> Mapping[str, Any]:
        """All attributes as received, by member name, in the document's order; empty if made by hand.

        `"reference" in resource.raw_attributes` tells an absent attribute from one that is null. Dates are strings
        here.
        """
        document = getattr(self, "_document", None)
        return document.attributes(self.key) if document is not None else {}

    @property
    def extra(self) -> Mapping[str, Any]:
        """Attributes that the class does not declare, as received."""
        known = member_names(type(self))
        return {name: value for name, value in self.raw_attributes.items() if name not in known}

    @property
    def invalid_attributes(self) -> Mapping[str, DecodeError]:
        """The errors of attributes that a lenient registry kept as received, by member name.

        Under "" is the error of the class's own checks, if it is about more than one attribute.
        """
        return getattr(self, "_rare_fields", _NO_RARE_FIELDS).invalid_attributes

    @property
    def raw(self) -> Mapping[str, Any]:
        """The whole resource object as received: equal as JSON, in the same order; empty if made by hand."""
        document = getattr(self, "_document", None)
        return document.raw(self.key) if document is not None else {}

    @property
    def relationships(self) -> Mapping[str, Relationship]:
        """The relationships in the document by member name, declared in the class or not."""
        return _Relationships(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the resource as a resource object of plain JSON types, secrets included.

        Attributes stand under their member names, in the document's order, those that the class does not declare as
        received, and those that the document lacks left out. Objects inside attributes have all members that their
        class declares, and the others as received; only the former where entries of a list were moved or removed, so
        that nothing tells whose the others are. Datetimes are ISO 8601 strings, decimals strings of all their digits.
        Relationships are there as far as the document gives linkage.

        Raises:
            DecodeError: a value is nested deeper than can be written, or cattrs has no hook for its type.
        """
        return to_dict(self)

    def bind(self, follow: Follow) -> Self:
        """Let all resources of this one's document fetch through `follow` (a session), and return this one.

        Unpickled resources need it.

        Raises:
            ConfigurationError: the resource was made by hand, so there is nothing to follow.
        """
        document = getattr(self, "_document", None)
        if document is None:
            raise ConfigurationError(f"{self.type}/{self.id} was made by hand: it has no relationships to follow")
        document.follow = follow
        return self

    def detached(self) -> Self:
        """Return an equal resource without the document: identity and attributes alone; for keeping many.

        A resource keeps all bytes of its document, which are often more than its values. The detached one does not. As
        one made by hand, it has no relationships, links, meta or unknown attributes.
        """
        return _build(type(self), _field_values(self), None, getattr(self, "_rare_fields", None))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        values = {name: copy_deep(value, memo) for name, value in _field_values(self).items()}
        return _build(type(self), values, getattr(self, "_document", None), getattr(self, "_rare_fields", None))

    def __reduce__(self) -> tuple[Any, ...]:
        values = {name: pack_deep(value) for name, value in _field_values(self).items()}
        return _restore_resource, (
            type(self),
            values,
            getattr(self, "_document", None),
            getattr(self, "_rare_fields", None),
        )


_RESERVED: Final = frozenset({"type", *dir(Resource)})
"""What every resource has: neither an attribute nor a relationship may hide it."""


def _require_own_names(cls: type[Resource]) -> None:
    """Refuse a class whose attributes or relationships would hide a member of every resource, or one another.

    Raises:
        ConfigurationError: the error says what to write.
    """
    if (cls.__module__, cls.__name__) == (__name__, "GenericResource"):
        return
    attributes = {field.name: member_name(field) for field in attrs.fields(cls) if field.name != "id"}
    relationships = _declarations(cls)
    for name in sorted(attributes.keys() & _RESERVED):
        classvar = ', or type: ClassVar[str] = "…" if the JSON:API type is meant' if name == "type" else ""
        raise ConfigurationError(
            f"{cls.__name__}.{name} would hide a member of Resource; give the attribute another name and"
            f" the member name as its alias: attrs.field(alias={attributes[name]!r}){classvar}"
        )
    for name in sorted(relationships.keys() & _RESERVED):
        raise _hidden(cls, name, relationships[name].member, type(relationships[name]).__name__)
    members = [(name, declared.member) for name, declared in relationships.items()]
    _require_distinct_members(cls, [*attributes.items(), *members])


def _hidden(cls: type, name: str, member: str, kind: str) -> ConfigurationError:
    what = "a member of Resource" if name in _RESERVED else "an attribute of a base"
    return ConfigurationError(
        f"{cls.__name__}.{name} would hide {what}; give the relationship another name and the member name as its"
        f' argument: {name}_ = {kind}["…"]({member!r})'
    )


def _require_distinct_members(cls: type[Resource], fields: list[tuple[str, str]]) -> None:
    by_member: dict[str, str] = {}
    for name, member in fields:
        other = by_member.setdefault(member, name)
        if other != name:
            raise ConfigurationError(
                f"{cls.__name__}.{other} and {cls.__name__}.{name} have one member name, {member!r}, but attributes and"
                ' relationships share a namespace (JSON:API 1.1, "Fields"); give one of them another member name'
            )


@public("commercelayer_async.jsonapi")
@attrs.frozen(kw_only=True)
class GenericResource(Resource):
    """A resource of a type without a registered class, with its attributes as received."""

    type: str  # type: ignore[misc]  # pyright: ignore[reportIncompatibleVariableOverride] - the one class without one
    attributes: Mapping[str, Any] = attrs.field(factory=dict[str, Any], repr=False)

    @property
    def extra(self) -> Mapping[str, Any]:
        """Empty: all attributes are in `attributes`."""
        return {}


class _Relationships(Mapping[str, Relationship]):
    """The relationships of one resource by member name."""

    __slots__ = ("_resource",)

    def __init__(self, resource: Resource) -> None:
        self._resource = resource

    def __getitem__(self, name: str) -> Relationship:
        members = relationship_members(self._resource)
        declared = declared_relationships(type(self._resource)).get(name)
        if name not in members and declared is None:
            raise KeyError(name)
        cls = declared.value if declared is not None else GenericRelationship
        found: Relationship = get_relationship(self._resource, name, cls)
        return found

    def __contains__(self, name: object) -> bool:
        return name in relationship_members(self._resource) and name in list(self)

    def __iter__(self) -> Iterator[str]:
        # All at once: whoever iterates may read relationships meanwhile, which adds those that the document lacks.
        members = relationship_members(self._resource).items()
        return iter([name for name, value in members if _is_own(name) and is_in_document(value)])

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _is_own(name: str) -> bool:
    """True if it is no @-member and none of an extension."""
    return name[:1] != "@" and ":" not in name


@once_per_class
def declared_relationships(cls: Any) -> dict[str, ToOne[Any] | ToMany[Any]]:
    """Return the relationships that a class declares, by member name; inherited ones first."""
    return {declared.member: declared for declared in _declarations(cls).values()}


def _declarations(cls: type) -> dict[str, ToOne[Any] | ToMany[Any]]:
    """Return the relationships of a class by Python name; a subclass may have put something else in one's place."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        found = {name: value for name, value in found.items() if name not in vars(base)} | _declared_in(base)
    return found


def set_extras(resource: Resource, **facts: Any) -> None:
    """Set what few resources have: `lid`, `invalid_attributes`."""
    known = getattr(resource, "_rare_fields", _NO_RARE_FIELDS)
    object.__setattr__(resource, "_rare_fields", attrs.evolve(known, **facts))


def _field_values(resource: Resource) -> dict[str, Any]:
    values = {name: getattr(resource, name, attrs.NOTHING) for name in _field_names(type(resource))}
    # A field with `init=False` may have no value.
    return {name: value for name, value in values.items() if value is not attrs.NOTHING}


@once_per_class
def _field_names(cls: Any) -> tuple[str, ...]:
    return tuple(field.name for field in attrs.fields(cls))


def _build(cls: type[R], values: dict[str, Any], document: Compound | None, facts: "_RareFields | None") -> R:
    resource = object.__new__(cls)
    for name, value in values.items():
        object.__setattr__(resource, name, value)
    if facts is not None:
        object.__setattr__(resource, "_rare_fields", facts)
    if document is not None:
        object.__setattr__(resource, "_document", document)
        object.__setattr__(resource, "_relationships", document.member_bytes(resource.key, "relationships"))
    return resource


@public("commercelayer_async.jsonapi")
def _restore_resource(
    cls: type[R], values: dict[str, Any], document: Compound | None, facts: "_RareFields | None"
) -> R:
    """Make the resource of a pickle."""
    resource = _build(cls, {name: unpack_deep(value) for name, value in values.items()}, document, facts)
    if document is not None:
        document.track(resource)
    return resource
