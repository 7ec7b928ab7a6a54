"""What the tests of the documentation share: a sandbox that the environment names, and the recipes to import."""

import sys
from pathlib import Path

import pytest

from commercelayer_async.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "docs" / "recipes"


@pytest.fixture
def recipes(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the recipes, which import each other by name."""
    monkeypatch.syspath_prepend(str(RECIPES))
    return RECIPES


@pytest.fixture
def environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Sandbox:
    """The sandbox, as `Session.from_env()` finds it, and a folder to write to."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COMMERCELAYER_ACCESS_TOKEN", raising=False)
    monkeypatch.setenv("COMMERCELAYER_ORGANIZATION", sandbox.url)
    monkeypatch.setenv("COMMERCELAYER_CLIENT_ID", sandbox.client_id)
    monkeypatch.setenv("COMMERCELAYER_CLIENT_SECRET", sandbox.client_secret)
    # Recipes look like users' programs: what they print is no secret, and nothing of this folder is kept.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return sandbox
