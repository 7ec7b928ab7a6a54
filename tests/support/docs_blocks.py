"""The code blocks of the documentation, and how they run.

The Python blocks of a page run one after the other, as a reader would type them into `python -m asyncio`: what one
defines, the next may use, and `await` stands at the top level. A block is followed by what it prints, if that is shown:
a `text` block right behind it, in which `…` stands for anything within a line. A block that cannot run says why in a
comment before it: `<!-- not run: because … -->`; it has to be Python all the same.
"""

import ast
import asyncio
import builtins
import contextlib
import inspect
import io
import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

from commercelayer_async import Session
from commercelayer_async.sandbox import Sandbox

DOCS = Path(__file__).parents[2] / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))

_FENCE = re.compile(r"(?ms)^(?P<indent> *)```(?P<language>[\w-]*)[^\n]*\n(?P<code>.*?)^(?P=indent)```[ ]*$")
_NOT_RUN = re.compile(r"<!-- not run: (?P<reason>.+?) -->\s*\Z", re.DOTALL)
SNIPPET = re.compile(r'--8<-- "(?P<path>[^"]+)"')


@attrs.frozen
class Block:
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    indented: bool
    code: str
    reason: str | None
    """Why it is not run; None if it is."""
    output: str | None = None
    """What the page says that it prints; None if it says nothing."""

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def blocks_of(page: str) -> list[Block]:
    """All fenced blocks of a page, in order; a `text` block right behind a Python one is its output."""
    text = (DOCS / page).read_text()
    blocks: list[Block] = []
    end = -1
    for found in _FENCE.finditer(text):
        code, language = found["code"], found["language"]
        between = text[end : found.start()] if end >= 0 else "?"
        if language == "text" and blocks and blocks[-1].language == "python" and not between.strip():
            blocks[-1] = attrs.evolve(blocks[-1], output=code)
        why = _NOT_RUN.search(text[: found.start()])
        line = text[: found.start()].count("\n") + 1
        blocks.append(Block(page, line, language, bool(found["indent"]), code, why["reason"] if why else None))
        end = found.end()
    return blocks


async def run(blocks: list[Block], sandbox: Sandbox) -> Iterator[tuple[Block, str]]:
    """What each block of a page prints. Tests that a block defines are run; sessions that stay open are closed."""
    names: dict[str, Any] = {"__name__": "page", "__builtins__": builtins}
    printed: list[tuple[Block, str]] = []
    try:
        for block in blocks:
            printed.append((block, await _printed(block, names)))
            for name in re.findall(r"(?m)^async def (test_\w+)\(commercelayer_sandbox\)", block.code):
                await names[name](sandbox)
    finally:
        for value in list(names.values()):
            if isinstance(value, Session):
                await value.close()
    return iter(printed)


async def _printed(block: Block, names: dict[str, Any]) -> str:
    # Line numbers in a traceback are those of the page.
    source = "\n" * block.line + block.code
    compiled = compile(source, str(DOCS / block.page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        if "asyncio.run(" in block.code:
            await asyncio.to_thread(types.FunctionType(compiled, names))
        else:
            made = types.FunctionType(compiled, names)()
            if inspect.isawaitable(made):
                await made
    return out.getvalue()


def fits(shown: str, printed: str) -> bool:
    """Whether a page shows what was printed."""
    pattern = r"[^\n]*".join(re.escape(part) for part in shown.rstrip().split("…"))
    return re.fullmatch(pattern, printed.rstrip()) is not None
