"""Marks on classes and methods: where a public name lives, and what a method overrides."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

T = TypeVar("T")

if TYPE_CHECKING:
    from typing_extensions import override as override  # noqa: PLC0414 - the checkers bring it along
elif sys.version_info >= (3, 12):
    from typing import override as override  # noqa: PLC0414 - one name for both
else:

    def override(method: T) -> T:
        """Mark a method that implements one of a base class or a protocol; its docstring stands there (PEP 698)."""
        return method


def public(home: str) -> Callable[[T], T]:
    """Let a class or function report `home` as its module: the package that users import it from.

    `repr`, tracebacks and pickles then name no private module, so a pickle survives when the code moves. It stands
    above every other decorator, because attrs makes a class anew.
    """

    def mark(thing: T) -> T:
        thing.__module__ = home
        return thing

    return mark
