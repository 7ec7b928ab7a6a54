"""Token requests: their own endpoint and rate limit, the same attempts as every call."""

from collections.abc import Callable
from typing import Final

from .._auth.endpoint import NextForm, OnFailure, TokenEndpoint
from .._clock import Clock
from .._http.message import Request, Response, Transport
from .._limits.budget import Priority
from .._limits.limiter import Lease, Limiter
from .._markers import override
from .._retry import Retry, retry_after
from ..errors import AuthError, CommerceLayerError, TransportError
from ..service.addresses import Addresses
from .attempts import Attempts, Remedy, is_sane_wait, judge
from .deadline import Deadline, Deadlines

_RETRY: Final = Retry(attempts=4, base=0.5)
_ATTEMPT_SECONDS: Final = 5.0
"""Seconds that one attempt may take, headers and body: a response that drips in never ends by itself."""
_LONGEST_WAIT: Final = 60.0
"""Seconds that a token request waits between two attempts; whoever is asked to wait longer fails with that."""


class TokenRequests(TokenEndpoint):
    """Ask the token endpoint, below the path of the authorization server's URL."""

    def __init__(
        self,
        transport: Transport,
        url: str,
        path: str,
        *,
        addresses: Addresses,
        limiter: Callable[[], Limiter],
        clock: Clock,
    ) -> None:
        self._transport = transport
        self._url = url
        self._path = path
        self._addresses = addresses
        self._limiter = limiter
        self._clock = clock

    @override
    async def request(self, next_form: NextForm, on_failure: OnFailure) -> Response | None:
        attempts = Attempts(_RETRY, None, self._clock)
        failures: list[CommerceLayerError] = []
        began = self._clock.now()
        while True:
            failure: CommerceLayerError
            try:
                response = await self._send_once(next_form, on_failure)
            except TransportError as error:
                failure = error
                verdict = judge(failure, no_permission_code="")
            else:
                if response is None:
                    return None
                failure = self._refusal(response)
                verdict = judge(failure, no_permission_code="")
                if verdict.remedy is Remedy.NONE:
                    return response
            wait = attempts.wait_before_next(verdict)
            if wait is None or wait > _LONGEST_WAIT:
                raise failure.after(failures, tries=len(failures) + 1, elapsed=self._clock.now() - began)
            failures.append(failure)
            on_failure(failure, wait)
            await self._clock.sleep(wait)

    @override
    async def revoke(self, form: dict[str, str]) -> Response:
        return await self._post(self._addresses.revoke_path, form)

    async def _send_once(self, next_form: NextForm, on_failure: OnFailure) -> Response | None:
        lease = await self._acquire(on_failure)
        form = None
        try:
            form = await next_form()
        finally:
            if form is None:
                lease.release()
        if form is None:
            return None
        try:
            response = await self._post(self._addresses.token_path, form)
        except BaseException:
            lease.settle(None, {})
            raise
        asked = self._wait_asked(response)
        heeded = min(asked, _LONGEST_WAIT) if asked is not None else None
        lease.settle(response.status, response.headers, retry_after=heeded)
        return response

    async def _acquire(self, on_failure: OnFailure) -> Lease:
        limiter = self._limiter()
        lease = limiter.try_acquire("token", priority=Priority.INTERACTIVE)
        if lease is not None:
            return lease
        closed_for = limiter.state().closed_for
        if closed_for > 0:
            # Another session was refused: whoever waits here learns what for.
            refused = AuthError("the token endpoint refused an earlier request with 429", status=429)
            refused.retry_after = closed_for
            on_failure(refused, closed_for)
        return await limiter.acquire("token", priority=Priority.INTERACTIVE)

    async def _post(self, path: str, form: dict[str, str]) -> Response:
        target = f"{self._path}{path}"
        deadlines = Deadlines(_ATTEMPT_SECONDS, clock=self._clock)
        try:
            with Deadline(deadlines, f"{self._url}{target}") as deadline:
                return await self._transport.send(Request(target, form=form), deadline)
        except TransportError as error:
            error.phase = "token"
            raise
        finally:
            deadlines.close()

    def _refusal(self, response: Response) -> AuthError:
        """The error that a response stands for, should no other attempt follow."""
        asked = self._wait_asked(response)
        wish = f" and asks to wait {asked:g} s" if asked is not None else ""
        error = AuthError(f"the token endpoint answered {response.status}{wish}", status=response.status)
        error.retry_after = asked
        return error

    def _wait_asked(self, response: Response) -> float | None:
        """Seconds that the endpoint asks to wait; None where it does not, or where nobody can mean it."""
        by_name = {name.lower(): value for name, value in response.headers.items()}
        asked = retry_after(by_name, now=self._clock.wall_time())
        return asked if asked is not None and is_sane_wait(asked) else None
