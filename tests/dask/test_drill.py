"""The drill: workers and the scheduler killed again and again, and in the end every record is there once."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from distributed import Client

from commercelayer_async import ExportError
from commercelayer_async import dask as cl_dask
from commercelayer_async.resources import CustomerPaymentSource
from commercelayer_async.sandbox import Sandbox
from tests.dask.data_sets import ids_in

WALLETS = int(os.environ.get("DASK_DRILL_WALLETS", "20000"))
SCHEDULER = """
from distributed import LocalCluster
import sys

if __name__ == "__main__":
    options = {"n_workers": 4, "threads_per_worker": 2, "dashboard_address": "127.0.0.1:0", "silence_logs": "CRITICAL"}
    with LocalCluster(**options) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


@contextmanager
def cluster(environment: dict[str, str]) -> Iterator[tuple["subprocess.Popen[str]", Client]]:
    """A scheduler with its workers in a process of its own, and a client of it."""
    with subprocess.Popen(
        [sys.executable, "-c", SCHEDULER],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            with Client(process.stdout.readline().strip(), timeout="20s") as client:
                yield process, client
        finally:
            process.kill()


@contextmanager
def killing_workers(client: Client, killed: list[int], every: float) -> Iterator[None]:
    """Kill a worker every few seconds while the block runs."""
    stop = threading.Event()

    def kill() -> None:
        while not stop.wait(every):
            try:
                pids = list(client.run(os.getpid).values())
                os.kill(pids[len(killed) % len(pids)], signal.SIGKILL)
                killed.append(pids[0])
            except (OSError, ValueError, IndexError):
                continue

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.slow
def test_workers_and_the_scheduler_die_and_nothing_is_lost_or_doubled(
    commercelayer_sandbox_factory: Callable[..., Sandbox], tmp_path: Path
) -> None:
    sandbox = commercelayer_sandbox_factory(wallets=WALLETS)
    environment = {
        **os.environ,
        "COMMERCELAYER_ORGANIZATION": sandbox.url,
        "COMMERCELAYER_ACCESS_TOKEN": sandbox.access_token,
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    folder = tmp_path / "wallets"
    options: dict[str, Any] = {
        "include": ["customer"],
        "session": "tests.dask.sessions:unlimited",
        "rows_per_partition": max(100, WALLETS // 60),
        "resume": True,
    }
    killed: list[int] = []

    with cluster(environment) as (process, client):
        written = 0

        def kill_the_scheduler(_progress: object) -> None:
            nonlocal written
            written += 1
            if written == 20:
                process.kill()

        with killing_workers(client, killed, every=2.0), pytest.raises(ExportError, match="resume=True"):
            cl_dask.export(client, CustomerPaymentSource, folder, on_progress=kill_the_scheduler, **options)
    with cluster(environment) as (_, client), killing_workers(client, killed, every=2.0):
        report = cl_dask.export(client, CustomerPaymentSource, folder, **options)

    found = ids_in(folder)
    assert len(found) == len(set(found)) == report.records == WALLETS
    assert set(found) == set(sandbox.world.wallet_ids())
    assert report.resumed_partitions >= 20
    assert killed
