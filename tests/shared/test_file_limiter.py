"""One budget for many processes in a file, over real sockets: the sandbox counts the windows over all of them."""

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from commercelayer_async import AccessToken, ConfigurationError, Priority, RateLimits, Session, SessionError
from commercelayer_async.resources import CustomerPaymentSource
from commercelayer_async.sandbox import Answer, Rates, Sandbox
from commercelayer_async.shared import FileLimiter
from tests.support.documents import WALLET_ID

from .processes import together

LIMITS = RateLimits(average=(100, 3.0), burst=(25, 0.5))
"""The documented limits of the test mode, in seconds divided by twenty."""


@pytest.fixture
async def limited() -> AsyncIterator[Sandbox]:
    async with Sandbox(rates=Rates.test().scaled(20)) as sandbox:
        yield sandbox


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2, 8, 32])
async def test_processes_keep_the_windows_together(limited: Sandbox, tmp_path: Path, processes: int) -> None:
    path = tmp_path / "limits.db"
    calls = 160 if processes < 8 else 256
    done = await together(
        "file", str(path), limited.url, limited.access_token, processes=processes, calls=calls // processes
    )

    assert sum(done) == calls // processes * processes
    assert limited.violations == ()
    assert all(window.refused == 0 for window in limited.windows())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.slow
async def test_two_sessions_and_two_limiters_of_one_file_count_together(limited: Sandbox, tmp_path: Path) -> None:
    auth = AccessToken(limited.access_token)
    one, other = (FileLimiter(tmp_path / "limits.db", limits=LIMITS) for _ in range(2))
    async with (
        Session(limited.url, auth, limiter=one) as first,
        Session(limited.url, auth, limiter=other, priority=Priority.BULK) as second,
    ):
        await asyncio.gather(
            *(first.get(CustomerPaymentSource, WALLET_ID) for _ in range(60)),
            *(second.get(CustomerPaymentSource, WALLET_ID) for _ in range(60)),
        )
        state = first.rate_limits
        assert (state.limit, state.seconds, state.members, state.store, state.store_lost) == (
            100,
            3.0,
            2,
            "file",
            False,
        )
    assert limited.violations == ()


@pytest.mark.slow
async def test_it_learns_the_limits_from_the_first_answers(limited: Sandbox, tmp_path: Path) -> None:
    async with Session(
        limited.url, AccessToken(limited.access_token), limiter=FileLimiter(tmp_path / "l.db")
    ) as session:
        assert session.rate_limits.limit is None
        await asyncio.gather(*(session.get(CustomerPaymentSource, WALLET_ID) for _ in range(60)))
        await session.get(CustomerPaymentSource, WALLET_ID)
        assert session.rate_limits.limit == 100
    assert limited.violations == ()


async def test_one_limiter_keeps_organizations_apart(tmp_path: Path) -> None:
    limiter = FileLimiter(tmp_path / "limits.db", limits=RateLimits(average=(5, 60.0), burst=None))
    async with Sandbox() as one, Sandbox() as other:
        for sandbox in (one, other):
            async with Session(sandbox.url, AccessToken(sandbox.access_token), limiter=limiter, timeout=5) as session:
                for _ in range(5):
                    await session.get(CustomerPaymentSource, WALLET_ID)


async def test_what_a_session_counted_outlives_it(tmp_path: Path) -> None:
    async with Sandbox() as sandbox:
        for expected in (4, 3, 2):
            limiter = FileLimiter(tmp_path / "limits.db", limits=RateLimits(average=(5, 60.0), burst=None))
            async with Session(sandbox.url, AccessToken(sandbox.access_token), limiter=limiter, timeout=5) as session:
                await session.get(CustomerPaymentSource, WALLET_ID)
                async with limiter:
                    pass
            again = FileLimiter(tmp_path / "limits.db", limits=RateLimits(average=(5, 60.0), burst=None))
            assert expected > 0
            await again.close()


def test_the_file_is_the_users_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    FileLimiter()
    folder = tmp_path / "commercelayer-async"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    folder.chmod(0o755)
    with pytest.raises(ConfigurationError, match="0700"):
        FileLimiter()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="does not exist"):
        FileLimiter(tmp_path / "nowhere" / "limits.db")


@pytest.mark.parametrize("then", ["refuse the other", "look at the closed one", "do nothing"])
async def test_the_last_session_leaves_nothing_whatever_befell_those_before_it(tmp_path: Path, then: str) -> None:
    """The first one made the queues that both use; a refusal of the other's later pauses what the first has left."""
    async with Sandbox() as sandbox:
        limiter, auth = FileLimiter(tmp_path / "limits.db"), AccessToken(sandbox.access_token)
        before = asyncio.all_tasks()
        first, other = (Session(sandbox.url, auth, limiter=limiter) for _ in range(2))
        for session in (first, other):
            await session.get(CustomerPaymentSource, WALLET_ID)
        known = first.rate_limits
        await first.close()
        if then == "refuse the other":
            sandbox.faults.add(Answer.too_many(retry_after=0))
        if then == "look at the closed one":
            assert (first.rate_limits.store, first.rate_limits.members) == (known.store, known.members)
        await other.get(CustomerPaymentSource, WALLET_ID)
        await other.close()

        assert limiter._loops == {}
        left = {task.get_name() for task in asyncio.all_tasks() - before}
        assert "commercelayer shared budget" not in left


async def test_what_a_session_that_was_closed_asks_for_is_refused(tmp_path: Path) -> None:
    """Such as for a token that is asked for too late: it would open the store for nobody."""
    limiter = FileLimiter(tmp_path / "limits.db")
    bound = limiter.bind("https://example.com/api")
    (await bound.acquire("customers", priority=Priority.BULK)).release()
    await bound.close()
    await bound.close()

    with pytest.raises(SessionError):
        await bound.acquire("customers", priority=Priority.BULK)
    assert limiter._loops == {}
