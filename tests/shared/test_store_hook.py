"""A session's hook is told once that the store of its budget is lost, and once that it is back, whatever it does."""

import asyncio
import logging
from pathlib import Path

import pytest

from commercelayer_async import AccessToken, ClientCredentials, Hooks, RateState, Session, SharedBudgetError
from commercelayer_async._markers import override
from commercelayer_async._shared.limiter import SharedLimiter
from commercelayer_async._shared.state import Answer, Request, State
from commercelayer_async._shared.step import step
from commercelayer_async._shared.store import Store, StoreLost
from commercelayer_async.resources import CustomerPaymentSource
from commercelayer_async.sandbox import Sandbox
from commercelayer_async.shared import FileLimiter
from tests.support.documents import WALLET_ID

SECONDS = 20.0
"""In which a store is found again, on the slowest machine."""


class Told(list[str]):
    """What a hook was told, each time it was called; `changed` is set then."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()

    def __call__(self, state: RateState) -> None:
        self.append("lost" if state.store_lost else "back")
        self.changed.set()

    async def wait_for(self, *expected: str) -> None:
        async with asyncio.timeout(SECONDS):
            while self != list(expected):
                self.changed.clear()
                await self.changed.wait()


class Fake(SharedLimiter, Store):
    """A limiter and its store in memory, which is lost while it is told to be."""

    name = "fake"

    def __init__(self, policy: str = "share") -> None:
        super().__init__(None, on_unreachable=policy)
        self.is_lost = False
        self._states: dict[str, State] = {}
        self._now = 0

    @override
    def _open(self) -> Store:
        return self

    @override
    async def step(self, key: str, request: Request) -> Answer:
        if self.is_lost:
            raise StoreLost("it was told to be")
        self._now += 1000
        return step(self._states.setdefault(key, State()), self._now, request)


def session(sandbox: Sandbox, limiter: SharedLimiter, hooks: Hooks) -> Session:
    return Session(sandbox.url, AccessToken(sandbox.access_token), limiter=limiter, hooks=hooks, timeout=20)


async def test_the_file_of_a_budget_is_lost_and_back(sandbox: Sandbox, tmp_path: Path) -> None:
    path, told = tmp_path / "limits.db", Told()
    async with session(sandbox, FileLimiter(path), Hooks(store=told)) as one:
        await one.get(CustomerPaymentSource, WALLET_ID)
        assert (told, one.rate_limits.store_lost) == ([], False)
        path.unlink()
        path.mkdir()
        await one.get(CustomerPaymentSource, WALLET_ID)
        await told.wait_for("lost")
        assert one.rate_limits.store_lost
        path.rmdir()
        await told.wait_for("lost", "back")
        assert not one.rate_limits.store_lost


async def test_each_session_is_told_once_of_all_its_budgets(sandbox: Sandbox) -> None:
    """One has asked for a token, whose budget is another one in the same store; one comes when the store is lost."""
    fake, first, second, late = Fake(), Told(), Told(), Told()
    auth = ClientCredentials(sandbox.client_id, sandbox.client_secret)
    async with (
        Session(sandbox.url, auth, limiter=fake, hooks=Hooks(store=first)) as one,
        session(sandbox, fake, Hooks(store=second)) as other,
        session(sandbox, fake, Hooks(store=late)) as last,
    ):
        for each in (one, other):
            await each.get(CustomerPaymentSource, WALLET_ID)
        fake.is_lost = True
        await one.get(CustomerPaymentSource, WALLET_ID)
        await first.wait_for("lost")
        await second.wait_for("lost")
        await last.get(CustomerPaymentSource, WALLET_ID)
        await late.wait_for("lost")
        fake.is_lost = False
        for told in (first, second, late):
            await told.wait_for("lost", "back")


async def test_a_store_that_was_never_reached_is_told_of(sandbox: Sandbox) -> None:
    fake, told = Fake("raise"), Told()
    fake.is_lost = True
    async with session(sandbox, fake, Hooks(store=told)) as one:
        with pytest.raises(SharedBudgetError):
            await one.get(CustomerPaymentSource, WALLET_ID)
        await told.wait_for("lost")


async def test_a_hook_that_raises_stops_nothing(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    fake, told = Fake(), Told()

    def hook(state: RateState) -> None:
        told(state)
        raise RuntimeError("dont-show-me")

    async with session(sandbox, fake, Hooks(store=hook)) as one:
        await one.get(CustomerPaymentSource, WALLET_ID)
        fake.is_lost = True
        with caplog.at_level(logging.WARNING):
            await one.get(CustomerPaymentSource, WALLET_ID)
            await told.wait_for("lost")
        fake.is_lost = False
        await told.wait_for("lost", "back")
        await one.get(CustomerPaymentSource, WALLET_ID)
    assert "a hook raised RuntimeError" in caplog.text
    assert "dont-show-me" not in caplog.text


async def test_a_session_that_was_closed_is_not_told(sandbox: Sandbox) -> None:
    fake, told, other_told = Fake(), Told(), Told()
    async with session(sandbox, fake, Hooks(store=other_told)) as other:
        async with session(sandbox, fake, Hooks(store=told)) as one:
            await one.get(CustomerPaymentSource, WALLET_ID)
        await other.get(CustomerPaymentSource, WALLET_ID)
        fake.is_lost = True
        await other.get(CustomerPaymentSource, WALLET_ID)
        await other_told.wait_for("lost")
    assert told == []
