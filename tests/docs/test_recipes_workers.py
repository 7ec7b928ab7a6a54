"""Web services in several processes, by the programs that people run them with: one token, one budget."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from commercelayer_async import Session
from commercelayer_async.resources import CustomerPaymentSource
from commercelayer_async.sandbox import Rates, Sandbox
from tests.support.documents import WALLET_ID

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="sockets in the file system"),
]

SERVERS = {
    "uvicorn": ["-m", "uvicorn", "fastapi_app:app", "--workers", "2", "--uds", "{socket}"],
    "gunicorn": [
        *("-m", "gunicorn", "fastapi_app:app", "--workers", "2", "--bind", "unix:{socket}"),
        *("--worker-class", "uvicorn_worker.UvicornWorker", "--no-control-socket"),
    ],
}


@pytest.fixture
def folder() -> Iterator[Path]:
    """Short, as the path of a socket has at most 107 characters; and of this user alone."""
    path = Path(tempfile.mkdtemp(prefix="cl-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """One that keeps the windows of the test mode, twenty times as short, and reports them."""
    async with Sandbox(rates=Rates.test().scaled(20)) as running:
        yield running


@pytest.fixture
def shared(environment: Sandbox, monkeypatch: pytest.MonkeyPatch, folder: Path) -> Sandbox:
    monkeypatch.setenv("COMMERCELAYER_SHARED", f"file:{folder / 'own'}")
    return environment


@asynccontextmanager
async def serving(name: str, recipes: Path, folder: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """A browser for the recipe in two processes, which end well when they are asked to."""
    socket = folder / "http"
    arguments = [argument.format(socket=socket) for argument in SERVERS[name]]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    log = folder / "log"
    with log.open("wb") as output:
        server = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, cwd=recipes, env=environment, stdout=output, stderr=output
        )
    try:
        # One connection a request, so that both processes get some.
        connector = aiohttp.UnixConnector(str(socket), force_close=True)
        async with asyncio.timeout(60), aiohttp.ClientSession("http://wallets", connector=connector) as browser:
            await _answers(browser)
            yield browser
    finally:
        server.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            code = await server.wait()
    said = log.read_text()
    assert code == 0, said
    assert "Traceback" not in said
    assert "was not closed" not in said


async def _answers(browser: aiohttp.ClientSession) -> None:
    while True:
        try:
            async with browser.get("/docs"):
                return
        except aiohttp.ClientConnectionError:
            await asyncio.sleep(0.05)


async def wallet(browser: aiohttp.ClientSession) -> None:
    async with browser.get(f"/wallets/{WALLET_ID}") as response:
        assert response.status == 200
        assert (await response.json())["id"] == WALLET_ID


@pytest.mark.parametrize("name", SERVERS)
async def test_workers_of_a_web_service_share_a_token_and_a_budget(
    recipes: Path, shared: Sandbox, folder: Path, name: str
) -> None:
    if name == "gunicorn":
        pytest.importorskip("gunicorn", reason="gunicorn cannot be installed here")
    async with Session.from_env() as session, serving(name, recipes, folder) as browser:
        while session.rate_limits.members < 3:
            await asyncio.gather(*(wallet(browser) for _ in range(4)))
            await session.get(CustomerPaymentSource, WALLET_ID)
    assert shared.token_requests.total() == 1
    assert shared.violations == ()


async def test_an_export_beside_a_web_service_shares_its_token_and_its_budget(
    recipes: Path, shared: Sandbox, folder: Path
) -> None:
    pytest.importorskip("apscheduler")
    async with serving("uvicorn", recipes, folder) as browser:
        await wallet(browser)
        nightly = await asyncio.create_subprocess_exec(
            sys.executable, "-B", str(recipes / "nightly_export.py"), str(folder), "now"
        )
        while nightly.returncode is None:
            await wallet(browser)
    assert nightly.returncode == 0
    (target,) = await asyncio.to_thread(lambda: list(folder.glob("wallets-*.jsonl")))
    assert len(target.read_text().splitlines()) == len(shared.world.wallet_ids())
    assert shared.token_requests.total() == 1
    assert shared.violations == ()


async def test_the_scheduler_of_the_export_stops_when_it_is_asked_to(
    recipes: Path, shared: Sandbox, folder: Path
) -> None:
    pytest.importorskip("apscheduler")
    nightly = await asyncio.create_subprocess_exec(
        *(sys.executable, "-B", str(recipes / "nightly_export.py"), str(folder)),
        stderr=asyncio.subprocess.PIPE,
    )
    assert nightly.stderr is not None
    async with asyncio.timeout(60):
        while b"Scheduler started" not in (line := await nightly.stderr.readline()):
            assert line
        nightly.send_signal(signal.SIGTERM)
        said = await nightly.stderr.read()
        assert await nightly.wait() == 0
    assert b"Traceback" not in said
    assert shared.token_requests.total() == 0
