"""The example of the documentation, as it stands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from commercelayer_async.sandbox import Sandbox

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "many_machines.py"


@pytest.mark.slow
@pytest.mark.commercelayer_sandbox(wallets=120)
def test_the_example_exports_and_counts(commercelayer_sandbox: Sandbox, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), str(tmp_path / "wallets")],
        env={
            **os.environ,
            "COMMERCELAYER_ORGANIZATION": commercelayer_sandbox.url,
            "COMMERCELAYER_ACCESS_TOKEN": commercelayer_sandbox.access_token,
            "PYTHONPATH": str(EXAMPLE.parents[2]),
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("120 wallets in 3 files\n")
