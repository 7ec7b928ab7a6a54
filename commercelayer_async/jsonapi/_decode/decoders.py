"""The decoders of one registry: choose how a document is decoded.

Three ways lead from bytes to the same resources:

1. One pass: msgspec decodes the document into a union of all registered classes, straight from the bytes. It needs a
   shadow (see `shadow`) of every registered class, and all types of the document in the union.
2. Two steps: the document is split into raw resource objects, and each one's attributes are decoded by its own class.
   It takes documents with types that have no class. These types join the union, so the next document with them goes
   in one pass again. At `MAX_SEEN_TYPES` the registry stops that and stays with two steps.
3. By field (`fieldwise`): for classes that msgspec cannot fill, and for every resource object that a faster way
   refused: only here does an error get its JSON pointer.

Each refusal falls through to the next way, over the same bytes. A valid document of classes with shadows is thus
decoded once, or twice where it brings a new type.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, NoReturn, Union
from weakref import ref

import msgspec
from msgspec import UNSET, Raw, UnsetType

from .._compound import Compound, Follower, ResourceDecoder
from .._json import exact, loads, require_utf8
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
"""Decodes the bytes of `attributes` into the shadow of a resource."""

MAX_SEEN_TYPES: Final = 32
"""How many types without a class join the union: each compiles it anew, which takes as long as thousands of reads."""


class _KnownResource(msgspec.Struct, gc=False):
    """A resource object whose type is in the union; subclasses add `attributes`, the shadow of the resource."""

    id: _Text
    relationships: Raw = NO_RELATIONSHIPS

    resource: ClassVar[type[Resource]] = Resource
    """What the shadow becomes."""


class _SeenResource(_KnownResource, gc=False):
    """A resource object of a type without a class that an earlier document held."""

    attributes: dict[str, Any] = {}

    resource: ClassVar[type[Resource]] = GenericResource
    type: ClassVar[str]


_IMPOSSIBLE_TYPE: Final = "\x00"


class _NeverMatches(msgspec.Struct, tag_field="type", tag=_IMPOSSIBLE_TYPE):
    """A second member for unions of one class: msgspec does not require the tag, `type`, of a struct by itself."""

    # Not even a document with the impossible type gets through: no text is longer than 0 and shorter than 1.
    attributes: Annotated[str, msgspec.Meta(min_length=1, max_length=0)]


class _Envelope(msgspec.Struct, gc=False):
    """A document; subclasses add `data`."""

    included: Raw | UnsetType = UNSET
    errors: Raw | UnsetType = UNSET


class _TwoStepDocument(_Envelope, gc=False):
    """A document whose attributes are decoded in a second step."""

    data: RawResourceObject | list[RawResourceObject] | UnsetType | None = UNSET


_decode_in_two_steps: Final = msgspec.json.Decoder(_TwoStepDocument).decode
_decode_raw_list: Final = msgspec.json.Decoder(list[RawResourceObject]).decode
_decode_attributes: Final = msgspec.json.Decoder(dict[str, Any], float_hook=exact).decode


class Decoders:
    """Decode documents with the classes of one registry."""

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
        # A converter of the caller's sees every attribute, which msgspec would fill without it.
        self._shadows = {} if converter is not None else {type: shadow_of(cls) for type, cls in classes.items()}
        self._fills: dict[str, Fill | None] = {}
        self._decode_document: Callable[[bytes], Any] = _decode_in_two_steps
        self._decode_list: Callable[[Raw], Any] = _decode_raw_list
        self._seen_types: dict[str, Any] = {}
        """The structs of types without a class."""
        if self._shadows and None not in self._shadows.values():
            self._compile_union()

    def _compile_union(self) -> None:
        try:
            structs = [_struct_of(cls, self._shadows[type]) for type, cls in self._classes.items()]
            known: Any = Union[(*structs, *self._seen_types.values(), _NeverMatches)]
            decode_document = _decoder(_envelope(known))
            self._decode_list = _decoder(list[known])
        except TypeError:
            # One attribute's annotation is a union that msgspec does not support: such a class is filled by field.
            return
        self._decode_document = decode_document

    def read(
        self,
        body: bytes,
        url: str | None,
        registry: ResourceDecoder,
        follow: Follower | None,
        response: object,
    ) -> Any:
        """Return the primary resources of a document; see `Registry.read`."""
        # msgspec checks the encoding of what it decodes, but not of members that it skips or keeps raw.
        if not body.isascii():
            require_utf8(body, url=url)
        try:
            envelope = self._decode_document(body)
        except Exception:  # noqa: BLE001 - a hook of the caller's may raise anything; the next way finds out what it means
            envelope = None
        if envelope is None:
            # Outside of the handler, so that the error that may come has no context that quotes values.
            envelope = self._fallback(body, url)
        data: Any = envelope.data
        # Empty errors beside data are none: see `Document.has_errors`.
        if data is UNSET or (envelope.errors is not UNSET and loads(envelope.errors, url=url)):
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
        # The same as `_finish` without its loop: one resource of a registered class is what most requests are for.
        resource = data.attributes
        resource.id = data.id
        resource._relationships = data.relationships
        resource._document = document
        resource.__class__ = data.resource
        return resource

    def included_of(self, document: Compound) -> tuple[Resource, ...]:
        """Return the included resources of a document; see `Registry.included_of`."""
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
        """Split a document into raw resource objects: at once, or one by one to find the malformed one."""
        envelope = _attempt(_decode_in_two_steps, body) if self._decode_document is not _decode_in_two_steps else None
        return raw_document(body, url) if envelope is None else envelope

    def _finish(self, structs: list[Any], document: Compound, at: str, *, many: bool) -> tuple[Resource, ...]:
        """Turn decoded resource objects into resources: identity, relationships, document, class.

        The loop runs for each resource of each page. Its assignments go to slots, some 20 ns each; the class comes
        last, since it makes the instance frozen.
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
            # Neighbours are mostly of one type: its class is looked up when the type changes.
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
        """Take the second step: decode each one's attributes with its class, by field where that is refused."""
        resources: list[Any] = []
        ways: dict[str, tuple[Any, Fill | None]] = {}
        for n, raw_object in enumerate(raw_objects):
            way = ways.get(raw_object.type)
            if way is None:
                cls = self._classes.get(raw_object.type, GenericResource)
                way = ways[raw_object.type] = (cls, self._fill_of(raw_object.type))
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
        """Let types without a class join the union, which would refuse each further document that holds them."""
        new = [type for type in types if type not in self._classes and type not in self._seen_types]
        if not new or self._decode_document is _decode_in_two_steps:
            return
        if len(self._seen_types) + len(new) > MAX_SEEN_TYPES or _IMPOSSIBLE_TYPE in new:
            # No end of new types: an attempt in one pass would mostly be in vain. Two steps refuse none.
            self._decode_document, self._decode_list = _decode_in_two_steps, _decode_raw_list
            return
        self._seen_types |= {type: _struct_of_seen(type) for type in new}
        self._compile_union()

    def _fill_fieldwise(
        self, cls: type[Resource], raw_object: RawResourceObject, pointer: str, document: Compound
    ) -> Any:
        resource = self._fieldwise.structure(
            cls, raw_object.type, raw_object.id, raw_object.attributes, pointer=pointer, url=document.url
        )
        object.__setattr__(resource, "_relationships", raw_object.relationships)
        object.__setattr__(resource, "_document", document)
        return resource

    def _fill_of(self, type: str) -> Fill | None:
        """Return what fills the shadow of a type's class; None if it must be filled by field."""
        if type not in self._classes:
            return lambda raw: _generic(type, _decode_attributes(raw))
        if type not in self._fills:
            self._fills[type] = self._compile_fill(self._shadows.get(type))
        return self._fills[type]

    def _compile_fill(self, shadow: type[Any] | None) -> Fill | None:
        try:
            return _decoder(shadow) if shadow is not None else None
        except TypeError:
            return None


def _attempt(decode: Callable[[Any], Any], raw: bytes | Raw) -> Any:
    try:
        return decode(raw)
    except Exception:  # noqa: BLE001 - a hook of the caller's may raise anything; the next way finds out what it means
        return None


def _decoder(type: Any) -> Any:
    return msgspec.json.Decoder(type, float_hook=exact, dec_hook=structure_unknown).decode


def _envelope(struct: Any) -> Any:
    data = struct | list[struct] | UnsetType | None
    return msgspec.defstruct("_OnePassDocument", [("data", data, UNSET)], bases=(_Envelope,), gc=False)


def _struct_of(cls: type[Resource], shadow: type[Any] | None) -> Any:
    return msgspec.defstruct(
        f"_Known{cls.__name__}",
        [("attributes", shadow)],
        bases=(_KnownResource,),
        namespace={"resource": cls},
        tag_field="type",
        tag=cls.type,
        gc=False,
        kw_only=True,
    )


def _struct_of_seen(type: str) -> Any:
    return msgspec.defstruct(
        "_Seen", (), bases=(_SeenResource,), namespace={"type": type}, tag_field="type", tag=type, gc=False
    )


_generic_shadow: Final[Any] = shadow_of(GenericResource)
_new_generic: Final[Callable[[], Any]] = partial(object.__new__, _generic_shadow)


def _generic(type: str, attributes: dict[str, Any]) -> Any:
    resource = _new_generic()
    resource.type = type
    resource.attributes = own_members(attributes)
    return resource


def _no_data(envelope: Any, url: str | None) -> NoReturn:
    if envelope.errors is not UNSET:
        raise DecodeError(expected="primary data", got="errors", pointer="/errors", url=url)
    raise DecodeError(expected="primary data", got="a document without data", url=url)
