"""Twins: what msgspec fills in place of a resource class, and what then becomes an instance of it.

msgspec fills attrs classes straight from bytes, but it knows every attrs field and writes through `__setattr__`. So
each resource class gets a twin with the same base and the same slots, whose fields are the attributes alone and which
may be written to. When the identity has been added, assigning `__class__` makes the filled twin a frozen resource; that
costs a fifth of what filling a frozen class costs, and leaves the class as its author wrote it.
"""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from types import UnionType
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

import attrs
import msgspec

_IDENTITY: Final = frozenset({"id"})
_UTC_AWARE: Final = Annotated[datetime, msgspec.Meta(tz=True)]

T = TypeVar("T")


def once_per_class(make: Callable[[Any], T]) -> Callable[[Any], T]:
    """`functools.cache`, typed so that class objects may be asked with; mypy holds their instances' hash against them."""
    return cache(make)


@once_per_class
def twin_of(cls: Any) -> type[Any]:
    """The writable class that msgspec fills for `cls`."""
    twin: type[Any] = type(cls)(
        cls.__name__,
        cls.__bases__,
        {
            "__slots__": cls.__slots__,
            "__module__": cls.__module__,
            "__attrs_attrs__": tuple(field for field in attrs.fields(cls) if field.name not in _IDENTITY),
            "__annotations__": {name: hint for name, hint in wire_types(cls).items() if name not in _IDENTITY},
            # Both, or the slot stays generic and each write is a call into Python.
            "__setattr__": object.__setattr__,
            "__delattr__": object.__delattr__,
        },
    )
    return twin


@once_per_class
def wire_types(cls: Any) -> dict[str, Any]:
    """The type of each field as it is checked: datetimes must know their offset from UTC."""
    hints = get_type_hints(cls, include_extras=True)
    return {field.name: _aware(hints[field.name]) for field in attrs.fields(cls)}


@once_per_class
def fillable(cls: Any) -> bool:
    """Whether msgspec can fill the class: it runs no converters, knows no aliases, and calls no hooks of attrs."""
    return not hasattr(cls, "__attrs_post_init__") and all(
        field.init and field.converter is None and field.validator is None and field.alias == field.name
        for field in attrs.fields(cls)
    )


def _aware(hint: Any) -> Any:
    if hint is datetime:
        return _UTC_AWARE
    if get_origin(hint) in (Union, UnionType):
        return Union[tuple(map(_aware, get_args(hint)))]  # noqa: UP007 - the parts are known at run time only
    return hint
