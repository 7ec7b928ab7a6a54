"""The model, the faults and the shared time, each for itself."""

import asyncio
import json
from typing import Any

import pytest

from .faults import EVENTS, Faults
from .plan import THEMES, Draw, least_seconds, plan_of
from .service import (
    CLIENT_ID,
    CLIENT_SECRET,
    Limits,
    Login,
    Reply,
    Service,
    ServiceConfig,
    Window,
    assertion_of,
    password_of,
)
from .time import ProcessLoop, Stuck, Time, run_until

ADDRESS = "10.0.0.1"
ANN = Login("password", "ann")


class Reports(list[tuple[str, str, str]]):
    """What the model reported."""

    def __call__(self, code: str, context: str, detail: str) -> None:
        self.append((code, context, detail))


@pytest.fixture
def reports() -> Reports:
    return Reports()


def service_of(reports: Reports, **options: Any) -> Service:
    return Service(ServiceConfig(**options), reports)


def ask_for_token(service: Service, now: float = 0.0, **form: str) -> dict[str, Any]:
    service.now = now
    reply = service.post(ADDRESS, ("s0", ANN), "/oauth/token", {"client_id": CLIENT_ID, **form})
    return {"status": reply.status, **json.loads(reply.body)}


def log_in(service: Service, user: str = "ann") -> dict[str, Any]:
    return ask_for_token(service, grant_type="password", username=user, password=password_of(user), scope="test")


def read(service: Service, target: str, token: str, now: float = 0.0, who: Login = ANN) -> Reply:
    return service.get(ADDRESS, who, f"/api/{target}", f"Bearer {token}", now)


def ids_of(reply: Reply) -> list[str]:
    return [resource["id"] for resource in json.loads(reply.body)["data"]]


def test_a_window_slides() -> None:
    window = Window(2, 10.0)
    window.add(0.0)
    window.add(4.0)

    assert window.full(9.9)
    assert not window.full(10.0)
    window.add(10.0)
    assert window.full(13.9)
    assert window.left(14.0) == 1


def test_a_window_tells_own_requests_from_others() -> None:
    window = Window(2, 10.0)
    window.add(0.0)
    window.add(0.0, own=False)

    assert window.full(1.0)
    assert not window.full_of_own(1.0)


def test_both_windows_are_counted_by_mode_class_and_endpoint(reports) -> None:
    service = service_of(reports, modes={"test": Limits(average=(5, 60.0), burst=(3, 10.0))})
    token = service.issue("ann/test", "test", 0.0).value

    statuses = [read(service, "customers/c0000", token).status for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    assert reports[0][:2] == ("burst-window", "test customers")
    # Another endpoint has a burst of its own, and the same average.
    statuses = [read(service, "customer_payment_sources/w0000", token).status for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert reports[1][:2] == ("average-window", "test customer_payment_sources")
    # Another class has windows five times as large.
    statuses = [read(service, "markets/m0000", token).status for _ in range(15)]
    assert statuses == [200] * 15
    assert read(service, "customers/c0000", token, now=60.0).status == 200


def test_foreign_requests_are_nobodys_fault(reports) -> None:
    service = service_of(reports)
    token = service.issue("ann/test", "test", 0.0).value
    service.arrive_foreign(ADDRESS, "test", "customers", 25, 0.0)

    reply = read(service, "customers/c0000", token)

    assert reply.status == 429
    assert reply.headers["X-Ratelimit-Remaining"] == "75"
    assert not reports


def test_the_token_endpoint_has_a_window_of_its_own(reports) -> None:
    service = service_of(reports)

    statuses = [
        ask_for_token(service, grant_type="client_credentials", client_secret=CLIENT_SECRET)["status"]
        for _ in range(31)
    ]

    assert statuses == [200] * 30 + [429]
    assert [report[0] for report in reports] == ["token-window"]


@pytest.mark.parametrize(
    "form",
    [
        {"grant_type": "client_credentials", "client_secret": "another"},
        {"grant_type": "client_credentials"},
        {"grant_type": "password", "username": "ann", "password": "another"},
        {"grant_type": "authorization_code", "client_secret": CLIENT_SECRET, "code": "another"},
        {"grant_type": "refresh_token", "refresh_token": "another"},
        {"grant_type": "jwt", "client_secret": CLIENT_SECRET, "assertion": assertion_of("ann", good=False)},
    ],
)
def test_wrong_credentials_are_refused(reports, form) -> None:
    assert ask_for_token(service_of(reports), **form)["status"] == 401


def test_a_refresh_token_works_once(reports) -> None:
    service = service_of(reports)
    first = log_in(service)["refresh_token"]

    second = ask_for_token(service, grant_type="refresh_token", refresh_token=first)
    again = [ask_for_token(service, grant_type="refresh_token", refresh_token=first)["status"] for _ in range(2)]

    assert second["refresh_token"] != first
    assert again == [401, 401]
    assert service.refusals_of("s0") == 2
    assert service.tokens[second["access_token"]].principal == "ann/test"


def test_a_refresh_token_that_does_not_rotate_works_again(reports) -> None:
    service = service_of(reports, rotates=False)
    first = log_in(service)["refresh_token"]

    replies = [ask_for_token(service, grant_type="refresh_token", refresh_token=first) for _ in range(2)]

    assert [reply["refresh_token"] for reply in replies] == [first, first]


def test_a_refresh_token_that_was_never_given_is_reported(reports) -> None:
    ask_for_token(service_of(reports), grant_type="refresh_token", refresh_token="***")

    assert reports[0][0] == "unknown-refresh-token"


def test_a_token_ends_by_time_and_by_revocation(reports) -> None:
    service = service_of(reports, token_life=20.0)
    token = log_in(service)["access_token"]

    assert read(service, "customers/c0000", token, now=19.9).status == 200
    assert read(service, "customers/c0000", token, now=20.0).status == 401
    other = log_in(service)["access_token"]
    service.post(ADDRESS, ("s0", ANN), "/oauth/revoke", {"client_id": CLIENT_ID, "token": other})
    assert read(service, "customers/c0000", other).status == 401


def test_a_token_in_other_hands_is_reported(reports) -> None:
    service = service_of(reports)
    token = log_in(service)["access_token"]

    read(service, "customers/c0000", token, who=Login("password", "bob"))
    read(service, "customers/c0000", token, who=Login("password", "ann", good=False))

    assert [report[0] for report in reports] == ["anothers-token", "wrong-credentials-read"]


def test_pages_are_clamped_and_linked(reports) -> None:
    service = service_of(reports, page_clamp=10, records=23)
    token = service.issue("ann/live", "live", 0.0).value
    who = Login("fixed", "ann", mode="live")

    target: str | None = "customers?page[number]=1&page[size]=25"
    seen: list[str] = []
    while target is not None:
        reply = read(service, target, token, who=who)
        document = json.loads(reply.body)
        seen += ids_of(reply)
        following = document["links"].get("next")
        target = following.partition("/api/")[2] if following else None

    assert seen == service.ids("customers")
    assert document["meta"] == {"record_count": 23, "page_count": 3}


def test_lists_are_filtered_by_ids_and_by_what_comes_after(reports) -> None:
    service = service_of(reports)
    token = service.issue("ann/test", "test", 0.0).value

    by_ids = read(service, "customers?filter[q][id_in]=c0003,c0001,c9000&page[size]=25", token)
    after = read(service, "customers?filter[q][id_gt]=c0037&page[size]=25", token)

    assert ids_of(by_ids) == ["c0001", "c0003"]
    assert ids_of(after) == ["c0038", "c0039"]


def test_what_a_relationship_leads_to_is_the_same_however_it_is_read(reports) -> None:
    service = service_of(reports)
    token = service.issue("ann/test", "test", 0.0).value

    linked = json.loads(read(service, "customer_payment_sources/w0005/customer", token).body)["data"]
    parent = json.loads(read(service, "customer_payment_sources/w0005?include=customer", token).body)
    nothing = json.loads(read(service, "customer_payment_sources/w0004/payment_source", token).body)

    assert parent["included"] == [linked]
    assert parent["data"]["relationships"]["customer"]["data"] == {"type": "customers", "id": linked["id"]}
    assert nothing["data"] is None


@pytest.mark.parametrize("target", ["customers/../x", "customers/a b", "customers/c1/x/y", "", "Customers"])
def test_a_malformed_request_is_reported(reports, target) -> None:
    assert read(service_of(reports), target, "t").status == 404
    assert reports[0][0] == "malformed-request"


def test_the_least_time_of_a_read_is_that_of_both_windows() -> None:
    assert least_seconds(10, (30, 30.0), (10, 5.0)) == 0.0
    assert least_seconds(11, (30, 30.0), (10, 5.0)) == 5.0
    assert least_seconds(60, (30, 30.0), (10, 5.0)) == 40.0


def test_the_same_request_meets_the_same_fault() -> None:
    faults = Faults({event: 1000 // len(EVENTS) for event in EVENTS})

    drawn = [faults.draw(7, 0, number) for number in range(500)]

    assert drawn == [faults.draw(7, 0, number) for number in range(500)]
    assert {delivery.event for delivery in drawn} >= set(EVENTS)


def test_a_seed_makes_one_plan_and_all_themes_come() -> None:
    plans = [plan_of(seed) for seed in range(300)]

    assert plans == [plan_of(seed) for seed in range(300)]
    assert {plan.theme for plan in plans} == set(THEMES)
    assert all(make(Draw(3), 3).actions for make in THEMES.values())


def test_a_plan_is_printed_without_what_is_by_default() -> None:
    text = str(plan_of(0))

    assert text.startswith("seed 0, theme ")
    assert "one_address" not in text


def test_loops_share_one_time_and_take_turns() -> None:
    time = Time()
    loops = [ProcessLoop(time), ProcessLoop(time)]
    seen: list[tuple[str, float]] = []

    async def work(name: str, seconds: float) -> None:
        for _ in range(2):
            await asyncio.sleep(seconds)
            seen.append((name, asyncio.get_running_loop().time()))

    tasks = [loops[0].create_task(work("a", 2.0)), loops[1].create_task(work("b", 3.0))]
    run_until(loops, time, lambda: all(task.done() for task in tasks), horizon=2000.0)
    for loop in loops:
        loop.close()

    assert seen == [("a", 1002.0), ("b", 1003.0), ("a", 1004.0), ("b", 1006.0)]


@pytest.mark.parametrize("why", ["no timer", "horizon", "spins"])
def test_loops_that_do_not_go_on_are_noticed(why) -> None:
    time = Time()
    loop = ProcessLoop(time)

    async def wait() -> None:
        for _ in range(10**6 if why == "spins" else 0):
            await asyncio.sleep(0)
        await (asyncio.sleep(5000.0) if why == "horizon" else loop.create_future())

    task = loop.create_task(wait())
    with pytest.raises(Stuck, match=why):
        run_until([loop], time, task.done, horizon=2000.0)
    task.cancel()
    run_until([loop], time, task.done, horizon=2000.0)
    loop.close()
