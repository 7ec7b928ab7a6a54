"""The annotations of classes as types: resolved, their type variables bound, and with datetimes that have an offset."""

import dataclasses
import sys
from collections.abc import Mapping
from datetime import datetime
from types import SimpleNamespace, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    ForwardRef,
    Literal,
    NotRequired,
    Required,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import attrs
import msgspec

from .errors import ConfigurationError

_Bound = Mapping[Any, Any]
"""What each type variable stands for."""

_CHECKED: Final[Mapping[Any, Any]] = {object: Any, datetime: Annotated[datetime, msgspec.Meta(tz=True)]}


def is_union(hint: Any) -> bool:
    """Return True for `Union[…]`, `Optional[…]` and `… | …`."""
    return get_origin(hint) in (Union, UnionType)


def is_named_tuple(hint: Any) -> bool:
    """Return True for a `typing.NamedTuple`."""
    cls: Any = get_origin(hint) or hint
    return _is_class(cls) and tuple in cls.__mro__ and hasattr(cls, "_fields")


def is_value_class(hint: Any) -> bool:
    """Return True for a class whose members stand in a JSON object: of attrs, a dataclass or a typed dictionary."""
    cls: Any = get_origin(hint) or hint
    return _is_class(cls) and (attrs.has(cls) or dataclasses.is_dataclass(cls) or is_typeddict(cls))


def _is_class(form: Any) -> bool:
    return isinstance(form, type)


def types_of_fields(form: Any) -> dict[str, Any]:
    """Return the type of each field, by the field's name, as it is declared; see `checked`.

    Args:
        form: A value class, a resource class or a named tuple; or a generic one with its parameters, as `Page[int]`.

    Raises:
        ConfigurationError: an annotation is not a type, or names one that is not known at run time.
    """
    cls: Any = get_origin(form) or form
    bound = _bindings(form)
    types: dict[str, Any] = {}
    for name, annotation in _annotations(cls).items():
        owner = _owner(cls, name)
        types[name] = _bind(_resolve(cls, owner, name, annotation), bound.get(owner, {}))
    return types


def checked(hint: Any) -> Any:
    """Return the type that values are checked against: datetimes must have an offset, and `object` takes anything."""
    return _checked(hint, frozenset())


def _checked(hint: Any, aliases: frozenset[Any]) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is object or hint is datetime:
        return _CHECKED[hint]
    if type(origin or hint).__name__ == "TypeAliasType":
        return _checked_alias(origin or hint, arguments, aliases)
    if hasattr(hint, "__supertype__"):
        inner = _checked(hint.__supertype__, aliases)
        return hint if inner is hint.__supertype__ else inner
    if origin is Annotated:
        return _annotated(_checked(hint.__origin__, aliases), hint.__metadata__)
    if origin in (Required, NotRequired, Final):
        return _checked(arguments[0], aliases)
    return hint if origin is Literal else _with_arguments(hint, [_checked(one, aliases) for one in arguments])


def _checked_alias(alias: Any, arguments: tuple[Any, ...], aliases: frozenset[Any]) -> Any:
    # `type Tree = list[Tree]`: below its first level, which no check would end at, anything passes.
    bound = dict(zip(alias.__type_params__, arguments, strict=False))
    return Any if alias in aliases else _checked(_bind(alias.__value__, bound), aliases | {alias})


def _with_arguments(hint: Any, arguments: list[Any]) -> Any:
    if not arguments:
        return hint
    if is_union(hint):
        return Union[tuple(arguments)]  # noqa: UP007 - known at run time only
    origin: Any = get_origin(hint)
    try:
        return origin[tuple(arguments)]
    except TypeError:
        # `Callable`, and what else takes its arguments in a form of its own; nothing makes a value of these anyway.
        return hint


def _annotated(inner: Any, metadata: tuple[Any, ...]) -> Any:
    if get_origin(inner) is Annotated and any(getattr(one, "tz", None) is not None for one in metadata):
        # The author says whether there must be an offset.
        inner = inner.__origin__
    parts: Any = (inner, *metadata)
    return Annotated[parts]


def _annotations(cls: Any) -> dict[str, Any]:
    if attrs.has(cls):
        return {field.name: Any if field.type is None else field.type for field in attrs.fields(cls)}
    if dataclasses.is_dataclass(cls):
        return {field.name: field.type for field in dataclasses.fields(cls)}
    found: dict[str, Any] = {}
    bases: tuple[type, ...] = cls.__mro__
    for base in reversed(bases):
        found |= vars(base).get("__annotations__", {})
    return found


def _owner(cls: Any, name: str) -> Any:
    """Return the class that declares a field: its annotation is read where that class stands."""
    bases: tuple[type, ...] = cls.__mro__
    return next((base for base in bases if name in vars(base).get("__annotations__", {})), cls)


def _resolve(cls: Any, owner: Any, name: str, annotation: Any) -> Any:
    """Return an annotation as a type: names in it mean what they mean in the module of `owner`, and in its body."""
    if _is_resolved(annotation):
        return annotation
    module: Any = sys.modules.get(owner.__module__)
    try:
        reference: Any = (
            ForwardRef(annotation, is_argument=False, is_class=True) if isinstance(annotation, str) else None
        )
        annotated: Any = SimpleNamespace(__annotations__={name: reference or annotation})
        hint = get_type_hints(annotated, getattr(module, "__dict__", {}), _scope(owner), include_extras=True)[name]
    except NameError as error:
        reason = (
            f"the type {error.name!r} is not known at run time; import it outside of `if TYPE_CHECKING:`, or call"
            f" attrs.resolve_types({cls.__name__}, globals(), locals()) where it is known"
        )
    except Exception as error:  # noqa: BLE001 - an annotation may be any expression
        reason = f"its annotation cannot be evaluated ({type(error).__name__}: {error})"
    else:
        if not isinstance(hint, _NO_TYPES):
            return hint
        reason = (
            f"its annotation is not a type but {hint!r}: an attribute of that name hides the type; give the attribute"
            " another name, and the member name as its alias: attrs.field(alias=…)"
        )
    raise ConfigurationError(f"{cls.__name__}.{name}: {reason}")


_NO_TYPES: Final[tuple[Any, ...]] = (int, float, str, bytes, property, attrs.Attribute, attrs.field().__class__)
"""What an annotation gives that meets the default of the attribute, and not the type, under a name."""


def _is_resolved(annotation: Any) -> bool:
    arguments = get_args(annotation)
    if not arguments:
        return isinstance(annotation, type) or annotation is Any
    return get_origin(annotation) is Literal or all(map(_is_resolved, arguments))


def _scope(owner: Any) -> dict[str, Any]:
    """Return the names that mean a type in the body of a class: fields and methods are not meant by an annotation.

    `float: float` is a number, though the class has an attribute `float`.
    """
    fields: set[str] = set(_annotations(owner)) if attrs.has(owner) or dataclasses.is_dataclass(owner) else set()
    names = {name: value for name, value in vars(owner).items() if name not in fields and _may_be_type(value)}
    return {parameter.__name__: parameter for parameter in getattr(owner, "__type_params__", ())} | names


def _may_be_type(value: Any) -> bool:
    return isinstance(value, type) or get_origin(value) is not None or not hasattr(value, "__get__")


def _bindings(form: Any) -> dict[Any, _Bound]:
    """Return what type variables stand for in each base of a generic class: `class IntBox(Box[int])`."""
    found: dict[Any, _Bound] = {}
    pending: list[tuple[Any, _Bound]] = [(form, {})]
    while pending:
        base, outer = pending.pop()
        cls: Any = get_origin(base) or base
        if not isinstance(cls, type) or cls in found:
            continue
        parameters = getattr(cls, "__parameters__", ())
        found[cls] = dict(zip(parameters, (_bind(one, outer) for one in get_args(base)), strict=False))
        pending += [(one, found[cls]) for one in vars(cls).get("__orig_bases__", cls.__bases__)]
    return found


def _bind(hint: Any, bound: _Bound) -> Any:
    """Return a type with its type variables bound; a free one means its default, its bound or its constraints."""
    if isinstance(hint, TypeVar):
        return bound[hint] if hint in bound else _meaning(hint)
    # A generic class without its parameters has these too, but nothing to put in their place.
    parameters: Any = () if _is_class(hint) and not get_args(hint) else getattr(hint, "__parameters__", ())
    if not parameters:
        return hint
    return hint[tuple(_bind(one, bound) for one in parameters)]


def _meaning(variable: TypeVar) -> Any:
    if getattr(variable, "has_default", bool)():
        return getattr(variable, "__default__")  # noqa: B009 - Python 3.13
    if variable.__constraints__:
        return Union[variable.__constraints__]  # noqa: UP007 - as above
    return Any if variable.__bound__ is None else variable.__bound__
