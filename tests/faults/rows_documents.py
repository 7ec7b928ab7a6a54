"""Groups J, L, K and S of the catalogue: documents, links, the caller's own mistakes, resources of the machine."""

import copy
import functools
import json
import pickle
from datetime import UTC, datetime
from typing import Any

from commercelayer_async import (
    CommerceLayerError,
    ConfigurationError,
    ConnectError,
    DecodeError,
    GenericResource,
    LinkRefused,
    NotFound,
    ServerError,
    Session,
    TimeoutError,
)
from commercelayer_async.resources import Customer, CustomerPaymentSource
from tests.faults.assertions import PAYMENT, SECRET, SOON, Hosts, Outcome
from tests.faults.breaking_server import Script, stall
from tests.faults.row import BODY, FEW, GOOD, NONE, Row, attributes, by_id, linked, resolved, source, wallet
from tests.faults.rows_connections import Lazy, row
from tests.support.documents import document, resource
from tests.support.responses import reply

WRONG = (DecodeError,)
TEXT = BODY.decode()
WHOLE = "the resource"
WRONG_OR = "an error of the package, or the resource"


def data(value: Any) -> bytes:
    return reply({"data": value})


def one(number: str, label: str, what: str, raw: bytes, **rest: object) -> Row:
    """A document that is wrong."""
    return row(number, label, f"sends {what}", "DecodeError", api=[raw], raises=WRONG, **rest)


def maybe(number: str, label: str, what: str, raw: Any, **rest: object) -> Row:
    """A document that is odd."""
    api = raw if isinstance(raw, list) else [raw]
    options = {"raises": WRONG, "requests": FEW} | rest
    return row(number, label, f"sends {what}", WRONG_OR, api=api, either=True, **options)


def instant(*expected: datetime) -> object:
    """Where there is a value, it is the right one."""

    def check(outcome: Outcome) -> None:
        if outcome.error is None:
            assert any(abs((outcome.value.created_at - one).total_seconds()) < 0.001 for one in expected)

    return check


def asked_for(outcome: Outcome) -> None:
    if outcome.error is None:
        assert outcome.value.id == "c1"


def ordinary(outcome: Outcome) -> None:
    """Nothing of the document got onto the object, beside its fields."""
    value = outcome.value
    assert isinstance(value, Customer)
    assert type(value) is Customer
    assert callable(value.__class__.__init__)
    assert not hasattr(value, "no_such_attribute")


def works(value: Any) -> None:
    """What programs do with a resource ends, and gives what it should."""
    again = pickle.loads(pickle.dumps(value))
    assert repr(value)
    assert again == value == copy.copy(value) == copy.deepcopy(value)
    assert hash(again) == hash(value)


def usable(outcome: Outcome) -> None:
    if outcome.error is None:
        works(outcome.value)


def same_metadata(outcome: Outcome) -> None:
    assert dict(outcome.value.metadata) == {"a": [1, {"b": None}]}


async def related(session: Session, hosts: Hosts) -> Any:
    """The wallet, and what becomes of its customer; the wallet alone may fail too."""
    found = await session.get(CustomerPaymentSource, "w1")
    repr(found.customer)
    works(found)
    found_there: Any = await found.customer
    return found if found_there is None else found_there


async def generic(session: Session, hosts: Hosts) -> Any:
    """The wallet's payment source."""
    return await (await session.get(CustomerPaymentSource, "w1")).payment_source


def is_generic(outcome: Outcome) -> None:
    assert isinstance(outcome.value, GenericResource)


NOON = datetime(2018, 1, 1, 12, tzinfo=UTC)
IDENTIFIER = {"type": "customers", "id": "c1"}
CHAIN = 50_000


def fifty_thousand(*, chained: bool) -> bytes:
    """A wallet whose document includes 50,000 customers, which may name each other in a row."""
    included = [
        {**IDENTIFIER, "id": f"c{n}", "attributes": resource()["attributes"]}
        | ({"relationships": {"next": {"data": {"type": "customers", "id": f"c{n + 1}"}}}} if chained else {})
        for n in range(1, CHAIN)
    ]
    return wallet({"customer": {"data": IDENTIFIER}}, included=included)


def compound(*included: Any, to: Any = IDENTIFIER) -> bytes:
    return wallet({"customer": {"data": to}}, included=list(included))


J = [
    *(
        one("J1", f"json-{kind}", what, reply(text), requests=FEW, never=("created_at", "2018"))
        for kind, what, text in [
            ("words", "no JSON", "no"), ("cut", "half a document", TEXT[:60]),
            ("trailing", "text behind it", f"{TEXT} x"),
            ("two", "two documents", TEXT + TEXT), ("comment", "a comment", "/* x */" + TEXT),
            ("single-quotes", "single quotes", TEXT.replace('"', "'")),
        ]
    ),
    *(
        one("J2", f"top-{kind}", f"{text} alone", reply(text))
        for kind, text in [("object", "{}"), ("array", "[]"), ("null", "null"), ("true", "true"), ("number", "42"),
                           ("string", '"x"')]
    ),
    *(
        one("J3", f"data-{kind}", f"data {kind}", reply(value))
        for kind, value in [("missing", {"meta": {}}), ("null", {"data": None}), ("list", {"data": [resource()]}),
                            ("empty-list", {"data": []}), ("string", {"data": "x"}), ("number", {"data": 5})]
    ),
    one("J4", "data-and-errors", "data and errors", reply(document(errors=[{"code": "X"}]))),
    *(
        one("J5", f"id-{kind}", f"an id that is {kind}", says=("/data/id",),
            raw=data({k: v for k, v in resource(id=value).items() if v != ...}))
        for kind, value in [("missing", ...), ("number", 12), ("null", None), ("empty", ""), ("list", ["c1"])]
    ),
    row("J6", "id-other", "sends another resource than asked for", "an error; the connection goes",
        api=[data(resource(id="c2"))], raises=WRONG, says=("customers/c2",)),
    *(
        one("J7", f"id-{kind}", f"an id {what}", data(resource(id=value)))
        for kind, what, value in [("traversal", "with dots", "../../oauth/token"), ("crlf", "with CR LF", "c\r\nX: y"),
                                  ("1mb", "of 1 MiB", "x" * 2**20)]
    ),
    *(
        one("J8", f"type-{kind}", f"a type that is {kind}",
            data({k: v for k, v in resource(value).items() if v != ...}))
        for kind, value in [("missing", ...), ("number", 5), ("orders", "orders"), ("unknown", "martians")]
    ),
    *(
        maybe("J9", f"attrs-{kind}", f"attributes {kind}",
              data({**IDENTIFIER, **({} if value is ... else {"attributes": value})}))
        for kind, value in [("missing", ...), ("null", None), ("list", []), ("string", "x")]
    ),
    row("J10", "attrs-unknown", "sends attributes that nobody knows", WHOLE, check=ordinary,
        api=[attributes(no_such_attribute=1, another={"a": 1})]),
    row("J10", "attrs-dunder", "sends attributes with names of Python's", WHOLE, check=ordinary,
        api=[attributes(__class__="x", __init__="x", __dict__={"a": 1}, _document="x", _relationships={"a": 1}, id="x",
                        type="y", self="z", get="w")]),
    row("J10", "attrs-all-null", "sends null for all but the times", WHOLE, check=ordinary,
        api=[attributes(email=None, status=None, has_password=None, metadata=None, reference=None)]),
    *(
        one("J11", f"attr-{kind}", f"a token that is {what}", reply({"data": resource(
            "customer_payment_sources", "w1", attributes={"payment_source_token": value})}), ask=source,
            never=(PAYMENT, "4242424242"))
        for kind, what, value in [("token-number", "a number", 4242424242), ("token-list", "a list", [PAYMENT]),
                                  ("token-object", "an object", {"token": PAYMENT})]
    ),
    one("J11", "attr-name-object", "a reference that is an object", attributes(reference={"a": PAYMENT})),
    *(
        one("J12", f"date-{kind}", f"a time that is {what}", attributes(created_at=value))
        for kind, what, value in [
            ("words", "words", "yesterday"), ("number", "a number", 1514808000), ("empty", "empty", ""),
            ("object", "an object", {}), ("year-0", "in the year 0", "0000-01-01T00:00:00Z"),
            ("year-99999", "in the year 99999", "99999-01-01T00:00:00Z"), ("100kb", "of 100 kB", "2" * 100_000),
            ("arabic", "in Arabic digits", "\u0662\u0660\u0661\u0668-01-01T12:00:00Z"), ("null", "null", None),
        ]
    ),
    *(
        maybe("J13", f"date-{kind}", f"a time {what}", attributes(created_at=value), check=instant(*expected))
        for kind, what, value, expected in [
            ("naive", "without offset", "2018-01-01T12:00:00", [NOON]),
            ("date-only", "that is a date", "2018-01-01", [NOON.replace(hour=0)]),
            ("offset", "with an offset", "2018-01-01T14:00:00+02:00", [NOON]),
            ("nanos", "with nanoseconds", "2018-01-01T12:00:00.000000123Z", [NOON]),
            ("leap-second", "in a leap second", "2016-12-31T23:59:60Z",
             [datetime(2017, 1, 1, tzinfo=UTC), datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)]),
        ]
    ),
    maybe("J14", "dup-id", "two ids, the asked one last", reply(TEXT.replace('"id": "c1"', '"id": "c2", "id": "c1"')),
          check=asked_for),
    maybe("J14", "dup-id-first", "two ids, the asked one first",
          reply(TEXT.replace('"id": "c1"', '"id": "c1", "id": "c2"')), check=asked_for),
    maybe("J14", "dup-keys", "two data members", reply('{"data": ' + json.dumps(resource(id="c2")) + ", " + TEXT[1:]),
          check=asked_for),
    row("J15", "metadata-nested", "sends nested metadata", WHOLE, api=[attributes(metadata={"a": [1, {"b": None}]})],
        check=same_metadata),
    *(
        maybe("J15", f"metadata-{kind}", f"metadata that is {kind}", attributes(metadata=value))
        for kind, value in [("null", None), ("list", [1]), ("string", "x"), ("number", 5)]
    ),
    *(
        maybe("J15", f"meta-{kind}", f"meta that is {kind}", reply(document(resource(meta=value), meta=value)))
        for kind, value in [("null", None), ("list", [1]), ("string", "x"), ("number", 5)]
    ),
    *(
        maybe("J16", f"rels-{kind}", f"relationships that are {kind}", reply(document(resource(relationships=value))))
        for kind, value in [("null", None), ("list", []), ("string", "x"), ("empty", {})]
    ),
    *(
        maybe("J17", f"rel-{kind}", f"a relationship that is {kind}", [wallet({"customer": value})], ask=related,
              requests=(1, 4))
        for kind, value in [("null", None), ("string", "x"), ("list", []), ("number", 5), ("empty", {})]
    ),
    *(
        maybe("J18", f"rel-links-{kind}", f"links of a relationship that are {kind}",
              [wallet({"customer": {"links": value}})], ask=related, requests=(1, 4))
        for kind, value in [("null", None), ("list", []), ("string", "x"), ("empty", {}), ("number", 5)]
    ),
    *(
        maybe("J19", f"rel-data-{kind}", f"linkage that is {kind}", [wallet({"customer": {"data": value}}), GOOD],
              ask=related, raises=(DecodeError, ConfigurationError, NotFound), requests=(1, 4))
        for kind, value in [
            ("null", None), ("string", "x"), ("list", [IDENTIFIER]), ("without-id", {"type": "customers"}),
            ("number", 5), ("other-type", {"type": "orders", "id": "o1"}),
            ("traversal", {"type": "customers", "id": "../orders"}),
            ("type-traversal", {"type": "../oauth/token", "id": "c1"}),
        ]
    ),
    *(
        maybe("J20", f"included-{kind}", f"included that is {what}",
              wallet({"customer": {"data": IDENTIFIER}}, included=value), ask=source)
        for kind, what, value in [
            ("null", "null", None), ("object", "an object", {}), ("string", "a string", "x"),
            ("nulls", "of nulls", [None]), ("strings", "of strings", ["x"]),
            ("untyped", "without type", [{"id": "c1"}]),
        ]
    ),
    *(
        maybe("J20", f"included-{kind}-followed", f"included that is {what}, and is needed",
              [wallet({"customer": {"data": IDENTIFIER}}, included=value), GOOD], ask=related, requests=(1, 3))
        for kind, what, value in [("null", "null", None), ("nulls", "of nulls", [None]),
                                  ("strings", "of strings", ["x"])]
    ),
    *(
        row("J21", f"included-{kind}", f"includes {what}", "ends; repr, ==, hash, copy and pickle too", ask=related,
            api=[raw, GOOD], requests=(1, 2), check=usable)
        for kind, what, raw in [
            ("duplicate", "the customer twice", compound(resource(), resource())),
            ("cycle", "a cycle", compound(resource(relationships={
                "customer_payment_sources": {"data": [{"type": "customer_payment_sources", "id": "w1"}]}}))),
            ("self", "a customer that leads to itself", compound(resource(relationships={
                "jwt_customer": {"data": IDENTIFIER}}))),
            ("primary-again", "the wallet again", compound(resource(), resource("customer_payment_sources", "w1"))),
            ("unlinked", "what nobody links to", compound(resource(), resource(id="c9"))),
            ("absent", "not what the linkage names", compound(resource(id="c9"))),
        ]
    ),
    *(
        maybe("J22", f"included-{kind}50k", f"50,000 included resources{what}",
              [[Lazy(functools.partial(fifty_thousand, chained=bool(kind)))], GOOD], ask=related,
              raises=(CommerceLayerError,), within=60.0)
        for kind, what in [("", ""), ("chain-", " in a chain")]
    ),
    *(
        maybe("J23", f"int-{digits}", f"an integer of {digits} digits",
              reply(TEXT.replace('"attributes": {', '"attributes": {"metadata": {"n": ' + "9" * digits + "}, ")))
        for digits in (5_000, 100_000)
    ),
    maybe("J24", "float-1e400", "1e400", reply(TEXT
          .replace('"attributes": {', '"attributes": {"metadata": {"n": 1e400}, '))),
    *(
        one("J24", kind.lower().strip("-"), kind, requests=FEW,
            raw=reply(TEXT.replace('"attributes": {', '"attributes": {"metadata": {"n": ' + kind + "}, ")))
        for kind in ("NaN", "-Infinity")
    ),
    maybe("J25", "lone-surrogate", "half a surrogate pair",
          reply(TEXT.replace('"attributes": {', '"attributes": {"reference": "a\\ud800b", '))),
    *(
        row("J26", f"{kind}-in-string", f"sends {what} in a string", "unchanged", api=[attributes(reference=value)],
            check=lambda outcome, value=value: _same(outcome, value))
        for kind, what, value in [("nul", "NUL", "a\0b"), ("newlines", "line breaks", "a\r\nb\u2028c"),
                                  ("formula", "a formula", '=HYPERLINK("http://x")')]
    ),
    *(
        maybe("J27", f"deep-{kind}", f"100,000 levels of {what}", reply(text), within=60.0)
        for kind, what, text in [
            ("array", "arrays", "[" * 100_000 + "]" * 100_000),
            ("object", "objects", '{"a":' * 100_000 + "1" + "}" * 100_000),
            ("open", "arrays, never closed", "[" * 100_000),
            ("metadata", "arrays in metadata", TEXT.replace(
                '"attributes": {', '"attributes": {"metadata": {"n": ' + "[" * 100_000 + "]" * 100_000 + "}, ")),
            ("unknown", "arrays in an unknown member", TEXT[:-1] + ', "x": ' + "[" * 100_000 + "]" * 100_000 + "}"),
        ]
    ),
    maybe("J28", "deep-900", "900 levels in metadata", reply(TEXT.replace(
        '"attributes": {', '"attributes": {"metadata": {"n": ' + "[" * 900 + "]" * 900 + "}, ")), check=usable),
    *(
        row("J29", label, f"sends {what}", WHOLE, api=[reply(value)])
        for label, what, value in [
            ("links-null", "links null", document(resource(links=None), links=None)),
            ("self-link-foreign", "a self link elsewhere", document(resource(links={"self": "http://shop.example/x"}))),
            ("jsonapi-version", "an odd jsonapi member", document(jsonapi={"version": 7, "ext": "x"})),
        ]
    ),
]  # fmt: skip


def _same(outcome: Outcome, value: str) -> None:
    assert outcome.value.reference == value


def link(location: str) -> object:
    """A wallet whose customer is behind a link, which may name places; and a customer for whoever follows."""

    def script(hosts: Hosts) -> Script:
        where = location.format(foreign=hosts.foreign, internal=hosts.internal, here=hosts.here, port=hosts.port)
        return [linked(where), GOOD]

    return script


def bad_link(number: str, label: str, what: str, location: str, **rest: object) -> Row:
    options = {"raises": (LinkRefused,), "tokens": NONE} | rest
    return row(number, f"link-{label}", f"links to {what}", "refuses", api=link(location), ask=resolved, **options)


def no_secret_target(outcome: Outcome) -> None:
    assert len(outcome.server.asked) == 1


L = [
    row("L1", "link-good", "links to the customer", "the customer", api=link("http://{here}/api/customers/c1"),
        ask=resolved, requests=(2, 2)),
    bad_link("L2", "foreign", "another port", "http://{foreign}/api/customers/c1"),
    bad_link("L3", "internal", "127.0.0.2", "http://{internal}/api/customers/c1"),
    bad_link("L4", "alias-host", "localhost", "http://localhost:{port}/api/customers/c1"),
    bad_link("L4", "trailing-dot", "the host with a dot behind it", "http://127.0.0.1.:{port}/api/customers/c1"),
    bad_link("L5", "decimal-host", "the host as one number", "http://2130706433:{port}/api/customers/c1"),
    bad_link("L6", "short-host", "127.1", "http://127.1:{port}/api/customers/c1"),
    bad_link("L7", "full-width", "the host in full-width dots", "http://127\uff0e0\uff0e0\uff0e1:{port}/api/customers/c1"),
    bad_link("L8", "userinfo", "a URL with a user part", "http://user:pass@{here}/api/customers/c1"),
    bad_link("L9", "at-trick", "api@foreign", "http://{here}@{foreign}/api/customers/c1"),
    bad_link("L10", "backslash", "a URL with backslashes", "http:\\\\{foreign}\\api\\customers"),
    bad_link("L11", "hash-trick", "the # trick", "http://{foreign}#@{here}/api/customers/c1"),
    bad_link("L12", "protocol-relative", "//foreign", "//{foreign}/api/customers/c1"),
    bad_link("L13", "scheme-https", "another scheme", "https://{here}/api/customers/c1", within=1.0),
    bad_link("L14", "javascript", "javascript:", "javascript:alert(1)"),
    bad_link("L15", "data", "data:", "data:application/json,{{}}"),
    bad_link("L16", "file", "a file", "file:///etc/passwd"),
    bad_link("L17", "ftp", "ftp:", "ftp://{here}/api/customers/c1"),
    bad_link("L18", "unix", "a socket", "http+unix://%2Fvar%2Frun%2Fdocker.sock/api/customers/c1"),
    row("L19", "link-relative", "links by a path", "the customer", api=link("/api/customers/c1"), ask=resolved,
        requests=(2, 2)),
    bad_link("L20", "dot-dot", "/api/../oauth/token", "/api/../oauth/token"),
    bad_link("L20", "encoded-dots", "the same, encoded", "/api/%2e%2e/oauth/token"),
    bad_link("L20", "double-encoded-dots", "the same, encoded in part", "/api/.%2E/oauth/token"),
    *(
        bad_link("L20", label, what, href)
        for label, what, href in [
            ("encoded-slash", "an encoded slash", "/api/customers%2fc1"),
            ("encoded-backslash", "an encoded backslash", "/api/customers%5C..%5Cc1"),
            ("dot-dot-semicolon", "dots with a parameter", "/api/..;/oauth/token"),
            ("dot-dot-semicolon-encoded", "the same, encoded", "/api/%2e%2e%3bx/oauth/token"),
            ("double-encoded", "dots that are encoded twice", "/api/%252e%252e/oauth/token"),
            ("double-encoded-slash", "a slash that is encoded twice", "/api/customers%25252fc1"),
            ("overlong-dots", "dots in two bytes each", "/api/%c0%ae%c0%ae/oauth/token"),
            ("encoded-nul", "an encoded NUL", "/api/customers/c1%00.json"),
        ]
    ),
    bad_link("L20", "token-endpoint", "the token endpoint", "http://{here}/oauth/token"),
    *(
        row("L21", f"link-{kind}", f"links to {what}", "an error that names the relationship, or asks the parent",
            ask=resolved, api=[linked(value), GOOD], requests=(1, 3),
            raises=(DecodeError, LinkRefused, ConfigurationError))
        for kind, what, value in [("null", "null", None), ("empty", "nothing", ""), ("number", "a number", 5),
                                  ("list", "a list", ["/api/customers/c1"])]
    ),
    row("L22", "link-object", "gives a link object", "the customer", ask=resolved, requests=(2, 2),
        api=[linked({"href": "/api/customers/c1", "meta": {}}), GOOD]),
    row("L22", "link-object-foreign", "gives a link object that leads elsewhere", "refuses", ask=resolved,
        api=lambda hosts: [linked({"href": f"http://{hosts.foreign}/x"}), GOOD], raises=(LinkRefused,)),
    bad_link("L23", "long", "1 MiB", "/api/customers/" + "x" * 2**20),
    bad_link("L24", "crlf", "a URL with CR LF", "/api/customers/c1\r\nX-Injected: y"),
    row("L24", "link-crlf-encoded", "links to a URL with CR LF, encoded", "refuses", ask=resolved,
        api=link("/api/customers/c1%0d%0aX-Injected:%20y"), raises=(LinkRefused,)),
    bad_link("L25", "space", "blanks and a foreign URL", "  http://{foreign}/api/customers/c1"),
    row("L26", "link-query-secret", "links with a secret in the query", "as given", ask=resolved, requests=(2, 2),
        api=link(f"/api/customers/c1?token={SECRET}")),
    row("L26", "link-query-secret-error", "the same, and fails behind it", "an error without the query", ask=resolved,
        api=[linked(f"/api/customers/c1?token={SECRET}"), reply(status=500)], raises=(ServerError,), requests=(2, 9)),
    row("L27", "link-404", "answers 404 behind the link", "NotFound", ask=resolved,
        api=[linked("/api/customers/c1"), reply(status=404)], raises=(NotFound,), requests=(2, 3)),
    row("L27", "link-wrong-type", "gives a resource of another type behind the link", "an error", ask=resolved,
        api=[linked("/api/customers/c1"), data(resource("orders", "o1"))], raises=WRONG, requests=(2, 3)),
    row("L27", "link-self", "links to the wallet itself", "an error; no loop", ask=resolved,
        api=[linked("/api/customer_payment_sources/w1")], raises=WRONG, requests=(1, 3)),
    row("L28", "link-slow", "is silent behind the link", "gives up", ask=resolved, read=0.05, requests=(2, 9),
        api=[linked("/api/customers/c1"), (stall,)], raises=(TimeoutError,)),
    row("L28", "link-bad-body", "sends no JSON behind the link", "DecodeError", ask=resolved, requests=(2, 4),
        api=[linked("/api/customers/c1"), reply("no")], raises=WRONG),
    row("L29", "link-unknown-type", "links to a payment source of an unknown type", "a generic resource", ask=generic,
        api=[wallet({"payment_source": {"links": {"related": "/api/m/1"}}}), data(resource("martian_payments", "m1"))],
        requests=(2, 2), check=is_generic),
    row("L30", "resolvers", "500 await the same relationship", "one request",
        shown="test_five_hundred_resolvers_share_one_request"),
]  # fmt: skip

BAD_IDS: list[tuple[str, str, Any]] = [
    ("K1", "an empty id", ""),
    ("K2", "None", None), ("K2", "a number", 5), ("K2", "True", True), ("K2", "bytes", b"c1"), ("K2", "a list", ["c1"]),
    *(("K3", repr(id_), id_) for id_ in ("../orders", "..", ".", "%2e%2e/orders", "..%2forders", "..\\orders")),
    *(("K4", repr(id_), id_) for id_ in ("a/b", "a?x", "a#b", "a;b", "%", "a b")),
    ("K5", "CR LF", "c1\r\nX-Injected: y"), ("K5", "NUL", "c1\0"), ("K5", "escape codes", "\x1b[31mc1"),
    ("K6", "letters beyond ASCII", "\xfcber"), ("K6", "a direction mark", "\u202ec1"), ("K6", "half a pair", "\ud800"),
    ("K7", "a URL", "http://shop.example/x"), ("K7", "a URL without scheme", "//shop.example/x"),
    ("K8", "10 MB", "x" * 10_000_000),
]  # fmt: skip


def quick(outcome: Outcome) -> None:
    assert outcome.seconds < SOON
    assert len(str(outcome.error)) < 4000


def bad_option(label: str, what: str, **options: Any) -> Row:
    return row("K17", label, f"the caller sets {what}", "refused when the session is made", session=options,
               raises=(ConfigurationError,), requests=NONE)  # fmt: skip


def bad_base(label: str, what: str, base: str) -> Row:
    return row("K18", f"base-{label}", f"the caller gives {what}", "refused when the session is made", base=base,
               raises=(ConfigurationError,), requests=NONE)  # fmt: skip


K = [
    *(
        row(number, "bad_ids", f"the caller gives {what} for an id", "ConfigurationError before any request",
            ask=by_id(id_), raises=(ConfigurationError,), requests=NONE, check=quick)
        for number, what, id_ in BAD_IDS
    ),
    row("K9", "header-crlf", "the caller's user agent has CR LF", "refused", session={"user_agent": "a\r\nX: b"},
        raises=(ConfigurationError,), requests=NONE),
    row("K10", "after_close", "the caller goes on after close, and closes twice", "SessionError; fine",
        shown="test_after_close"),
    row("K10", "close_in_flight", "the caller closes under 50 calls", "all 50 end",
        shown="test_closing_ends_fifty_calls_in_flight"),
    row("K11", "other_loop", "another event loop, or none", "SessionError at once",
        shown="test_another_loop_is_a_typed_error_at_once"),
    row("K12", "forked", "the program forks after use", "the child gets SessionError; the parent goes on",
        shown="test_a_fork_harms_nobody"),
    row("K13", "cancel", "1,000 calls are cancelled at random moments", "nothing is left; later calls work",
        shown="test_a_thousand_cancellations_leave_nothing"),
    row("K14", "never_closed", "the session is never closed", "a ResourceWarning at most; the program ends well",
        shown="test_a_session_that_is_never_closed_ends_quietly"),
    row("K15", "interrupt", "KeyboardInterrupt within a call", "it propagates; nothing is left",
        shown="test_an_interrupt_propagates"),
    row("K16", "threads", "ten threads share a session, each with a loop", "SessionError",
        shown="test_threads_with_loops_of_their_own_get_typed_errors"),
    *(bad_option(f"timeout-{n}", f"timeout to {value!r}", timeout=value)
      for n, value in enumerate([0, -1, float("nan"), float("inf"), "5", True])),
    *(bad_option(f"max-connections-{n}", f"max_connections to {value!r}", max_connections=value)
      for n, value in enumerate([0, -1, True, "x"])),
    *(bad_option(f"max-body-{n}", f"max_body to {value!r}", max_body=value) for n, value in enumerate([0, -1, None])),
    row("K17", "timeout-none", "the caller sets no timeout", WHOLE, session={"timeout": None}),
    row("K17", "timeout-huge", "the caller sets a timeout of 10^9", WHOLE, session={"timeout": 1e9}),
    bad_base("no-scheme", "the address of this machine without scheme", "127.0.0.1:8080/api"),
    bad_base("query", "a URL with a query", "https://shop.example/?x=1"),
    bad_base("fragment", "a URL with a fragment", "https://shop.example/#x"),
    bad_base("port-0", "port 0", "https://shop.example:0"),
    bad_base("port-big", "port 99999", "https://shop.example:99999"),
    bad_base("dots", "a path with dots", "https://shop.example/a/../b"),
    bad_base("odd", "an odd host", "https://shop example"),
    row("K18", "base-path", "the caller gives a URL with a path", "kept as a prefix", base="http://{here}/shop",
        check=lambda outcome: _asked(outcome, "/shop/api/customers/c1")),
    row("K18", "base-slash", "the caller gives a URL with a slash", WHOLE, base="http://{here}/",
        check=lambda outcome: _asked(outcome, "/api/customers/c1")),
    row("K18", "base-upper", "the caller gives an upper-case scheme", WHOLE, base="HTTP://{here}"),
    row("K18", "base-ipv6", "the caller gives an IPv6 address at which nobody listens", "ConnectError that names it",
        base="http://[::1]:9", raises=(ConnectError,), requests=NONE, says=("[::1]:9",)),
    row("K19", "environment", "proxies and netrc in the environment", "ignored unless asked for",
        shown="test_the_environment_is_ignored_unless_asked_for"),
    row("K20", "python-modes", "python -O, -W error, PYTHONASYNCIODEBUG=1", "the same verdicts",
        shown="test_the_verdicts_do_not_depend_on_how_python_runs"),
    row("K21", "slow-loop", "a callback blocks the loop", "the calls succeed",
        shown="test_a_loop_that_was_blocked_is_no_time_out"),
]  # fmt: skip


def _asked(outcome: Outcome, target: str) -> None:
    assert [request.target for request in outcome.server.asked] == [target]


S = [
    row("S1", "many", "10,000 awaits at once", "all succeed; at most 250 connections",
        shown="test_ten_thousand_awaits"),
    row("S2", "few_files", "64 file descriptors, 500 calls", "waits, or an error of the package",
        shown="test_few_file_descriptors"),
    row("S3", "stalls", "200 calls stall", "all time out; a good call gets through",
        shown="test_stalled_calls_end_and_do_not_starve_a_good_one"),
    row("S4", "memory", "100,000 resources, one after the other", "at most 40 MiB more",
        shown="test_memory_stays_flat"),
    row("S20", "two-credentials", "two sessions with different credentials", "tokens and connections never mix",
        shown="test_two_credentials_never_mix"),
    row("S21", "cookies", "sets cookies", "never sent back", shown="test_cookies_are_not_sent_back"),
    row("S22", "environment", "proxies and netrc in the environment", "ignored",
        shown="test_the_environment_is_ignored_unless_asked_for"),
    row("S23", "sandbox-home", "the sandbox's own server", "loopback only; other hosts are refused",
        shown="test_the_sandbox_stays_at_home"),
]  # fmt: skip
