"""Write resources as plain JSON types."""

from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol, cast
from weakref import WeakKeyDictionary

import msgspec
from msgspec import UNSET

from ._annotations import is_named_tuple
from ._json import as_array, as_object, as_text
from ._schema import kept_members, member_names, value_members
from .errors import DecodeError
from .links import escape
from .objects import ResourceIdentifier
from .relationship import Relationship

if TYPE_CHECKING:
    from cattrs import Converter

_ARRAYS: Final = (list, tuple, AbstractSet)
_PLAIN: Final = frozenset({str, int, float, bool, type(None)})


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
    cls: Any = type(resource)
    names = member_names(cls)
    document = getattr(resource, "_document", None)
    received: Mapping[str, Any] = {}
    values: dict[str, Any] = {name: getattr(resource, field) for name, field in names.items()}
    if as_text(getattr(cls, "type", None)) is None:
        # A GenericResource, whose type is a field: its attributes are one mapping.
        values = values["attributes"]
    elif document is not None:
        received = resource.raw_attributes
        values = {name: values.get(name, value) for name, value in received.items()}
    writer = _Writer(None) if document is None else _writer_of(document.registry)
    try:
        return {name: _written(writer, value, received.get(name), name) for name, value in values.items()}
    except _Unwritable as error:
        name, reason = error.args
    raise DecodeError(
        expected="a value that can be written",
        got=f"one that gives {reason}",
        pointer=f"/attributes/{escape(name)}",
        resource=f"{resource.type}/{resource.id}",
    )


class _Unwritable(Exception):
    """An attribute, by its name, cannot be written; and the name of the error that says so."""


def _written(writer: "_Writer", value: Any, received: Any, name: str) -> Any:
    try:
        return writer.plain(value, received)
    except Exception as error:  # noqa: BLE001 - a hook of the caller's may raise anything
        reason = type(error).__name__
    raise _Unwritable(name, reason)


class _Writer:
    """Write values of attributes: value classes by their member names, what msgspec does not know by cattrs."""

    def __init__(self, converter: "Converter | None") -> None:
        self._given = converter
        self._hooks: Converter | None = None
        self._plain_converter: Converter | None = None

    def plain(self, value: Any, received: Any = None) -> Any:
        """Return a value as plain JSON types; `received` is what it was decoded from, if that is known.

        Members of value classes that the class does not declare are there as received.
        """
        if type(value) in _PLAIN:
            return value
        cls: Any = value.__class__
        if issubclass(cls, dict):
            given = as_object(received) or {}
            members = {_key(name): entry for name, entry in value.items()}
            return {name: self.plain(entry, given.get(name)) for name, entry in members.items()}
        if issubclass(cls, _ARRAYS):
            return [self.plain(entry, given) for entry, given in zip(value, _paired(value, received), strict=False)]
        names = value_members(cls)
        if names is None:
            return self._other(value)
        hook = self._hook_for(cls)
        return self._object(value, names, as_object(received) or {}) if hook is None else self.plain(hook(value))

    def _object(self, value: Any, names: Mapping[str, str], received: Mapping[str, Any]) -> dict[str, Any]:
        values = {**received, **{name: getattr(value, field) for name, field in names.items()}}
        return {name: self.plain(member, received.get(name)) for name, member in values.items()}

    def _hook_for(self, cls: type) -> Any:
        """Return the hook of the caller's that writes instances of a class; None if there is none."""
        if self._given is None:
            return None
        from ._cattrs import Unhooked, without_own_ways  # noqa: PLC0415 - slow to import, and rarely needed

        if self._hooks is None:
            self._hooks = without_own_ways(self._given)
        hook: Any = self._hooks.get_unstructure_hook(cls)
        return None if isinstance(hook, Unhooked) else hook

    def _other(self, value: Any) -> Any:
        if issubclass(value.__class__, Mapping):
            return self.plain(dict(value))
        found = msgspec.to_builtins(value, str_keys=True, enc_hook=self._unstructure)
        return found if type(found) in _PLAIN else self.plain(found)

    def _unstructure(self, value: Any) -> Any:
        if self._plain_converter is None:
            from cattrs import Converter  # noqa: PLC0415 - as above

            self._plain_converter = self._given or Converter()
        return self._plain_converter.unstructure(value)


def _paired(entries: Collection[Any], received: Any) -> Iterable[Any]:
    """Return what each entry of an array was decoded from; None where that is not certain.

    A converter, or whoever holds the list, may have left out entries or changed their order.
    """
    counterparts = as_array(received)
    if counterparts is not None and is_named_tuple(entries.__class__):
        # Each place has its meaning; those at the end may be defaults.
        return chain(counterparts, repeat(None))
    if counterparts is None or len(counterparts) != len(entries):
        return repeat(None)
    if isinstance(entries, AbstractSet):
        return [next((given for given in counterparts if _may_be_made_of(entry, given)), None) for entry in entries]
    return [
        given if _may_be_made_of(entry, given) else None for entry, given in zip(entries, counterparts, strict=True)
    ]


def _may_be_made_of(entry: Any, received: Any) -> bool:
    """Return False if a text, number or boolean shows that a value was not decoded from `received`."""
    given = as_object(received)
    if given is None or value_members(type(entry)) is None:
        return True
    pairs = [(getattr(entry, field), given[name]) for name, field in kept_members(type(entry)).items() if name in given]
    return all(value == one for value, one in pairs if type(value) in _PLAIN and type(one) in _PLAIN)


def _key(name: Any) -> str:
    """Return the key of a mapping as the name of a member."""
    if type(name) is str:
        return name
    (text,) = msgspec.to_builtins({name: None}, str_keys=True)
    return str(text)


_writers: Final[WeakKeyDictionary[Any, _Writer]] = WeakKeyDictionary()


def _writer_of(registry: Any) -> _Writer:
    if registry not in _writers:
        _writers[registry] = _Writer(registry.converter)
    return _writers[registry]


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
