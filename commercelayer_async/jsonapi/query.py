"""Build request targets: paths, `include` and sparse fieldsets, checked before anything is sent.

Names of relationships are checked against the class if there is one, so that a slip is found here and not by the
server. A relationship may be named as the class calls it, or as the document does.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import NoneType
from typing import Any, Final, ForwardRef, TypeAlias, cast, get_args
from urllib.parse import quote
from weakref import WeakKeyDictionary

from .._plain import plain, plain_text
from .._text import did_you_mean, json_type_name, printable
from ._schema import member_names, once_per_class
from .declaration import ToMany, ToOne
from .errors import ConfigurationError
from .registry import Registry, type_of
from .resource import GenericResource, Resource, declared_relationships

SEGMENT: Final = "[A-Za-z0-9_-]{1,64}"
"""A pattern for what is safe as a path segment whatever a server does with dots and slashes."""
_SEGMENT: Final = re.compile(SEGMENT)
_INCLUDE: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")

_MAX_PATHS: Final = 256

_Path: TypeAlias = tuple[tuple[type[Resource], ...], str]
"""An include path as a caller gave it, behind the classes that it begins at."""


class _Known:
    """What requests need to know of the classes of one registry, found out once."""

    def __init__(self, registry: Registry) -> None:
        self.sparse = tuple(cls for cls in registry.classes if cls.sparse)
        self.targets: dict[tuple[type[Resource], str], tuple[type[Resource], ...]] = {}
        """What relationships may lead to, by class and member name."""
        self.paths: dict[_Path, str] = {}
        """Include paths that were checked, in member names."""


_known: Final[WeakKeyDictionary[Registry, _Known]] = WeakKeyDictionary()


def _known_of(registry: Registry) -> _Known:
    found = _known.get(registry)
    if found is None:
        found = _known[registry] = _Known(registry)
    return found


def path_of(type: str, id: str) -> str:
    """Return the path of a resource below the API's root, `/customers/xYZkjABcde`.

    Raises:
        ConfigurationError: the type or id is not one plain path segment: letters, digits, `_` and `-`, at most 64.
    """
    return f"/{segment(type, 'type')}/{segment(id, 'id')}"


def segment(text: object, what: str) -> str:
    """Return `text` as a plain one, if it is safe as a path segment whatever a server does with dots and slashes.

    Raises:
        ConfigurationError: it is not; `what` is how the error calls it.
    """
    given = plain(text)
    if isinstance(given, str):
        if _SEGMENT.fullmatch(given):
            return given
        shown = repr(printable(given, 60)) if given else "an empty string"
    else:
        shown = json_type_name(given) if given is None else f"a {type(given).__name__}"
    raise ConfigurationError(f"{what} must be 1 to 64 letters, digits, '_' or '-', not {shown}")


def names_in(given: object, what: str) -> tuple[str, ...]:
    """Return the names of an argument that takes several: an iterable of texts, or one text with commas.

    Raises:
        ConfigurationError: it is neither; `what` is how the error calls it.
    """
    if type(given) is tuple and not given:
        # What most calls have.
        return ()
    text = plain_text(given)
    if text is not None:
        return tuple(text.split(",")) if text else ()
    if given is None:
        return ()
    if isinstance(given, bytes) or not isinstance(given, Iterable):
        raise ConfigurationError(f"{what} takes names, as one text with commas or several, not a {_class_of(given)}")
    return tuple(_name(entry, what) for entry in cast("Iterable[object]", given))


def _name(given: object, what: str) -> str:
    name = plain_text(given)
    if name is None:
        raise ConfigurationError(f"{what} takes names, and a {_class_of(given)} is not one")
    return name


def _class_of(value: object) -> str:
    return type(value).__name__


def include_paths(
    include: str | Iterable[str],
    cls: type[Resource] | Iterable[type[Resource]],
    registry: Registry | None = None,
) -> tuple[str, ...]:
    """Return the relationship paths of an `include` argument: names and dotted paths, or one comma-separated string.

    Args:
        include: What a caller gave. A name may be the attribute's of the class instead of the member's.
        cls: The class of the resources, or the classes that they may be of; `Resource` or `GenericResource` where it is
            not known.
        registry: Where the classes further down the paths are found; without it, only first names are looked up.

    Raises:
        ConfigurationError: one is malformed, or names a relationship that none of the classes declares which are known
            at that point of it. Classes are known as far as relationships are declared to lead to some, and one that
            declares no relationships may have any.
    """
    classes = (cls,) if isinstance(cls, type) else tuple(cls)
    known = _known_of(registry).paths if registry is not None else {}
    return tuple(
        known.get((classes, path)) or _kept(known, (classes, path), _member_path(path, classes, registry))
        for path in names_in(include, "include")
    )


def _kept(known: dict[_Path, str], key: _Path, path: str) -> str:
    """Keep a checked path among those that are known, which a caller's own texts may not fill up."""
    if len(known) < _MAX_PATHS:
        known[key] = path
    return path


def _member_path(path: str, classes: Sequence[type[Resource]] | None, registry: Registry | None) -> str:
    """Return a relationship path in member names."""
    members: list[str] = []
    rest: str | None = path
    while rest is not None:
        name, member = _first_step(rest, classes)
        if member is None:
            if not _INCLUDE.fullmatch(rest):
                raise ConfigurationError(
                    f"include: {printable(repr(path), 80)} is not a relationship path such as 'a.b'"
                )
            if classes and all(declared_relationships(cls) for cls in classes):
                raise _unknown_step(name, classes, members)
        members.append(name if member is None else member)
        rest = rest[len(name) + 1 :] if len(rest) > len(name) else None
        classes = None if registry is None else targets_of(classes, members[-1], registry)
    return ".".join(members)


def _unknown_step(name: str, classes: Sequence[type[Resource]], before: Sequence[str]) -> ConfigurationError:
    """The error for a name of a path that none of `classes` declares, behind the names `before` it."""
    place = repr(".".join(before))
    if len(classes) == 1:
        subject = f"{classes[0].__name__}{f', which {place} leads to,' if before else ''} has no"
    else:
        subject = f"none of the {len(classes)} classes{f' that {place} leads to' if before else ''} has a"
    known = [name for cls in classes for name in relationship_names(cls)]
    return ConfigurationError(f"include: {subject} relationship {printable(repr(name), 80)}{did_you_mean(name, known)}")


def first_name(path: str, cls: type[Resource]) -> str:
    """Return the first name of a relationship path in member names."""
    return _first_step(path, (cls,))[0]


def _first_step(path: str, classes: Iterable[type[Resource]] | None) -> tuple[str, str | None]:
    """Return the first name of a path as it stands there, and as a member; None where no class is known to have it."""
    known = {name: member for cls in classes or () for name, member in relationship_names(cls).items()}
    # A member's own name may hold a dot, so the longest that is known comes first.
    name = max((name for name in known if f"{path}.".startswith(f"{name}.")), key=len, default=None)
    return (path.partition(".")[0], None) if name is None else (name, known[name])


@once_per_class
def relationship_names(cls: Any) -> Mapping[str, str]:
    """Return the member name of each relationship of a class, by every name that a caller may know it by."""
    bases: tuple[type, ...] = cls.__mro__
    by_attribute = {
        name: value.member
        for base in reversed(bases)
        for name, value in vars(base).items()
        if isinstance(value, (ToOne, ToMany))
    }
    return by_attribute | {member: member for member in declared_relationships(cls)}


@once_per_class
def attribute_names(cls: Any) -> Mapping[str, str]:
    """Return the member name of each attribute of a class, by every name that a caller may know it by."""
    members = member_names(cls)
    return {field: member for member, field in members.items()} | {member: member for member in members}


def fieldset(cls: type[Resource]) -> tuple[str, ...] | None:
    """Return the field names that a sparse class requests; None for a class that takes all fields."""
    if not cls.sparse:
        return None
    return (*member_names(cls), *declared_relationships(cls))


def query_of(cls: type[Resource], include: Sequence[str] = (), registry: Registry | None = None) -> str:
    """Return the query for resources of `cls`, with a leading `?`; empty if there are no parameters.

    Brackets are percent-encoded (JSON:API 1.1, "Square Brackets in Parameter Names").

    Args:
        cls: The class that declares their relationships; `Resource` if it is not known.
        include: The relationship paths of what is included, in member names.
        registry: The classes that the response is decoded into; `cls` alone if it is not given.
    """
    if registry is None:
        registry = Registry(*(() if cls in (Resource, GenericResource) else (cls,)))
    if not include and not _known_of(registry).sparse:
        return ""
    parameters = parameters_of(None if cls is Resource else (cls,), include, registry)
    return f"?{'&'.join(parameters)}" if parameters else ""


def parameters_of(
    classes: Sequence[type[Resource]] | None, include: Sequence[str], registry: Registry
) -> tuple[str, ...]:
    """Return the parameters for resources of any of `classes`, encoded; see `query_of` and `fieldsets`."""
    paths = (f"include={','.join(quote(path, safe='') for path in include)}",) if include else ()
    fields = fieldsets(classes, include, registry)
    return (
        *paths,
        *(f"fields%5B{quote(type)}%5D={','.join(map(quote, names))}" for type, names in fields.items()),
    )


def fieldsets(
    classes: Sequence[type[Resource]] | None, include: Sequence[str], registry: Registry
) -> dict[str, tuple[str, ...]]:
    """Return the fields to request of each type: of the sparse classes that a response may be decoded into.

    Args:
        classes: The classes of the primary resources; None if they are not known, which stands for every sparse one.
        include: The relationship paths of what is included, in member names.
        registry: The classes that the response is decoded into.
    """
    sparse = _known_of(registry).sparse
    if not sparse:
        return {}
    fields: dict[type[Resource], dict[str, None]] = {}

    def request(candidates: Sequence[type[Resource]] | None, relationship: str | None = None) -> None:
        asked = [cls for cls in sparse if candidates is None or cls in candidates]
        for cls in asked:
            fields.setdefault(cls, dict.fromkeys(fieldset(cls) or ()))
        if relationship is not None and candidates is not None:
            # The linkage of an included relationship is left out of the response unless the fieldset lists it.
            for cls in _declaring(asked, relationship) or asked:
                fields[cls][relationship] = None

    request(classes)
    for path in include:
        at, rest = classes, path
        while rest:
            name, _ = _first_step(rest, at)
            request(at, name)
            at, rest = targets_of(at, name, registry), rest[len(name) + 1 :]
            request(at)
    return {type_of(cls): tuple(names) for cls, names in fields.items()}


def _declaring(classes: Iterable[type[Resource]], relationship: str) -> list[type[Resource]]:
    return [cls for cls in classes if relationship in declared_relationships(cls)]


def targets_of(
    classes: Iterable[type[Resource]] | None, relationship: str, registry: Registry
) -> tuple[type[Resource], ...] | None:
    """Return the classes that a relationship of some of `classes` may lead to; None if they are not known."""
    found: dict[type[Resource], None] = {}
    known = _known_of(registry).targets
    for cls in _declaring(classes or (), relationship):
        targets = known.get((cls, relationship))
        if targets is None:
            targets = known[cls, relationship] = tuple(_targets_of(cls, relationship, registry))
        for target in targets:
            if target in (Resource, GenericResource):
                return None
            found[target] = None
    return tuple(found) or None


def _targets_of(cls: type[Resource], relationship: str, registry: Registry) -> Iterator[type[Resource]]:
    """The classes that a declared relationship names, as they are registered; `GenericResource` for one that is not."""
    for target in _type_parameters(declared_relationships(cls)[relationship], cls, registry):
        if isinstance(target, type) and issubclass(target, Resource) and target not in (Resource, GenericResource):
            yield registry.get(type_of(target))
        else:
            yield GenericResource


def _type_parameters(declared: ToOne[Any] | ToMany[Any], cls: type[Resource], registry: Registry) -> Iterator[object]:
    """What a relationship is declared to lead to; of a name, the registered class, else what its module knows."""
    by_name = {known.__name__: known for known in registry.classes}
    for argument in get_args(getattr(declared, "__orig_class__", None)):
        named = [by_name.get(name) or _in_module(name, cls) for name in declared.names]
        for target in named if isinstance(argument, ForwardRef) else [argument]:
            # An alias may end in `GenericResource`, for types that are newer than it.
            members = [one for one in get_args(target) if one not in (GenericResource, NoneType)]
            yield from members or [target]


def _in_module(name: str, cls: type[Resource]) -> object:
    """What a name stands for in the module of a class, or in its package; None if neither has it."""
    module = cls.__module__
    found = (getattr(sys.modules.get(where), name, None) for where in (module, module.rpartition(".")[0]))
    return next((one for one in found if one is not None), None)
