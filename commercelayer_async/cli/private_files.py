"""Files that nobody but their owner can read or change."""

import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import click

from .._text import printable

_LARGEST: Final = 65_536
"""The most bytes of a file that is read."""


def read_private(file: str) -> str:
    """The text of a file that nobody else can read.

    Raises:
        UsageError: it cannot be read, others can read it, or it is not text.
    """
    shown = printable(file)
    try:
        with Path(file).open("rb") as opened:
            # Of the open file, and not of the path, which may name another file a moment later.
            _require_private(os.fstat(opened.fileno()), shown)
            content = opened.read(_LARGEST + 1)
        if len(content) <= _LARGEST:
            # Some editors begin a file with a byte order mark.
            return content.decode("utf-8-sig")
    except OSError as error:
        raise click.UsageError(f"cannot read {shown}: {error.strerror or type(error).__name__}") from None
    except UnicodeDecodeError:
        pass
    raise click.UsageError(f"{shown} is not a text of lines NAME=value")


def write_private(file: Path, text: str) -> None:
    """Write a file that nobody else can read, in one step; its folder is made if it is not there.

    Raises:
        UsageError: it cannot be written.
    """
    partial: Path | None = None
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made with the mode 0600.
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        partial = Path(name)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        partial.replace(file)
    except OSError as error:
        if partial is not None:
            with suppress(OSError):
                partial.unlink()
        raise click.UsageError(
            f"cannot write {printable(str(file))}: {error.strerror or type(error).__name__}"
        ) from None


def _require_private(status: os.stat_result, shown: str) -> None:
    owner: Callable[[], int] | None = getattr(os, "geteuid", None)
    if owner is None:
        return
    if status.st_uid not in (0, owner()):
        raise click.UsageError(f"{shown} is owned by another user, who can change it; use a file of your own")
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise click.UsageError(f"others can read or change {shown} (mode {mode:04o}); run: chmod 600 {shown}")
