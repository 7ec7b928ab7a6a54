"""From documents to resources: which class stands for which type."""

from typing import TYPE_CHECKING, Any, cast

import attrs

from ._compound import Compound
from ._decode.decoders import Decoders
from ._json import as_text
from .document import MAX_RESOURCES, Document
from .errors import ConfigurationError
from .follow import Follow
from .resource import GenericResource, Resource, declared_relationships

if TYPE_CHECKING:
    from cattrs import Converter

Decoded = Resource | tuple[Resource, ...] | None
"""What primary data becomes: a resource, a tuple of resources in the document's order, or None for null."""


class Registry:
    """The resource classes of a service, by JSON:API type; immutable, and safe to share.

    Decoding gives instances of the registered classes, and `GenericResource` for every other type.
    """

    def __init__(
        self,
        *classes: type[Resource],
        converter: "Converter | None" = None,
        max_resources: int = MAX_RESOURCES,
    ) -> None:
        """Know `classes`; a later one replaces an earlier one of the same type.

        Args:
            classes: Resource classes, each with a `type`.
            converter: A cattrs converter with hooks of the caller's: it makes the value of each attribute, and it
                alone decides what fits. Slower, as every attribute goes through it. Without one, types are taken at
                their word (msgspec's strict rules), and cattrs makes only what msgspec does not know.
            max_resources: How many resource objects `data` and `included` may hold, each.

        Raises:
            ConfigurationError: one is no attrs class made from `Resource`, or names no `type`.
        """
        self._classes = {type_of(cls): cls for cls in classes}
        self._options = _RegistryOptions(converter, max_resources)
        self._variants: dict[object, Registry] = {}
        self._decoders: Decoders | None = None

    def __repr__(self) -> str:
        shown = f"Registry({', '.join(cls.__name__ for cls in self._classes.values())})"
        return f"{shown}.lenient()" if self._options.lenient else shown

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore_registry, (self.classes, self._options)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Registry":
        return self

    @property
    def classes(self) -> tuple[type[Resource], ...]:
        """The registered classes."""
        return tuple(self._classes.values())

    @property
    def converter(self) -> "Converter | None":
        """The caller's converter, if one was given."""
        return self._options.converter

    def get(self, type_: str) -> type[Resource]:
        """The class for a JSON:API type; `GenericResource` if none was registered."""
        return self._classes.get(type_, GenericResource)

    def target_of(self, type_: str, relationship: str) -> tuple[type[Resource], ...] | None:
        """The classes that a declared relationship may lead to; None where that is not known, or anything may come.

        The type parameter of a declaration is for type checkers, which read names; here they stand for the registered
        classes of those names. A name that stands for none, as an alias does, may be anything.
        """
        declared = declared_relationships(self.get(type_)).get(relationship)
        names = declared.names if declared is not None else ()
        by_name = {cls.__name__: cls for cls in self._classes.values()}
        if not names or not all(name in by_name for name in names):
            return None
        return tuple(by_name[name] for name in names)

    def preferring(self, cls: type[Resource]) -> "Registry":
        """This registry with `cls` for its type: itself if it has it already, else always the same other one."""
        if self._classes.get(cls.type) is cls:
            return self
        return self._variant(cls, (*self._classes.values(), cls))

    def without(self, type_: str) -> "Registry":
        """This registry without a class for a type, so that it gives `GenericResource`s."""
        if type_ not in self._classes:
            return self
        return self._variant(type_, tuple(cls for name, cls in self._classes.items() if name != type_))

    def lenient(self) -> "Registry":
        """This registry, keeping attributes that do not fit as they were received, and None for those that are missing.

        `resource.invalid_attributes` names them. One odd value must not stop a migration of many records; whoever reads
        leniently looks there. What is wrong with a document's structure is still refused.
        """
        if self._options.lenient:
            return self
        found = self._variants.get(None)
        if found is None:
            found = self._variants[None] = _restore_registry(self.classes, attrs.evolve(self._options, lenient=False))
            found._options = attrs.evolve(self._options, lenient=True)
        return found

    def _variant(self, of: object, classes: tuple[type[Resource], ...]) -> "Registry":
        if of not in self._variants:
            self._variants[of] = _restore_registry(classes, self._options)
        return self._variants[of]

    def decode(self, document: Document, *, follow: Follow | None = None, response: object = None) -> Decoded:
        """The resources that the primary data of a parsed document holds; see `read`."""
        return self.read(document.body, url=document.url, follow=follow, response=response)

    def read(
        self,
        body: bytes,
        *,
        url: str | None = None,
        follow: Follow | None = None,
        response: object = None,
    ) -> Decoded:
        """The resources that the primary data of a document holds, straight from its bytes.

        `url` is where the document came from; `follow` is what relationships will be fetched through, None if they
        will not be; `response` is any object that stands for the HTTP response, which the resources then lead back to
        until they are pickled. Included resources, relationships, links and meta are decoded when they are first
        asked for, and what is wrong with them shows then.

        Raises:
            DecodeError: the bytes are no JSON, no JSON:API document, have errors or no primary data, or a resource
                object does not fit its class.
        """
        decoders = self._decoders or self._compiled
        resources: Decoded = decoders.read(body, url, self, follow, response)
        return resources

    def included_of(self, document: Compound) -> tuple[Resource, ...]:
        """The included resources of a document, decoded now, in its order."""
        return self._compiled.included_of(document)

    def primary_of(self, document: Compound) -> tuple[Resource, ...]:
        """The primary resources of a document whose first ones are in other hands."""
        again: Any = self.read(document.body, url=document.url)
        resources = cast("tuple[Resource, ...]", again if isinstance(again, tuple) else (again,))
        for resource in resources:
            object.__setattr__(resource, "_document", document)
        return resources

    @property
    def _compiled(self) -> Decoders:
        if self._decoders is None:
            options = self._options
            self._decoders = Decoders(
                self._classes,
                max_resources=options.max_resources,
                converter=options.converter,
                lenient=options.lenient,
            )
        return self._decoders


@attrs.frozen
class _RegistryOptions:
    """How a registry reads, whatever its classes."""

    converter: "Converter | None" = None
    max_resources: int = MAX_RESOURCES
    lenient: bool = False


def _restore_registry(classes: tuple[type[Resource], ...], options: _RegistryOptions) -> Registry:
    registry = Registry(*classes, converter=options.converter, max_resources=options.max_resources)
    return registry.lenient() if options.lenient else registry


def type_of(cls: object) -> str:
    """The JSON:API type that a resource class names.

    Raises:
        ConfigurationError: it is no attrs class made from `Resource`, or names no type.
    """
    if not (isinstance(cls, type) and issubclass(cls, Resource) and "__attrs_attrs__" in vars(cls)):
        raise ConfigurationError(f"{cls!r} is no resource class: subclass Resource, decorate it with attrs.frozen")
    type_ = as_text(getattr(cls, "type", None))
    if not type_:
        raise ConfigurationError(f'{cls.__name__} names no JSON:API type; give it type: ClassVar[str] = "…"')
    return type_
