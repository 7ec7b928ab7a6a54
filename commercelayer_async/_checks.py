"""Checks of a caller's arguments that several rooms make: each gives the plain value, or refuses with what would do."""

from typing import Any

from ._plain import plain
from ._text import describe
from .errors import ConfigurationError


def require_number(name: str, value: object, *, none: bool = False) -> Any:
    """Return a finite number above 0 as a plain one; None too, where that is allowed.

    Raises:
        ConfigurationError: it is something else; the option is named.
    """
    number = plain(value)
    if none and number is None:
        return None
    if type(number) not in (int, float) or not 0 < number < float("inf"):
        raise ConfigurationError(f"{name} must be a number above 0{' or None' if none else ''}, not {_shown(number)}")
    return number


def require_whole_number(name: str, value: object, least: int, most: int) -> int:
    """Return a whole number from `least` to `most` as a plain one.

    Raises:
        ConfigurationError: it is something else; the option is named.
    """
    number = plain(value)
    if type(number) is not int or not least <= number <= most:
        raise ConfigurationError(f"{name} must be a whole number from {least} to {most}, not {_shown(number)}")
    return number


def require_instance(name: str, value: object, cls: type, wanted: str) -> None:
    """Refuse what is not an instance of `cls`; `wanted` shows one, such as "Retry(...)".

    Raises:
        ConfigurationError: naming the option.
    """
    if not isinstance(value, cls):
        raise ConfigurationError(f"{name} must be {wanted}, not {_shown(plain(value))}")


def _shown(value: object) -> str:
    """A plain value as an error shows it; of anything else the class alone, as its `repr` is the caller's."""
    return describe(value) if value is None or type(value) in (str, bool, int, float) else f"a {type(value).__name__}"
