"""How contenders take turns: in a drawn order, each beside the floor of the same round."""

import json
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import measuring
from benchmarks.measuring import ABSENT, Samples, Worker, rounds
from benchmarks.results import Judged, Table, Verdict, judged

SDK = "@commercelayer/sdk"
OURS = "commercelayer_async"


class Clock:
    """Time that passes only while a contender answers."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Contender:
    """Answers with the number of the question, and takes so many seconds for it."""

    def __init__(self, name: str, log: list[str], clock: Clock, seconds: float = 0.1) -> None:
        self.name, self.log, self.clock, self.seconds = name, log, clock, seconds
        self.asked = 0

    def ask(self, **_: Any) -> Any:
        self.log.append(self.name)
        self.clock.now += self.seconds
        self.asked += 1
        return [float(self.asked), 1.0]


class Failing(Contender):
    """Cannot do what is asked of it, from the given question on."""

    since = 1

    def ask(self, **question: Any) -> Any:
        found = super().ask(**question)
        return found if self.asked < self.since else "cannot: ValueError"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(measuring, "perf_counter", found)
    return found


def _orders(log: list[str], names: int) -> list[tuple[str, ...]]:
    return [tuple(log[n : n + names]) for n in range(0, len(log), names)]


def test_the_order_is_drawn_anew_for_each_round_and_a_seed_repeats_it(clock: Clock) -> None:
    logs: list[list[str]] = []
    for _ in range(2):
        log: list[str] = []
        rounds({name: Contender(name, log, clock) for name in "abcd"}, 20, {}, Random(7))
        logs.append(log)

    first, *others = _orders(logs[0], 4)
    assert logs[0] == logs[1]
    assert first == ("a", "b", "c", "d")  # warms up, and counts for nothing
    assert all(sorted(order) == ["a", "b", "c", "d"] for order in others)
    assert {order[0] for order in others} == {"a", "b", "c", "d"}


def test_all_have_every_round_and_the_answer_before_the_first_is_dropped(clock: Clock) -> None:
    samples = rounds({name: Contender(name, [], clock) for name in "ab"}, 5, {}, Random(0))

    assert [samples.rounds_of(name) for name in "ab"] == [5, 5]
    assert samples.medians("a", 0) == 4.0  # of 2, 3, 4, 5 and 6


@pytest.mark.parametrize("times", [3, 4, 5, 9, 20])
def test_a_slow_contender_has_three_rounds_that_are_spread_over_the_run(clock: Clock, times: int) -> None:
    log: list[str] = []
    slow = Contender("slow", log, clock, seconds=measuring.SLOW + 0.1)
    samples = rounds({"floor": Contender("floor", log, clock), "slow": slow}, times, {}, Random(0))

    assert samples.rounds_of("floor") == times
    assert samples.rounds_of("slow") == 3
    assert "slow" in log[-2:]
    assert "slow" in log[2:4]


def test_a_ratio_is_of_the_rounds_in_which_both_took_part() -> None:
    samples = Samples()
    for number, floor in enumerate((1.0, 1.0, 1.0, 10.0, 10.0)):
        samples.add("floor", number, [floor])
    for number in (3, 4):
        samples.add("slow", number, [30.0])

    assert samples.ratio("slow", "floor", 0) == 3.0


@given(st.lists(st.floats(0.1, 10.0), min_size=1, max_size=9), st.floats(0.1, 10.0))
def test_a_machine_that_slows_down_changes_no_ratio(pace: list[float], share: float) -> None:
    samples = Samples()
    for number, slowness in enumerate(pace):
        samples.add("floor", number, [slowness])
        samples.add("ours", number, [slowness * share])

    assert samples.ratio("ours", "floor", 0) == pytest.approx(share)


def test_who_cannot_or_is_absent_has_a_word_in_place_of_figures_and_the_others_go_on(clock: Clock) -> None:
    late = Failing("late", [], clock)
    late.since = 3
    contenders = {"a": Contender("a", [], clock), "never": Failing("never", [], clock), "late": late, "gone": None}
    samples = rounds(contenders, 4, {}, Random(0))

    assert samples.rounds_of("a") == 4
    assert [samples.ratio(name, "a", 0) for name in ("never", "late", "gone")] == ["cannot", "cannot", ABSENT]


def test_a_contender_that_ends_is_a_failure_and_not_the_end_of_the_benchmark() -> None:
    worker = Worker([sys.executable, "-c", "raise SystemExit(3)"])
    try:
        assert worker.ask(what="read") == "ended with 3"
        assert worker.ask(what="read") == "ended with 3"
    finally:
        worker.close()


def test_without_node_the_rows_of_the_javascript_sdk_say_absent(tmp_path: Path) -> None:
    pytest.importorskip("orjson")
    found = tmp_path / "decode.json"
    options = ["--rounds", "1", "--seconds", "0.001", "--document", "single", "--only", SDK, "--json", str(found)]
    command = [sys.executable, "-m", "benchmarks.decode", *options, "documents"]
    subprocess.run(command, check=True, cwd=measuring.ROOT, env={"PATH": str(tmp_path)}, capture_output=True)
    results = json.loads(found.read_text())

    assert results["run"]["commit"] == "unknown"  # there is no git either
    (table,) = (Table(**one) for one in results["tables"])
    assert [str(cell) for cell in table.rows[SDK]] == [ABSENT] * (len(table.columns) - 1) + ["0"]
    assert [one["beside"] for one in results["verdicts"]].count(SDK) == 4
    assert judged(table, Verdict(table.key, OURS, "read, CPU", 1.0, SDK)) == Judged(ABSENT, "not judged")
