"""A store that sessions share: one token for all of them, another's for nobody, and no store that anybody waits for."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from commercelayer_async import (
    AuthError,
    AuthorizationCode,
    ClientCredentials,
    JwtBearer,
    Password,
    RefreshToken,
    Session,
    StoredToken,
)
from commercelayer_async._auth.credentials import Credentials
from commercelayer_async._auth.endpoint import OnFailure
from commercelayer_async._auth.manager import TokenManager
from commercelayer_async.resources import CustomerPaymentSource
from commercelayer_async.sandbox import Sandbox
from tests.auth.token_service import Endpoint, Memory, Patience, View, manager, now, others, refused, response, settle
from tests.support.documents import WALLET_ID
from tests.support.virtual_loop import run

GRANTS: list[Callable[[str], Credentials]] = [
    lambda who: ClientCredentials("id", who),
    lambda who: Password("id", "ada", who),
    lambda who: RefreshToken("id", who),
    lambda who: AuthorizationCode("id", "secret", who, "https://a.example"),
    lambda who: JwtBearer("id", "secret", who),
]
PERSON = Password("id", "ada", "password-123")


@pytest.mark.parametrize("grant", GRANTS)
def test_whoever_presents_other_credentials_finds_nothing(grant: Callable[[str], Credentials]) -> None:
    async def main() -> list[str]:
        endpoint, store = Endpoint(), Memory()
        endpoint.good = {"alice", "bob"}
        found = []
        for who in ("alice", "bob", "alice"):
            tokens = manager(endpoint, grant(who), store=store)
            found.append(str(await tokens.token()))
            await tokens.close()
        return found

    assert run(main()) == ["AT1", "AT2", "AT1"]


async def test_a_wrong_secret_is_refused_beside_a_store(sandbox: Sandbox) -> None:
    store = Memory()
    async with Session(
        sandbox.url, ClientCredentials(sandbox.client_id, sandbox.client_secret), token_store=store
    ) as session:
        await session.get(CustomerPaymentSource, WALLET_ID)
    async with Session(sandbox.url, ClientCredentials(sandbox.client_id, "wrong"), token_store=store) as session:
        with pytest.raises(AuthError):
            await session.get(CustomerPaymentSource, WALLET_ID)


async def call_for(seconds: float, *all_tokens: TokenManager, every: float = 10.0) -> None:
    """One call after another, in each session."""
    until = now() + seconds
    while now() < until:
        for tokens in all_tokens:
            await tokens.token()
        await asyncio.sleep(every)


@pytest.mark.parametrize("auth", [ClientCredentials("id", "secret"), PERSON, RefreshToken("id", "RT0")])
@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("processes", [False, True])
def test_six_sessions_with_one_store_make_one_request_at_each_renewal(
    auth: Credentials, *, at_once: bool, processes: bool
) -> None:
    """Also where all are due in the same moment, within one loop; processes differ in when they are due."""

    async def main() -> list[str]:
        endpoint, store = Endpoint(), Memory()
        sessions = [
            manager(endpoint, auth, store=View(store) if processes else store, chance=n / 6 if processes else 0.5)
            for n in range(6)
        ]
        await sessions[0].token()
        await settle()
        if at_once:

            async def one(tokens: TokenManager) -> None:
                await call_for(3 * 7200.0, tokens)

            await asyncio.gather(*map(one, sessions))
        else:
            await call_for(3 * 7200.0, *sessions)
        for tokens in sessions:
            await tokens.close()
        assert not others()
        return endpoint.sent

    sent = run(main())
    assert len(sent) == 4
    assert len(set(sent)) in (1, 4)  # no refresh token was sent twice


def test_six_cold_sessions_of_a_loop_make_one_request() -> None:
    async def main() -> None:
        endpoint, store = Endpoint(), Memory()
        sessions = [manager(endpoint, store=store) for _ in range(6)]
        assert set(await asyncio.gather(*(tokens.token() for tokens in sessions))) == {"AT1"}
        assert len(endpoint.sent) == 1

    run(main())


def test_the_failure_of_the_one_who_asks_is_that_of_all() -> None:
    async def main() -> None:
        endpoint, store = Endpoint(), Memory()
        endpoint.script = [refused("invalid_client")]
        sessions = [manager(endpoint, store=store) for _ in range(6)]
        failures = await asyncio.gather(*(tokens.token() for tokens in sessions), return_exceptions=True)
        assert [type(failure) for failure in failures] == [AuthError] * 6
        assert len(set(map(id, failures))) == 6
        assert len(endpoint.sent) == 1

    run(main())


def test_when_the_one_who_asks_is_closed_another_asks() -> None:
    async def main() -> None:
        endpoint, store = Endpoint(took=5.0), Memory()
        first, second = manager(endpoint, store=store), manager(endpoint, store=store)
        calls = [asyncio.ensure_future(tokens.token()) for tokens in (first, second)]
        await asyncio.sleep(1.0)
        await first.close()
        assert await calls[1] == "AT1"
        assert len(endpoint.sent) == 2
        await asyncio.wait(calls)
        assert calls[0].exception() is not None

    run(main())


def test_a_failure_that_is_no_error_of_ours_leaves_nobody_waiting() -> None:
    async def main() -> None:
        endpoint, store = Endpoint(), Memory()
        endpoint.script = [ZeroDivisionError()]
        sessions = [manager(endpoint, store=store) for _ in range(3)]
        results = await asyncio.gather(*(tokens.token() for tokens in sessions), return_exceptions=True)
        assert isinstance(results[0], ZeroDivisionError)
        assert results[1:] == ["AT1", "AT1"]
        assert len(endpoint.sent) == 2

    run(main())


def test_after_a_restart_the_stored_refresh_token_is_sent() -> None:
    """Not the first one ever, which the configuration still has, nor any that was used."""

    async def main() -> None:
        endpoint, store = Endpoint(), Memory()
        for n in range(4):
            tokens = manager(endpoint, RefreshToken("id", "RT0"), store=store)
            assert await tokens.token() == f"AT{n + 1}"
            await tokens.close()
            await asyncio.sleep(7200.0)
        assert endpoint.sent == ["RT0", "RT1", "RT2", "RT3"]

    run(main())


def test_a_stored_token_past_its_renewal_is_used_and_renewed_meanwhile() -> None:
    async def main() -> None:
        endpoint, store = Endpoint(), Memory()
        first = manager(endpoint, PERSON, store=store)
        await first.token()
        await first.close()
        await asyncio.sleep(0.9 * 7200)
        second = manager(endpoint, PERSON, store=store)
        assert await second.token() == "AT1"
        assert await second.token() == "AT1"
        await asyncio.sleep(10)
        assert await second.token() == "AT2"
        assert endpoint.sent == ["password", "RT1"]

    run(main())


def test_a_stored_token_is_renewed_by_its_age() -> None:
    async def main() -> None:
        endpoint, store = Endpoint(), Memory()
        first = manager(endpoint, store=store)
        await first.token()
        await first.close()
        await asyncio.sleep(0.7 * 7200)
        second = manager(endpoint, store=store)
        await second.token()
        await asyncio.sleep(0.09 * 7200)
        await second.token()
        assert len(endpoint.sent) == 1
        await asyncio.sleep(0.02 * 7200)
        await second.token()
        await asyncio.sleep(10)
        assert len(endpoint.sent) == 2

    run(main())


def test_a_refresh_token_that_another_process_used_up_is_looked_up_once_more() -> None:
    """The other process saved between the look into the store and the request."""

    async def main() -> None:
        endpoint, store = Endpoint(), Memory()
        one = manager(endpoint, RefreshToken("id", "RT0"), store=View(store))
        await one.token()
        await settle()
        other = manager(endpoint, RefreshToken("id", "RT0"), store=View(store))
        await other.token()

        async def meanwhile(_: object) -> None:
            other.invalidate("AT1")
            await other.token()
            await asyncio.sleep(1.0)

        one.invalidate("AT1")
        endpoint.script = [meanwhile]
        await asyncio.sleep(5.0)
        assert await one.token() == "AT2"
        assert endpoint.sent == ["RT0", "RT1", "RT1"]

    run(main())


def test_a_refresh_token_that_only_the_store_knows_is_tried() -> None:
    async def main() -> None:
        endpoint, store = Endpoint(), Memory()
        tokens = manager(endpoint, RefreshToken("id", "RT0"), store=store)
        await tokens.token()
        await settle()
        key = next(iter(store.kept))

        async def meanwhile(_: object) -> Any:
            # Another process has a newer refresh token, and an access token that was refused already.
            store.kept[key] = StoredToken(value="", received_at=now(), life=0.0, refresh_token="RT-new")
            endpoint.good = {"RT-new"}
            return refused()

        endpoint.script = [meanwhile]
        tokens.invalidate("AT1")
        await asyncio.sleep(5.0)
        assert await tokens.token() == "AT2"
        assert endpoint.sent == ["RT0", "RT1", "RT-new"]

    run(main())


def test_the_slower_of_two_processes_sends_one_refresh_token_once() -> None:
    """It is refused before the other has its token, and finds that in the store before it would ask again."""

    async def main() -> None:
        endpoint, store = Endpoint(took=0.0), Memory()

        async def used_up_and_answered_late(_: object) -> Any:
            endpoint.good.discard("RT0")
            await asyncio.sleep(0.3)
            return response({"access_token": "AT1", "expires_in": 7200, "refresh_token": "RT1"})

        endpoint.script = [used_up_and_answered_late]
        faster, slower = (manager(endpoint, RefreshToken("id", "RT0"), store=View(store)) for _ in range(2))
        first = asyncio.ensure_future(faster.token())
        await asyncio.sleep(0.001)
        with pytest.raises(AuthError, match="invalid_grant"):
            await slower.token()
        assert await slower.token() == await first == "AT1"
        assert endpoint.sent == ["RT0", "RT0"]

    run(main())


@pytest.mark.parametrize("with_store", [False, True])
@pytest.mark.parametrize(
    ("auth", "sent"),
    [
        (PERSON, ["password", "RT1", "password"]),
        (JwtBearer("id", "s", "assertion"), ["urn:ietf:params:oauth:grant-type:jwt-bearer", "RT1"] * 2),
        (RefreshToken("id", "RT0"), ["RT0", "RT1"]),
        (AuthorizationCode("id", "s", "code", "https://a.example"), ["authorization_code", "RT1"]),
    ],
)
def test_a_dead_refresh_token_falls_back_on_credentials_that_can_be_used_again(
    auth: Credentials, sent: list[str], *, with_store: bool
) -> None:
    async def main() -> None:
        endpoint = Endpoint()
        tokens = manager(endpoint, auth, store=Memory() if with_store else None)
        await tokens.token()
        endpoint.good.clear()
        tokens.invalidate("AT1")
        if len(sent) > 2:
            began = now()
            assert await tokens.token() == "AT2"
            assert now() - began < 1.5
        else:
            with pytest.raises(AuthError, match="invalid_grant"):
                await tokens.token()
        assert endpoint.sent == sent[:3]

    run(main())


def test_a_refused_client_is_not_asked_for_again() -> None:
    async def main() -> None:
        endpoint = Endpoint()
        tokens = manager(endpoint, PERSON)
        await tokens.token()
        tokens.invalidate("AT1")
        endpoint.script = [refused("invalid_client")]
        with pytest.raises(AuthError, match="invalid_client"):
            await tokens.token()
        assert len(endpoint.sent) == 2

    run(main())


def test_a_server_that_does_not_rotate_is_sent_the_same_refresh_token_again() -> None:
    async def main() -> None:
        endpoint = Endpoint()
        endpoint.rotates = False
        tokens = manager(endpoint, RefreshToken("id", "RT0"))
        for n in range(3):
            assert await tokens.token() == f"AT{n + 1}"
            tokens.invalidate(f"AT{n + 1}")
        assert endpoint.sent == ["RT0"] * 3

    run(main())


# The end of a token


def test_a_refused_token_leaves_the_store_and_its_refresh_token_stays() -> None:
    async def main() -> None:
        endpoint, store = Endpoint(), Memory()
        tokens = manager(endpoint, PERSON, store=store)
        await tokens.token()
        await settle()
        tokens.invalidate("AT1")
        await settle()
        assert store.values == [""]
        other = manager(endpoint, PERSON, store=store)
        assert await other.token() == "AT2"
        assert endpoint.sent == ["password", "RT1"]

    run(main())


def test_a_refused_token_without_a_refresh_token_is_deleted() -> None:
    async def main() -> None:
        endpoint, store = Endpoint(), Memory()
        tokens = manager(endpoint, store=store)
        await tokens.token()
        await settle()
        tokens.invalidate("AT1")
        await settle()
        assert not store.kept

    run(main())


def test_a_late_refusal_of_an_old_token_drops_neither_the_new_one_nor_what_is_stored() -> None:
    async def main() -> None:
        endpoint, store = Endpoint(), Memory()
        tokens = manager(endpoint, store=store)
        await tokens.token()
        tokens.invalidate("AT1")
        assert await tokens.token() == "AT2"
        tokens.invalidate("AT1")
        await settle()
        assert tokens.cached() == "AT2"
        assert store.values == ["AT2"]

    run(main())


def test_a_refused_token_leaves_what_another_process_has_saved_meanwhile() -> None:
    async def main() -> None:
        endpoint, store = Endpoint(), Memory()
        one, other = manager(endpoint, store=View(store)), manager(endpoint, store=View(store))
        await one.token()
        await other.token()
        await asyncio.sleep(1.0)
        one.invalidate("AT1")
        assert await one.token() == "AT2"
        await asyncio.sleep(1.0)
        other.invalidate("AT1")
        assert await other.token() == "AT2"
        await asyncio.sleep(1.0)
        assert store.values == ["AT2"]
        assert len(endpoint.sent) == 2

    run(main())


class Sticky(Memory):
    """Keeps what it has, and says nothing."""

    async def delete(self, key: str) -> None:
        pass

    async def save(self, key: str, token: StoredToken) -> None:
        self.kept.setdefault(key, token)


def test_a_refused_token_is_not_taken_from_a_store_that_still_has_it() -> None:
    async def main() -> None:
        endpoint = Endpoint()
        tokens = manager(endpoint, store=Sticky())
        assert await tokens.token() == "AT1"
        tokens.invalidate("AT1")
        assert await tokens.token() == "AT2"
        tokens.invalidate("AT2")
        assert await tokens.token() == "AT3"

    run(main())


def test_a_token_that_the_server_gives_again_is_taken_again() -> None:
    """A refusal can have been a mistake; the token endpoint knows better."""

    async def main() -> None:
        endpoint, store = Endpoint(), Memory()
        tokens = manager(endpoint, store=store)
        await tokens.token()
        tokens.invalidate("AT1")
        assert tokens.newest("AT1") is None
        endpoint.number = 0
        assert await tokens.token() == "AT1"
        assert tokens.newest("AT1") == "AT1"
        await asyncio.sleep(7200.0)
        assert tokens.newest("AT1") == "AT1"  # ended by its age, but not refused
        assert store.values == ["AT1"]

    run(main())


class WithoutDelete:
    """A store with the two methods that make one."""

    def __init__(self) -> None:
        self.kept: dict[str, StoredToken] = {}

    async def load(self, key: str) -> StoredToken | None:
        return self.kept.get(key)

    async def save(self, key: str, token: StoredToken) -> None:
        self.kept[key] = token


@pytest.mark.parametrize("store", [Memory(), WithoutDelete()])
@pytest.mark.parametrize("auth", [ClientCredentials("id", "secret"), PERSON])
def test_a_revoked_token_is_found_by_nobody(store: Any, auth: Credentials) -> None:
    async def main() -> None:
        endpoint = Endpoint()
        store.kept.clear()
        tokens = manager(endpoint, auth, store=store)
        await tokens.token()
        await tokens.revoke()
        assert endpoint.revoked == ["AT1"]
        assert tokens.cached() is None
        assert "AT1" not in [str(token.value) for token in store.kept.values()]
        other = manager(endpoint, auth, store=store)
        assert await other.token() == "AT2"
        assert await tokens.token() == "AT2"
        assert endpoint.sent == [auth.grant_type] * 2

    run(main())


def test_a_session_without_a_token_revokes_the_stored_one() -> None:
    async def main() -> None:
        endpoint, store = Endpoint(), Memory()
        first = manager(endpoint, store=store)
        await first.token()
        await first.close()
        second = manager(endpoint, store=store)
        await second.revoke()
        await second.revoke()
        assert endpoint.revoked == ["AT1"]
        assert not store.kept

    run(main())


def test_a_token_that_is_on_its_way_is_revoked_too() -> None:
    async def main() -> None:
        endpoint = Endpoint(took=1.0)
        tokens = manager(endpoint)
        await tokens.token()
        await asyncio.sleep(0.9 * 7200)
        assert tokens.cached() == "AT1"
        await tokens.revoke()
        assert endpoint.revoked == ["AT1", "AT2"]
        assert tokens.cached() is None

    run(main())


def test_a_revocation_that_is_refused_leaves_the_token() -> None:
    async def main() -> None:
        endpoint = Endpoint()
        tokens = manager(endpoint)
        await tokens.token()
        endpoint.script = [refused("unauthorized_client")]
        with pytest.raises(AuthError, match="unauthorized_client"):
            await tokens.revoke()
        assert tokens.cached() == "AT1"

    run(main())


def test_after_a_revocation_a_rotated_refresh_token_is_still_what_asks() -> None:
    async def main() -> None:
        endpoint, store = Endpoint(), Memory()
        tokens = manager(endpoint, RefreshToken("id", "RT0"), store=store)
        await tokens.token()
        await tokens.revoke()
        assert not store.kept
        assert await tokens.token() == "AT2"
        assert endpoint.sent == ["RT0", "RT1"]

    run(main())


# A store that fails


class Hanging(Memory):
    """Never ends what it is named for; stubborn: not even when it is cancelled."""

    def __init__(self, *what: str, stubborn: bool = False) -> None:
        super().__init__()
        self.what = what
        self.stubborn = stubborn
        self.released = asyncio.Event()

    async def _maybe(self, what: str) -> None:
        while what in self.what and not self.released.is_set():
            try:
                await self.released.wait()
            except asyncio.CancelledError:
                if not self.stubborn:
                    raise

    async def load(self, key: str) -> StoredToken | None:
        await self._maybe("load")
        return await super().load(key)

    async def save(self, key: str, token: StoredToken) -> None:
        await self._maybe("save")
        await super().save(key, token)

    async def delete(self, key: str) -> None:
        await self._maybe("delete")
        await super().delete(key)


@pytest.mark.parametrize("stubborn", [False, True])
@pytest.mark.parametrize("what", ["load", "save", "delete"])
def test_a_store_that_hangs_holds_nobody(what: str, caplog: pytest.LogCaptureFixture, *, stubborn: bool) -> None:
    async def main() -> None:
        endpoint = Endpoint()
        store = Hanging(what, stubborn=stubborn)
        tokens = manager(endpoint, store=store)
        assert await tokens.token(Patience(1.0)) == "AT1"
        assert now() <= 0.61
        tokens.invalidate("AT1")
        # A change that hangs holds up whoever loads next, as long as any load may take.
        began = now()
        assert await tokens.token(Patience(2.5)) == "AT2"
        assert now() - began <= 1.7
        await tokens.revoke()
        began = now()
        await tokens.close()
        assert now() - began <= 0.5
        assert len(others()) == 0 or stubborn
        store.released.set()
        await settle()
        assert not others()

    run(main())
    assert "the token store failed" in caplog.text or what == "delete"


def test_the_token_is_given_out_before_it_is_saved_and_saved_all_the_same() -> None:
    async def main() -> None:
        endpoint = Endpoint()
        store = Hanging("save")
        tokens = manager(endpoint, store=store)
        await tokens.token()
        assert now() == pytest.approx(0.1)
        assert not store.kept
        asyncio.get_running_loop().call_later(0.2, store.released.set)
        await tokens.close()
        assert store.values == ["AT1"]
        assert not others()

    run(main())


@pytest.mark.parametrize("error", [OSError("x"), ZeroDivisionError(), asyncio.CancelledError(), StopAsyncIteration()])
def test_a_store_that_raises_anything_is_done_without(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    class Raising(Memory):
        async def load(self, key: str) -> StoredToken | None:
            raise error

        save = delete = load  # type: ignore[assignment] # each raises before its arguments matter

    async def main() -> None:
        endpoint = Endpoint()
        tokens = manager(endpoint, store=Raising())
        assert await tokens.token() == "AT1"
        tokens.invalidate("AT1")
        assert await tokens.token() == "AT2"
        await tokens.revoke()
        await tokens.close()
        assert not others()

    run(main())
    assert "the token store failed to load" in caplog.text


@pytest.mark.parametrize("junk", [5, "AT0", {"value": "AT0"}, StoredToken(value="a b", received_at=0.0, life=5e9)])
def test_what_is_no_token_is_not_taken_from_a_store(junk: object, caplog: pytest.LogCaptureFixture) -> None:
    class Lying(Memory):
        async def load(self, key: str) -> Any:
            return junk

    async def main() -> None:
        tokens = manager(Endpoint(), store=Lying())
        assert await tokens.token() == "AT1"
        await tokens.close()

    run(main())
    assert "not a token" in caplog.text
    assert "AT0" not in caplog.text


def test_a_store_whose_methods_await_nothing_is_a_failed_one() -> None:
    class Plain:
        def load(self, key: str) -> None: ...

        def save(self, key: str, token: StoredToken) -> None: ...

    async def main() -> None:
        tokens = manager(Endpoint(), store=Plain())
        assert await tokens.token() == "AT1"
        await tokens.revoke()
        await tokens.close()

    run(main())


def test_changes_reach_the_store_in_order() -> None:
    """A slow save of the first token does not come after the second one's."""

    class Slow(Memory):
        delays = iter([0.3, 0.0, 0.0])

        async def save(self, key: str, token: StoredToken) -> None:
            await asyncio.sleep(next(self.delays))
            await super().save(key, token)

    async def main() -> None:
        endpoint, store = Endpoint(), Slow()
        tokens = manager(endpoint, store=store)
        await tokens.token()
        tokens.invalidate("AT1")
        await tokens.token()
        await asyncio.sleep(5.0)
        assert store.values == ["AT2"]

    run(main())


def test_the_mode_is_read_from_a_stored_token_and_no_token_is_received() -> None:
    async def main() -> None:
        endpoint, store = Endpoint(), Memory()
        first = manager(endpoint, store=store)
        await first.token()
        await first.close()
        learned: list[tuple[str, bool]] = []
        second = manager(endpoint, store=store, on_token=lambda token, received: learned.append((str(token), received)))
        await second.token()
        assert learned == [("AT1", False)]

    run(main())


# Which of two is taken


def test_a_late_refusal_does_not_even_look_into_the_store() -> None:
    """A thousand calls may be refused with one token."""

    class Counting(Memory):
        loads = 0

        async def load(self, key: str) -> StoredToken | None:
            self.loads += 1
            return await super().load(key)

    async def main() -> None:
        store = Counting()
        tokens = manager(Endpoint(), store=store)
        await tokens.token()
        for _ in range(5):
            tokens.invalidate("AT1")
        await tokens.token()
        await settle()
        loads = store.loads
        tokens.invalidate("AT1")
        await settle()
        assert store.loads == loads == 4  # at first, for the removal, before the next request and after its wait

    run(main())


def test_what_would_have_to_be_renewed_at_once_is_not_taken_in_the_background() -> None:
    async def main() -> None:
        endpoint, store = Endpoint(), Memory()
        tokens = manager(endpoint, store=store)
        await tokens.token()
        await settle()
        key = next(iter(store.kept))
        await asyncio.sleep(0.85 * 7200)
        old = 1000 + now() - 0.8 * 7200
        store.kept[key] = StoredToken(value="other", received_at=old, life=7200.0)
        await tokens.token()
        await asyncio.sleep(10.0)
        assert await tokens.token() == "AT2"

    run(main())


def test_an_entry_that_is_older_than_what_is_known_does_not_bring_back_its_refresh_token() -> None:
    """Saving failed: the store has a refresh token that was used since."""

    async def main() -> None:
        endpoint = Endpoint()
        tokens = manager(endpoint, PERSON, store=Sticky())
        for _ in range(3):
            await tokens.token()
            tokens.invalidate(tokens.cached() or "")
        assert endpoint.sent == ["password", "RT1", "RT2"]

    run(main())


def test_a_newer_entry_brings_its_refresh_token() -> None:
    async def main() -> None:
        endpoint, store = Endpoint(), Memory()
        tokens = manager(endpoint, PERSON, store=store)
        await tokens.token()
        await settle()
        key = next(iter(store.kept))
        await asyncio.sleep(7200.0)
        endpoint.good = {"RT-new"}
        store.kept[key] = StoredToken(value="", received_at=1000 + now(), life=0.0, refresh_token="RT-new")
        assert await tokens.token() == "AT2"
        assert endpoint.sent == ["password", "RT-new"]

    run(main())


def test_a_refresh_token_stays_good_where_no_other_comes_with_the_answer() -> None:
    async def main() -> None:
        endpoint = Endpoint()
        tokens = manager(endpoint, PERSON)
        await tokens.token()
        endpoint.rotates = False
        for n in (1, 2, 3):
            tokens.invalidate(f"AT{n}")
            assert await tokens.token() == f"AT{n + 1}"
        assert endpoint.sent == ["password", "RT1", "RT1", "RT1"]

    run(main())


def test_a_token_that_was_refused_here_is_not_taken_from_another_session() -> None:
    async def main() -> None:
        endpoint, store = Endpoint(), Sticky()
        knows = manager(endpoint, store=store)
        await knows.token()
        await settle()
        knows.invalidate("AT1")
        await asyncio.sleep(1.0)
        fresh = manager(endpoint, store=store)
        assert list(await asyncio.gather(fresh.token(), knows.token())) == ["AT1", "AT2"]

    run(main())


def test_renewals_that_are_due_together_are_spread_over_some_seconds() -> None:
    async def main() -> None:
        times = []
        for chance in (0.0, 0.5, 1.0):
            endpoint = Endpoint()
            tokens = manager(endpoint, store=Memory(), chance=chance)
            await tokens.token()
            await asyncio.sleep(0.86 * 7200)
            due = now()
            await tokens.token()
            await tokens.token()
            await asyncio.sleep(20.0)
            times.append(endpoint.times[1] - due)
            await tokens.close()
        assert times == pytest.approx([0.0, 2.5, 5.0])

    run(main())


def test_a_call_that_needs_the_token_does_not_wait_for_its_turn() -> None:
    async def main() -> None:
        endpoint = Endpoint(life=100.0)
        tokens = manager(endpoint, store=Memory(), chance=0.9)
        await tokens.token()
        await asyncio.sleep(94.0)
        assert await tokens.token() == "AT1"
        tokens.invalidate("AT1")
        began = now()
        assert await tokens.token() == "AT2"
        assert now() - began == pytest.approx(0.1)
        await asyncio.sleep(20.0)
        assert len(endpoint.sent) == 2

    run(main())


def test_a_token_that_comes_while_another_is_revoked_stays() -> None:
    async def main() -> None:
        endpoint = Endpoint(took=1.0)
        tokens = manager(endpoint)
        await tokens.token()
        revoking = asyncio.ensure_future(tokens.revoke())
        await asyncio.sleep(0.5)
        endpoint.took = 0.1
        tokens.invalidate("AT1")
        assert await tokens.token() == "AT2"
        await revoking
        assert tokens.cached() == "AT2"

    run(main())


def test_a_session_that_joins_learns_what_the_other_waits_for() -> None:
    async def main() -> None:
        endpoint, store = Endpoint(), Memory()

        async def wait(on_failure: OnFailure) -> None:
            error = AuthError("the token endpoint answered 503", status=503)
            error.retry_after = 5.0
            on_failure(error, 5.0)
            await asyncio.sleep(5.0)

        endpoint.script = [wait]
        first = asyncio.ensure_future(manager(endpoint, store=store).token(Patience(60.0)))
        await asyncio.sleep(1.0)
        second = manager(endpoint, store=store)
        with pytest.raises(AuthError) as caught:
            await second.token(Patience(2.0))
        assert caught.value.retry_after == 4.0
        assert now() == 1.0
        assert await first == "AT1"
        await second.close()

    run(main())
