"""`commercelayer-async export --dask`."""

from pathlib import Path
from typing import Any

import pytest

from commercelayer_async.sandbox import Sandbox
from tests.dask.data_sets import ids_in

WALLETS = "customer_payment_sources"
PATIENCE = 120.0


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
