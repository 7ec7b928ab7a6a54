"""Exports that are interrupted, and what they leave in a folder."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from commercelayer_async import Session, export


async def interrupt(session: Session, what: Any, path: Path, *, after: int = 1, **options: Any) -> Path:
    """Begin an export, and cancel it after so many pages; gives the path."""
    seen: list[object] = []

    def cancel(progress: object) -> None:
        seen.append(progress)
        if len(seen) == after:
            task.cancel()

    task = asyncio.ensure_future(export(session, what, path, on_progress=cancel, **options))
    with pytest.raises(asyncio.CancelledError):
        await task
    return path


def content(folder: Path) -> dict[str, bytes]:
    """The bytes of each file of a folder, by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}
