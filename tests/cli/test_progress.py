"""Waits for the rate limit and the progress of an export, on stderr."""

import io

import pytest

from commercelayer_async import ExportProgress, RateState
from commercelayer_async.cli import progress
from commercelayer_async.cli.progress import (
    ExportStatus,
    Lines,
    WaitLine,
    WaitWatch,
    dask_export_display,
    seconds_left,
)
from commercelayer_async.dask import Progress as DaskProgress
from commercelayer_async.sandbox import Answer

WALLETS = "customer_payment_sources"


class Terminal(io.StringIO):
    """A stderr that is a terminal."""

    def isatty(self):
        return True


def state(*, waiting=0, closed_for=0.0, limit=100, seconds=60.0, remaining=0):
    return RateState(limit, seconds, remaining, waiting, closed_for)


def test_a_short_wait_is_not_worth_a_word():
    watch = WaitWatch()

    assert [watch.sentence(state(waiting=1), now) for now in (0.0, 1.0)] == [None, None]
    assert watch.sentence(state(), 1.5) is None
    assert watch.sentence(state(waiting=1), 2.0) is None


def test_a_wait_is_counted_from_its_beginning():
    watch = WaitWatch()
    watch.sentence(state(waiting=3), 10.0)

    assert watch.sentence(state(waiting=2), 33.4) == "waiting for the rate limit, 23 s so far"


def test_of_a_pause_the_rest_is_known():
    assert WaitWatch().sentence(state(waiting=1, closed_for=22.1), 0.0) == "waiting 23 s for the rate limit"


def test_a_line_on_a_terminal_changes_and_goes_away():
    stream = Terminal()
    line = WaitLine(stream)
    for now, closed_for in ((0.0, 3.0), (0.5, 3.0), (1.0, 2.0)):
        line.look(state(waiting=1, closed_for=closed_for), now)
    line.erase()
    line.erase()

    assert stream.getvalue() == (
        "\r\x1b[Kwaiting 3 s for the rate limit\r\r\x1b[Kwaiting 2 s for the rate limit\r\r\x1b[K"
    )


def test_a_log_gets_a_line_each_half_a_minute_at_most():
    written: list[str] = []
    status = ExportStatus("customers", ExportProgress(50, 200, 0, 0))
    lines = Lines(written.append, status.text)
    for now in range(100):
        lines.look(state(waiting=40 < now < 80, closed_for=9.0 if 40 < now < 80 else 0.0), float(now))

    assert written == [
        "customers: 50 of 200 (25 %), less than a minute left",
        "customers: 50 of 200 (25 %), less than a minute left, waiting 9 s for the rate limit",
        "customers: 50 of 200 (25 %), less than a minute left",
    ]


def test_what_is_soon_done_writes_no_line():
    written: list[str] = []
    lines = Lines(written.append, lambda _: "here")
    for now in range(29):
        lines.look(state(), float(now))

    assert not written


@pytest.mark.parametrize(
    ("done", "total", "rates", "seconds"),
    [
        (0, 25 * 300, {"limit": 100, "remaining": 100}, 120.0),
        (0, 25 * 300, {"limit": 200, "remaining": 0}, 90.0),
        (0, 25 * 300, {"limit": 200, "remaining": 0, "closed_for": 7.0}, 97.0),
        (7475, 7500, {"limit": 100, "remaining": 5}, 0.0),
        (0, None, {}, None),
        (0, 7500, {"limit": None, "seconds": None, "remaining": None}, None),
    ],
)
def test_what_is_left_follows_from_the_windows(done, total, rates, seconds):
    assert seconds_left(ExportProgress(done, total, 0, 0), state(**rates)) == seconds


@pytest.mark.parametrize(
    ("total", "left"),
    [(2500, "less than a minute left"), (25 * 1000, "about 10 min left"), (25 * 30_000, "about 5 h left")],
)
def test_it_is_said_as_people_do(total, left):
    assert ExportStatus("customers", ExportProgress(0, total, 0, 0)).left(state(remaining=1)) == left


def test_an_export_that_is_not_counted_has_neither_share_nor_estimate():
    status = ExportStatus("events")

    assert status.text(state()) is None
    status.update(ExportProgress(75, None, 0, 0))
    assert status.text(state()) == "events: 75 records"


@pytest.mark.parametrize("command", [("count", WALLETS), ("list", WALLETS), ("get", WALLETS, "xYZkjABcde")])
def test_a_command_says_that_it_waits(run, organization, monkeypatch, command):
    monkeypatch.setattr(progress, "_INTERVAL", 0.01)
    monkeypatch.setattr(progress, "_WORTH_SAYING", 0.0)
    organization.faults.add(Answer.too_many(retry_after=1), times=1)

    result = run(*command)

    assert result.code == 0
    assert "for the rate limit" in result.err
    assert result.err.count("\n") == 1


def test_what_the_package_logs_is_not_said_twice(spawn, organization):
    """In a process of its own: pytest gives the log somewhere to go."""
    organization.faults.add(Answer.too_many(retry_after=1), times=1)

    out, err = spawn("count", WALLETS).communicate(timeout=30)

    assert out == "300\n"
    assert "exceeded" not in err


def test_a_broken_stderr_stops_nothing(run, organization, monkeypatch):
    def broken(_):
        raise BrokenPipeError

    monkeypatch.setattr(progress, "_INTERVAL", 0.01)
    monkeypatch.setattr(progress, "_WORTH_SAYING", 0.0)
    monkeypatch.setattr(progress, "_write_line", broken)
    organization.faults.add(Answer.too_many(retry_after=1), times=1)

    assert run("count", WALLETS).out == "300\n"


def test_an_export_over_workers_says_files_requests_and_waits_too(monkeypatch, capsys):
    moments = iter([0.0, 31.0, 40.0, 62.0])
    monkeypatch.setattr("commercelayer_async.cli.progress.time.monotonic", lambda: next(moments))
    with dask_export_display("customers") as on_progress:
        for n in range(1, 5):
            rates = state(waiting=n, closed_for=9.0 if n == 4 else 0.0)
            on_progress(DaskProgress(50 * n, 200, 0, 0, n, 4, 2 * n, rates))
        on_progress(DaskProgress(200, 200, 0, 0, 4, 4, 8, None))

    first, second = capsys.readouterr().err.splitlines()
    assert first == (
        "customers: 100 of 200 (50 %), 2 of 4 files, 4 requests, less than a minute left, waiting for the rate limit,"
        " 31 s so far"
    )
    assert second.startswith(
        "customers: 200 of 200 (100 %), 4 of 4 files, 8 requests, less than a minute left, waiting 9 s"
    )
