"""Decode resources field by field: slower, but with converters, aliases, and errors that name the attribute.

Each attribute's bytes go through the same msgspec rules as on the faster ways, so a document is accepted or refused
alike whichever way it is decoded. If the caller gave a cattrs converter, the converter decides instead.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs
import msgspec
from msgspec import Raw

from .._json import FAILURES, loads
from .._schema import Field, all_fields_of
from ..document import mapping, own_members
from ..errors import DecodeError
from ..links import escape
from ..resource import GenericResource, Resource, set_extras
from .explain import Refused, convert, refusal
from .values import Plan, Values, own_checks_refuse

if TYPE_CHECKING:
    from cattrs import Converter

_decode_members: Final = msgspec.json.Decoder(dict[str, Raw]).decode
_IDENTITY: Final = "id"


class FieldwiseDecoder:
    """Decode resources field by field, for one registry."""

    def __init__(self, converter: "Converter | None" = None, *, lenient: bool = False) -> None:
        self._values = Values(converter)
        self._lenient = lenient

    def structure_unknown(self, hint: Any, value: Any) -> Any:
        """Structure a value of a type that msgspec does not know; see `Values.structure_unknown`."""
        return self._values.structure_unknown(hint, value)

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
        build = _Build(cls, id, members, self._values.plan(cls, without=_IDENTITY))
        resource, refused = build.strict()
        if resource is None and self._lenient:
            resource = build.lenient(refused)
        errors = {
            name: DecodeError(
                expected=reason.expected,
                got=reason.got,
                pointer=f"{at}{reason.below}",
                url=url,
                resource=f"{type}/{id}",
            )
            for name, reason in refused.items()
        }
        if resource is None:
            raise next(iter(errors.values()))
        if errors:
            set_extras(resource, invalid_attributes=errors)
        return resource


class _Build:
    """One resource under construction: strict first, then lenient if the registry is."""

    def __init__(self, cls: type[Resource], id: str, members: Mapping[str, Raw], plan: Plan) -> None:
        self._cls = cls
        self._id = id
        self._members = members
        self._plan = plan
        self._values: dict[str, Any] = {}

    @property
    def _fields(self) -> tuple[Field, ...]:
        return tuple(field for field in all_fields_of(self._cls) if field.name != _IDENTITY)

    def strict(self) -> tuple[Resource | None, dict[str, Refused]]:
        """Return the resource and no refusals; or None and the refusals by member name."""
        self._values, unfit = self._plan.fill(self._members)
        missing = {name: self._missing(name) for name in self._plan.missing(self._members)}
        # In the order of the fields, as an error about the first of them is what the caller sees.
        found = unfit | missing
        names = [entry.field.member for entry in self._plan.entries]
        refused = {name: found[name] for name in names if name in found}
        if refused:
            return None, refused
        try:
            resource: Resource = self._plan.construct(self._values, id=self._id)
        except Refused as reason:
            failure = reason
        else:
            return resource, {}
        member = next((name for name in names if failure.below == f"/{escape(name)}"), "")
        return None, {member: failure}

    def lenient(self, refused: dict[str, Refused]) -> Resource:
        """Return the resource, made as attrs would, but with what does not fit as received, and None for the missing.

        Converters, validators and the hook of the class run as in strict reading; what they refuse joins `refused`.
        """
        unexplained = refused.pop("", None)
        resource: Any = object.__new__(self._cls)
        object.__setattr__(resource, _IDENTITY, self._id)
        # In the order of attrs, fields without a place in `__init__` too: a default may read those before it.
        for field in self._fields:
            object.__setattr__(resource, field.name, self._value_of(field, resource, refused))
        self._validate(resource, refused)
        if unexplained is not None and not refused:
            refused[""] = unexplained
        strict: Resource = resource
        return strict

    def _value_of(self, field: Field, resource: Any, refused: dict[str, Refused]) -> Any:
        if field.member in refused:
            return self._received(field)
        value = self._values[field.name] if field.name in self._values else _default(field, resource)
        try:
            return convert(field, value, resource)
        except Exception as error:  # noqa: BLE001 - a converter may raise anything
            refused[field.member] = refusal(error, value, secret=field.secret).inside(field.member)
        return self._received(field) if field.name in self._values else value

    def _received(self, field: Field) -> Any:
        raw = self._members.get(field.member)
        return None if raw is None else loads(raw)

    def _validate(self, resource: Any, refused: dict[str, Refused]) -> None:
        if not attrs.validators.get_disabled():
            for field in self._fields:
                self._validate_field(field, resource, refused)
        hook = getattr(resource, "__attrs_post_init__", None)
        try:
            if hook is not None:
                hook()
        except Exception as error:  # noqa: BLE001 - the class's own hook may raise anything
            refused[""] = own_checks_refuse(self._cls, error)

    def _validate_field(self, field: Field, resource: Any, refused: dict[str, Refused]) -> None:
        validator: Any = field.source.validator if field.source is not None else None
        if validator is None or field.member in refused:
            return
        value = getattr(resource, field.name)
        try:
            validator(resource, field.source, value)
        except Exception as error:  # noqa: BLE001 - a validator may raise anything
            refused[field.member] = refusal(error, value, secret=field.secret).inside(field.member)
            if field.member in self._members:
                object.__setattr__(resource, field.name, self._received(field))

    def _missing(self, member: str) -> Refused:
        return Refused(f"{member}, which {self._cls.type} always have", below=f"/{escape(member)}", got="nothing")


def _members(raw: Raw, at: str, url: str | None) -> dict[str, Raw]:
    try:
        return _decode_members(raw)
    except FAILURES:
        pass
    # Outside of the handler, so that an error has no context that quotes values.
    return mapping(loads(raw, url=url), at, url)


def _default(field: Field, resource: Any) -> Any:
    default: Any = field.source.default if field.source is not None else attrs.NOTHING
    if default is attrs.NOTHING:
        return None
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type] # a class, which attrs types as a function
        return default.factory(resource) if default.takes_self else default.factory()
    return default
