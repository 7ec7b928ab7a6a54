"""The aiohttp application: routes to the two APIs, and what every answer has in common."""

import json
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, cast

from aiohttp import web

from .accept import MEDIA_TYPE, admits_json_api
from .api import Api, Ask
from .documents import Object
from .oauth import Body, Tokens
from .rates import Window
from .received import ReceivedRequest
from .refusals import (
    AuthRefusal,
    Refusal,
    invalid_token,
    method_not_allowed,
    misdirected,
    not_acceptable,
    not_found,
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
        received: called with each request when it comes in.
        core: counts the requests to the Core API.
        auth: counts the requests to the Auth API.
    """

    def __init__(
        self,
        api: Api,
        tokens: Tokens,
        received: Callable[[ReceivedRequest], None],
        *,
        core: Window,
        auth: Window,
    ) -> None:
        self._api = api
        self._tokens = tokens
        self._received = received
        self._core = core
        self._auth = auth

    def build(self) -> web.Application:
        """The application, ready to be served."""
        application = web.Application(middlewares=[self._around])
        application.add_routes(self._routes())
        return application

    def _routes(self) -> Iterable[web.RouteDef]:
        yield web.post("/oauth/token", self._token)
        yield web.post("/oauth/revoke", self._revoke)
        for prefix in _PREFIXES:
            for path, answer in (
                ("/{type}", self._api.list),
                ("/{type}/{id}", self._api.retrieve),
                ("/{type}/{id}/relationships/{name}", self._api.linkage),
                ("/{type}/{id}/{name}", self._api.related),
            ):
                # Both forms, with and without a slash at the end, are in the documentation.
                handler = self._core_handler(prefix, answer)
                yield web.get(f"{prefix}{path}", handler, allow_head=False)
                yield web.get(f"{prefix}{path}/", handler, allow_head=False)

    @web.middleware
    async def _around(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        """Note the request, turn refusals into answers, add the headers of every answer."""
        received = ReceivedRequest(request.method, request.raw_path, tuple(request.headers.items()))
        self._received(received)
        window = self._auth if request.path.startswith("/oauth/") else self._core
        response = await self._answer(request, handler)
        response.headers.update(window.count())
        response.headers["X-Request-Id"] = secrets.token_hex(16)
        received.status = response.status
        return response

    async def _answer(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        try:
            _check_host(request)
            return await handler(request)
        except Refusal as refusal:
            return _response(refusal.body(), refusal.status)
        except AuthRefusal as refusal:
            return _response(refusal.body(), refusal.status, "application/json")
        except web.HTTPException as error:
            response = _response(_as_refusal(request, error).body(), error.status)
            if "Allow" in error.headers:
                response.headers["Allow"] = error.headers["Allow"]
            return response

    def _core_handler(self, prefix: str, answer: Callable[..., Object]) -> _Handler:
        async def handler(request: web.Request) -> web.StreamResponse:
            if not self._tokens.admits(request.headers.get("Authorization")):
                raise invalid_token()
            accept = ",".join(request.headers.getall("Accept", ())) or None
            if not admits_json_api(accept):
                raise not_acceptable(str(accept))
            ask = Ask(
                origin=f"{request.scheme}://{request.headers['Host']}",
                prefix=prefix,
                path=request.rel_url.raw_path,
                parameters=tuple(request.rel_url.query.items()),
            )
            return _response(answer(ask, **request.match_info), 200)

        return handler

    async def _token(self, request: web.Request) -> web.StreamResponse:
        return _response(self._tokens.grant(await _body(request)), 200, "application/json")

    async def _revoke(self, request: web.Request) -> web.StreamResponse:
        return _response(self._tokens.revoke(await _body(request)), 200, "application/json")


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


async def _body(request: web.Request) -> Body:
    try:
        body: object = json.loads(await request.read())
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise AuthRefusal(400, "BAD_REQUEST", "invalid_request", "The body is no JSON object.")
    return cast("Body", body)


def _response(document: Object, status: int, content_type: str = MEDIA_TYPE) -> web.Response:
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return web.Response(body=body, status=status, content_type=content_type)
