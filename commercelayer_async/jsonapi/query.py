"""Build request targets: paths, `include` and sparse fieldsets, checked before anything is sent.

Names of relationships are checked against the class if there is one, so that a slip is found here and not by the
server.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import quote

from .._text import did_you_mean, json_type_name, printable
from ._schema import member_names
from .errors import ConfigurationError
from .resource import GenericResource, Resource, declared_relationships

_SEGMENT: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_INCLUDE: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


def path_of(type: str, id: str) -> str:
    """Return the path of a resource below the API's root, `/customers/xYZkjABcde`.

    Raises:
        ConfigurationError: the type or id is not one plain path segment: letters, digits, `_` and `-`, at most 64.
    """
    return f"/{segment(type, 'type')}/{segment(id, 'id')}"


def segment(text: object, what: str) -> str:
    """Return `text` if it is safe as one path segment, whatever a server does with dots, slashes and percent signs.

    Raises:
        ConfigurationError: it is not; `what` is how the error calls it.
    """
    if isinstance(text, str):
        if _SEGMENT.fullmatch(text):
            return text
        shown = repr(printable(text, 60)) if text else "an empty string"
    else:
        shown = json_type_name(text) if text is None else f"a {type(text).__name__}"
    raise ConfigurationError(f"{what} must be 1 to 64 letters, digits, '_' or '-', not {shown}")


def include_paths(include: str | Iterable[str], cls: type[Resource]) -> tuple[str, ...]:
    """Return the relationship paths of an `include` argument: names and dotted paths, or one comma-separated string.

    Raises:
        ConfigurationError: one is malformed, or starts with a relationship that `cls` does not declare.
    """
    if not include:
        return ()
    paths = tuple(map(str, include.split(",") if isinstance(include, str) and include else include))
    known = {} if cls in (Resource, GenericResource) else declared_relationships(cls)
    for path in paths:
        if not _INCLUDE.fullmatch(path):
            raise ConfigurationError(f"include: {printable(repr(path), 80)} is not a relationship path such as 'a.b'")
        name = path.partition(".")[0]
        if known and name not in known:
            raise ConfigurationError(f"include: {cls.__name__} has no relationship {name!r}{did_you_mean(name, known)}")
    return paths


def fieldset(cls: type[Resource]) -> tuple[str, ...] | None:
    """Return the field names that a sparse class requests; None for a class that takes all fields."""
    if not cls.sparse:
        return None
    return (*member_names(cls), *declared_relationships(cls))


def query_of(cls: type[Resource], include: Sequence[str] = ()) -> str:
    """Return the query for resources of `cls`, with a leading `?`; empty if there are no parameters.

    Brackets are percent-encoded (JSON:API 1.1, "Square Brackets in Parameter Names").
    """
    parameters: list[str] = []
    if include:
        parameters.append(f"include={','.join(include)}")
    fields = fieldset(cls)
    if fields is not None:
        # The linkage of an included relationship is left out of the response unless the fieldset lists it.
        roots = [path.partition(".")[0] for path in include]
        names = dict.fromkeys((*fields, *roots))
        parameters.append(f"fields%5B{quote(cls.type)}%5D={','.join(quote(name) for name in names)}")
    return f"?{'&'.join(parameters)}" if parameters else ""
