"""A store that locks: one process asks at a time, and nobody waits for a lock for long."""

import asyncio
from typing import Any

import pytest

from commercelayer_async import AuthError, ClientCredentials, LockingTokenStore, RefreshToken
from commercelayer_async._auth.credentials import Credentials
from tests.auth.token_service import Endpoint, Memory, View, manager, now, others, refused, settle
from tests.support.virtual_loop import run


class Locks:
    """Who has the lock of a key, and until when; as processes share it."""

    def __init__(self) -> None:
        self.holders: dict[str, tuple[str, float]] = {}


class LockingView(View):
    """The store as another process sees it: another object, the same tokens and locks."""

    def __init__(self, store: Memory, locks: Locks) -> None:
        super().__init__(store)
        self.locks = locks

    async def lock(self, key: str, holder: str, *, seconds: float) -> bool:
        await asyncio.sleep(0.01)
        found = self.locks.holders.get(key)
        if found is not None and found[0] != holder and found[1] > now():
            return False
        self.locks.holders[key] = (holder, now() + seconds)
        return True

    async def unlock(self, key: str, holder: str) -> None:
        await asyncio.sleep(0.01)
        if key in self.locks.holders and self.locks.holders[key][0] == holder:
            del self.locks.holders[key]


@pytest.mark.parametrize("auth", [ClientCredentials("id", "secret"), RefreshToken("id", "RT0")])
@pytest.mark.parametrize("took", [0.1, 12.0])
def test_six_processes_that_are_due_in_one_moment_make_one_request(auth: Credentials, took: float) -> None:
    """At the start and at each renewal, also where the endpoint takes longer than a lock lasts."""

    async def main() -> list[str]:
        endpoint, store, locks = Endpoint(took=took), Memory(), Locks()
        assert isinstance(LockingView(store, locks), LockingTokenStore)
        processes = [manager(endpoint, auth, store=LockingView(store, locks)) for _ in range(6)]
        for _ in range(3):
            assert len(set(await asyncio.gather(*(tokens.token() for tokens in processes)))) == 1
            await asyncio.sleep(7200.0)
        for tokens in processes:
            await tokens.close()
        assert not locks.holders
        assert not others()
        return endpoint.sent

    sent = run(main())
    assert len(sent) == 3
    assert len(set(sent)) in (1, 3)  # no refresh token was sent twice


def test_a_store_of_three_methods_does_not_lock() -> None:
    assert not isinstance(Memory(), LockingTokenStore)


def test_a_refusal_gives_the_lock_back() -> None:
    async def main() -> None:
        endpoint, store, locks = Endpoint(took=0.1), Memory(), Locks()
        endpoint.script = [refused("invalid_client")]
        one, other = (manager(endpoint, store=LockingView(store, locks)) for _ in range(2))
        with pytest.raises(AuthError):
            await one.token()
        began = now()
        assert await other.token() == "AT1"
        assert now() - began < 0.5

    run(main())


def test_a_session_that_is_closed_while_it_asks_gives_the_lock_back() -> None:
    async def main() -> None:
        endpoint, store, locks = Endpoint(took=5.0), Memory(), Locks()
        one, other = (manager(endpoint, store=LockingView(store, locks)) for _ in range(2))
        asking = asyncio.ensure_future(one.token())
        await asyncio.sleep(1.0)
        assert locks.holders
        await one.close()
        await asyncio.wait([asking])
        assert asking.exception() is not None
        assert not locks.holders
        began = now()
        assert await other.token() == "AT1"
        assert now() - began < 6.0
        await other.close()
        assert not others()

    run(main())


def test_a_holder_that_was_killed_costs_three_seconds() -> None:
    async def main() -> None:
        endpoint, store, locks = Endpoint(), Memory(), Locks()
        tokens = manager(endpoint, store=LockingView(store, locks))
        key = await key_of(tokens)
        locks.holders[key] = ("killed", now() + 3.0)
        began = now()
        assert await tokens.token() == "AT1"
        assert 3.0 <= now() - began < 3.5

    run(main())


def test_what_another_saved_is_taken_from_the_one_who_waits() -> None:
    async def main() -> None:
        endpoint, store, locks = Endpoint(took=2.0), Memory(), Locks()
        one, other = (manager(endpoint, store=LockingView(store, locks)) for _ in range(2))
        began = now()
        assert set(await asyncio.gather(one.token(), other.token())) == {"AT1"}
        assert now() - began < 2.5

    run(main())


async def key_of(tokens: Any) -> str:
    await settle()
    return str(tokens._store.key)


class Ill(Memory):
    """A store whose locks raise, hang or lie."""

    def __init__(self, illness: str) -> None:
        super().__init__()
        self.illness = illness

    async def lock(self, key: str, holder: str, *, seconds: float) -> Any:
        if self.illness == "raises":
            raise OSError
        if self.illness == "hangs":
            await asyncio.Event().wait()
        return {"never": False, "nonsense": "yes", "nothing": None}.get(self.illness)

    async def unlock(self, key: str, holder: str) -> None:
        await self.lock(key, holder, seconds=0.0)


@pytest.mark.parametrize(
    ("illness", "seconds"), [("raises", 0.2), ("hangs", 0.7), ("nonsense", 0.2), ("never", 31.0), ("nothing", 31.0)]
)
def test_nobody_waits_long_for_a_store_that_is_ill(illness: str, seconds: float) -> None:
    async def main() -> None:
        endpoint = Endpoint()
        tokens = manager(endpoint, store=Ill(illness))
        began = now()
        assert await tokens.token() == "AT1"
        assert now() - began < seconds
        await tokens.close()
        assert not others()

    run(main())
