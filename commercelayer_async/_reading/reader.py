"""The reader: one resource by its id, many by theirs, and what a relationship leads to.

A response is compared with its request: another id, type or class than was asked for is an error.
"""

import re
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Any, Final, Generic, Protocol, TypeGuard, TypeVar
from urllib.parse import parse_qsl, unquote

import attrs

from .._calls.context import SessionContext
from .._calls.deadline import CallScope, Deadlines
from .._calls.pipeline import Read
from .._calls.response_info import ResponseInfo
from .._http.message import Response
from .._text import printable
from ..errors import ApiError, ConfigurationError, DecodeError, NotFound
from ..jsonapi import Decoded, Follow, GenericResource, Registry, Relationship, Resource
from ..jsonapi.query import include_paths, parameters_of, query_of, segment, targets_of
from ..service.by_type import path_by, types_named_by
from ..service.paging import NOTHING, found_at
from .chunks import can_be_joined, missing, query_of_ids, reason_against
from .top_level import meta_and_links

R = TypeVar("R", bound=Resource)
T = TypeVar("T")

_VERSION: Final = re.compile(r"v?[0-9][A-Za-z0-9._-]*")
"""A version of the API, such as 2017-08, which no resource type looks like."""
_NO_ROUTE: Final = (404, 405)
"""The statuses of a route that does not exist. 404 is also that of a record that does not."""


class Send(Protocol):
    """Sends a GET; a session is what does."""

    def __call__(self, target: str, type: str, read: Read[T], scope: CallScope | None = None, /) -> Awaitable[T]:
        """Send a GET of `target`, an endpoint of the resource type `type`; return what `read` makes of the response.

        In a scope it has the time that is left there.

        Raises:
            ApiError, AuthError, DecodeError, LinkRefused, SessionError, TransportError: there is nothing to return.
        """
        ...


@attrs.frozen
class Chunk(Generic[R]):
    """What a list for some ids held."""

    found: Mapping[str, R]
    is_whole: bool = attrs.field(kw_only=True)
    """True if the response shows that there is nothing else, so that an id that is not there has no resource."""
    url: str
    """Where it was read from, without the query."""
    is_filtered: bool = True
    """False if it held another resource of that type: the service does not filter by ids, or just did not. Then nothing
    of it is trusted."""

    def absent(self, type: str, id: str) -> NotFound:
        """Make the error for an id that a whole chunk does not hold."""
        return missing(type, id, url=self.url)


class Reader:
    """Reads resources of one session."""

    def __init__(self, context: SessionContext, send: Send, follower: Follow, deadlines: Deadlines) -> None:
        self._context = context
        self._send = send
        self._follower = follower
        """What the relationships of the resources are fetched through."""
        self._deadlines = deadlines
        self.memory: Final = context.memory

    def due(self) -> float:
        """When the time of a call that begins now is up."""
        return self._deadlines.due()

    def max_ids(self, type: str) -> int:
        """Ids of a type that `many` and `parents` take at most; 0 where the service takes one at a time."""
        return self._context.service.ids_at_once_of(type)

    def can_be_joined(self, id: str) -> bool:
        """True if an id can be asked for together with others."""
        return can_be_joined(self._context.service, id)

    def reason_against(self, type: str, id: object) -> ConfigurationError | None:
        """The error for an id that cannot be asked for, which may be anything; None if it can."""
        return reason_against(self._context.paths, type, id)

    async def one(self, cls: type[R], type: str, id: str, include: Sequence[str], scope: CallScope | None = None) -> R:
        """Read one resource at its own URL.

        Raises:
            DecodeError: the response holds another resource, or none.
        """
        registry = self.registry_for(cls, type)
        id, target = self._context.paths.item(type, id)
        target += query_of(self._described(cls, type), include, registry)

        def read(response: Response, info: ResponseInfo) -> R:
            found = self.resources(registry, response, info)
            if self._is_asked_for(found, cls, type) and found.id == id:
                self.memory.odd = False
                return found
            self._discard_connections()
            raise _unexpected(found, f"the resource {type}/{id}", response)

        return await self._send(target, type, read, scope)

    async def many(
        self, cls: type[R], type: str, ids: Sequence[str], include: Sequence[str], scope: CallScope | None = None
    ) -> Chunk[R]:
        """Read a chunk of resources in one request: those that there are, by id.

        Raises:
            DecodeError: the response holds a resource of another type.
        """
        registry = self.registry_for(cls, type)
        query = query_of_ids(
            self._context.service, type, ids, rest=query_of(self._described(cls, type), include, registry)
        )
        wanted = frozenset(ids)

        def read(response: Response, info: ResponseInfo) -> Chunk[R]:
            found = self.resources(registry, response, info)
            if not isinstance(found, tuple):
                raise _unexpected(found, f"an array of {type}", response)
            by_id: dict[str, R] = {}
            for n, resource in enumerate(found):
                if not self._is_asked_for(resource, cls, type):
                    self._discard_connections()
                    raise _unexpected(resource, f"one of the {type} asked for", response, pointer=f"/data/{n}")
                if resource.id not in wanted:
                    self._discard_connections()
                    self.memory.filter_ignored(type)
                    return Chunk({}, response.url_without_query, is_whole=False, is_filtered=False)
                by_id[resource.id] = resource
            self.memory.odd = False
            self.memory.filter_heeded(type)
            # Which resources are missing matters only where some are.
            # One that came twice may stand in place of another.
            is_whole = len(by_id) == len(wanted) or (
                len(by_id) == len(found) and self._is_whole(response, type, len(found), asked=len(ids))
            )
            return Chunk(by_id, response.url_without_query, is_whole=is_whole)

        return await self._send(f"{self._context.paths.list(type)}{query}", type, read, scope)

    def _is_asked_for(self, found: object, cls: type[R], type: str) -> TypeGuard[R]:
        """True for a resource of the class and the type asked for, or of a kind of that type."""
        if not isinstance(found, Resource):
            return False
        if found.type == type:
            return isinstance(found, cls)
        return self._context.service.is_of(found.type, type) and (cls is GenericResource or isinstance(found, cls))

    async def parents(
        self, type: str, ids: Sequence[str], name: str, scope: CallScope | None = None
    ) -> Chunk[Resource]:
        """Read a chunk of resources with one relationship of each included."""
        return await self.many(self._context.registry.get(type), type, ids, (segment(name, "relationship"),), scope)

    def _is_whole(self, response: Response, type: str, came: int, *, asked: int) -> bool:
        """True if a list shows that it holds all that there is: by its count, or by links that lead no further.

        A list that says nothing of either may have been cut short, by a smaller page than was asked for.
        """
        try:
            meta, links = meta_and_links(response)
        except DecodeError:
            return False
        if links.get("next") is not None or came >= asked:
            return False
        service = self._context.service
        if service.withheld is not None and found_at(service.withheld, meta, links) not in (NOTHING, None):
            return False
        total = service.total_of(type)
        told = found_at(total.pointer, meta, links) if total is not None else NOTHING
        if total is None or told in (NOTHING, None):
            return bool(links)
        return total.count(meta, links) == came

    def _discard_connections(self) -> None:
        """Use no open connection again: responses may be out of step on one of them.

        Once: where new connections bring such responses too, it is how the service responds.
        """
        if not self.memory.odd:
            self.memory.odd = True
            self._context.transport.discard_connections()

    async def related(self, relationship: Relationship, include: Sequence[str], scope: CallScope | None = None) -> Any:
        """Read what a relationship leads to: by the document's own link, or through the parent where there is no route.

        Raises:
            ApiError: the link's own refusal, where reading through the parent does not help either.
        """
        scope = scope if scope is not None else CallScope(self.due())
        route = (relationship.owner.type, relationship.name)
        target = self._target_of(relationship)
        if target is None:
            return await self._related_through_parent(relationship, include, scope)
        parent_failed = route in self.memory.no_route
        if parent_failed:
            try:
                return await self._related_through_parent(relationship, include, scope)
            except DecodeError as error:
                _raise_if_garbled(error)
                # The parent does not say it either, so the route may be there after all.
        refused: ApiError
        try:
            found = await self._related_by_link(relationship, target, include, scope)
        except ApiError as error:
            if error.status not in _NO_ROUTE:
                raise
            refused = error
        else:
            self.memory.no_route.discard(route)
            return found
        try:
            if parent_failed:
                raise refused
            found = await self._related_through_parent(relationship, include, scope)
        except (NotFound, DecodeError) as error:
            _raise_if_garbled(error)
            raise refused from None
        finally:
            del refused
        # Only now is it certain that the route is missing, and not the record: the parent has it. Where the parent has
        # none either, it may have been deleted since the link was given.
        if found:
            self.memory.no_route.add(route)
        return found

    async def _related_by_link(
        self, relationship: Relationship, target: str, include: Sequence[str], scope: CallScope
    ) -> Any:
        def read(response: Response, info: ResponseInfo) -> Any:
            found = self.resources(self._context.registry, response, info)
            self._require_fit(found, relationship, response)
            return found

        endpoint = counted_under(self._context, target, relationship.owner.type)
        parameters = parameters_of(self._targets_of(relationship), include, self._context.registry)
        return await self._send(_with_parameters(target, parameters), endpoint, read, scope)

    def include_of(self, relationship: Relationship, include: str | Iterable[str]) -> tuple[str, ...]:
        """The paths of an `include` for what a relationship leads to; checked as `include_paths` says.

        Raises:
            ConfigurationError: one is malformed, or no class that it may lead to declares it.
        """
        return include_paths(include, self._targets_of(relationship) or Resource, self._context.registry)

    def _targets_of(self, relationship: Relationship) -> Sequence[type[Resource]] | None:
        """The classes of what a relationship leads to, by its linkage or by its declaration; None if neither tells."""
        registry = self._context.registry
        if identifiers := relationship.identifiers:
            return [registry.get(type) for type in {identifier.type: None for identifier in identifiers}]
        return targets_of([registry.get(relationship.owner.type)], relationship.name, registry)

    def resources(self, registry: Registry, response: Response, info: ResponseInfo) -> Decoded:
        """Decode the resources of a response; their relationships are fetched through this reader's session."""
        return registry.read(response.body, url=response.url_without_query, follow=self._follower, response=info)

    def registry_for(self, cls: type[Resource], type: str) -> Registry:
        """Choose the classes that a response is decoded with: the session's, and `cls` for its own type."""
        known = self._context.registry
        return known.without(type) if cls is GenericResource else known.preferring(cls)

    def _described(self, cls: type[Resource], type: str) -> type[Resource]:
        """The class that tells what resources of a type are related to: `cls`, unless it stands for any type."""
        return self._context.registry.get(type) if cls is GenericResource else cls

    def _require_fit(self, found: Decoded, relationship: Relationship, response: Response) -> None:
        """Refuse one where many are declared, another class than declared, and another resource than identified."""
        owner = relationship.owner
        wanted: str | None = None
        if relationship.to_many is not None and relationship.to_many != isinstance(found, tuple):
            wanted = "an array of resources" if relationship.to_many else "one resource or null"
        else:
            declared = self._context.registry.target_of(owner.type, relationship.name)
            members = found if isinstance(found, tuple) else (found,)
            if declared is not None and not all(member is None or type(member) in declared for member in members):
                wanted = " or ".join(cls.type for cls in declared)
            elif isinstance(found, Resource) and relationship.identifiers:
                identifier = relationship.identifiers[0]
                if (found.type, found.id) != (identifier.type, identifier.id):
                    wanted = f"the resource {identifier.type}/{identifier.id}"
        if wanted is not None:
            raise _unexpected(found, wanted, response, resource=f"{owner.type}/{owner.id}.{relationship.name}")

    def _target_of(self, relationship: Relationship) -> str | None:
        """Choose what to request: the related link, else the URL of the resource identified; None for neither."""
        link = relationship.links.related
        if link is not None:
            return self._context.origin.target_of(link.href, base=link.base)
        if relationship.to_many or len(relationship.identifiers) != 1:
            return None
        identifier = relationship.identifiers[0]
        if identifier.id is None:
            return None
        return self._context.paths.item(identifier.type, identifier.id)[1]

    async def _related_through_parent(
        self, relationship: Relationship, include: Sequence[str], scope: CallScope
    ) -> Any:
        """Read the parent with the relationship included: no published schema has a route for every relationship."""
        owner, name = relationship.owner, relationship.name
        registry = self._context.registry
        paths = [segment(name, "relationship"), *(f"{name}.{path}" for path in include)]
        query = query_of(registry.get(owner.type), paths, registry)
        target = f"{self._context.paths.item(owner.type, owner.id or '')[1]}{query}"

        def read(response: Response, info: ResponseInfo) -> Relationship:
            parent = self.resources(registry, response, info)
            found = parent.relationships.get(name) if isinstance(parent, Resource) else None
            if found is not None and found.loaded:
                return found
            raise DecodeError(
                expected="the related resource, included or null",
                got="neither" if found is None else found.state.value,
                pointer=f"/data/relationships/{name}",
                url=response.url_without_query,
                resource=f"{owner.type}/{owner.id}",
            )

        return await (await self._send(target, owner.type, read, scope))


def endpoint_of(target: str, api: str) -> str:
    """Find the endpoint whose rate limit a target counts against: the first segment below the API's root or a version.

    `api` is the path that requests begin with. A link may lead to another version, or to none.
    """
    base = api if target.startswith(f"{api}/") else api.rpartition("/")[0]
    path = target.removeprefix(base).partition("?")[0]
    first, _, rest = path.lstrip("/").partition("/")
    return rest.lstrip("/").partition("/")[0] if rest and _VERSION.fullmatch(first) else first


def counted_under(context: SessionContext, target: str, *types: str) -> str:
    """Find what the requests to a link are counted by: a type that the service has at such a path, else the endpoint.

    So what is read by its link and what is read by its type are counted together. Types to look for are those given,
    those that the session has classes for, and those that the service's table of paths names.
    """
    api, rule = context.origin.api, context.service.path
    if rule is not None:
        named = types_named_by(rule)
        path = f"{target.partition('?')[0].rstrip('/')}/"
        for type in dict.fromkeys((*types, *named, *(cls.type for cls in context.registry.classes))):
            own = path_by(rule, type)
            if own is not None and path.startswith(f"{api}/{own}/"):
                return type
    return endpoint_of(target, api)


def _unexpected(
    found: object,
    wanted: str,
    response: Response,
    *,
    pointer: str = "/data",
    resource: str | None = None,
) -> DecodeError:
    if isinstance(found, Resource):
        got = f"{found.type}/{printable(found.id, 80)}"
    else:
        got = "an array of resources" if isinstance(found, tuple) else "null"
    return DecodeError(expected=wanted, got=got, pointer=pointer, url=response.url_without_query, resource=resource)


def _with_parameters(target: str, parameters: Iterable[str]) -> str:
    """A link with further parameters, but for those that it has itself."""
    path, _, query = target.partition("?")
    own = {name for name, _ in parse_qsl(query, keep_blank_values=True)}
    further = (one for one in parameters if unquote(one.partition("=")[0]) not in own)
    joined = "&".join([*([query] if query else []), *further])
    return f"{path}?{joined}" if joined else target


def _raise_if_garbled(error: NotFound | DecodeError) -> None:
    """Raise an error that says nothing of the record: a response that is not JSON came of it."""
    if isinstance(error, DecodeError) and error.offset is not None:
        raise error
