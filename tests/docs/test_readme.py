"""The README's program runs as a file against the sandbox and prints what is shown; its commands and links exist."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
README = (ROOT / "README.md").read_text()
SHELL = "".join(code for language, code in BLOCKS if language == "sh")
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def test_the_program_and_the_shell_lines_below_it_print_what_is_shown(tmp_path: Path) -> None:
    """In one shell, in this order; with a port that is free."""
    (program,) = [code for language, code in BLOCKS if language == "python"]
    (shown,) = [code for language, code in BLOCKS if language == "text"]
    (lines,) = [code for language, code in BLOCKS if language == "sh" and "wallet.py" in code]
    assert "wallet.py" in README.partition(program)[0]
    (tmp_path / "wallet.py").write_text(program)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COMMERCELAYER_")}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])

    run = subprocess.run(
        ["/bin/sh", "-e"],
        input=lines.replace("8080", str(free_port())),
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    pattern = r"[^\n]+".join(re.escape(part) for part in shown.split("…"))
    assert run.returncode == 0, run.stderr
    assert re.fullmatch(pattern, run.stdout), run.stdout


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def test_there_are_no_blocks_of_another_language() -> None:
    assert {language for language, _ in BLOCKS} == {"python", "sh", "text"}


def test_the_make_targets_exist() -> None:
    targets = re.findall(r"^make ([a-z-]+)", SHELL, re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text()

    assert targets == ["demo", "test"]
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def packages_of(extra: str) -> set[str]:
    """What an extra brings, those of other extras that it names included."""
    found: set[str] = set()
    for requirement in EXTRAS[extra]:
        if named := re.fullmatch(r"commercelayer-async\[([\w,]+)\]", requirement):
            found.update(*map(packages_of, named[1].split(",")))
        else:
            found.add(re.split(r"[^\w-]", requirement)[0])
    return found


def test_each_extra_is_named_with_what_it_brings() -> None:
    rows = re.findall(r"^\| `'commercelayer-async\[(\w+)\]'` \|[^|]+\| ([^|]+) \|$", README, re.MULTILINE)

    assert {extra: set(brings.split(", ")) for extra, brings in rows} == {extra: packages_of(extra) for extra in EXTRAS}


def test_links_lead_to_files() -> None:
    targets = [target for target in re.findall(r"\]\(([^)]+)\)", README) if "://" not in target]

    assert len(targets) == 3
    assert [target for target in targets if not (ROOT / target).is_file()] == []


def test_it_is_short_and_leaves_no_cell_blank() -> None:
    cells = [cell for line in README.splitlines() if line.startswith("|") for cell in line.strip("|").split("|")]

    assert len(README.encode()) <= 4096
    assert [cell for cell in cells if cell.strip() in {"", "-", "–", "—"}] == []  # noqa: RUF001 - the dash itself


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_gets_the_published_document(commercelayer_sandbox: Any) -> None:
    """What the sandbox prints when it is started alone."""
    run = subprocess.run(
        [
            *("curl", "-s", "-g", f"{commercelayer_sandbox.url}/api/customer_payment_sources/xYZkjABcde"),
            *("-H", "Accept: application/vnd.api+json"),
            *("-H", f"Authorization: Bearer {commercelayer_sandbox.access_token}"),
        ],
        capture_output=True,
        check=True,
        text=True,
    )

    assert '"payment_source_token":"pm_xxxyyyzzz"' in run.stdout.replace(" ", "")
