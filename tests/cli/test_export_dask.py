"""`commercelayer-async export --dask`."""

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import distributed
import pytest

from commercelayer_async.sandbox import Sandbox
from tests.cli.conftest import COMMAND
from tests.dask.data_sets import ids_in

WALLETS = "customer_payment_sources"
PATIENCE = 120.0


@pytest.mark.slow
@pytest.mark.commercelayer_sandbox(wallets=60)
def test_a_folder_is_written(spawn: Any, organization: Sandbox, tmp_path: Path) -> None:
    """By a process of its own, as the warnings of multiprocessing are none of ours."""
    to = tmp_path / "wallets"
    process = spawn("export", WALLETS, "--to", f"{to}/", "--dask", "local")

    out, err = process.communicate(timeout=PATIENCE)

    assert (process.returncode, err) == (0, "")
    assert out.startswith(f"60 {WALLETS} in 1 files in {to}/data (")
    assert "bound by the service and the workers" in out
    assert sorted(ids_in(to)) == sorted(organization.world.wallet_ids())


@pytest.mark.slow
@pytest.mark.commercelayer_sandbox(wallets=60)
def test_two_that_begin_at_once_write_one_folder_or_one_is_told(
    spawn: Any, organization: Sandbox, tmp_path: Path
) -> None:
    """Each with workers of its own; whose plan stands, the folder decides."""
    to = tmp_path / "wallets"
    both = [spawn("export", WALLETS, "--to", str(to), "--dask", "local", "--resume") for _ in range(2)]

    ended = [process.communicate(timeout=PATIENCE) for process in both]

    assert [(process.returncode, err) for process, (_, err) in zip(both, ended, strict=True)] == [(0, "")] * 2
    assert all(out.startswith(f"60 {WALLETS} in 1 files") for out, _ in ended)
    assert sorted(ids_in(to)) == sorted(organization.world.wallet_ids())

    third, error = spawn("export", WALLETS, "--to", str(to), "--dask", "local").communicate(timeout=PATIENCE)
    assert (third, "has a data set already" in error) == ("", True)


@pytest.mark.commercelayer_sandbox(wallets=60)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_cluster_that_is_there_writes_the_folder(run: Any, organization: Sandbox, tmp_path: Path) -> None:
    """With the credentials that its workers have; here they are in this process."""
    options: dict[str, Any] = {
        "n_workers": 1,
        "processes": False,
        "protocol": "tcp",
        "dashboard_address": "127.0.0.1:0",
    }
    with distributed.LocalCluster(**options) as cluster:
        result = run("export", WALLETS, "--to", str(tmp_path / "wallets"), "--dask", cluster.scheduler_address)

    assert result.code == 0, result.err
    assert result.out.startswith(f"60 {WALLETS} in 1 files")
    assert sorted(ids_in(tmp_path / "wallets")) == sorted(organization.world.wallet_ids())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-", "--dask", "local"), "--dask writes a folder anew"),
        (("w", "--dask", "local", "--overwrite"), "--dask writes a folder anew"),
        (("w", "--dask", "tcp://127.0.0.1:1", "--organization", "other"), "leave --credentials"),
        (("w", "--dask", "nonsense://x"), "--dask takes local, or the address of a scheduler"),
    ],
)
def test_what_workers_cannot_do_is_refused(
    run: Any, organization: Sandbox, tmp_path: Path, arguments: Any, said: str
) -> None:
    to, *others = arguments
    result = run("export", WALLETS, "--to", to if to == "-" else str(tmp_path / to), *others)

    assert result.code == 2
    assert said in result.err
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("whole_group", [True, False], ids=["as a terminal sends it", "to the command alone"])
@pytest.mark.commercelayer_sandbox(wallets=3000)
def test_ctrl_c_stops_workers_soon_and_names_the_command_that_goes_on(
    environment: Any, organization: Sandbox, tmp_path: Path, *, whole_group: bool
) -> None:
    """Workers wait for the rate limits of the sandbox, and hold a partition each that would take them minutes."""
    to = tmp_path / "wallets"
    process = subprocess.Popen(
        [*COMMAND, "export", WALLETS, "--to", str(to), "--dask", "local"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        while len(organization.requests) < 12 and process.poll() is None:  # the plan, and some pages
            pass
        if whole_group:
            os.killpg(process.pid, signal.SIGINT)
        else:
            process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    begun = len(organization.requests)

    assert process.returncode == 130, err
    assert err.startswith("error: interrupted\n")
    assert f"to go on, run: commercelayer-async export {WALLETS} --to {to} --dask local --resume" in err
    assert "Traceback" not in err
    assert begun < 100
    assert (to / "plan.json").exists()
