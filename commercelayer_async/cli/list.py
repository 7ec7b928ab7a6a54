"""`commercelayer-async list`: resources of a type, as a table, a JSON document, or JSON lines."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, Final, cast

import click

from ..jsonapi import Resource
from .invocation import ENVIRONMENT_HELP, credentials_options, invocation
from .masking import Mask, class_of, own_secrets
from .options import MASKING_HELP, json_option, output_option, reveal_option
from .output import output_for_people, write_json, write_json_line, write_text
from .progress import watched_session
from .query_options import (
    FILTER_HELP,
    columns_option,
    filter_option,
    include_option,
    limit_option,
    sort_option,
    suggesting_types,
    type_argument,
)
from .records import PAGE_SIZE, Listed, check_columns, read_pages, records_of, show_list, tsv_lines
from .saving import written_to
from .services import page_size

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
TSV (--tsv): a line of names, then one for each resource; tabs, line breaks and
backslashes in values are \\t, \\n, \\r and \\\\.
JSON lines (--jsonl): a line for each resource as it arrives, with data,
included and masked. On an error, the lines before it are complete.

\b
Examples:
  commercelayer-async list customer_payment_sources --filter name_cont=visa --sort -created_at
  commercelayer-async list customer_payment_sources --include customer --limit 100
  commercelayer-async list customer_payment_sources --columns id,name,created_at --tsv -o wallets.tsv
  commercelayer-async list customers --filter email_end=@example.com --jsonl --limit 1000 | jq .data.id"""


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
@limit_option
@credentials_options
@json_option
@click.option("--jsonl", "as_lines", is_flag=True, help="Write one JSON document on each line, for programs.")
@click.option("--tsv", "as_tsv", is_flag=True, help="Write tab-separated values with a line of names, for programs.")
@columns_option
@output_option
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
    as_tsv: bool,
    columns: Sequence[str],
    output: str | None,
    reveal: bool,
) -> None:
    """Read up to `limit` resources, and show them."""
    if as_json + as_lines + as_tsv > 1:
        raise click.UsageError("--json, --jsonl and --tsv exclude each other; choose one")
    if columns and (as_json or as_lines):
        raise click.UsageError("--columns is for tables and --tsv; with JSON, choose by jq")
    cls = class_of(type)
    check_columns(columns, cls, include)
    listed = Listed()
    reading = _read(listed, type, {"filter": filters, "sort": sort, "include": include}, limit)
    secrets = own_secrets(invocation().environment)
    with written_to(output):
        if as_lines:
            asyncio.run(_write_lines(reading, reveal=reveal, secrets=secrets))
            return
        asyncio.run(_collect(reading, listed))
        mask = Mask(reveal)
        if as_json:
            write_json(listed.document(mask), secrets)
        elif as_tsv:
            write_text(tsv_lines(records_of(listed, mask), cls, include=include, chosen=columns), secrets)
        else:
            show_list(output_for_people(secrets), listed, mask, type, include=include, chosen=columns)


async def _read(
    listed: Listed, type: str, query: dict[str, Any], limit: int
) -> AsyncIterator[tuple[Resource, tuple[Resource, ...]]]:
    async with watched_session() as session:
        with suggesting_types(type):
            size = page_size(type, limit)
            ahead = int(limit > (size or PAGE_SIZE))
            collection = session.list(class_of(type) or type, page_size=size, read_ahead=ahead, **query)
            async with aclosing(read_pages(collection, listed, limit, type)) as reading:
                async for one in reading:
                    yield one


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
