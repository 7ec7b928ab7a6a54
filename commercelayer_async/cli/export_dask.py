"""`commercelayer-async export --dask`: over the workers of a cluster, into a folder."""

import os
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from .._dask.extra import load, require
from .invocation import VARIABLES, invocation
from .masking import class_of
from .progress import dask_export_display
from .query_options import suggesting_types
from .services import is_commerce_layer

if TYPE_CHECKING:
    from ..dask import Report

LOCAL: Final = "local"
_MOST_PROCESSES: Final = 4


def export_over_workers(type: str, to: str, cluster: str, *, format: str | None, options: dict[str, Any]) -> "Report":
    """Export to a folder, over the workers of a cluster.

    Raises:
        UsageError: the workers could not do as the other options say.
        ConfigurationError: the extra `dask` is missing.
        CommerceLayerError: as for `commercelayer_async.dask.export`.
    """
    require()
    from .. import dask as cl_dask  # noqa: PLC0415 - slow to import, and `--help` does without

    if not is_commerce_layer():
        raise click.UsageError("--dask and --service exclude each other: workers make their sessions themselves")
    with (
        dask_export_display(type) as on_progress,
        _client_of(cluster) as client,
        suggesting_types(type),
    ):
        return cl_dask.export(
            client, class_of(type) or type, to, format=format or "parquet", on_progress=on_progress, **options
        )


@contextmanager
def _client_of(cluster: str) -> Generator[Any]:
    distributed = load("distributed")
    if cluster == LOCAL:
        with _environment(), _local_cluster(distributed) as local, distributed.Client(local) as client:
            yield client
        return
    called = invocation()
    if called.file is not None or called.profile is not None or called.organization is not None:
        raise click.UsageError(
            "workers elsewhere have credentials of their own environment; leave --credentials, --profile and"
            " --organization out"
        )
    with _connected(distributed.Client, cluster) as client:
        yield client


def _local_cluster(distributed: Any) -> Any:
    with _interrupts_held_back():
        return distributed.LocalCluster(
            n_workers=min(_MOST_PROCESSES, os.cpu_count() or 1),
            threads_per_worker=4,
            # None would be one port for all clusters of a machine, open to the network.
            dashboard_address="127.0.0.1:0",
            silence_logs="CRITICAL",
        )


@contextmanager
def _interrupts_held_back() -> Generator[None]:
    """Start threads and processes in the block that Ctrl-C does not reach; one that comes meanwhile comes after it.

    A terminal sends it to all processes of a command. The workers would end with tracebacks, before they are told to.
    What a thread holds back, threads and processes that it starts do too, and so do workers that start later.
    """
    set_mask: Callable[..., set[int]] | None = getattr(signal, "pthread_sigmask", None)
    if set_mask is None:  # Windows
        yield
        return
    from multiprocessing import resource_tracker  # noqa: PLC0415 - a command that starts no process does without

    # Before all processes: the thread that starts it lets interrupts through again.
    resource_tracker.ensure_running()
    before = set_mask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        set_mask(signal.SIG_SETMASK, before)


def _connected(connect: Callable[..., Any], address: str) -> Any:
    try:
        return connect(address, timeout="10s")
    except (OSError, ValueError) as error:
        raise click.UsageError(f"--dask takes {LOCAL}, or the address of a scheduler that is there: {error}") from error


@contextmanager
def _environment() -> Generator[None]:
    """Let the processes of a local cluster inherit the credentials of the running command."""
    called = invocation()
    wanted: dict[str, str | None] = {name: called.environment.get(name) for name in VARIABLES}
    wanted[VARIABLES[0]] = called.organization or wanted[VARIABLES[0]]
    before = {name: os.environ.get(name) for name in VARIABLES}
    _set(wanted)
    try:
        yield
    finally:
        _set(before)


def _set(variables: dict[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
