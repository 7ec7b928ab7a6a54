"""No secret of a worker's environment is on the dashboard, in the scheduler's memory or in a log."""

import json
import pickle
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest

from commercelayer_async import AuthError, CommerceLayerError, SharedBudgetError
from commercelayer_async import dask as cl_dask
from commercelayer_async.resources import CustomerPaymentSource
from commercelayer_async.sandbox import Sandbox
from tests.dask.test_processes import memory_of

CANARIES: Final = {
    "SHOP_REDIS": "redis://:canary-of-redis@127.0.0.1:1/0",
    "SHOP_WRONG_SECRET": "canary-of-a-wrong-secret",
    "AWS_ACCESS_KEY_ID": "AKIACANARYOFASTORE00",
    "AWS_SECRET_ACCESS_KEY": "canary/of+a/store",
}
PAGES: Final = [
    *("status", "tasks", "workers", "system", "profile", "profile-server", "graph", "groups", "hardware", "events"),
    *("info/main/workers.html", "info/logs.html", "info/main/events.html", "info/main/exceptions.html"),
    *("json/index.html", "json/counts.json", "json/identity.json", "metrics", "health", "sitemap.json", "eventstream"),
    *("individual-task-stream", "individual-progress", "individual-workers", "individual-nprocessing"),
]


@pytest.fixture(scope="module")
def environment(world: Sandbox) -> Iterator[None]:
    """What the workers of this module find in their environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("COMMERCELAYER_ACCESS_TOKEN", "COMMERCELAYER_SCOPE"):
            patch.delenv(name, raising=False)
        patch.setenv("COMMERCELAYER_ORGANIZATION", world.url)
        patch.setenv("COMMERCELAYER_CLIENT_ID", world.client_id)
        patch.setenv("COMMERCELAYER_CLIENT_SECRET", world.client_secret)
        for name, value in CANARIES.items():
            patch.setenv(name, value)
        yield


def secrets_of(world: Sandbox) -> dict[str, bytes]:
    """What must not be found, by its name; of the URL, the password alone."""
    known = {
        **CANARIES,
        "SHOP_REDIS": "canary-of-redis",
        "client secret": world.client_secret,
        # Of each token the sandbox gave: what its claims begin with.
        "token": world.access_token[:10],
        "header": "Bearer ",
    }
    return {name: value.encode() for name, value in known.items()}


def page(url: str) -> bytes:
    """A page, or what stands in its place: some need bokeh or prometheus_client."""
    try:
        with urllib.request.urlopen(url, timeout=30) as response:
            found: bytes = response.read()
            return found
    except urllib.error.HTTPError as error:
        return error.read()
    except OSError:
        # Some are for WebSockets alone.
        return b""


def dashboard_of(client: Any) -> dict[str, bytes]:
    """All pages of the scheduler and of its workers, those of each task and worker too."""
    info = client.scheduler_info()
    root = f"http://127.0.0.1:{info['services']['dashboard']}"
    found = {path: page(f"{root}/{path}") for path in PAGES}
    with suppress(ValueError):
        # It comes with some sets of pages only.
        others = json.loads(found["sitemap.json"])["paths"]
        found.update({path: page(f"{root}/{path}") for one in others if (path := one.strip("/")) not in found})
    keys = client.run_on_scheduler(lambda dask_scheduler: [str(key) for key in dask_scheduler.tasks])
    for worker in info["workers"]:
        for kind in ("info/worker", "info/logs", "info/call-stacks"):
            found[f"{kind}/{worker}"] = page(f"{root}/{kind}/{urllib.parse.quote(worker, safe='')}.html")
        services = info["workers"][worker]["services"]
        for path in ("status", "metrics", "info", "health") if "dashboard" in services else ():
            found[f"{worker}/{path}"] = page(f"http://127.0.0.1:{services['dashboard']}/{path}")
    for key in keys[:10]:
        for kind in ("info/task", "info/call-stack"):
            found[f"{kind}/{key}"] = page(f"{root}/{kind}/{key}.html")
    return found


def more_memory_of(dask_scheduler: Any) -> bytes:
    """Events, stories and extensions of a scheduler."""
    return pickle.dumps(
        [repr(dask_scheduler.get_events()), repr(dask_scheduler.transition_log), repr(vars(dask_scheduler))]
    )


def export(client: Any, to: Path, factory: str, **options: Any) -> cl_dask.Report:
    return cl_dask.export(
        client, CustomerPaymentSource, to, session=f"tests.dask.secretive:{factory}", rows_per_partition=20, **options
    )


def test_none_is_found_while_it_reads_and_after_it_failed(processes, world: Sandbox, tmp_path: Path) -> None:
    found: dict[str, bytes] = {}

    def look(_: object) -> None:
        if not found:
            found.update(dashboard_of(processes))
            found["memory"] = processes.run_on_scheduler(memory_of)

    export(processes, tmp_path / "whole", "session", on_progress=look)
    errors: list[CommerceLayerError] = []
    for factory in ("refused", "without_redis"):
        with pytest.raises((AuthError, SharedBudgetError)) as caught:
            export(processes, tmp_path / factory, factory)
        errors.append(caught.value)
    found.update({f"after: {name}": text for name, text in dashboard_of(processes).items()})
    found["memory after"] = processes.run_on_scheduler(memory_of) + processes.run_on_scheduler(more_memory_of)
    found["logs"] = repr((processes.get_worker_logs(), processes.get_scheduler_logs(), processes.get_events())).encode()
    found["errors"] = repr(errors).encode() + pickle.dumps(errors)
    found["files"] = b"".join(path.read_bytes() for path in tmp_path.rglob("*.json"))

    assert hits_in(found, world) == []
    assert b"commercelayer-write_partition" in found["memory"]
    assert sum(len(text) > 1000 for where, text in found.items() if where.startswith("info/")) > 10
    assert b"Compute Failed" in found["logs"]
    assert any(b"commercelayer" in text for where, text in found.items() if where.startswith("info/task/"))


def test_the_search_would_find_one(processes, world: Sandbox) -> None:
    """What a program hands to a task is in the scheduler's memory, and in a log when it fails."""
    with pytest.raises(TypeError):
        processes.submit(abs, CANARIES["SHOP_WRONG_SECRET"], key="a-task", pure=False).result()
    found = {"logs": repr(processes.get_worker_logs()).encode()}
    kept = processes.submit(str.upper, CANARIES["SHOP_WRONG_SECRET"], key="another", pure=False)
    kept.result()
    found["memory"] = processes.run_on_scheduler(memory_of)

    assert {where for where, _ in hits_in(found, world)} == {"logs", "memory"}


def hits_in(found: dict[str, bytes], world: Sandbox) -> list[tuple[str, str]]:
    secrets = secrets_of(world)
    return [(where, name) for where, text in found.items() for name, secret in secrets.items() if secret in text]
