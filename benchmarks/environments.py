"""Environments for contenders that cannot live beside this package: made on first use, kept in `.envs/`."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

_HOME: Final = Path(__file__).parent / ".envs"
PINNED: Final = {
    "commercelayer": "3.0.4",  # needs httpx < 0.24
    "jsonapi-client": "0.9.10",
    "jsonapi-requests": "0.8.0",
    "@commercelayer/js-auth": "8.0.1",
    "@commercelayer/sdk": "7.12.1",
}
"""The versions of what is installed here."""
SDK: Final = "@commercelayer/sdk"
JS_AUTH: Final = "@commercelayer/js-auth"
_PATIENCE: Final = 300.0  # seconds for npm


def python_of(name: str) -> str | None:
    """The interpreter of a contender's environment; None, and a line that says why, if it cannot be made."""
    home = _HOME / name
    python = home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not (home / "done").exists():
        print(f"making an environment for {name} …", file=sys.stderr)
        shutil.rmtree(home, ignore_errors=True)
        venv.create(home, with_pip=True)
        if not _run(str(python), "-m", "pip", "install", "--quiet", f"{name}=={PINNED[name]}"):
            _skipped(name, "its packages cannot be installed")
            return None
        (home / "done").touch()
    return str(python)


class Unavailable(Exception):
    """What is asked for is not on this machine, and cannot be installed; the message says why."""


def node_packages(home: Path, *names: str) -> tuple[str, Path]:
    """Node, and the folder below *home* with packages of npm in their pinned versions, installed on first use.

    Raises:
        Unavailable: there is no Node.js, or the packages cannot be installed.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise Unavailable("there is no Node.js here")
    modules = home / "node_modules"
    if not all((modules / name / "package.json").exists() for name in names):
        home.mkdir(parents=True, exist_ok=True)
        options = ("--silent", "--no-audit", "--no-fund", "--fetch-retries=1", "--prefix", str(home))
        command = (npm, "install", *options, *(f"{name}@{PINNED[name]}" for name in names))
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=_PATIENCE)
        except (subprocess.SubprocessError, OSError) as error:
            raise Unavailable(f"npm cannot install {', '.join(names)} ({type(error).__name__})") from error
    return node, modules


def sdk_of_node() -> tuple[str, str] | None:
    """Node, and the decoding module of the official SDK; None, and a line that says why, if there is none."""
    try:
        node, modules = node_packages(_HOME / "sdk", SDK)
    except Unavailable as reason:
        _skipped(SDK, str(reason))
        return None
    return node, (modules / SDK / "lib/jsonapi.js").as_uri()


def _run(*command: str) -> bool:
    return subprocess.run(command, check=False, stdout=sys.stderr).returncode == 0


def _skipped(name: str, reason: str) -> None:
    print(f"without {name}: {reason}", file=sys.stderr)
