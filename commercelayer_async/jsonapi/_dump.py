"""Write resources as plain JSON types."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol, cast

import msgspec
from msgspec import UNSET

from ._schema import member_names, once_per_class
from .errors import DecodeError
from .links import escape
from .objects import ResourceIdentifier
from .relationship import Relationship

if TYPE_CHECKING:
    from cattrs import Converter

_PLAIN: Final = frozenset({str, int, float, bool})


class Dumped(Protocol):
    """A resource, as far as it must be known to be written."""

    type: ClassVar[str]

    @property
    def id(self) -> str:
        """The id; empty where `lid` stands for it."""
        ...

    @property
    def lid(self) -> str | None:
        """The local id."""
        ...

    @property
    def raw_attributes(self) -> Mapping[str, Any]:
        """The attributes as received."""
        ...

    @property
    def relationships(self) -> Mapping[str, Relationship]:
        """The relationships by member name."""
        ...


def to_dict(resource: Dumped) -> dict[str, Any]:
    """Return a resource object (JSON:API 1.1) of dict, list, str, int, float, bool and None; see `Resource.to_dict`.

    Datetimes end in `Z` if they are UTC. Values that `repr` hides are shown: this is for storing.
    """
    result: dict[str, Any] = {"type": resource.type}
    result |= {"lid": resource.lid} if resource.lid is not None else {"id": resource.id}
    result["attributes"] = _attributes(resource)
    known = {name: value.linkage for name, value in resource.relationships.items()}
    linkage = {name: {"data": _linkage(value)} for name, value in known.items() if value is not UNSET}
    if linkage:
        result["relationships"] = linkage
    return result


def _attributes(resource: Dumped) -> dict[str, Any]:
    cls = type(resource)
    names = member_names(cls)
    document = getattr(resource, "_document", None)
    values: dict[str, Any] = {name: getattr(resource, field) for name, field in names.items()}
    if "type" in names:
        # A GenericResource, whose type is a field: its attributes are one mapping.
        values = values["attributes"]
    elif document is not None:
        values = {name: values.get(name, value) for name, value in resource.raw_attributes.items()}
    converter = document.registry.converter if document is not None else None
    return {name: _to_plain(value, converter or _converter(None), resource, name) for name, value in values.items()}


def _to_plain(value: Any, converter: "Converter", resource: Dumped, name: str) -> Any:
    if value is None or type(value) in _PLAIN:
        return value
    try:
        return _without_tuples(msgspec.to_builtins(value, str_keys=True, enc_hook=converter.unstructure))
    except Exception as error:  # noqa: BLE001 - a hook of the caller's may raise anything
        reason = type(error).__name__
    raise DecodeError(
        expected="a value that can be written",
        got=f"one that gives {reason}",
        pointer=f"/attributes/{escape(name)}",
        resource=f"{resource.type}/{resource.id}",
    )


def _without_tuples(value: Any) -> Any:
    """Return `value` with lists in place of tuples, as JSON would read them."""
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {name: _without_tuples(entry) for name, entry in members.items()}
    return list(map(_without_tuples, cast("list[Any]", value))) if isinstance(value, list | tuple) else value


@once_per_class
def _converter(_: None) -> "Converter":
    from cattrs import Converter  # noqa: PLC0415 - slow to import, and rarely needed

    return Converter()


def _linkage(linkage: Any) -> Any:
    if isinstance(linkage, tuple):
        return [_identifier(one) for one in cast("tuple[ResourceIdentifier, ...]", linkage)]
    return _identifier(linkage) if linkage is not None else None


def _identifier(identifier: ResourceIdentifier) -> dict[str, Any]:
    result: dict[str, Any] = {"type": identifier.type}
    result |= {"lid": identifier.lid} if identifier.id is None else {"id": identifier.id}
    if identifier.meta:
        result["meta"] = dict(identifier.meta)
    return result
