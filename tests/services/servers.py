"""Servers of JSON:API which others wrote, from their packages, each in an environment of its own and on a free port."""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

_HERE: Final = Path(__file__).parent
_PATIENCE: Final = 300.0
"""Seconds for a package registry."""

DJANGO: Final = (
    "djangorestframework-jsonapi==8.1.0",
    "django-filter==26.2",
    "django-polymorphic==4.11.7",
    "Django>=5.2,<6",
)
FORTUNE: Final = ("fortune@5.5.19", "fortune-http@1.2.28", "fortune-json-api@2.3.1")
JSONAPI_SERVER: Final = ("jsonapi-server@4.2.0",)


def _installed(*command: str, what: tuple[str, ...]) -> None:
    """Run an installer; without what it installs a test has failed, and not been skipped."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        pytest.fail(f"{command[0]} did not run ({error.__class__.__name__}); needed: {', '.join(what)}")
    if done.returncode:
        pytest.fail(f"cannot be installed, but is needed: {', '.join(what)}\n{done.stderr[-2000:]}")


@contextmanager
def _running(*command: str, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """The URL that a program prints as its first line, as long as it runs."""
    server = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})}
    )
    with server:
        try:
            assert server.stdout is not None
            assert server.stderr is not None
            url = server.stdout.readline().strip()
            if not url:
                pytest.fail(f"{command[0]} ended: {server.stderr.read()[-2000:]}")
            yield url
        finally:
            server.kill()


@contextmanager
def django_server(folder: Path) -> Iterator[str]:
    """Django REST framework with its JSON:API adapter."""
    home = folder / "environment"
    venv.create(home, with_pip=True)
    python = str(home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))
    _installed(python, "-m", "pip", "install", "--quiet", *DJANGO, what=DJANGO)
    program = str(_HERE / "django_server/serve.py")
    with _running(python, "-B", program, environment={"DATABASE": str(folder / "blog.sqlite3")}) as url:
        yield url


@contextmanager
def _node_server(folder: Path, program: str, packages: tuple[str, ...]) -> Iterator[str]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.fail(f"Node.js is needed, with npm, for {', '.join(packages)}")
    options = ("--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1", "--prefix", str(folder))
    _installed(npm, "install", *options, *packages, what=packages)
    with _running(node, str(_HERE / "node_servers" / program), f"{folder / 'node_modules'}/") as url:
        yield url


@contextmanager
def fortune_server(folder: Path) -> Iterator[str]:
    """Fortune.js with its JSON:API serializer."""
    with _node_server(folder, "fortune_server.mjs", FORTUNE) as url:
        yield url


@contextmanager
def jsonapi_server(folder: Path) -> Iterator[str]:
    """The jsonapi-server of npm."""
    with _node_server(folder, "jsonapi_server.mjs", JSONAPI_SERVER) as url:
        yield url
