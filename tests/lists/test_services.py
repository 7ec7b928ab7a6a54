"""Lists and scans of services that page, count, filter and sort in other ways than Commerce Layer."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import attrs
import pytest

from commercelayer_async import AccessToken, DecodeError, RateLimits, Session
from commercelayer_async.errors import ConfigurationError
from commercelayer_async.jsonapi import Resource, ToMany
from commercelayer_async.service import (
    ByAttribute,
    Calls,
    Conditions,
    Cursor,
    Ids,
    Keyset,
    Links,
    Numbers,
    Offsets,
    Service,
    Sort,
    Total,
    dashed,
    plural,
)
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer


@attrs.frozen(kw_only=True)
class Task(Resource):
    type: ClassVar[str] = "task"
    title: str | None = None
    sub_tasks = ToMany["Task"]("sub-tasks")


def tasks(*ids: object) -> list[dict[str, Any]]:
    return [{"type": "task", "id": str(id), "attributes": {"title": f"Task {id}"}} for id in ids]


def session_on(server: ScriptedServer, service: Service) -> Session:
    return Session(server.url, AccessToken("secret"), service=service, resources=[Task], limits=RateLimits.none())


def queries(server: ScriptedServer) -> list[dict[str, str]]:
    """The parameters of each request, without those that were repeated."""
    return [dict(parse_qsl(urlsplit(path).query, keep_blank_values=True)) for path in server.paths]


class Rows(ScriptedServer):
    """Lists rows as `page_of` of the query says, with links or without."""

    def __init__(self, rows: int, *, links: bool, first: int = 1, usual: int = 3, most: int = 5) -> None:
        super().__init__()
        self.rows = [str(n) for n in range(rows)]
        self.links = links
        self.first = first
        self.usual = usual
        self.most = most
        self.meta: dict[str, Any] = {}

    async def reply_to(self, target: str) -> bytes | None:
        query = dict(parse_qsl(urlsplit(target).query))
        size = min(int(query.get("size", self.usual)), self.most)
        begin = (int(query["number"]) - self.first) * size if "number" in query else int(query.get("offset", 0))
        path = urlsplit(target).path
        name, value = ("offset", begin + size) if "number" not in query else ("number", begin // size + 1 + self.first)
        links = {"next": f"{path}?{name}={value}&size={size}"} if begin + size < len(self.rows) else {"next": None}
        body = {"data": tasks(*self.rows[begin : begin + size]), "meta": self.meta}
        return reply({**body, "links": links} if self.links else body)


async def test_of_a_service_of_which_nothing_is_known_nothing_is_asked() -> None:
    async with ScriptedServer(reply({"data": tasks(1, 2)})) as server, session_on(server, Service()) as session:
        assert [task.title async for task in session.list(Task)] == ["Task 1", "Task 2"]
        assert server.paths == ["/task"]


@pytest.mark.parametrize(
    "paging",
    [
        Links(size="size"),
        Numbers("number", size="size"),
        Numbers("number", size="size", asks_for_first=True),
        Offsets("offset", size="size"),
        Numbers("number", size="size", gives_links=False),
        Offsets("offset", size="size", gives_links=False),
    ],
    ids=repr,
)
@pytest.mark.parametrize("page_size", [None, 1, 2, 5, 7])
@pytest.mark.parametrize("rows", [0, 1, 3, 5, 7, 10])
async def test_every_row_comes_once_however_pages_are_cut(paging: Any, page_size: int | None, rows: int) -> None:
    async with (
        Rows(rows, links=getattr(paging, "gives_links", True)) as server,
        session_on(server, Service(paging=paging)) as session,
    ):
        found = [task.id async for task in session.list(Task, page_size=page_size)]

    assert found == server.rows
    assert "size" in queries(server)[0] or page_size is None


async def test_pages_may_be_numbered_from_zero() -> None:
    service = Service(paging=Numbers("number", first=0, gives_links=False))
    async with Rows(7, links=False, first=0) as server, session_on(server, service) as session:
        assert [task.id async for task in session.list(Task)] == server.rows
        assert [query["number"] for query in queries(server)] == ["0", "1", "2", "3"]


async def test_a_count_spares_the_empty_page_at_the_end() -> None:
    service = Service(paging=Offsets("offset", gives_links=False), total="meta.page.total")
    async with Rows(6, links=False) as server, session_on(server, service) as session:
        server.meta = {"page": {"total": 6}}

        assert [task.id async for task in session.list(Task)] == server.rows
        assert len(server.paths) == 2


async def test_a_page_that_the_service_cut_smaller_is_not_the_end_of_rows_that_are_counted_up() -> None:
    """It gives five at most, whatever is asked for."""
    service = Service(paging=Offsets("offset", size="size", gives_links=False))
    async with Rows(12, links=False) as server, session_on(server, service) as session:
        assert [task.id async for task in session.list(Task, page_size=10)] == server.rows


async def test_a_cursor_in_the_meta_leads_to_the_next_page() -> None:
    pages = [
        {"data": tasks(1), "meta": {"cursors": {"next": "b c/&"}}},
        {"data": tasks(2), "meta": {"cursors": {"next": 7}}},
        {"data": tasks(3), "meta": {"cursors": {"next": None}}},
    ]
    service = Service(paging=Cursor("after", size="size", next="meta.cursors.next"))
    async with ScriptedServer(*map(reply, pages)) as server, session_on(server, service) as session:
        found = [task.id async for task in session.list(Task, page_size=1, sort="title")]

    assert found == ["1", "2", "3"]
    assert queries(server) == [
        {"sort": "title", "size": "1"},
        {"sort": "title", "size": "1", "after": "b c/&"},
        {"sort": "title", "size": "1", "after": "7"},
    ]


@pytest.mark.parametrize("cursor", [True, ["a"], {"a": 1}, 1.5])
async def test_what_is_not_a_cursor_is_told_and_the_page_is_kept(cursor: object) -> None:
    service = Service(paging=Cursor("after", next="meta.next"))
    async with (
        ScriptedServer(reply({"data": tasks(1), "meta": {"next": cursor}})) as server,
        session_on(server, service) as session,
    ):
        pages = session.list(Task, page_size=None).pages()
        first = await anext(pages)
        with pytest.raises(DecodeError, match=r"expected a cursor, got .* at /meta/next"):
            await anext(pages)

    assert [task.id for task in first.items] == ["1"]


async def test_beyond_the_deepest_row_nothing_is_asked() -> None:
    async with (
        Rows(9, links=True) as server,
        session_on(server, Service(paging=Offsets("offset", deepest=6))) as session,
    ):
        pages = session.list(Task).pages()
        found = [task.id for _ in range(2) for task in (await anext(pages)).items]
        with pytest.raises(DecodeError, match="a list of at most 6 records"):
            await anext(pages)

    assert found == server.rows[:6]
    assert len(server.paths) == 2


async def test_a_link_back_and_a_list_without_end_are_errors_without_links_too() -> None:
    """A service that ignores the offset gives the same page for ever."""
    service = Service(paging=Offsets("offset", gives_links=False))
    async with ScriptedServer(reply({"data": tasks(1, 2)})) as server, session_on(server, service) as session:
        with pytest.raises(DecodeError, match="resources that did not come before"):
            [task async for task in session.list(Task)]
        assert len(server.paths) < 60


class TestCounts:
    @pytest.mark.parametrize(
        ("total", "body", "count"),
        [
            ("meta.total", {"meta": {"total": 7}}, 7),
            ("meta.page.total", {"meta": {"page": {"total": 0}}}, 0),
            ("links.meta.total", {"links": {"meta": {"total": 3}}}, 3),
            (Total("meta.total", asked_by="stats[total]=count"), {"meta": {"total": 5}}, 5),
            (Total("meta.total", most=10), {"meta": {"total": 9}}, 9),
        ],
    )
    async def test_the_count_is_where_the_service_has_it(self, total: Any, body: dict[str, Any], count: int) -> None:
        service = Service(total=total, paging=Links(size="size"))
        async with (
            ScriptedServer(reply({"data": tasks(1), **body})) as server,
            session_on(server, service) as session,
        ):
            assert await session.list(Task).count() == count

        asked = {"stats[total]": "count"} if isinstance(total, Total) and total.asked_by else {}
        assert queries(server) == [{**asked, "size": "1"}]

    async def test_a_service_that_does_not_count_is_not_asked(self) -> None:
        async with ScriptedServer() as server, session_on(server, Service(name="Tasks")) as session:
            with pytest.raises(ConfigurationError, match="Tasks does not count lists of 'task'"):
                await session.list(Task).count()

        assert server.paths == []

    @pytest.mark.parametrize("told", [10, 11, "7", None, 7.0, True, -1])
    async def test_what_is_not_a_count_or_is_cut_off_is_none(self, told: object) -> None:
        service = Service(total=Total("meta.total", most=10))
        async with (
            ScriptedServer(reply({"data": tasks(1), "meta": {"total": told}})) as server,
            session_on(server, service) as session,
        ):
            with pytest.raises(
                DecodeError,
                match="expected a number of records below 10, beyond which",
            ):
                await session.list(Task).count()

    async def test_a_total_that_is_cut_off_is_not_taken_for_the_end(self) -> None:
        """A service stops counting at four; the list goes on."""
        service = Service(total=Total("meta.total", most=4), paging=Offsets("offset", gives_links=False))
        async with Rows(9, links=False) as server, session_on(server, service) as session:
            server.meta = {"total": 4}

            assert [task.id async for task in session.list(Task)] == server.rows


class TestFilters:
    @pytest.mark.parametrize(
        ("grammar", "filter", "sent"),
        [
            (
                ByAttribute(),
                {"title": ["a", "b"], "sub-tasks": True},
                [("filter[title]", "a,b"), ("filter[sub-tasks]", "true")],
            ),
            (ByAttribute(join=None), {"id": [1, 2]}, [("filter[id]", "1"), ("filter[id]", "2")]),
            (ByAttribute(quote="{{"), {"title": ["a,b", "c"]}, [("filter[title]", "{{a,b}},c")]),
            (
                ByAttribute(equal="where[{attribute}]", compare="where[{attribute}][{operator}]"),
                {"title": {"gte": 5, "lt": 7}},
                [("where[title][gte]", "5"), ("where[title][lt]", "7")],
            ),
            (Calls(), {"title": 'say "hi" \\ )'}, [("filter", r'equals(title,"say \"hi\" \\ )")')]),
            (
                Calls(),
                {"title": {"contains": "x"}, "id": ["1", "2"]},
                [("filter", 'and(contains(title,"x"),any(id,["1","2"]))')],
            ),
            (Calls(quote="'", escape="'"), {"title": "it's"}, [("filter", "equals(title,'it''s')")]),
            (
                Calls(quote="", equals="eq", lists="{}", both="{}", between=":"),
                {"title": "x", "rank": {"gt": 5}},
                [("filter", "eq(title,x):gt(rank,5)")],
            ),
            (
                Conditions(),
                {"title": "x", "id": ["1", "2"]},
                [
                    ("filter[c0][condition][path]", "title"),
                    ("filter[c0][condition][operator]", "="),
                    ("filter[c0][condition][value]", "x"),
                    ("filter[c1][condition][path]", "id"),
                    ("filter[c1][condition][operator]", "IN"),
                    ("filter[c1][condition][value][]", "1"),
                    ("filter[c1][condition][value][]", "2"),
                ],
            ),
            (
                lambda given: [("q", f"{given}")],
                {"title": {"gt": 1}, "id": [1]},
                [("q", "{'title': {'gt': 1}, 'id': [1]}")],
            ),
        ],
    )
    async def test_filters_are_written_in_the_grammar(
        self, grammar: Any, filter: dict[str, Any], sent: list[tuple[str, str]]
    ) -> None:
        async with (
            ScriptedServer(reply({"data": []})) as server,
            session_on(server, Service(filters=grammar)) as session,
        ):
            await session.list(Task, filter=filter)

        assert [pair for path in server.paths for pair in parse_qsl(urlsplit(path).query)] == sent

    async def test_the_name_of_a_field_stands_for_its_member(self) -> None:
        async with ScriptedServer(reply({"data": []})) as server, session_on(server, Service()) as session:
            await session.list(Task, filter={"title": "x"}, sort=["-title", "rank"])

        assert queries(server) == [{"filter[title]": "x", "sort": "-title,rank"}]

    @pytest.mark.parametrize(
        ("grammar", "filter", "reason"),
        [
            (ByAttribute(), {"title": None}, "is compared with None"),
            (ByAttribute(), {"title": []}, "has no values, and would filter nothing"),
            (ByAttribute(), {"title": {}}, "has no operator, and would filter nothing"),
            (ByAttribute(), {"title": "a,b"}, "has a value with ','"),
            (ByAttribute(), {"title": ["a,b", "c"]}, "has a value with ','"),
            (ByAttribute(), {5: "x"}, "a int is not the name of an attribute"),
            (ByAttribute(compare=None), {"title": {"gt": 1}}, "compares by equality alone"),
            (ByAttribute(), {"title": object()}, "takes a text, a number"),
            (Calls(quote=""), {"title": "a)b"}, "would end its call"),
            (Calls(escape=""), {"title": 'a"b'}, "would end it"),
            (Calls(), {"ti(tle": "x"}, "is not a name that a call can hold"),
            (Calls(), {"title": {"a,b": "x"}}, "is not a name that a call can hold"),
            (lambda _: 1 / 0, {"title": "x"}, "the service's function raised ZeroDivisionError"),
            (lambda _: [("a", 5)], {"title": "x"}, "gave what are not pairs of texts"),
            (ByAttribute(), "title", "filter must be a mapping"),
        ],
    )
    async def test_what_cannot_be_written_is_refused_before_a_request(
        self, grammar: Any, filter: Any, reason: str
    ) -> None:
        async with ScriptedServer() as server, session_on(server, Service(filters=grammar)) as session:
            with pytest.raises(ConfigurationError, match=reason):
                session.list(Task, filter=filter)

        assert server.paths == []


class TestSorting:
    async def test_a_service_that_does_not_sort_is_not_asked_to(self) -> None:
        async with ScriptedServer() as server, session_on(server, Service(name="Tasks", sort=None)) as session:
            with pytest.raises(ConfigurationError, match="sort: Tasks does not sort lists of 'task'"):
                session.list(Task, sort="title")

    async def test_keys_beyond_what_it_takes_are_refused(self) -> None:
        async with ScriptedServer() as server, session_on(server, Service(sort=Sort("order", keys=1))) as session:
            session.list(Task, sort="title")
            with pytest.raises(ConfigurationError, match="sorts by 1 at once, and 2 are asked for"):
                session.list(Task, sort="title,-rank")

    async def test_what_breaks_ties_comes_last(self) -> None:
        service = Service(sort=Sort("order", tie_break="id"), paging=Numbers("number"))
        async with ScriptedServer(reply({"data": []})) as server, session_on(server, service) as session:
            await session.list(Task, sort="-title")
            await session.list(Task)
            await session.list(Task, sort="-id")

        assert [query["order"] for query in queries(server)] == ["-title,id", "id", "-id"]


class TestPaths:
    @pytest.mark.parametrize(
        ("service", "item", "list"),
        [
            (Service(root="api", path=plural), "/api/tasks/1", "/api/tasks"),
            (
                Service(root="/api/v2/", path={"task": "people/tasks"}, slash=True),
                "/api/v2/people/tasks/1/",
                "/api/v2/people/tasks/",
            ),
            (Service(path=dashed, list_path={"task": "teams/7/tasks"}), "/task/1", "/teams/7/tasks"),
            (Service(path=lambda name: f"node/{name}"), "/node/task/1", "/node/task"),
            (Service(item_path=lambda name, key: f"x/{key}/{name}"), "/x/1/task", "/task"),
        ],
    )
    async def test_resources_and_lists_are_where_the_service_has_them(
        self, service: Service, item: str, list: str
    ) -> None:
        responses = {item: reply({"data": tasks(1)[0]}), list: reply({"data": tasks(1)})}
        async with ScriptedServer(paths=responses) as server, session_on(server, service) as session:
            assert (await session.get(Task, "1")).title == "Task 1"
            assert [task.id async for task in session.list(Task)] == ["1"]

        assert server.paths == [item, list]

    @pytest.mark.parametrize("id", ["a/b", "ü", "a b", "?", "#", "%2e", "...", "a,b", "1" * 255])
    async def test_any_id_is_one_segment(self, id: str) -> None:
        async with (
            ScriptedServer(reply({"data": tasks(id)[0]})) as server,
            session_on(server, Service()) as session,
        ):
            assert (await session.get(Task, id)).id == id

        (path,) = server.paths
        assert path.count("/") == 2
        assert not {"?", "#", " "} & set(path)

    @pytest.mark.parametrize("id", ["", ".", "..", "a\nb", "1" * 256, None, 5, "\ud800"])
    async def test_what_no_id_can_be_is_refused(self, id: Any) -> None:
        async with ScriptedServer() as server, session_on(server, Service()) as session:
            with pytest.raises(ConfigurationError, match="id must be an id of the service's task"):
                await session.get(Task, id)

        assert server.paths == []

    async def test_a_pattern_says_what_ids_are(self) -> None:
        service = Service(ids={"task": "[0-9]+", ...: ".+"})
        async with ScriptedServer(reply({"data": tasks(1)[0]})) as server, session_on(server, service) as session:
            await session.get(Task, "1")
            with pytest.raises(ConfigurationError, match=r"which \[0-9\]\+ matches, not 'a'"):
                await session.get(Task, "a")

    @pytest.mark.parametrize(
        ("service", "reason"),
        [
            (Service(name="Tasks", list_path={"task": None}), "Tasks has no list of all 'task': read them through"),
            (Service(name="Tasks", path={"task": None}), "Tasks has no path for resources of 'task'"),
            (Service(path=lambda _: f"{1 / 0}"), "its function raised ZeroDivisionError"),
            (Service(path=lambda _: "a/../b"), "is not a path such as"),
            (Service(path=lambda _: "a?b"), "is not a path such as"),
        ],
    )
    async def test_a_type_without_a_list_is_refused_by_name(self, service: Service, reason: str) -> None:
        async with ScriptedServer() as server, session_on(server, service) as session:
            with pytest.raises(ConfigurationError, match=reason):
                session.list(Task)

        assert server.paths == []


class TestScans:
    async def test_without_a_keyset_it_is_refused_by_name(self) -> None:
        async with ScriptedServer() as server, session_on(server, Service(name="Tasks")) as session:
            with pytest.raises(ConfigurationError, match="Tasks declares no keyset and no exact cursor"):
                session.scan(Task)

        assert server.paths == []

    @pytest.mark.parametrize(
        ("grammar", "of_second", "of_third"),
        [
            (Calls(), 'and(equals(title,"x"),gt(id,"1"))', 'and(equals(title,"x"),gt(id,"2"))'),
            (ByAttribute(), "1", "2"),
        ],
    )
    async def test_a_keyset_is_asked_for_in_the_grammar(self, grammar: Any, of_second: str, of_third: str) -> None:
        service = Service(filters=grammar, keyset=Keyset("id", "gt"), paging=Offsets("offset", size="size", most=7))
        pages = [reply({"data": tasks(1)}), reply({"data": tasks(2)}), reply({"data": []})]
        async with ScriptedServer(*pages) as server, session_on(server, service) as session:
            assert [task.id async for task in session.scan(Task, filter={"title": "x"})] == ["1", "2"]

        name = "filter" if isinstance(grammar, Calls) else "filter[id][gt]"
        _, second, third = queries(server)
        assert (second[name], third[name]) == (of_second, of_third)
        assert all(query["sort"] == "id" and query["size"] == "7" for query in queries(server))

    @pytest.mark.parametrize("filter", [{"id": {"gt": "5"}}])
    async def test_what_the_scan_compares_is_not_the_callers(self, filter: Mapping[str, Any]) -> None:
        service = Service(keyset=Keyset("id", "gt"))
        async with ScriptedServer() as server, session_on(server, service) as session:
            with pytest.raises(ConfigurationError, match="say where it starts by after="):
                session.scan(Task, filter=filter)

    async def test_an_exact_cursor_is_a_scan_that_can_be_resumed_at_each_page(self) -> None:
        service = Service(paging=Cursor("after", next="meta.next", is_exact=True))
        paths = {
            "/task": reply({"data": tasks(1, 2), "meta": {"next": "b"}}),
            "/task?after=b": reply({"data": tasks(3), "meta": {"next": "c"}}),
            "/task?after=c": reply({"data": tasks(4, 5), "meta": {}}),
        }
        async with ScriptedServer(paths=paths) as server, session_on(server, service) as session:
            scan = session.scan(Task)
            cursors = [(task.id, scan.cursor) async for task in scan]
            resumed = {cursor: [task.id async for task in session.scan(Task, after=cursor)] for _, cursor in cursors}

        assert [id for id, _ in cursors] == ["1", "2", "3", "4", "5"]
        begin, behind_first, behind_second, same, end = (cursor for _, cursor in cursors)
        assert begin is None
        assert same == behind_second
        assert resumed == {
            None: ["1", "2", "3", "4", "5"],
            behind_first: ["3", "4", "5"],
            behind_second: ["4", "5"],
            end: [],
        }

    async def test_a_cursor_that_is_not_exact_is_no_scan(self) -> None:
        async with (
            ScriptedServer() as server,
            session_on(server, Service(paging=Cursor("after"), keyset=Keyset("id", "gt"))) as session,
        ):
            with pytest.raises(ConfigurationError, match="task cannot be scanned"):
                session.scan(Task)


class TestManyIds:
    @pytest.mark.parametrize(
        ("service", "sent"),
        [
            (Service(ids_at_once=Ids("filter[id]")), {"filter[id]": "1,2"}),
            (Service(ids_at_once=Ids("ids"), paging=Links(size="size", most=9)), {"ids": "1,2", "size": "2"}),
            (Service(ids_at_once=Ids("any(id,[{}])"), filters=Calls()), {"filter": 'any(id,["1","2"])'}),
        ],
    )
    async def test_they_are_asked_for_as_the_service_takes_them(self, service: Service, sent: dict[str, str]) -> None:
        whole = reply({"data": tasks(1, 2), "links": {"self": "/task"}})
        async with ScriptedServer(whole) as server, session_on(server, service) as session:
            assert [task.id for task in await session.get_many(Task, ["1", "2"])] == ["1", "2"]

        assert queries(server) == [sent]

    @pytest.mark.parametrize("asked", [None, Ids("ids", types={"other"}), Ids("ids", most=1)])
    async def test_without_them_each_is_asked_for_by_itself(self, asked: Ids | None) -> None:
        paths = {f"/task/{n}": reply({"data": tasks(n)[0]}) for n in range(5)}
        async with ScriptedServer(paths=paths) as server, session_on(server, Service(ids_at_once=asked)) as session:
            assert [task.id for task in await session.get_many(Task, map(str, range(5)))] == [*map(str, range(5))]

        assert sorted(server.paths) == sorted(paths)

    async def test_never_more_than_a_page_holds(self) -> None:
        class ByIds(ScriptedServer):
            async def reply_to(self, target: str) -> bytes | None:
                ids = dict(parse_qsl(urlsplit(target).query))["ids"].split(",")
                return reply({"data": tasks(*ids), "links": {"self": target}})

        service = Service(ids_at_once=Ids("ids", most=100), paging={"task": Links(most=3), ...: Links()})
        async with ByIds() as server, session_on(server, service) as session:
            await session.get_many(Task, map(str, range(9)))

        assert sorted(len(query["ids"].split(",")) for query in queries(server)) == [3, 3, 3]

    async def test_an_id_that_would_be_taken_for_two_is_asked_for_by_itself(self) -> None:
        paths = {
            "/task?ids=1,2": reply({"data": tasks(1, 2), "links": {"self": "/task"}}),
            "/task/3%2C4": reply({"data": tasks("3,4")[0]}),
        }
        async with (
            ScriptedServer(paths=paths) as server,
            session_on(server, Service(ids_at_once=Ids("ids"))) as session,
        ):
            found = await session.get_many(Task, ["1", "3,4", "2"])

        assert [task.id for task in found] == ["1", "3,4", "2"]
        assert sorted(server.paths) == sorted(paths)


class TestWhatIsLeftOut:
    async def test_a_page_with_rows_withheld_is_not_the_whole(self) -> None:
        """An id that it lacks is asked for by itself, and a count that it does not reach is no error."""
        meta = {"omitted": {"detail": "withheld"}, "count": 3}
        paths = {
            "/task?ids=1,2": reply({"data": tasks(1), "meta": meta, "links": {"self": "/task"}}),
            "/task/2": reply({"data": tasks(2)[0]}),
            "/task": reply({"data": tasks(1), "meta": meta, "links": {"self": "/task"}}),
        }
        service = Service(ids_at_once=Ids("ids"), withheld="meta.omitted", total="meta.count")
        async with ScriptedServer(paths=paths) as server, session_on(server, service) as session:
            assert [task.id for task in await session.get_many(Task, ["1", "2"])] == ["1", "2"]
            assert [task.id async for task in session.list(Task)] == ["1"]

    async def test_linkage_that_was_cut_is_followed(self) -> None:
        one = {
            **tasks(1)[0],
            "relationships": {
                "sub-tasks": {
                    "data": [{"type": "task", "id": "2"}],
                    "links": {"related": "/task/1/sub-tasks"},
                    "meta": {"paging": {"total": 3, "limit": 1}},
                }
            },
        }
        paths = {
            "/task/1?include=sub-tasks": reply({"data": one, "included": tasks(2)}),
            "/task/1/sub-tasks": reply({"data": tasks(2, 3, 4)}),
        }
        for service, found in (
            (Service(linkage_total="paging.total"), ["2", "3", "4"]),
            (Service(), ["2"]),
        ):
            async with ScriptedServer(paths=paths) as server, session_on(server, service) as session:
                task = await session.get(Task, "1", include=["sub-tasks"])
                assert task.sub_tasks.loaded is (found == ["2"])
                assert [sub.id async for sub in task.sub_tasks] == found
                assert [sub.id for sub in await task.sub_tasks] == found

    async def test_a_related_list_that_is_shorter_than_its_linkage_is_told(self, caplog: Any) -> None:
        """A service that cuts lists and says nothing of it; others may have been deleted since."""
        linkage = [{"type": "task", "id": str(n)} for n in (2, 3, 4)]
        one = {**tasks(1)[0], "relationships": {"sub-tasks": {"data": linkage, "links": {"related": "/task/1/subs"}}}}
        paths = {"/task/1": reply({"data": one}), "/task/1/subs": reply({"data": tasks(2, 3)})}
        async with ScriptedServer(paths=paths) as server, session_on(server, Service()) as session:
            task = await session.get(Task, "1")

            assert [sub.id async for sub in task.sub_tasks] == ["2", "3"]

        assert "/task/1/subs gave 2 records, and linkage names 3" in caplog.text

    async def test_empty_pages_of_a_service_that_does_not_count_are_not_the_end(self) -> None:
        """It filters after it cut the pages."""
        pages: dict[str, list[dict[str, Any]]] = {f"/task?offset={n}": [] for n in range(1, 9)}
        pages |= {"/task": [], "/task?offset=9": tasks(1)}
        links = {target: f"/task?offset={n + 1}" for n, target in enumerate(["/task", *list(pages)[:8]])}
        paths = {target: reply({"data": data, "links": {"next": links.get(target)}}) for target, data in pages.items()}
        async with (
            ScriptedServer(paths=paths) as server,
            session_on(server, Service(paging=Offsets("offset"))) as session,
        ):
            assert [task.id async for task in session.list(Task)] == ["1"]

    async def test_ids_may_be_written_by_a_function(self) -> None:
        def written(ids: Sequence[str]) -> list[tuple[str, str]]:
            return [("filter[a][condition][operator]", "IN"), *(("filter[a][condition][value][]", id) for id in ids)]

        whole = reply({"data": tasks(1, "2,3"), "links": {"self": "/task"}})
        async with (
            ScriptedServer(whole) as server,
            session_on(server, Service(ids_at_once=Ids(written))) as session,
        ):
            found = await session.get_many(Task, ["1", "2,3"])

        assert [task.id for task in found] == ["1", "2,3"]
        assert [value for _, value in parse_qsl(urlsplit(server.paths[0]).query)] == ["IN", "1", "2,3"]


@attrs.frozen(kw_only=True)
class Job(Resource):
    """A type that stands for several."""

    type: ClassVar[str] = "job"
    title: str | None = None


@attrs.frozen(kw_only=True)
class Painting(Job):
    type: ClassVar[str] = "painting"


@attrs.frozen(kw_only=True)
class Survey(Job):
    type: ClassVar[str] = "survey"


class TestKinds:
    SERVICE = Service(kinds={"job": {"painting", "survey"}}, path={"job": "jobs"}, ids_at_once=Ids("ids"))
    DATA: ClassVar[list[dict[str, Any]]] = [{"type": "painting", "id": "1"}, {"type": "survey", "id": "2"}]

    def session_on(self, server: ScriptedServer) -> Session:
        classes = [Job, Painting, Survey]
        return Session(server.url, None, service=self.SERVICE, resources=classes, limits=RateLimits.none())

    @pytest.mark.parametrize("of", [Job, "job"])
    async def test_each_comes_in_its_own_class(self, of: Any) -> None:
        paths = {
            "/jobs": reply({"data": self.DATA}),
            "/jobs/2": reply({"data": self.DATA[1]}),
        }
        async with ScriptedServer(paths=paths) as server, self.session_on(server) as session:
            assert [type(job) for job in await session.list(of)] == [Painting, Survey]
            assert type(await session.get(of, "2")) is Survey

    async def test_many_of_them_are_asked_for_at_once(self) -> None:
        whole = reply({"data": self.DATA, "links": {"self": "/jobs"}})
        async with ScriptedServer(whole) as server, self.session_on(server) as session:
            assert [type(job) for job in await session.get_many(Job, ["2", "1"])] == [Survey, Painting]

    @pytest.mark.parametrize("of", [Painting, Job, "job"])
    async def test_what_is_no_kind_of_it_is_refused(self, of: Any) -> None:
        data = {"type": "task" if of is not Painting else "survey", "id": "1"}
        async with ScriptedServer(reply({"data": data})) as server, self.session_on(server) as session:
            with pytest.raises(DecodeError, match="expected the resource"):
                await session.get(of, "1")
