"""Tokens that the caller signs: made once for all who wait, anew before they are over, and after a refusal."""

import asyncio
import pickle
from typing import Any

import pytest

from commercelayer_async import AuthError, ConfigurationError, RateLimits, Retry, Session, Signed, Unauthorized
from commercelayer_async._auth.manager import TokenManager
from commercelayer_async.service import BEARER, Service
from tests.auth.token_service import Endpoint, LoopWallClock, Patience
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer
from tests.support.virtual_loop import run

GOOD = reply({"data": {"type": "tasks", "id": "1"}})
REFUSED = reply({"errors": [{"code": "X"}]}, status=401)


class Maker:
    """Makes tokens: T1, T2, …"""

    def __init__(self, *, took: float = 0.0) -> None:
        self.made = 0
        self._took = took

    def sign(self) -> str:
        self.made += 1
        return f"T{self.made}"

    async def sign_later(self) -> str:
        token = self.sign()
        await asyncio.sleep(self._took)
        return token


def manager(signed: Signed) -> TokenManager:
    return TokenManager(
        signed,
        Endpoint(),
        scheme=BEARER,
        auth_url="https://auth",
        store=None,
        clock=LoopWallClock(),
        on_token=lambda token, received: None,
    )


@pytest.mark.parametrize("name", ["sign", "sign_later"])
def test_one_token_is_made_for_all_who_wait(name: str) -> None:
    async def main() -> None:
        maker = Maker(took=1.0)
        tokens = manager(Signed(getattr(maker, name), lasts=1200))
        assert await asyncio.gather(*(tokens.token() for _ in range(20))) == ["T1"] * 20
        assert maker.made == 1
        await tokens.close()

    run(main())


def test_a_token_is_made_anew_before_it_is_over_and_nobody_waits() -> None:
    async def main() -> None:
        maker = Maker()
        tokens = manager(Signed(maker.sign, lasts=1200))
        await tokens.token()
        await asyncio.sleep(800)
        assert tokens.cached() == "T1"
        await asyncio.sleep(300)
        assert tokens.cached() == "T1"
        await asyncio.sleep(0.1)
        assert tokens.cached() == "T2"
        await asyncio.sleep(1200)
        assert tokens.cached() is None
        assert await tokens.token() == "T3"
        await tokens.close()

    run(main())


async def test_a_refused_token_is_made_anew_once() -> None:
    maker = Maker()
    options: dict[str, Any] = {"retry": Retry.never(), "limits": RateLimits.none(), "service": Service()}
    async with ScriptedServer(REFUSED, GOOD, REFUSED) as server:
        async with Session(server.url, Signed(maker.sign), **options) as session:
            await session.get("tasks", "1")
            assert maker.made == 2
            with pytest.raises(Unauthorized):
                await session.get("tasks", "1")
        assert [head.split("Bearer ")[1].split("\r\n")[0] for head in server.requests] == ["T1", "T2", "T2", "T3"]


def raising() -> str:
    raise ValueError("no key here")


async def cancelled() -> str:
    raise asyncio.CancelledError


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (raising, "raised ValueError"),
        (cancelled, "cancelled from within"),
        (lambda: 5, "returned int"),
        (lambda: "two\nlines", "header can hold"),
    ],
)
async def test_what_a_maker_does_wrong_is_an_error_of_authentication(make: Any, match: str) -> None:
    async with Session("https://tasks.example", Signed(make), service=Service()) as session:
        for _ in range(2):
            with pytest.raises(AuthError, match=match):
                await session.get("tasks", "1")


def test_a_maker_that_hangs_holds_up_nobody_for_good() -> None:
    async def main() -> None:
        hangs = [True]

        async def make() -> str:
            if hangs.pop() if hangs else False:
                await asyncio.Event().wait()
            return "T"

        tokens = manager(Signed(make))
        with pytest.raises(AuthError, match="within 30 s"):
            await tokens.token(Patience(100.0))
        assert await tokens.token(Patience(100.0)) == "T"
        await tokens.close()

    run(main())


@pytest.mark.parametrize(("make", "lasts"), [("T", 10), (None, 10), (lambda: "T", 0), (lambda: "T", "long")])
def test_a_maker_is_a_function_and_its_tokens_last(make: Any, lasts: Any) -> None:
    with pytest.raises(ConfigurationError, match="Signed"):
        Signed(make, lasts=lasts)


def test_a_maker_does_not_pickle() -> None:
    with pytest.raises(TypeError, match="does not pickle"):
        pickle.dumps(Signed(raising))
