"""The small objects of a document: resource identifiers and error objects."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import attrs

from .._markers import public
from .._text import printable
from ._json import as_array, as_object
from .links import Link, Links, links_from_json


@public("commercelayer_async.jsonapi")
@attrs.frozen
class ResourceIdentifier:
    """The identity of a resource, as linkage gives it (JSON:API 1.1, "Resource Identifier Objects").

    Two identifiers are equal if they name the same resource; `meta` belongs to the reference, not to the resource,
    and does not count.
    """

    type: str
    id: str | None = None
    """None only for a resource that has no id on the server yet; then `lid` identifies it in its document."""
    lid: str | None = None
    """Identity local to one document (1.1); never an id."""
    meta: Mapping[str, Any] = attrs.field(factory=dict[str, Any], eq=False)

    @property
    def key(self) -> tuple[str, str, str]:
        """Type, "id" or "lid", and the value of that: the identity of the resource in a document."""
        return (self.type, "id", self.id) if self.id is not None else (self.type, "lid", self.lid or "")


@public("commercelayer_async.jsonapi")
@attrs.frozen
class ErrorObject:
    """One error, as the server describes it (JSON:API 1.1, "Error Objects").

    Every member is optional. `code` and `status` are strings here even if a server sends numbers; if `status` differs
    from the HTTP status, the latter is right. `title` and `detail` are for people and may be localised.
    """

    id: str | None = None
    status: str | None = None
    code: str | None = None
    title: str | None = None
    detail: str | None = None
    source: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    """`pointer`, `parameter` or `header`: the part of the request that caused it."""
    links: Mapping[str, Link | None] = attrs.field(factory=Links)
    """`about` this occurrence, and the `type` of error; never followed automatically."""
    meta: Mapping[str, Any] = attrs.field(factory=dict[str, Any])

    def __str__(self) -> str:
        where = self.source.get("pointer") or self.source.get("parameter") or self.source.get("header")
        texts = [text for text in (self.code, self.title, self.detail) if text]
        if isinstance(where, str):
            texts.append(f"({where})")
        return printable(": ".join(texts) or "an error without a description", 300)


def errors_from_json(value: object, *, base: str | None = None) -> tuple[ErrorObject, ...]:
    """Return the error objects of an `errors` member, in order; never fails, whatever the member is.

    A single object counts as one; entries that are not objects are skipped.
    """
    entries = as_array(value)
    objects = map(as_object, [value] if entries is None else entries)
    return tuple(_error(entry, base) for entry in objects if entry is not None)


def _error(entry: dict[str, Any], base: str | None) -> ErrorObject:
    return ErrorObject(
        id=_text(entry.get("id")),
        status=_text(entry.get("status")),
        code=_text(entry.get("code")),
        title=_text(entry.get("title")),
        detail=_text(entry.get("detail")),
        source=as_object(entry.get("source")) or {},
        links=links_from_json(as_object(entry.get("links")), pointer="/errors/links", base=base),
        meta=as_object(entry.get("meta")) or {},
    )


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else None
