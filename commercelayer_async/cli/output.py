"""What commands write: rich output on a terminal, plain text elsewhere, and JSON for programs.

Every text goes through `clean` before it is written, and none is interpreted as markup.
"""

import errno
import json
import os
import re
import select
import shutil
import sys
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final, Protocol, TextIO, cast

import attrs
import click
import msgspec
from rich.console import Console, Group, RenderableType
from rich.highlighter import JSONHighlighter
from rich.panel import Panel
from rich.rule import Rule
from rich.syntax import Syntax
from rich.text import Text

from .._markers import override
from .._text import redact_exact
from .layout import Column, Line, lay_out_records, lay_out_table, wrap
from .masking import MASKED, clean

DUMB: Final = ("dumb", "unknown")
"""Values of `TERM` for terminals without colours and cursor movement."""

_INDENT: Final = "  "
_LOOK_INTERVAL: Final = 0.2
"""Seconds after which a writer to a full pipe looks whether it is to stop."""

_encode: Final = msgspec.json.Encoder(decimal_format="number").encode
_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that a terminal obeys."""
_BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7f]+")


class Output(Protocol):
    """Output for people. Texts are single lines; a terminal wraps the longer ones at its width."""

    def title(self, text: str, note: str) -> None:
        """Write a title, and a note on what follows."""
        ...

    def heading(self, text: str) -> None:
        """Write the heading of a section."""
        ...

    def prose(self, text: str) -> None:
        """Write a paragraph."""
        ...

    def code(self, text: str) -> None:
        """Write a line of Python."""
        ...

    def lines(self, title: str, lines: Iterable[str]) -> None:
        """Write lines, each on a line of its own."""
        ...

    def json(self, title: str, value: object) -> None:
        """Write a JSON value, indented."""
        ...

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Write rows of cells under the names of their columns, all of it."""
        ...

    def records(self, title: str, columns: Sequence[Column]) -> Sequence[str]:
        """Write records, a column for each of their members; gives the names of the columns that found no room."""
        ...


@attrs.frozen
class _PlainOutput(Output):
    """Plain text, for files and pipes: no colours, no frames; and each row on one line, unless there is a `width`."""

    secrets: tuple[str, ...] = attrs.field(repr=False)
    width: int | None

    @override
    def title(self, text: str, note: str) -> None:
        self._write(text, "=" * len(text), note)

    @override
    def heading(self, text: str) -> None:
        self._write("", text, "-" * len(text))

    @override
    def prose(self, text: str) -> None:
        self._write(*wrap(clean(text, self.secrets), self.width))

    @override
    def code(self, text: str) -> None:
        self._write("", f">>> {text}")

    @override
    def lines(self, title: str, lines: Iterable[str]) -> None:
        self._write("", f"{title}:", *(f"  {line}" for line in lines))

    @override
    def json(self, title: str, value: object) -> None:
        self.lines(title, _json_lines(value))

    @override
    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        header, *cleaned = _cleaned((columns, *rows), self.secrets)
        self._write_lines(title, lay_out_table(header, cleaned, self.width))

    @override
    def records(self, title: str, columns: Sequence[Column]) -> Sequence[str]:
        layout = lay_out_records(_cleaned_columns(columns, self.secrets), self.width)
        self._write_lines(title, layout.lines)
        return layout.left_out

    def _write_lines(self, title: str, lines: Iterable[Line]) -> None:
        self._write("", *wrap(f"{clean(title, self.secrets)}:", self.width))
        indent = _INDENT if self.width is None else ""
        self._write(*(f"{indent}{line.text}".rstrip() for line in lines))

    def _write(self, *lines: str) -> None:
        click.echo("\n".join(clean(line, self.secrets) for line in lines))


@attrs.frozen
class _RichOutput(Output):
    """Panels, tables and colours, for a terminal. `NO_COLOR` turns the colours off."""

    secrets: tuple[str, ...] = attrs.field(repr=False)
    console: Console = attrs.field(repr=False)

    @override
    def title(self, text: str, note: str) -> None:
        self._print(Panel(self._text(note), title=self._text(text, "bold"), title_align="left", border_style="cyan"))

    @override
    def heading(self, text: str) -> None:
        self._print(Text(), Rule(self._text(text, "bold cyan"), align="left", style="cyan"))

    @override
    def prose(self, text: str) -> None:
        for line in wrap(clean(text, self.secrets), self.console.width):
            self._print(self._text(line))

    @override
    def code(self, text: str) -> None:
        code = Syntax(clean(text, self.secrets), "python", theme="ansi_dark", background_color="default")
        self._print(Text(), code, Text())

    @override
    def lines(self, title: str, lines: Iterable[str]) -> None:
        self._panel(title, Group(*map(self._text, lines)))

    @override
    def json(self, title: str, value: object) -> None:
        text = Text("\n").join(Text(clean(line, self.secrets), overflow="fold") for line in _json_lines(value))
        JSONHighlighter().highlight(text)
        text.highlight_words([MASKED], "yellow")
        self._panel(title, text)

    @override
    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        header, *cleaned = _cleaned((columns, *rows), self.secrets)
        self._print_lines(title, lay_out_table(header, cleaned, self.console.width))

    @override
    def records(self, title: str, columns: Sequence[Column]) -> Sequence[str]:
        layout = lay_out_records(_cleaned_columns(columns, self.secrets), self.console.width)
        self._print_lines(title, layout.lines)
        return layout.left_out

    def _print_lines(self, title: str, lines: Iterable[Line]) -> None:
        titles = [Line(part, is_header=True) for part in wrap(clean(title, self.secrets), self.console.width)]
        for line in (Line(""), *titles, *lines):
            text = Text.assemble((line.head, "bold" if line.is_header else "cyan"), (line.tail, _style_of_tail(line)))
            text.highlight_words([MASKED], "yellow")
            # They fit already, and rich measures some characters otherwise.
            self.console.print(text, no_wrap=True, overflow="ignore", crop=False)

    def _panel(self, title: str, content: RenderableType) -> None:
        self._print(Panel(content, title=self._text(title, "bold"), title_align="left", border_style="dim"))

    def _text(self, text: str, style: str = "") -> Text:
        shown = Text(clean(text, self.secrets), style=style, overflow="fold")
        shown.highlight_words([MASKED], "yellow")
        return shown

    def _print(self, *things: RenderableType) -> None:
        for thing in things:
            self.console.print(thing)


def output_for_people(secrets: tuple[str, ...]) -> Output:
    """Rich output if stdout is a terminal that can show it, else plain text. The `secrets` are masked in both.

    Lines are as wide as the terminal, or as the variable `COLUMNS` says; with neither, as wide as they get.
    """
    stdout = cast("TextIO | None", sys.stdout)
    is_terminal = stdout is not None and stdout.isatty()
    if is_terminal and os.environ.get("TERM") not in DUMB:
        return _RichOutput(secrets, Console(markup=False, emoji=False, highlight=False))
    return _PlainOutput(secrets, _width(is_terminal=is_terminal))


def _width(*, is_terminal: bool) -> int | None:
    """The width for plain text; None for any."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given) > 0:
        return int(given)
    return shutil.get_terminal_size().columns if is_terminal else None


def _cleaned(rows: Iterable[Sequence[str]], secrets: tuple[str, ...]) -> list[list[str]]:
    return [[clean(cell, secrets) for cell in row] for row in rows]


def _cleaned_columns(columns: Iterable[Column], secrets: tuple[str, ...]) -> list[Column]:
    return [
        attrs.evolve(column, name=clean(column.name, secrets), cells=[clean(cell, secrets) for cell in column.cells])
        for column in columns
    ]


def _style_of_tail(line: Line) -> str:
    return "bold" if line.is_header else ""


def write_json(value: object, secrets: tuple[str, ...]) -> None:
    """Write a JSON document to stdout, in ASCII, so that no terminal, pipe or locale can change it."""
    _echo_json(msgspec.json.format(_encode(value), indent=2), secrets)


def write_json_line(value: object, secrets: tuple[str, ...]) -> None:
    """Write a JSON document to stdout on one line, in ASCII."""
    _echo_json(_encode(value), secrets)


def write_text(lines: Iterable[str], secrets: tuple[str, ...]) -> None:
    """Write lines to stdout as they are, but for the `secrets`, and for what a terminal obeys where that is one."""
    stdout = cast("TextIO | None", sys.stdout)
    is_terminal = stdout is not None and stdout.isatty()
    for line in lines:
        # A tab divides cells; within one there is none.
        cells = (clean(cell, secrets) if is_terminal else redact_exact(cell, *secrets) for cell in line.split("\t"))
        click.echo("\t".join(cells))


def _echo_json(document: bytes, secrets: tuple[str, ...]) -> None:
    text = _BEYOND_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], document.decode())
    click.echo(redact_exact(text, *secrets, *(json.dumps(secret)[1:-1] for secret in secrets)))


class StandardOutput:
    """Stdout, for bytes: written in a thread, and not for longer than somebody wants that."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let `write` end soon, though nobody reads what is written; for another thread."""
        self._stopped.set()

    def write(self, data: bytes) -> None:
        """Write all of `data`.

        Raises:
            BrokenPipeError: the reader has closed it.
        """
        stdout = cast("TextIO | None", sys.stdout)
        if stdout is None:
            raise OSError(errno.EBADF, "stdout is closed")
        if stdout.isatty():
            data = _CONTROLS.sub(lambda found: json.dumps(found[0])[1:-1], data.decode()).encode()
        stdout.flush()
        if os.name == "nt" or not _is_file(stdout):
            stdout.buffer.write(data)
            stdout.buffer.flush()
            return
        descriptor = stdout.fileno()
        view = memoryview(data)
        while view and not self._stopped.is_set():
            # A pipe that is ready takes that much at once.
            if select.select([], [descriptor], [], _LOOK_INTERVAL)[1]:
                # Somebody else may have been faster, on a pipe that does not block.
                with suppress(BlockingIOError):
                    view = view[os.write(descriptor, view[: select.PIPE_BUF]) :]


def _is_file(stream: TextIO) -> bool:
    try:
        return stream.fileno() >= 0
    except OSError:
        return False


def text_of(value: object) -> str:
    """A JSON value on one line, as a cell shows it: texts without quotes, all else as JSON."""
    return value if isinstance(value, str) else msgspec.json.format(_encode(value), indent=0).decode()


def _json_lines(value: object) -> list[str]:
    return msgspec.json.format(_encode(value), indent=2).decode().split("\n")
