"""Processes that share a budget: the shortest programs that showed a fault of it, and the model of their store."""

import asyncio
from collections.abc import Callable, Iterator
from random import Random

import attrs
import pytest

from commercelayer_async._shared.state import SECOND, Request
from commercelayer_async._shared.store import StoreLost

from .plan import Action, Plan, SessionPlan, plan_of
from .service import Limits, Login, Pair, ServiceConfig
from .stores import ModelStore, Shelf, StoreFault, StorePlan
from .time import ProcessLoop, Time, run_until
from .world import run

ANN = Login("fixed", "ann")
SMALL: tuple[Pair, Pair] = ((20, 20.0), (8, 4.0))


def plan_with(store: StorePlan, sessions: int, *actions: Action, seed: int = 0) -> Plan:
    """A plan in which each session has a process of its own."""
    config = ServiceConfig()
    if store.limits is not None:
        average, burst = store.limits
        config = ServiceConfig(modes={mode: Limits(average=average, burst=burst) for mode in ("test", "live")})
    plans = tuple(SessionPlan(login=ANN, process=n, timeout=100.0) for n in range(sessions))
    return Plan(
        seed=seed,
        theme="shared",
        processes=sessions,
        one_address=True,
        service=config,
        store=store,
        sessions=plans,
        actions=actions,
    )


@pytest.mark.parametrize("seconds", [0.3, 2.679, 20.0])
@pytest.mark.parametrize("kind", ["file", "redis"])
def test_a_step_that_was_asked_before_a_loss_does_not_let_leave_what_left_meanwhile(kind: str, seconds: float) -> None:
    store = StorePlan(kind=kind, faults=(StoreFault(what="lost", at=17.701, seconds=seconds),))

    assert run(plan_with(store, 1, Action(what="at_once", count=76))).violations == ()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", ["file", "redis"])
def test_whoever_finds_a_store_first_leaves_room_for_what_others_did_alone(kind: str, seed: int) -> None:
    store = StorePlan(kind=kind, limits=SMALL, faults=(StoreFault(what="lost", at=9.0, seconds=70.0),))
    actions = [Action(what="at_once", at=0.1 * n, session=n, count=40) for n in range(3)]

    assert run(plan_with(store, 3, *actions, seed=seed)).violations == ()


@pytest.mark.parametrize("at", [3.0, 8.0, 11.939, 17.0])
@pytest.mark.parametrize("kind", ["file", "redis"])
def test_a_store_that_has_forgotten_is_not_believed_before_all_have_told_it(kind: str, at: float) -> None:
    store = StorePlan(kind=kind, limits=SMALL, faults=(StoreFault(what="empties", at=at),))
    actions = [Action(what="at_once", at=0.1 * n, session=n, count=12) for n in range(2)]

    assert run(plan_with(store, 2, *actions)).violations == ()


def test_limits_that_headers_told_are_known_after_the_store_has_forgotten_them() -> None:
    """The tokens tell nothing, so nobody else could tell the store."""
    store = StorePlan(kind="redis", faults=(StoreFault(what="empties", at=46.267),))
    actions = [Action(what="at_once", at=at, session=n, count=40) for n in range(3) for at in (0.1, 40.0, 46.0)]
    plan = attrs.evolve(plan_with(store, 3, *actions), service=ServiceConfig(opaque_tokens=True))

    assert run(plan).violations == ()


def test_processes_that_are_killed_cost_their_places_for_a_while_and_no_window() -> None:
    for seed in range(5):
        plan = plan_with(StorePlan(), 4, *(Action(what="at_once", session=n, count=60) for n in range(4)), seed=seed)
        killed = attrs.evolve(plan, kills=((0.05, 1),))

        assert run(killed).violations == ()


def test_a_tenth_of_the_worlds_share_a_budget() -> None:
    plans = [plan_of(seed) for seed in range(300)]

    shared = [plan for plan in plans if plan.store is not None]
    assert len(shared) == 30
    assert {plan.store.kind for plan in shared if plan.store is not None} == {"file", "redis"}
    assert any(plan.kills for plan in shared)


@pytest.fixture
def asked_of() -> Iterator[Callable[[StorePlan], "Asked"]]:
    made: list[Asked] = []

    def make(plan: StorePlan) -> Asked:
        made.append(Asked(plan))
        return made[-1]

    yield make
    for one in made:
        one.loop.close()


class Asked:
    """A store of the model at a moment, and what became of a step."""

    def __init__(self, plan: StorePlan) -> None:
        self.time = Time()
        self.loop = ProcessLoop(self.time)
        self.shelf = Shelf(plan, self.time, Random(1), lambda _: None)
        self.store = ModelStore(self.shelf)
        self.number = 0

    def ask(self, at: float, *, again: bool = False) -> str:
        """Ask for one place; gives `granted`, `refused` or `lost`."""
        self.number += not again
        request = Request("a", self.number, documented=[2, 60 * SECOND, 2, 60 * SECOND], type="x", interactive=1)

        async def asking() -> str:
            await asyncio.sleep(max(0.0, 1000.0 + at - self.time.moment))
            try:
                answer = await self.store.step("key", request)
            except StoreLost:
                return "lost"
            return "granted" if answer.interactive else "refused"

        task = self.loop.create_task(asking())
        run_until([self.loop], self.time, task.done, horizon=5000.0)
        return task.result()


AskedOf = Callable[[StorePlan], Asked]


def test_a_server_that_stood_still_makes_later_what_was_asked(asked_of: AskedOf) -> None:
    asked = asked_of(StorePlan(kind="redis", faults=(StoreFault(what="stalls", at=5.0, seconds=3.0),)))

    assert asked.ask(1.0) == "granted"
    assert asked.ask(5.5) == "lost"
    assert asked.ask(8.5, again=True) == "granted", "the answer to the step that was made meanwhile"
    assert asked.ask(9.0) == "refused"


def test_an_answer_may_be_lost_after_the_step_was_made(asked_of: AskedOf) -> None:
    asked = asked_of(StorePlan(kind="redis", lost_answers=1000))

    assert asked.ask(1.0) == "lost"
    asked.shelf.end_faults()
    assert asked.ask(2.0, again=True) == "granted"


def test_a_file_is_waited_for_while_it_is_busy_and_for_three_seconds_at_most(asked_of: AskedOf) -> None:
    faults = (StoreFault(what="busy", at=1.0, seconds=2.0), StoreFault(what="busy", at=10.0, seconds=9.0))
    asked = asked_of(StorePlan(faults=faults))

    assert asked.ask(1.5) == "granted"
    assert asked.ask(10.5) == "lost"
    assert 1013.4 < asked.time.moment < 1013.7


def test_a_server_that_restarts_has_forgotten_everything(asked_of: AskedOf) -> None:
    asked = asked_of(StorePlan(kind="redis", faults=(StoreFault(what="empties", at=5.0),)))

    assert [asked.ask(at) for at in (1.0, 2.0, 3.0, 6.0)] == ["granted", "granted", "refused", "granted"]
    assert asked.shelf.spare_windows == 1
