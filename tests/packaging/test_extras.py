"""Extras: nothing but what needs one asks for it, and says which line installs it."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from commercelayer_async.sandbox import Sandbox

ROOT = Path(__file__).parents[2]
EXTRAS: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]

EXPORT = """
import asyncio
from commercelayer_async import Session, export

async def main():
    async with Session.from_env() as session:
        await export(session, "customers", "customers.parquet")

asyncio.run(main())
"""
DASK = """
from commercelayer_async import dask

dask.export(None, "customers", "customers")
"""
EVERYTHING = """
from importlib import import_module

NAMES = ".cli .dask .jsonapi .otel .presets .redis .resources .sandbox .sandbox.pytest_plugin .shared"
for name in ("", *NAMES.split()):
    module = import_module(f"commercelayer_async{name}")
    for public in getattr(module, "__all__", ()):
        getattr(module, public)
"""
WAYS = {
    "cli": (["click", "rich"], "from commercelayer_async.cli import main; raise SystemExit(main(['demo']))"),
    "dask": (["dask", "distributed"], DASK),
    "keyring": (["keyring"], "from commercelayer_async.cli.keyrings import look_up; look_up('production')"),
    "otel": (["opentelemetry"], "from commercelayer_async import otel; otel.hooks()"),
    "parquet": (["pyarrow"], EXPORT),
    "redis": (["redis"], "from commercelayer_async.redis import RedisLimiter; RedisLimiter('redis://localhost')"),
}
"""For each extra, what it brings, and a program that needs it."""


def run_without(blocked: list[str], program: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a new process that cannot import some packages."""
    script = f"import sys; sys.modules.update(dict.fromkeys({blocked!r}))\n{program}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COMMERCELAYER_")}
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("extra", WAYS)
def test_what_needs_an_extra_says_how_to_install_it(extra: str, commercelayer_sandbox: Sandbox, tmp_path: Path) -> None:
    """As soon as it is asked for: nothing was sent or written."""
    blocked, program = WAYS[extra]
    done = run_without(
        blocked,
        program,
        tmp_path,
        COMMERCELAYER_ORGANIZATION=commercelayer_sandbox.url,
        COMMERCELAYER_ACCESS_TOKEN=commercelayer_sandbox.access_token,
    )

    assert done.returncode == 1
    assert done.stderr.rstrip().endswith(f" is not installed; run: pip install 'commercelayer-async[{extra}]'")
    assert not commercelayer_sandbox.requests
    assert not list(tmp_path.iterdir())


def test_all_else_works_without_any_extra(tmp_path: Path) -> None:
    blocked = [name for names, _ in WAYS.values() for name in names]
    done = run_without(blocked, EVERYTHING, tmp_path)

    assert (done.returncode, done.stderr) == (0, "")


def test_the_extra_all_is_all_others() -> None:
    """And each of them has its way above."""
    (requirement,) = EXTRAS["all"]
    others = requirement.removeprefix("commercelayer-async[").removesuffix("]").split(",")

    assert sorted(others) == sorted(WAYS) == sorted(EXTRAS.keys() - {"all"})
