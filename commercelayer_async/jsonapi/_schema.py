"""The fields of resource classes: their member names, and the types that values are checked against."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from types import UnionType
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import attrs
import msgspec

from .._markers import public
from .._plain import plain_text
from .errors import ConfigurationError

_MEMBER: Final = "commercelayer_async.jsonapi.member"
_UTC_AWARE: Final = Annotated[datetime, msgspec.Meta(tz=True)]

T = TypeVar("T")


def once_per_class(make: Callable[[Any], T]) -> Callable[[Any], T]:
    """Cache the results of a function of a class: `functools.cache`, typed so that mypy takes any class object.

    mypy refuses classes whose instances are not hashable, though the class itself is the key.
    """
    return cache(make)


@public("commercelayer_async.jsonapi")
def member(name: str) -> Mapping[str, str]:
    """Give a field its member name, where that is not a Python name.

    `first_name: str | None = attrs.field(default=None, metadata=member("first-name"))`. For one that is a Python name,
    `attrs.field(alias="…")` does the same.
    """
    return {_MEMBER: plain_text(name) or ""}


def converter_of(field: "attrs.Attribute[Any]") -> Any:
    """Return the converter of a field: None, a function, or an `attrs.Converter`, which takes more than the value."""
    found: Any = getattr(field, "converter")  # noqa: B009 - attrs types it without `attrs.Converter`
    return found


def member_name(field: "attrs.Attribute[Any]") -> str:
    """Return the member name of a field."""
    name: str = field.metadata.get(_MEMBER) or field.alias or field.name
    return name


@once_per_class
def member_names(cls: Any) -> Mapping[str, str]:
    """Return the field name for each member name of the attributes of a class."""
    return {member_name(field): field.name for field in attrs.fields(cls) if field.name != "id" and field.init}


@once_per_class
def checked_types(cls: Any) -> dict[str, Any]:
    """Return the type that each field's values are checked against: datetimes must have an offset from UTC.

    Raises:
        ConfigurationError: an annotation names a type that is not imported at run time.
    """
    try:
        hints = get_type_hints(cls, include_extras=True)
    except NameError as error:
        failure = ConfigurationError(
            f"{cls.__name__}: the type {error.name!r} of an attribute is not known at run time; import it outside of"
            " `if TYPE_CHECKING:`"
        )
    else:
        return {field.name: _aware(hints.get(field.name, field.type or Any)) for field in attrs.fields(cls)}
    raise failure


def _aware(hint: Any) -> Any:
    if hint is datetime:
        return _UTC_AWARE
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return Union[tuple(map(_aware, arguments))]  # noqa: UP007 - the parts are known at run time only
    if arguments and origin not in (Annotated, Literal):
        return origin[tuple(map(_aware, arguments))]
    return hint
