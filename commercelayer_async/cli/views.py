"""Resources as the commands show them."""

from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Final, cast

import attrs

from ..jsonapi import GenericResource, Relationship, RelationshipState, Resource, ResourceIdentifier
from .masking import Mask
from .output import Output, text_of

_SHOWN_IDENTIFIERS: Final = 5


@attrs.frozen
class RelationshipView:
    """A relationship as the commands show it, with secrets masked."""

    name: str
    state: str
    """The value of its `RelationshipState`."""
    loaded: bool
    """True if awaiting it needs no request."""
    identifiers: tuple[str, ...]
    """The linkage, as "type/id"."""
    link: str | None
    """Its link `related`; None if the document has none."""

    @property
    def leads_to(self) -> str:
        """The linkage, shortened; without linkage, the link."""
        if not self.identifiers:
            return self.link or ""
        more = len(self.identifiers) - _SHOWN_IDENTIFIERS
        return ", ".join(self.identifiers[:_SHOWN_IDENTIFIERS]) + (f" and {more} more" if more > 0 else "")


@attrs.frozen
class ResourceView:
    """A resource as the commands show it, with secrets masked."""

    cls: str
    """The name of its class."""
    type: str
    id: str
    attributes: Mapping[str, object]
    """The decoded attributes that the document holds, by their names in it."""
    relationships: tuple[RelationshipView, ...]
    meta: Mapping[str, object]


def view_of(resource: Resource, mask: Mask, at: str) -> ResourceView:
    """Make the view of a resource; `at` is its JSON pointer in the output.

    Raises:
        DecodeError: a part that is decoded only when it is used, such as a relationship, is malformed.
    """
    return ResourceView(
        cls=type(resource).__name__,
        type=resource.type,
        id=resource.id,
        attributes=mask.attributes(type(resource), _attributes(resource), f"{at}/attributes"),
        relationships=tuple(
            relationship_view_of(relationship, mask, f"{at}/relationships/{relationship.name}")
            for relationship in list(resource.relationships.values())
        ),
        meta=cast("dict[str, object]", mask.value(resource.meta, f"{at}/meta")),
    )


def relationship_view_of(relationship: Relationship, mask: Mask, at: str) -> RelationshipView:
    """Make the view of a relationship, without a request; `at` is its JSON pointer in the output."""
    link = relationship.links.related
    return RelationshipView(
        name=relationship.name,
        state=relationship.state.value,
        loaded=relationship.loaded,
        identifiers=tuple(map(_name_of, relationship.identifiers)),
        link=None if link is None else text_of(mask.value(link.href, f"{at}/link")),
    )


def show_resource(output: Output, view: ResourceView) -> None:
    """Write the class and identity of a resource, its attributes, relationships and meta."""
    name = f"{view.cls} {view.type}/{view.id}"
    output.table(name, ("attribute", "value"), _cells(view.attributes))
    if view.relationships:
        rows = [(each.name, each.state, each.leads_to) for each in view.relationships]
        output.table("relationships", ("name", "state", "leads to"), rows)
    if view.meta:
        output.table("meta", ("name", "value"), _cells(view.meta))


async def included_in(resource: Resource) -> tuple[Resource, ...]:
    """The included resources of the same document that linkage leads to from `resource`, nearest first."""
    found = {(resource.type, resource.id): resource}
    queue = deque([resource])
    while queue:
        relationships = list(queue.popleft().relationships.values())
        for relationship in relationships:
            if relationship.state is not RelationshipState.INCLUDED:
                continue
            targets: Resource | tuple[Resource, ...] = await relationship  # included, so no request
            for target in targets if isinstance(targets, tuple) else (targets,):
                if found.setdefault((target.type, target.id), target) is target and target is not resource:
                    queue.append(target)
    return tuple(found.values())[1:]


def _attributes(resource: Resource) -> dict[str, object]:
    if isinstance(resource, GenericResource):
        return dict(resource.attributes)
    received = cast("Mapping[str, object]", resource.raw.get("attributes") or {})
    fields = {field.alias: field.name for field in attrs.fields(type(resource))}
    unknown = resource.extra
    return {
        name: unknown[name] if name in unknown else _jsonable(getattr(resource, fields[name]))
        for name in received
        if name in unknown or name in fields
    }


def _jsonable(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _name_of(identifier: ResourceIdentifier) -> str:
    return f"{identifier.type}/{identifier.id if identifier.id is not None else identifier.lid}"


def _cells(members: Mapping[str, object]) -> list[tuple[str, str]]:
    return [(name, text_of(value)) for name, value in members.items()]
