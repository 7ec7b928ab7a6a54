"""`commercelayer-async model`: a resource class of one's own, from what a service or a document holds."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, suppress
from typing import BinaryIO, Final

import click

from .._text import printable, redact_exact
from ..errors import DecodeError
from ..jsonapi import Document, ResourceObject, parse
from ..jsonapi.document import resource_object
from .class_source import class_source
from .inference import infer
from .invocation import ENVIRONMENT_HELP, credentials_options, invocation, open_session
from .masking import own_secrets
from .naming import class_name, is_class_name
from .query_options import include_option, suggesting_types, type_argument
from .services import page_size

_RECORDS: Final = 100

_EPILOG: Final = f"""{ENVIRONMENT_HELP}
With --json-file none are needed, and no request is made.

\b
The class has
  the attributes that the records have, by names of Python: createdAt becomes
    created_at, and keeps its name in documents by member("createdAt");
  types that read every record of the sample: unions where records differ, Any
    where nothing is known; a default where a record has null or nothing;
  repr=False for what the commands mask;
  the relationships, with the classes of their targets where the records name
    one: --include makes them.
Values of records are never written.

\b
Examples:
  commercelayer-async model orders --include customer,line_items > order.py
  commercelayer-async model orders --records 1000 --class PlacedOrder
  curl -s https://blog.example/articles | commercelayer-async model articles --json-file -"""


@click.command(
    short_help="Write a class for the resources of a type.",
    epilog=_EPILOG,
    help="""Write a Python module with a class for the resources of TYPE, such as orders, to standard output.

Its attributes and relationships are those of a sample of records, which are read from the API, or from a file.""",
)
@type_argument
@click.option(
    "--records",
    type=click.IntRange(min=1),
    default=_RECORDS,
    show_default=True,
    metavar="N",
    help="Look at N records at most.",
)
@include_option
@click.option(
    "--json-file",
    "file",
    type=click.File("rb"),
    metavar="FILE",
    help="Look at the records of a JSON:API document, or of one on each line, instead; at included ones too."
    " `-` is stdin.",
)
@click.option("--class", "cls", metavar="NAME", help="The name of the class; by default made from TYPE.")
@credentials_options
def model(*, type: str, records: int, include: str, file: BinaryIO | None, cls: str | None) -> None:
    """Look at a sample of records, and write a class that reads them."""
    name = class_name(type) if cls is None else _required_name(cls)
    if file is None:
        found = asyncio.run(_read(type, records, include))
    elif include:
        raise click.UsageError("--include asks the API for more, and --json-file asks nobody; leave one of them out")
    else:
        found = _read_file(type, file)[:records]
    if not found:
        where = f" in {_name_of(file)}" if file is not None else ""
        raise click.UsageError(
            f"there are no records of the type {printable(type)}{where}, so nothing shows what they hold;"
            " name another type, or a document that holds some with --json-file"
        )
    source = class_source(infer(type, found), name)
    if redact_exact(source, *own_secrets(invocation().environment)) != source:
        raise click.UsageError("a name in the records is one of the command's own credentials, so nothing is written")
    # Source code is UTF-8, whatever the locale is.
    click.echo(source if source.isascii() else source.encode(), nl=False)


def _required_name(cls: str) -> str:
    if not is_class_name(cls):
        raise click.UsageError(
            f"--class: {printable(cls)!r} cannot be the name of the class; give a name of Python that is not a word"
            " of the language, and not one that the module imports, such as Order"
        )
    return cls


async def _read(type: str, records: int, include: str) -> Sequence[ResourceObject]:
    found: list[ResourceObject] = []
    async with open_session() as session:
        with suggesting_types(type):
            size = page_size(type, records)
            ahead = int(size is None or records > size)
            collection = session.list(type, include=include, page_size=size, read_ahead=ahead)
            async with aclosing(collection.pages()) as pages:
                async for page in pages:
                    found += [resource_object(one.raw, "", None) for one in page.items]
                    if len(found) >= records:
                        break
    return _of_type(type, found[:records])


def _read_file(type: str, file: BinaryIO) -> Sequence[ResourceObject]:
    """Return the records of a type in a document: the primary ones, then the included ones.

    Raises:
        UsageError: it is not a JSON:API document, or one without data.
    """
    shown = _name_of(file)
    try:
        documents = _documents(file.read())
    except DecodeError as error:
        raise click.UsageError(f"{shown} is not a JSON:API document: {error}") from None
    for document in documents:
        if not document.has_data:
            what = "errors, and no data" if document.has_errors else "no data"
            raise click.UsageError(f"{shown} is a document with {what}; give one that holds records")
    return _of_type(type, [one for document in documents for one in (*_primary(document), *document.included)])


def _documents(content: bytes) -> Sequence[Document]:
    """Parse a document, or one on each line: what exports and `list --jsonl` write."""
    try:
        return [parse(content)]
    except DecodeError:
        lines = [line for line in content.splitlines() if line.strip()]
        if len(lines) > 1:
            with suppress(DecodeError):
                return [parse(line) for line in lines]
        raise


def _name_of(file: BinaryIO) -> str:
    return printable(str(getattr(file, "name", "stdin")))


def _primary(document: Document) -> Sequence[ResourceObject]:
    data = document.data
    return () if data is None else (data,) if isinstance(data, ResourceObject) else data


def _of_type(type: str, found: Sequence[ResourceObject]) -> Sequence[ResourceObject]:
    return [one for one in found if one.type == type]
