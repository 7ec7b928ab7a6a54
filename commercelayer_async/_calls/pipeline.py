"""The loop that every call goes through. Order matters here and nowhere else.

One deadline stands around all of it, and no wait begins that would outlast it. Reading the body and decoding it belong
to an attempt: what broke on the way is tried again like a request that never arrived.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from .._auth.carried import carried
from .._hooks import Answered, Call, call_hook
from .._http.message import Request, Response, Transport
from .._http.redirects import SlashRedirect, require_no_slash, with_slash
from .._http.status import READABLE, redact_error, require_document
from .._limits.limiter import Lease, LocalLease
from .._retry import SHORTEST_WAIT, RetryBudget, retry_after
from ..errors import ApiError, CommerceLayerError, DecodeError, RateLimited, Unauthorized
from ..jsonapi._json import loads
from .attempts import Attempts, is_sane_wait, judge
from .context import SessionContext
from .deadline import CallScope, Deadline, Deadlines
from .leases import release, seconds_after_refusal, settle, wait_for_lease
from .options import CallOptions
from .response_info import ResponseInfo

T = TypeVar("T")

Read = Callable[[Response, ResponseInfo], T]
"""What makes something of a response."""

_log: Final = logging.getLogger("commercelayer_async")

_NO_HEADERS: Final[Mapping[str, str]] = {}
_REFUSALS: Final = frozenset({429, 503})
"""Statuses that may say how long to wait (RFC 6585, 4; RFC 9110, 15.6.4)."""


class RequestPipeline:
    """Make the calls of one session object, with its options."""

    def __init__(self, context: SessionContext, options: CallOptions, transport: Transport | None = None) -> None:
        """Send through the session's transport, or through one that stands before it."""
        self._transport = context.transport if transport is None else transport
        self._tokens = context.tokens
        self._limiter = context.limiter
        self._connections = context.connections
        self._clock = context.clock
        self._url = context.origin.url
        self._service = context.service
        self._memory = context.memory
        self._wait_in_body = context.service.rates.wait_in_body
        self._carried = carried("", context.service)
        self._no_permission_code = context.service.no_permission_code or ""
        self._retry = options.retry
        self._priority = options.priority
        self._hooks = options.hooks
        self._retry_budget = RetryBudget(options.retry.quota)
        self.deadlines: Final = Deadlines(options.timeout, clock=context.clock)

    async def send(self, target: str, type: str, read: Read[T], scope: CallScope | None = None) -> T:
        """What `read` makes of the response to a GET of `target`, an endpoint of a resource type.

        In a scope it has the time that is left there, and is counted there.

        Raises:
            ApiError, AuthError, DecodeError, LinkRefused, SessionError, TransportError: as they say, with all earlier
                failures of the call.
        """
        call = Call("GET", f"{self._url}{target.partition('?')[0]}")
        if self._hooks.started is not None:
            call_hook(self._hooks.started, call)
        ended: BaseException | None = None
        try:
            if self._memory.slashes:
                target = self._memory.in_its_form(target, type)
            with Deadline(self.deadlines, call.url, scope) as deadline:
                return await self._loop(target, type, read, call, deadline)
        except BaseException as error:
            ended = error
            raise
        finally:
            if scope is not None:
                scope.requests += call.tries
                scope.waited += call.waited
            if self._hooks.ended is not None:
                call_hook(self._hooks.ended, call, ended)
            # An exception in a variable of a frame that its traceback leads to is a cycle.
            ended = None

    async def _loop(  # noqa: C901, PLR0912 - one loop
        self, target: str, type: str, read: Read[T], call: Call, deadline: Deadline
    ) -> T:
        # Made for the first failure: most calls have none.
        attempts: Attempts | None = None
        turn: int | None = None
        slash: bool | None = None
        while True:
            # 1. Token: first, so that calls which wait for one hold nothing that others could use.
            token = self._tokens.cached()
            if token is None:
                deadline.phase = "token"
                token = await self._tokens.token(deadline)
            # 2. Rate windows, and 3. a connection: without a suspension where there is room.
            lease = self._limiter().try_acquire(type, priority=self._priority)
            if lease is None or not self._connections.try_acquire():
                lease = await self._wait(lease, type, call, deadline, turn=turn)
                # The wait may have been longer than the token was good for.
                newest = self._tokens.newest(token)
                if newest is None:
                    # Refused while this call waited: sent, it would only be refused again.
                    self._connections.release()
                    release(lease)
                    continue
                token = newest
            call.tries = deadline.tries = call.tries + 1
            try:
                # 4. Send.
                response = await self._send_once(target, token, lease, call, deadline, slash=slash)
                # 5. Read: a body that cannot be decoded is a failed attempt.
                info = ResponseInfo(response, tries=deadline.tries, elapsed=deadline.elapsed(), waited=call.waited)
                value = read(response, info)
            except SlashRedirect as redirect:
                # Followed once, as a request of its own.
                slash = redirect.slash
                target = with_slash(target, slash)
                continue
            except CommerceLayerError as error:
                # Its frames hold what the server sent, which may be what it was sent; error trackers show variables.
                failure = redact_error(error, *carried(token, self._service).secrets).with_traceback(None)
            else:
                if slash is not None:
                    self._memory.slash_learnt(target, type, slash)
                if attempts is None:
                    self._retry_budget.give_back()
                else:
                    attempts.succeeded()
                return value
            finally:
                self._connections.release()
            # 6. Judge, 7. wait, and again.
            if attempts is None:
                attempts = Attempts(self._retry, self._retry_budget, self._clock, renews=self._tokens.renews)
            if isinstance(failure, Unauthorized) and failure.code != self._no_permission_code:
                self._tokens.invalidate(token)
            try:
                turn = await self._wait_before_next(attempts, failure, lease, call, deadline)
            finally:
                # The traceback of what is raised leads to this frame: a variable that holds it would make a cycle.
                del failure

    async def _wait_before_next(
        self,
        attempts: Attempts,
        failure: CommerceLayerError,
        lease: Lease,
        call: Call,
        deadline: Deadline,
    ) -> int | None:
        """Raise the failure, unless another attempt follows; then wait, and give the call's turn in the limiter."""
        wait = attempts.wait_before_next(judge(failure, no_permission_code=self._no_permission_code))
        if wait is None or wait >= deadline.remaining():
            try:
                raise deadline.explain(failure)
            finally:
                del failure
        deadline.failures.append(failure)
        call_hook(self._hooks.retrying, call, failure, wait)
        _log.info("%s %s: %s, next try in %.2f s", call.method, call.url, type_name(failure), wait)
        if isinstance(failure, RateLimited) and isinstance(lease, LocalLease):
            # Our limiter holds this call back with all others, in its old turn among them; another one need not.
            return lease.turn
        deadline.phase = "retry"
        await self._clock.sleep(wait)
        return None

    async def _wait(self, lease: Lease | None, type: str, call: Call, deadline: Deadline, *, turn: int | None) -> Lease:
        """Wait for a lease, where there is none yet, and for a connection, which is the caller's to release.

        The connection comes second, so that calls which wait for the rate windows keep none from those which need not.

        Raises:
            RateLimited: it is known that no request leaves before the call's time is up.
        """
        deadline.phase = "queue"
        if lease is None:
            began = self._clock.now()
            try:
                lease = await wait_for_lease(
                    self._limiter(), type, priority=self._priority, deadline=deadline, turn=turn, url=call.url
                )
            finally:
                waited = self._clock.now() - began
                call.waited += waited
            try:
                call_hook(self._hooks.waiting, call, waited)
            except BaseException:
                # Such as KeyboardInterrupt.
                release(lease)
                raise
            if deadline.ended is not None:
                # A limiter of the caller's may have caught the cancellation.
                release(lease)
                raise asyncio.CancelledError
            if self._connections.try_acquire():
                return lease
        try:
            await self._connections.acquire()
        except BaseException:
            release(lease)
            raise
        return lease

    async def _send_once(
        self,
        target: str,
        token: str,
        lease: Lease,
        call: Call,
        deadline: Deadline,
        *,
        slash: bool | None,
    ) -> Response:
        """One request and its response, which is a document or an exception.

        `slash` is what a redirect that the call followed asked for, None if there was none.

        Raises:
            SlashRedirect: the response is one that is followed; it is the call's first.
        """
        if self._hooks.sending is not None:
            call_hook(self._hooks.sending, call)
        began = self._clock.now() if self._hooks.answered is not None else 0.0
        # What goes with a request is the same until the token changes.
        sent = self._carried
        if token != sent.token:
            sent = self._carried = carried(token, self._service)
        try:
            response = await self._transport.send(Request(target, sent.authorization), deadline)
        except BaseException:
            # The server may have counted it all the same.
            settle(lease, None, _NO_HEADERS)
            raise
        if self._hooks.answered is not None:
            answered = Answered(response.status, response.headers.get("X-Request-Id"), self._clock.now() - began)
            call_hook(self._hooks.answered, call, answered)
        if response.status in READABLE:
            settle(lease, response.status, response.headers)
            require_document(response, secrets=sent.secrets)
            return response
        by_name = {name.lower(): value for name, value in response.headers.items()}
        asked = retry_after(by_name, now=self._clock.wall_time())
        heeded = asked if asked is not None and is_sane_wait(asked) else None
        if heeded is None and (told := self._told_in_body(response)) is not None:
            asked = heeded = told
        paused_for = settle(lease, response.status, response.headers, heeded)
        if slash is None:
            require_no_slash(response, origin=self._url, target=target)
        try:
            require_document(response, secrets=sent.secrets)
        except RateLimited as error:
            error.retry_after = seconds_after_refusal(
                lease,
                deadline.failures,
                asked=asked,
                heeded=heeded,
                paused_for=paused_for,
                random=self._clock.random(),
            )
            raise
        except ApiError as error:
            error.retry_after = asked
            raise
        raise AssertionError("any other status is an error")

    def _told_in_body(self, response: Response) -> float | None:
        """Seconds that the body of a refusal asks to wait, by the service's own function; None if it says nothing."""
        if self._wait_in_body is None or response.status not in _REFUSALS:
            return None
        try:
            seconds = self._wait_in_body(loads(response.body))
        except DecodeError:
            return None
        return None if seconds is None else max(seconds, SHORTEST_WAIT)


def type_name(error: BaseException) -> str:
    """The name of an error's class, which is all that a log may show of it."""
    return type(error).__name__
