"""A token endpoint in memory, and a store, for managers in virtual time."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from commercelayer_async import ClientCredentials, CommerceLayerError, StoredToken, TokenStore
from commercelayer_async._auth.credentials import Auth
from commercelayer_async._auth.endpoint import NextForm, OnFailure
from commercelayer_async._auth.manager import TokenManager
from commercelayer_async._clock import LoopClock
from commercelayer_async._http.message import Response
from commercelayer_async._markers import override

URL = "https://auth.test"
LIFE = 7200.0


class LoopWallClock(LoopClock):
    """Its wall time is the loop's, so that both are virtual."""

    def __init__(self, chance: float = 0.5, *, ahead: float = 0.0) -> None:
        super().__init__(random=lambda: chance)
        self.ahead = ahead

    @override
    def wall_time(self) -> float:
        return self.now() + self.ahead


class Endpoint:
    """Gives access and refresh tokens, the latter for one use each."""

    def __init__(self, *, life: float = LIFE, took: float = 0.1) -> None:
        self.life = life
        self.took = took
        self.number = 0
        self.good = {"RT0"}
        self.sent: list[str] = []
        """What was exchanged by each request: a refresh token, or a grant type."""
        self.times: list[float] = []
        self.revoked: list[str] = []
        self.rotates = True
        self.script: list[Any] = []
        """What happens to the next requests: an error to raise, a response, a function to await; None for a token."""

    async def request(self, next_form: NextForm, on_failure: OnFailure) -> Response | None:
        form = await next_form()
        if form is None:
            return None
        self.sent.append(str(form.get("refresh_token", form["grant_type"])))
        self.times.append(asyncio.get_running_loop().time() - 1000.0)
        step = self.script.pop(0) if self.script else None
        if callable(step):
            step = await step(on_failure)
        await asyncio.sleep(self.took)
        if isinstance(step, BaseException):
            raise step
        if isinstance(step, Response):
            return step
        refresh_token = form.get("refresh_token")
        if refresh_token is not None and refresh_token not in self.good:
            return refused()
        if self.rotates:
            self.good.discard(str(refresh_token))
        self.number += 1
        members: dict[str, object] = {"access_token": f"AT{self.number}", "expires_in": self.life}
        if form["grant_type"] != "client_credentials" and self.rotates:
            self.good.add(f"RT{self.number}")
            members["refresh_token"] = f"RT{self.number}"
        return response(members)

    async def revoke(self, form: dict[str, str]) -> Response:
        self.revoked.append(str(form["token"]))
        step = self.script.pop(0) if self.script else None
        await asyncio.sleep(self.took)
        return step if isinstance(step, Response) else response({})


def response(members: dict[str, Any], status: int = 200) -> Response:
    return Response(status, {}, json.dumps(members).encode(), URL)


def refused(name: str = "invalid_grant") -> Response:
    return response({"error": name}, 400)


class Memory:
    """A store in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, StoredToken] = {}

    async def load(self, key: str) -> StoredToken | None:
        return self.kept.get(key)

    async def save(self, key: str, token: StoredToken) -> None:
        self.kept[key] = token

    async def delete(self, key: str) -> None:
        self.kept.pop(key, None)

    @property
    def values(self) -> list[str]:
        return [str(token.value) for token in self.kept.values()]


class View:
    """The store as another process sees it: another object, the same tokens."""

    def __init__(self, store: TokenStore) -> None:
        self._store = store

    async def load(self, key: str) -> StoredToken | None:
        await asyncio.sleep(0.01)
        return await self._store.load(key)

    async def save(self, key: str, token: StoredToken) -> None:
        await asyncio.sleep(0.01)
        await self._store.save(key, token)

    async def delete(self, key: str) -> None:
        await self._store.delete(key)


def manager(
    endpoint: Endpoint,
    auth: Auth | None = None,
    *,
    store: Any = None,
    chance: float = 0.5,
    ahead: float = 0.0,
    on_token: Callable[[str, bool], None] = lambda token, received: None,
) -> TokenManager:
    return TokenManager(
        auth or ClientCredentials("id", "secret"),
        endpoint,
        auth_url=URL,
        store=store,
        clock=LoopWallClock(chance, ahead=ahead),
        on_token=on_token,
    )


class Patience:
    """A call that can wait so long."""

    def __init__(self, seconds: float) -> None:
        self._until = asyncio.get_running_loop().time() + seconds
        self.failures: list[CommerceLayerError] = []

    def remaining(self) -> float:
        return self._until - asyncio.get_running_loop().time()


def now() -> float:
    """Seconds since the loop began."""
    return asyncio.get_running_loop().time() - 1000.0


async def settle() -> None:
    """Let everything run that is ready."""
    for _ in range(30):
        await asyncio.sleep(0)


def others() -> set[Any]:
    """The tasks beside this one."""
    return asyncio.all_tasks() - {asyncio.current_task()}
