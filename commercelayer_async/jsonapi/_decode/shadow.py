"""Shadow classes: mutable doubles of resource classes, which msgspec fills and which then become resources.

msgspec decodes bytes straight into attrs classes, but it wants a value for every attrs field, `id` included, and writes
through `__setattr__`, which a frozen class refuses slowly. So each resource class gets a shadow with the same bases and
slots, whose fields are the attributes alone, and which is mutable. When id, relationships and document are set,
assigning `__class__` turns the shadow into a frozen resource. That takes a fifth of the time of filling a frozen class,
and the class stays as its author wrote it.
"""

import dataclasses
from typing import Any, ClassVar, Final, get_args, get_origin, get_type_hints

import attrs

from .._annotations import checked, is_named_tuple, is_value_class, types_of_fields
from .._bookkeeping import Shadow
from .._schema import checked_types, converter_of, member_name, once_per_class

_IDENTITY: Final = frozenset({"id"})
_SCALARS: Final = frozenset({str, int, float, bool, type(None)})


@once_per_class
def shadow_of(cls: Any) -> type[Any] | None:
    """Return the shadow of `cls`; None if msgspec cannot fill the class as its author meant it."""
    if not _is_plain_attrs(cls):
        return None
    try:
        # `type.__new__` and `Shadow` keep the side effects of a class to the class itself: its metaclass and the hooks
        # of its bases, which may register what they are shown, see no shadow.
        shadow: Any = type.__new__(
            cls.__class__,
            cls.__name__,
            (Shadow, *cls.__bases__),
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
        # Bases whose slots are laid out in their own way, and whatever else keeps a class from having a double.
        return None
    found: type[Any] = shadow
    return found


def _is_plain_attrs(cls: Any) -> bool:
    """Return True if `cls` does nothing but hold its attributes.

    msgspec runs neither converters nor validators, knows no aliases, and calls neither `__init__` nor attrs' hooks.
    """
    types = checked_types(cls)
    return (
        "__slots__" in vars(cls)
        and _is_plain_class(cls)
        and all(map(_is_plain_field, attrs.fields(cls)))
        and all(_is_filled_by_msgspec(hint, frozenset()) for hint in types.values())
    )


def _is_plain_class(cls: Any) -> bool:
    hooks = ("__attrs_pre_init__", "__attrs_post_init__", "__attrs_init__", "__post_init__")
    return cls.__new__ is object.__new__ and not any(hasattr(cls, hook) for hook in hooks)


def _is_plain_field(field: "attrs.Attribute[Any]") -> bool:
    default: Any = field.default
    return (
        field.init
        and converter_of(field) is None
        and field.validator is None
        and member_name(field) == field.name
        and not getattr(default, "takes_self", False)
    )


def _is_filled_by_msgspec(hint: Any, above: frozenset[Any]) -> bool:
    """Return True if msgspec fills the value classes in a type as their authors meant it; `above` hold this one."""
    if isinstance(hint, type) and hint in _SCALARS:
        return True
    if not is_value_class(hint) and not is_named_tuple(hint):
        return all(_is_filled_by_msgspec(one, above) for one in get_args(hint))
    if hint in above:
        return True
    if get_origin(hint) is not None or not _is_plain_value_class(hint):
        return False
    types = {name: checked(declared) for name, declared in types_of_fields(hint).items()}
    # msgspec reads the annotations of the class itself: they must say the same, offsets of datetimes among it.
    return types == _own_hints(hint) and all(_is_filled_by_msgspec(one, above | {hint}) for one in types.values())


def _is_plain_value_class(cls: Any) -> bool:
    if attrs.has(cls):
        return _is_plain_class(cls) and all(map(_is_plain_field, attrs.fields(cls)))
    if dataclasses.is_dataclass(cls):
        fields = dataclasses.fields(cls)
        return _is_plain_class(cls) and all(field.init and member_name(field) == field.name for field in fields)
    # From a typed dictionary msgspec leaves out what is not declared.
    return is_named_tuple(cls)


def _own_hints(cls: Any) -> dict[str, Any]:
    try:
        hints = get_type_hints(cls, include_extras=True)
    except Exception:  # noqa: BLE001 - an annotation may be any expression
        return {}
    return {name: hint for name, hint in hints.items() if get_origin(hint) is not ClassVar and hint is not ClassVar}
