"""A service that is strict about a slash at the end: its redirect is followed once, remembered, and nothing else is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercelayer_async import LinkRefused, NotFound, RateLimits, Retry, Session
from commercelayer_async._http.redirects import slash_asked_for, with_slash
from commercelayer_async.service import Service
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer, ThinkingServer

ONCE: dict[str, Any] = {"retry": Retry.never(), "limits": RateLimits.none(), "service": Service(root="v2")}
URL = "https://tasks.example"


def task(target: str) -> bytes:
    return reply({"data": {"type": "tasks", "id": target.partition("?")[0].rstrip("/").rpartition("/")[2]}})


def moved(location: str, status: int = 301) -> bytes:
    return reply(b"", status=status, headers={"Location": location})


def strict(target: str, *, slash: bool, status: int = 301) -> bytes:
    """What a server says that has its paths in one form alone."""
    path, _, query = target.partition("?")
    if path.endswith("/") == slash:
        return task(target)
    other = path.rstrip("/") + ("/" if slash else "")
    return moved(f"{other}?{query}" if query else other, status)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("slash", [True, False])
async def test_a_redirect_that_differs_in_a_slash_is_followed_and_remembered(slash: Any, status: int) -> None:
    def think(target: str) -> bytes:
        return strict(target, slash=slash, status=status)

    service = Service(root="v2", slash=not slash)
    async with ThinkingServer(think) as server, Session(server.url, None, **ONCE | {"service": service}) as session:
        found = await session.get("tasks", "1", include="owner")
        for id in ("2", "3"):
            assert (await session.with_options(timeout=5.0).get("tasks", id)).id == id
        old, new = ("/", "") if not slash else ("", "/")
        assert server.paths == [
            f"/v2/tasks/1{old}?include=owner",
            f"/v2/tasks/1{new}?include=owner",
            f"/v2/tasks/2{new}",
            f"/v2/tasks/3{new}",
        ]
        info = session.response_of(found)
        assert info is not None
        assert info.tries == 2


async def test_lists_and_resources_may_differ_in_form() -> None:
    def think(target: str) -> bytes:
        return strict(target, slash=target.count("/") >= 3 and not target.startswith("/v2/tasks/?"))

    async with ThinkingServer(think) as server, Session(server.url, None, **ONCE) as session:
        for _ in range(2):
            await session.get("tasks", "1")
            await session.request("/tasks?x=1")
        assert server.paths == ["/v2/tasks/1", "/v2/tasks/1/", "/v2/tasks?x=1", "/v2/tasks/1/", "/v2/tasks?x=1"]


async def test_a_redirect_counts_in_the_rate_limit() -> None:
    limits = RateLimits(average=(100, 60.0), burst=None)

    def think(target: str) -> bytes:
        return strict(target, slash=True)

    async with ThinkingServer(think) as server, Session(server.url, None, **ONCE | {"limits": limits}) as session:
        await session.get("tasks", "1")
        assert session.rate_limits.remaining == 98


async def test_a_server_that_redirects_back_and_forth_ends_the_call() -> None:
    def think(target: str) -> bytes:
        return moved(target.rstrip("/") if target.endswith("/") else f"{target}/")

    async with ThinkingServer(think) as server, Session(server.url, None, **ONCE) as session:
        for _ in range(2):
            with pytest.raises(LinkRefused, match=r"redirects \(301\) are not followed"):
                await session.get("tasks", "1")
        assert server.paths == ["/v2/tasks/1", "/v2/tasks/1/"] * 2


async def test_a_redirect_that_was_wrong_is_not_remembered() -> None:
    def think(target: str) -> bytes:
        if target.startswith("/v2/tasks/gone"):
            return reply(b"", status=404) if target.endswith("/") else moved(f"{target}/")
        return task(target)

    async with ThinkingServer(think) as server, Session(server.url, None, **ONCE) as session:
        with pytest.raises(NotFound):
            await session.get("tasks", "gone")
        await session.get("tasks", "1")
        assert server.paths[-1] == "/v2/tasks/1"


@pytest.mark.parametrize(
    "location",
    [
        "/v2/tasks/2/",
        "/v2/tasks/1/?x=1",
        "/v2/tasks/1//",
        "/v2/tasks/1",
        "//evil.example/v2/tasks/1/",
        "https://evil.example/v2/tasks/1/",
        "http://user@{host}/v2/tasks/1/",
        "https://{host}/v2/tasks/1/",
        "/v2/tasks/1/#x",
        "http://[/",
        "/v2/Tasks/1/",
    ],
)
async def test_every_other_redirect_is_refused(location: str) -> None:
    async with ScriptedServer(task("1")) as server:
        server._responses[:] = [moved(location.format(host=f"127.0.0.1:{server.port}")), task("1")]
        async with Session(server.url, None, **ONCE) as session:
            with pytest.raises(LinkRefused):
                await session.get("tasks", "1")
        assert len(server.requests) == 1


@pytest.mark.parametrize("status", [300, 303, 304, 305])
async def test_other_statuses_are_no_redirects_to_the_same(status: int) -> None:
    async with ScriptedServer(moved("/v2/tasks/1/", status), task("1")) as server:
        async with Session(server.url, None, **ONCE) as session:
            with pytest.raises(LinkRefused):
                await session.get("tasks", "1")
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "location",
    [
        "{url}/v2/tasks/a%2fb/?page%5bn%5D=2&x=",
        "/v2/tasks/a%2Fb/?page[n]=2&x=",
        "a%2Fb/?page%5Bn%5D=2&x=",
        "?page%5Bn%5D=2&x=",
    ],
)
def test_a_location_may_be_written_in_any_way(location: str) -> None:
    target = "/v2/tasks/a%2Fb?page%5Bn%5D=2&x="
    asked = slash_asked_for(301, {"Location": location.format(url=URL)}, origin=URL, target=target)

    assert asked is (None if location.startswith("?") else True)


@given(st.text(), st.sampled_from(["/v2/tasks", "/v2/tasks/", "/", "/v2/tasks?x=/"]))
def test_whatever_a_location_says_nothing_but_a_slash_comes_of_it(location: str, target: str) -> None:
    asked = slash_asked_for(301, {"Location": location}, origin=URL, target=target)

    if asked is not None:
        assert with_slash(target, asked).replace("/", "") == target.replace("/", "")
