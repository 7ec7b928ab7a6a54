"""The relationships of one resource: one slice of bytes until the first is read, then an object for each that is.

The slot `_relationships` of a resource holds the slice, and from the first access on a dict by member name. A member in
it is a relationship object, or still bytes where it or a neighbour is not as most servers send it, and becomes a
`Relationship` when it is read.
"""

from typing import Any

from ._bookkeeping import set_relationships
from ._compound import Compound, Identified
from ._json import FAILURES, loads
from ._linkage import ABSENT, UNREAD, decode_members, decode_usual
from .document import mapping
from .relationship import Relationship, make_relationship


def get_relationship(resource: Any, name: str, cls: type[Relationship]) -> Any:
    """Return the relationship `name` of `resource`, made on first use and kept on the resource."""
    members = relationship_members(resource)
    value: Any = members.get(name, ABSENT)
    if type(value) not in UNREAD:
        return value
    document: Compound | None = getattr(resource, "_document", None)
    if document is not None and document.live_primary is None:
        document.track(resource)
    found = members[name] = make_relationship(cls, name, resource.key, document, value)
    return found


def is_in_document(value: Any) -> bool:
    """Return True if the document itself has this member; False for a placeholder made on access."""
    return not (isinstance(value, Relationship) and value.is_absent)


def relationship_members(resource: Identified) -> dict[str, Any]:
    """Return the members of a resource's `relationships` by name, each as far as it was read."""
    members: Any = getattr(resource, "_relationships", None)
    if members.__class__ is dict:
        found: dict[str, Any] = members
        return found
    return open_members(resource, members, getattr(resource, "_document", None))


def open_members(resource: Identified, raw: Any, document: Compound | None) -> dict[str, Any]:
    """Decode the slice, and keep what it holds on the resource in its stead.

    Raises:
        DecodeError: `relationships` is not an object.
    """
    try:
        members = decode_usual(raw)
    except (*FAILURES, TypeError):
        members = None
    if members is None:
        # Outside of the handler, so that an error has no context that quotes values.
        members = _decode(raw, document, resource)
    set_relationships(resource, members)
    return members


def _decode(raw: Any, document: Compound | None, resource: Identified) -> dict[str, Any]:
    """Decode what is not as most servers send it; nothing at all for a resource made by hand."""
    if raw is None:
        return {}
    members = decode_members(raw)
    if members is not None:
        return members
    url = document.url if document is not None else None
    at = document.locate(resource.key) if document is not None else ""
    return mapping(loads(raw, url=url), f"{at}/relationships", url)
