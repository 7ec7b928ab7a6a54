"""Exit codes, and what stands on stderr with them: what is wrong, what to do next, the request id, a line each."""

import re
import traceback
from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Final

import attrs
import click

from .. import errors
from .._text import printable, redact_exact
from .masking import own_secrets

_STEP: Final = "; "
"""What divides the facts and steps of a message."""
_CLICK_HINT: Final = re.compile(r"\.? \(?Did you mean|\.? \(Possible options:")
"""How messages of click go on where it knows of a near miss."""
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
    (errors.TLSError, "check COMMERCELAYER_ORGANIZATION, and the proxy in between if there is one"),
    (errors.TransportError, "try again"),
    ((errors.DecodeError, errors.LinkRefused), "check that COMMERCELAYER_ORGANIZATION names the API"),
    (errors.Forbidden, "check what the token's scope may read"),
)


@attrs.frozen
class _Report:
    """What is said of an error."""

    what: str
    hints: Sequence[str] = ()
    request_id: str | None = None

    @property
    def lines(self) -> Iterator[str]:
        """A line for each."""
        yield f"error: {self.what}"
        yield from (f"hint: {hint}" for hint in self.hints)
        if self.request_id:
            yield f"request id: {self.request_id}"


def code_of(error: Exception) -> ExitCode:
    """The exit code for an error."""
    otherwise = ExitCode.INCOMPLETE if getattr(error, "kept", 0) else ExitCode.FAILED
    return next((code for classes, code in _CODES if isinstance(error, classes)), otherwise)


def report(error: Exception, *, debug: bool, environment: Mapping[str, str]) -> ExitCode:
    """Write `error` to stderr, after its traceback if `debug` is set, and return the exit code."""
    if debug:
        # Without local variables, as they hold tokens.
        trace = "".join(traceback.format_exception(error))
        click.echo("\n".join(clean_line(line, environment) for line in trace.splitlines()), err=True)
    for line in _report_of(error).lines:
        click.echo(clean_line(line, environment), err=True)
    return code_of(error)


def _report_of(error: Exception) -> _Report:
    notes = list(getattr(error, "__notes__", ()))
    if isinstance(error, errors.ApiError):
        return _of_response(error, notes)
    if isinstance(error, errors.CommerceLayerError):
        what, *hints = str(error).split(_STEP)
        return _Report(what, [*(hints or _advice_on(error)), *notes])
    if isinstance(error, click.UsageError):
        what, *hints = _CLICK_HINT.sub(r"; did you mean", " ".join(error.format_message().split())).split(_STEP)
        command = error.ctx.command_path if error.ctx is not None else "commercelayer-async"
        return _Report(what.rstrip("."), [*hints, *notes, f"see {command} --help"])
    if isinstance(error, OSError):
        return _Report(error.strerror or type(error).__name__, notes)
    # A bug of this package. The exception's text may quote anything, so only `--debug` shows it.
    advice = "run it again as `commercelayer-async --debug ...` and report what that prints"
    return _Report(f"unexpected {type(error).__name__}", [advice, *notes])


def _of_response(error: errors.ApiError, notes: Sequence[str]) -> _Report:
    """An error response. Its message has all of this on one line, in this order from the end."""
    what, advice, where = str(error), error.advice, f"{error.method} {printable(error.url)}"
    if error.request_id:
        what = what.rpartition(", request id ")[0] or what
    for part in (advice, where):
        what = what.removesuffix(f", {part}")
    return _Report(
        f"{what.rstrip('.')} ({where})", [*notes, *([advice] if advice else _advice_on(error))], error.request_id
    )


def _advice_on(error: Exception) -> Sequence[str]:
    return [advice for classes, advice in _ADVICE if isinstance(error, classes)][:1]


def clean_line(text: str, environment: Mapping[str, str]) -> str:
    """A line fit for stderr: without the credentials of the `environment`, and without what a terminal obeys."""
    return printable(redact_exact(text, *own_secrets(environment)), _LIMIT)
