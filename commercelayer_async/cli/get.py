"""`commercelayer-async get`: one resource of an organization."""

import asyncio
from typing import Final

import attrs
import click

from ..jsonapi import Resource
from .invocation import ENVIRONMENT_HELP, credentials_option, invocation, open_session
from .masking import Mask, class_of, own_secrets
from .options import MASKING_HELP, json_option, reveal_option
from .output import output_for_people, write_json
from .query_options import hinting, include_option, type_argument
from .views import included_in, show_resource, view_of

_EPILOG: Final = f"""{ENVIRONMENT_HELP}

\b
JSON (--json), always with these three members:
  data      the resource object as received
  included  the included resource objects, reached from it, nearest first
  masked    JSON pointers to the values that were replaced by "[masked]";
            with --reveal none are
An error leaves stdout empty.

\b
Examples:
  commercelayer-async get customer_payment_sources xYZkjABcde
  commercelayer-async get customer_payment_sources xYZkjABcde --include customer,payment_method.payment_gateway
  commercelayer-async get orders xYZkjABcde --json | jq .data.attributes"""


@attrs.frozen
class Retrieved:
    """A resource, and those that came with it."""

    resource: Resource
    included: tuple[Resource, ...]


@click.command(
    short_help="Retrieve one resource of your organization.",
    epilog=_EPILOG,
    help=f"""Retrieve the resource TYPE/ID, such as customer_payment_sources xYZkjABcde.

{MASKING_HELP}""",
)
@type_argument
@click.argument("id_", metavar="ID")
@include_option
@credentials_option
@json_option
@reveal_option
def get(*, type_: str, id_: str, include: str, as_json: bool, reveal: bool) -> None:
    """Retrieve a resource and show it."""
    retrieved = asyncio.run(_retrieve(type_, id_, include))
    mask = Mask(reveal)
    if as_json:
        write_json(_document(retrieved, mask), own_secrets(invocation().environment))
    else:
        _show(retrieved, mask)


async def _retrieve(type_: str, id_: str, include: str) -> Retrieved:
    async with open_session() as session:
        with hinting(type_):
            resource = await session.get(class_of(type_) or type_, id_, include=include)
        return Retrieved(resource, await included_in(resource))


def _document(retrieved: Retrieved, mask: Mask) -> dict[str, object]:
    raw = {"data": retrieved.resource.raw, "included": [resource.raw for resource in retrieved.included]}
    return {**mask.document(raw), "masked": mask.pointers}


def _show(retrieved: Retrieved, mask: Mask) -> None:
    views = [view_of(resource, mask, "") for resource in (retrieved.resource, *retrieved.included)]
    output = output_for_people(own_secrets(invocation().environment))
    show_resource(output, views[0])
    for view in views[1:]:
        output.heading("included")
        show_resource(output, view)
    if mask.pointers:
        output.prose("")
        output.prose(f"{_masked_values(len(mask.pointers))} masked; --reveal shows what is there.")


def _masked_values(count: int) -> str:
    return "1 value is" if count == 1 else f"{count} values are"
