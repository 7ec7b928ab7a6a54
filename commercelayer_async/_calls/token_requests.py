"""Token requests: their own endpoint and rate limit, the same attempts as every call."""

from collections.abc import Callable
from typing import Final

from .._auth.manager import TokenEndpoint
from .._clock import Clock
from .._http.message import Request, Response, Transport
from .._limits.budget import Priority
from .._limits.limiter import Limiter
from .._markers import override
from .._retry import Retry, retry_after
from ..errors import AuthError, CommerceLayerError, TransportError
from ..service import Addresses
from .attempts import Attempts, Remedy, judge

_RETRY: Final = Retry(attempts=4, base=0.5)


class TokenRequests(TokenEndpoint):
    """Ask the token endpoint, below the path of the authorization server's URL."""

    def __init__(
        self, transport: Transport, path: str, *, addresses: Addresses, limiter: Callable[[], Limiter], clock: Clock
    ) -> None:
        self._transport = transport
        self._path = path
        self._addresses = addresses
        self._limiter = limiter
        self._clock = clock
        self.phase = "token"

    @override
    async def request(self, form: dict[str, str]) -> Response:
        attempts = Attempts(_RETRY, None, self._clock)
        while True:
            failure: CommerceLayerError
            try:
                response = await self._send_once(form)
            except TransportError as error:
                failure = error
                verdict = judge(failure, no_permission_code="")
            else:
                failure = self._refusal(response)
                verdict = judge(failure, no_permission_code="")
                if verdict.remedy is Remedy.NONE:
                    return response
            wait = attempts.wait_before_next(verdict)
            if wait is None:
                raise failure
            await self._clock.sleep(wait)

    @override
    async def revoke(self, form: dict[str, str]) -> Response:
        return await self._post(self._addresses.revoke_path, form)

    async def _send_once(self, form: dict[str, str]) -> Response:
        lease = await self._limiter().acquire("token", priority=Priority.INTERACTIVE)
        try:
            response = await self._post(self._addresses.token_path, form)
        except BaseException:
            lease.settle(None, {})
            raise
        lease.settle(response.status, response.headers)
        return response

    async def _post(self, path: str, form: dict[str, str]) -> Response:
        try:
            return await self._transport.send(Request(f"{self._path}{path}", form=form), self)
        except TransportError as error:
            error.phase = "token"
            raise

    def _refusal(self, response: Response) -> AuthError:
        """The error that a response stands for, should no other attempt follow."""
        error = AuthError(f"the token endpoint answered {response.status}", status=response.status)
        by_name = {name.lower(): value for name, value in response.headers.items()}
        error.retry_after = retry_after(by_name, now=self._clock.wall_time())
        return error
