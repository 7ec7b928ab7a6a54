"""Explain why a value does not fit: what was expected, and the pointer to it; never a value that may be secret."""

import re
from typing import Any, Final

import attrs
import msgspec

from .._schema import converter_of
from ..links import escape

_EXPECTED: Final = re.compile(r"Expected `([^`]+)`( of [a-z]+ [<>=]+ \d+| [<>=]+ [\d.]+| matching regex)?")
_PATH: Final = re.compile(r" - at `\$([^`]*)`$")
_SEGMENT: Final = re.compile(r"\[(\d+)\]|\.([^.\[\]]+)")
_REQUIRED: Final = re.compile(r"Object missing required field `([^`]+)`")
_JSON_NAMES: Final = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "array": "an array",
    "datetime": "a date-time",
}


def expected(reason: Exception) -> str:
    """Say what was expected. Only words of msgspec's own are repeated: other exceptions may quote values."""
    if not isinstance(reason, msgspec.ValidationError):
        return f"a value that raises no {type(reason).__name__}"
    text = str(reason)
    if "timezone" in text:
        return "a date-time with its offset from UTC"
    if "RFC3339" in text:
        return "a date-time (RFC 3339)"
    required = _REQUIRED.search(text)
    if required is not None:
        return f"an object with {required[1]}"
    expectation = _EXPECTED.search(text)
    if expectation is None:
        return "one of the known values" if text.startswith("Invalid enum") else "a value that fits its type"
    names = [name.strip() for name in expectation[1].split("|")]
    return " or ".join(_JSON_NAMES.get(name, name) for name in names) + (expectation[2] or "")


def locate_value(reason: Exception, value: Any) -> tuple[Any, str]:
    """Return the part of `value` that `reason` is about, and the pointer from `value` to it."""
    path = _PATH.search(str(reason)) if isinstance(reason, msgspec.ValidationError) else None
    rest, pointer = path[1] if path is not None else "", ""
    while (segment := _SEGMENT.match(rest)) is not None:
        index, name = segment.groups()
        try:
            value = value[int(index)] if index is not None else value[name]
        except (LookupError, TypeError):
            break
        pointer += f"/{index or escape(name)}"
        rest = rest[segment.end() :]
    return value, pointer


def is_about_field(error: Exception, field: "attrs.Attribute[Any]", value: Any) -> bool:
    """Return True if an error raised in `__init__` is about `field`.

    Validators of attrs name their field in the error. Converters do not: this one is called again, to see if it fails.
    """
    about: list[Any] = [argument for argument in error.args if isinstance(argument, attrs.Attribute)]
    if about:
        return bool(about[0].name == field.name)
    converter = converter_of(field)
    if converter is None or isinstance(converter, attrs.Converter):
        return False
    try:
        converter(value)
    except Exception as again:  # noqa: BLE001 - a converter may raise anything
        return type(again) is type(error)
    return False
