"""From documents to resources: which class stands for which type."""

from typing import Any

from ..errors import ConfigurationError
from ._compound import Compound
from ._decoders import Decoders
from ._json import as_text
from .document import Document
from .relationship import Follow
from .resource import GenericResource, Resource

Decoded = Resource | tuple[Resource, ...] | None
"""What primary data becomes: a resource, a tuple of resources in the document's order, or None for null."""


class Registry:
    """The resource classes of a service, by JSON:API type; immutable, and safe to share.

    Decoding gives instances of the registered classes, and `GenericResource` for every other type.
    """

    def __init__(self, *classes: type[Resource]) -> None:
        """Know `classes`; a later one replaces an earlier one of the same type.

        Raises:
            ConfigurationError: one is no attrs class made from `Resource`, or names no `type`.
        """
        self._classes = {_type_of(cls): cls for cls in classes}
        self._variants: dict[type[Resource] | str, Registry] = {}
        self._decoders: Decoders | None = None

    def __repr__(self) -> str:
        return f"Registry({', '.join(cls.__name__ for cls in self._classes.values())})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Registry, tuple(self._classes.values())

    def __deepcopy__(self, memo: dict[int, Any]) -> "Registry":
        return self

    @property
    def classes(self) -> tuple[type[Resource], ...]:
        """The registered classes."""
        return tuple(self._classes.values())

    def get(self, type_: str) -> type[Resource]:
        """The class for a JSON:API type; `GenericResource` if none was registered."""
        return self._classes.get(type_, GenericResource)

    def preferring(self, cls: type[Resource]) -> "Registry":
        """This registry with `cls` for its type: itself if it has it already, else always the same other one."""
        if self._classes.get(cls.type) is cls:
            return self
        found = self._variants.get(cls)
        if found is None:
            found = self._variants[cls] = Registry(*self._classes.values(), cls)
        return found

    def without(self, type_: str) -> "Registry":
        """This registry without a class for a type, so that it gives `GenericResource`s."""
        if type_ not in self._classes:
            return self
        found = self._variants.get(type_)
        if found is None:
            kept = (cls for name, cls in self._classes.items() if name != type_)
            found = self._variants[type_] = Registry(*kept)
        return found

    def decode(self, document: Document, *, follow: Follow | None = None) -> Decoded:
        """The resources that the primary data of a parsed document holds; see `read`."""
        return self.read(document.body, url=document.url, follow=follow)

    def read(self, body: bytes, *, url: str | None = None, follow: Follow | None = None) -> Decoded:
        """The resources that the primary data of a document holds, straight from its bytes.

        `url` is where the document came from; `follow` is what relationships will be fetched through, None if they
        will not be. Included resources, relationships, links and meta are decoded when they are first asked for, and
        what is wrong with them shows then.

        Raises:
            DecodeError: the bytes are no JSON, no JSON:API document, have errors or no primary data, or a resource
                object does not fit its class.
        """
        resources: Decoded = self._compiled.read(body, url, self, follow)
        return resources

    def included_of(self, document: Compound) -> tuple[Resource, ...]:
        """The included resources of a document, decoded now, in its order."""
        return self._compiled.included_of(document)

    def primary_of(self, document: Compound) -> tuple[Resource, ...]:
        """The primary resources of a document whose first ones are in other hands."""
        again = self.read(document.body, url=document.url)
        resources = again if isinstance(again, tuple) else (again,) if again is not None else ()
        for resource in resources:
            object.__setattr__(resource, "_document", document)
        return resources

    @property
    def _compiled(self) -> Decoders:
        if self._decoders is None:
            self._decoders = Decoders(self._classes)
        return self._decoders


def _type_of(cls: object) -> str:
    if not (isinstance(cls, type) and issubclass(cls, Resource) and "__attrs_attrs__" in vars(cls)):
        raise ConfigurationError(f"{cls!r} is no resource class: subclass Resource, decorate it with attrs.frozen")
    type_ = as_text(getattr(cls, "type", None))
    if not type_:
        raise ConfigurationError(f'{cls.__name__} names no JSON:API type; give it type: ClassVar[str] = "…"')
    return type_
