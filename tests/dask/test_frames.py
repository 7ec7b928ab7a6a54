"""Frames whose partitions are read when they are computed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask
import dask.dataframe
import pandas as pd
import pytest

from commercelayer_async import ConfigurationError
from commercelayer_async import dask as cl_dask
from commercelayer_async.resources import CustomerPaymentSource
from commercelayer_async.sandbox import Sandbox

UNLIMITED = "tests.dask.sessions:unlimited"


@pytest.fixture(scope="module")
def world(commercelayer_sandbox_factory: Callable[..., Sandbox]) -> Sandbox:
    return commercelayer_sandbox_factory(wallets=30)


def frame_of(client: Any, /, **options: Any) -> Any:
    given: dict[str, Any] = {"partitions": 3, "session": UNLIMITED, "client": client, **options}
    return cl_dask.read(given.pop("cls", CustomerPaymentSource), **given)


def test_nothing_is_asked_before_it_is_computed_and_then_every_record_once(client, world: Sandbox) -> None:
    before = len(world.requests)
    frame = frame_of(client, include=["customer"])
    assert len(world.requests) == before

    found = frame.compute()

    assert frame.npartitions == 3
    assert sorted(found["id"]) == sorted(world.world.wallet_ids())
    assert list(found.dtypes.items()) == list(frame.dtypes.items())
    assert found["customer.email"].str.contains("@").all()


def test_it_is_the_frame_of_the_files_that_an_export_writes(client, folder: Path) -> None:
    found = frame_of(client).compute().reset_index(drop=True)
    report = cl_dask.export(client, CustomerPaymentSource, folder, rows_per_partition=20, session=UNLIMITED)

    pd.testing.assert_frame_equal(found, dask.dataframe.read_parquet(report.data).compute().reset_index(drop=True))


def test_more_partitions_than_records_are_partitions_without_rows(client, world: Sandbox) -> None:
    first = min(world.world.wallet_ids())
    frame = frame_of(client, filter={"id_in": [first]})

    lengths = frame.map_partitions(len).compute()

    assert (sorted(lengths), list(frame.compute()["id"])) == ([0, 0, 1], [first])


@pytest.mark.filterwarnings("ignore:Running on a single-machine scheduler")
def test_without_a_cluster_it_says_what_is_missing(client) -> None:
    frame = frame_of(client)

    with pytest.raises(ConfigurationError, match=r"needs the workers of a Dask cluster"):
        frame.compute(scheduler="threads")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"cls": "customer_payment_sources"}, "cls must be a resource class"),
        ({"partitions": 0}, "partitions must be a whole number from 1"),
        ({"client": object()}, r"client must be a distributed\.Client"),
        ({"include": ["custmer"]}, "did you mean 'customer'"),
    ],
)
def test_a_mistake_is_named_before_anything_is_asked(client, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        frame_of(client, **options)
