"""`commercelayer-async list`: resources of a type, as a table, a JSON document, or JSON lines."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, Final, cast

import attrs
import click

from ..jsonapi import Resource
from ..service import COMMERCE_LAYER
from .invocation import ENVIRONMENT_HELP, credentials_options, invocation, open_session
from .masking import Mask, class_of, own_secrets
from .options import MASKING_HELP, json_option, reveal_option
from .output import Output, output_for_people, text_of, write_json, write_json_line
from .query_options import (
    FILTER_HELP,
    filter_option,
    include_option,
    sort_option,
    suggesting_types,
    type_argument,
)
from .views import ResourceView, included_in, view_of

_PAGE_SIZE: Final = 25
_MAX_COLUMNS: Final = 6
_LAST: Final = ("created_at", "updated_at")
"""Attributes that come last in a table, as every resource has them."""

_EPILOG: Final = f"""{ENVIRONMENT_HELP}

{FILTER_HELP}

\b
JSON (--json), always with these members:
  data      the resource objects as received, in the server's order
  included  the included resource objects, each once
  count     the number of all resources that match, as the server counts them;
            null if it does not
  masked    JSON pointers to the values that were replaced by "[masked]";
            empty with --reveal
JSON lines (--jsonl): a line for each resource as it arrives, with data,
included and masked. On an error, the lines before it are complete.

\b
Examples:
  commercelayer-async list customer_payment_sources --filter name_cont=visa --sort -created_at
  commercelayer-async list customer_payment_sources --include customer --limit 100
  commercelayer-async list customers --filter email_end=@example.com --jsonl --limit 1000 | jq .data.id"""


@attrs.define
class Listed:
    """The part of a list that was read."""

    resources: list[tuple[Resource, tuple[Resource, ...]]] = attrs.field(factory=list)
    """Each with the resources included for it."""
    count: int | None = None
    """The number of all resources that match; None if the server does not count them."""


@click.command(
    "list",
    short_help="List the resources of a type.",
    epilog=_EPILOG,
    help=f"""List the resources of TYPE, such as customer_payment_sources.

{MASKING_HELP}""",
)
@type_argument
@filter_option
@sort_option
@include_option
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=_PAGE_SIZE,
    show_default=True,
    metavar="N",
    help="Show at most N.",
)
@credentials_options
@json_option
@click.option("--jsonl", "as_lines", is_flag=True, help="Write one JSON document on each line, for programs.")
@reveal_option
def list_(
    *,
    type: str,
    filters: dict[str, Any],
    sort: str,
    include: str,
    limit: int,
    as_json: bool,
    as_lines: bool,
    reveal: bool,
) -> None:
    """Read up to `limit` resources, and show them."""
    if as_json and as_lines:
        raise click.UsageError("--json and --jsonl exclude each other; choose one")
    listed = Listed()
    reading = _read(listed, type, {"filter": filters, "sort": sort, "include": include}, limit)
    secrets = own_secrets(invocation().environment)
    if as_lines:
        asyncio.run(_write_lines(reading, reveal=reveal, secrets=secrets))
        return
    asyncio.run(_collect(reading, listed))
    mask = Mask(reveal)
    if as_json:
        write_json(_document(listed, mask), secrets)
    else:
        _show(output_for_people(secrets), listed, mask, type, include)


async def _read(
    listed: Listed, type: str, query: dict[str, Any], limit: int
) -> AsyncIterator[tuple[Resource, tuple[Resource, ...]]]:
    left = limit
    async with open_session() as session:
        with suggesting_types(type):
            collection = session.list(
                class_of(type) or type,
                page_size=min(limit, _PAGE_SIZE),
                read_ahead=int(limit > _PAGE_SIZE),
                **query,
            )
            async with aclosing(collection.pages()) as pages:
                async for page in pages:
                    count = page.meta.get(COMMERCE_LAYER.paging.count_member)
                    listed.count = count if isinstance(count, int) else None
                    for resource in page.items[:left]:
                        yield resource, await included_in(resource)
                    left -= len(page.items)
                    if left <= 0:
                        return


async def _collect(reading: AsyncIterator[tuple[Resource, tuple[Resource, ...]]], listed: Listed) -> None:
    async for one in reading:
        listed.resources.append(one)


async def _write_lines(
    reading: AsyncIterator[tuple[Resource, tuple[Resource, ...]]], *, reveal: bool, secrets: tuple[str, ...]
) -> None:
    async with aclosing(cast("Any", reading)):
        async for resource, included in reading:
            mask = Mask(reveal)
            raw = {"data": resource.raw, "included": [one.raw for one in included]}
            write_json_line({**mask.document(raw), "masked": mask.pointers}, secrets)


def _document(listed: Listed, mask: Mask) -> dict[str, object]:
    by_key = {(one.type, one.id): one.raw for _, included in listed.resources for one in included}
    raw = {"data": [resource.raw for resource, _ in listed.resources], "included": list(by_key.values())}
    return {**mask.document(raw), "count": listed.count, "masked": mask.pointers}


def _show(output: Output, listed: Listed, mask: Mask, type: str, include: str) -> None:
    views = [view_of(resource, mask, "") for resource, _ in listed.resources]
    shown = len(views)
    if views:
        names = _columns(views)
        relationships = list(dict.fromkeys(path.partition(".")[0] for path in include.split(",") if path))
        rows = [
            (
                view.id,
                *(text_of(view.attributes[name]) if name in view.attributes else "" for name in names),
                *(_leads_to(view, name) for name in relationships),
            )
            for view in views
        ]
        output.table(type, ("id", *names, *relationships), rows)
        output.prose("")
    more = f" of {listed.count}" if listed.count is not None and listed.count > shown else ""
    advice = "; --limit shows more, `commercelayer-async export` writes all to a file" if more else ""
    output.prose(f"{shown}{more} {type}{advice}")
    if mask.pointers:
        output.prose("Secrets and personal data are masked; --reveal shows what is there.")


def _columns(views: Sequence[ResourceView]) -> list[str]:
    """The attributes that get a column: those of which any resource has a single value."""
    found = dict.fromkeys(
        name
        for view in views
        for name, value in view.attributes.items()
        if value is not None and value != "" and not isinstance(value, dict | list | tuple)
    )
    first = [name for name in found if name not in _LAST]
    return [*first, *(name for name in _LAST if name in found)][:_MAX_COLUMNS]


def _leads_to(view: ResourceView, name: str) -> str:
    return next((one.leads_to if one.identifiers else one.state for one in view.relationships if one.name == name), "")
