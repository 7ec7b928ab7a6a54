"""Exit codes, and the sentence on stderr that goes with them."""

import traceback
from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Final

import click

from .. import errors
from .._text import printable, redact_exact
from .masking import own_secrets

_LIMIT: Final = 3000
"""The most characters of a line on stderr."""


class ExitCode(IntEnum):
    """The exit codes; scripts rely on these."""

    OK = 0
    FAILED = 1
    """The request failed: it was refused, there was no response or a malformed one; or output cannot be written."""
    USAGE = 2
    """Wrong arguments or configuration, or a file of another export; nothing but a token was asked for.

    Also where the credentials change midway, so that what comes would belong to another export.
    """
    NOT_FOUND = 3
    """There is no such resource, or it is of the other mode (test or live)."""
    NOT_ALLOWED = 4
    """The credentials were refused, or may not read this."""
    INCOMPLETE = 5
    """An export ended early, and can be resumed."""
    INTERRUPTED = 130
    """Ctrl-C."""
    BROKEN_PIPE = 141
    """The reader of the output has closed it: the exit code of a program that SIGPIPE ends."""
    TERMINATED = 143
    """SIGTERM: the exit code of a program that it ends."""


HELP: Final = """\b
Exit codes:
  0    done
  1    the request failed, its response is malformed, or output cannot be written
  2    wrong arguments or configuration, a file that exists, or one of another export
  3    no such resource, or no such type
  4    the credentials were refused, or may not read this
  5    an export ended early; run it again with --resume
  130  interrupted by Ctrl-C
  141  the reader of the output has closed it
  143  terminated by SIGTERM"""

_CODES: Final = (
    (click.UsageError, ExitCode.USAGE),
    ((errors.ConfigurationError, errors.ExportExists, errors.ExportMismatch), ExitCode.USAGE),
    (errors.NotFound, ExitCode.NOT_FOUND),
    ((errors.AuthError, errors.Unauthorized, errors.Forbidden), ExitCode.NOT_ALLOWED),
)

# The next step for errors that do not name one themselves. The first match counts.
_ADVICE: Final = (
    (errors.ConnectError, "check COMMERCELAYER_ORGANIZATION and the network"),
    (errors.TLSError, "check COMMERCELAYER_ORGANIZATION, and the proxy in between if there is one"),
    (errors.TransportError, "try again"),
    ((errors.DecodeError, errors.LinkRefused), "check that COMMERCELAYER_ORGANIZATION names the API"),
    (errors.Forbidden, "check what the token's scope may read"),
)


def code_of(error: Exception) -> ExitCode:
    """The exit code for an error."""
    otherwise = ExitCode.INCOMPLETE if getattr(error, "kept", 0) else ExitCode.FAILED
    return next((code for classes, code in _CODES if isinstance(error, classes)), otherwise)


def report(error: Exception, *, debug: bool, environment: Mapping[str, str]) -> ExitCode:
    """Write `error` to stderr as one sentence, after its traceback if `debug` is set, and return the exit code."""
    if debug:
        # Without local variables, as they hold tokens.
        trace = "".join(traceback.format_exception(error))
        click.echo("\n".join(_clean(line, environment) for line in trace.splitlines()), err=True)
    click.echo(f"error: {_clean('; '.join(_parts(error)), environment)}", err=True)
    return code_of(error)


def _parts(error: Exception) -> Iterator[str]:
    if isinstance(error, errors.CommerceLayerError):
        yield str(error)
        yield from [advice for classes, advice in _ADVICE if isinstance(error, classes)][:1]
    elif isinstance(error, click.UsageError):
        yield " ".join(error.format_message().split()).rstrip(".?")
        command = error.ctx.command_path if error.ctx is not None else "commercelayer-async"
        yield f"see {command} --help"
    elif isinstance(error, OSError):
        yield error.strerror or type(error).__name__
    else:
        # A bug of this package. The exception's text may quote anything, so only `--debug` shows it.
        yield f"unexpected {type(error).__name__}"
        yield "run it again as `commercelayer-async --debug ...` and report what that prints"
    yield from getattr(error, "__notes__", ())


def _clean(text: str, environment: Mapping[str, str]) -> str:
    return printable(redact_exact(text, *own_secrets(environment)), _LIMIT)
