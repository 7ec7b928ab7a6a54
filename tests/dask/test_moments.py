"""Exports of lists that cannot be cut by ids: cut by the moment of creation, and every record once all the same."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from commercelayer_async import ConfigurationError
from commercelayer_async import dask as cl_dask
from commercelayer_async.resources import CustomerPaymentSource
from commercelayer_async.sandbox import Sandbox
from tests.dask.data_sets import ids_in, manifest_of
from tests.dask.test_export import stop_after

WALLET = "customer_payment_sources"
PART = 60


def export(client: Any, to: Path, **options: Any) -> cl_dask.Report:
    given: dict[str, Any] = {
        "rows_per_partition": PART,
        "session": "tests.dask.other_services:unplaced",
        "resume": True,
        **options,
    }
    return cl_dask.export(client, CustomerPaymentSource, to, **given)


def created(world: Sandbox) -> dict[str, datetime]:
    """When each wallet was created."""
    found = {id: world.world.get(WALLET, id) for id in world.world.wallet_ids()}
    return {id: datetime.fromisoformat(str(one.attributes["created_at"])) for id, one in found.items() if one}


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_every_record_is_there_once_and_the_report_says_until_when(client, world: Sandbox, folder: Path) -> None:
    report = export(client, folder)

    assert sorted(ids_in(folder)) == sorted(world.world.wallet_ids())
    assert report.differences == ()
    assert report.counted_at_start == report.counted_at_end == report.records
    assert all(one.records <= PART for one in report.partitions)
    assert len(report.partitions) < 2 * report.records / PART + 1
    # What is counted: the whole, both sides of its end, and the left half of each cut.
    assert len(report.partitions) <= report.planning_requests < 40
    assert manifest_of(folder)["until"] == report.until
    assert report.until is not None
    assert timedelta(seconds=9) < datetime.now(UTC) - datetime.fromisoformat(report.until) < timedelta(seconds=60)


def test_what_was_stopped_goes_on_by_the_moments_of_its_plan(
    client, world: Sandbox, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        with pytest.raises(KeyboardInterrupt):
            export(client, folder)
    plan = (folder / "plan.json").read_bytes()

    report = export(client, folder)

    assert report.resumed_partitions >= 2
    assert sorted(ids_in(folder)) == sorted(world.world.wallet_ids())
    assert (folder / "plan.json").read_bytes() == plan


@pytest.fixture
def crowd(world: Sandbox) -> tuple[str, ...]:
    """Wallets of one moment, more than fit into a partition, as an import makes them."""
    ids = tuple(world.world.wallet_ids())[50 : 50 + 2 * PART]
    for id in ids:
        world.world.change(WALLET, id, created_at="2024-02-29T23:59:59.999Z")
    return ids


def test_a_moment_with_more_records_than_a_partition_is_cut_by_their_ids(
    client, world: Sandbox, folder: Path, crowd: tuple[str, ...]
) -> None:
    report = export(client, folder)

    assert sorted(ids_in(folder)) == sorted(world.world.wallet_ids())
    assert all(one.records <= PART for one in report.partitions)
    assert [one.number for one in report.partitions] == list(range(len(report.partitions)))
    assert report.differences == ()


def test_an_export_goes_on_by_the_ids_of_its_plan(
    client, world: Sandbox, folder: Path, crowd: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        with pytest.raises(KeyboardInterrupt):
            export(client, folder)
    plan = json.loads((folder / "plan.json").read_bytes())

    report = export(client, folder)

    (ids,) = plan["crowds"].values()
    assert set(crowd) <= set(ids)
    assert report.resumed_partitions >= 2
    assert sorted(ids_in(folder)) == sorted(world.world.wallet_ids())
    assert all(one.records <= PART for one in report.partitions)


def test_records_of_a_crowd_that_are_deleted_after_the_plan_are_named(
    client, world: Sandbox, folder: Path, crowd: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("commercelayer_async._dask.run.Run.write", stop)
        with pytest.raises(KeyboardInterrupt):
            export(client, folder)
    world.world.delete_wallets(*crowd[:3])

    report = export(client, folder)

    assert sorted(ids_in(folder)) == sorted(world.world.wallet_ids())
    (difference,) = report.differences
    assert difference.startswith(
        f"3 records fewer than the {report.records + 3} that the service counted when the plan"
    )


@pytest.mark.parametrize("session", ["unplaced", "one_by_one"])
def test_a_moment_is_one_partition_where_some_of_it_cannot_be_asked_for(
    client, world: Sandbox, folder: Path, crowd: tuple[str, ...], session: str
) -> None:
    """As the caller's filter asks for ids itself, or as the service takes none."""
    asked = {"id_in": crowd} if session == "unplaced" else None

    report = export(client, folder, session=f"tests.dask.other_services:{session}", filter=asked)

    assert set(crowd) <= set(ids_in(folder))
    assert len(ids_in(folder)) == report.records == report.counted_at_end
    assert max(one.records for one in report.partitions) >= len(crowd)


def test_what_is_created_after_the_plan_is_named_and_not_in_it(
    client, world: Sandbox, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also what is created while it is read: nothing can come into a range that is past."""

    def create_now(count: int) -> list[str]:
        created = list(world.world.create_wallets(count))
        for id in created:
            world.world.change(WALLET, id, created_at=now())
        return created

    late = create_now(2)
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        with pytest.raises(KeyboardInterrupt):
            export(client, folder)
    late += create_now(1)

    report = export(client, folder)
    world.world.delete_wallets(*late)

    assert sorted(ids_in(folder)) == sorted(world.world.wallet_ids())
    assert report.differences[-1] == (
        f"3 records were created from {report.until} on, after the plan was made, and are not in it"
    )


@pytest.mark.parametrize("written", [str, datetime.fromisoformat])
def test_a_filter_by_the_same_moment_is_narrowed_and_never_widened(
    client, world: Sandbox, folder: Path, written: Any
) -> None:
    """One export goes on where another ended."""
    moments = created(world)
    first, second = "2024-01-01T00:00:00.000500Z", "2025-02-03T04:05:06.789Z"
    begin, end = datetime.fromisoformat(first), datetime.fromisoformat(second)

    report = export(client, folder, filter={"created_at_gteq": written(first), "created_at_lt": written(second)})

    assert sorted(ids_in(folder)) == sorted(id for id, moment in moments.items() if begin <= moment < end)
    assert report.records > PART
    assert report.differences == ()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"session": "tests.dask.other_services:uncounted"}, "nor by the moment of creation, as they are not counted"),
        ({"session": "tests.dask.other_services:undated"}, "Undated declares no moment of creation"),
        ({"filter": {"created_at_lt": "yesterday"}}, "it has to be an aware datetime"),
        ({"filter": {"created_at_gteq": "2024-01-01T00:00:00"}}, "it has to be an aware datetime"),
    ],
)
def test_what_cannot_be_cut_is_refused_and_leaves_nothing_behind(
    client, folder: Path, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        export(client, folder, **options)

    assert said in str(caught.value)
    assert not folder.exists()


@pytest.mark.parametrize("parts", [1, 3, 7])
def test_a_frame_is_cut_so_too(client, world: Sandbox, parts: int) -> None:
    frame = cl_dask.read(
        CustomerPaymentSource, partitions=parts, session="tests.dask.other_services:unplaced", client=client
    )

    assert frame.npartitions == parts
    assert sorted(frame.compute()["id"]) == sorted(world.world.wallet_ids())
