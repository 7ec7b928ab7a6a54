"""The aiohttp server: routes to the two APIs, and what happens to every request on the way.

A request is logged and counted when it arrives (`_serve`). One that is over a rate limit is refused at once. Any
other may get a fault, which can replace its handler, delay the response, change it, or break it off.
"""

import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, cast

import attrs
from aiohttp import web

from .api.core import Api, ApiRequest
from .api.documents import JsonObject
from .faults.apply import alter, hold, immediate_effect, send, substitute
from .faults.effects import Answer, ExpireTokens, Immediate, Reset
from .faults.rules import Faults
from .http.bodies import json_response, read_json_object
from .http.loopback import check_host
from .http.negotiation import MEDIA_TYPE, accepts_json_api
from .http.request_log import ReceivedRequest, intern_headers
from .limits.meter import Meter
from .limits.rate_classes import TOKEN_PATH, Budget, RateClass, rate_class_of
from .oauth.jwt import key_set
from .oauth.tokens import Tokens, grant_type_of
from .refusals import (
    AuthRefusal,
    Refusal,
    method_not_allowed,
    not_acceptable,
    not_found,
    too_many_requests,
    too_many_token_requests,
)

# The prefix with a version comes first: `/api/2017-08/customers` is not the record `customers` of a type `2017-08`.
_PREFIXES: Final = ("/api/2017-08", "/api")
_JSON: Final = "application/json"

_Respond = Callable[[], Awaitable[web.StreamResponse]]


@attrs.frozen
class _Call:
    """A request, and the parts of its path that its route names."""

    request: web.Request
    parts: Mapping[str, str]


_Handler = Callable[[_Call], Awaitable[web.StreamResponse]]


class Application:
    """The handlers of a sandbox, and what is around them.

    Args:
        api: The Core API.
        tokens: The Auth API.
        clock: Gives seconds from any start, never backwards. It says when a request arrives.
        log_request: Called with each request on its arrival.
        meter: Decides which requests are over a rate limit.
        faults: Decides which responses go wrong.
        token_requests: Counts the requests for tokens by grant type.
    """

    def __init__(
        self,
        api: Api,
        tokens: Tokens,
        *,
        clock: Callable[[], float],
        log_request: Callable[[ReceivedRequest], None],
        meter: Meter,
        faults: Faults,
        token_requests: Counter[str],
    ) -> None:
        self._api = api
        self._tokens = tokens
        self._clock = clock
        self._log_request = log_request
        self._meter = meter
        self._faults = faults
        self._token_requests = token_requests
        self._router = web.UrlDispatcher()
        self._router.add_routes(self._routes())

    def build(self) -> web.Server:
        """Make the aiohttp server.

        It is no `web.Application` with a middleware: aiohttp keeps the handlers of those in a cache of the process, and
        with them each sandbox that ever ran.
        """
        return web.Server(self._handle, access_log=None)

    def _routes(self) -> Iterable[web.RouteDef]:
        """The routes; aiohttp finds them, and `_handle` gives each handler its `_Call`."""
        for path, answer in ((TOKEN_PATH, self._token), ("/oauth/revoke", self._revoke)):
            yield web.post(path, cast("Any", answer))
        yield web.get("/.well-known/jwks.json", cast("Any", self._keys), allow_head=False)
        for prefix in _PREFIXES:
            for path, serve in (
                ("/{type}", self._api.list),
                ("/{type}/{id}", self._api.retrieve),
                ("/{type}/{id}/relationships/{name}", self._api.linkage),
                ("/{type}/{id}/{name}", self._api.related),
            ):
                # The documentation shows both forms, with and without a slash at the end.
                handler: Any = self._core_handler(prefix, serve)
                yield web.get(f"{prefix}{path}", handler, allow_head=False)
                yield web.get(f"{prefix}{path}/", handler, allow_head=False)

    async def _handle(self, received: web.BaseRequest) -> web.StreamResponse:
        request = cast("web.Request", received)
        match = await self._router.resolve(request)
        if "Expect" in request.headers:
            await match.expect_handler(request)
        handler = cast("_Handler", match.handler)
        return await self._serve(request, lambda: handler(_Call(request, match)))

    async def _serve(self, request: web.Request, respond: _Respond) -> web.StreamResponse:
        # 1. It arrives: it is logged and counted.
        received = self._receive(request)
        rate_class = rate_class_of(request.method, request.rel_url.raw_path)
        admission = self._meter.admit(rate_class, received.arrived_at, received.address)
        # 2. It is refused as over a limit, or it may get a fault; never both.
        if admission.refused:
            respond, fault = _too_many(rate_class), None
        else:
            fault = self._faults.pick(received)
        received.fault = fault.name if fault else None
        effect = immediate_effect(fault)
        # 3. The response is made now, even if it is sent later.
        response = await self._respond(request, respond, effect)
        response.headers.update(admission.headers)
        response.headers["X-Request-Id"] = secrets.token_hex(16)
        # 4. The rest of the fault happens to it.
        await hold(fault)
        alter(response, effect)
        received.status = None if effect == Reset() else response.status
        return await send(request, response, effect)

    def _receive(self, request: web.Request) -> ReceivedRequest:
        headers = intern_headers(tuple(request.headers.items()))
        received = ReceivedRequest(
            request.method, request.raw_path, headers, arrived_at=self._clock(), address=request.remote or ""
        )
        self._log_request(received)
        return received

    async def _respond(self, request: web.Request, respond: _Respond, effect: Immediate | None) -> web.Response:
        """Make the response, or the one that *effect* gives instead; errors become responses too."""
        try:
            check_host(request.headers.get("Host", ""))
            await self._count_token_request(request)
            if isinstance(effect, Answer):
                return substitute(effect)
            if isinstance(effect, ExpireTokens):
                self._tokens.expire_all()
            return cast("web.Response", await respond())
        except Refusal as refusal:
            return json_response(refusal.body(), refusal.status, MEDIA_TYPE)
        except AuthRefusal as refusal:
            return json_response(refusal.body(), refusal.status, _JSON)
        except web.HTTPException as error:
            response = json_response(_as_refusal(request, error).body(), error.status, MEDIA_TYPE)
            if "Allow" in error.headers:
                response.headers["Allow"] = error.headers["Allow"]
            return response

    async def _count_token_request(self, request: web.Request) -> None:
        """Count a request for a token, whatever the response will be."""
        if request.method == "POST" and request.path == TOKEN_PATH:
            try:
                self._token_requests[grant_type_of(await read_json_object(request))] += 1
            except AuthRefusal:
                self._token_requests["other"] += 1

    def _core_handler(self, prefix: str, serve: Callable[..., JsonObject]) -> _Handler:
        async def handler(call: _Call) -> web.Response:
            request = call.request
            viewer = self._tokens.viewer_of(request.headers.get("Authorization"))
            accept = ",".join(request.headers.getall("Accept", ())) or None
            if not accepts_json_api(accept):
                raise not_acceptable(str(accept))
            api_request = ApiRequest(
                origin=f"{request.scheme}://{request.headers['Host']}",
                prefix=prefix,
                path=request.rel_url.raw_path,
                parameters=tuple(request.rel_url.query.items()),
                viewer=viewer,
            )
            return json_response(serve(api_request, **call.parts), 200, MEDIA_TYPE)

        return handler

    async def _token(self, call: _Call) -> web.Response:
        return json_response(self._tokens.issue(await read_json_object(call.request)), 200, _JSON)

    async def _keys(self, _call: _Call) -> web.Response:
        return json_response(key_set(), 200, _JSON)

    async def _revoke(self, call: _Call) -> web.Response:
        return json_response(self._tokens.revoke(await read_json_object(call.request)), 200, _JSON)


def _too_many(rate_class: RateClass | None) -> _Respond:
    """Make what refuses a request as over a rate limit, in the shape of its API."""
    is_token_request = rate_class is not None and rate_class.budget is Budget.TOKEN

    async def respond() -> web.Response:
        raise too_many_token_requests() if is_token_request else too_many_requests()

    return respond


def _as_refusal(request: web.Request, error: web.HTTPException) -> Refusal:
    """Put what aiohttp itself refuses (an unknown path, a large body) into the shape of the Core API."""
    match error.status:
        case 404:
            return not_found(request.rel_url.raw_path)
        case 405:
            return method_not_allowed(request.method)
        case status:
            return Refusal(status, error.reason.upper().replace(" ", "_"), error.reason, error.text or error.reason)
