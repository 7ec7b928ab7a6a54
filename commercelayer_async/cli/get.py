"""`commercelayer-async get`: one resource, or what one of its relationships leads to."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any, Final

import attrs
import click

from .._text import did_you_mean, printable
from ..jsonapi import Relationship, Resource
from ..jsonapi.resource import declared_relationships
from .invocation import ENVIRONMENT_HELP, credentials_options, invocation
from .masking import Mask, class_of, own_secrets
from .options import MASKING_HELP, json_option, output_option, reveal_option
from .output import Output, output_for_people, write_json
from .progress import watched_session
from .query_options import include_option, limit_option, relationship_argument, suggesting_types, type_argument
from .records import Listed, read_pages, show_list
from .saving import written_to
from .services import page_size
from .views import included_in, show_resource, view_of

_EPILOG: Final = f"""{ENVIRONMENT_HELP}

\b
JSON (--json), always with these members:
  data      the resource object as received
            of a relationship: null, or for to-many an array, and then there is `count`
  included  the included resource objects that it leads to, nearest first
  masked    JSON pointers to the values that were replaced by "[masked]";
            empty with --reveal
After an error, stdout is empty.

\b
Examples:
  commercelayer-async get customer_payment_sources xYZkjABcde
  commercelayer-async get customer_payment_sources xYZkjABcde --include customer,payment_method.payment_gateway
  commercelayer-async get customer_payment_sources xYZkjABcde customer
  commercelayer-async get orders xYZkjABcde --json | jq .data.attributes"""


@attrs.frozen
class Retrieved:
    """A resource, and the resources included with it; or, of a relationship that leads to none, no resource."""

    resource: Resource | None
    included: tuple[Resource, ...] = ()


@click.command(
    short_help="Show one resource, or what it is related to.",
    epilog=_EPILOG,
    help=f"""Show the resource of TYPE with ID, such as customer_payment_sources xYZkjABcde.

With RELATIONSHIP, follow that one of its links: a to-one relationship shows the resource, a to-many lists them.

{MASKING_HELP}""",
)
@type_argument
@click.argument("id", metavar="ID")
@relationship_argument
@include_option
@limit_option
@credentials_options
@json_option
@output_option
@reveal_option
def get(
    *,
    type: str,
    id: str,
    relationship: str | None,
    include: str,
    limit: int,
    as_json: bool,
    output: str | None,
    reveal: bool,
) -> None:
    """Retrieve a resource or what it is related to, and show it."""
    if relationship is not None:
        _require_relationship(relationship, class_of(type))
    with written_to(output):
        found = asyncio.run(_retrieve(type, id, relationship, include, limit))
        mask = Mask(reveal)
        secrets = own_secrets(invocation().environment)
        if as_json:
            write_json(found.document(mask) if isinstance(found, Listed) else _document(found, mask), secrets)
        elif isinstance(found, Listed):
            name = found.resources[0][0].type if found.resources else str(relationship)
            show_list(output_for_people(secrets), found, mask, name, include=include, chosen=())
        elif found.resource is None:
            output_for_people(secrets).prose(f"{type}/{id} has no {relationship}")
        else:
            _show(output_for_people(secrets), found.resource, found.included, mask)


async def _retrieve(type: str, id: str, relationship: str | None, include: str, limit: int) -> Retrieved | Listed:
    async with watched_session() as session:
        with suggesting_types(type):
            if relationship is None:
                return await _with_included(await session.get(class_of(type) or type, id, include=include))
            owner = await session.get(class_of(type) or type, id)
        _require_in(relationship, owner)
        followed = owner.relationships[relationship]
        if not _is_to_many(followed):
            target = await followed.fetch(include=_paths(include)) if include else await followed
            if not isinstance(target, tuple):
                return Retrieved(None) if target is None else await _with_included(target)
        listed = Listed()
        many: Any = followed
        collection = session.list(many, include=include, page_size=page_size(None, limit))
        async with aclosing(read_pages(collection, listed, limit)) as reading:
            async for one in reading:
                listed.resources.append(one)
        return listed


async def _with_included(resource: Resource) -> Retrieved:
    return Retrieved(resource, await included_in(resource))


def _is_to_many(relationship: Relationship) -> bool:
    """True if a relationship is known to lead to many; where nothing says so, its response will."""
    return bool(relationship.to_many) or isinstance(relationship.linkage, tuple)


def _require_relationship(name: str, cls: type[Resource] | None) -> None:
    """Refuse a relationship that a class does not declare, before any request."""
    if cls is not None and name not in (known := declared_relationships(cls)):
        raise click.UsageError(f"{cls.__name__} has no relationship {printable(name, 60)!r}{did_you_mean(name, known)}")


def _require_in(name: str, owner: Resource) -> None:
    if name not in owner.relationships:
        hint = did_you_mean(name, owner.relationships) if class_of(owner.type) is None else ""
        raise click.UsageError(
            f"the document of {owner.type}/{owner.id} has no relationship {printable(name, 60)!r}, so there is no link"
            f" to follow{hint}"
        )


def _paths(include: str) -> list[str]:
    return [path.strip() for path in include.split(",")]


def _document(retrieved: Retrieved, mask: Mask) -> dict[str, object]:
    resource = retrieved.resource
    raw = {"data": resource and resource.raw, "included": [one.raw for one in retrieved.included]}
    return {**mask.document(raw), "masked": mask.pointers}


def _show(output: Output, resource: Resource, included: Sequence[Resource], mask: Mask) -> None:
    views = [view_of(one, mask, "") for one in (resource, *included)]
    show_resource(output, views[0])
    for view in views[1:]:
        output.heading("included")
        show_resource(output, view)
    if mask.pointers:
        output.prose("")
        output.prose(f"{_masked_values(len(mask.pointers))} masked; --reveal shows what is there.")


def _masked_values(count: int) -> str:
    return "1 value is" if count == 1 else f"{count} values are"
