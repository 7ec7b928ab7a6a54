"""The aiohttp application: routes to the two APIs, and what every answer has in common."""

import json
import re
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from functools import lru_cache
from typing import Final, cast

from aiohttp import web

from .api.core import Api, ApiRequest
from .api.documents import JsonObject
from .faults.apply import alter, hold, immediate_effect, send, substitute
from .faults.rules import Answer, ExpireTokens, Faults, Immediate, Reset
from .http.negotiation import MEDIA_TYPE, admits_json_api
from .http.request_log import ReceivedRequest
from .limits.rate_classes import TOKEN_PATH, Budget, RateClass, rate_class_of
from .limits.rates import Meter
from .oauth.tokens import TokenRequest, Tokens, grant_type_of
from .refusals import (
    AuthRefusal,
    Refusal,
    invalid_token,
    method_not_allowed,
    misdirected,
    not_acceptable,
    not_found,
    too_many_requests,
    too_many_token_requests,
)

# The versioned prefix first: `/api/2017-08/customers` is not the record 2017-08 of some type.
_PREFIXES: Final = ("/api/2017-08", "/api")
_LOOPBACK: Final = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?", re.IGNORECASE)

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Application:
    """Answers HTTP requests.

    Args:
        api: the Core API.
        tokens: the Auth API.
        clock: seconds from anywhere, never backwards; when requests arrive.
        received: called with each request when it comes in.
        meter: decides which requests are too many.
        faults: decides which answers go wrong.
        grants: counts what tokens are asked for with.
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
        self._log = log_request
        self._meter = meter
        self._faults = faults
        self._token_requests = token_requests

    def build(self) -> web.Application:
        """The application, ready to be served."""
        application = web.Application(middlewares=[self._middleware])
        application.add_routes(self._routes())
        return application

    def _routes(self) -> Iterable[web.RouteDef]:
        yield web.post(TOKEN_PATH, self._token)
        yield web.post("/oauth/revoke", self._revoke)
        for prefix in _PREFIXES:
            for path, serve in (
                ("/{type}", self._api.list),
                ("/{type}/{id}", self._api.retrieve),
                ("/{type}/{id}/relationships/{name}", self._api.linkage),
                ("/{type}/{id}/{name}", self._api.related),
            ):
                # Both forms, with and without a slash at the end, are in the documentation.
                handler = self._core_handler(prefix, serve)
                yield web.get(f"{prefix}{path}", handler, allow_head=False)
                yield web.get(f"{prefix}{path}/", handler, allow_head=False)

    @web.middleware
    async def _middleware(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Note and count the request when it arrives, see to its answer, and let go wrong what shall."""
        logged = self._log_request(request)
        rate_class = rate_class_of(request.method, request.rel_url.raw_path)
        admission = self._meter.admit(rate_class, logged.arrived_at)
        if admission.refused:
            handler, fault = _refuse_as_too_many(rate_class), None
        else:
            fault = self._faults.pick(logged)
        logged.fault = fault.name if fault else None
        effect = immediate_effect(fault)
        response = await self._respond(request, handler, effect)
        response.headers.update(admission.headers)
        response.headers["X-Request-Id"] = secrets.token_hex(16)
        await hold(fault)
        alter(response, effect)
        logged.status = None if effect == Reset() else response.status
        return await send(request, response, effect)

    def _log_request(self, request: web.Request) -> ReceivedRequest:
        headers = _intern_headers(tuple(request.headers.items()))
        logged = ReceivedRequest(request.method, request.raw_path, headers, arrived_at=self._clock())
        self._log(logged)
        return logged

    async def _respond(self, request: web.Request, handler: _Handler, fault: Immediate | None) -> web.Response:
        try:
            _check_host(request)
            await self._count_grant(request)
            if isinstance(fault, Answer):
                return substitute(fault)
            if isinstance(fault, ExpireTokens):
                self._tokens.expire_all()
            return cast("web.Response", await handler(request))
        except Refusal as refusal:
            return _response(refusal.body(), refusal.status)
        except AuthRefusal as refusal:
            return _response(refusal.body(), refusal.status, "application/json")
        except web.HTTPException as error:
            response = _response(_as_refusal(request, error).body(), error.status)
            if "Allow" in error.headers:
                response.headers["Allow"] = error.headers["Allow"]
            return response

    async def _count_grant(self, request: web.Request) -> None:
        """Count a request for a token, whatever becomes of it."""
        if request.method == "POST" and request.path == TOKEN_PATH:
            try:
                self._token_requests[grant_type_of(await _json_body(request))] += 1
            except AuthRefusal:
                self._token_requests["other"] += 1

    def _core_handler(self, prefix: str, serve: Callable[..., JsonObject]) -> _Handler:
        async def handler(request: web.Request) -> web.Response:
            if not self._tokens.accepts(request.headers.get("Authorization")):
                raise invalid_token()
            accept = ",".join(request.headers.getall("Accept", ())) or None
            if not admits_json_api(accept):
                raise not_acceptable(str(accept))
            api_request = ApiRequest(
                origin=f"{request.scheme}://{request.headers['Host']}",
                prefix=prefix,
                path=request.rel_url.raw_path,
                parameters=tuple(request.rel_url.query.items()),
            )
            return _response(serve(api_request, **request.match_info), 200)

        return handler

    async def _token(self, request: web.Request) -> web.Response:
        return _response(self._tokens.grant(await _json_body(request)), 200, "application/json")

    async def _revoke(self, request: web.Request) -> web.Response:
        return _response(self._tokens.revoke(await _json_body(request)), 200, "application/json")


def _refuse_as_too_many(rate_class: RateClass | None) -> _Handler:
    """Answers that a request is one too many, without a look at its token."""
    token = rate_class is not None and rate_class.budget is Budget.TOKEN

    async def handler(_request: web.Request) -> web.Response:
        raise too_many_token_requests() if token else too_many_requests()

    return handler


@lru_cache(1024)
def _intern_headers(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """*headers*, the same object for equal ones: a client sends the same again and again."""
    return headers


def _as_refusal(request: web.Request, error: web.HTTPException) -> Refusal:
    """The Core API's words for what aiohttp refuses by itself."""
    match error.status:
        case 404:
            return not_found(request.rel_url.raw_path)
        case 405:
            return method_not_allowed(request.method)
        case status:
            return Refusal(status, error.reason.upper().replace(" ", "_"), error.reason, error.text or error.reason)


def _check_host(request: web.Request) -> None:
    host = request.headers.get("Host", "")
    if not _LOOPBACK.fullmatch(host):
        raise misdirected(host)


async def _json_body(request: web.Request) -> TokenRequest:
    try:
        body: object = json.loads(await request.read())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise AuthRefusal(400, "BAD_REQUEST", "invalid_request", "The body is no JSON object.")
    return cast("TokenRequest", body)


def _response(document: JsonObject, status: int, content_type: str = MEDIA_TYPE) -> web.Response:
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return web.Response(body=body, status=status, content_type=content_type)
