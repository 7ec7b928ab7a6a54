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
from ..resource import GenericResource, Resource, set_extras
from .fieldwise import FieldwiseDecoder, structure_unknown
from .shadow import shadow_of
from .strict import NO_RELATIONSHIPS, RawResourceObject, raw_document, raw_included

if TYPE_CHECKING:
    from cattrs import Converter

_Text = Annotated[str, msgspec.Meta(min_length=1)]

Fill = Callable[[Raw], Any]
"""From the bytes of `attributes` to the twin of a resource."""

MAX_SEEN_TYPES: Final = 32
"""Types without a class that are put into the union, which is compiled anew for each."""


class _KnownResource(msgspec.Struct, gc=False):
    """A resource object of a known type; subclasses add `attributes`, which is the resource in the making."""

    id: _Text
    relationships: Raw = NO_RELATIONSHIPS

    resource: ClassVar[type[Resource]] = Resource


_IMPOSSIBLE_TYPE: Final = "\x00"


class _SeenResource(_KnownResource, gc=False):
    """A resource object of a type that was met before, though no class was registered for it."""

    attributes: dict[str, Any] = {}

    resource: ClassVar[type[Resource]] = GenericResource
    type: ClassVar[str]


class _NeverMatches(msgspec.Struct, tag_field="type", tag=_IMPOSSIBLE_TYPE):
    """What no resource object is: beside a single class it makes a union, in which msgspec insists on a type."""

    attributes: Annotated[str, msgspec.Meta(min_length=1, max_length=0)]


class _Envelope(msgspec.Struct, gc=False):
    """A document; subclasses add `data`."""

    included: Raw | UnsetType = UNSET
    errors: Raw | UnsetType = UNSET


class _TwoStepDocument(_Envelope, gc=False):
    """A document whose resources are filled in a second step."""

    data: RawResourceObject | list[RawResourceObject] | UnsetType | None = UNSET


_decode_in_two_steps: Final = msgspec.json.Decoder(_TwoStepDocument).decode
_decode_raw_list: Final = msgspec.json.Decoder(list[RawResourceObject]).decode
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
        self._max_resources = max_resources
        self._fieldwise = FieldwiseDecoder(converter, lenient=lenient)
        self._shadows = {} if converter is not None else {type_: shadow_of(cls) for type_, cls in classes.items()}
        self._fills: dict[str, Fill | None] = {}
        self._decode_document: Callable[[bytes], Any] = _decode_in_two_steps
        self._decode_list: Callable[[Raw], Any] = _decode_raw_list
        self._seen_types: dict[str, Any] = {}
        """The wires of types without a class."""
        if self._shadows and None not in self._shadows.values():
            self._compile_union()

    def _compile_union(self) -> None:
        try:
            structs = [_struct_of(cls, self._shadows[type_]) for type_, cls in self._classes.items()]
            known: Any = Union[(*structs, *self._seen_types.values(), _NeverMatches)]
            first = _decoder(_envelope(known))
            self._decode_list = _decoder(list[known])
        except TypeError:
            # A union that msgspec refuses, of a type that it does not know and another: by hand.
            return
        self._decode_document = first

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
            envelope = self._decode_document(body)
        except Exception:  # noqa: BLE001 - a hook of the caller's may raise anything; what it means is told below
            envelope = None
        if envelope is None:
            envelope = self._fallback(body, url)
        data: Any = envelope.data
        if envelope.errors is not UNSET or data is UNSET:
            _no_data(envelope, url)
        if data is None:
            return None
        document = Compound(envelope.included, body, url, registry, follow, response)
        if data.__class__ is list:
            resources = self._finish(data, document, "/data", many=True)
            document.live_primary = list(map(ref, resources))
            return resources
        if self._seen_types or data.__class__ is RawResourceObject:
            return self._finish([data], document, "/data", many=False)[0]
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
        entries = _attempt(self._decode_list, raw)
        if entries is None:
            entries = _attempt(_decode_raw_list, raw)
        if entries is None:
            entries = raw_included(raw, document.url)
        return self._finish(entries, document, "/included", many=True)

    def _fallback(self, body: bytes, url: str | None) -> Any:
        envelope = _attempt(_decode_in_two_steps, body) if self._decode_document is not _decode_in_two_steps else None
        return raw_document(body, url) if envelope is None else envelope

    def _finish(self, structs: list[Any], document: Compound, at: str, *, many: bool) -> tuple[Resource, ...]:
        """The resources that the wires carry, with what they know beside their attributes.

        The loop runs for each resource of each page; its assignments go to slots, some 20 ns each.
        """
        if len(structs) > self._max_resources:
            require_few(structs, at, document.url, self._max_resources)
        if not structs:
            return ()
        current = structs[0].__class__
        if issubclass(current, RawResourceObject):
            return self._fill_each(structs, document, at, many=many)
        cls = current.resource
        generic = cls is GenericResource
        for n, struct in enumerate(structs):
            if struct.__class__ is not current:
                current = struct.__class__
                cls = current.resource
                generic = cls is GenericResource
            resource = struct.attributes
            if generic:
                resource = _generic(current.type, resource)
            resource.id = struct.id
            resource._relationships = struct.relationships
            resource._document = document
            resource.__class__ = cls
            structs[n] = resource
        return tuple(structs)

    def _fill_each(
        self, raw_objects: list[RawResourceObject], document: Compound, at: str, *, many: bool
    ) -> tuple[Resource, ...]:
        resources: list[Any] = []
        ways: dict[str, tuple[Any, Fill | None]] = {}
        for n, raw_object in enumerate(raw_objects):
            way = ways.get(raw_object.type)
            if way is None:
                way = ways[raw_object.type] = (
                    self._classes.get(raw_object.type, GenericResource),
                    self._fill_of(raw_object.type),
                )
            cls, fill = way
            resource = _attempt(fill, raw_object.attributes) if fill is not None else None
            if resource is None:
                pointer = f"{at}/{n}" if many else at
                resource = self._fill_fieldwise(cls, raw_object, pointer, document)
            else:
                resource.id = raw_object.id
                resource._relationships = raw_object.relationships
                resource._document = document
                resource.__class__ = cls
            if raw_object.lid:
                set_extras(resource, lid=raw_object.lid)
            resources.append(resource)
        self._remember_types(ways)
        return tuple(resources)

    def _remember_types(self, types: Iterable[str]) -> None:
        """Know the types without a class when they come again: the union would refuse each such document first."""
        new = [type_ for type_ in types if type_ not in self._classes and type_ not in self._seen_types]
        if not new or self._decode_document is _decode_in_two_steps:
            return
        if len(self._seen_types) + len(new) > MAX_SEEN_TYPES or _IMPOSSIBLE_TYPE in new:
            self._decode_document, self._decode_list = _decode_in_two_steps, _decode_raw_list
            return
        self._seen_types |= {type_: _struct_of_seen(type_) for type_ in new}
        self._compile_union()

    def _fill_fieldwise(
        self, cls: type[Resource], raw_object: RawResourceObject, pointer: str, document: Compound
    ) -> Any:
        fieldwise = self._fieldwise
        resource = fieldwise.structure(
            cls, raw_object.type, raw_object.id, raw_object.attributes, pointer=pointer, url=document.url
        )
        object.__setattr__(resource, "_relationships", raw_object.relationships)
        object.__setattr__(resource, "_document", document)
        return resource

    def _fill_of(self, type_: str) -> Fill | None:
        """What fills the twin of a type's class; None if it is to be done by hand."""
        if type_ not in self._classes:
            return lambda raw: _generic(type_, _decode_attributes(raw))
        if type_ not in self._fills:
            self._fills[type_] = self._compile_fill(self._shadows.get(type_))
        return self._fills[type_]

    def _compile_fill(self, shadow: type[Any] | None) -> Fill | None:
        try:
            return _decoder(shadow) if shadow is not None else None
        except TypeError:
            return None


def _attempt(decode: Callable[[Any], Any], raw: bytes | Raw) -> Any:
    try:
        return decode(raw)
    except Exception:  # noqa: BLE001 - a hook of the caller's may raise anything; the next way tells what it means
        return None


def _decoder(type_: Any) -> Any:
    return msgspec.json.Decoder(type_, float_hook=exact, dec_hook=structure_unknown).decode


def _envelope(struct: Any) -> Any:
    data = struct | list[struct] | UnsetType | None
    return msgspec.defstruct("_OnePass", [("data", data, UNSET)], bases=(_Envelope,), gc=False)


def _struct_of(cls: type[Resource], shadow: type[Any] | None) -> Any:
    return msgspec.defstruct(
        f"_{cls.__name__}Wire",
        [("attributes", shadow)],
        bases=(_KnownResource,),
        namespace={"resource": cls},
        tag_field="type",
        tag=cls.type,
        gc=False,
        kw_only=True,
    )


def _struct_of_seen(type_: str) -> Any:
    namespace = {"type": type_}
    return msgspec.defstruct(
        "_Met", (), bases=(_SeenResource,), namespace=namespace, tag_field="type", tag=type_, gc=False
    )


_generic_shadow: Final[Any] = shadow_of(GenericResource)
_new_generic: Final[Callable[[], Any]] = partial(object.__new__, _generic_shadow)


def _generic(type_: str, attributes: dict[str, Any]) -> Any:
    resource = _new_generic()
    resource.type = type_
    resource.attributes = own_members(attributes)
    return resource


def _no_data(envelope: Any, url: str | None) -> NoReturn:
    if envelope.errors is not UNSET:
        raise DecodeError(expected="primary data", got="errors", pointer="/errors", url=url)
    raise DecodeError(expected="primary data", got="a document without data", url=url)
