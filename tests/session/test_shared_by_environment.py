"""`COMMERCELAYER_SHARED`: one budget and one token for many processes, without code."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from commercelayer_async import ConfigurationError, Session
from commercelayer_async._limits.limiter import Limiter
from commercelayer_async.resources import CustomerPaymentSource
from commercelayer_async.sandbox import Sandbox
from commercelayer_async.shared import FileLimiter
from tests.shared.redis_server import RedisServer
from tests.support.documents import WALLET_ID

SECRET = "dont-show-me"


@pytest.fixture
def environment(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.delenv("COMMERCELAYER_ACCESS_TOKEN", raising=False)
    monkeypatch.setenv("COMMERCELAYER_ORGANIZATION", sandbox.url)
    monkeypatch.setenv("COMMERCELAYER_CLIENT_ID", sandbox.client_id)
    monkeypatch.setenv("COMMERCELAYER_CLIENT_SECRET", sandbox.client_secret)
    return monkeypatch


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with RedisServer() as running:
        yield running


async def read_by_two(store: str, sandbox: Sandbox) -> None:
    """Two sessions of a process are one member, and share one token."""
    for _ in range(2):
        async with Session.from_env() as one, Session.from_env() as other:
            await one.get(CustomerPaymentSource, WALLET_ID)
            await other.get(CustomerPaymentSource, WALLET_ID)
            state = other.rate_limits
            assert (state.store, state.members) == (store, 1)
    assert sandbox.token_requests.total() == 1


@pytest.mark.parametrize("value", ["file", "file:{}/own", "file://{}/own"])
async def test_files_are_shared(sandbox: Sandbox, environment: pytest.MonkeyPatch, tmp_path: Path, value: str) -> None:
    environment.setenv("COMMERCELAYER_SHARED", value.format(tmp_path))
    await read_by_two("file", sandbox)
    folder = tmp_path / ("commercelayer-async" if value == "file" else "own")
    assert {file.name for file in folder.iterdir()} >= {"limits.db", "tokens.db"}


async def test_redis_is_shared(sandbox: Sandbox, environment: pytest.MonkeyPatch, server: RedisServer) -> None:
    environment.setenv("COMMERCELAYER_SHARED", server.url)
    await read_by_two("redis", sandbox)


async def test_what_a_program_gives_goes_before(
    sandbox: Sandbox, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setenv("COMMERCELAYER_SHARED", "file")
    own: Limiter = FileLimiter(tmp_path / "own.db")
    async with Session.from_env(limiter=own) as session:
        await session.get(CustomerPaymentSource, WALLET_ID)
    assert (tmp_path / "own.db").exists()
    assert not (tmp_path / "commercelayer-async" / "limits.db").exists()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("yes", "must be file, file:/folder, redis://"),
        (f"http://:{SECRET}@h", "must be file"),
        (f"redis://:{SECRET}@h:port", "takes a URL"),
        (f"redis:{SECRET}@h:99999", "must be file"),
        (f"file:{SECRET}", "must begin with /"),
        ("file:/nowhere/at/all", "cannot be made"),
    ],
)
def test_what_cannot_be_shared_is_told_with_the_name_of_the_variable(
    environment: pytest.MonkeyPatch, value: str, reason: str
) -> None:
    environment.setenv("COMMERCELAYER_SHARED", value)
    with pytest.raises(ConfigurationError, match=f"COMMERCELAYER_SHARED .*{reason}") as caught:
        Session.from_env()
    assert SECRET not in f"{caught.value!r}"


def test_an_empty_value_shares_nothing(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("COMMERCELAYER_SHARED", "")
    Session.from_env()
