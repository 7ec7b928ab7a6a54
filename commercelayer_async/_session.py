"""The session: what a program holds, and the `Follow` of the resources it gives."""

import os
import ssl as tls
import sys
import warnings
from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from types import EllipsisType, TracebackType
from typing import Any, ClassVar, Self, TypeVar, Unpack, overload

import aiohttp
import attrs

from ._auth.accepted import accepted_auth, hidden
from ._auth.credentials import Auth, TokenStore
from ._bulk.many import collect, ids_at_once, prefetch_into, require_several, stream_of
from ._bulk.outcomes import Progress
from ._bulk.stream import Stream
from ._calls.context import SessionContext
from ._calls.deadline import CallScope
from ._calls.options import WORKER, CallOptions
from ._calls.response_info import ResponseInfo
from ._checks import require_instance, require_number
from ._hooks import Hooks
from ._http.message import Response
from ._http.options import HttpOptions
from ._http.origin import Origin
from ._limits.budget import Priority, RateState
from ._limits.limiter import Limiter
from ._limits.windows import RateLimits
from ._lists.arguments import collection_of, scan_of
from ._lists.collection import ListOptions, ResourceCollection, Scan
from ._lists.list_reader import ListReader, list_reader_for
from ._markers import public
from ._options import SessionOptions, auth_from_env, given, organization_of, shared_from_env
from ._plain import plain, plain_text
from ._reading.parameters import query_parameters
from ._reading.reader import Reader, counted_under
from ._retry import Retry
from ._session_parts import SessionParts
from .errors import ConfigurationError, closed_error
from .jsonapi import Document, GenericResource, Relationship, Resource, ToManyRelationship, parse
from .jsonapi._compound import response_of
from .jsonapi.query import include_paths, segment
from .jsonapi.registry import type_of
from .service import COMMERCE_LAYER, Service

T = TypeVar("T")
R = TypeVar("R", bound=Resource)


@public("commercelayer_async")
class Session:
    """Reads one organization's resources; see `__init__` for its options.

    Make one for a program, not one for a call: it holds the connections and the token. It may be made anywhere, also
    outside an event loop, and works in the loop and the process where it is first used. Close it by `async with` or
    `await session.close()`.
    """

    _seams: ClassVar[Mapping[str, Any]] = {}
    """Other arguments of `SessionContext`: a simulation has a transport in memory and a clock of its own."""

    def __init__(
        self,
        organization: str | None,
        auth: Auth | str | tuple[str, str] | None,
        *,
        timeout: float | None = 30.0,
        retry: Retry | None = None,
        limits: RateLimits | None = None,
        priority: Priority | str = Priority.INTERACTIVE,
        hooks: Hooks | None = None,
        limiter: Limiter | None = None,
        token_store: TokenStore | None = None,
        batching: bool = True,
        max_connections: int = 100,
        max_body: int = 16 * 2**20,
        auth_url: str | None = None,
        api_version: str | None = None,
        http: aiohttp.ClientSession | None = None,
        ssl: tls.SSLContext | None = None,
        trust_env: bool = False,
        user_agent: str | None = None,
        resources: Iterable[type[Resource]] = (),
        service: Service = COMMERCE_LAYER,
    ) -> None:
        """A session that reads `organization` with the token that `auth` gives; nothing is opened or sent yet.

        Args:
            organization: A slug (`https://{slug}.commercelayer.io`), a host, or a full URL, whose path is kept as a
                prefix, with or without `/api` at its end; None to take it from the claims of an `AccessToken`. For a
                service without hosts of its own, a URL or a host, with or without the service's root at its end.
            auth: A bearer token, credentials, an async callable that gives a token, or `Signed`. By the scheme of the
                service, it may also be the secret as a `str` (`Header`), or a user's name and password as a pair
                (`Basic`). None sends no secret, to a service that answers without.
            timeout: Seconds for a whole call: queue, token, tries and the waits between them; None for as long as it
                takes. A request handler wants less than the default, a worker more.
            retry: When to try again; `Retry.web()` and `Retry.worker()` are presets.
            limits: How many requests may be made; None to go by the token's mode, test or live, and by what the API's
                headers say.
            priority: `"interactive"` or `"bulk"`: who goes first where there is little room.
            hooks: What to call when something happens.
            limiter: A budget of the caller's in place of the one that all sessions of an organization share.
            token_store: Where to keep the token so that other processes find it; None for memory.
            batching: Whether relationships that are awaited together are asked for together, 25 parents a request.
            max_connections: Connections at most, and at most half of the files that the process may open; calls beyond
                them wait, within their timeout.
            max_body: Bytes of an answer at most, as received and as unpacked.
            auth_url: Where `/oauth/token` is, with or without that; `https://auth.commercelayer.io`, for the URL of
                another host its own origin. For services with a token endpoint alone.
            api_version: A version to put into the path, such as `2017-08`; None for the organization's default. For
                services with versions in their paths alone.
            http: An aiohttp session of the caller's, never closed. Its connections, proxies, cookies, traces,
                middlewares and headers are used, but those that would make another request; what is accepted, raised
                and unpacked is said with each request. It must have no `auth`.
            ssl: What TLS trusts, such as a private root; None for the system's roots.
            trust_env: Whether proxies of the environment (`HTTPS_PROXY`, …) are used.
            user_agent: The application's own name and version, put behind this package's.
            resources: Classes of the caller's, beside those that the service brings along or instead of them.
            service: What the service does its own way; Commerce Layer unless another one is given.

        Raises:
            ConfigurationError: an option does not make sense.
        """
        require_instance("service", service, Service, "Service(…)")
        auth = hidden(auth)
        accepted = accepted_auth(auth, service)
        options = CallOptions(timeout=timeout, **given(retry=retry, hooks=hooks), priority=priority)
        http_options = HttpOptions(
            max_connections=max_connections,
            max_body=max_body,
            http=http,
            ssl=ssl,
            trust_env=trust_env,
            user_agent=user_agent,
        )
        named = organization if organization is not None else organization_of(auth, service.addresses, auth_url)
        context = SessionContext(
            service,
            Origin.of(named, addresses=service.addresses, api_version=api_version, auth_url=auth_url),
            accepted,
            http=http_options,
            limits=limits,
            limiter=limiter,
            token_store=token_store,
            batching=batching,
            hooks=options.hooks,
            resources=resources,
            **self._seams,
        )
        self._made_at = _caller()
        self._original = True
        self._begin(context, options)

    def _begin(self, context: SessionContext, options: CallOptions, source: SessionParts | None = None) -> None:
        """Make what each copy has for itself; it ends with the session object that it is a copy of."""
        self._context = context
        self._options = options
        self._parts = SessionParts(context, options, self, self._patient_reader)
        context.register(self._parts)
        if source is not None:
            source.register(self._parts)

    def with_options(
        self,
        *,
        timeout: float | EllipsisType | None = ...,
        retry: Retry | None = None,
        priority: Priority | str | None = None,
        hooks: Hooks | None = None,
    ) -> Self:
        """A cheap copy with other options, on the same connections, token and budget.

        It ends with the session that it was made from; closing it ends only the calls made through it.
        """
        changes = given(retry=retry, priority=priority, hooks=hooks)
        if not isinstance(timeout, EllipsisType):
            changes["timeout"] = timeout
        copied = object.__new__(type(self))
        copied._original = False
        copied._begin(self._context, attrs.evolve(self._options, **changes), self._parts)
        return copied

    @classmethod
    def from_env(cls, **options: Unpack[SessionOptions]) -> Self:
        """A session as the environment says; `options` are those of the constructor.

        `COMMERCELAYER_ORGANIZATION` is the slug, host or URL; `COMMERCELAYER_ACCESS_TOKEN`, or
        `COMMERCELAYER_CLIENT_ID` with `COMMERCELAYER_CLIENT_SECRET` and `COMMERCELAYER_SCOPE` where needed, is what
        authenticates. For another service the token is the secret by its scheme, `user:password` for `Basic`; where it
        needs none, it may be missing.

        `COMMERCELAYER_SHARED` is where processes share their rate budget and their token: `file`, a `file:/folder` of
        this user's alone, `redis://…` or `rediss://…`. Each process does so by itself where it is missing, and where
        `limiter` or `token_store` is given.

        Raises:
            ConfigurationError: a variable is missing, or cannot be used; it is named.
        """
        organization = os.environ.get("COMMERCELAYER_ORGANIZATION")
        if not organization:
            raise ConfigurationError("set COMMERCELAYER_ORGANIZATION to the organization's slug, host or URL")
        shared: SessionOptions = {**shared_from_env(), **options}
        return cls(organization, auth_from_env(options.get("service", COMMERCE_LAYER)), **shared)

    def __del__(self) -> None:
        if getattr(self, "_original", False) and self._context.transport.is_open and not self._is_closed:
            warnings.warn(
                f"the Session made at {self._made_at} was not closed; use `async with`, or await session.close()",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )

    def __repr__(self) -> str:
        origin = self._context.origin
        return f"<Session {origin.url}{origin.api}{' closed' if self._is_closed else ''}>"

    def __reduce__(self) -> str | tuple[Any, ...]:
        raise TypeError("a Session holds connections and a token and does not pickle; make one where it is used")

    async def __aenter__(self) -> Self:
        self._require_usable()
        return self

    async def __aexit__(
        self, cls: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of connections and token, and wake whoever waits with `SessionError`; twice is fine.

        Closing the session ends the calls of its copies too, streams and lists included; closing a copy ends only what
        was begun through it. Nothing is sent afterwards. Where `close()` is cancelled, it goes on all the same, and
        another one waits for its end.

        Raises:
            SessionError: it is closed in another event loop or process than the one it was used in, or without a loop.
        """
        await (self._context if self._original else self._parts).close()

    async def revoke(self) -> None:
        """Have the server forget the session's token; the next call asks for another.

        Raises:
            AuthError: the server refused, or the session has no credentials to revoke with.
            TransportError: the token endpoint did not answer.
        """
        self._require_usable()
        await self._context.tokens.revoke()

    def response_of(self, resource: Resource) -> ResponseInfo | None:
        """The response that a resource was read from: status, headers, request id, and the tries and time of its call.

        None for a resource that was made by hand, unpickled, or read from bytes.
        """
        info = response_of(resource)
        return info if isinstance(info, ResponseInfo) else None

    @property
    def rate_limits(self) -> RateState:
        """What is known of the budget of uncacheable reads now: limit, remaining, waiting; never a request.

        Raises:
            SessionError: no event loop is running, or another than the session's: a budget belongs to one.
        """
        self._context.require_own_loop()
        return self._context.limiter().state()

    @overload
    async def get(self, cls_or_type: type[R], id: str, *, include: str | Iterable[str] = ()) -> R: ...
    @overload
    async def get(self, cls_or_type: str, id: str, *, include: str | Iterable[str] = ()) -> GenericResource: ...
    async def get(self, cls_or_type: type[Resource] | str, id: str, *, include: str | Iterable[str] = ()) -> Resource:
        """One resource.

        Args:
            cls_or_type: A resource class, whose instance comes back; or a JSON:API type, for a `GenericResource`.
            id: The resource's id, as the service's pattern says: letters, digits, `_` and `-`.
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
        return await self._parts.reader.one(cls, type_, id, self._include_of(cls, include))

    def stream(
        self,
        cls: type[R],
        ids: Iterable[str] | AsyncIterable[str],
        *,
        include: str | Iterable[str] = (),
        concurrency: int = 8,
        ordered: bool = False,
        per_id: bool = False,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Stream[R]:
        """Many resources by id, as outcomes that come one by one: `async with session.stream(...) as outcomes`.

        Each id gives `Fetched(id, resource)` or `Failed(id, error)`; 25 are read in a request, an id that comes twice
        in such a chunk once. It goes behind interactive calls, and a request may take as long as `presets.WORKER` says.

        Args:
            cls: The resources' class.
            ids: Any iterable or async iterable, also an endless one; it is read as far as it is needed.
            include: Relationships to bring along.
            concurrency: Requests under way at most; results that wait for the consumer are bounded by it too.
            ordered: Whether outcomes come in the order of the ids, instead of as they arrive.
            per_id: One request an id, for a server without filters.
            on_progress: Called after each chunk; one that raises is logged and passed over.

        Raises:
            ConfigurationError: an argument does not make sense; nothing was sent.
        """
        workers = int(require_number("concurrency", concurrency))
        if self._is_closed:
            raise closed_error()
        parts = self.with_options(**WORKER)._parts  # noqa: SLF001 - a copy of this session
        outcomes = stream_of(
            parts.reader,
            cls,
            ids,
            self._include_of(cls, include),
            workers=workers,
            ordered=ordered,
            per_id=per_id,
            clock=self._context.clock,
            on_progress=on_progress,
        )
        parts.register(outcomes)
        return outcomes

    async def get_many(
        self,
        cls: type[R],
        ids: Iterable[str],
        *,
        include: str | Iterable[str] = (),
        per_id: bool = False,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> tuple[R, ...]:
        """Many resources by id, in the order of `ids`; an id given twice is read once and delivered twice.

        Up to 200 ids have this session's timeout. Of more, each request may take as long as `presets.WORKER` says,
        because the rate limits make them wait.

        Args:
            cls: The resources' class.
            ids: Their ids.
            include: Relationships to bring along.
            per_id: One request an id, for a server without filters.
            on_progress: Called after each request's worth of ids; one that raises is logged and passed over.

        Raises:
            BulkError: some failed; it holds every failure, and the resources of the others.
            AuthError, ConfigurationError, SessionError, Unauthorized: what concerns all of them.
        """
        self._require_usable()
        wanted = [*map(plain, require_several(ids, or_async=False))]
        at_once = ids_at_once(self._parts.reader, type_of(cls), per_id=per_id)
        return await collect(
            self._parts.reader if len(wanted) <= at_once else self._patient_reader(),
            cls,
            wanted,
            self._include_of(cls, include),
            per_id=per_id,
            clock=self._context.clock,
            on_progress=on_progress,
        )

    async def prefetch(self, resources: Iterable[Resource], *relationships: str) -> None:
        """Fill relationships of many resources in the fewest requests: one for 25 of a type and all that is named.

        Of more than 200 resources, as for `get_many`. Where the response leaves a to-one relationship out though its
        inclusion was asked for, it is followed by its own link, as if it were awaited. One that a resource's document
        does not have at all stays as it is.

        Args:
            resources: Resources of this session; what is loaded already is not asked for again.
            relationships: Names, and dotted paths such as `"payment_method.payment_gateway"`.

        Raises:
            BulkError: some could not be filled; the others are. One is a to-many relationship that the response leaves
                out: iterate over it.
            ConfigurationError: a resource has no such relationship; nothing was sent.
        """
        self._require_usable()
        wanted = [*resources]
        reader = self._parts.reader
        at_once = min((ids_at_once(reader, type) for type in {one.type for one in wanted}), default=0)
        if len(wanted) > at_once:
            reader = self._patient_reader()
        await prefetch_into(reader, wanted, relationships, clock=self._context.clock)

    def _patient_reader(self) -> Reader:
        """What reads more than a call's time is meant for; relationships are followed through this session anyway."""
        timeout, enough = self._options.timeout, WORKER["timeout"]
        if timeout is None or timeout >= enough:
            return self._parts.reader
        patient = self.with_options(timeout=enough)._parts  # noqa: SLF001 - a copy of this session
        return Reader(self._context, patient.send, self, patient.deadlines)

    @overload
    def list(
        self,
        cls_or_type: type[R],
        *,
        filter: Mapping[str, Any] | None = None,
        sort: str | Iterable[str] = (),
        include: str | Iterable[str] = (),
        page_size: int | None = None,
        start_from: str | None = None,
        read_ahead: int = 1,
    ) -> ResourceCollection[R]: ...
    @overload
    def list(
        self,
        cls_or_type: ToManyRelationship[R],
        *,
        filter: Mapping[str, Any] | None = None,
        sort: str | Iterable[str] = (),
        include: str | Iterable[str] = (),
        page_size: int | None = None,
        start_from: str | None = None,
        read_ahead: int = 1,
    ) -> ResourceCollection[R]: ...
    @overload
    def list(
        self,
        cls_or_type: str,
        *,
        filter: Mapping[str, Any] | None = None,
        sort: str | Iterable[str] = (),
        include: str | Iterable[str] = (),
        page_size: int | None = None,
        start_from: str | None = None,
        read_ahead: int = 1,
    ) -> ResourceCollection[GenericResource]: ...
    def list(
        self,
        cls_or_type: type[Resource] | ToManyRelationship[Any] | str,
        *,
        filter: Mapping[str, Any] | None = None,
        sort: str | Iterable[str] = (),
        include: str | Iterable[str] = (),
        page_size: int | None = None,
        start_from: str | None = None,
        read_ahead: int = 1,
    ) -> ResourceCollection[Any]:
        """A list of resources, read when it is awaited or iterated over; see `ResourceCollection`.

        Args:
            cls_or_type: A resource class; a to-many relationship, for what it leads to; or a JSON:API type, for
                `GenericResource`s.
            filter: What to filter by: `{"created_at_gt": moment, "customer_email_eq": "x@example.com"}`. Several are
                all to be met. Lists go with predicates that take several (`id_in`), mappings with `_jcont`.
            sort: What to sort by, `"-created_at"` or several; then by `id`, which makes the order total. By `id` alone
                where nothing is said. Event stores come in the server's order.
            include: Relationships to bring along.
            page_size: Resources of a page, 1 to the most that the service gives; None for its usual size, 25.
            start_from: Where to go on: the `cursor` of a page, or the `start_from` of an error, of a list with the same
                arguments; None for the beginning.
            read_ahead: 1 to read the next page while one is worked on, 0 to read each when it is asked for.

        Raises:
            ConfigurationError: an argument is refused; the error names the nearest one that would do.
        """
        reader = list_reader_for(cls_or_type, context=self._context, send=self._parts.send, follower=self)
        options = ListOptions.checked(page_size, start_from, read_ahead, paging=reader.paging, type=reader.type)
        return collection_of(reader, filter=filter, sort=sort, include=include, options=options)

    def scan(
        self,
        cls: type[R],
        *,
        filter: Mapping[str, Any] | None = None,
        include: str | Iterable[str] = (),
        after: str | None = None,
        page_size: int | None = None,
        read_ahead: int = 1,
    ) -> Scan[R]:
        """Every resource exactly once, in the order of ids, also while others are created and deleted.

            scan = session.scan(CustomerPaymentSource, after=cursor)
            async for wallet in scan: ...
            cursor = scan.cursor

        It asks for what comes after the last id (`sort=id`, `filter[q][id_gt]`) until nothing does.

        Args:
            cls: The resources' class.
            filter: As for `list`; `id_lteq` ends the scan earlier, for one of several that share the work.
            include: Relationships to bring along.
            after: Where to go on: the `cursor` of a scan or of one of its pages, or the `start_from` of its error.
            page_size: Resources of a page, 1 to the most that the service gives; None for these.
            read_ahead: 1 to read the next page while one is worked on, 0 to read each when it is asked for.

        Raises:
            ConfigurationError: an argument will not do.
        """
        reader: ListReader[R] = list_reader_for(cls, context=self._context, send=self._parts.send, follower=self)
        size = page_size if page_size is not None else reader.paging.largest_of(reader.type)
        options = ListOptions.checked(size, None, read_ahead, paging=reader.paging, type=reader.type)
        return scan_of(reader, filter=filter, include=include, after=after, options=options)

    async def request(self, path_or_url: str, *, params: Mapping[str, Any] | None = None) -> Document:
        """The document of any GET: the way out for what is not modelled.

        Args:
            path_or_url: A path below the API's root (`/orders/xYZkjABcde`), or a URL of the origin, such as a link.
            params: Query parameters to add; names and values are encoded here. A value is a text, a number, a boolean,
                a date or an aware datetime, or a list, tuple or set of these, which are joined by commas.

        Raises:
            ConfigurationError: a parameter cannot be sent, such as None or a mapping; nothing was sent.
            LinkRefused: it leads to another origin, or out of the API.
            ApiError, AuthError, DecodeError, SessionError, TransportError: as for `get`.
        """
        api, given = self._context.origin.api, plain_text(path_or_url)
        if given is None:
            raise ConfigurationError(
                f"path_or_url must be a path or a URL as a str, not a {type(path_or_url).__name__}"
            )
        below = given.startswith("/") and not given.startswith(("//", f"{api}/"))
        target = self._context.origin.target_of(f"{api}{given}" if below else given)
        if added := query_parameters(params):
            target += f"{'&' if '?' in target else '?'}{'&'.join(added)}"
        return await self._parts.send(target, counted_under(self._context, target), _document)

    async def follow(self, relationship: Relationship, *, include: Sequence[str] = (), anew: bool = False) -> Any:
        """What a relationship leads to; awaiting it, or its `fetch`, calls this."""
        self._require_usable()
        parts = self._parts
        scope = CallScope(parts.deadlines.due())
        if anew:
            return await parts.reader.related(relationship, parts.reader.include_of(relationship, include), scope)
        return await self._context.followed.do(relationship, lambda: parts.resolve(relationship, scope))

    def _include_of(self, cls: type[Resource], include: str | Iterable[str]) -> tuple[str, ...]:
        """The relationship paths of a caller's `include`, checked against the classes and in member names."""
        registry = self._context.registry
        if cls is not GenericResource:
            type_of(cls)  # refuses what is not a resource class
            registry = registry.preferring(cls)
        return include_paths(include, cls, registry)

    def _require_usable(self) -> None:
        self._parts.require_usable()

    @property
    def _is_closed(self) -> bool:
        return self._context.closed or self._parts.closed


def _document(response: Response, _: ResponseInfo) -> Document:
    return parse(response.body, response.url_without_query, content_type=response.headers.get("Content-Type"))


def _class_and_type(cls_or_type: type[Resource] | str) -> tuple[type[Resource], str]:
    name = plain_text(cls_or_type)
    if name is not None:
        return GenericResource, segment(name, "type")
    cls: Any = cls_or_type
    return cls, type_of(cls)


def _caller() -> str:
    """Where a session was made."""
    frame = sys._getframe(2)  # noqa: SLF001 - inspect does the same, slower  # pyright: ignore[reportPrivateUsage]
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
