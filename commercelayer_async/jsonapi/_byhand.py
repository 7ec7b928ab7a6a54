"""Resources filled by cattrs: slower, but it runs converters, knows aliases, and says precisely what does not fit.

Whether a value fits a type is asked of msgspec here too, so that a document is accepted or refused alike whichever way
it is read.
"""

import re
from collections.abc import Callable
from typing import Any, Final

import attrs
import msgspec
from msgspec import Raw

from .._text import glimpse, printable
from ..errors import DecodeError
from ._json import loads
from ._twin import once_per_class, wire_types
from .document import mapping, own_members
from .links import escape
from .resource import GenericResource, Resource

_WANTED: Final = re.compile(r"Expected `([^`]+)`")
_PATH: Final = re.compile(r" - at `\$([^`]*)`$")
_STEP: Final = re.compile(r"\[(\d+)\]|\.([^.\[]+)")
_JSON_NAMES: Final = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "array": "an array",
    "datetime": "a date-time",
}


def structure(cls: type[Resource], type_: str, id_: str, raw: Raw, *, pointer: str, url: str | None) -> Resource:
    """The resource of class `cls` that the bytes of an `attributes` member describe.

    Raises:
        DecodeError: they do not; it names the resource, the attribute and what was expected there.
    """
    at = f"{pointer}/attributes"
    attributes = own_members(mapping(loads(raw, url=url), at, url))
    if cls is GenericResource:
        return GenericResource(id=id_, type=type_, attributes=attributes)
    try:
        resource: Resource = _structurer(cls)({**attributes, "id": id_}, cls)
    except Exception as error:  # noqa: BLE001 - a converter or validator of the caller's may raise anything
        failure = _explain(error, cls, f"{type_}/{id_}", attributes, at=at, url=url)
    else:
        return resource
    raise failure


@once_per_class
def _structurer(cls: Any) -> Callable[[Any, Any], Any]:
    # Imported here: it takes longer than all the rest, and most programs never need it.
    from cattrs import Converter  # noqa: PLC0415
    from cattrs.gen import make_dict_structure_fn, override  # noqa: PLC0415

    hints = wire_types(cls)
    checked: dict[str, Any] = {
        field.name: override(struct_hook=_checker(hints[field.name]))
        for field in attrs.fields(cls)
        if field.converter is None and _known_to_msgspec(hints[field.name])
    }
    converter = Converter(prefer_attrib_converters=True, detailed_validation=True)
    return make_dict_structure_fn(cls, converter, _cattrs_use_alias=True, **checked)


def _checker(hint: Any) -> Callable[[Any, Any], Any]:
    return lambda value, _: msgspec.convert(value, hint)


def _known_to_msgspec(hint: Any) -> bool:
    try:
        msgspec.json.Decoder(hint)
    except TypeError:
        return False
    return True


def _explain(
    error: Exception,
    cls: type[Resource],
    resource: str,
    attributes: dict[str, Any],
    *,
    at: str,
    url: str | None,
) -> DecodeError:
    """The first thing that does not fit, with its place."""
    from cattrs.errors import ClassValidationError  # noqa: PLC0415

    fields = {field.name: field for field in attrs.fields(cls)}
    if isinstance(error, ClassValidationError):
        for reason, note in error.group_exceptions()[0]:
            return _misfit(reason, fields[note.name], resource, attributes, at=at, url=url)
    return DecodeError(
        expected=f"attributes that {cls.__name__} accepts",
        got=f"{type(error).__name__} from its own checks",
        pointer=at,
        url=url,
        resource=resource,
    )


def _misfit(
    reason: Exception,
    field: "attrs.Attribute[Any]",
    resource: str,
    attributes: dict[str, Any],
    *,
    at: str,
    url: str | None,
) -> DecodeError:
    name_in_json = field.alias or field.name
    pointer = f"{at}/{escape(name_in_json)}"
    if name_in_json not in attributes:
        return DecodeError(
            expected=f"{name_in_json}, which {resource.partition('/')[0]} always have",
            got="nothing",
            pointer=pointer,
            url=url,
            resource=resource,
        )
    value = attributes[name_in_json]
    path = _PATH.search(str(reason))
    for index, name in _STEP.findall(path[1] if path else ""):
        value = value[int(index)] if index else value[name]
        pointer += f"/{index or escape(name)}"
    return DecodeError(
        expected=_expected(reason),
        got=glimpse(value, secret=not field.repr),
        pointer=pointer,
        url=url,
        resource=resource,
    )


def _expected(reason: Exception) -> str:
    text = str(reason)
    wanted = _WANTED.search(text)
    if "timezone" in text:
        return "a date-time with its offset from UTC"
    if "RFC3339" in text:
        return "a date-time (RFC 3339)"
    if wanted is None:
        return f"a value without {type(reason).__name__}: {printable(_PATH.sub('', text))}"
    names = [name.strip() for name in wanted[1].split("|")]
    return " or ".join(_JSON_NAMES.get(name, name) for name in names)
