"""Exports of lists that cannot be cut by ids: cut by the moment of creation, and every record once all the same."""

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


def test_a_moment_with_more_records_than_a_partition_is_one_partition(client, world: Sandbox, folder: Path) -> None:
    """An import gives thousands of records one moment; its neighbours are cut as any others."""
    together = list(world.world.wallet_ids())[50 : 50 + 2 * PART]
    for id in together:
        world.world.change(WALLET, id, created_at="2024-02-29T23:59:59.999Z")

    report = export(client, folder)

    assert sorted(ids_in(folder)) == sorted(world.world.wallet_ids())
    (full,) = [one for one in report.partitions if one.records > PART]
    assert full.records >= len(together)
    assert report.differences == ()


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
