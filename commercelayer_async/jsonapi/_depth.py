"""Compare, copy, pickle and show JSON values of any depth without recursion.

msgspec decodes nesting as deep as the stack allows where it is called. Code that handles the value later may run
deeper in the stack, where recursive comparing or copying fails.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import attrs

from .._markers import public

_OBJECT: Final = "{"
_ARRAY: Final = "["
_LEAF: Final = "."

_DEEP: Final = 100
"""Nesting up to here is safe for recursive copy, compare and pickle."""

Flattened = tuple[tuple[str, Any], ...]
"""A value in prefix notation: each container with its names or its length, then what it holds."""


def flatten(value: Any) -> Flattened:
    """Return `value` in prefix notation; equal values give equal tuples."""
    row: list[tuple[str, Any]] = []
    pending: list[Any] = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, Mapping):
            members = cast("Mapping[str, Any]", one)
            names = sorted(members)
            row.append((_OBJECT, tuple(names)))
            pending.extend(members[name] for name in reversed(names))
        elif isinstance(one, list | tuple):
            entries = cast("list[Any]", one)
            row.append((_ARRAY, len(entries)))
            pending.extend(reversed(entries))
        else:
            row.append((_LEAF, one))
    return tuple(row)


def depth(value: Any) -> int:
    """Return the levels of nested objects and arrays; 0 for a scalar."""
    level = 0
    inside: list[Any] = [value]
    while inside := [entry for one in inside for entry in _entries(one)]:
        level += 1
    return level + 1 if isinstance(value, Mapping | list | tuple) else 0


def unflatten(row: Flattened) -> Any:
    """Return the value that was flattened, with lists for arrays, and names in alphabetical order."""
    made: list[Any] = []
    for what, content in reversed(row):
        if what == _OBJECT:
            made.append({name: made.pop() for name in content})
        elif what == _ARRAY:
            made.append([made.pop() for _ in range(content)])
        else:
            made.append(content)
    return made[0]


def _entries(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Any]", value)
        return list(members.values())
    return list(cast("list[Any]", value)) if isinstance(value, list | tuple) else []


@public("commercelayer_async.jsonapi")
@attrs.frozen
class _DeepValue:
    """A value nested too deep for `pickle`, flattened."""

    row: Flattened


def pack_deep(value: Any) -> Any:
    """Return `value` in a form that pickles at any depth."""
    return _DeepValue(flatten(value)) if depth(value) > _DEEP else value


def unpack_deep(value: Any) -> Any:
    """Return the value that `pack_deep` was given."""
    return unflatten(value.row) if isinstance(value, _DeepValue) else value


def copy_deep(value: Any, memo: dict[int, Any]) -> Any:
    """Return a deep copy of `value`."""
    return unflatten(flatten(value)) if depth(value) > _DEEP else copy.deepcopy(value, memo)


def _equal(generated: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def __eq__(self: Any, other: object) -> Any:  # noqa: N807 - takes the place of the one that attrs made
        try:
            return generated(self, other)
        except RecursionError:
            fields = [field.name for field in attrs.fields(self.__class__) if field.eq]
            return all(flatten(getattr(self, name)) == flatten(getattr(other, name)) for name in fields)

    return __eq__


def _shown(generated: Callable[[Any], str]) -> Callable[[Any], str]:
    def __repr__(self: Any) -> str:  # noqa: N807 - takes the place of the one that attrs made
        try:
            return generated(self)
        except RecursionError:
            return f"{type(self).__name__}(id={self.id!r}, …)"

    return __repr__


WHEN_DEEP: Final[Mapping[str, Callable[[Any], Any]]] = {"__eq__": _equal, "__repr__": _shown}
"""Wrappers for methods that attrs generates: they call them, and do without recursion where those fail."""
