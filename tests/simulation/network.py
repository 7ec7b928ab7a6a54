"""The network: a transport in memory between the sessions and the model, with faults."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs
from multidict import CIMultiDict

from commercelayer_async import ConnectError, TransportError
from commercelayer_async import TimeoutError as OurTimeoutError
from commercelayer_async._http.message import PhaseObserver, Request, Response, Transport
from commercelayer_async._markers import override

from .faults import NO_FAULTS, SILENCE, Delivery, Faults
from .service import Login, Reply, Service
from .time import Time

_RETRIES_A_SECOND: Final = 10
"""Requests of one session for one target within a second of refusals, above which it is a tight loop."""
_REFUSED_AT_THE_DOOR: Final = ("error", "unavailable", "absurd", "throttled", "throttled-bare", "throttled-absurd")
"""What happens to a token request before it is looked at, so that no refresh token is spent."""
_REFUSED: Final = (400, 401)
_JSON_API: Final = {"Content-Type": "application/vnd.api+json"}


@attrs.define(eq=False)
class Peer:
    """One session as the network sees it."""

    name: str
    number: int
    login: Login
    address: str
    sent: int = 0
    token_requests: int = 0
    in_flight: int = 0
    on_their_way: "dict[object, tuple[float, Callable[[], object]]]" = attrs.field(factory=dict)
    """Requests that have not arrived yet: when they will, and what happens then."""
    closed_at: float | None = None
    """When `close()` had returned."""
    made_at: float = 0.0
    uses_own_limiter: bool = False
    refusals: dict[str, list[float]] = attrs.field(factory=dict)
    """When a target was refused with 429 lately."""
    untold_refusals: int = 0
    """Token requests that were refused, and whose responses never came."""
    transports: "list[MemoryTransport]" = attrs.field(factory=list)


class Network:
    """Carries requests of all sessions to the model."""

    def __init__(
        self,
        seed: int,
        service: Service,
        time: Time,
        report: Callable[[str, str, str], None],
        trace: Callable[[str], None],
        *,
        faults: Faults,
        token_faults: Faults,
    ) -> None:
        self.service = service
        self.time = time
        self.report = report
        self.trace = trace
        self.seed = seed
        self.faults = faults
        self.token_faults = token_faults

    def end_faults(self) -> None:
        """Let nothing go wrong any more."""
        self.faults = NO_FAULTS
        self.token_faults = NO_FAULTS

    def transports_of(self, peer: Peer) -> "Callable[[str, Any], Transport]":
        """What makes the transports of one session."""

        def make(origin: str, _: Any) -> Transport:
            transport = MemoryTransport(self, peer, origin)
            peer.transports.append(transport)
            return transport

        return make


class MemoryTransport(Transport):
    """The transport of one session to one origin."""

    def __init__(self, network: Network, peer: Peer, origin: str) -> None:
        self._network = network
        self._peer = peer
        self._origin = origin
        self._open = False
        self._breaking: dict[asyncio.Future[None], None] = {}
        """What breaks the connections that are in use."""

    @override
    async def send(self, request: Request, observer: PhaseObserver) -> Response:
        network, peer = self._network, self._peer
        now = network.time.moment
        path = request.target.partition("?")[0]
        if peer.closed_at is not None:
            network.report("sent-after-close", "api" if request.form is None else "token", f"{peer.name} sent {path}")
        delivery = self._next_delivery(request)
        network.trace(f"{peer.name} sends {'GET' if request.form is None else 'POST'} {request.target[:120]}")
        self._open = True
        observer.phase = "headers"
        peer.in_flight += 1
        broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._breaking[broken] = None
        answered, reply = False, None
        arrives = now + delivery.seconds * delivery.share
        peer.on_their_way[broken] = arrives, lambda: self._arrive(request, delivery)
        try:
            await self._pass(delivery.seconds * delivery.share, path, broken)
            if delivery.event == "reset":
                raise ConnectError(f"{path}: the connection was refused", url=path, phase="connect")
            del peer.on_their_way[broken]
            reply = self._arrive(request, delivery)
            await self._pass(delivery.seconds * (1 - delivery.share), path, broken)
            response = self._deliver(reply, delivery, path, observer)
            answered = delivery.event != "garbled"
        finally:
            peer.in_flight -= 1
            peer.on_their_way.pop(broken, None)
            del self._breaking[broken]
            broken.cancel()
            if request.form is not None and not answered and peer.login.principal is not None:
                network.service.lost_refresh.add(peer.login.principal)
                peer.untold_refusals += reply is not None and reply.status in _REFUSED
        network.trace(f"{peer.name} receives {response.status} for {path}")
        self._note_refusal(request.target, response.status, now)
        return response

    def _next_delivery(self, request: Request) -> Delivery:
        network, peer = self._network, self._peer
        if request.form is not None:
            peer.token_requests += 1
            return network.token_faults.draw(network.seed, 100 + peer.number, peer.token_requests - 1)
        peer.sent += 1
        return network.faults.draw(network.seed, peer.number, peer.sent - 1)

    async def _pass(self, seconds: float, path: str, broken: "asyncio.Future[None]") -> None:
        """Let time pass, unless the connection breaks."""
        await asyncio.wait((broken,), timeout=seconds)
        if broken.done():
            raise TransportError(f"{path}: the connection was closed", url=path, phase="headers")

    def _arrive(self, request: Request, delivery: Delivery) -> Reply:
        service, peer, now = self._network.service, self._peer, self._network.time.moment
        service.now = now
        if delivery.event == "bad-gateway":
            # An edge in front of the service responds; the service has not seen the request.
            return Reply(502, {"Content-Type": "text/html"}, b"<html>502 Bad Gateway</html>")
        if request.form is not None:
            if delivery.event in _REFUSED_AT_THE_DOOR:
                return _as_faults_have_it(Reply(200, {}, b""), delivery)
            reply = service.post(peer.address, (peer.name, peer.login), request.target, _plain_texts(request.form))
        else:
            reply = service.get(peer.address, peer.login, request.target, request.authorization, now)
            self._check_revoked(request.authorization)
        return _as_faults_have_it(reply, delivery)

    def _check_revoked(self, authorization: str | None) -> None:
        token = self._network.service.tokens.get((authorization or "").removeprefix("Bearer "))
        if token is not None and token.revoked_at is not None and token.revoked_at < self._peer.made_at:
            detail = f"{self._peer.name} was made after the token was revoked, and sent it"
            self._network.report("revoked-token", self._peer.login.grant, detail)

    def _deliver(self, reply: Reply, delivery: Delivery, path: str, observer: PhaseObserver) -> Response:
        if delivery.event in ("silent", "drips"):
            raise OurTimeoutError(f"{path}: the server is silent", url=path, phase="headers", seconds=SILENCE)
        if delivery.event == "lost":
            raise TransportError(f"{path}: the connection broke", url=path, phase="headers")
        observer.phase = "body"
        if delivery.event == "half":
            raise TransportError(f"{path}: the body is not whole", url=path, phase="body")
        headers: CIMultiDict[str] = CIMultiDict(reply.headers)
        return Response(reply.status, headers, reply.body, f"{self._origin}{path}")

    def _note_refusal(self, target: str, status: int, sent_at: float) -> None:
        if status != 429:
            return
        moments = self._peer.refusals.setdefault(target, [])
        moments.append(sent_at)
        recent = [moment for moment in moments if moment > sent_at - 1.0]
        self._peer.refusals[target] = recent
        if len(recent) > _RETRIES_A_SECOND:
            detail = f"{self._peer.name} sent {target[:60]} {len(recent)} times in a second, and was refused each time"
            self._network.report("tight-loop", "own limiter" if self._peer.uses_own_limiter else "limiter", detail)

    @override
    def discard_connections(self) -> None:
        pass

    @override
    async def close(self) -> None:
        self._open = False
        for broken in tuple(self._breaking):
            if not broken.done():
                broken.set_result(None)

    @property
    @override
    def is_open(self) -> bool:
        return self._open


def _plain_texts(form: Mapping[str, str]) -> dict[str, str]:
    """A form as its characters; the client's texts do not show theirs."""
    return {name: "".join([*text]) for name, text in form.items()}


def _as_faults_have_it(reply: Reply, delivery: Delivery) -> Reply:  # noqa: PLR0911 - one table
    if reply.status == 429:
        return reply
    headers = {name: value for name, value in reply.headers.items() if name.startswith("X-Ratelimit")}
    match delivery.event:
        case "garbled":
            return attrs.evolve(reply, body=reply.body[: len(reply.body) // 2])
        case "error":
            return _plain(500, headers)
        case "unavailable":
            return _plain(503, {**headers, "Retry-After": str(delivery.retry_after)})
        case "absurd":
            return _plain(503, {**headers, "Retry-After": "1000000000"})
        case "throttled":
            return _plain(429, {**headers, "Retry-After": str(delivery.retry_after)})
        case "throttled-bare":
            return _plain(429, {})
        case "throttled-absurd":
            return _plain(429, {**headers, "Retry-After": "1000000000"})
        case "bare":
            bare = {name: value for name, value in reply.headers.items() if name not in headers}
            return attrs.evolve(reply, headers=bare)
        case _:
            return reply


def _plain(status: int, headers: Mapping[str, str]) -> Reply:
    return Reply(status, {**_JSON_API, **headers}, b'{"errors":[]}')
