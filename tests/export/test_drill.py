"""The drill: exports whose process is killed again and again."""

import json
import subprocess
import sys

import pytest

from benchmarks.drill_export import FORMATS, check
from commercelayer_async import export
from commercelayer_async.resources import CustomerPaymentSource


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


@pytest.mark.parametrize("format", FORMATS)
async def test_what_the_drill_checks_holds_for_an_export_that_nothing_disturbs(session, sandbox, tmp_path, format):
    path = tmp_path / f"wallets.{format}"

    await export(session, CustomerPaymentSource, path, include=("customer", "payment_source"))

    wallets = set(sandbox.world.wallet_ids())
    assert check(path, wallets, wallets) == (len(wallets), [])


async def test_the_drill_sees_what_a_file_lacks_or_has_twice_or_should_not_have(session, sandbox, tmp_path):
    path = tmp_path / "wallets.jsonl"
    await export(session, CustomerPaymentSource, path, include=("customer", "payment_source"))
    first, second, third, *others = path.read_bytes().splitlines(keepends=True)
    of_second = json.loads(second)
    of_second["included"].pop()
    path.write_bytes(b"".join((third, json.dumps(of_second).encode() + b"\n", third, *others)))
    wallets = set(sandbox.world.wallet_ids())

    found, problems = check(path, wallets, wallets - {json.loads(third)["data"]["id"]})

    assert found == len(wallets) - 1
    assert [problem.removeprefix("wallets.jsonl: ").partition(",")[0] for problem in problems] == [
        "2 lost",
        "1 doubled",
        "1 unknown",
        "the checksum of the manifest is wrong",
        f"the manifest tells {len(wallets)} records",
    ]
    assert json.loads(first)["data"]["id"] in wallets
