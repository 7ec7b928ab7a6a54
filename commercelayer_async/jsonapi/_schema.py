"""The fields of resource classes, and of the classes inside their attributes: member names, types, converters."""

import dataclasses
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Final, TypeVar, get_origin, is_typeddict
from weakref import ref

import attrs

from .._markers import public
from .._plain import plain_text
from ._annotations import checked, types_of_fields

_MEMBER: Final = "commercelayer_async.jsonapi.member"

T = TypeVar("T")


def once_per_class(make: Callable[[Any], T]) -> Callable[[Any], T]:
    """Cache the results of a function of a class, as long as there is the class; they must not hold it themselves."""
    # As a WeakKeyDictionary, without its calls: this is asked for each resource that is written or detached.
    known: dict[ref[Any], T] = {}

    def forget(dropped: "ref[Any]") -> None:
        known.pop(dropped, None)

    @wraps(make)
    def cached(cls: Any) -> T:
        try:
            return known[ref(cls)]
        except KeyError:
            found = known[ref(cls, forget)] = make(cls)
            return found

    return cached


@public("commercelayer_async.jsonapi")
def member(name: str) -> Mapping[str, str]:
    """Give a field its member name, where that is not a Python name.

    `first_name: str | None = attrs.field(default=None, metadata=member("first-name"))`. For one that is a Python name,
    `attrs.field(alias="…")` does the same. Both hold for the fields of an attrs class inside an attribute too; a
    dataclass has no aliases, and takes the metadata.
    """
    return {_MEMBER: plain_text(name) or ""}


@attrs.frozen
class Field:
    """One field that a document may fill."""

    name: str
    argument: str
    """Its name in `__init__`."""
    member: str
    """Its name in documents."""
    declared: Any
    """Its type as declared, which a converter of the caller's is given."""
    required: bool
    converter: Any = None
    """None, a function, or an `attrs.Converter`, which takes more than the value."""
    secret: bool = False
    """True if `repr` hides it: errors do not quote its value."""
    source: "attrs.Attribute[Any] | None" = None
    """The attribute of attrs; None for a class of another kind."""

    @property
    def hint(self) -> Any:
        """The type that its values are checked against."""
        return checked(self.declared)


def converter_of(field: "attrs.Attribute[Any]") -> Any:
    """Return the converter of a field: None, a function, or an `attrs.Converter`, which takes more than the value."""
    found: Any = getattr(field, "converter")  # noqa: B009 - attrs types it without `attrs.Converter`
    return found


def member_name(field: Any) -> str:
    """Return the member name of a field of attrs or of a dataclass."""
    name: str = field.metadata.get(_MEMBER) or getattr(field, "alias", None) or field.name
    return name


def fields_of(form: Any) -> tuple[Field, ...]:
    """Return the fields of a class that a document may fill, in their order; `id` is one of them.

    Args:
        form: A resource class, or a value class (see `_annotations`), which may be a generic one with its parameters.

    Raises:
        ConfigurationError: an annotation is not a type, or names one that is not known at run time.
    """
    cls: Any = get_origin(form) or form
    if attrs.has(cls):
        return tuple(field for field in all_fields_of(form) if field.source is not None and field.source.init)
    types = types_of_fields(form)
    if is_typeddict(cls):
        return tuple(Field(name, name, name, hint, name in cls.__required_keys__) for name, hint in types.items())
    return tuple(_of_dataclass(field, types[field.name]) for field in dataclasses.fields(cls) if field.init)


def all_fields_of(form: Any) -> tuple[Field, ...]:
    """Return the fields of an attrs class, those that `__init__` does not take too; see `fields_of`."""
    types = types_of_fields(form)
    return tuple(_of_attrs(field, types[field.name]) for field in attrs.fields(get_origin(form) or form))


def _of_attrs(field: "attrs.Attribute[Any]", hint: Any) -> Field:
    return Field(
        name=field.name,
        argument=field.alias or field.name,
        member=member_name(field),
        declared=hint,
        required=field.default is attrs.NOTHING,
        converter=converter_of(field),
        secret=field.repr is False,
        source=field,
    )


def _of_dataclass(field: "dataclasses.Field[Any]", hint: Any) -> Field:
    required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    return Field(field.name, field.name, member_name(field), hint, required, secret=not field.repr)


@once_per_class
def value_members(cls: Any) -> Mapping[str, str] | None:
    """Return the field name for each member name of an attrs class or dataclass; None for any other class."""
    if attrs.has(cls):
        return {member_name(field): field.name for field in attrs.fields(cls) if field.init}
    if dataclasses.is_dataclass(cls):
        return {member_name(field): field.name for field in dataclasses.fields(cls) if field.init}
    return None


@once_per_class
def kept_members(cls: Any) -> Mapping[str, str]:
    """Return those of `value_members` that no converter changes."""
    converted = {field.name for field in attrs.fields(cls) if converter_of(field) is not None} if attrs.has(cls) else ()
    return {name: field for name, field in (value_members(cls) or {}).items() if field not in converted}


@once_per_class
def member_names(cls: Any) -> Mapping[str, str]:
    """Return the field name for each member name of the attributes of a resource class."""
    return {name: field for name, field in (value_members(cls) or {}).items() if field != "id"}


@once_per_class
def checked_types(cls: Any) -> dict[str, Any]:
    """Return the type that the values of each field of a resource class are checked against, by the field's name.

    Raises:
        ConfigurationError: an annotation is not a type, or names one that is not known at run time.
    """
    return {name: checked(hint) for name, hint in types_of_fields(cls).items()}
