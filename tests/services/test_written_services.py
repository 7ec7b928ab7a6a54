"""Six services as values: what is sent is what they document, and what they answer is read, on real sockets."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from commercelayer_async import AccessToken, RateLimits, Session
from tests.services.calls import CALLS, refused
from tests.services.imitations import Imitation
from tests.services.written_services import WRITTEN, App, Written
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer


def session_on(server: ScriptedServer, written: Written, **options: Any) -> Session:
    auth = written.auth if isinstance(written.auth, tuple) else AccessToken(written.auth)
    world = written.world
    given = {"limits": RateLimits.none(), **options}
    return Session(server.url, auth, service=world.service, resources=world.classes, **given)


def headers_of(head: str) -> dict[str, str]:
    lines = [line.partition(": ") for line in head.split("\r\n")[1:] if line]
    return {name.lower(): value for name, _, value in lines}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("written", WRITTEN, ids=lambda written: written.world.name)
async def test_each_call_gives_what_the_service_holds_or_is_refused(
    written: Written, call: str, tmp_path: Path
) -> None:
    """The imitation answers 400 or 404 to what the service does not document."""
    world = written.world
    async with written.server() as server, session_on(server, written) as session:
        if call in world.cannot:
            await refused(call, session, world, tmp_path)
            assert server.requests == []
        else:
            await CALLS[call](session, world, tmp_path)


@pytest.mark.parametrize("written", WRITTEN, ids=lambda written: written.world.name)
async def test_each_request_carries_what_the_service_wants(written: Written) -> None:
    async with written.server() as server, session_on(server, written) as session:
        assert [one.id async for one in session.list(written.world.listed)] == [*written.world.ids]

    name, value = written.header
    for head in server.requests:
        sent = headers_of(head)
        assert sent[name.lower()] == value
        assert {key: sent.get(key.lower()) for key in written.sent} == dict(written.sent)


def by_name(name: str) -> Written:
    return next(written for written in WRITTEN if written.world.name == name)


def targets(server: Imitation) -> list[str]:
    """What was asked for, decoded."""
    return [unquote(path) for path in server.paths]


def parts(target: str) -> tuple[str, list[str]]:
    """The path of a target, and its parameters in no order."""
    path, _, query = target.partition("?")
    return path, sorted(query.split("&"))


_OF_DRUPAL = (
    "/jsonapi/node/article?filter[c0][condition][path]=title&filter[c0][condition][operator]=IN"
    "&filter[c0][condition][value][]=1@x.test&filter[c0][condition][value][]=3@x.test&sort=-title&page[limit]=2"
)


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("Klaviyo", '/api/profiles?filter=any(email,["1@x.test","3@x.test"])&sort=-email&page[size]=2'),
        ("App Store Connect", "/v1/apps?filter[bundleId]=1@x.test,3@x.test&sort=-bundleId&limit=2"),
        ("HCP Terraform", "/api/v2/organizations/acme/workspaces?search[name]=2@x.test&sort=-name&page[size]=2"),
        ("Drupal", _OF_DRUPAL),
        ("Planning Center", "/people/v2/people?where[first_name]=2@x.test&order=-first_name&per_page=2"),
        ("Kitsu", "/api/edge/anime?filter[slug]=1@x.test,3@x.test&sort=-slug&page[limit]=2"),
    ],
)
async def test_a_list_is_asked_for_as_the_service_documents_it(name: str, asked: str) -> None:
    written = by_name(name)
    world = written.world
    async with written.server() as server, session_on(server, written) as session:
        await session.list(world.listed, filter=world.filter, sort=world.sort, page_size=2)

    assert [parts(target) for target in targets(server)] == [parts(asked)]


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("Klaviyo", '/api/profiles?filter=any(id,["01HZX0A0","01HZX0A1"])&page[size]=2'),
        ("App Store Connect", "/v1/apps?filter[id]=900000000,900000001&limit=2"),
        ("Kitsu", "/api/edge/anime?filter[id]=1,2&page[limit]=2"),
    ],
)
async def test_many_ids_are_asked_for_together_where_the_service_takes_them(name: str, asked: str) -> None:
    written = by_name(name)
    async with written.server() as server, session_on(server, written) as session:
        await session.get_many(written.world.listed, written.world.ids[:2])

    assert targets(server) == [asked]


async def test_next_pages_are_asked_for_as_the_links_were_given() -> None:
    """The body of Klaviyo's links: a slash, an opaque cursor, and null at the end."""
    written = by_name("Klaviyo")
    async with written.server() as server, session_on(server, written) as session:
        await anext(session.list(written.world.listed, page_size=2).pages())
        [page async for page in session.list(written.world.listed).pages()]

    assert server.paths[-2:] == ["/api/profiles/?page%5Bcursor%5D=bmV4dA2", "/api/profiles/?page%5Bcursor%5D=bmV4dA4"]


async def test_a_page_with_rows_withheld_is_not_taken_for_the_whole() -> None:
    """Drupal leaves out what one may not see: no record is called missing that the page does not show."""
    written = by_name("Drupal")
    first, second = written.world.ids[:2]
    article = {"type": "node--article", "id": first, "attributes": {"title": "Invented"}}
    omitted = {"detail": "withheld", "links": {"item--x1": {"href": f"/jsonapi/node/article/{second}"}}}
    document = {"data": [article], "meta": {"omitted": omitted}, "links": {"self": {"href": "/jsonapi/node/article"}}}
    more = {**document, "links": {"next": {"href": "/jsonapi/node/article?page%5Boffset%5D=2"}}}
    paths = {
        "/jsonapi/node/article": reply(more),
        "/jsonapi/node/article?page%5Boffset%5D=2": reply({"data": [], "links": {}}),
    }
    async with ScriptedServer(paths=paths) as server, session_on(server, written) as session:
        assert [one.id async for one in session.list(written.world.listed)] == [first]
        pages = [page async for page in session.list(written.world.listed).pages()]

    assert pages[0].meta["omitted"]["detail"] == "withheld"
    assert len(server.paths) == 4


async def test_a_relationship_that_was_cut_is_not_taken_for_the_whole() -> None:
    """App Store Connect includes one of three builds."""
    written = by_name("App Store Connect")
    app = {
        "type": "apps",
        "id": "900000001",
        "attributes": {"name": "Invented", "sku": "inv-1"},
        "relationships": {
            "builds": {
                "meta": {"paging": {"total": 3, "limit": 1}},
                "data": [{"type": "builds", "id": "b-1"}],
                "links": {"related": "/v1/apps/900000001/builds"},
            }
        },
    }
    builds = [{"type": "builds", "id": f"b-{n}"} for n in (1, 2, 3)]
    paths = {
        "/v1/apps?include=builds": reply({"data": [app], "included": builds[:1], "meta": {"paging": {"total": 1}}}),
        "/v1/apps/900000001/builds": reply({"data": builds, "meta": {"paging": {"total": 3}}}),
    }
    async with ScriptedServer(paths=paths) as server, session_on(server, written) as session:
        (found,) = await session.list(App, include="builds")
        state = found.builds.loaded
        ids = [build.id async for build in found.builds]

    assert (state, ids) == (False, ["b-1", "b-2", "b-3"])
    assert server.paths == [*paths]


@pytest.mark.parametrize(
    ("name", "limit", "remaining"),
    [
        ("Klaviyo", 75, 74),
        ("App Store Connect", 3500, 3499),
        ("HCP Terraform", 30, 29),
        ("Planning Center", 100, 99),
    ],
)
async def test_rates_are_read_in_the_dialect_of_the_service(name: str, limit: int, remaining: int) -> None:
    written = by_name(name)
    async with written.server() as server, session_on(server, written, limits=None) as session:
        await session.get(written.world.listed, written.world.ids[0])
        state = session.rate_limits

    assert (state.limit, state.remaining) == (limit, remaining)
