"""Checks of a caller's arguments that several rooms make: each refuses with what, where and what would do."""

from ._text import describe
from .errors import ConfigurationError


def require_number(name: str, value: object, *, none: bool = False) -> None:
    """Refuse what is not a finite number above 0, or None where that is allowed.

    Raises:
        ConfigurationError: naming the option.
    """
    if none and value is None:
        return
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 < value < float("inf"):  # type: ignore[operator] # a number by the line above
        raise ConfigurationError(f"{name} must be a number above 0{' or None' if none else ''}, not {describe(value)}")


def require_whole_number(name: str, value: object, least: int, most: int) -> None:
    """Refuse what is not a whole number from `least` to `most`.

    Raises:
        ConfigurationError: naming the option.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ConfigurationError(f"{name} must be a whole number from {least} to {most}, not {describe(value)}")


def require_instance(name: str, value: object, cls: type, wanted: str) -> None:
    """Refuse what is not an instance of `cls`; `wanted` shows one, such as "Retry(...)".

    Raises:
        ConfigurationError: naming the option.
    """
    if not isinstance(value, cls):
        raise ConfigurationError(f"{name} must be {wanted}, not {describe(value)}")
