"""The drill: exports whose process is killed again and again."""

import subprocess
import sys

import pytest


@pytest.mark.slow
def test_exports_that_are_killed_lose_nothing():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.drill_export", "20"],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed: none lost, none doubled, no half line, every checksum right" in done.stdout
