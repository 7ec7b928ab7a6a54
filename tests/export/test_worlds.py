"""One file holds one world: the mode, organization and owner that an export began with."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from commercelayer_async import (
    AccessToken,
    ConfigurationError,
    DecodeError,
    ExportExists,
    ExportMismatch,
    RateLimits,
    Retry,
    Session,
    SessionError,
    export,
)
from commercelayer_async._auth.principal import Principal, principal_of
from tests.support.documents import resource
from tests.support.exports import content, interrupt
from tests.support.responses import reply
from tests.support.scripted_server import ThinkingServer

PAGES = 3
ORGANIZATION = "WXlEOFrjnr"
APPLICATION = {"id": "app", "kind": "sales_channel", "client_id": "not-for-files"}


def token_of(**claims: Any) -> str:
    """A token with claims; nobody checks who signed it."""

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    given = {
        "organization": {"id": ORGANIZATION, "slug": "x"},
        "application": APPLICATION,
        "owner": {"type": "Customer", "id": "c1"},
        "scope": "market:all",
        "test": True,
        "rand": 0.5,
        **claims,
    }
    return f"{part({'alg': 'none'})}.{part(given)}.{part('signature')}"


def page_of(number: int, meta: Mapping[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    """A page of two records; an empty one behind the last."""
    own = {} if meta is None else {"meta": meta}
    ids = () if number >= PAGES else (f"{number}a", f"{number}b")
    return {"data": [resource("customers", id, **own) for id in ids], "meta": {}, **members}


class Records:
    """A server of records, whose pages a test may change; and a session on it."""

    def __init__(self) -> None:
        self.pages: dict[int, dict[str, Any]] = {number: page_of(number) for number in range(PAGES + 1)}
        self.server = ThinkingServer(self.answer)

    def answer(self, target: str) -> bytes:
        after = target.partition("id_gt%5D=")[2].partition("&")[0]
        return reply(self.pages[int(after[0]) + 1 if after else 0])

    def session(self, auth: Any = None, **claims: Any) -> Session:
        given = AccessToken(token_of(**claims)) if auth is None else auth
        return Session(self.server.url, given, limits=RateLimits.none(), retry=Retry.never())


@pytest.fixture
async def records() -> AsyncIterator[Records]:
    made = Records()
    async with made.server:
        yield made


@pytest.fixture
def interrupted(records: Records, tmp_path: Path) -> Callable[..., Any]:
    async def interrupting(session: Session) -> Path:
        async with session:
            path = await interrupt(session, "customers", tmp_path / "customers.jsonl")
        records.server.requests.clear()
        return path

    return interrupting


@pytest.mark.parametrize(
    ("claims", "differs"),
    [
        ({"test": False}, "mode"),
        ({"organization": {"id": "other"}}, "organization_id"),
        ({"owner": {"type": "Customer", "id": "c2"}}, "owner"),
        ({"owner": None}, "owner"),
        ({"owner": None, "user": {"id": "u1"}}, "owner"),
        ({"application": {"id": "app2", "kind": "sales_channel"}}, "application"),
        ({"scope": "market:b"}, "scope"),
    ],
)
async def test_an_export_is_not_resumed_with_another_ones_token(
    records: Records, interrupted: Callable[..., Any], tmp_path: Path, claims: dict[str, Any], differs: str
) -> None:
    path = await interrupted(records.session())
    before = content(tmp_path)

    async with records.session(**claims) as session:
        with pytest.raises(ExportMismatch, match=f"it differs in {differs}; overwrite it"):
            await export(session, "customers", path, resume=True)

    assert content(tmp_path) == before
    assert not records.server.requests


async def test_a_renewed_token_of_the_same_owner_resumes_it(
    records: Records, interrupted: Callable[..., Any], tmp_path: Path
) -> None:
    path = await interrupted(records.session(scope="market:a stock_location:b"))

    async with records.session(scope="stock_location:b market:a", rand=0.7, exp=5) as session:
        done = await export(session, "customers", path, resume=True)

    assert done.records == 2 * PAGES
    assert b"not-for-files" not in b"".join(content(tmp_path).values())


async def test_the_manifest_says_whose_it_is_and_holds_no_token(records: Records, tmp_path: Path) -> None:
    async with records.session() as session:
        done = await export(session, "customers", tmp_path / "customers.jsonl")

    manifest = json.loads(content(tmp_path)["_customers.jsonl.manifest.json"])
    assert done.manifest_path == str(tmp_path / "_customers.jsonl.manifest.json")
    assert manifest["mode"] == "test"
    assert manifest["organization_id"] == ORGANIZATION
    assert manifest["application"] == {"kind": "sales_channel", "id": "app"}
    assert manifest["owner"] == {"type": "Customer", "id": "c1"}
    assert token_of() not in json.dumps(manifest)


async def test_a_finished_export_is_not_taken_for_that_of_another_mode(records: Records, tmp_path: Path) -> None:
    async with records.session() as session:
        await export(session, "customers", tmp_path / "customers.jsonl")

    async with records.session(test=False) as session:
        with pytest.raises(ExportExists):
            await export(session, "customers", tmp_path / "customers.jsonl", resume=True)


async def test_no_request_is_sent_with_the_token_that_another_one_has_midway(records: Records, tmp_path: Path) -> None:
    given = [token_of(), token_of(), token_of(owner={"type": "Customer", "id": "c2"})]

    async def auth() -> str:
        return given.pop(0) if len(given) > 1 else given[0]

    async with records.session(auth) as session:
        with pytest.raises(
            ExportMismatch, match="it differs in owner; nothing was sent with it; resume it with"
        ) as caught:
            await export(session, "customers", tmp_path / "customers.jsonl")

    assert len(records.server.requests) == 1
    assert vars(caught.value)["kept"] == 2


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"meta": {"mode": "live"}}, "/data/0/meta/mode"),
        ({"meta": {"mode": "test", "organization_id": "other"}}, "/data/0/meta/organization_id"),
    ],
)
async def test_a_page_of_another_world_ends_it_before_a_byte_of_it_is_written(
    records: Records, tmp_path: Path, change: dict[str, Any], pointer: str
) -> None:
    records.pages[1] = page_of(1, **change)

    async with records.session() as session:
        with pytest.raises(ExportMismatch, match=f"records of another world came: {pointer} is"):
            await export(session, "customers", tmp_path / "customers.jsonl")

    part = content(tmp_path)[".customers.jsonl.part"]
    assert [json.loads(line)["data"]["id"] for line in part.splitlines()] == ["0a", "0b"]


async def test_the_documents_own_meta_and_what_is_included_count_too(records: Records, tmp_path: Path) -> None:
    stranger = resource("things", "t", meta={"mode": "live"})
    changes: list[dict[str, Any]] = [{"meta": {"mode": "live"}}, {"included": [stranger]}]
    for number, members in enumerate(changes):
        records.pages[0] = {**page_of(0), **members}
        async with records.session() as session:
            with pytest.raises(ExportMismatch, match="is 'live' where it was 'test'"):
                await export(session, "customers", tmp_path / f"{number}.jsonl")
        assert not content(tmp_path)


async def test_opaque_tokens_are_told_apart_by_the_pages(
    records: Records, interrupted: Callable[..., Any], tmp_path: Path
) -> None:
    for number in range(PAGES):
        records.pages[number] = page_of(number, {"mode": "test"})
    path = await interrupted(records.session(AccessToken("opaque")))
    for number in range(PAGES):
        records.pages[number] = page_of(number, {"mode": "live"})
    before = content(tmp_path)[".customers.jsonl.part"]

    async with records.session(AccessToken("opaque-too")) as session:
        with pytest.raises(ExportMismatch, match="another world"):
            await export(session, "customers", path, resume=True)

    assert content(tmp_path)[".customers.jsonl.part"] == before


@pytest.mark.parametrize("meta", [None, {}, {"mode": None}, {"mode": 5}, [], "odd", {"organization_id": ORGANIZATION}])
async def test_records_need_not_say_where_they_are_from(records: Records, tmp_path: Path, meta: Any) -> None:
    records.pages[1] = page_of(1, meta)
    records.pages[2]["included"] = None

    async with records.session() as session:
        done = await export(session, "customers", tmp_path / "customers.jsonl")

    assert done.records == 2 * PAGES


def test_whom_a_token_speaks_for_is_read_from_any_text() -> None:
    assert principal_of("opaque") == principal_of("a.b.c") == Principal()
    odd = token_of(test="yes", organization=5, application={"id": 5}, owner=[], scope=None)
    assert principal_of(odd) == Principal()


@pytest.mark.parametrize("at", [{"id": None}, {"type": 5}, {"id": ""}])
async def test_a_record_that_cannot_be_told_from_others_ends_it(records: Records, tmp_path: Path, at: Any) -> None:
    records.pages[1]["data"][0] |= at

    async with records.session() as session:
        with pytest.raises(DecodeError) as caught:
            await export(session, "customers", tmp_path / "customers.jsonl")

    assert vars(caught.value)["kept"] == 2


async def test_a_page_of_another_type_ends_it(records: Records, tmp_path: Path) -> None:
    records.pages[0]["data"][1]["type"] = "orders"

    async with records.session() as session:
        with pytest.raises(DecodeError, match="one of the customers asked for"):
            await export(session, "customers", tmp_path / "customers.jsonl")


@pytest.mark.parametrize("body", [{"errors": [{"title": "x"}], "data": []}, {"data": None}, {"data": {}}, {"meta": {}}])
async def test_what_is_not_a_list_ends_it(records: Records, tmp_path: Path, body: Any) -> None:
    records.pages[0] = body

    async with records.session() as session:
        with pytest.raises(DecodeError):
            await export(session, "customers", tmp_path / "customers.jsonl")


async def test_an_export_ends_with_its_session(records: Records, tmp_path: Path) -> None:
    session = records.session()
    await session.close()

    with pytest.raises(SessionError):
        await export(session, "customers", tmp_path / "customers.jsonl")
    with pytest.raises(ConfigurationError):
        await export(session, "event_stores", tmp_path / "customers.jsonl")
    assert not content(tmp_path)


async def test_a_session_that_is_closed_midway_keeps_what_was_read(records: Records, tmp_path: Path) -> None:
    session = records.session()
    closing = []

    def close(_progress: object) -> None:
        closing.append(asyncio.ensure_future(session.close()))

    with pytest.raises(SessionError) as caught:
        await export(session, "customers", tmp_path / "customers.jsonl", on_progress=close)
    await asyncio.gather(*closing)

    assert vars(caught.value)["kept"] >= 2
    async with records.session() as another:
        done = await export(another, "customers", tmp_path / "customers.jsonl", resume=True)
    assert done.records == 2 * PAGES


async def test_a_copy_of_a_session_exports_too(records: Records, tmp_path: Path) -> None:
    async with records.session() as session:
        copy = session.with_options(timeout=5)
        done = await export(copy, "customers", tmp_path / "customers.jsonl")
        await copy.close()
        with pytest.raises(SessionError):
            await export(copy, "customers", tmp_path / "again.jsonl")

    assert done.records == 2 * PAGES
