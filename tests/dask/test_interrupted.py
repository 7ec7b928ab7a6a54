"""Ctrl-C in the middle of partitions: workers stop soon, whatever a partition holds, and the export goes on later."""

import itertools
import os
import signal
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
from commercelayer_async.sandbox import Delay, Gate, Sandbox
from tests.dask.data_sets import ids_in

PATIENCE = 30.0


@contextmanager
def hung(world: Sandbox, *, after: int) -> Iterator[Callable[[], None]]:
    """Has all pages hang after so many; gives a function that waits until one does."""
    gate, waiting, pages = Gate(), threading.Event(), itertools.count()

    def hangs(request: Any) -> bool:
        found = "page%5Bsize%5D=25" in request.raw_path and next(pages) >= after
        if found:
            waiting.set()
        return found

    world.faults.add(Delay(until=gate), times=None, where=hangs)
    try:
        yield lambda: _require(waiting.wait(PATIENCE))
    finally:
        gate.open()
        world.faults.clear()


def _require(reached: bool) -> None:  # noqa: FBT001 - what a wait gives
    assert reached


def executing(dask_worker: Any) -> int:
    return len(dask_worker.state.executing) + len(dask_worker.state.ready)


def wait_until_idle(client: Any) -> None:
    """Wait until no worker runs a task; a page that hangs would keep it for ever."""
    done = threading.Event()

    def look() -> None:
        while any(client.run(executing).values()):
            pass
        done.set()

    threading.Thread(target=look, daemon=True).start()
    _require(done.wait(PATIENCE))


def export(client: Any, to: Path, **options: Any) -> cl_dask.Report:
    given: dict[str, Any] = {"session": "tests.dask.sessions:unlimited", "rows_per_partition": 100, **options}
    return cl_dask.export(client, CustomerPaymentSource, to, resume=True, **given)


def interrupt_when(wait: Callable[[], None]) -> None:
    def interrupt() -> None:
        wait()
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()


def test_ctrl_c_stops_workers_in_the_middle_of_a_page_and_says_how_to_go_on(
    client, world: Sandbox, folder: Path
) -> None:
    with hung(world, after=4) as wait:
        interrupt_when(wait)
        with pytest.raises(KeyboardInterrupt) as caught:
            export(client, folder)
        wait_until_idle(client)
        (note,) = caught.value.__notes__
    report = export(client, folder)

    assert "export again with resume=True" in note
    assert sorted(ids_in(folder)) == sorted(world.world.wallet_ids())
    assert report.resumed_partitions == 0


def test_what_a_callers_own_part_raises_in_a_thread_stops_them_too(client, world: Sandbox, folder: Path) -> None:
    """As a cell of a notebook may run in a thread, which no signal reaches."""
    notes: list[str] = []

    def on_progress(_: object) -> None:
        raise KeyboardInterrupt

    def run() -> None:
        try:
            export(client, folder, rows_per_partition=25, on_progress=on_progress)
        except KeyboardInterrupt as interrupted:
            notes.extend(interrupted.__notes__)

    thread = threading.Thread(target=run)
    with hung(world, after=20):
        thread.start()
        thread.join(PATIENCE)
        wait_until_idle(client)
    report = export(client, folder)

    assert ["resume=True" in note for note in notes] == [True]
    assert report.resumed_partitions >= 1
    assert sorted(ids_in(folder)) == sorted(world.world.wallet_ids())


def test_workers_stop_when_the_client_is_gone(client, world: Sandbox, folder: Path) -> None:
    """Killed, or cut off: nobody is there to say that the results are not wanted any more."""
    other = Client(client.scheduler.address, set_as_default=False)
    with hung(world, after=4) as wait:
        thread = threading.Thread(target=_export_until_closed, args=(other, folder))
        thread.start()
        wait()
        other.close()
        wait_until_idle(client)
        thread.join(PATIENCE)
    assert not thread.is_alive()


def _export_until_closed(client: Any, to: Path) -> None:
    with pytest.raises(ExportError, match="resume=True"):
        export(client, to)
