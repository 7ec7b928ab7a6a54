"""Clusters for the tests: one of processes, which costs seconds to start, and one in this process."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dask
import pytest
from distributed import Client, LocalCluster

from commercelayer_async.sandbox import Sandbox

WALLETS = 400


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            # Releases of dask and pyarrow say so of how they use pandas, where it is newer than they are.
            item.add_marker(pytest.mark.filterwarnings("ignore::DeprecationWarning"))
        if "processes" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="module")
def world(commercelayer_sandbox_factory: Callable[..., Sandbox]) -> Sandbox:
    """The sandbox that the clusters of a module read."""
    return commercelayer_sandbox_factory(wallets=WALLETS)


@pytest.fixture(scope="module")
def environment(world: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the workers find in their environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMMERCELAYER_ORGANIZATION", world.url)
        patch.setenv("COMMERCELAYER_ACCESS_TOKEN", world.access_token)
        patch.setenv("OTHER_TOKEN", "eyJhbGciOiJub25lIn0.eyJ0ZXN0Ijp0cnVlLCJzY29wZSI6Im1hcmtldDphbGwifQ.")
        patch.setenv("FATAL_PARTITIONS", str(tmp_path_factory.mktemp("fatal") / "partitions"))
        yield


@pytest.fixture(scope="module")
def client(environment: None) -> Iterator[Any]:
    """A client of two workers in this process."""
    yield from _client(processes=False)


@pytest.fixture(scope="module")
def processes(environment: None) -> Iterator[Any]:
    """A client of two workers in processes of their own, whose every death counts as one too many."""
    yield from _client(processes=True)


def _client(*, processes: bool) -> Iterator[Any]:
    # A port of its own: without an address it is one that all clusters of a machine want, on every interface.
    with (
        dask.config.set(
            {
                "distributed.scheduler.allowed-failures": 0,
                # A cluster of its own machine gives a worker up that is not there this long after a death, though it
                # is about to start again after a later one.
                "distributed.deploy.lost-worker-timeout": "1 hour",
            }
        ),
        LocalCluster(
            n_workers=2, threads_per_worker=2, processes=processes, dashboard_address="127.0.0.1:0"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a data set, which is not there yet."""
    return tmp_path / "wallets"
