"""The reader: one resource by its id, many by theirs, and what a relationship leads to.

A response is compared with its request: another id, type or class than was asked for is an error.
"""

from collections.abc import Awaitable, Sequence
from typing import Any, Final, Protocol, TypeVar

from .._calls.context import SessionContext
from .._calls.pipeline import Read
from .._calls.response_info import ResponseInfo
from .._http.message import Response
from .._text import printable
from ..errors import ApiError, DecodeError
from ..jsonapi import Decoded, Follow, GenericResource, Registry, Relationship, Resource
from ..jsonapi.query import path_of, query_of, segment
from .chunks import missing, query_of_ids

R = TypeVar("R", bound=Resource)
T = TypeVar("T")

_NO_ROUTE: Final = (404, 405)
"""The statuses of a route that does not exist. 404 is also that of a record that does not."""


class Send(Protocol):
    """Sends a GET; a session is what does."""

    def __call__(self, target: str, type: str, read: Read[T], /) -> Awaitable[T]:
        """Send a GET of `target`, an endpoint of the resource type `type`; return what `read` makes of the response.

        Raises:
            ApiError, AuthError, DecodeError, LinkRefused, SessionError, TransportError: there is nothing to return.
        """
        ...


class Reader:
    """Reads resources of one session."""

    def __init__(self, context: SessionContext, send: Send, follower: Follow) -> None:
        self._context = context
        self._send = send
        self._follower = follower
        """What the relationships of the resources are fetched through."""

    @property
    def max_ids(self) -> int:
        """Ids that `many` and `parents` take at most."""
        return self._context.service.keys.max_ids

    async def one(self, cls: type[R], type: str, id: str, include: Sequence[str]) -> R:
        """Read one resource at its own URL.

        Raises:
            DecodeError: the response holds another resource, or none.
        """
        target = f"{self._context.origin.api}{path_of(type, id)}{query_of(cls, include)}"
        registry = self.registry_for(cls, type)

        def read(response: Response, info: ResponseInfo) -> R:
            found = self.resources(registry, response, info)
            if isinstance(found, cls) and found.id == id and found.type == type:
                return found
            # It may be the response to another request, so that responses are out of step on this connection.
            self._context.transport.discard_connections()
            raise _unexpected(found, f"the resource {type}/{id}", response)

        return await self._send(target, type, read)

    async def many(
        self, cls: type[R], type: str, ids: Sequence[str], include: Sequence[str]
    ) -> tuple[dict[str, R], ResponseInfo]:
        """Read a chunk of resources in one request: those that there are, by id, and the response's own facts.

        Raises:
            DecodeError: the response holds a resource that was not asked for.
        """
        query = query_of_ids(self._context.service, ids, rest=query_of(cls, include))
        registry = self.registry_for(cls, type)
        wanted = frozenset(ids)

        def read(response: Response, info: ResponseInfo) -> tuple[dict[str, R], ResponseInfo]:
            found = self.resources(registry, response, info)
            if not isinstance(found, tuple):
                raise _unexpected(found, f"an array of {type}", response)
            by_id: dict[str, R] = {}
            for n, resource in enumerate(found):
                if not isinstance(resource, cls) or resource.id not in wanted:
                    self._context.transport.discard_connections()
                    raise _unexpected(resource, f"one of the {type} asked for", response, pointer=f"/data/{n}")
                by_id[resource.id] = resource
            return by_id, info

        return await self._send(f"{self._context.origin.api}/{segment(type, 'type')}{query}", type, read)

    async def parents(self, type: str, ids: Sequence[str], name: str) -> dict[str, Relationship | None]:
        """Read a chunk of resources, and return one relationship of each by id; None where the document lacks it."""
        cls = self._context.registry.get(type)
        found, _ = await self.many(cls, type, ids, (segment(name, "relationship"),))
        return {id: parent.relationships.get(name) for id, parent in found.items()}

    def absent(self, type: str, id: str) -> ApiError:
        """Make the error for a resource that a response to `many` does not hold."""
        return missing(f"{self._context.origin.url}{self._context.origin.api}/{type}/{id}")

    async def related(self, relationship: Relationship, include: Sequence[str]) -> Any:
        """Read what a relationship leads to: by the document's own link, or through the parent where there is no route.

        Raises:
            ApiError: the link's own refusal, where reading through the parent does not help either.
        """
        route = (relationship.owner.type, relationship.name)
        target = None if route in self._context.no_route else self._target_of(relationship)
        if target is None:
            return await self._related_through_parent(relationship, include)

        def read(response: Response, info: ResponseInfo) -> Any:
            found = self.resources(self._context.registry, response, info)
            self._require_fit(found, relationship, response)
            return found

        try:
            return await self._send(_with_include(target, include), endpoint_of(target, self._context.origin.api), read)
        except ApiError as error:
            if error.status not in _NO_ROUTE:
                raise
            refused = error
        try:
            found = await self._related_through_parent(relationship, include)
        except (ApiError, DecodeError):
            raise refused from None
        # Only now is it certain that the route is missing, and not the record.
        self._context.no_route.add(route)
        return found

    def resources(self, registry: Registry, response: Response, info: ResponseInfo) -> Decoded:
        """Decode the resources of a response; their relationships are fetched through this reader's session."""
        return registry.read(response.body, url=response.url_without_query, follow=self._follower, response=info)

    def registry_for(self, cls: type[Resource], type: str) -> Registry:
        """Choose the classes that a response is decoded with: the session's, and `cls` for its own type."""
        known = self._context.registry
        return known.without(type) if cls is GenericResource else known.preferring(cls)

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
        return f"{self._context.origin.api}{path_of(identifier.type, identifier.id)}"

    async def _related_through_parent(self, relationship: Relationship, include: Sequence[str]) -> Any:
        """Read the parent with the relationship included: no published schema has a route for every relationship."""
        owner, name = relationship.owner, relationship.name
        path = path_of(owner.type, owner.id or "")
        paths = ",".join([segment(name, "relationship"), *(f"{name}.{path}" for path in include)])

        def read(response: Response, info: ResponseInfo) -> Relationship:
            parent = self.resources(self._context.registry, response, info)
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

        return await (await self._send(f"{self._context.origin.api}{path}?include={paths}", owner.type, read))


def endpoint_of(target: str, api: str) -> str:
    """Find the endpoint whose rate limit a target counts against: the first segment below the API's root."""
    return target.removeprefix(api).lstrip("/").partition("?")[0].partition("/")[0]


def _unexpected(
    found: object, wanted: str, response: Response, *, pointer: str = "/data", resource: str | None = None
) -> DecodeError:
    if isinstance(found, Resource):
        got = f"{found.type}/{printable(found.id, 80)}"
    else:
        got = "an array of resources" if isinstance(found, tuple) else "null"
    return DecodeError(expected=wanted, got=got, pointer=pointer, url=response.url_without_query, resource=resource)


def _with_include(target: str, include: Sequence[str]) -> str:
    return f"{target}{'&' if '?' in target else '?'}include={','.join(include)}" if include else target
