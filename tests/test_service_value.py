"""A service as a value: what does not make sense is refused where it is made, and says what would."""

import copy
import pickle
from typing import Any

import attrs
import pytest

from commercelayer_async.errors import ConfigurationError
from commercelayer_async.service import (
    COMMERCE_LAYER,
    Basic,
    ByAttribute,
    Calls,
    Cursor,
    Header,
    Ids,
    Keyset,
    Links,
    Numbers,
    Offsets,
    Rates,
    Service,
    Sort,
    Total,
    dashed,
    plural,
)

ANY_SERVICE: Any = Service
ANY_RATES: Any = Rates
"""For arguments that no type checker lets through."""


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: Service(headers={"Host": "x"}), "Host is set by the transport"),
        (lambda: Service(headers={"a b": "x"}), "is not the name of a header"),
        (lambda: Service(headers={"revision": "x\r\ny: z"}), "the value of revision must be printable ASCII"),
        (lambda: ANY_SERVICE(auth="Bearer"), r"auth must be Header\(…\), Basic\(\) or OAuth2\(…\)"),
        (lambda: ANY_SERVICE(rates=5), r"rates must be Rates\(…\)"),
        (lambda: ANY_SERVICE(paging=25), r"paging must be Links\(…\)"),
        (lambda: ANY_SERVICE(paging={"a": None}), r"paging must be Links\(…\)"),
        (lambda: ANY_SERVICE(filters="filter[{}]"), "filters must be"),
        (lambda: Service(ids_at_once=Ids("any(id,[{}])")), r"a call needs filters=Calls\(…\)"),
        (lambda: Service(ids="["), "is not a pattern"),
        (lambda: Service(total="record_count"), "pointer must say where in a document's meta or links it is"),
        (lambda: Service(total="data.count"), "pointer must say where in a document's meta or links it is"),
        (lambda: Header("Authorization", "Bearer"), "must have {} once"),
        (lambda: Header("Authorization", "{} {}"), "must have {} once"),
        (lambda: Header("Content-Length"), "is set by the transport"),
        (lambda: Numbers("", size="s"), "number must be the name of a query parameter"),
        (lambda: Numbers("n", first=2), "first must be a whole number from 0 to 1"),
        (lambda: Offsets("o", most=0), "most must be a whole number"),
        (lambda: Links(most={"a": -1}), "most must be a whole number"),
        (lambda: Cursor("c", next="cursor"), "next must say where in a document's meta or links"),
        (lambda: Ids("ids", most=0), "most must be a whole number"),
        (lambda: Ids("any({},{})"), "must have {} once"),
        (lambda: Keyset("", "gt"), "attribute must be a text"),
        (lambda: Sort("sort", keys=0), "keys must be a whole number"),
        (lambda: ByAttribute(equal="filter[]"), "must have {attribute} once"),
        (lambda: ByAttribute(compare="filter[{attribute}]"), "must have {attribute} and {operator} once"),
        (lambda: Calls(both="and"), "must have {} once"),
        (lambda: Total("meta.total", most=0), "most must be a whole number"),
        (lambda: ANY_RATES(windows=(5, 60)), "must be pairs of requests and seconds"),
        (lambda: Rates(windows={"a": ((0, 60),)}), "must be a number above 0"),
        (lambda: Rates(windows=((5, 10**9),)), "is not a window"),
        (lambda: ANY_RATES(wait_in_body="seconds"), "wait_in_body must be a function"),
        (lambda: Basic.encode("a:b", "c"), "the name without a colon"),
    ],
)
def test_what_does_not_make_sense_is_refused(make: Any, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        make()


def test_headers_are_not_shown_and_not_shared_with_the_caller() -> None:
    headers = {"X-Key": "a secret"}
    service = Service(headers=headers)
    headers["X-Key"] = "another"

    assert service.headers == {"X-Key": "a secret"}
    assert "secret" not in repr(service)


def test_a_service_can_be_changed_in_part_copied_and_pickled() -> None:
    changed = attrs.evolve(COMMERCE_LAYER, name="Staging", slash=True)

    assert (changed.name, changed.list_path_of("orders")) == ("Staging", "/orders/")
    assert copy.deepcopy(changed).paging_of("event_stores") == changed.paging_of("event_stores")
    assert pickle.loads(pickle.dumps(COMMERCE_LAYER)).root == "/api"


@pytest.mark.parametrize(
    ("rule", "type", "path"),
    [
        (plural, "profile", "profiles"),
        (plural, "category", "categories"),
        (plural, "day", "days"),
        (plural, "box", "boxes"),
        (plural, "address", "addresses"),
        (dashed, "order_items", "order-items"),
    ],
)
def test_the_usual_rules_of_paths(rule: Any, type: str, path: str) -> None:
    assert Service(path=rule).path_of(type) == f"/{path}"


@pytest.mark.parametrize(("given", "root"), [("", ""), ("/", ""), ("api", "/api"), ("/api/v2/", "/api/v2")])
def test_a_root_has_one_slash_before_it_and_none_behind(given: str, root: str) -> None:
    assert Service(root=given).root == root


def test_a_table_names_types_and_dots_stand_for_all_others() -> None:
    service = Service(paging={"list": Links(most=10), ...: Links(most=100)}, ids_at_once=Ids("ids", most={"list": 50}))

    assert service.paging_of("list").most_of("list") == 10
    assert service.paging_of("profile").most_of("profile") == 100
    assert service.paging_of(None).most_of(None) == 100
    assert service.ids_at_once_of("list") == 10
    assert service.ids_at_once_of("profile") == 0
    assert Service(paging={"list": Links(most=10)}).paging_of("profile") == Links()
