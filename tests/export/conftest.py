"""What the tests of exports share."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from commercelayer_async.sandbox import Sandbox


@pytest.fixture
def listed(sandbox: Sandbox) -> Callable[[], list[str]]:
    """The ids of the sandbox's own list of wallets."""
    return lambda: list(sandbox.world.wallet_ids())


@pytest.fixture
def documents() -> Callable[[Path], list[dict[str, Any]]]:
    """The documents in a file of JSON lines, every line of which is whole."""

    def reading(path: Path) -> list[dict[str, Any]]:
        content = path.read_bytes()
        assert content.endswith(b"\n")
        return [json.loads(line) for line in content.splitlines()]

    return reading


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test survives a power failure."""
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)
