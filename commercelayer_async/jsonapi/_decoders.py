"""The decoders of one registry.

Three ways lead from bytes to the same resources, each tried where the one before it does not apply:

1. One pass: msgspec reads the document with a union of all registered classes and fills them from the bytes.
2. Two steps: a document with a type outside that union is split into resource objects first, and each is filled by
   its own class. A registry that has met such a type starts here from then on.
3. By hand (`_byhand`): for classes that msgspec cannot fill, and to say precisely what is wrong where it refused.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, NoReturn, Union, cast

import msgspec
from msgspec import UNSET, Raw, UnsetType

from .._text import kind
from ..errors import DecodeError
from ._byhand import structure
from ._compound import Compound
from ._json import FAILURES, exact, loads, not_json, require_utf8
from ._twin import fillable, twin_of
from .document import own_members, parse, resource_object
from .resource import GenericResource, Resource

if TYPE_CHECKING:
    from .registry import Registry
    from .relationship import Follow

_Text = Annotated[str, msgspec.Meta(min_length=1)]
_NO_ATTRIBUTES: Final = Raw(b"{}")
_NO_RELATIONSHIPS: Final = Raw(b"null")

Fill = Callable[[Raw], Any]
"""From the bytes of `attributes` to the twin of a resource."""


class _Wire(msgspec.Struct, gc=False):
    """A resource object of a known type; subclasses add `attributes`, which is the resource in the making."""

    id: _Text
    relationships: Raw = _NO_RELATIONSHIPS

    resource: ClassVar[type[Resource]] = Resource


class _Step(msgspec.Struct, gc=False):
    """A resource object of any type, its attributes not yet read."""

    type: _Text
    id: _Text
    attributes: Raw = _NO_ATTRIBUTES
    relationships: Raw = _NO_RELATIONSHIPS


class _Steps(Compound):
    """A document whose resources are filled in a second step."""

    data: _Step | list[_Step] | UnsetType | None = UNSET


_decode_steps: Final = msgspec.json.Decoder(_Steps).decode
_decode_step: Final = msgspec.json.Decoder(_Step).decode
_decode_step_list: Final = msgspec.json.Decoder(list[_Step]).decode
_decode_entries: Final = msgspec.json.Decoder(list[Raw]).decode
_decode_attributes: Final = msgspec.json.Decoder(dict[str, Any], float_hook=exact).decode


class Decoders:
    """What reads documents with the classes of a registry."""

    def __init__(self, classes: Mapping[str, type[Resource]]) -> None:
        self._classes = classes
        self._fills: dict[str, Fill | None] = {}
        self._one_pass: Callable[[bytes], Any] | None = None
        self._one_pass_list: Callable[[Raw], Any] | None = None
        if classes and all(map(fillable, classes.values())):
            known: Any = Union[tuple(map(_wire, classes.values()))]  # noqa: UP007 - known at run time only
            document = msgspec.defstruct(
                "_OnePass", [("data", known | list[known] | UnsetType | None, UNSET)], bases=(Compound,)
            )
            self._one_pass = msgspec.json.Decoder(document, float_hook=exact).decode
            self._one_pass_list = msgspec.json.Decoder(list[known], float_hook=exact).decode

    def read(self, body: bytes, url: str | None, registry: "Registry", follow: "Follow | None") -> Any:
        """See `Registry.read`."""
        if not body.isascii():
            require_utf8(body, url=url)
        document = self._open(body, url)
        data = document.data
        document.data = None
        document.body = body
        document.url = url
        document.registry = registry
        document.follow = follow
        document.index = document.parts = None
        document.primary = ()
        if data is None and document.errors is UNSET:
            return None
        if data is UNSET or document.errors is not UNSET:
            _no_data(document)
        many = type(data) is list
        wires = cast("list[Any]", data) if many else [data]
        resources = self._adopt(wires, document, "/data", many=many)
        if document.included is not UNSET:
            document.primary = resources
        return resources if many else resources[0]

    def included_of(self, document: Compound) -> tuple[Resource, ...]:
        """See `Registry.included_of`."""
        raw = document.included
        if raw is UNSET:
            return ()
        entries = _attempt(self._one_pass_list, raw) if self._one_pass_list is not None else None
        if entries is None:
            entries = _attempt(_decode_step_list, raw)
        if entries is None:
            entries = _entries(raw, document.url)
        return self._adopt(entries, document, "/included", many=True)

    def _open(self, body: bytes, url: str | None) -> Any:
        document = _attempt(self._one_pass, body) if self._one_pass is not None else None
        if document is None:
            try:
                return _decode_steps(body)
            except FAILURES as error:
                failure = error
            parse(body, url)  # tells what is wrong
            raise not_json(body, failure, url=url)
        return document

    def _adopt(self, wires: list[Any], document: Compound, at: str, *, many: bool) -> tuple[Resource, ...]:
        """The resources that the wires carry, with what they know beside their attributes.

        The loop runs for each resource of each page; its assignments go to slots, some 20 ns each.
        """
        if wires and type(wires[0]) is _Step:
            return self._fill(wires, document, at, many=many)
        for n, wire in enumerate(wires):
            resource = wire.attributes
            resource.id = wire.id
            resource._relationships = wire.relationships
            resource._document = document
            resource.__class__ = wire.resource
            wires[n] = resource
        return tuple(wires)

    def _fill(self, steps: list[_Step], document: Compound, at: str, *, many: bool) -> tuple[Resource, ...]:
        resources: list[Any] = []
        for n, step in enumerate(steps):
            cls = self._classes.get(step.type, GenericResource)
            fill = self._fill_of(step.type)
            resource = fill and _attempt(fill, step.attributes)
            if resource is None:
                pointer = f"{at}/{n}" if many else at
                resource = structure(cls, step.type, step.id, step.attributes, pointer=pointer, url=document.url)
                object.__setattr__(resource, "_relationships", step.relationships)
                object.__setattr__(resource, "_document", document)
            else:
                resource.id = step.id
                resource._relationships = step.relationships
                resource._document = document
                if cls is GenericResource:
                    resource.type = step.type
                resource.__class__ = cls
            resources.append(resource)
        return tuple(resources)

    def _fill_of(self, type_: str) -> Fill | None:
        """What fills the twin of a type's class; None if it is to be done by hand."""
        cls = self._classes.get(type_)
        if cls is None:
            # An unknown type will come again: the union would refuse each such document first.
            self._one_pass = self._one_pass_list = None
            return _fill_generic
        if type_ not in self._fills:
            self._fills[type_] = msgspec.json.Decoder(twin_of(cls), float_hook=exact).decode if fillable(cls) else None
        return self._fills[type_]


def _wire(cls: type[Resource]) -> Any:
    return msgspec.defstruct(
        f"_{cls.__name__}Wire",
        [("attributes", twin_of(cls))],
        bases=(_Wire,),
        namespace={"resource": cls},
        tag_field="type",
        tag=cls.type,
        gc=False,
        kw_only=True,
    )


_generic_twin: Final = twin_of(GenericResource)


def _fill_generic(raw: Raw) -> Any:
    resource: Any = object.__new__(_generic_twin)
    resource.attributes = own_members(_decode_attributes(raw))
    return resource


def _attempt(decode: Callable[[Any], Any], raw: bytes | Raw) -> Any:
    try:
        return decode(raw)
    except FAILURES:
        return None


def _entries(raw: Raw, url: str | None) -> list[Any]:
    """The included resource objects one by one, without those that only have a `lid`, and null for none at all."""
    entries = _attempt(_decode_entries, raw)
    if entries is None:
        value = loads(raw, url=url)
        if value is None:
            return []
        raise DecodeError(expected="an array of resource objects", got=kind(value), pointer="/included", url=url)
    steps: list[Any] = []
    for n, entry in enumerate(entries):
        step = _attempt(_decode_step, entry)
        if step is None:
            found = resource_object(loads(entry, url=url), f"/included/{n}", url)
            if found.id is not None:
                raise DecodeError(expected="a resource object", got="another", pointer=f"/included/{n}", url=url)
        else:
            steps.append(step)
    return steps


def _no_data(document: Compound) -> NoReturn:
    if document.errors is not UNSET:
        raise DecodeError(expected="primary data", got="errors", pointer="/errors", url=document.url)
    raise DecodeError(expected="primary data", got="a document without data", url=document.url)
