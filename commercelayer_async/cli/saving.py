"""What a command writes, in a file instead of stdout: it appears under its name when it is complete."""

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import Final, TextIO

import click

from .._text import printable

_STDOUT: Final = "-"
_ESCAPED: Final = "backslashreplace"
"""What becomes of a lone surrogate, which no encoding has."""


@contextmanager
def written_to(file: str | None) -> Generator[None]:
    """Write what the block writes to stdout into a file; None and `-` stand for stdout itself.

    The file takes its name, and the place of one that was there, when the block has ended well and all of it is on the
    disk. Otherwise nothing is left of it. What is no file, such as a pipe or `/dev/null`, is written to directly.

    Raises:
        UsageError: it cannot be written.
    """
    if file is None or file == _STDOUT:
        yield
        return
    if Path(file).exists() and not Path(file).is_file():
        with _refusing(file):
            descriptor = os.open(file, os.O_WRONLY)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors=_ESCAPED) as stream, redirect_stdout(stream):
            yield
        return
    # A link stays a link.
    path = Path(os.path.realpath(file))
    with _refusing(file):
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:60]}.")
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors=_ESCAPED, newline="\n") as partly:
            with redirect_stdout(partly):
                yield
            _sync(partly)
        with _refusing(file):
            partial.replace(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise


def _sync(stream: TextIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())


@contextmanager
def _refusing(file: str) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise click.UsageError(f"cannot write {printable(file)}: {error.strerror or type(error).__name__}") from None
