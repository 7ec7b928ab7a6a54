"""Registries: which class resource objects of each type are decoded into."""

import sys
from typing import TYPE_CHECKING, Any, cast

import attrs

from .._markers import public
from .._plain import plain_text
from ._compound import Compound
from ._decode.decoders import Decoders
from ._decode.supported import require_supported, require_supported_by
from ._json import as_text
from .document import MAX_RESOURCES, Document
from .errors import ConfigurationError
from .follow import Follow
from .resource import GenericResource, Resource, declared_relationships

if TYPE_CHECKING:
    from cattrs import Converter

Decoded = Resource | tuple[Resource, ...] | None
"""Decoded primary data: a resource, a tuple of resources in the document's order, or None for null."""


@public("commercelayer_async.jsonapi")
class Registry:
    """The resource classes of a service, by JSON:API type; immutable, and safe to share.

    Decoding gives instances of the registered classes, and `GenericResource`s for all other types.
    """

    def __init__(
        self,
        *classes: type[Resource],
        converter: "Converter | None" = None,
        max_resources: int = MAX_RESOURCES,
        linkage_total: str | None = None,
    ) -> None:
        """Register `classes`; a later one replaces an earlier one of the same type.

        Args:
            classes: Resource classes, each with a `type`.
            converter: A cattrs converter with hooks of the caller's, which structures every attribute and alone
                decides what fits; slower. Without one, annotations are enforced strictly by msgspec, and cattrs
                structures only types that msgspec does not know.
            max_resources: How many resource objects `data` and `included` may hold, each.
            linkage_total: Where the `meta` of a relationship says how many targets it has, by members with dots, such
                as `"paging.total"`: linkage of fewer is but a part, though no link says so.

        Raises:
            ConfigurationError: one is not an attrs class derived from `Resource`, has no `type`, or has an attribute
                whose annotation cannot be resolved, or of which nothing makes values.
        """
        self._classes = {_identity(cls): cls for cls in classes}
        for cls in self._classes.values():
            if converter is None:
                require_supported(cls)
            else:
                require_supported_by(converter, cls)
        self._options = _RegistryOptions(converter, max_resources, linkage_total=linkage_total)
        self._variants: dict[object, Registry] = {}
        self._targets: dict[tuple[str, str], tuple[type[Resource], ...] | None] = {}
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
        """The caller's converter; None if none was given."""
        return self._options.converter

    @property
    def linkage_total(self) -> str | None:
        """Where the `meta` of a relationship says how many targets it has; None if it does not."""
        return self._options.linkage_total

    def get(self, type: str) -> type[Resource]:
        """Return the class for a JSON:API type; `GenericResource` if none is registered."""
        return self._classes.get(type, GenericResource)

    def target_of(self, type: str, relationship: str) -> tuple[type[Resource], ...] | None:
        """Return the classes that a declared relationship may lead to; None if unknown.

        The type parameter of a declaration holds names, as type checkers read them: each means the class of that name
        in the module of the declaration, and so the class that is registered for its type. One that the module lacks,
        since it is imported for type checkers alone, means the registered class of that name. If a name is neither, or
        that of several registered classes, the target is unknown.
        """
        route = (type, relationship)
        try:
            return self._targets[route]
        except KeyError:
            pass
        found = self._targets[route] = self._find_target(type, relationship)
        return found

    def _find_target(self, type: str, relationship: str) -> tuple[type[Resource], ...] | None:
        cls = self.get(type)
        declared = declared_relationships(cls).get(relationship)
        if declared is None or not declared.names:
            return None
        owner = next((base for base in cls.__mro__ if declared in vars(base).values()), cls)
        module = sys.modules.get(owner.__module__)
        found = [self._named(name, module) for name in declared.names]
        return tuple(one for one in found if one is not None) if None not in found else None

    def _named(self, name: str, module: object) -> type[Resource] | None:
        meant: Any = module
        for part in name.split("."):
            meant = getattr(meant, part, None)
        if isinstance(meant, type) and issubclass(meant, Resource):
            return self._classes.get(as_text(getattr(meant, "type", None)) or "")
        named = [cls for cls in self._classes.values() if cls.__name__ == name]
        return named[0] if len(named) == 1 else None

    def preferring(self, cls: type[Resource]) -> "Registry":
        """Return this registry with `cls` for its type: itself if it is so already, else always the same new one."""
        if self._classes.get(cls.type) is cls:
            return self
        return self._variant(cls, (*self._classes.values(), cls))

    def without(self, type: str) -> "Registry":
        """Return this registry without a class for a type, so that it gives `GenericResource`s."""
        if type not in self._classes:
            return self
        return self._variant(type, tuple(cls for name, cls in self._classes.items() if name != type))

    def lenient(self) -> "Registry":
        """Return this registry, keeping attributes that do not fit as received, and None for required ones missing.

        `resource.invalid_attributes` has their errors; look there. One odd value must not stop a migration of many
        records. A document with a malformed structure is still refused.
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
        """Return the primary resources of a parsed document; see `read`."""
        return self.read(document.body, url=document.url, follow=follow, response=response)

    def read(
        self,
        body: bytes,
        *,
        url: str | None = None,
        follow: Follow | None = None,
        response: object = None,
    ) -> Decoded:
        """Decode the primary resources of a document straight from its bytes.

        Included resources, relationships, links and meta are decoded on first access, and errors in them are raised
        then.

        Args:
            body: JSON in UTF-8.
            url: Where the document came from, which its links are resolved against.
            follow: What relationships are fetched through; without it, only what the document holds can be read.
            response: Any object that stands for the HTTP response: kept with the document, but not pickled.

        Raises:
            DecodeError: the bytes are not JSON or not a JSON:API document, have errors or no primary data, or a
                resource object does not fit its class.
        """
        decoders = self._decoders or self._compiled
        resources: Decoded = decoders.read(body, url, self, follow, response)
        return resources

    def included_of(self, document: Compound) -> tuple[Resource, ...]:
        """Decode the included resources of a document, in its order."""
        return self._compiled.included_of(document)

    def primary_of(self, document: Compound) -> tuple[Resource, ...]:
        """Decode the primary resources of a document anew, for one whose instances are no longer all in use."""
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


@public("commercelayer_async.jsonapi")
@attrs.frozen
class _RegistryOptions:
    """The options of a registry."""

    converter: "Converter | None" = None
    max_resources: int = MAX_RESOURCES
    lenient: bool = False
    linkage_total: str | None = None


@public("commercelayer_async.jsonapi")
def _restore_registry(classes: tuple[type[Resource], ...], options: _RegistryOptions) -> Registry:
    registry = Registry(
        *classes,
        converter=options.converter,
        max_resources=options.max_resources,
        linkage_total=options.linkage_total,
    )
    return registry.lenient() if options.lenient else registry


def type_of(cls: object) -> str:
    """Return the JSON:API type of a resource class that can be used without a converter.

    Raises:
        ConfigurationError: it is not an attrs class derived from `Resource`, has no type, or has an attribute whose
            annotation cannot be resolved, or of which nothing makes values.
    """
    type_ = _identity(cls)
    require_supported(cls)
    return type_


def _identity(cls: object) -> str:
    if not (isinstance(cls, type) and issubclass(cls, Resource) and "__attrs_attrs__" in vars(cls)):
        raise ConfigurationError(
            f"{cls!r} is not a resource class: subclass Resource and decorate it with attrs.frozen"
        )
    type_ = plain_text(getattr(cls, "type", None))
    if not type_:
        raise ConfigurationError(f'{cls.__name__} has no JSON:API type: give it type: ClassVar[str] = "…"')
    return type_
