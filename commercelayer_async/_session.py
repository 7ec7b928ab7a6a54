"""The session: what a program holds, and the `Follow` of the resources it gives."""

import asyncio
import os
import ssl as tls
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from types import EllipsisType, TracebackType
from typing import Any, Final, Self, TypeVar, overload
from urllib.parse import quote, urlsplit

import aiohttp

from ._auth import Keeper
from ._clock import LoopClock, chance
from ._deadline import Deadlines
from ._hooks import Hooks, tell
from ._limiter import TOKEN_LIMITS, Lane, Limiter, LocalLimiter, RateState, shared_limiter
from ._origin import DOMAIN, Origin, is_loopback
from ._places import Places, affordable
from ._rates import RateLimits
from ._retry import Quota, Retry
from ._sender import Answer, Read, Sender, TokenEndpoint
from ._shared import Shared
from ._text import glimpse, printable
from ._tokens import AccessToken, Auth, ClientCredentials, Credentials, TokenStore, claims_of
from ._transport import AiohttpTransport, Response, default_user_agent
from .errors import ApiError, ConfigurationError, DecodeError, SessionError
from .jsonapi import Document, GenericResource, Registry, Relationship, Resource, parse
from .jsonapi._json import as_object
from .jsonapi.query import include_paths, path_of, query_of, segment

T = TypeVar("T")
R = TypeVar("R", bound=Resource)

_NO_ROUTE: Final = (404, 405)
"""What a route that does not exist answers; 404 also stands for a record that does not."""


class _Core:
    """What a session shares with its copies: connections, token, budget, and where they may be used."""

    def __init__(
        self,
        origin: Origin,
        auth: Auth,
        *,
        carrier: dict[str, Any],
        limits: RateLimits | None,
        limiter: Limiter | None,
        token_store: TokenStore | None,
        hooks: Hooks,
        resources: Iterable[type[Resource]],
    ) -> None:
        self.origin = origin
        self.transport = AiohttpTransport(origin.url, **carrier)
        at = urlsplit(origin.auth_url)
        self.token_transport = AiohttpTransport(f"{at.scheme}://{at.netloc}", **carrier)
        self.clock = LoopClock()
        self.keeper = Keeper(
            auth,
            TokenEndpoint(self.token_transport, at.path),
            auth_url=origin.auth_url,
            store=token_store,
            clock=self.clock,
            chance=chance,
            limiter=self.token_limiter,
            on_token=self.received,
        )
        self.limits = limits
        self.first_token = auth.token if isinstance(auth, AccessToken) else None
        self.hooks = hooks
        self.places = Places(carrier["max_at_once"])
        self.own_resources = tuple(resources)
        self.followed = Shared()
        self.no_route: set[tuple[str, str]] = set()
        self.closed = False
        self._registry: Registry | None = None
        self._limiter: Limiter | None = limiter
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = os.getpid()

    def limiter(self) -> Limiter:
        """The budget that this session shares with all others of its organization in this loop."""
        if self._limiter is None:
            self._limiter = shared_limiter(self.origin.url, self.limits, clock=self.clock, chance=chance)
            if self.first_token is not None:
                self.use_mode(self.first_token)
        return self._limiter

    def token_limiter(self) -> Limiter:
        """The budget of the token endpoint, which is its own."""
        return shared_limiter(self.origin.auth_url, TOKEN_LIMITS, clock=self.clock, chance=chance)

    def received(self, token: str) -> None:
        """A new token is here."""
        self.use_mode(token)
        tell(self.hooks.token)

    def use_mode(self, token: str) -> None:
        """Keep the documented limits of a token's mode, test or live, until headers tell more.

        They are those of the hosted API; a server on this machine says for itself.
        """
        test = claims_of(token).get("test")
        limiter = self.limiter()
        if isinstance(test, bool) and isinstance(limiter, LocalLimiter) and not is_loopback(self.origin.host):
            limiter.use(RateLimits.test() if test else RateLimits.live())

    @property
    def registry(self) -> Registry:
        """The classes by type."""
        if self._registry is None:
            # Imported here: a program with classes of its own may never need them.
            from .resources import RESOURCES  # noqa: PLC0415

            self._registry = Registry(*RESOURCES, *self.own_resources)
        return self._registry

    def check(self) -> None:
        """Refuse what cannot work, before it fails somewhere deep inside."""
        if self.closed:
            raise SessionError("the session is closed; make another, or close it later")
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
            self._process = os.getpid()
        elif self._process != os.getpid():
            raise SessionError(
                f"the session was used in process {self._process} before this one was forked from it; make one in each"
                " process"
            )
        elif self._loop is not loop:
            raise SessionError(
                f"the session belongs to the event loop where it was first used ({_named(self._loop)}) and cannot be"
                f" used in another ({_named(loop)}); make one in each loop"
            )


class Session:
    """Reads one organization's resources; see `__init__` for its options.

    Make one for a program, not one for a call: it holds the connections and the token. It may be made anywhere, also
    outside an event loop, and works in the loop and the process where it is first used. Close it by `async with` or
    `await session.close()`.
    """

    def __init__(
        self,
        organization: str | None,
        auth: Auth,
        *,
        timeout: float | None = 30.0,
        retry: Retry | None = None,
        limits: RateLimits | None = None,
        lane: Lane | str = Lane.INTERACTIVE,
        hooks: Hooks | None = None,
        limiter: Limiter | None = None,
        token_store: TokenStore | None = None,
        max_at_once: int = 100,
        max_body: int = 16 * 2**20,
        auth_url: str | None = None,
        api_version: str | None = None,
        http: aiohttp.ClientSession | None = None,
        ssl: tls.SSLContext | None = None,
        trust_env: bool = False,
        user_agent: str | None = None,
        resources: Iterable[type[Resource]] = (),
    ) -> None:
        """A session that reads `organization` with the token that `auth` gives; nothing is opened or sent yet.

        Args:
            organization: A slug (`https://{slug}.commercelayer.io`) or a full URL, whose path is kept as a prefix; None
                to take it from the claims of an `AccessToken`.
            auth: A bearer token, credentials, or an async callable that gives a token.
            timeout: Seconds for a whole call: queue, token, tries and the waits between them; None for as long as it
                takes. A request handler wants less than the default, a worker more.
            retry: When to try again; `Retry.web()` and `Retry.worker()` are presets.
            limits: How many requests may be made; None to go by the token's mode, test or live, and by what the API's
                headers say.
            lane: `"interactive"` or `"bulk"`: who goes first where there is little room.
            hooks: What to call when something happens.
            limiter: A budget of the caller's in place of the one that all sessions of an organization share.
            token_store: Where to keep the token so that other processes find it; None for memory.
            max_at_once: Connections at most, and at most half of the files that the process may open; calls beyond
                them wait, within their timeout.
            max_body: Bytes of an answer at most, as received and as unpacked.
            auth_url: Where `/oauth/token` is; `https://auth.commercelayer.io`, for a full URL its own origin.
            api_version: A version to put into the path, such as `2017-08`; None for the organization's default.
            http: An aiohttp session of the caller's, used as it is and never closed.
            ssl: What TLS trusts, such as a private root; None for the system's roots.
            trust_env: Whether proxies of the environment (`HTTPS_PROXY`, …) are used.
            user_agent: The application's own name and version, put behind this package's.
            resources: Classes of the caller's, beside those of `commercelayer_async.resources` or instead of them.

        Raises:
            ConfigurationError: an option does not make sense.
        """
        _require_auth(auth)
        _require_number("timeout", timeout, none=True)
        _require_number("max_at_once", max_at_once)
        _require_number("max_body", max_body)
        carrier: dict[str, Any] = {
            "user_agent": _user_agent(user_agent),
            "max_at_once": affordable(int(max_at_once)),
            "max_body": int(max_body),
            "ssl": ssl,
            "trust_env": trust_env,
            "http": http,
        }
        named = organization if organization is not None else _organization_of(auth)
        self._core = _Core(
            Origin.of(named, api_version=api_version, auth_url=auth_url),
            auth,
            carrier=carrier,
            limits=limits,
            limiter=limiter,
            token_store=token_store,
            hooks=hooks or Hooks(),
            resources=resources,
        )
        self._original = True
        self._made_at = _caller()
        self._set(timeout, retry or Retry(), _lane(lane), hooks or Hooks())

    def _set(self, timeout: float | None, retry: Retry, lane: Lane, hooks: Hooks) -> None:
        core = self._core
        self._options = (timeout, retry, lane, hooks)
        self._deadlines = Deadlines(timeout, clock=core.clock)
        self._sender = Sender(
            core.transport,
            core.keeper,
            limiter=core.limiter,
            deadlines=self._deadlines,
            retry=retry,
            lane=lane,
            hooks=hooks,
            quota=Quota(retry.quota),
            places=core.places,
            clock=core.clock,
            chance=chance,
            url=core.origin.url,
        )
        self._closed = False

    def with_options(
        self,
        *,
        timeout: float | EllipsisType | None = ...,
        retry: Retry | None = None,
        lane: Lane | str | None = None,
        hooks: Hooks | None = None,
    ) -> Self:
        """A cheap copy with other options, on the same connections, token and budget.

        It ends with the session that it was made from; closing it ends only the calls made through it.
        """
        before = self._options
        if timeout is not ...:
            _require_number("timeout", timeout, none=True)
        copied = object.__new__(type(self))
        copied._core = self._core
        copied._original = False
        copied._set(
            before[0] if isinstance(timeout, EllipsisType) else timeout,
            retry or before[1],
            before[2] if lane is None else _lane(lane),
            hooks or before[3],
        )
        return copied

    @classmethod
    def from_env(cls, **options: Any) -> Self:
        """A session as the environment says; `options` are those of the constructor.

        `COMMERCELAYER_ORGANIZATION` is the slug or URL; `COMMERCELAYER_ACCESS_TOKEN`, or `COMMERCELAYER_CLIENT_ID`
        with `COMMERCELAYER_CLIENT_SECRET` and `COMMERCELAYER_SCOPE` where needed, is what authenticates.

        Raises:
            ConfigurationError: a variable is missing; it is named.
        """
        organization = os.environ.get("COMMERCELAYER_ORGANIZATION")
        if not organization:
            raise ConfigurationError("set COMMERCELAYER_ORGANIZATION to the organization's slug or URL")
        return cls(organization, _auth_from_env(), **options)

    def __del__(self) -> None:
        if getattr(self, "_original", False) and not self._closed and self._core.transport.is_open:
            warnings.warn(
                f"the Session made at {self._made_at} was not closed; use `async with`, or await session.close()",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )

    def __repr__(self) -> str:
        origin = self._core.origin
        return f"<Session {origin.url}{origin.api}{' closed' if self._is_closed else ''}>"

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError("a Session holds connections and a token and does not pickle; make one where it is used")

    async def __aenter__(self) -> Self:
        self._check()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of connections and token, and wake whoever waits with `SessionError`; twice is fine."""
        if self._closed:
            return
        self._closed = True
        self._deadlines.close()
        if self._original:
            core = self._core
            core.closed = True
            await core.followed.close()
            await core.keeper.close()
            await core.transport.close()
            await core.token_transport.close()

    async def revoke(self) -> None:
        """Have the server forget the session's token; the next call asks for another.

        Raises:
            AuthError: the server refused, or the session has no credentials to revoke with.
            TransportError: the token endpoint did not answer.
        """
        self._check()
        await self._core.keeper.revoke()

    def answer_of(self, resource: Resource) -> Answer | None:
        """The last answer of the call that gave a resource: status, headers, request id, tries, elapsed.

        None for a resource that was made by hand, unpickled, or read from bytes.
        """
        follow = getattr(getattr(resource, "_document", None), "follow", None)
        return follow if isinstance(follow, Answer) else None

    @property
    def rate_limits(self) -> RateState:
        """What is known of the budget of uncacheable reads now: limit, remaining, waiting; never a request."""
        return self._core.limiter().state()

    @overload
    async def get(self, cls_or_type: type[R], id: str, *, include: str | Iterable[str] = ()) -> R: ...
    @overload
    async def get(self, cls_or_type: str, id: str, *, include: str | Iterable[str] = ()) -> GenericResource: ...
    async def get(self, cls_or_type: type[Resource] | str, id: str, *, include: str | Iterable[str] = ()) -> Resource:
        """One resource.

        Args:
            cls_or_type: A resource class, whose instance comes back; or a JSON:API type, for a `GenericResource`.
            id: The resource's id: letters, digits, `_` and `-`.
            include: Relationships to bring along, such as `["customer", "payment_method.payment_gateway"]`.

        Raises:
            ConfigurationError: the id or an include path is malformed; nothing was sent.
            NotFound: there is no such resource, or it is of the other mode (test or live).
            ApiError: the API refused, with its reason.
            AuthError: no token to be had.
            TransportError: no whole answer in time.
            DecodeError: the answer is not that resource.
            SessionError: the session is closed, or used in another event loop or process.
        """
        cls, type_ = _class_and_type(cls_or_type)
        target = f"{self._core.origin.api}{path_of(type_, id)}{query_of(cls, include_paths(include, cls))}"
        known = self._core.registry
        registry = known.without(type_) if cls is GenericResource else known.preferring(cls)

        def read(response: Response, answer: Answer) -> Resource:
            answer.follow = self.follow
            found = registry.read(response.body, url=response.url, follow=answer)
            if isinstance(found, cls) and found.id == id and found.type == type_:
                return found
            self._core.transport.distrust()
            raise _another(found, f"{type_}/{id}", response)

        return await self._send(target, type_, read)

    async def request(self, path_or_url: str, *, params: Mapping[str, str] | None = None) -> Document:
        """The document of any GET: the way out for what is not modelled.

        Args:
            path_or_url: A path below the API's root (`/orders/xYZkjABcde`), or a URL of the origin, such as a link.
            params: Query parameters to add; names and values are encoded here.

        Raises:
            LinkRefused: it leads to another origin, or out of the API.
            ApiError, AuthError, DecodeError, SessionError, TransportError: as for `get`.
        """
        api = self._core.origin.api
        below = path_or_url.startswith("/") and not path_or_url.startswith(("//", f"{api}/"))
        target = self._core.origin.target_of(f"{api}{path_or_url}" if below else path_or_url)
        pairs: dict[str, str] = dict(params or {})
        added = "&".join(f"{quote(name)}={quote(value, safe=',:')}" for name, value in pairs.items())
        if added:
            target += f"{'&' if '?' in target else '?'}{added}"
        return await self._send(target, _type_in(target, api), lambda response, _: parse(response.body, response.url))

    async def follow(self, relationship: Relationship, *, include: Sequence[str] = (), anew: bool = False) -> Any:
        """What a relationship leads to; awaiting it, or its `fetch`, calls this."""
        self._check()
        if anew:
            return await self._fetch(relationship, include_paths(include, Resource))
        return await self._core.followed.call(relationship, lambda: self._fetch(relationship, ()))

    async def _fetch(self, relationship: Relationship, include: Sequence[str]) -> Any:
        """By the document's own link; through the parent where there is none, or where it leads nowhere."""
        route = (relationship.owner.type, relationship.name)
        target = None if route in self._core.no_route else self._target_of(relationship)
        if target is None:
            return await self._through_parent(relationship, include)

        def read(response: Response, answer: Answer) -> Any:
            answer.follow = self.follow
            found = self._core.registry.read(response.body, url=response.url, follow=answer)
            return _of_cardinality(found, relationship, response)

        try:
            return await self._send(_with_include(target, include), _type_in(target, self._core.origin.api), read)
        except ApiError as error:
            if error.status not in _NO_ROUTE:
                raise
            refused = error
        try:
            found = await self._through_parent(relationship, include)
        except (ApiError, DecodeError):
            raise refused from None
        self._core.no_route.add(route)
        return found

    def _target_of(self, relationship: Relationship) -> str | None:
        """Where to ask for a target: the related link, else the resource that the linkage names, else nowhere."""
        link = relationship.links.related
        if link is not None:
            return self._core.origin.target_of(link.href, base=link.base)
        if relationship.to_many or len(relationship.identifiers) != 1:
            return None
        identifier = relationship.identifiers[0]
        if identifier.id is None:
            return None
        return f"{self._core.origin.api}{path_of(identifier.type, identifier.id)}"

    async def _through_parent(self, relationship: Relationship, include: Sequence[str]) -> Any:
        """The target as the parent's document includes it: no published schema has a route to every target."""
        owner, name = relationship.owner, relationship.name
        path = path_of(owner.type, owner.id or "")
        paths = ",".join([segment(name, "relationship"), *(f"{name}.{path}" for path in include)])

        def read(response: Response, answer: Answer) -> Relationship:
            answer.follow = self.follow
            parent = self._core.registry.read(response.body, url=response.url, follow=answer)
            found = parent.relationships.get(name) if isinstance(parent, Resource) else None
            if found is not None and found.loaded:
                return found
            raise DecodeError(
                expected="the related resource, included or null",
                got="neither" if found is None else found.state.value,
                pointer=f"/data/relationships/{name}",
                url=response.url.partition("?")[0],
                resource=f"{owner.type}/{owner.id}",
            )

        return await (await self._send(f"{self._core.origin.api}{path}?include={paths}", owner.type, read))

    async def _send(self, target: str, type_: str, read: Read[T]) -> T:
        self._check()
        return await self._sender.send(target, type_, read)

    def _check(self) -> None:
        if self._closed:
            raise SessionError("the session is closed; make another, or close it later")
        self._core.check()

    @property
    def _is_closed(self) -> bool:
        return self._closed or self._core.closed


def _named(loop: asyncio.AbstractEventLoop) -> str:
    state = "closed" if loop.is_closed() else "running" if loop.is_running() else "stopped"
    return f"{type(loop).__name__} {id(loop):#x}, {state}"


def _class_and_type(cls_or_type: type[Resource] | str) -> tuple[type[Resource], str]:
    if isinstance(cls_or_type, str):
        return GenericResource, segment(cls_or_type, "type")
    Registry(cls_or_type)  # refuses what is no resource class
    return cls_or_type, cls_or_type.type


def _another(found: object, wanted: str, response: Response) -> DecodeError:
    if isinstance(found, Resource):
        got = f"{found.type}/{printable(found.id, 80)}"
    else:
        got = "an array of resources" if isinstance(found, tuple) else "null"
    return DecodeError(expected=f"the resource {wanted}", got=got, pointer="/data", url=response.url.partition("?")[0])


def _of_cardinality(found: Any, relationship: Relationship, response: Response) -> Any:
    """What was found, if it is one where one is meant, and many where many are."""
    if relationship.to_many is None or relationship.to_many == isinstance(found, tuple):
        return found
    raise DecodeError(
        expected="an array of resources" if relationship.to_many else "one resource or null",
        got="an array of resources" if isinstance(found, tuple) else "one resource or null",
        pointer="/data",
        url=response.url.partition("?")[0],
        resource=f"{relationship.owner.type}/{relationship.owner.id}.{relationship.name}",
    )


def _with_include(target: str, include: Sequence[str]) -> str:
    return f"{target}{'&' if '?' in target else '?'}include={','.join(include)}" if include else target


def _require_auth(auth: object) -> None:
    if isinstance(auth, str):
        raise ConfigurationError("auth must be AccessToken(…), ClientCredentials(…) or an async callable, not a string")
    if not isinstance(auth, AccessToken | Credentials) and not callable(auth):
        raise ConfigurationError(
            f"auth must be AccessToken(…), ClientCredentials(…) or an async callable, not {type(auth).__name__}"
        )


def _require_number(name: str, value: object, *, none: bool = False) -> None:
    if none and value is None:
        return
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 < value < float("inf"):  # type: ignore[operator]
        raise ConfigurationError(f"{name} must be a number above 0{' or None' if none else ''}, not {glimpse(value)}")


def _user_agent(suffix: str | None) -> str:
    if suffix is not None and not (suffix.isascii() and suffix.isprintable()):
        raise ConfigurationError("user_agent must be printable ASCII text")
    return default_user_agent(suffix)


def _caller() -> str:
    """Where a session was made."""
    # inspect does the same, slower.
    frame = sys._getframe(2)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def _lane(lane: Lane | str) -> Lane:
    try:
        return Lane(lane)
    except ValueError:
        raise ConfigurationError("lane must be 'interactive' or 'bulk'") from None


def _type_in(target: str, api: str) -> str:
    """The endpoint that a target belongs to, as the API counts: the first segment below its root."""
    return target.removeprefix(api).lstrip("/").partition("?")[0].partition("/")[0]


def _organization_of(auth: Auth) -> str:
    """The organization's URL, as the claims of a token name it."""
    claims = claims_of(auth.token) if isinstance(auth, AccessToken) else {}
    slug = (as_object(claims.get("organization")) or {}).get("slug")
    issuer = claims.get("iss", f"https://auth.{DOMAIN}")
    if not isinstance(slug, str) or not isinstance(issuer, str) or not issuer.startswith("https://auth."):
        raise ConfigurationError("the organization must be named: the token does not tell it")
    return f"https://{slug.lower()}.{issuer.removeprefix('https://auth.')}"


def _auth_from_env() -> Auth:
    token = os.environ.get("COMMERCELAYER_ACCESS_TOKEN")
    if token:
        return AccessToken(token)
    client_id = os.environ.get("COMMERCELAYER_CLIENT_ID")
    if client_id:
        secret = os.environ.get("COMMERCELAYER_CLIENT_SECRET") or None
        return ClientCredentials(client_id, secret, scope=os.environ.get("COMMERCELAYER_SCOPE") or None)
    raise ConfigurationError(
        "set COMMERCELAYER_ACCESS_TOKEN, or COMMERCELAYER_CLIENT_ID with COMMERCELAYER_CLIENT_SECRET"
    )
