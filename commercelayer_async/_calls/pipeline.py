"""The one loop through which every request goes: authorize, admit, send, judge, and again if that may help.

Order matters here and nowhere else. The deadline stands around all of it, and no wait begins that would outlast it. The
token is put on after the queue, so that none goes out stale; the place in the rate windows is taken last, so that none
is held while something else is awaited. Reading the body and making resources of it belong to a try: what broke on the
way is tried again like a request that never arrived.
"""

import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

from .._auth.manager import TokenManager
from .._clock import Chance, Clock
from .._hooks import Answered, Call, Hooks, call_hook
from .._http.status import kept_headers, redact_error, require_document
from .._http.transport import Request, Response, Transport
from .._limits.limiter import Lease, Limiter, Priority
from .._retry import Kind, Quota, Retry, cost_of, kind_of, retry_after, sane
from ..errors import ApiError, CommerceLayerError, RateLimited, TransportError, Unauthorized
from ..jsonapi import Collection, Follow, Relationship, ToManyRelationship
from .deadline import Deadline, Deadlines
from .semaphore import FifoSemaphore

T = TypeVar("T")

_log: Final = logging.getLogger("commercelayer_async")

_NO_PERMISSION: Final = "UNAUTHORIZED"
"""What the API says of a record that the token may not read; of a bad token it says INVALID_TOKEN."""
_NO_HEADERS: Final[Mapping[str, str]] = {}


class ResponseInfo:
    """The last answer of a call: what came beside the document, and what it took."""

    __slots__ = ("_response", "elapsed", "through", "tries", "waited")

    def __init__(self, response: Response, tries: int, elapsed: float, waited: float) -> None:
        self._response = response
        self.tries = tries
        """Requests that the call took."""
        self.elapsed = elapsed
        """Seconds that the call took, its waits included."""
        self.waited = waited
        """Seconds of these that it waited for rate limits."""
        self.through: Follow
        """What the relationships of the answer's resources are fetched through; set by whoever reads them."""

    def follow(self, relationship: Relationship, *, include: Sequence[str] = (), anew: bool = False) -> Awaitable[Any]:
        """See `Follow`."""
        return self.through.follow(relationship, include=include, anew=anew)

    def list(self, relationship: ToManyRelationship[Any], /) -> Collection:
        """See `Follow`."""
        return self.through.list(relationship)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._response.status

    @property
    def headers(self) -> dict[str, str]:
        """The headers worth keeping, by lower-case name."""
        return kept_headers(self._response.headers)

    @property
    def request_id(self) -> str | None:
        """What support will ask for; None if the server named none."""
        return self.headers.get("x-request-id")

    def __repr__(self) -> str:
        return f"<Answer {self.status}, {self.tries} tries, {self.elapsed:.3f} s>"


Read = Callable[[Response, ResponseInfo], T]
"""What makes something of an answer."""


class RequestPipeline:
    """Sends the requests of one session."""

    def __init__(
        self,
        transport: Transport,
        tokens: TokenManager,
        *,
        limiter: Callable[[], Limiter],
        deadlines: Deadlines,
        retry: Retry,
        priority: Priority,
        hooks: Hooks,
        quota: Quota,
        places: FifoSemaphore,
        clock: Clock,
        chance: Chance,
        url: str,
    ) -> None:
        self._transport = transport
        self._tokens = tokens
        self._limiter = limiter
        self._deadlines = deadlines
        self._retry = retry
        self._lane = priority
        self._hooks = hooks
        self._quota = quota
        self._places = places
        self._clock = clock
        self._chance = chance
        self._url = url

    async def send(self, target: str, type_: str, read: Read[T]) -> T:
        """What `read` makes of the answer to a GET of `target`, an endpoint of the resource type `type_`.

        Raises:
            ApiError, AuthError, DecodeError, LinkRefused, SessionError, TransportError: as they say, with all earlier
                failures of the call.
        """
        call = Call("GET", f"{self._url}{target.partition('?')[0]}")
        if self._hooks.started is not None:
            call_hook(self._hooks.started, call)
        ended: BaseException | None = None
        try:
            with Deadline(self._deadlines, call.url) as deadline:
                return await self._try(target, type_, read, call, deadline)
        except BaseException as error:
            ended = error
            raise
        finally:
            if self._hooks.ended is not None:
                call_hook(self._hooks.ended, call, ended)

    async def _try(self, target: str, type_: str, read: Read[T], call: Call, deadline: Deadline) -> T:
        """The loop itself."""
        course = _Course()
        while True:
            token = self._tokens.cached()
            if token is None:
                deadline.phase = "token"
                token = await self._tokens.token()
            lease = await self._admit(type_, call, deadline)
            call.tries = deadline.tries = call.tries + 1
            try:
                # What waited in the queue may have waited for longer than its token was good.
                token = self._tokens.cached() or token
                response = await self._exchange(target, token, lease, call, deadline)
                value = read(response, ResponseInfo(response, deadline.tries, deadline.elapsed(), call.waited))
            except CommerceLayerError as error:
                failure = redact_error(error, token)
            else:
                self._quota.give_back(course.paid or 1)
                return value
            finally:
                self._places.release()
            wait = self._wait_after(failure, course, token)
            if wait is None or wait >= deadline.remaining():
                raise failure.after(deadline.failures, tries=deadline.tries, elapsed=deadline.elapsed())
            deadline.failures.append(failure)
            call_hook(self._hooks.retrying, call, failure, wait)
            _log.info("%s %s: %s, next try in %.2f s", call.method, call.url, type(failure).__name__, wait)
            if not isinstance(failure, RateLimited):
                deadline.phase = "retry"
                await self._clock.sleep(wait)

    async def _admit(self, type_: str, call: Call, deadline: Deadline) -> Lease:
        """The right to send, and a place to do it from; waits for the one as long as the rate windows say.

        The place comes second, so that calls which wait for the windows keep none from those which need not.
        """
        limiter = self._limiter()
        lease = limiter.try_acquire(type_, priority=self._lane)
        if lease is None:
            deadline.phase = "queue"
            began = self._clock.now()
            lease = await limiter.acquire(type_, priority=self._lane)
            waited = self._clock.now() - began
            call.waited += waited
            call_hook(self._hooks.waiting, call, waited)
        if not self._places.try_acquire():
            deadline.phase = "queue"
            try:
                await self._places.acquire()
            except BaseException:
                lease.release()
                raise
        return lease

    async def _exchange(self, target: str, token: str, lease: Lease, call: Call, deadline: Deadline) -> Response:
        """One request and its answer, which is a document or an exception."""
        if self._hooks.sending is not None:
            call_hook(self._hooks.sending, call)
        began = self._clock.now() if self._hooks.answered is not None else 0.0
        try:
            response = await self._transport.send(Request(target, f"Bearer {token}"), deadline)
        except BaseException:
            # The server may have counted it all the same.
            lease.settle(None, _NO_HEADERS)
            raise
        if self._hooks.answered is not None:
            told = Answered(response.status, response.headers.get("X-Request-Id"), self._clock.now() - began)
            call_hook(self._hooks.answered, call, told)
        if response.status == 200:  # noqa: PLR2004 - the one good status of a GET
            lease.settle(response.status, response.headers)
            require_document(response, secret=token)
            return response
        named = {name.lower(): value for name, value in response.headers.items()}
        asked = retry_after(named, now=time.time())
        heeded = asked if asked is not None and sane(asked) else None
        closed_for = lease.settle(response.status, response.headers, retry_after=heeded)
        try:
            require_document(response, secret=token)
        except RateLimited as error:
            error.retry_after = closed_for if asked is None else asked
            raise
        except ApiError as error:
            error.retry_after = asked
            raise
        raise AssertionError("a status other than 200 is an error")

    def _wait_after(self, failure: CommerceLayerError, course: "_Course", token: str) -> float | None:
        """Seconds until the next try after a failure; None if there is to be none."""
        if isinstance(failure, Unauthorized) and failure.code != _NO_PERMISSION:
            # Once, and if the refused token is not the only one to be had.
            self._tokens.invalidate(token)
            renewed, course.renewed = course.renewed, True
            return 0.0 if self._tokens.renews and not renewed else None
        if isinstance(failure, RateLimited):
            # The gate holds everybody back, this call too, in the queue; it is no try of the call's own.
            wait = failure.retry_after or 0.0
            return wait if sane(wait) and self._retry.attempts > 1 else None
        kind = kind_of(failure)
        course.attempt += 1
        if kind is Kind.FINAL or course.attempt > min(self._retry.attempts, 2 if kind is Kind.ONCE else math.inf):
            return None
        course.paid = cost_of(failure)
        if not self._quota.take(course.paid):
            return None
        wished = failure.retry_after if isinstance(failure, ApiError) else None
        return max(self._retry.wait_before(course.attempt, self._chance), wished or 0.0)


class _Course:
    """How far a call has come."""

    __slots__ = ("attempt", "paid", "renewed")

    def __init__(self) -> None:
        self.attempt = 1
        self.paid = 0
        """What the last retry cost of the quota."""
        self.renewed = False
        """Whether a refused token has been renewed."""


class TokenEndpoint:
    """The token endpoint, below the auth URL's path."""

    def __init__(self, transport: Transport, path: str) -> None:
        self._transport = transport
        self._path = path
        self.phase = "token"

    async def post(self, path: str, form: dict[str, str]) -> Response:
        """The answer to a form, whatever its status.

        Raises:
            TransportError: there was none; its phase is "token".
        """
        try:
            return await self._transport.send(Request(f"{self._path}{path}", form=form), self)
        except TransportError as error:
            error.phase = "token"
            raise
