"""Explain why a value does not fit: what was expected, and the pointer to it; never a value that may be secret."""

import re
from typing import Any, Final

import attrs
import msgspec
from msgspec import Raw

from ..._text import describe
from .._json import loads
from .._schema import Field
from ..errors import DecodeError
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


class Refused(Exception):
    """A value does not fit: what was expected, what is there, and the pointer to it from where decoding began."""

    def __init__(
        self, expected: str, value: Any = None, below: str = "", *, secret: bool = False, got: str | None = None
    ) -> None:
        super().__init__(expected)
        self.expected = expected
        self.value = value
        self.below = below
        self.secret = secret
        self.said = got

    def inside(self, *names: object, secret: bool = False) -> "Refused":
        """Return the same refusal as seen from a container: the value is in it under these names, one in the other."""
        below = "".join(f"/{escape(str(name))}" for name in names) + self.below
        return Refused(self.expected, self.value, below, secret=self.secret or secret, got=self.said)

    @property
    def got(self) -> str:
        """What is there instead; quoted if it is short and no secret."""
        return describe(self.value, secret=self.secret) if self.said is None else self.said


def refusal(error: Exception, piece: Any, *, secret: bool = False) -> Refused:
    """Return why the value of `piece`, which may be bytes still, does not fit, where decoding it raised `error`."""
    path, cause = _path_of(error)
    if isinstance(cause, Refused):
        return cause.inside(*path, secret=secret)
    try:
        value, below = _locate(path, loads(piece) if isinstance(piece, Raw) else piece)
    except DecodeError as unreadable:
        return Refused(unreadable.expected, got=unreadable.got)
    return Refused(expected(cause), value, below, secret=secret)


def expected(reason: Exception) -> str:
    """Say what was expected. Only words of msgspec's own are repeated: other exceptions may quote values."""
    if not isinstance(reason, msgspec.ValidationError):
        return f"a value that raises no {type(reason).__name__}"
    text = str(reason)
    if "timezone" in text:
        return "a date-time with its offset from UTC (or a converter: attrs.field(converter=…), Registry(converter=…))"
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


def _path_of(error: Exception) -> tuple[list[int | str], Exception]:
    """Return the way to the value that an error is about, and the error itself: cattrs wraps it at each level."""
    path: list[int | str] = []
    cause: Any = error
    while (inner := getattr(cause, "exceptions", None)) is not None:
        cause = inner[0]
        notes: list[Any] = getattr(cause, "__notes__", [])
        steps = [getattr(note, "index", getattr(note, "name", None)) for note in notes]
        path += [step for step in steps if isinstance(step, int | str)][:1]
    text = _PATH.search(str(cause)) if isinstance(cause, msgspec.ValidationError) else None
    for index, name in _SEGMENT.findall(text[1]) if text is not None else ():
        path.append(int(index) if index else name)
    return path, cause


def _locate(path: list[int | str], value: Any) -> tuple[Any, str]:
    """Return the part of `value` at the end of a path, as far as there is one, and the pointer to it."""
    pointer = ""
    for step in path:
        try:
            value = value[step]
        except (LookupError, TypeError):
            break
        pointer += f"/{escape(str(step))}"
    return value, pointer


def is_about_field(error: Exception, field: Field, value: Any, sample: Any) -> bool:
    """Return True if an error raised in `__init__` is about `field`, which was given `value`.

    Some validators of attrs name their field in the error. Others do not, and no converter does: the field's are called
    again, to see if they fail. `sample` stands for the instance: it is given what the converter makes of the value.
    """
    about: list[Any] = [argument for argument in error.args if isinstance(argument, attrs.Attribute)]
    if about:
        return bool(about[0].name == field.name)
    validator: Any = field.source.validator if field.source is not None else None
    try:
        converted = convert(field, value, sample)
        setattr(sample, field.name, converted)
        if validator is not None:
            validator(sample, field.source, converted)
    except Exception as again:  # noqa: BLE001 - a converter or validator may raise anything
        return type(again) is type(error)
    return False


def convert(field: Field, value: Any, instance: Any) -> Any:
    """Call the converter of a field as attrs does: some take the instance under construction, or the attribute."""
    converter: Any = field.converter
    if converter is None:
        return value
    more = (instance, field.source) if isinstance(field.converter, attrs.Converter) else ()
    return converter(value, *more)
