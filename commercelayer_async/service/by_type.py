"""Choices that a service makes for all its types, or by type: a value, a table, or a function."""

import re
from collections.abc import Callable, Iterable, Mapping
from types import EllipsisType
from typing import Any, Final, TypeAlias, TypeVar, cast

from .._text import printable
from ..errors import ConfigurationError

T = TypeVar("T")

ByType: TypeAlias = T | Mapping[str | EllipsisType, T]
"""A value for every type, or a table by type, in which `...` stands for the types that it does not name."""

PathRule: TypeAlias = Callable[[str], str | None] | Mapping[str, str | None]
"""Where resources of a type are, below the root: a function or a table; None for a type that has no such place.

A type that a table does not name is found under its own name.
"""

_SEGMENTS: Final = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@-]+(/[A-Za-z0-9._~!$&'()*+,;=:@-]+)*")


def of_type(choice: Any, type: str | None) -> Any:
    """The choice for a type: a table's entry for it, else the one for all others, else None; a plain value as it is."""
    if not isinstance(choice, Mapping):
        return choice
    table = cast("Mapping[object, object]", choice)
    return table[type] if type in table else table.get(...)


def values_of(choice: Any) -> tuple[Any, ...]:
    """Every value that a choice may give."""
    return tuple(cast("Mapping[object, object]", choice).values()) if isinstance(choice, Mapping) else (choice,)


def types_named_by(rule: PathRule) -> Iterable[str]:
    """The types of which a rule says something by name."""
    return tuple(cast("Mapping[str, object]", rule)) if isinstance(rule, Mapping) else ()


def path_by(rule: PathRule | None, type: str) -> str | None:
    """The path of a type by a rule, without slashes around it; None where the rule says that there is none.

    Raises:
        ConfigurationError: the rule raised, or gave what is not a path.
    """
    if rule is None:
        return type
    if isinstance(rule, Mapping):
        table = cast("Mapping[str, object]", rule)
        found: object = table.get(type, type)
    else:
        try:
            found = rule(type)
        except Exception as error:
            raise ConfigurationError(
                f"the service's path of {printable(type, 60)!r} cannot be had: its function raised"
                f" {error.__class__.__name__}"
            ) from error
    if found is None:
        return None
    path = found.strip("/") if isinstance(found, str) else ""
    if not _SEGMENTS.fullmatch(path) or {".", ".."} & set(path.split("/")):
        raise ConfigurationError(
            f"the service's path of {printable(type, 60)!r} is not a path such as 'orders' or 'v2/orders'"
        )
    return path


def plural(type: str) -> str:
    """The plural of a type by the common rules: `profile` → `profiles`, `category` → `categories`, `box` → `boxes`."""
    if re.search(r"[^aeiou]y$", type):
        return f"{type[:-1]}ies"
    return f"{type}es" if re.search(r"(s|x|z|ch|sh)$", type) else f"{type}s"


def dashed(type: str) -> str:
    """The type with hyphens for underscores: `order_items` → `order-items`."""
    return type.replace("_", "-")
