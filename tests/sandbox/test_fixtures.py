"""The pytest fixtures as a user's tests meet them, in a run of pytest of their own."""

import subprocess
import sys
from pathlib import Path

import pytest

from commercelayer_async.sandbox import Rates
from commercelayer_async.sandbox.limits.rates import Limit

GOOD = """
import pytest
from commercelayer_async.sandbox import Rates

pytestmark = pytest.mark.commercelayer_sandbox(wallets=4, seed=5)
urls = set()


def test_without_more(commercelayer_sandbox):
    assert len(commercelayer_sandbox.world.wallet_ids()) == 4


@pytest.mark.commercelayer_sandbox(wallets=3, mode="live", rates=Rates.live())
def test_the_nearest_counts(commercelayer_sandbox):
    assert len(commercelayer_sandbox.world.wallet_ids()) == 3
    assert commercelayer_sandbox.mode == "live"


@pytest.fixture(scope="module")
def shop(commercelayer_sandbox_factory):
    return commercelayer_sandbox_factory(wallets=2)


@pytest.fixture(scope="session")
def warehouse(commercelayer_sandbox_factory):
    return commercelayer_sandbox_factory()


@pytest.mark.parametrize("time", [1, 2])
def test_a_fixture_of_another_scope(time, shop, warehouse, commercelayer_sandbox):
    urls.update(sandbox.url for sandbox in (shop, warehouse, commercelayer_sandbox))
    assert len(shop.world.wallet_ids()) == 2
    assert len(warehouse.world.wallet_ids()) == 300
    assert len(urls) >= 3
"""
BAD = """
import pytest


@pytest.mark.commercelayer_sandbox(walets=4)
def test_a_misspelt_option(commercelayer_sandbox): ...


@pytest.mark.commercelayer_sandbox(nothing=4)
def test_an_unknown_option(commercelayer_sandbox): ...


@pytest.mark.commercelayer_sandbox(4)
def test_an_option_without_a_name(commercelayer_sandbox): ...


@pytest.mark.commercelayer_sandbox(rates="live")
def test_an_option_of_a_wrong_type(commercelayer_sandbox): ...


def test_an_unknown_option_of_the_factory(commercelayer_sandbox_factory):
    commercelayer_sandbox_factory(walets=4)
"""


def pytest_run(folder: Path, tests: str) -> "subprocess.CompletedProcess[str]":
    (folder / "test_it.py").write_text(tests)
    (folder / "pytest.ini").write_text(
        "[pytest]\nfilterwarnings = error\naddopts = --strict-markers --strict-config\n"
        "asyncio_default_fixture_loop_scope = function\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_options_by_marker_and_more_sandboxes_by_the_factory(tmp_path: Path) -> None:
    done = pytest_run(tmp_path, GOOD)

    assert "4 passed" in done.stdout, done.stdout
    assert done.returncode == 0


def test_a_mistake_is_one_sentence(tmp_path: Path) -> None:
    done = pytest_run(tmp_path, BAD)

    assert "1 failed, 4 errors" in done.stdout, done.stdout
    assert done.stdout.count("a sandbox has no option walets; did you mean wallets?") >= 2
    assert "a sandbox has no option nothing; it has host, port, wallets" in done.stdout
    assert "takes options by name, such as wallets=50" in done.stdout
    assert "rates is 'live'; it must be Rates, such as Rates.live()" in done.stdout


@pytest.mark.commercelayer_sandbox(wallets=2, rates=Rates.live().scaled(100))
def test_the_marker_sets_the_limits(commercelayer_sandbox) -> None:
    assert commercelayer_sandbox._meter._rates.uncacheable.average == Limit(200, 0.6)
