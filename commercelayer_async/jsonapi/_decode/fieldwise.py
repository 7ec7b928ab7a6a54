"""Decode resources field by field: slower, but with converters, aliases, and errors that name the attribute.

Each attribute's bytes go through the same msgspec rules as on the faster ways, so a document is accepted or refused
alike whichever way it is decoded. If the caller gave a cattrs converter, the converter decides instead.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs
import msgspec
from msgspec import Raw

from ..._text import describe
from .._json import exact, loads
from .._schema import checked_types, converter_of, member_name, once_per_class
from ..document import mapping, own_members
from ..errors import DecodeError
from ..links import escape
from ..resource import GenericResource, Resource, set_extras
from .explain import expected, is_about_field, locate_value

if TYPE_CHECKING:
    from cattrs import Converter

_decode_members: Final = msgspec.json.Decoder(dict[str, Raw]).decode

Decode = Callable[[Raw], Any]
"""Decodes the bytes of one attribute."""


@attrs.frozen
class _FieldPlan:
    """How one field is decoded."""

    field: "attrs.Attribute[Any]"
    member: str
    decode: Decode
    required: bool


class FieldwiseDecoder:
    """Decode resources field by field, for one registry."""

    def __init__(self, converter: "Converter | None" = None, *, lenient: bool = False) -> None:
        self._converter = converter
        self._lenient = lenient
        self._plans: dict[type[Resource], tuple[_FieldPlan, ...]] = {}

    def structure(self, cls: type[Resource], type: str, id: str, raw: Raw, *, pointer: str, url: str | None) -> Any:
        """Make a resource of class `cls` from the bytes of an `attributes` member.

        Raises:
            DecodeError: an attribute does not fit; the error names resource, attribute and what was expected. From a
                lenient registry only if `attributes` is not an object.
        """
        at = f"{pointer}/attributes"
        members = _members(raw, at, url)
        if cls is GenericResource:
            own = own_members({name: loads(value, url=url) for name, value in members.items()})
            return GenericResource(id=id, type=type, attributes=own)
        build = _Build(cls, id, f"{type}/{id}", members, self._plan(cls), at=at, url=url)
        resource, invalid_attributes = build.strict()
        if not invalid_attributes:
            return resource
        if not self._lenient:
            raise next(iter(invalid_attributes.values()))
        return build.lenient(invalid_attributes)

    def _plan(self, cls: type[Resource]) -> tuple[_FieldPlan, ...]:
        if cls not in self._plans:
            hints = checked_types(cls)
            self._plans[cls] = tuple(
                _FieldPlan(
                    field=field,
                    member=member_name(field),
                    decode=self._decoder(field, hints[field.name]),
                    required=field.default is attrs.NOTHING,
                )
                for field in attrs.fields(cls)
                if field.init and field.name != "id"
            )
        return self._plans[cls]

    def _decoder(self, field: "attrs.Attribute[Any]", hint: Any) -> Decode:
        if converter_of(field) is not None:
            return loads
        converter = self._converter
        if converter is not None:
            return lambda raw: converter.structure(loads(raw), hint)
        try:
            return msgspec.json.Decoder(hint, float_hook=exact, dec_hook=structure_unknown).decode
        except TypeError:
            return lambda raw: structure_unknown(hint, loads(raw))


class _Build:
    """One resource under construction: strict first, then lenient if the registry is."""

    def __init__(
        self,
        cls: type[Resource],
        id: str,
        resource: str,
        members: Mapping[str, Raw],
        plan: tuple[_FieldPlan, ...],
        *,
        at: str,
        url: str | None,
    ) -> None:
        self._cls = cls
        self._id = id
        self._resource = resource
        self._members = members
        self._plan = plan
        self._at = at
        self._url = url
        self._values: dict[str, Any] = {}

    def strict(self) -> tuple[Resource | None, dict[str, DecodeError]]:
        """Return the resource and no errors; or None and the errors by member name."""
        invalid_attributes: dict[str, DecodeError] = {}
        for entry in self._plan:
            raw = self._members.get(entry.member)
            if raw is None:
                if entry.required:
                    invalid_attributes[entry.member] = self._missing(entry)
                continue
            failure = self._fill(entry, raw)
            if failure is not None:
                invalid_attributes[entry.member] = self._invalid(failure, entry)
        if invalid_attributes:
            return None, invalid_attributes
        arguments = {entry.field.alias or "": self._values[entry.field.name] for entry in self._filled()}
        try:
            return self._cls(id=self._id, **arguments), invalid_attributes
        except Exception as error:  # noqa: BLE001 - a converter or validator of the caller's may raise anything
            failure = error
        return None, self._rejected(failure)

    def _fill(self, entry: _FieldPlan, raw: Raw) -> Exception | None:
        try:
            self._values[entry.field.name] = entry.decode(raw)
        except Exception as error:  # noqa: BLE001 - a hook of the caller's may raise anything
            return error
        return None

    def lenient(self, invalid_attributes: dict[str, DecodeError]) -> Resource:
        """Return the resource with raw values for attributes that do not fit, and None for those that are missing."""
        resource: Any = object.__new__(self._cls)
        object.__setattr__(resource, "id", self._id)
        for entry in self._plan:
            raw = self._members.get(entry.member)
            value = (
                _default(entry.field, resource)
                if raw is None
                else self._values.get(entry.field.name, loads(raw, url=self._url))
            )
            if raw is not None and entry.member not in invalid_attributes and converter_of(entry.field) is not None:
                value = self._converted(entry, value, invalid_attributes)
            object.__setattr__(resource, entry.field.name, value)
        for field in attrs.fields(self._cls):
            if not field.init:
                object.__setattr__(resource, field.name, _default(field, resource))
        set_extras(resource, invalid_attributes=invalid_attributes)
        strict: Resource = resource
        return strict

    def _converted(self, entry: _FieldPlan, value: Any, invalid_attributes: dict[str, DecodeError]) -> Any:
        try:
            return _convert(entry.field, value)
        except Exception as error:  # noqa: BLE001 - as above
            failure = error
        invalid_attributes[entry.member] = self._invalid(failure, entry)
        return value

    def _filled(self) -> list[_FieldPlan]:
        return [entry for entry in self._plan if entry.field.name in self._values]

    def _rejected(self, error: Exception) -> dict[str, DecodeError]:
        """Return the error of the class's own converters and validators, under its member name if one is to blame."""
        for entry in self._filled():
            if is_about_field(error, entry.field, self._values[entry.field.name]):
                return {entry.member: self._invalid(error, entry)}
        failure = DecodeError(
            expected=f"attributes that {self._cls.__name__} accepts",
            got=f"{type(error).__name__} from its own checks",
            pointer=self._at,
            url=self._url,
            resource=self._resource,
        )
        return {"": failure}

    def _missing(self, entry: _FieldPlan) -> DecodeError:
        return DecodeError(
            expected=f"{entry.member}, which {self._cls.type} always have",
            got="nothing",
            pointer=f"{self._at}/{escape(entry.member)}",
            url=self._url,
            resource=self._resource,
        )

    def _invalid(self, error: Exception, entry: _FieldPlan) -> DecodeError:
        try:
            value, below = locate_value(error, loads(self._members[entry.member]))
        except DecodeError as unreadable:
            wanted, got, below = unreadable.expected, unreadable.got, ""
        else:
            wanted, got = expected(error), describe(value, secret=not entry.field.repr)
        return DecodeError(
            expected=wanted,
            got=got,
            pointer=f"{self._at}/{escape(entry.member)}{below}",
            url=self._url,
            resource=self._resource,
        )


def structure_unknown(hint: Any, value: Any) -> Any:
    """Structure a value of a type that msgspec does not know, by cattrs.

    Raises:
        ValueError: cattrs failed; the cause is dropped, since it may quote the value.
    """
    try:
        return _plain_converter(None).structure(value, hint)
    except Exception as error:  # noqa: BLE001 - constructors may raise anything
        name = type(error).__name__
    raise ValueError(f"{name} from {getattr(hint, '__name__', hint)}")


@once_per_class
def _plain_converter(_: None) -> "Converter":
    # Imported here: cattrs takes longer to import than all of this package's jsonapi, and most programs never use it.
    from cattrs import Converter  # noqa: PLC0415 - as said above

    return Converter(prefer_attrib_converters=True)


def _members(raw: Raw, at: str, url: str | None) -> dict[str, Raw]:
    try:
        return _decode_members(raw)
    except (msgspec.DecodeError, ValueError, RecursionError):
        value = loads(raw, url=url)
    return mapping(value, at, url)


def _convert(field: "attrs.Attribute[Any]", value: Any) -> Any:
    converter = converter_of(field)
    return value if isinstance(converter, attrs.Converter) else converter(value)


def _default(field: "attrs.Attribute[Any]", resource: Any) -> Any:
    default: Any = field.default
    if default is attrs.NOTHING:
        return None
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type] # a class, though typed as a function
        return default.factory(resource) if default.takes_self else default.factory()
    return default
