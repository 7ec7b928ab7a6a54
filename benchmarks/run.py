"""What is said of a run beside its figures: when and where it was, which versions it had, what its orders came from."""

import argparse
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from .environments import PINNED
from .measuring import ROOT

PACKAGES: Final = ("aiohttp", "yarl", "attrs", "cattrs", "msgspec", "orjson", "pydantic", "httpx")


def add_options(parser: argparse.ArgumentParser, *, rounds: int) -> None:
    """Add the options that all benchmarks have."""
    parser.add_argument("--rounds", type=int, default=rounds, help="in which all contenders take turns")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6, help="of the order within each round")
    parser.add_argument("--json", type=Path, help="where to write the results for `make plots`")


def facts(options: argparse.Namespace) -> Mapping[str, Any]:
    """What is published of a run; printed too."""
    found = {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": _commit(),
        "machine": f"{os.cpu_count()} x {_processor()}, {platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "versions": _versions(),
        "seed": options.seed,
        "rounds": options.rounds,
    }
    print(f"{found['machine']}, {found['python']}; commit {found['commit']}")
    print(f"{options.rounds} rounds, their order drawn from --seed {options.seed}")
    return found


def _commit() -> str:
    """The commit, and whether anything but what benchmarks write differs from it; "unknown" without git."""
    try:
        commit = _said("git", "rev-parse", "--short=10", "HEAD")
        changed = _said("git", "status", "--porcelain", "--", ":!docs/benchmarks.md", ":!docs/benchmarks")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{commit}, with changes" if changed else commit


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "processor"


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    node = shutil.which("node")
    return {**found, **PINNED, **({} if node is None else {"Node.js": _said(node, "--version").removeprefix("v")})}


def _said(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout.strip()
