"""The script for Redis decides as `step` does: every answer, and all that is kept, on a virtual clock."""

import itertools
import random
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import msgspec
import pytest

from commercelayer_async._shared.state import SECOND, Answer, Held, Request, Settled, State
from commercelayer_async._shared.step import step

from .redis_server import EACH_PROGRAM, RedisServer
from .world import LIVE, Step, World, saturated

SCRIPT = files("commercelayer_async._shared").joinpath("step.lua").read_text(encoding="utf-8")


@pytest.fixture(scope="module", params=EACH_PROGRAM)
def client(request: pytest.FixtureRequest) -> Iterator[Any]:
    with RedisServer(program=request.param) as server, server.client() as client:
        yield client


def plain(value: Any) -> Any:
    """Without what Lua cannot tell: an empty list from an empty mapping."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items() if one not in ([], {})}
    return [plain(one) for one in value] if isinstance(value, list) else value


def both(client: Any) -> Step:
    """A store that asks the function and the script, and compares."""
    state, key = State(), f"test:{random.random()}"
    script = client.register_script(SCRIPT)

    def ask(now: int, request: Request) -> Answer:
        expected = step(state, now, request)
        given = script(keys=[key], args=[now, msgspec.msgpack.encode(request)])
        assert (Answer(*given[:-1]), given[-1]) == (expected, 0), request
        kept = plain(msgspec.msgpack.decode(client.get(key)))
        assert kept == plain(msgspec.to_builtins(state)), request
        return expected

    return ask


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, 4))])
def test_a_world_of_members_is_served_the_same(client: Any, seed: int) -> None:
    world = World(both(client), seed=seed, pair=[20, 6 * SECOND, 6, SECOND], delays=(5_000, 300_000))
    world.reports, world.refuse_at, world.asked = True, {30 + seed, 60}, [-1, 2 * SECOND][seed % 2]
    for n in range(1 + seed):
        world.join(f"m{n}")
    saturated(world, bulk=5, interactive=seed % 2, types=("a", "b"))
    world.run(30)

    assert world.keeps_the_windows()
    assert len(world.arrived) > 50


@pytest.mark.parametrize("seed", [*range(8), *(pytest.param(n, marks=pytest.mark.slow) for n in range(8, 40))])
def test_whatever_is_asked_is_answered_the_same(client: Any, seed: int) -> None:
    chance, ask, now, epoch = random.Random(seed), both(client), 10**15 + seed, 0
    numbers = {name: itertools.count(1) for name in "abc"}
    granted: list[tuple[str, str, int]] = []
    asked: list[Request] = []
    for _ in range(60):
        now += chance.choice([0, 1000, 50_000, SECOND, 20 * SECOND, -SECOND, 70 * SECOND])
        name, type = chance.choice("abc"), chance.choice(["x", "y", ""])
        ended = [granted.pop(chance.randrange(len(granted))) for _ in range(min(len(granted), chance.randrange(6)))]
        report = [
            *chance.choice([LIVE, [0, 0, 0, 0], [30, 60 * SECOND, 7, 10 * SECOND], [40, 9 * SECOND, 0, 0]]),
            chance.choice([-1, 0, 9, 25]),
        ]
        request = Request(
            name,
            next(numbers[name]),
            chance.choice([0, epoch, epoch, 7]),
            chance.choice([[], LIVE]),
            chance.choice([[], [[10, 30 * SECOND, 3, 5 * SECOND]], [[0, 0, 4, SECOND]]]),
            chance.choice([0, 25]),
            type,
            chance.choice([0, 0, 1, 12]),
            chance.choice([0, 0, 3, 60]),
            [
                Settled(
                    id,
                    of,
                    bulk,
                    chance.choice([0, 0, SECOND]),
                    chance.choice([0, 200, 200, 200, 404, 429]),
                    chance.choice([-1, -1, 3 * SECOND]),
                    chance.randrange(1001),
                    chance.choice([[], report]),
                )
                for id, of, bulk in ended
            ],
            [granted.pop()[0]] if granted and chance.random() < 0.2 else [],
            [Held(f"{name}.alone.{chance.randrange(9)}", "x", chance.randrange(2))] if chance.random() < 0.1 else [],
            int(chance.random() < 0.1),
            int(chance.random() < 0.1),
            chance.choice([0] * 20 + [3 * SECOND]),
            int(chance.random() < 0.05),
        )
        if asked and chance.random() < 0.1:
            # Asked again, or late.
            request = asked[-chance.randint(1, min(4, len(asked)))]
        answer = ask(now, request)
        asked.append(request)
        epoch = answer.epoch
        granted += [
            (f"{request.member}.{request.number}.{n}", request.type, int(n > answer.interactive))
            for n in range(1, answer.interactive + answer.bulk + 1)
        ]


@pytest.mark.parametrize(
    "kept", [b"", b"\xc1", b"garbage", b"\x80", msgspec.msgpack.encode({"version": 1, "now": "x"})]
)
def test_what_cannot_be_read_is_replaced(client: Any, kept: bytes) -> None:
    client.set("damaged", kept)
    packed = msgspec.msgpack.encode(Request("a", 1, documented=LIVE, type="x", bulk=60))
    given = client.eval(SCRIPT, 1, "damaged", 5 * SECOND, packed)

    assert (given[1], given[-1]) == (50, 1)
    assert 120_000 < client.pttl("damaged") <= 240_000


def test_a_value_of_another_type_is_replaced(client: Any) -> None:
    client.rpush("list", "x")
    given = client.eval(SCRIPT, 1, "list", 5 * SECOND, msgspec.msgpack.encode(Request("a", 1)))
    assert given[-1] == 1
