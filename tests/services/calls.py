"""What a session can be asked, and what has to come of it: one table, against any service.

Each check asks through the public names alone, and is told by a `World` what the server holds.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

from commercelayer_async import BulkError, ConfigurationError, Exported, Fetched, Session, export
from commercelayer_async.jsonapi import Resource
from commercelayer_async.service import Service
from tests.support.exports import interrupt


@attrs.frozen(kw_only=True)
class Related:
    """A relationship of one resource, and the ids that it leads to."""

    owner: type[Resource]
    id: str
    name: str
    """As a field of the class."""
    targets: tuple[str, ...]
    is_cut: bool = False
    """Whether a document has but a part of it, also where it is included."""
    others: tuple[str, ...] = ()
    """Ids of further owners, whose relationship can be prefetched too."""


@attrs.frozen(kw_only=True)
class World:
    """A service, and what a server of it holds."""

    name: str
    service: Service
    classes: tuple[type[Resource], ...]
    listed: type[Resource]
    ids: tuple[str, ...]
    """Those of all resources that the class of `listed` has, in the order of a list."""
    page_size: int | None
    """A size with which the list has several pages; None where it cannot be chosen."""
    to_one: Related
    to_many: Related
    sort: str
    sorted: tuple[str, ...]
    filter: Mapping[str, Any]
    filtered: tuple[str, ...]
    cannot: Mapping[str, str] = {}
    """By call, why it is refused."""

    def cell(self, call: str) -> str:
        """What the documentation says of a call."""
        if call in self.cannot:
            return f"cannot: {self.cannot[call]}"
        return "of what is not cut" if call == "prefetch" and self.to_many.is_cut else "yes"


Check = Callable[[Session, World, Path], Awaitable[None]]


async def get(session: Session, world: World, folder: Path) -> None:
    for id in (world.ids[0], world.ids[-1]):
        resource = await session.get(world.listed, id)

        assert (resource.type, resource.id) == (world.listed.type, id)
        assert resource.raw_attributes


async def include(session: Session, world: World, folder: Path) -> None:
    for related in (world.to_one, world.to_many):
        owner = await session.get(related.owner, related.id, include=[related.name])
        relationship = getattr(owner, related.name)

        assert relationship.loaded is not related.is_cut
        assert await targets_of(relationship) == related.targets


async def to_one(session: Session, world: World, folder: Path) -> None:
    owner = await session.get(world.to_one.owner, world.to_one.id)
    relationship = getattr(owner, world.to_one.name)

    assert not relationship.loaded
    assert ids_of(await relationship) == world.to_one.targets
    assert relationship.loaded


async def to_many(session: Session, world: World, folder: Path) -> None:
    owner = await session.get(world.to_many.owner, world.to_many.id)
    relationship = getattr(owner, world.to_many.name)

    assert tuple([target.id async for target in relationship]) == world.to_many.targets
    assert tuple([target.id async for page in relationship.pages() for target in page.items]) == world.to_many.targets
    first = ids_of(await relationship)
    assert first == world.to_many.targets[: len(first)]
    assert first


async def list_(session: Session, world: World, folder: Path) -> None:
    """Where nothing is asked, the order is the service's."""
    assert sorted([one.id async for one in session.list(world.listed)]) == sorted(world.ids)
    pages = [page async for page in session.list(world.listed, sort=world.sort, page_size=world.page_size).pages()]
    assert tuple(one.id for page in pages for one in page.items) == world.sorted
    assert len(pages) > 1
    rest = session.list(world.listed, sort=world.sort, page_size=world.page_size, start_from=pages[0].cursor)
    assert tuple([one.id async for one in rest]) == world.sorted[len(pages[0].items) :]


async def sort(session: Session, world: World, folder: Path) -> None:
    found = [one.id async for one in session.list(world.listed, sort=world.sort, page_size=world.page_size)]

    assert tuple(found) == world.sorted


async def filter_(session: Session, world: World, folder: Path) -> None:
    found = [one.id async for one in session.list(world.listed, filter=world.filter, page_size=world.page_size)]

    assert tuple(found) == world.filtered


async def count(session: Session, world: World, folder: Path) -> None:
    assert await session.list(world.listed).count() == len(world.ids)
    assert await session.list(world.listed, filter=world.filter).count() == len(world.filtered)


async def scan(session: Session, world: World, folder: Path) -> None:
    scanned = session.scan(world.listed, page_size=world.page_size)
    first = [(await anext(aiter(scanned))).id]
    assert first == [world.ids[0]]
    whole = session.scan(world.listed, page_size=world.page_size)
    assert tuple([one.id async for one in whole]) == world.ids


async def stream(session: Session, world: World, folder: Path) -> None:
    async with session.stream(world.listed, [*world.ids, world.ids[0]]) as outcomes:
        found = [outcome async for outcome in outcomes]

    assert all(isinstance(one, Fetched) for one in found)
    assert sorted(one.id for one in found) == sorted([*world.ids, world.ids[0]])


async def get_many(session: Session, world: World, folder: Path) -> None:
    backwards = world.ids[::-1]

    assert ids_of(await session.get_many(world.listed, backwards)) == backwards


async def prefetch(session: Session, world: World, folder: Path) -> None:
    """What is cut where it is included too cannot be had for many at once, and the error says what can be done."""
    for related in (world.to_one, world.to_many):
        owners = [await session.get(related.owner, id) for id in (related.id, *related.others)]
        if related.is_cut:
            with pytest.raises(BulkError, match="iterate over the relationship instead"):
                await session.prefetch(owners, related.name)
        else:
            await session.prefetch(owners, related.name)
            assert all(getattr(owner, related.name).loaded for owner in owners)
        assert await targets_of(getattr(owners[0], related.name)) == related.targets


async def export_(session: Session, world: World, folder: Path) -> None:
    done = await export(session, world.listed, folder / "all.jsonl")

    assert exported(done) == world.ids


async def resume(session: Session, world: World, folder: Path) -> None:
    await interrupt(session, world.listed, folder / "all.jsonl")
    done = await export(session, world.listed, folder / "all.jsonl", resume=True)

    assert exported(done) == world.ids


async def targets_of(relationship: Any) -> tuple[str, ...]:
    """The ids of all resources that a relationship leads to."""
    if relationship.to_many:
        return tuple([target.id async for target in relationship])
    return ids_of(await relationship)


def ids_of(found: Any) -> tuple[str, ...]:
    """The ids of one resource or several."""
    return tuple(one.id for one in found) if isinstance(found, tuple) else (found.id,)


def exported(done: Exported) -> tuple[str, ...]:
    """The ids in an exported file, in its order."""
    return tuple(json.loads(line)["data"]["id"] for line in Path(done.path).read_text().splitlines())


CALLS: Final[Mapping[str, Check]] = {
    "get": get,
    "include": include,
    "lazy to-one": to_one,
    "lazy to-many": to_many,
    "list": list_,
    "sort": sort,
    "filter": filter_,
    "count": count,
    "scan": scan,
    "stream": stream,
    "get_many": get_many,
    "prefetch": prefetch,
    "export": export_,
    "resume": resume,
}
"""The columns of the table."""


async def refused(call: str, session: Session, world: World, folder: Path) -> None:
    """Make a call that the service has no way for, which must say so."""
    with pytest.raises(ConfigurationError) as caught:
        await CALLS[call](session, world, folder)

    assert world.cannot[call] in str(caught.value)
