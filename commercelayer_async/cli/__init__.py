"""The command line `commercelayer-async`: one module per command, and what they share.

    app       the program: global options, its commands, from arguments to an exit code
    exits     exit codes, and errors as one sentence
    masking   which values are secret, and text made fit for a terminal
    output    what people read: rich on a terminal, plain text elsewhere; and JSON for programs
    views     resources as the commands show them
    invocation  how the program was called, and where the credentials are
    options   options that several commands take
    asking    types, filters and relationships as arguments, and their completion
    demo, get, list, count, export, whoami, sandbox   the commands

It needs the extra `cli` (click and rich), which is asked for only when the program runs.
"""

import sys
from collections.abc import Sequence
from typing import Final

_EXTRA: Final = ("click", "rich")
_FAILED: Final = 1  # as in `exits`, which cannot be imported without the extra
_INTERRUPTED: Final = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code; `exits.ExitCode` says what they mean.

    `arguments` are those of the process unless given.
    """
    # Imported here: the package works without the extra, and says so in one sentence instead of a traceback.
    try:
        import click  # noqa: F401, PLC0415  # pyright: ignore[reportUnusedImport]
        import rich  # noqa: F401, PLC0415  # pyright: ignore[reportUnusedImport]

        from .app import run  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        sys.stderr.write(
            f"error: the command line needs {error.name}, which is not installed;"
            " run: pip install 'commercelayer-async[cli]'\n"
        )
        return _FAILED
    except KeyboardInterrupt:
        return _INTERRUPTED
    return run(sys.argv[1:] if arguments is None else arguments)
