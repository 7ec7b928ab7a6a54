"""The decoders of one registry.

Three ways lead from bytes to the same resources, each tried where the one before it does not apply:

1. One pass: msgspec reads the document with a union of all registered classes and fills them from the bytes.
2. Two steps: a document with a type outside that union is split into resource objects first, and each is filled by
   its own class. The type is in the union from then on, among a few others that were met; a registry that meets ever
   more of them starts here.
3. By hand (`_slowly`, `_byhand`): for classes that msgspec cannot fill, for local ids, and to say precisely what is
   wrong where the others refused.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, NoReturn, Union
from weakref import ref

import msgspec
from msgspec import UNSET, Raw, UnsetType

from .._compound import Compound, Follower, ResourceDecoder
from .._json import exact, require_utf8
from ..document import own_members, require_few
from ..errors import DecodeError
from ..resource import GenericResource, Resource, beside
from .fieldwise import ByHand, structure_unknown
from .shadow import twin_of
from .strict import NO_RELATIONSHIPS, Step, steps_of_document, steps_of_included

if TYPE_CHECKING:
    from cattrs import Converter

_Text = Annotated[str, msgspec.Meta(min_length=1)]

Fill = Callable[[Raw], Any]
"""From the bytes of `attributes` to the twin of a resource."""

MOST_MET: Final = 32
"""Types without a class that are put into the union, which is compiled anew for each."""


class _Wire(msgspec.Struct, gc=False):
    """A resource object of a known type; subclasses add `attributes`, which is the resource in the making."""

    id: _Text
    relationships: Raw = NO_RELATIONSHIPS

    resource: ClassVar[type[Resource]] = Resource


_NOBODY: Final = "\x00"


class _GenericWire(_Wire, gc=False):
    """A resource object of a type that was met before, though no class was registered for it."""

    attributes: dict[str, Any] = {}

    resource: ClassVar[type[Resource]] = GenericResource
    type: ClassVar[str]


class _Nobody(msgspec.Struct, tag_field="type", tag=_NOBODY):
    """What no resource object is: beside a single class it makes a union, in which msgspec insists on a type."""

    attributes: Annotated[str, msgspec.Meta(min_length=1, max_length=0)]


class _Envelope(msgspec.Struct, gc=False):
    """A document; subclasses add `data`."""

    included: Raw | UnsetType = UNSET
    errors: Raw | UnsetType = UNSET


class _InSteps(_Envelope, gc=False):
    """A document whose resources are filled in a second step."""

    data: Step | list[Step] | UnsetType | None = UNSET


_decode_steps: Final = msgspec.json.Decoder(_InSteps).decode
_decode_step_list: Final = msgspec.json.Decoder(list[Step]).decode
_decode_attributes: Final = msgspec.json.Decoder(dict[str, Any], float_hook=exact).decode


class Decoders:
    """What reads documents with the classes of a registry."""

    def __init__(
        self,
        classes: Mapping[str, type[Resource]],
        *,
        max_resources: int,
        converter: "Converter | None" = None,
        lenient: bool = False,
    ) -> None:
        self._classes = classes
        self._limit = max_resources
        self._by_hand = ByHand(converter, lenient=lenient)
        self._twins = {} if converter is not None else {type_: twin_of(cls) for type_, cls in classes.items()}
        self._fills: dict[str, Fill | None] = {}
        self._first: Callable[[bytes], Any] = _decode_steps
        self._first_list: Callable[[Raw], Any] = _decode_step_list
        self._met: dict[str, Any] = {}
        """The wires of types without a class."""
        if self._twins and None not in self._twins.values():
            self._start_in_one_pass()

    def _start_in_one_pass(self) -> None:
        try:
            wires = [_wire(cls, self._twins[type_]) for type_, cls in self._classes.items()]
            known: Any = Union[(*wires, *self._met.values(), _Nobody)]
            first = _decoder(_envelope(known))
            self._first_list = _decoder(list[known])
        except TypeError:
            # A union that msgspec refuses, of a type that it does not know and another: by hand.
            return
        self._first = first

    def read(
        self,
        body: bytes,
        url: str | None,
        registry: ResourceDecoder,
        follow: Follower | None,
        response: object,
    ) -> Any:
        """See `Registry.read`."""
        if not body.isascii():
            require_utf8(body, url=url)
        try:
            envelope = self._first(body)
        except Exception:  # noqa: BLE001 - a hook of the caller's may raise anything; what it means is told below
            envelope = None
        if envelope is None:
            envelope = self._again(body, url)
        data: Any = envelope.data
        if envelope.errors is not UNSET or data is UNSET:
            _no_data(envelope, url)
        if data is None:
            return None
        document = Compound(envelope.included, body, url, registry, follow, response)
        if data.__class__ is list:
            resources = self._adopt(data, document, "/data", many=True)
            document.handed = list(map(ref, resources))
            return resources
        if self._met or data.__class__ is Step:
            return self._adopt([data], document, "/data", many=False)[0]
        # As `_adopt` does for many.
        resource = data.attributes
        resource.id = data.id
        resource._relationships = data.relationships
        resource._document = document
        resource.__class__ = data.resource
        return resource

    def included_of(self, document: Compound) -> tuple[Resource, ...]:
        """See `Registry.included_of`."""
        raw = document.included
        if raw is UNSET:
            return ()
        entries = _attempt(self._first_list, raw)
        if entries is None:
            entries = _attempt(_decode_step_list, raw)
        if entries is None:
            entries = steps_of_included(raw, document.url)
        return self._adopt(entries, document, "/included", many=True)

    def _again(self, body: bytes, url: str | None) -> Any:
        envelope = _attempt(_decode_steps, body) if self._first is not _decode_steps else None
        return steps_of_document(body, url) if envelope is None else envelope

    def _adopt(self, wires: list[Any], document: Compound, at: str, *, many: bool) -> tuple[Resource, ...]:
        """The resources that the wires carry, with what they know beside their attributes.

        The loop runs for each resource of each page; its assignments go to slots, some 20 ns each.
        """
        if len(wires) > self._limit:
            require_few(wires, at, document.url, self._limit)
        if not wires:
            return ()
        usual = wires[0].__class__
        if issubclass(usual, Step):
            return self._fill(wires, document, at, many=many)
        cls = usual.resource
        generic = cls is GenericResource
        for n, wire in enumerate(wires):
            if wire.__class__ is not usual:
                usual = wire.__class__
                cls = usual.resource
                generic = cls is GenericResource
            resource = wire.attributes
            if generic:
                resource = _generic(usual.type, resource)
            resource.id = wire.id
            resource._relationships = wire.relationships
            resource._document = document
            resource.__class__ = cls
            wires[n] = resource
        return tuple(wires)

    def _fill(self, steps: list[Step], document: Compound, at: str, *, many: bool) -> tuple[Resource, ...]:
        resources: list[Any] = []
        ways: dict[str, tuple[Any, Fill | None]] = {}
        for n, step in enumerate(steps):
            way = ways.get(step.type)
            if way is None:
                way = ways[step.type] = (self._classes.get(step.type, GenericResource), self._fill_of(step.type))
            cls, fill = way
            resource = _attempt(fill, step.attributes) if fill is not None else None
            if resource is None:
                pointer = f"{at}/{n}" if many else at
                resource = self._slow(cls, step, pointer, document)
            else:
                resource.id = step.id
                resource._relationships = step.relationships
                resource._document = document
                resource.__class__ = cls
            if step.lid:
                beside(resource, lid=step.lid)
            resources.append(resource)
        self._meet(ways)
        return tuple(resources)

    def _meet(self, types: Iterable[str]) -> None:
        """Know the types without a class when they come again: the union would refuse each such document first."""
        new = [type_ for type_ in types if type_ not in self._classes and type_ not in self._met]
        if not new or self._first is _decode_steps:
            return
        if len(self._met) + len(new) > MOST_MET or _NOBODY in new:
            self._first, self._first_list = _decode_steps, _decode_step_list
            return
        self._met |= {type_: _generic_wire(type_) for type_ in new}
        self._start_in_one_pass()

    def _slow(self, cls: type[Resource], step: Step, pointer: str, document: Compound) -> Any:
        by_hand = self._by_hand
        resource = by_hand.structure(cls, step.type, step.id, step.attributes, pointer=pointer, url=document.url)
        object.__setattr__(resource, "_relationships", step.relationships)
        object.__setattr__(resource, "_document", document)
        return resource

    def _fill_of(self, type_: str) -> Fill | None:
        """What fills the twin of a type's class; None if it is to be done by hand."""
        if type_ not in self._classes:
            return lambda raw: _generic(type_, _decode_attributes(raw))
        if type_ not in self._fills:
            self._fills[type_] = self._filling(self._twins.get(type_))
        return self._fills[type_]

    def _filling(self, twin: type[Any] | None) -> Fill | None:
        try:
            return _decoder(twin) if twin is not None else None
        except TypeError:
            return None


def _attempt(decode: Callable[[Any], Any], raw: bytes | Raw) -> Any:
    try:
        return decode(raw)
    except Exception:  # noqa: BLE001 - a hook of the caller's may raise anything; the next way tells what it means
        return None


def _decoder(type_: Any) -> Any:
    return msgspec.json.Decoder(type_, float_hook=exact, dec_hook=structure_unknown).decode


def _envelope(wire: Any) -> Any:
    data = wire | list[wire] | UnsetType | None
    return msgspec.defstruct("_OnePass", [("data", data, UNSET)], bases=(_Envelope,), gc=False)


def _wire(cls: type[Resource], twin: type[Any] | None) -> Any:
    return msgspec.defstruct(
        f"_{cls.__name__}Wire",
        [("attributes", twin)],
        bases=(_Wire,),
        namespace={"resource": cls},
        tag_field="type",
        tag=cls.type,
        gc=False,
        kw_only=True,
    )


def _generic_wire(type_: str) -> Any:
    namespace = {"type": type_}
    return msgspec.defstruct(
        "_Met", (), bases=(_GenericWire,), namespace=namespace, tag_field="type", tag=type_, gc=False
    )


_generic_twin: Final[Any] = twin_of(GenericResource)
_new_generic: Final[Callable[[], Any]] = partial(object.__new__, _generic_twin)


def _generic(type_: str, attributes: dict[str, Any]) -> Any:
    resource = _new_generic()
    resource.type = type_
    resource.attributes = own_members(attributes)
    return resource


def _no_data(envelope: Any, url: str | None) -> NoReturn:
    if envelope.errors is not UNSET:
        raise DecodeError(expected="primary data", got="errors", pointer="/errors", url=url)
    raise DecodeError(expected="primary data", got="a document without data", url=url)
