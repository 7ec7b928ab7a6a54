"""The command line `commercelayer-async`: one module for each command, and what they share.

    app             the program: its global options and commands; from arguments to an exit code
    demo, get, list, count, export, model, whoami, login, sandbox   the commands
    inference, naming, class_source   for `model`: what records show, names of Python, and the class as text
    invocation      how the program was called, and where the credentials come from
    profiles        credentials under a name, which `login` keeps
    keyrings        the system's keyring, which keeps client secrets
    private_files   files that nobody but their owner can read
    services        which service is read, and its classes
    options         options that several commands take
    query_options   types, filters, sort keys and relationships as arguments, and their completion
    views           resources as the commands show them
    records         records as `list` shows them: columns, and lines of TSV
    layout          cells as lines that fit a width
    saving          what a command writes, in a file that appears when it is complete
    masking         which values are secret, and foreign text made safe for a terminal
    output          what is written for people: rich on a terminal, plain text elsewhere; and JSON for programs
    progress        waits for the rate limit and the progress of an export, on stderr
    signals         Ctrl-C and SIGTERM, which end a command in order
    errors          exit codes, and what is said of errors

What runs when: `main` checks that the extra `cli` (click and rich) is installed, then `app.run` refuses secrets among
the arguments and calls the command. A command opens a session (`invocation`), reads, masks what it shows (`masking`,
`views`) and writes it (`output`). Whatever is raised ends in `errors.report`: a few lines on stderr and an exit code.
"""

import sys
from collections.abc import Sequence
from typing import Final

_EXTRA: Final = ("click", "rich")
_FAILED: Final = 1  # as in `errors`, which cannot be imported without the extra
_INTERRUPTED: Final = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; `errors.ExitCode` lists them.

    `arguments` are those of the process by default.
    """
    # Imported here: the package works without the extra, and then says so in one sentence instead of a traceback.
    try:
        import click  # noqa: F401, PLC0415 - is it there?  # pyright: ignore[reportUnusedImport]
        import rich  # noqa: F401, PLC0415 - is it there?  # pyright: ignore[reportUnusedImport]

        from .app import run  # noqa: PLC0415 - it needs the extra too
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
