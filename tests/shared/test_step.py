"""Who may leave, over all members, on a virtual clock: the windows as the server counts them, turns, pauses, deaths."""

from collections import Counter
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commercelayer_async._shared.state import SECOND, Request, Settled, State, lease_id
from commercelayer_async._shared.step import GONE, SILENT, step

from .world import LIVE, World, in_memory, saturated, used

DELAYS = {"near": (5_000, 30_000), "far": (30_000, 250_000), "slow": (500_000, 2_000_000)}


@pytest.mark.parametrize("members", [1, 8, 32])
@pytest.mark.parametrize("delays", DELAYS)
def test_at_saturation_the_windows_are_used_and_never_broken(members: int, delays: str) -> None:
    world = World(in_memory(), seed=members, delays=DELAYS[delays])
    for n in range(members):
        world.join(f"m{n}")
    saturated(world)
    world.run(190)
    since = 1000 * SECOND + 10 * SECOND

    assert world.keeps_the_windows()
    least = 0.95 if delays != "slow" else 0.9
    assert used(world, since, since + 180 * SECOND) >= least * 600
    # Who comes first finds everything free; equal members are served equally from then on.
    served = Counter(name for moment, _, name in world.arrived if moment > since + 60 * SECOND)
    assert min(served.values()) >= 0.5 * max(served.values())
    assert len(served) == members


@pytest.mark.parametrize("members", [2, 8, 32])
@pytest.mark.parametrize("callers", [1, 2, 4, 8])
def test_equal_members_are_served_equally_from_the_first_minute(members: int, callers: int) -> None:
    """Who comes to an empty budget takes what is there, and then lets the others come up to it."""
    world = World(in_memory(), seed=members, delays=DELAYS["near"])
    for n in range(members):
        world.join(f"m{n}")
    saturated(world, bulk=callers)
    world.run(59)
    served = Counter(name for _, _, name in world.arrived)

    assert len(world.arrived) >= 0.97 * 200
    assert world.keeps_the_windows()
    assert len(served) == members
    assert min(served.values()) >= 0.5 * max(served.values())


def test_who_took_all_that_was_free_lets_others_go_first_for_one_window_at_most() -> None:
    world = World(in_memory(), seed=5, delays=DELAYS["near"])
    for n in range(32):
        world.join(f"m{n}")
    saturated(world)
    world.run(190)
    moments = [moment for moment, _, name in world.arrived if name == "m0"]

    assert sum(moment < 1001 * SECOND for moment in moments) >= 40, "it was alone when it came"
    assert max(later - moment for moment, later in pairwise(moments)) <= 75 * SECOND


def test_a_call_does_not_wait_for_all_that_another_member_has_queued() -> None:
    """One goes each fifth second, beside one that always wants ten times what the window lets through."""
    world = World(in_memory(), seed=6, delays=DELAYS["near"])
    many, one = world.join("many"), world.join("one")
    saturated(world, bulk=2000)
    one.wants.clear()
    world.refill = lambda member: world.call(many, bulk=2000 - many.wants["customers"][1]) if member is many else None
    asked = [world.now + (61 + 5 * n) * SECOND for n in range(25)]
    for moment in asked:
        world.at(moment, partial(world.call, one, bulk=1))
    world.run(200)
    left = [moment for moment, _, name in world.arrived if name == "one" and moment >= asked[0]]

    assert len(left) == len(asked)
    # Bursts go at once, so a window may be full for as long as ten seconds and more.
    assert max(later - moment for moment, later in zip(asked, left, strict=True)) <= 31 * SECOND
    assert world.keeps_the_windows()


def test_a_full_budget_is_not_polled() -> None:
    world = World(in_memory(), seed=1, delays=DELAYS["near"])
    for n in range(32):
        world.join(f"m{n}")
    saturated(world)
    world.run(120)

    assert world.steps <= 5 * len(world.arrived)


@settings(max_examples=30)
@given(data=st.data())
def test_whatever_members_do_no_window_is_broken(data: st.DataObject) -> None:
    """Some die with requests under way, some come late, endpoints and priorities are mixed, and delays are long."""
    pair = data.draw(st.sampled_from([LIVE, [10, 6 * SECOND, 3, SECOND], [1, SECOND, 1, SECOND]]))
    world = World(in_memory(), seed=data.draw(st.integers(0, 10**6)), pair=pair, delays=(1_000, 400_000))
    world.reports = data.draw(st.booleans())
    for n in range(data.draw(st.integers(1, 5))):
        member = world.join(f"m{n}")
        for _ in range(data.draw(st.integers(1, 6))):
            moment = world.now + data.draw(st.integers(0, 20 * SECOND))
            type = data.draw(st.sampled_from(["a", "b"]))
            wants = data.draw(st.tuples(st.integers(0, 30), st.integers(0, 30)).filter(any))
            world.at(moment, partial(world.call, member, type, *wants))
        if data.draw(st.booleans()):
            moment = world.now + data.draw(st.integers(0, 30 * SECOND))
            world.at(moment, member.die)
    world.refuse_at = set(data.draw(st.lists(st.integers(1, 40), max_size=3)))
    world.run(4000)  # up to 1,800 requests, one a second

    assert world.keeps_the_windows()
    assert all(not any(map(any, one.wants.values())) for one in world.members if one.alive)


def test_interactive_calls_go_before_bulk_ones_of_every_member() -> None:
    world = World(in_memory(), seed=3, delays=DELAYS["near"])
    bulk = [world.join(f"b{n}") for n in range(7)]
    one = world.join("i")
    saturated(world)
    world.refill = lambda member: world.call(member, bulk=64 - member.wants["customers"][1]) if member in bulk else None
    one.wants.clear()
    for n in range(100):
        world.at(world.now + (100 + n) * SECOND, lambda: world.call(one, interactive=1))
    world.run(260)

    assert world.keeps_the_windows()
    assert len(one.waited) == 100
    # The first ones come upon a window that bulk has filled; then bulk leaves them what they use.
    assert max(one.waited[:25]) < 30 * SECOND
    assert max(one.waited[25:]) < 50_000


def test_a_pause_is_everybodys_and_one_goes_first() -> None:
    world = World(in_memory(), seed=4, delays=DELAYS["near"])
    for n in range(8):
        world.join(f"m{n}")
    world.refuse_at, world.asked = {100}, 20 * SECOND
    saturated(world)
    world.run(120)
    refused = world.arrived[99][0]
    after = [moment for moment, _, _ in world.arrived if moment > refused + 2 * 30_000]

    assert refused + 20 * SECOND <= after[0]
    assert after[1] - after[0] >= 5_000, "the probe went alone"
    assert world.keeps_the_windows()
    assert used(world, refused + 21 * SECOND, world.end) > 100


def test_a_place_is_under_way_from_the_grant_to_the_response_and_fades_from_then() -> None:
    state, now = State(), 1000 * SECOND
    pair = [1, 10 * SECOND, 1, 10 * SECOND]
    granted = step(state, now, Request("a", 1, documented=pair, type="x", interactive=1))
    assert granted.interactive == 1
    later = now + 25 * SECOND
    assert step(state, later, Request("b", 1, type="x", interactive=1)).interactive == 0
    settled = [Settled(lease_id("a", 1, 1), "x", 0, status=200)]
    step(state, later, Request("a", 2, settled=settled))
    assert step(state, later + 10 * SECOND - 1, Request("b", 2, type="x", interactive=1)).interactive == 0
    assert step(state, later + 10 * SECOND, Request("b", 3, type="x", interactive=1)).interactive == 1


def test_a_member_that_died_costs_its_places_and_no_more() -> None:
    state, now = State(), 1000 * SECOND
    step(state, now, Request("dead", 1, documented=LIVE, type="x", bulk=30))
    assert step(state, now, Request("b", 1, type="x", bulk=50)).bulk == 20
    now += SILENT
    assert step(state, now, Request("b", 2)).free == 200 - 50
    # Ended one beat after it was seen, so faded one window after that.
    answer = step(state, now + GONE, Request("b", 3, type="x", bulk=50))
    assert (answer.bulk, answer.members) == (50, 1)


def test_a_step_that_is_asked_again_is_answered_again_and_made_once() -> None:
    state, now = State(), 1000 * SECOND
    request = Request("a", 7, documented=LIVE, type="x", interactive=3)
    first = step(state, now, request)

    assert step(state, now + SECOND, request) == first
    assert len(state.under_way) == 3


def test_a_step_that_a_later_one_overtook_takes_nothing() -> None:
    """A server that stood still may find it on a connection that was given up."""
    state, now = State(), 1000 * SECOND
    step(state, now, Request("a", 8, documented=LIVE, type="x", interactive=1))
    late = step(state, now, Request("a", 7, type="x", interactive=3))

    assert (late.interactive, len(state.under_way)) == (0, 1)
    assert step(state, now, Request("a", 9, type="x", interactive=1)).interactive == 1


def test_a_lower_limit_holds_for_all_at_once_and_a_higher_one_comes_in_steps() -> None:
    state, now = State(), 1000 * SECOND
    step(state, now, Request("a", 1, documented=LIVE))
    lower = [Settled("?", "x", 0, status=200, report=[100, 60 * SECOND, 25, 10 * SECOND, -1])]
    assert step(state, now, Request("a", 2, settled=lower))[7:11] == (100, 60 * SECOND, 25, 10 * SECOND)
    higher = [Settled("?", "x", 0, status=200, report=[*LIVE, -1])]
    assert step(state, now, Request("b", 1, settled=higher)).limit == 105
    for number in range(2, 40):
        step(state, now, Request("b", number, settled=higher))
    assert (state.limit, state.burst) == (200, 50)


def test_what_strangers_used_is_everybodys_and_own_requests_are_none() -> None:
    state, now = State(), 1000 * SECOND
    step(state, now, Request("a", 1, documented=LIVE, type="x", interactive=10))
    settled = [Settled(lease_id("a", 1, n), "x", 0, status=200, report=[*LIVE, 190 - 60]) for n in range(1, 11)]
    step(state, now + 1000, Request("a", 2, settled=settled))

    assert step(state, now + 1000, Request("b", 1)).free == 200 - 10 - 60
    assert step(state, now + 61 * SECOND, Request("b", 2)).free == 200


def test_who_waits_for_a_burst_is_not_told_to_ask_whether_strangers_are_gone() -> None:
    """They were heard of long ago, and it would come at once, again and again."""
    state, now = State(), 1000 * SECOND
    pair = [100, 60 * SECOND, 2, 10 * SECOND]
    step(state, now, Request("a", 1, documented=pair, type="x", interactive=1))
    told = [Settled(lease_id("a", 1, 1), "x", 0, status=200, report=[*pair, 100 - 30])]
    step(state, now + 1000, Request("a", 2, settled=told))
    later = now + 20 * SECOND
    assert step(state, later, Request("a", 3, type="x", interactive=2)).interactive == 2
    quiet = [Settled(lease_id("a", 3, n), "x", 0, status=200) for n in (1, 2)]
    answer = step(state, later, Request("a", 4, type="x", interactive=1, settled=quiet))

    assert (answer.interactive, answer.wait) == (0, 5 * SECOND), "or as long as a wait is at most"


def test_a_request_that_was_out_while_ours_faded_makes_no_strangers() -> None:
    """It was counted when 190 of ours were in the window, and comes back when they have faded."""
    state, now = State(), 1000 * SECOND
    wide = [200, 60 * SECOND, 200, 60 * SECOND]
    step(state, now, Request("a", 1, documented=wide, type="x", interactive=190))
    step(state, now, Request("a", 2, settled=[Settled(lease_id("a", 1, n), "x", 0, status=200) for n in range(1, 191)]))
    step(state, now + 59_900_000, Request("a", 3, type="x", interactive=1))
    late = [Settled(lease_id("a", 3, 1), "x", 0, status=200, report=[*wide, 9])]

    assert step(state, now + 60_400_000, Request("a", 4, settled=late)).free == 199


def test_a_configured_limit_binds_its_owner_alone() -> None:
    state, now = State(), 1000 * SECOND
    few = [[10, 60 * SECOND, 5, 10 * SECOND]]
    assert step(state, now, Request("a", 1, documented=LIVE, ceilings=few, type="x", bulk=50)).bulk == 5
    assert step(state, now, Request("b", 1, type="x", bulk=50)).bulk == 45


def test_until_limits_are_known_few_are_under_way() -> None:
    state, now = State(), 1000 * SECOND
    assert step(state, now, Request("a", 1, concurrent=25, type="x", bulk=20)).bulk == 20
    assert step(state, now, Request("b", 1, concurrent=25, type="x", bulk=20)).bulk == 5
    told = [Settled(lease_id("a", 1, 1), "x", 1, status=200, report=[*LIVE, 190])]
    step(state, now, Request("a", 2, concurrent=25, settled=told))
    assert step(state, now + 50_000, Request("b", 2, concurrent=25, type="x", bulk=20)).bulk == 20


def test_a_store_that_has_forgotten_gives_nothing_before_it_was_told() -> None:
    state, now = State(), 1000 * SECOND
    first = step(state, now, Request("a", 1, epoch=5, documented=LIVE, type="x", bulk=10))
    assert (first.bulk, first.epoch, len(state.members)) == (0, now, 0)
    told = [Settled(f"a.0.{n}", "x", 1, ago=SECOND) for n in range(45)]
    answer = step(state, now, Request("a", 2, epoch=first.epoch, documented=LIVE, type="x", bulk=10, settled=told))
    assert answer.bulk == 5


def test_a_member_is_told_how_many_requests_of_others_wait() -> None:
    state, now = State(), 1000 * SECOND
    step(state, now, Request("a", 1, documented=LIVE, type="x", bulk=60))
    step(state, now, Request("b", 1, type="y", bulk=70))

    assert step(state, now, Request("c", 1)).waiting == (60 - 50) + (70 - 50)
    assert step(state, now, Request("a", 2, type="x", bulk=10)).waiting == 20


def test_a_clock_that_goes_back_stands_still() -> None:
    state, now = State(), 1000 * SECOND
    step(state, now, Request("a", 1, documented=LIVE, type="x", bulk=50))
    assert step(state, now - 500 * SECOND, Request("a", 2, type="x", bulk=50)).bulk == 0
    assert state.now == now
