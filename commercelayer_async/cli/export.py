"""`commercelayer-async export`: every resource of a type in one file."""

import asyncio
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from .invocation import ENVIRONMENT_HELP, credentials_option, invocation, open_session
from .masking import Mask, class_of, own_secrets
from .options import json_option
from .output import DUMB, output_for_people, write_json
from .query_options import FILTER_HELP, filter_option, include_option, suggesting_types, type_argument

if TYPE_CHECKING:
    from .. import Exported, ExportProgress

_EPILOG: Final = f"""{ENVIRONMENT_HELP}

{FILTER_HELP}

\b
Formats (--format, or what FILE ends in):
  jsonl     a JSON:API document of one resource on each line; nothing is lost
  csv       a row for each resource, with columns by its class; a text that a
            spreadsheet would take for a formula gets an apostrophe in front
  parquet   the same columns, typed; needs pip install 'commercelayer-async[parquet]'

\b
Files:
  FILE                 appears when it is complete, mode 0600
  FILE.manifest.json   what it holds: counts, filter, times, SHA-256
  FILE.part, FILE.part.json   left by an interrupted export, for --resume

\b
JSON (--json): the manifest, and
  masked    JSON pointers to the values that were replaced by "[masked]"

\b
Examples:
  commercelayer-async export customer_payment_sources --to wallets.jsonl --include customer,payment_source
  commercelayer-async export customers --to new.csv --filter created_at_gt=2024-01-01
  until commercelayer-async export customers --to all.parquet --resume; do [ $? = 5 ] && sleep 60 || break; done"""


@click.command(short_help="Write every resource of a type to a file.", epilog=_EPILOG)
@type_argument
@click.option("--to", "to", required=True, metavar="FILE", help="The file to write; its folder must exist.")
@include_option
@filter_option
@click.option("--format", type=click.Choice(["jsonl", "csv", "parquet"]), help="The format of FILE.")
@click.option("--resume", is_flag=True, help="Resume an interrupted export; if there is none, begin.")
@click.option("--overwrite", is_flag=True, help="Replace FILE, and drop an interrupted export that is not resumed.")
@credentials_option
@json_option
def export(
    *,
    type: str,
    to: str,
    include: str,
    filters: dict[str, Any],
    format: str | None,
    resume: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write every resource of TYPE to FILE, each exactly once, also while others are created and deleted.

    The file holds what the API sent, payment tokens and personal data included, and only you can read it. After an
    interruption of any sort, run the command again with --resume to continue.
    """
    options = {"include": include, "filter": filters, "format": format, "resume": resume, "overwrite": overwrite}
    try:
        with _progress_bar() as on_progress:
            done = asyncio.run(_export(type, to, on_progress, options))
    except KeyboardInterrupt as interrupted:
        if Path(f"{to}.part.json").exists():
            interrupted.add_note("what was read is kept; run it again with --resume to go on")
        raise
    _write_result(done, type, as_json=as_json)


def _write_result(done: "Exported", type: str, *, as_json: bool) -> None:
    secrets = own_secrets(invocation().environment)
    if as_json:
        mask = Mask(reveal=False)
        manifest = cast("dict[str, object]", mask.value(done.manifest(), ""))
        write_json({**manifest, "masked": mask.pointers}, secrets)
    else:
        output_for_people(secrets).prose(
            f"{done.records} {type} in {done.path} ({_size(done.size)}); see {done.path}.manifest.json"
        )


async def _export(
    type: str, to: str, on_progress: "Callable[[ExportProgress], None] | None", options: dict[str, Any]
) -> "Exported":
    from .. import export as write  # noqa: PLC0415 - slow to import, and `--help` does without

    async with open_session() as session:
        with suggesting_types(type):
            return await write(session, class_of(type) or type, to, on_progress=on_progress, **options)


@contextmanager
def _progress_bar() -> "Generator[Callable[[ExportProgress], None] | None]":
    """Show a progress bar while the block runs, on stderr; gives the callback that moves it.

    None where stderr is not a terminal that can show a bar.
    """
    stderr = cast("Any", sys.stderr)
    if stderr is None or not stderr.isatty() or os.environ.get("TERM") in DUMB:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("exporting", total=None)

        def show(progress: "ExportProgress") -> None:
            bar.update(task, completed=progress.records, total=progress.total)

        yield show


def _size(size: int) -> str:
    for unit, power in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if size >= 1 << power:
            return f"{size / (1 << power):.1f} {unit}"
    return f"{size} bytes"
