"""Requests in terms of resources: one by its id, many by theirs, and what a relationship leads to."""

from collections.abc import Awaitable, Sequence
from typing import Any, Final, Protocol, TypeVar

from .._calls.context import SessionContext
from .._calls.pipeline import Read, ResponseInfo
from .._http.transport import Response
from .._text import printable
from ..errors import ApiError, DecodeError
from ..jsonapi import Decoded, Follow, GenericResource, Registry, Relationship, Resource
from ..jsonapi.query import path_of, query_of, segment
from .chunks import missing, query_of_ids

R = TypeVar("R", bound=Resource)
T = TypeVar("T")

_NO_ROUTE: Final = (404, 405)
"""What a route that does not exist answers; 404 also stands for a record that does not."""


class Send(Protocol):
    """What sends a GET."""

    def __call__(self, target: str, type_: str, read: Read[T]) -> Awaitable[T]:
        """See `Sender.send`."""
        ...


class Reader:
    """Reads resources through one session."""

    def __init__(self, context: SessionContext, send: Send, through: Follow) -> None:
        self._context = context
        self._send = send
        self._through = through

    async def one(self, cls: type[R], type_: str, id_: str, include: Sequence[str]) -> R:
        """One resource by its own address; see `Session.get`."""
        target = f"{self._context.origin.api}{path_of(type_, id_)}{query_of(cls, include)}"
        registry = self.registry_for(cls, type_)

        def read(response: Response, answer: ResponseInfo) -> R:
            found = self.resources(registry, response, answer)
            if isinstance(found, cls) and found.id == id_ and found.type == type_:
                return found
            self._context.transport.discard_connections()
            raise _another(found, f"the resource {type_}/{id_}", response)

        return await self._send(target, type_, read)

    async def many(
        self, cls: type[R], type_: str, ids: Sequence[str], include: Sequence[str]
    ) -> tuple[dict[str, R], ResponseInfo]:
        """Those of a chunk of resources that there are, by id, in one request; and the answer that held them."""
        query = query_of_ids(ids, rest=query_of(cls, include))
        registry = self.registry_for(cls, type_)
        wanted = frozenset(ids)

        def read(response: Response, answer: ResponseInfo) -> tuple[dict[str, R], ResponseInfo]:
            found = self.resources(registry, response, answer)
            if not isinstance(found, tuple):
                raise _another(found, f"an array of {type_}", response)
            by_id: dict[str, R] = {}
            for n, resource in enumerate(found):
                if not isinstance(resource, cls) or resource.id not in wanted:
                    self._context.transport.discard_connections()
                    raise _another(resource, f"one of the {type_} asked for", response, pointer=f"/data/{n}")
                by_id[resource.id] = resource
            return by_id, answer

        return await self._send(f"{self._context.origin.api}/{segment(type_, 'type')}{query}", type_, read)

    async def parents(self, type_: str, ids: Sequence[str], name: str) -> dict[str, Relationship | None]:
        """One relationship of each of many parents, included; None where a parent does not tell of it."""
        cls = self._context.registry.get(type_)
        found, _ = await self.many(cls, type_, ids, (segment(name, "relationship"),))
        return {id_: parent.relationships.get(name) for id_, parent in found.items()}

    def absent(self, type_: str, id_: str) -> ApiError:
        """The error for a resource that an answer to `many` does not hold."""
        return missing(f"{self._context.origin.url}{self._context.origin.api}/{type_}/{id_}")

    async def related(self, relationship: Relationship, include: Sequence[str]) -> Any:
        """What a relationship leads to: by the document's own link, through the parent where that leads nowhere."""
        route = (relationship.owner.type, relationship.name)
        target = None if route in self._context.no_route else self._target_of(relationship)
        if target is None:
            return await self._through_parent(relationship, include)

        def read(response: Response, answer: ResponseInfo) -> Any:
            found = self.resources(self._context.registry, response, answer)
            self._require_fit(found, relationship, response)
            return found

        try:
            return await self._send(_with_include(target, include), endpoint_of(target, self._context.origin.api), read)
        except ApiError as error:
            if error.status not in _NO_ROUTE:
                raise
            refused = error
        try:
            found = await self._through_parent(relationship, include)
        except (ApiError, DecodeError):
            raise refused from None
        self._context.no_route.add(route)
        return found

    def resources(self, registry: Registry, response: Response, answer: ResponseInfo) -> Decoded:
        """The resources of an answer, which will find their way through this session."""
        answer.through = self._through
        return registry.read(response.body, url=response.url_without_query, follow=answer)

    def registry_for(self, cls: type[Resource], type_: str) -> Registry:
        """The classes by type, with `cls` for its own."""
        known = self._context.registry
        return known.without(type_) if cls is GenericResource else known.preferring(cls)

    def _require_fit(self, found: Decoded, relationship: Relationship, response: Response) -> None:
        """Refuse one where many are meant, and what is not of the class declared or not the resource identified."""
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
            raise _another(found, wanted, response, resource=f"{owner.type}/{owner.id}.{relationship.name}")

    def _target_of(self, relationship: Relationship) -> str | None:
        """Where to ask for a target: the related link, else the resource that the linkage names, else nowhere."""
        link = relationship.links.related
        if link is not None:
            return self._context.origin.target_of(link.href, base=link.base)
        if relationship.to_many or len(relationship.identifiers) != 1:
            return None
        identifier = relationship.identifiers[0]
        if identifier.id is None:
            return None
        return f"{self._context.origin.api}{path_of(identifier.type, identifier.id)}"

    async def _through_parent(self, relationship: Relationship, include: Sequence[str]) -> Any:
        """The target as the parent's document includes it: no published schema has a route to every target."""
        owner, name = relationship.owner, relationship.name
        path = path_of(owner.type, owner.id or "")
        paths = ",".join([segment(name, "relationship"), *(f"{name}.{path}" for path in include)])

        def read(response: Response, answer: ResponseInfo) -> Relationship:
            parent = self.resources(self._context.registry, response, answer)
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
    """The endpoint that a target belongs to, as the API counts: the first segment below its root."""
    return target.removeprefix(api).lstrip("/").partition("?")[0].partition("/")[0]


def _another(
    found: object, wanted: str, response: Response, *, pointer: str = "/data", resource: str | None = None
) -> DecodeError:
    if isinstance(found, Resource):
        got = f"{found.type}/{printable(found.id, 80)}"
    else:
        got = "an array of resources" if isinstance(found, tuple) else "null"
    return DecodeError(expected=wanted, got=got, pointer=pointer, url=response.url_without_query, resource=resource)


def _with_include(target: str, include: Sequence[str]) -> str:
    return f"{target}{'&' if '?' in target else '?'}include={','.join(include)}" if include else target
