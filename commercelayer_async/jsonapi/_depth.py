"""JSON values of any depth, handled without recursion.

msgspec reads nesting as deep as the interpreter's stack allows from where it is called. Whoever handles the value
later may stand deeper in the stack, where comparing or copying it the plain way fails. These ways do not.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import attrs

_OBJECT: Final = "{"
_ARRAY: Final = "["
_LEAF: Final = "."

_DEEP: Final = 100
"""Levels that every way of handling a value can take."""

Flattened = tuple[tuple[str, Any], ...]
"""A value in one row: what opens, with its size, then what is inside; the names of an object with it."""


def flatten(value: Any) -> Flattened:
    """`value` in one row; equal rows are equal values."""
    row: list[tuple[str, Any]] = []
    waiting: list[Any] = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            members = cast("Mapping[str, Any]", one)
            names = sorted(members)
            row.append((_OBJECT, tuple(names)))
            waiting.extend(members[name] for name in reversed(names))
        elif isinstance(one, list | tuple):
            entries = cast("list[Any]", one)
            row.append((_ARRAY, len(entries)))
            waiting.extend(reversed(entries))
        else:
            row.append((_LEAF, one))
    return tuple(row)


def depth(value: Any) -> int:
    """How many objects and arrays stand one in another; 0 for a scalar."""
    level = 0
    inside: list[Any] = [value]
    while inside := [entry for one in inside for entry in _entries(one)]:
        level += 1
    return level + 1 if isinstance(value, Mapping | list | tuple) else 0


def unflatten(row: Flattened) -> Any:
    """The value that `flat` put in one row, with lists for arrays; names in order of the alphabet."""
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


@attrs.frozen
class _DeepValue:
    """A value nested too deep to be pickled as it is."""

    row: Flattened


def pack_deep(value: Any) -> Any:
    """`value` in a form that pickles; see `unpacked`."""
    return _DeepValue(flatten(value)) if depth(value) > _DEEP else value


def unpack_deep(value: Any) -> Any:
    """What `packed` was given."""
    return unflatten(value.row) if isinstance(value, _DeepValue) else value


def copy_deep(value: Any, memo: dict[int, Any]) -> Any:
    """A deep copy of `value`."""
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
"""What stands in for methods that attrs makes, and calls them."""
