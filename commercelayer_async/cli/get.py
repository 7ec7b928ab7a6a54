"""`commercelayer-async get`: one resource."""

import asyncio
from typing import Final

import attrs
import click

from ..jsonapi import Resource
from .invocation import ENVIRONMENT_HELP, credentials_options, invocation, open_session
from .masking import Mask, class_of, own_secrets
from .options import MASKING_HELP, json_option, reveal_option
from .output import output_for_people, write_json
from .query_options import include_option, suggesting_types, type_argument
from .views import included_in, show_resource, view_of

_EPILOG: Final = f"""{ENVIRONMENT_HELP}

\b
JSON (--json), always with these three members:
  data      the resource object as received
  included  the included resource objects that it leads to, nearest first
  masked    JSON pointers to the values that were replaced by "[masked]";
            empty with --reveal
After an error, stdout is empty.

\b
Examples:
  commercelayer-async get customer_payment_sources xYZkjABcde
  commercelayer-async get customer_payment_sources xYZkjABcde --include customer,payment_method.payment_gateway
  commercelayer-async get orders xYZkjABcde --json | jq .data.attributes"""


@attrs.frozen
class Retrieved:
    """A resource, and the resources included with it."""

    resource: Resource
    included: tuple[Resource, ...]


@click.command(
    short_help="Show one resource.",
    epilog=_EPILOG,
    help=f"""Show the resource of TYPE with ID, such as customer_payment_sources xYZkjABcde.

{MASKING_HELP}""",
)
@type_argument
@click.argument("id", metavar="ID")
@include_option
@credentials_options
@json_option
@reveal_option
def get(*, type: str, id: str, include: str, as_json: bool, reveal: bool) -> None:
    """Retrieve a resource, and show it."""
    retrieved = asyncio.run(_retrieve(type, id, include))
    mask = Mask(reveal)
    if as_json:
        write_json(_document(retrieved, mask), own_secrets(invocation().environment))
    else:
        _show(retrieved, mask)


async def _retrieve(type: str, id: str, include: str) -> Retrieved:
    async with open_session() as session:
        with suggesting_types(type):
            resource = await session.get(class_of(type) or type, id, include=include)
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
