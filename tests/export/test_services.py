"""Exports of services that walk, filter and count in other ways than Commerce Layer, on scripted servers."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

import attrs
import pytest

from commercelayer_async import AccessToken, ConfigurationError, DecodeError, RateLimits, Session, export
from commercelayer_async.jsonapi import Resource
from commercelayer_async.service import ByAttribute, Calls, Conditions, Cursor, Keyset, Offsets, Service
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer


@attrs.frozen(kw_only=True)
class Task(Resource):
    type: ClassVar[str] = "task"
    title: str | None = None


WALKED = Service(
    root="v1",
    paging=Cursor("page[cursor]", is_exact=True),
    total="meta.total",
    filters=Calls(),
    resources=lambda: [Task],
)
KEYED = Service(keyset=Keyset("id", "gt"), filters=ByAttribute())


def tasks(*ids: object) -> list[dict[str, Any]]:
    return [{"type": "task", "id": str(id), "attributes": {"title": f"Task {id}"}} for id in ids]


def session_on(server: ScriptedServer, service: Service) -> Session:
    return Session(server.url, AccessToken("secret"), service=service, limits=RateLimits.none())


def ids_in(path: Path) -> list[str]:
    return [json.loads(line)["data"]["id"] for line in path.read_text().splitlines()]


class Walk(ScriptedServer):
    """A list that is walked by its cursor: pages by the name of their cursor, each with that of the next."""

    def __init__(self, pages: Mapping[str, tuple[tuple[object, ...], Any]]) -> None:
        super().__init__()
        self.pages = dict(pages)

    async def reply_to(self, target: str) -> bytes | None:
        cursor = dict(parse_qsl(urlsplit(target).query)).get("page[cursor]", "")
        ids, following = self.pages[cursor]
        next = following if following is None or "/" in following else f"/v1/task?page%5Bcursor%5D={following}"
        return reply({"data": tasks(*ids), "meta": {"total": 5}, "links": {"next": next}})


PAGES: Mapping[str, tuple[tuple[object, ...], Any]] = {
    "": ((1, 2), "b"),
    "b": ((), "c"),
    "c": ((3, 3), "d"),
    "d": ((4, 5), None),
}


async def test_a_list_that_is_walked_by_cursors_is_written_whole_and_once(tmp_path: Path) -> None:
    """Pages may be empty before the end, and a record that comes again is written once."""
    totals: list[int | None] = []
    again: Mapping[str, tuple[tuple[object, ...], Any]] = {**PAGES, "c": ((2, 3, 3), "d")}
    async with Walk(again) as server, session_on(server, WALKED) as session:
        done = await export(session, "task", tmp_path / "t.jsonl", on_progress=lambda one: totals.append(one.total))

    assert ids_in(tmp_path / "t.jsonl") == ["1", "2", "3", "4", "5"]
    assert done.records == 5
    assert totals == [5, 5, 5]
    assert done.description["organization"] == f"{server.url}/v1"
    assert done.description["api_version"] is None


@pytest.mark.parametrize("broken", ["b", "c", "d"])
@pytest.mark.parametrize("ending", ["jsonl", "csv"])
async def test_a_walk_by_cursors_resumes_behind_the_last_page_that_was_written(
    broken: str, ending: str, tmp_path: Path
) -> None:
    path = tmp_path / f"t.{ending}"
    async with Walk(PAGES) as whole, session_on(whole, WALKED) as session:
        await export(session, "task" if ending == "jsonl" else Task, tmp_path / f"whole.{ending}")
    async with Walk({**PAGES, broken: ((9,), "http://other.test/v1/task")}) as server:
        async with session_on(server, WALKED) as session:
            with pytest.raises(Exception, match="other"):
                await export(session, "task" if ending == "jsonl" else Task, path)
        server.pages = dict(PAGES)
        async with session_on(server, WALKED) as session:
            done = await export(session, "task" if ending == "jsonl" else Task, path, resume=True)

    assert path.read_bytes() == (tmp_path / f"whole.{ending}").read_bytes()
    assert done.resumptions == 1


async def test_a_first_page_that_leads_nowhere_counts_for_nothing(tmp_path: Path) -> None:
    """Its records would come again after a resumption, which begins with it."""
    async with Walk({"": ((1, 2), "/v1/task")}) as server:
        async with session_on(server, WALKED) as session:
            with pytest.raises(DecodeError, match="link back"):
                await export(session, "task", tmp_path / "t.jsonl")
        server.pages = dict(PAGES)
        async with session_on(server, WALKED) as session:
            await export(session, "task", tmp_path / "t.jsonl", resume=True)

    assert ids_in(tmp_path / "t.jsonl") == ["1", "2", "3", "4", "5"]


class Keyed(ScriptedServer):
    """A list that is filtered by what comes after an id; the third request is not answered as asked."""

    fails = True

    async def reply_to(self, target: str) -> bytes | None:
        after = int(dict(parse_qsl(urlsplit(target).query)).get("filter[id][gt]", "0"))
        if after >= 4 and self.fails:
            return reply({"errors": [{"status": "400", "title": "No"}]}, status=400)
        return reply({"data": tasks(*range(after + 1, min(after + 3, 8)))})


async def test_a_walk_by_keys_resumes_behind_the_last_record(tmp_path: Path) -> None:
    async with Keyed() as server, session_on(server, KEYED) as session:
        with pytest.raises(Exception, match="No"):
            await export(session, "task", tmp_path / "t.jsonl", filter={"title": {"like": "T"}})
        server.fails = False
        asked = len(server.paths)
        done = await export(session, "task", tmp_path / "t.jsonl", filter={"title": {"like": "T"}}, resume=True)

    assert ids_in(tmp_path / "t.jsonl") == [str(n) for n in range(1, 8)]
    assert all("gt" in path for path in server.paths[asked:])
    assert done.description["filter"] == {"filter[title][like]": "T"}


async def test_parameters_of_a_filter_that_repeat_are_all_described(tmp_path: Path) -> None:
    service = Service(paging=Cursor("page[cursor]", is_exact=True), filters=Conditions())
    async with ScriptedServer(reply({"data": tasks(1)})) as server, session_on(server, service) as session:
        done = await export(session, "task", tmp_path / "t.jsonl", filter={"title": {"IN": ["b", "a"]}})

    assert ["b", "a"] in done.description["filter"].values()


@pytest.mark.parametrize("service", [Service(), Service(paging=Offsets("page[offset]", size="page[limit]"))])
async def test_what_cannot_be_walked_exactly_is_refused_before_anything_is_made(
    service: Service, tmp_path: Path
) -> None:
    async with ScriptedServer(reply({"data": []})) as server, session_on(server, service) as session:
        with pytest.raises(ConfigurationError, match="keyset"):
            await export(session, "task", tmp_path / "t.jsonl")

    assert server.paths == []
    assert not any(os.scandir(tmp_path))
