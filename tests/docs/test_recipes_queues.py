"""Jobs of arq and of taskiq, by the programs that people run them with: one token, one budget, retries that help."""

import asyncio
import os
import signal
import subprocess
import sys
import tomllib
import venv
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

import attrs
import pytest

from commercelayer_async.sandbox import Delay, Gate, Rates, Sandbox
from tests.docs.conftest import ROOT
from tests.shared.redis_server import REQUIRED, RedisServer

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="sockets in the file system")]

DEADLINE: Final = 3
"""Seconds for each call, of jobs here."""
WALLETS: Final = 12
MISSING: Final = "nobodyhere"
PACKAGES: Final = {"arq": ["arq>=0.26"], "taskiq": ["taskiq>=0.12", "taskiq-redis>=1.1"]}
"""Each brings the redis-py that it admits: arq an older one than the extra of this package asks for."""
WORKERS: Final = {
    "arq": ["arq", "arq_worker.WorkerSettings"],
    "taskiq": ["taskiq", "worker", "taskiq_worker:broker", "--workers", "1"],
}


def environment_of(name: str) -> Path:
    """The programs of a queue in an environment of their own, which is kept as long as it would be the same."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *PACKAGES[name]]
    home = ROOT / f".venv-{name}"
    made = home / sha256(f"{sys.version} {wanted}".encode()).hexdigest()[:16]
    if not made.exists():
        venv.create(home, with_pip=True, clear=True)
        _install(home, wanted)
        made.touch()
    return home / "bin"


def _install(home: Path, wanted: Sequence[str]) -> None:
    command = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", *wanted]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        reason = f"cannot be installed: pip install {' '.join(wanted)}"
        if os.environ.get(REQUIRED):
            pytest.fail(f"{reason}\n{done.stderr[-2000:]}")
        pytest.skip(reason)


@attrs.frozen
class Queue:
    """A queue with its Redis server, and the environment of its programs."""

    name: str
    programs: Path
    recipes: Path
    environment: dict[str, str]
    logs: Path

    async def ask_for(self, *ids: str) -> dict[str, str]:
        """Have jobs run for some ids, and give what came of each."""
        asking = await asyncio.create_subprocess_exec(
            *(str(self.programs / "python"), "-B", f"{self.name}_worker.py", *ids),
            cwd=self.recipes,
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(120):
            out, err = await asking.communicate()
        assert asking.returncode == 0, err.decode()
        found = (line.partition(" ") for line in out.decode().splitlines())
        return {id: said for id, _, said in found if id in ids}

    @asynccontextmanager
    async def worker(self, number: int) -> AsyncIterator[None]:
        """One worker, which ends well when it is asked to."""
        log = self.logs / f"worker-{number}.log"
        program, *arguments = WORKERS[self.name]
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *(str(self.programs / program), *arguments),
                cwd=self.recipes,
                env=self.environment,
                stdout=output,
                stderr=output,
            )
        try:
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(60):
                code = await process.wait()
        said = log.read_text()
        assert code == 0, said
        assert "was not closed" not in said
        assert "ResourceWarning" not in said


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """One that keeps the windows of the test mode, twenty times as short, and reports them."""
    async with Sandbox(rates=Rates.test().scaled(20)) as running:
        yield running


@pytest.fixture(params=PACKAGES)
def queue(request: pytest.FixtureRequest, recipes: Path, environment: Sandbox, tmp_path: Path) -> Iterator[Queue]:
    with RedisServer() as server:
        yield Queue(
            request.param,
            environment_of(request.param),
            recipes,
            {
                **os.environ,
                "JOB_DEADLINE": str(DEADLINE),
                "PYTHONPATH": str(ROOT),
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONWARNINGS": "default",
                "REDIS_URL": server.url,
            },
            tmp_path,
        )


async def test_workers_share_a_token_and_a_budget_and_each_job_has_its_answer(
    queue: Queue, environment: Sandbox
) -> None:
    ids = environment.world.wallet_ids()[:WALLETS]
    async with queue.worker(1), queue.worker(2):
        found = await queue.ask_for(*ids)

    assert list(found) == list(ids)
    assert all("@example.com" in said for said in found.values())
    assert environment.token_requests.total() == 1
    assert environment.violations == ()


async def test_a_queue_runs_again_what_another_run_may_help_and_nothing_else(
    queue: Queue, environment: Sandbox
) -> None:
    """A call that nobody answers ends by its own deadline, and the next run succeeds; what is not there has one run."""
    gate = Gate()
    environment.faults.add(Delay(until=gate), times=1, where="/api/")
    wallet = environment.world.wallet_ids()[0]
    async with queue.worker(1):
        found = await queue.ask_for(wallet)
        assert gate.waiting
        gate.open()
        missing = await queue.ask_for(MISSING)

    assert "@example.com" in found[wallet]
    assert "NotFound" in missing[MISSING]
    asked = [request.raw_path.partition("?")[0].rpartition("/")[2] for request in environment.requests]
    assert asked.count(MISSING) == 1
    assert asked.count(wallet) == 2
