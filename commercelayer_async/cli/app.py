"""The program: its global options and commands, from arguments to an exit code."""

import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

import click
from click.shell_completion import shell_complete

from .. import __version__
from .count import count
from .demo import demo
from .errors import HELP, ExitCode, report
from .export import export
from .get import get
from .invocation import Invocation
from .list import list_
from .model import model
from .options import refuse_secrets
from .sandbox import sandbox
from .signals import Terminated, sigterm_raises
from .whoami import whoami

NAME: Final = "commercelayer-async"
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
  bash  eval "$({_COMPLETE}=bash_source {NAME})"
  zsh   eval "$({_COMPLETE}=zsh_source {NAME})"
  fish  {_COMPLETE}=fish_source {NAME} | source"""


@click.group(epilog=_EPILOG, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name=NAME, message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an error too, with secrets masked.")
@click.pass_context
def app(context: click.Context, *, debug: bool) -> None:
    """Read the resources of a Commerce Layer organization.

    Credentials come from the environment or a file, never from the command line; see `get --help`. The commands demo
    and sandbox need none.
    """
    context.ensure_object(Invocation).debug = debug
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(ExitCode.USAGE)


for command in (demo, get, list_, count, export, model, whoami, sandbox):
    app.add_command(command)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code. An error becomes one sentence on stderr."""
    for stream in (sys.stdout, sys.stderr):
        # Escape the characters that the locale's encoding does not have; by default they raise an error.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    invocation = Invocation()
    try:
        try:
            with sigterm_raises():
                return _invoke(arguments, invocation)
        except KeyboardInterrupt as interrupted:
            terminated = isinstance(interrupted, Terminated)
            what = "error: terminated by SIGTERM" if terminated else "error: interrupted"
            message = "; ".join([what, *getattr(interrupted, "__notes__", ())])
            # On a terminal, ^C stands at the beginning of the line.
            click.echo(("\n" if sys.stderr.isatty() and not terminated else "") + message, err=True)
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


def _invoke(arguments: Sequence[str], invocation: Invocation) -> int:
    # Not by `app.main`, which handles Ctrl-C and broken pipes in its own way.
    instruction = os.environ.get(_COMPLETE)
    if instruction:
        return shell_complete(app, {}, NAME, _COMPLETE, instruction)
    refuse_secrets(arguments)
    try:
        with app.make_context(NAME, list(arguments), obj=invocation) as context:
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
