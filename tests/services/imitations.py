"""Servers that answer in the shape in which six services document themselves, and refuse what these do not document.

Paths, parameters and grammars are written down here once more, so that a value at fault shows.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from tests.support.responses import JSON_API, reply
from tests.support.scripted_server import ScriptedServer

Resources = Sequence[dict[str, Any]]
Query = dict[str, str]


class Refused(Exception):
    """A request that the service does not take, with the status that it answers."""


class Imitation(ScriptedServer):
    """What the six have in common: five resources in pages of two, of which each leads to one other and to several."""

    host: ClassVar[str]
    """Where links lead to, as the documents show it; empty for links without a host."""
    items: ClassVar[Mapping[str, str]]
    """Where resources of each type are."""
    lists: ClassVar[Mapping[str, str]]
    """Where they are listed."""
    media: ClassVar[str] = JSON_API
    headers: ClassVar[Mapping[str, str]] = {}
    """What comes with each response."""
    sort_parameter: ClassVar[str] = "sort"
    size_parameter: ClassVar[str]
    most: ClassVar[int] = 100
    usual: ClassVar[int] = 2

    def __init__(self, resources: Iterable[dict[str, Any]], linkage: Mapping[tuple[str, str, str], Any]) -> None:
        super().__init__()
        self.resources = {(one["type"], one["id"]): one for one in resources}
        self.linkage = linkage

    async def reply_to(self, target: str) -> bytes | None:
        """Choose the response to a request."""
        parts = urlsplit(target)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        try:
            body, status = self.answer(unquote(parts.path), pairs), 200
        except Refused as refused:
            status = int(str(refused))
            body = {"errors": [{"status": str(status), "title": "refused"}]}
        return reply(body, status=status, headers=dict(self.headers), content_type=self.media)

    def answer(self, path: str, pairs: Sequence[tuple[str, str]]) -> Any:
        """The document of a list, a resource, or what is related to one."""
        bare = path.rstrip("/")
        for type, base in self.lists.items():
            if bare == base:
                return self.list([one for (kind, _), one in self.resources.items() if kind == type], path, pairs)
        for type, base in sorted(self.items.items(), key=lambda entry: -len(entry[1])):
            if bare.startswith(f"{base}/"):
                id, _, name = bare.removeprefix(f"{base}/").partition("/")
                return self.related(type, id, name, path, pairs) if name else self.single(type, id, dict(pairs))
        raise Refused(404)

    def single(self, type: str, id: str, query: Query) -> Any:
        """The document of one resource."""
        include = query.pop("include", "")
        self.require_none(query)
        return self.document(self.find(type, id), include)

    def related(self, type: str, id: str, name: str, path: str, pairs: Sequence[tuple[str, str]]) -> Any:
        """The document of what a resource leads to."""
        self.find(type, id)
        linkage = self.linkage.get((type, id, self.name_of(name)))
        if linkage is None:
            raise Refused(404)
        if isinstance(linkage, list):
            return self.list([self.find(*one) for one in linkage], path, pairs)
        return self.document(self.find(*linkage), "")

    def list(self, found: Resources, path: str, pairs: Sequence[tuple[str, str]]) -> Any:
        """The document of a page."""
        query = dict(pairs)
        include = query.pop("include", "")
        if key := query.pop(self.sort_parameter, None):
            name = key.removeprefix("-")
            found = sorted(found, key=lambda one: one["attributes"][name], reverse=key.startswith("-"))
        size = int(query.pop(self.size_parameter, self.usual))
        if not 0 < size <= self.most:
            raise Refused(400)
        keep: Query = {}
        begin = self.begin(query, keep, size)
        chosen = self.select(found, query, [pair for pair in pairs if pair[0] in query])
        kept = [(name, value) for name, value in pairs if name not in keep]
        page = chosen[begin : begin + size]
        links: dict[str, Any] = {"self": self.link(path, pairs)}
        if begin + size < len(chosen):
            links["next"] = self.link(path, [*kept, *self.place(begin + size, size)])
        else:
            links |= self.at_the_end
        document = self.document(page, include)
        return {**document, "links": links, **self.counted(len(chosen), size)}

    at_the_end: ClassVar[Mapping[str, Any]] = {}
    """Links of the last page."""

    def link(self, path: str, pairs: Sequence[tuple[str, str]]) -> Any:
        """A link, as the service writes it."""
        query = f"?{urlencode(pairs)}" if pairs else ""
        return f"{self.url if self.host else ''}{path}{query}"

    def begin(self, query: Query, keep: Query, size: int) -> int:
        """Take the parameter that says where a page begins; what `keep` names is not repeated in the next link."""
        raise NotImplementedError

    def place(self, row: int, size: int) -> Sequence[tuple[str, str]]:
        """The parameters of the page that begins at a row."""
        raise NotImplementedError

    def select(self, found: Resources, query: Query, pairs: Sequence[tuple[str, str]]) -> Resources:
        """Apply filters, which are all that is left of a query."""
        raise NotImplementedError

    def counted(self, total: int, size: int) -> Mapping[str, Any]:
        """What a page says of the count."""
        return {}

    def name_of(self, segment: str) -> str:
        """The relationship that a path's last segment stands for."""
        return segment

    def document(self, primary: Any, include: str) -> dict[str, Any]:
        """A compound document."""
        names = include.split(",") if include else []
        several = primary if isinstance(primary, list) else [primary]
        included = {}
        for one in several:
            for name in names:
                linkage = self.linkage.get((one["type"], one["id"], name))
                if linkage is None:
                    raise Refused(400)
                for target in self.cut(linkage) if isinstance(linkage, list) else [linkage]:
                    included[target] = self.described(self.find(*target), [])
        described = [self.described(one, names) for one in several]
        document: dict[str, Any] = {"data": described if isinstance(primary, list) else described[0]}
        return {**document, "included": [*included.values()]} if names else document

    def described(self, one: dict[str, Any], included: Sequence[str]) -> dict[str, Any]:
        """A resource object, with its relationships."""
        relationships = {
            name: self.relationship(type, id, name, linkage, is_included=name in included)
            for (type, id, name), linkage in self.linkage.items()
            if (type, id) == (one["type"], one["id"])
        }
        return {**one, "relationships": relationships} if relationships else one

    has_links: ClassVar[bool] = True
    has_data: ClassVar[bool] = True

    def relationship(self, type: str, id: str, name: str, linkage: Any, *, is_included: bool) -> dict[str, Any]:
        """A relationship object."""
        found: dict[str, Any] = {}
        if self.has_links:
            found["links"] = {"related": self.link(f"{self.items[type]}/{id}/{name}", [])}
        if self.has_data or is_included:
            several = isinstance(linkage, list)
            identifiers = [{"type": kind, "id": key} for kind, key in (self.cut(linkage) if several else [linkage])]
            found["data"] = identifiers if several else identifiers[0]
        return found

    def cut(self, linkage: Sequence[Any]) -> Sequence[Any]:
        """What is told of several."""
        return linkage

    def find(self, type: str, id: str) -> dict[str, Any]:
        """A resource."""
        if (type, id) not in self.resources:
            raise Refused(404)
        return self.resources[type, id]

    @staticmethod
    def require_none(query: Query) -> None:
        """Refuse what is left of a query."""
        if query:
            raise Refused(400)


def _in(found: Resources, attribute: str, values: Iterable[str]) -> Resources:
    wanted = {*values}
    return [one for one in found if (one["id"] if attribute == "id" else one["attributes"][attribute]) in wanted]


class _Offsets(Imitation):
    offset_parameter: ClassVar[str]

    def begin(self, query: Query, keep: Query, size: int) -> int:
        keep.update({self.offset_parameter: "", self.size_parameter: ""})
        return int(query.pop(self.offset_parameter, 0))

    def place(self, row: int, size: int) -> Sequence[tuple[str, str]]:
        return [(self.offset_parameter, str(row)), (self.size_parameter, str(size))]


class Klaviyo(Imitation):
    host = "a.klaviyo.com"
    items: ClassVar = {"profile": "/api/profiles", "event": "/api/events", "list": "/api/lists"}
    lists: ClassVar = items
    size_parameter = "page[size]"
    at_the_end: ClassVar = {"next": None}
    has_data = False
    headers: ClassVar = {"RateLimit-Limit": "75, 75;w=1, 700;w=60", "RateLimit-Remaining": "74", "RateLimit-Reset": "1"}

    def begin(self, query: Query, keep: Query, size: int) -> int:
        keep["page[cursor]"] = ""
        return int(query.pop("page[cursor]", "bmV4dA0").removeprefix("bmV4dA"))

    def place(self, row: int, size: int) -> Sequence[tuple[str, str]]:
        return [("page[cursor]", f"bmV4dA{row}")]

    def link(self, path: str, pairs: Sequence[tuple[str, str]]) -> Any:
        return super().link(f"{path.rstrip('/')}/", pairs)

    def select(self, found: Resources, query: Query, pairs: Sequence[tuple[str, str]]) -> Resources:
        call = query.pop("filter", None)
        self.require_none(query)
        if call is None:
            return found
        match = re.fullmatch(r'(?:any\((\w+),\[("[^"]*"(?:,"[^"]*")*)\]\)|equals\((\w+),("[^"]*")\))', call)
        if match is None:
            raise Refused(400)
        return _in(found, match[1] or match[3], re.findall(r'"([^"]*)"', match[2] or match[4]))


class AppStoreConnect(Imitation):
    host = "api.appstoreconnect.apple.com"
    items: ClassVar = {"apps": "/v1/apps", "builds": "/v1/builds"}
    lists: ClassVar = items
    media = "application/json"
    size_parameter = "limit"
    most = 200
    headers: ClassVar = {"X-Rate-Limit": "user-hour-lim:3500;user-hour-rem:3499;"}

    def begin(self, query: Query, keep: Query, size: int) -> int:
        keep["cursor"] = ""
        cursor = query.pop("cursor", None)
        if cursor is not None and not cursor.endswith(f".{size}"):
            raise Refused(400)  # the cursor without its limit
        return int(cursor.partition(".")[0]) if cursor else 0

    def place(self, row: int, size: int) -> Sequence[tuple[str, str]]:
        return [("cursor", f"{row}.{size}")]

    def select(self, found: Resources, query: Query, pairs: Sequence[tuple[str, str]]) -> Resources:
        for name in ("id", "bundleId"):
            if values := query.pop(f"filter[{name}]", None):
                found = _in(found, name, values.split(","))
        self.require_none(query)
        return found

    def counted(self, total: int, size: int) -> Mapping[str, Any]:
        return {"meta": {"paging": {"total": total, "limit": size}}}

    def cut(self, linkage: Sequence[Any]) -> Sequence[Any]:
        return linkage[:1]

    def relationship(self, type: str, id: str, name: str, linkage: Any, *, is_included: bool) -> dict[str, Any]:
        found = super().relationship(type, id, name, linkage, is_included=is_included)
        if isinstance(linkage, list):
            found["meta"] = {"paging": {"total": len(linkage), "limit": 1}}
        return found


class HcpTerraform(Imitation):
    host = ""  # links are relative
    items: ClassVar = {
        "workspaces": "/api/v2/workspaces",
        "organizations": "/api/v2/organizations",
        "workspace-outputs": "/api/v2/workspace-outputs",
    }
    lists: ClassVar = {"workspaces": "/api/v2/organizations/acme/workspaces"}
    size_parameter = "page[size]"
    headers: ClassVar = {"x-ratelimit-limit": "30", "x-ratelimit-remaining": "29", "x-ratelimit-reset": "0.5"}

    def begin(self, query: Query, keep: Query, size: int) -> int:
        keep["page[number]"] = ""
        return (int(query.pop("page[number]", 1)) - 1) * size

    def place(self, row: int, size: int) -> Sequence[tuple[str, str]]:
        return [("page[number]", str(row // size + 1))]

    def select(self, found: Resources, query: Query, pairs: Sequence[tuple[str, str]]) -> Resources:
        if value := query.pop("search[name]", None):
            found = _in(found, "name", [value])
        self.require_none(query)
        return found

    def counted(self, total: int, size: int) -> Mapping[str, Any]:
        return {"meta": {"pagination": {"page-size": size, "total-count": total}}}

    def name_of(self, segment: str) -> str:
        return "outputs" if segment == "current-state-version-outputs" else segment

    def relationship(self, type: str, id: str, name: str, linkage: Any, *, is_included: bool) -> dict[str, Any]:
        found = super().relationship(type, id, name, linkage, is_included=is_included)
        if name == "outputs":
            found["links"] = {"related": f"/api/v2/workspaces/{id}/current-state-version-outputs"}
        else:
            found["links"] = {"related": f"/api/v2/organizations/{linkage[1]}"}
        return found


class Drupal(_Offsets):
    host = "www.example.com"
    items: ClassVar = {
        "node--article": "/jsonapi/node/article",
        "user--user": "/jsonapi/user/user",
        "taxonomy_term--tags": "/jsonapi/taxonomy_term/tags",
    }
    lists: ClassVar = items
    offset_parameter = "page[offset]"
    size_parameter = "page[limit]"
    most = 50

    def link(self, path: str, pairs: Sequence[tuple[str, str]]) -> Any:
        return {"href": super().link(path, pairs)}

    def select(self, found: Resources, query: Query, pairs: Sequence[tuple[str, str]]) -> Resources:
        conditions: dict[str, dict[str, list[str]]] = {}
        for name, value in pairs:
            match = re.fullmatch(r"filter\[(\w+)\]\[condition\]\[(path|operator|value)\](?:\[\])?", name)
            if match is None:
                raise Refused(400)
            conditions.setdefault(match[1], {}).setdefault(match[2], []).append(value)
        for condition in conditions.values():
            if condition["operator"] not in (["="], ["IN"]):
                raise Refused(400)
            found = _in(found, condition["path"][0], condition["value"])
        return found


class PlanningCenter(_Offsets):
    host = "api.planningcenteronline.com"
    items: ClassVar = {"Person": "/people/v2/people", "Email": "/people/v2/emails"}
    lists: ClassVar = items
    sort_parameter = "order"
    offset_parameter = "offset"
    size_parameter = "per_page"
    headers: ClassVar = {
        "X-PCO-API-Request-Rate-Limit": "100",
        "X-PCO-API-Request-Rate-Count": "1",
        "X-PCO-API-Request-Rate-Period": "20",
    }

    def select(self, found: Resources, query: Query, pairs: Sequence[tuple[str, str]]) -> Resources:
        if value := query.pop("where[first_name]", None):
            found = _in(found, "first_name", [value])
        self.require_none(query)
        return found

    def counted(self, total: int, size: int) -> Mapping[str, Any]:
        return {"meta": {"total_count": total, "count": size, "parent": {"type": "Organization", "id": "1"}}}


class Kitsu(_Offsets):
    host = "kitsu.io"
    items: ClassVar = {
        "anime": "/api/edge/anime",
        "categories": "/api/edge/categories",
        "libraryEntries": "/api/edge/library-entries",
        "users": "/api/edge/users",
    }
    lists: ClassVar = items
    offset_parameter = "page[offset]"
    size_parameter = "page[limit]"
    most = 20
    has_data = False

    def select(self, found: Resources, query: Query, pairs: Sequence[tuple[str, str]]) -> Resources:
        for name in ("id", "slug"):
            if values := query.pop(f"filter[{name}]", None):
                found = _in(found, name, values.split(","))
        self.require_none(query)
        return found

    def counted(self, total: int, size: int) -> Mapping[str, Any]:
        return {"meta": {"count": total}}
