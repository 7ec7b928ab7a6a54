"""The program: its global options and commands, from arguments to an exit code."""

import io
import logging
import os
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

import click
from click.shell_completion import shell_complete

from .. import __version__
from .count import count
from .demo import demo
from .errors import HELP, ExitCode, clean_line, report
from .export import export
from .get import get
from .invocation import PROGRAM, Invocation, organization_option
from .limits import limits
from .list import list_
from .login import login, logout, profiles_
from .model import model
from .options import refuse_secrets
from .sandbox import sandbox
from .signals import Terminated, sigterm_raises
from .whoami import whoami

_COMPLETE: Final = "_COMMERCELAYER_ASYNC_COMPLETE"
"""The environment variable by which a shell asks for completions."""

_EPILOG: Final = f"""\b
Examples:
  commercelayer-async demo
  commercelayer-async get customer_payment_sources xYZkjABcde
  commercelayer-async get customers xYZkjABcde --json | jq .data.attributes
  commercelayer-async list customer_payment_sources --filter name_cont=visa --sort -created_at
  commercelayer-async export customer_payment_sources --to wallets.jsonl --resume

{HELP}

\b
Shell completion, in the file that your shell reads at its start:
  bash  eval "$({_COMPLETE}=bash_source {PROGRAM})"
  zsh   eval "$({_COMPLETE}=zsh_source {PROGRAM})"
  fish  {_COMPLETE}=fish_source {PROGRAM} | source"""


@click.group(epilog=_EPILOG, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an error too, with secrets masked.")
@organization_option
@click.pass_context
def app(context: click.Context, *, debug: bool) -> None:
    """Read the resources of a Commerce Layer organization.

    Credentials come from the environment, a file or `login`, never from the command line; see `get --help`. The
    commands demo and sandbox need none.
    """
    context.ensure_object(Invocation).debug = debug
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(ExitCode.USAGE)


for command in (demo, get, list_, count, export, model, whoami, limits, login, logout, profiles_, sandbox):
    app.add_command(command)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code. An error becomes a few lines on stderr."""
    for stream in (sys.stdout, sys.stderr):
        # Escape the characters that the locale's encoding does not have; by default they raise an error.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    invocation = Invocation(arguments=tuple(arguments))
    try:
        try:
            with sigterm_raises(), _without_warnings(arguments):
                return _invoke(arguments, invocation)
        except KeyboardInterrupt as interrupted:
            terminated = isinstance(interrupted, Terminated)
            what = "error: terminated by SIGTERM" if terminated else "error: interrupted"
            hints = [f"hint: {note}" for note in getattr(interrupted, "__notes__", ())]
            # On a terminal, ^C stands at the beginning of the line.
            lines = [*([""] if sys.stderr.isatty() and not terminated else []), what, *hints]
            click.echo("\n".join(clean_line(line, invocation.environment) for line in lines), err=True)
            return ExitCode.TERMINATED if terminated else ExitCode.INTERRUPTED
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001 - the outermost handler: no error ends as a traceback
            if isinstance(error, OSError):
                _discard_output()
            return report(error, debug=invocation.debug, environment=invocation.environment)
    except BrokenPipeError:
        _discard_output()
        return ExitCode.BROKEN_PIPE


@contextmanager
def _without_warnings(arguments: Sequence[str]) -> Generator[None]:
    """Keep what the package logs off stderr, where commands say themselves that they wait; --debug shows it.

    Python writes warnings there if nobody has said where they go.
    """
    nowhere = logging.NullHandler()
    logger = logging.getLogger(__name__.partition(".")[0])
    if "--debug" not in arguments:
        logger.addHandler(nowhere)
    try:
        yield
    finally:
        logger.removeHandler(nowhere)


def _invoke(arguments: Sequence[str], invocation: Invocation) -> int:
    # Not by `app.main`, which handles Ctrl-C and broken pipes in its own way.
    instruction = os.environ.get(_COMPLETE)
    if instruction:
        return shell_complete(app, {}, PROGRAM, _COMPLETE, instruction)
    refuse_secrets(arguments)
    try:
        with app.make_context(PROGRAM, list(arguments), obj=invocation) as context:
            app.invoke(context)
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    return ExitCode.OK


def _discard_output() -> None:
    """Redirect stdout to the null device: the interpreter flushes it at exit, which would fail once more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
