"""`commercelayer-async export`: every resource of a type in one file."""

import shlex
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, cast

import click

from ..errors import ApiError, AuthError, ExportError, ExportExists, ExportMismatch, TransportError
from .export_dask import export_over_workers
from .invocation import ENVIRONMENT_HELP, PROGRAM, credentials_options, invocation, open_session
from .masking import Mask, class_of, own_secrets
from .options import json_option
from .output import StandardOutput, output_for_people, write_json
from .progress import Display, export_display, watching
from .query_options import FILTER_HELP, filter_option, include_option, suggesting_types, type_argument
from .signals import run_until_signal

if TYPE_CHECKING:
    from .. import Exported
    from .._export.stream import Streamed
    from ..dask import Report

_STDOUT: Final = "-"

_EPILOG: Final = f"""{ENVIRONMENT_HELP}

{FILTER_HELP}

\b
Formats (--format, or what FILE ends in):
  jsonl     a JSON:API document of one resource on each line; nothing is lost
  csv       a row for each resource, with columns by its class; a text that a
            spreadsheet would take for a formula gets an apostrophe in front
  parquet   the same columns, typed; needs pip install 'commercelayer-async[parquet]'
FILE.jsonl.gz and FILE.csv.gz are compressed by gzip.

\b
Files:
  FILE                  appears when it is complete, mode 0600
  _FILE.manifest.json   what it holds: counts, filter, times, SHA-256
  .FILE.part, .FILE.part.json   left by an interrupted export, for --resume
With --to - the records go to stdout as they are read, and all else to stderr.

\b
Many machines (--dask local, or --dask tcp://SCHEDULER:8786; needs
pip install 'commercelayer-async[dask]'): FILE is a folder or a URL such as
s3://bucket/wallets/, written by the workers of a Dask cluster, which have the
credentials in their environment. Behind one address it is no faster.

\b
JSON (--json): the manifest, and
  masked    JSON pointers to the values that were replaced by "[masked]"

\b
Examples:
  commercelayer-async export customer_payment_sources --to wallets.jsonl --include customer,payment_source
  commercelayer-async export customers --to new.csv --filter created_at_gt=2024-01-01
  commercelayer-async export customers --to - | jq -r .data.attributes.email
  until commercelayer-async export customers --to all.parquet --resume; do [ $? = 5 ] && sleep 60 || break; done"""


@click.command(short_help="Write every resource of a type to a file.", epilog=_EPILOG)
@type_argument
@click.option(
    "--to", "to", required=True, metavar="FILE", help="The file to write; its folder must exist. `-` is stdout."
)
@include_option
@filter_option
@click.option("--format", type=click.Choice(["jsonl", "csv", "parquet"]), help="The format, whatever FILE ends in.")
@click.option("--resume", is_flag=True, help="Resume an interrupted export; if there is none, begin.")
@click.option("--overwrite", is_flag=True, help="Replace FILE, and drop an interrupted export that is not resumed.")
@click.option("--dask", "cluster", metavar="local|ADDRESS", help="Write a folder, over the workers of a Dask cluster.")
@credentials_options
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
    cluster: str | None,
    as_json: bool,
) -> None:
    """Write every resource of TYPE to FILE, each exactly once, also while others are created and deleted.

    The file holds what the API sent, payment tokens and personal data included, and only you can read it. After an
    interruption of any sort, run the command again with --resume to continue.
    """
    query = {"include": include, "filter": filters}
    if cluster is not None:
        if to == _STDOUT or overwrite:
            raise click.UsageError("--dask writes a folder anew: name one by --to, and leave --overwrite out")
        with _saying_how_to_resume():
            report = export_over_workers(type, to, cluster, format=format, options={**query, "resume": resume})
        _write_report(report, type, as_json=as_json)
        return
    if to == _STDOUT:
        _to_stdout(type, query, format=format, resume=resume, overwrite=overwrite, as_json=as_json)
        return
    options = {**query, "format": format, "resume": resume, "overwrite": overwrite}
    try:
        with export_display(type, streaming=False) as (display, on_progress):
            done = run_until_signal(_export(type, to, display, {**options, "on_progress": on_progress}))
    except (KeyboardInterrupt, Exception) as error:
        kept = getattr(error, "kept", 0)
        if kept:
            if isinstance(error, KeyboardInterrupt):
                error.add_note(f"{kept} records are safe")
            error.add_note(f"to go on, run: {_command_to_resume()}")
        raise
    _write_result(done, type, as_json=as_json)


@contextmanager
def _saying_how_to_resume() -> Generator[None]:
    try:
        yield
    except (KeyboardInterrupt, ExportError, ApiError, AuthError, TransportError) as error:
        if not isinstance(error, ExportExists | ExportMismatch):
            error.add_note(f"what is written is safe; to go on, run: {_command_to_resume()}")
        raise


def _write_report(report: "Report", type: str, *, as_json: bool) -> None:
    secrets = own_secrets(invocation().environment)
    if as_json:
        mask = Mask(reveal=False)
        manifest = cast("dict[str, object]", mask.value(report.manifest(), ""))
        write_json({**manifest, "masked": mask.pointers}, secrets)
        return
    output = output_for_people(secrets)
    output.prose(
        f"{report.records} {type} in {len(report.partitions)} files in {report.data}"
        f" ({_size(report.size)}){_invalid(report.invalid_records)}"
    )
    for sentence in (*report.differences, f"bound by {report.bound_by}"):
        output.prose(sentence)


def _write_result(done: "Exported", type: str, *, as_json: bool) -> None:
    secrets = own_secrets(invocation().environment)
    if as_json:
        mask = Mask(reveal=False)
        manifest = cast("dict[str, object]", mask.value(done.manifest(), ""))
        write_json({**manifest, "masked": mask.pointers}, secrets)
    else:
        output_for_people(secrets).prose(
            f"{done.records} {type} in {done.path} ({_size(done.size)}){_invalid(done.invalid_records)};"
            f" see {done.manifest_path}"
        )


def _command_to_resume() -> str:
    """The command that resumes this export, for a shell."""
    arguments = list(invocation().arguments)
    if "--resume" not in arguments:
        # Behind `--` there are no options.
        arguments.insert(arguments.index("--") if "--" in arguments else len(arguments), "--resume")
    return shlex.join([PROGRAM, *arguments])


async def _export(type: str, to: str, display: Display, options: dict[str, Any]) -> "Exported":
    from .. import export as write  # noqa: PLC0415 - slow to import, and `--help` does without

    async with open_session() as session, watching(session, display):
        with suggesting_types(type):
            return await write(session, class_of(type) or type, to, **options)


def _to_stdout(
    type: str, query: dict[str, Any], *, format: str | None, resume: bool, overwrite: bool, as_json: bool
) -> None:
    """Write the records to stdout, and what else there is to say to stderr."""
    for option, given in (("--resume", resume), ("--overwrite", overwrite), ("--json", as_json)):
        if given:
            raise click.UsageError(f"{option} needs a file; with --to {_STDOUT} the records go to stdout")
    output = StandardOutput()
    with export_display(type, streaming=True) as (display, on_progress):
        options = {**query, "format": format or "jsonl", "on_progress": on_progress}
        done = run_until_signal(_stream(type, output, display, options))
    click.echo(f"{done.records} {type} ({_size(done.size)}){_invalid(done.invalid_records)}", err=True)


async def _stream(
    type: str,
    output: StandardOutput,
    display: Display,
    options: dict[str, Any],
) -> "Streamed":
    # Imported here, as above.
    from .._export.stream import stream_export  # noqa: PLC0415 - as above

    async with open_session() as session, watching(session, display):
        with suggesting_types(type):
            return await stream_export(
                session,
                class_of(type) or type,
                output.write,
                name="stdout",
                stop=output.stop,
                **options,
            )


def _invalid(records: int) -> str:
    return f", {records} of which do not fit their class" if records else ""


def _size(size: int) -> str:
    for unit, power in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if size >= 1 << power:
            return f"{size / (1 << power):.1f} {unit}"
    return f"{size} bytes"
