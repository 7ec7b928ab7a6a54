"""Shadow classes: mutable doubles of resource classes, which msgspec fills and which then become resources.

msgspec decodes bytes straight into attrs classes, but it wants a value for every attrs field, `id` included, and writes
through `__setattr__`, which a frozen class refuses slowly. So each resource class gets a shadow with the same bases and
slots, whose fields are the attributes alone, and which is mutable. When id, relationships and document are set,
assigning `__class__` turns the shadow into a frozen resource. That takes a fifth of the time of filling a frozen class,
and the class stays as its author wrote it.
"""

from typing import Any, Final

import attrs

from .._schema import checked_types, converter_of, member_name, once_per_class

_IDENTITY: Final = frozenset({"id"})


@once_per_class
def shadow_of(cls: Any) -> type[Any] | None:
    """Return the shadow of `cls`; None if msgspec cannot fill the class as its author meant it."""
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
                # Both, or CPython keeps its generic slot, and each assignment becomes a call into Python.
                "__setattr__": object.__setattr__,
                "__delattr__": object.__delattr__,
            },
        )
        # Prove the layouts compatible now: CPython checks them at each assignment.
        object.__new__(shadow).__class__ = cls
    except TypeError:
        # Generic bases, hooks of a base that take arguments, and whatever else keeps a class from having a double.
        return None
    return shadow


def _is_plain_attrs(cls: Any) -> bool:
    """Return True if `cls` does nothing but hold its attributes.

    msgspec runs neither converters nor validators, knows no aliases, and calls neither `__init__` nor attrs' hooks.
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
