"""Servers which others wrote, read through the public names: every call, or its refusal before a request."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import pytest

from commercelayer_async import AccessToken, Answered, BulkError, Hooks, NotFound, RateLimits, Session
from commercelayer_async.service import Offsets
from tests.services.calls import CALLS, World, refused, targets_of
from tests.services.real_servers import REAL, DjangoAuthor
from tests.services.servers import django_server, fortune_server, jsonapi_server

pytestmark = pytest.mark.slow

DJANGO, FORTUNE, JSONAPI_SERVER = REAL


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[World], str]]:
    """Where the server of a world is, which starts when it is first asked for."""
    servers = dict(zip([world.name for world in REAL], (django_server, fortune_server, jsonapi_server), strict=True))
    with ExitStack() as running:

        @cache
        def url_of(name: str) -> str:
            return running.enter_context(servers[name](tmp_path_factory.mktemp("server")))

        yield lambda world: url_of(world.name)


def session_on(urls: Callable[[World], str], world: World, **options: Any) -> Session:
    return Session(
        urls(world),
        AccessToken("secret"),
        service=world.service,
        resources=world.classes,
        limits=RateLimits.none(),
        **options,
    )


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("world", REAL, ids=lambda world: world.name)
async def test_each_call_gives_what_the_server_holds_or_is_refused(
    urls: Callable[[World], str], world: World, call: str, tmp_path: Path
) -> None:
    answers: list[Answered] = []
    hooks = Hooks(answered=lambda _, answered: answers.append(answered))
    async with session_on(urls, world, hooks=hooks) as session:
        if call in world.cannot:
            await refused(call, session, world, tmp_path)
            assert answers == []
        else:
            await CALLS[call](session, world, tmp_path)


@pytest.mark.parametrize(
    ("world", "id"),
    [(DJANGO, "999"), (FORTUNE, "post/99+="), (JSONAPI_SERVER, JSONAPI_SERVER.ids[0].replace("1", "9"))],
    ids=[world.name for world in REAL],
)
async def test_what_is_not_there_is_said_to_be_missing(urls: Callable[[World], str], world: World, id: str) -> None:
    async with session_on(urls, world) as session:
        with pytest.raises(NotFound):
            await session.get(world.listed, id)
        with pytest.raises(BulkError) as caught:
            await session.get_many(world.listed, [world.ids[0], id])

    assert [type(error) for error in caught.value.exceptions] == [NotFound]


async def test_a_relationship_to_one_of_several_types_gives_what_it_leads_to(urls: Callable[[World], str]) -> None:
    async with session_on(urls, DJANGO) as session:
        authors = await session.list(DjangoAuthor)
        lazy = [await author.current_project for author in authors]
        included = [
            await author.current_project for author in await session.list(DjangoAuthor, include="current_project")
        ]

    assert lazy == included
    assert [type(project).__name__ for project in lazy] == ["ResearchProject", "ArtProject", "ResearchProject"]


async def test_a_list_of_several_types_gives_each_in_its_own_class(urls: Callable[[World], str]) -> None:
    async with session_on(urls, DJANGO) as session:
        projects = await session.list("Project", sort="id")
        one = await session.get("Project", projects[0].id)
        read = {project.id async for project in session.list("Project", page_size=1)}

    assert {type(project).__name__ for project in projects} == {"ArtProject", "ResearchProject"}
    assert type(one) is type(projects[0])
    assert read == {project.id for project in projects}


async def test_parents_that_the_server_gives_by_id_are_asked_for_together(urls: Callable[[World], str]) -> None:
    answers: list[Answered] = []
    hooks = Hooks(answered=lambda _, answered: answers.append(answered))
    async with session_on(urls, DJANGO, hooks=hooks) as session:
        await session.get_many(DJANGO.listed, DJANGO.ids)

    assert len(answers) == 1


async def test_a_related_list_that_is_shorter_than_its_linkage_is_told_of(
    urls: Callable[[World], str], caplog: pytest.LogCaptureFixture
) -> None:
    """Fortune.js cuts it at the most that a page holds, and gives neither a count nor a link to the rest."""
    paging = Offsets("page[offset]", size="page[limit]", most=10)
    world = attrs.evolve(FORTUNE, service=attrs.evolve(FORTUNE.service, root="cut", paging=paging))
    async with session_on(urls, world) as session:
        post = await session.get(world.listed, world.ids[0])
        found = [comment.id async for comment in getattr(post, world.to_many.name)]
        included = await session.get(world.listed, world.ids[0], include=[world.to_many.name])

    assert len(found) == 10
    assert "gave 10 records, and linkage names 12" in caplog.text
    assert await targets_of(getattr(included, world.to_many.name)) == world.to_many.targets


async def test_an_id_with_a_slash_is_followed_by_the_links_of_the_server(urls: Callable[[World], str]) -> None:
    async with session_on(urls, FORTUNE) as session:
        post = await session.get(FORTUNE.listed, "post/07+=")
        author = await getattr(post, FORTUNE.to_one.name)
        link = post.links.self
        assert link is not None
        document = await session.request(link.href)

    assert author.id == "author 2"
    assert "%2F" in link.href
    assert getattr(document.data, "id", None) == "post/07+="
