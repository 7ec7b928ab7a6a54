"""Every code block of the README runs, against the sandbox."""

import ast
import asyncio
import re
import shutil
import subprocess
import types
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
PYTHON = [code for language, code in BLOCKS if language == "python"]
SHELL = [code for language, code in BLOCKS if language == "sh"]


def test_there_are_no_blocks_of_another_kind() -> None:
    assert {language for language, _ in BLOCKS} == {"python", "sh"}


def test_the_python_blocks_run(commercelayer_sandbox: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """One after the other, as a reader would: what one imports, the next may use."""
    monkeypatch.setenv("COMMERCELAYER_ORGANIZATION", commercelayer_sandbox.url)
    monkeypatch.setenv("COMMERCELAYER_ACCESS_TOKEN", commercelayer_sandbox.access_token)
    names: dict[str, Any] = {"commercelayer_sandbox": commercelayer_sandbox}
    exec("from commercelayer_async import AccessToken", names)

    for code in PYTHON:
        compiled = compile(code, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        made = types.FunctionType(compiled, names)()
        if asyncio.iscoroutine(made):
            asyncio.run(made)
        if "test_my_service" in code:
            asyncio.run(names["test_my_service"](commercelayer_sandbox))

    out = capsys.readouterr().out
    assert "XXXX-XXXX-XXXX-1111 2018-01-01 test" in out
    assert "Stripe pi_" in out
    assert "404 RECORD_NOT_FOUND" in out


def test_the_make_targets_exist() -> None:
    targets = re.findall(r"^make ([a-z-]+)", "".join(SHELL), re.MULTILINE)
    makefile = (ROOT / "Makefile").read_text()

    assert targets
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_gets_the_published_document(commercelayer_sandbox: Any) -> None:
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
