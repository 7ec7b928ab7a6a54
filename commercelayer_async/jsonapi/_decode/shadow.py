"""Twins: what msgspec fills in place of a resource class, and what then becomes an instance of it.

msgspec fills attrs classes straight from bytes, but it knows every attrs field and writes through `__setattr__`. So
each resource class gets a twin with the same base and the same slots, whose fields are the attributes alone and which
may be written to. When the identity has been added, assigning `__class__` makes the filled twin a frozen resource; that
costs a fifth of what filling a frozen class costs, and leaves the class as its author wrote it.
"""

from typing import Any, Final

import attrs

from .._schema import checked_types, converter_of, member_name, once_per_class

_IDENTITY: Final = frozenset({"id"})


@once_per_class
def shadow_of(cls: Any) -> type[Any] | None:
    """The writable class that msgspec fills for `cls`; None if that would not be what its author meant."""
    if not _is_plain_attrs(cls):
        return None
    try:
        shadow: type[Any] = type(cls)(
            cls.__name__,
            cls.__bases__,
            {
                "__slots__": vars(cls)["__slots__"],
                "__module__": cls.__module__,
                "__attrs_attrs__": tuple(field for field in attrs.fields(cls) if field.name not in _IDENTITY),
                "__annotations__": {name: hint for name, hint in checked_types(cls).items() if name not in _IDENTITY},
                # Both, or the slot stays generic and each write is a call into Python.
                "__setattr__": object.__setattr__,
                "__delattr__": object.__delattr__,
            },
        )
        object.__new__(shadow).__class__ = cls
    except TypeError:
        # Generic bases, hooks of a base that want arguments: whatever keeps a class from having a double.
        return None
    return shadow


def _is_plain_attrs(cls: Any) -> bool:
    """Whether `cls` is no more than its slots.

    msgspec runs no converters or validators, knows no other names, and calls neither `__init__` nor attrs' hooks.
    """
    hooks = ("__attrs_pre_init__", "__attrs_post_init__", "__attrs_init__")
    return (
        "__slots__" in vars(cls)
        and cls.__new__ is object.__new__
        and not any(hasattr(cls, hook) for hook in hooks)
        and all(map(_is_plain_field, attrs.fields(cls)))
    )


def _is_plain_field(field: "attrs.Attribute[Any]") -> bool:
    default: Any = field.default
    return (
        field.init
        and converter_of(field) is None
        and field.validator is None
        and member_name(field) == field.name
        and not getattr(default, "takes_self", False)
    )
