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
    "@commercelayer/sdk": "7.12.1",
}
"""The versions of what is installed here."""
_SDK: Final = "@commercelayer/sdk"


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


def sdk_of_node() -> tuple[str, str] | None:
    """Node, and the decoding module of the official SDK; None, and a line that says why, if there is none."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        _skipped(_SDK, "there is no Node.js here")
        return None
    home = _HOME / "sdk"
    module = home / "node_modules" / _SDK / "lib/jsonapi.js"
    if not module.exists():
        home.mkdir(parents=True, exist_ok=True)
        _run(npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(home), f"{_SDK}@{PINNED[_SDK]}")
    if not module.exists():
        _skipped(_SDK, "it cannot be installed")
        return None
    return node, module.as_uri()


def _run(*command: str) -> bool:
    return subprocess.run(command, check=False, stdout=sys.stderr).returncode == 0


def _skipped(name: str, reason: str) -> None:
    print(f"without {name}: {reason}", file=sys.stderr)
