"""Two exports into one folder: one plan stands, the other export joins it or is told, and no file is of two plans."""

import base64
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from distributed import Client

from commercelayer_async import CommerceLayerError, ExportExists, ExportMismatch
from commercelayer_async import dask as cl_dask
from commercelayer_async._dask.folder import Folder
from commercelayer_async.resources import CustomerPaymentSource
from commercelayer_async.sandbox import Sandbox
from tests.dask.conftest import WALLETS
from tests.dask.data_sets import ids_in, manifest_of

PATIENCE = 60.0


def export(client: Any, to: Path, **options: Any) -> cl_dask.Report:
    given: dict[str, Any] = {"session": "tests.dask.sessions:unlimited", "rows_per_partition": 100, **options}
    return cl_dask.export(client, CustomerPaymentSource, to, **given)


@attrs.define
class Both:
    """Runs two exports at once, by clients of their own, whose plans are made before either is written."""

    client: Any
    to: Path
    done: list[cl_dask.Report] = attrs.field(factory=list)
    failed: list[BaseException] = attrs.field(factory=list)

    def run(self, first: dict[str, Any], second: dict[str, Any]) -> None:
        threads = [threading.Thread(target=self._export, args=(options,)) for options in (first, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)

    def _export(self, options: dict[str, Any]) -> None:
        with Client(self.client.scheduler.address, set_as_default=False) as own:
            try:
                self.done.append(export(own, self.to, **options))
            except CommerceLayerError as error:
                self.failed.append(error)


@pytest.fixture
def both(client: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Both:
    barrier, create = threading.Barrier(2, timeout=PATIENCE), Folder.create

    def create_together(self: Folder, name: str, data: bytes) -> bool:
        barrier.wait()
        return create(self, name, data)

    monkeypatch.setattr(Folder, "create", create_together)
    return Both(client, folder)


def plans_in(folder: Path) -> set[str]:
    """The plans that the files of a data set are of."""
    parts = {json.loads(path.read_text())["plan"] for path in (folder / "parts").iterdir()}
    return {json.loads((folder / "plan.json").read_text())["id"], *parts} | {
        one["plan"] for one in manifest_of(folder)["partitions"]
    }


def test_the_one_that_resumes_joins_the_plan_of_the_faster_one(both: Both, world: Sandbox, folder: Path) -> None:
    both.run({"resume": True}, {"resume": True, "rows_per_partition": 70})

    assert both.failed == []
    assert [report.records for report in both.done] == [WALLETS, WALLETS]
    assert len({tuple(one.sha256 for one in report.partitions) for report in both.done}) == 1
    assert sorted(ids_in(folder)) == sorted(world.world.wallet_ids())
    assert len(plans_in(folder)) == 1


def test_the_one_that_does_not_resume_is_told(both: Both, world: Sandbox, folder: Path) -> None:
    both.run({}, {"rows_per_partition": 70})

    assert [type(error) for error in both.failed] == [ExportExists]
    assert [report.records for report in both.done] == [WALLETS]
    assert sorted(ids_in(folder)) == sorted(world.world.wallet_ids())
    assert len(plans_in(folder)) == 1


def test_the_one_that_reads_something_else_is_told_what(both: Both, folder: Path) -> None:
    both.run({"resume": True}, {"resume": True, "filter": {"created_at_gt": "2024-01-01T00:00:00Z"}})

    assert [type(error) for error in both.failed] == [ExportMismatch]
    assert "differ in filter" in str(both.failed[0])
    assert [report.records for report in both.done] == [len(ids_in(folder))]
    assert len(plans_in(folder)) == 1


def test_what_was_begun_for_a_plan_that_is_gone_writes_nothing_more(client, folder: Path) -> None:
    """Somebody emptied the folder, or the store does not look and write in one step."""
    replaced: list[str] = []

    def replace_plan(_: object) -> None:
        if not replaced:
            plan = json.loads((folder / "plan.json").read_text())
            replaced.append(plan["id"])
            (folder / "plan.json").write_text(json.dumps({**plan, "id": "another"}))

    with pytest.raises(ExportMismatch, match="is not the one that this export began with"):
        export(client, folder, rows_per_partition=10, on_progress=replace_plan)

    assert not (folder / "manifest.json").exists()
    report = export(client, folder, resume=True)
    assert plans_in(folder) == {"another"}
    assert report.records == len(ids_in(folder)) == WALLETS


def test_a_manifest_that_was_left_of_another_data_set_vouches_for_nothing(client, folder: Path) -> None:
    export(client, folder)
    left = (folder / "manifest.json").read_bytes()
    (folder / "plan.json").unlink()
    for path in [*(folder / "data").iterdir(), *(folder / "parts").iterdir()]:
        path.unlink()
    plan_of_new_one(client, folder)
    (folder / "manifest.json").write_bytes(left)

    report = export(client, folder, resume=True)

    assert len(plans_in(folder)) == 1
    assert report.records == len(ids_in(folder)) == WALLETS


def plan_of_new_one(client: Any, folder: Path) -> None:
    """An export that ended with its plan."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("commercelayer_async._dask.run.Run.write", stop)
        with pytest.raises(KeyboardInterrupt):
            export(client, folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text[: len(text) // 2], "is damaged; name another folder"),
        (lambda text: b"[]", "is damaged; name another folder"),
        (
            lambda text: json.dumps({**json.loads(text), "plan_version": 9}).encode(),
            "by another version of this package",
        ),
        (lambda text: json.dumps({**json.loads(text), "more": 9}).encode(), "by another version of this package"),
    ],
)
def test_a_plan_that_is_not_one_of_this_release_is_told_apart(
    client, folder: Path, change: Callable[[bytes], bytes], said: str
) -> None:
    export(client, folder)
    plan = folder / "plan.json"
    plan.write_bytes(change(plan.read_bytes()))
    before = plan.read_bytes()

    with pytest.raises(ExportMismatch, match=said):
        export(client, folder, resume=True)
    assert plan.read_bytes() == before


def test_half_a_plan_for_which_nothing_was_written_is_made_anew(client, world: Sandbox, folder: Path) -> None:
    """A store that does not put files whole, and a run that was killed while it did."""
    plan_of_new_one(client, folder)
    plan = folder / "plan.json"
    plan.write_bytes(plan.read_bytes()[:50])

    export(client, folder, resume=True)

    assert sorted(ids_in(folder)) == sorted(world.world.wallet_ids())


@pytest.mark.parametrize(
    ("claims", "named"),
    [
        ({"test": False}, "mode"),
        ({"owner": {"id": "aBcDeFgHiJ", "type": "Customer"}}, "owner"),
        ({"scope": "market:id:1"}, "scope"),
    ],
)
def test_the_token_of_another_mode_or_owner_does_not_go_on(
    client, world: Sandbox, folder: Path, monkeypatch: pytest.MonkeyPatch, *, claims: dict[str, Any], named: str
) -> None:
    """Nothing is sent with it."""
    export(client, folder)
    (folder / "manifest.json").unlink()
    own = json.loads(base64.urlsafe_b64decode(world.access_token.split(".")[1] + "=="))
    claimed = base64.urlsafe_b64encode(json.dumps({**own, **claims}).encode()).decode().rstrip("=")
    before = len(world.requests)
    monkeypatch.setenv("OTHER_TOKEN", f"eyJhbGciOiJub25lIn0.{claimed}.")

    with pytest.raises(ExportMismatch, match=rf"differ in .*{named}"):
        export(client, folder, resume=True, session=f"tests.dask.other_services:with_other_{named}")
    assert len(world.requests) == before
