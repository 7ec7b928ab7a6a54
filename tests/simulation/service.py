"""A model of the service: what it counts, whom it lets in, and what it holds.

It shares no code with the client. Nothing here waits: each request comes with the moment of its arrival, and the reply
is there at once; the network decides when, and whether, it is delivered.
"""

import base64
import re
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import attrs
import msgspec

HOST: Final = "https://acme.commercelayer.io"
AUTH_HOST: Final = "https://auth.commercelayer.io"
CLIENT_ID: Final = "client"
CLIENT_SECRET: Final = "client-secret-of-acme"
CACHEABLE: Final = frozenset({"markets"})
_DOCUMENTED: Final = {"live": ((200, 60.0), (50, 10.0)), "test": ((100, 60.0), (25, 10.0))}
_TOKEN_WINDOW: Final = (30, 60.0)
_FACTOR: Final = 5
_LARGEST_PAGE: Final = 25
_EPSILON: Final = 1e-9

Pair = tuple[int, float]


class Window:
    """A sliding window as the service counts: a request counts from its arrival until it is as old as the window."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit = limit
        self.seconds = seconds
        self._all: deque[float] = deque()
        self._own: deque[float] = deque()
        self._came: deque[float] = deque()

    def full(self, now: float) -> bool:
        """True if another request is refused."""
        return self._count(self._all, now) >= self.limit

    def full_of_own(self, now: float, *, spare: float = 0) -> bool:
        """True if another request would be refused for the requests of this program alone.

        With so many windows to spare it is only true if those were used too: then refused requests count as well.
        """
        if not spare:
            return self._count(self._own, now) >= self.limit
        return self._count(self._came, now) >= self.limit * (1 + spare)

    def come(self, now: float) -> None:
        """Note a request of this program, whether it is let in or not."""
        self._came.append(now)

    def left(self, now: float) -> int:
        """Requests that would be let in now."""
        return max(0, self.limit - self._count(self._all, now))

    def add(self, now: float, *, own: bool = True) -> None:
        """Count a request that was let in."""
        self._all.append(now)
        if own:
            self._own.append(now)

    def _count(self, arrivals: deque[float], now: float) -> int:
        while arrivals and arrivals[0] + self.seconds <= now + _EPSILON:
            arrivals.popleft()
        return len(arrivals)


@attrs.frozen(kw_only=True)
class Limits:
    """The two windows for reads that are not cacheable."""

    average: Pair
    burst: Pair

    @classmethod
    def documented(cls, mode: str) -> "Limits":
        """The windows of a mode, as the documentation has them."""
        average, burst = _DOCUMENTED[mode]
        return cls(average=average, burst=burst)


@attrs.frozen(kw_only=True)
class ServiceConfig:
    """How a service behaves in one run."""

    modes: Mapping[str, Limits] = attrs.field(
        factory=lambda: {mode: Limits.documented(mode) for mode in ("live", "test")}
    )
    """The windows of each mode of token."""
    opaque_tokens: bool = False
    """Whether a token tells nothing of itself; else its claims tell the mode."""
    rate_headers: bool = True
    """Whether responses report the average window."""
    token_life: float = 7200.0
    rotates: bool = True
    """Whether a refresh token is spent when it is used; else the same one is handed back."""
    page_clamp: int = _LARGEST_PAGE
    """Resources of a page at most."""
    counts: bool = True
    """Whether lists say how many records they hold."""
    filters_by_ids: bool = True
    """Whether lists can be filtered by ids; else that is refused with 400."""
    unrouted: frozenset[str] = frozenset()
    """Relationships whose related links lead nowhere."""
    records: int = 40


@attrs.frozen
class Reply:
    """A response before faults are applied."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@attrs.define
class Token:
    """An access token that was issued."""

    value: str
    principal: str
    mode: str
    expires: float
    revoked_at: float | None = None


@attrs.frozen
class Login:
    """What a program presents, and whose token it may get."""

    grant: str
    """`client`, `password`, `refresh`, `jwt`, `code`, `fixed` or `function`."""
    user: str
    good: bool = True
    """False for a wrong password, secret or assertion."""
    mode: str = "test"

    @property
    def principal(self) -> str | None:
        """Whose token this login gives; None if it gives none."""
        if not self.good:
            return None
        return f"client/{self.mode}" if self.grant == "client" else f"{self.user}/{self.mode}"


class Service:
    """The model; what it sees that breaks an invariant goes to `report`."""

    def __init__(self, config: ServiceConfig, report: Any) -> None:
        self.config = config
        self._report = report
        self._windows: dict[tuple[str, ...], Window] = {}
        self.tokens: dict[str, Token] = {}
        self._refresh: dict[str, str | None] = {}
        """Refresh tokens and whose they are; None for those that are spent."""
        self._refused_refresh: dict[tuple[str, str], int] = {}
        self._codes: dict[str, str] = {}
        self._issued = 0
        self.excused_addresses: set[str] = set()
        """Addresses from which a caller's own limiter lets everything out."""
        self.lost_refresh: set[str] = set()
        """Principals one of whose token responses never arrived: the next refresh token was in it."""
        self.budget = ""
        """A word for reports, where processes share a budget."""
        self.spare_windows: Callable[[], float] = lambda: 0
        """How many windows our requests may use beyond one, or which part of one."""
        self.now = 0.0

    # What callers are given before a run.

    def issue(self, principal: str, mode: str, now: float) -> Token:
        """Issue an access token."""
        self._issued += 1
        value = f"opaque-{self._issued}"
        if not self.config.opaque_tokens:
            claims = msgspec.json.encode({"test": mode == "test", "jti": self._issued})
            value = f"e30.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.s{self._issued}"
        token = self.tokens[value] = Token(value, principal, mode, now + self.config.token_life)
        return token

    def first_refresh_token(self, principal: str) -> str:
        """The refresh token that a user has got elsewhere; always the same."""
        value = f"refresh-first-{principal}"
        self._refresh.setdefault(value, principal)
        return value

    def code(self, principal: str) -> str:
        """An authorization code, which works once."""
        value = f"code-of-{principal}"
        self._codes.setdefault(value, principal)
        return value

    # The API.

    def get(self, address: str, who: "Login | None", target: str, authorization: str | None, now: float) -> Reply:
        """The response to a GET that arrives now; `who` is whose program sent it."""
        self.now = now
        path, _, query = target.partition("?")
        match = re.fullmatch(r"/api/([a-z_]+)(?:/([A-Za-z0-9_-]+)(?:/([a-z_]+))?)?", path)
        if match is None:
            self._report("malformed-request", "path", f"GET {target[:80]}")
            return self._refusal(404, "RECORD_NOT_FOUND")
        type, id, related = match.groups()
        token = self.tokens.get((authorization or "").removeprefix("Bearer "))
        mode = token.mode if token is not None else "test"
        headers, refused = self._admit(address, mode, type, now)
        if refused:
            return attrs.evolve(self._refusal(429, "TOO_MANY_REQUESTS"), headers=headers)
        if token is None or now >= token.expires or token.revoked_at is not None:
            return attrs.evolve(self._refusal(401, "INVALID_TOKEN"), headers=headers)
        self._check_whose(who, token)
        reply = self._read(type, id, related, dict(parse_qsl(query, keep_blank_values=True)))
        return attrs.evolve(reply, headers={**reply.headers, **headers})

    def arrive_foreign(self, address: str, mode: str, type: str, count: int, now: float) -> None:
        """Count requests of somebody else at the same address."""
        average, burst = self._windows_of(address, mode, type)
        for _ in range(count):
            if not (average.full(now) or burst.full(now)):
                average.add(now, own=False)
                burst.add(now, own=False)

    def _windows_of(self, address: str, mode: str, type: str) -> tuple[Window, Window]:
        limits = self.config.modes[mode]
        factor = _FACTOR if type in CACHEABLE else 1
        route_class = "cacheable" if type in CACHEABLE else "uncacheable"
        average = self._window((address, mode, route_class), limits.average, factor)
        return average, self._window((address, mode, route_class, type), limits.burst, factor)

    def _window(self, key: tuple[str, ...], pair: Pair, factor: int = 1) -> Window:
        if key not in self._windows:
            self._windows[key] = Window(pair[0] * factor, pair[1])
        return self._windows[key]

    def _admit(self, address: str, mode: str, type: str, now: float) -> tuple[dict[str, str], bool]:
        average, burst = self._windows_of(address, mode, type)
        if address not in self.excused_addresses:
            for name, window in (("average-window", average), ("burst-window", burst)):
                if window.full_of_own(now, spare=self.spare_windows()):
                    self._report(
                        name,
                        f"{self.budget}{mode} {type}",
                        f"one more than {window.limit} in {window.seconds:g} s from {address}",
                    )
        refused = average.full(now) or burst.full(now)
        average.come(now)
        burst.come(now)
        if not refused:
            average.add(now)
            burst.add(now)
        headers = {"Content-Type": "application/vnd.api+json"}
        if self.config.rate_headers:
            headers["X-Ratelimit-Limit"] = str(average.limit)
            headers["X-Ratelimit-Interval"] = f"{average.seconds:g}"
            headers["X-Ratelimit-Remaining"] = str(average.left(now))
        return headers, refused

    def _check_whose(self, who: "Login | None", token: Token) -> None:
        if who is None or token.principal == who.principal:
            return
        code = "wrong-credentials-read" if who.principal is None else "anothers-token"
        self._report(code, who.grant, f"{who.user} ({who.grant}) reads with the token of {token.principal}")

    # Records.

    def ids(self, type: str) -> list[str]:
        """The ids of a type's records, in their order."""
        letter = {"customer_payment_sources": "w", "customers": "c", "markets": "m", "stripe_payments": "p"}.get(type)
        return [] if letter is None else [f"{letter}{n:04}" for n in range(self.config.records)]

    def has(self, type: str, id: str) -> bool:
        """True if there is such a record."""
        return id in self.ids(type)

    @staticmethod
    def customer_of(wallet: str) -> str:
        """The id of a wallet's customer."""
        return f"c{int(wallet[1:]) // 3:04}"

    @staticmethod
    def payment_source_of(wallet: str) -> str | None:
        """The id of a wallet's payment source; None for those without."""
        return None if int(wallet[1:]) % 4 == 0 else f"p{wallet[1:]}"

    def resource(self, type: str, id: str, include: tuple[str, ...] = ()) -> dict[str, Any]:
        """A record as a resource object."""
        times = {"created_at": "2018-01-01T12:00:00.000Z", "updated_at": "2018-01-01T12:00:00.000Z"}
        found: dict[str, Any] = {"type": type, "id": id, "attributes": {**times, "reference": f"of-{id}"}}
        if type == "customer_payment_sources":
            found["relationships"] = {
                name: self._relationship(type, id, name, included=name in include)
                for name in ("customer", "payment_source")
            }
        return found

    def _relationship(self, type: str, id: str, name: str, *, included: bool) -> dict[str, Any]:
        relationship: dict[str, Any] = {"links": {"related": f"{HOST}/api/{type}/{id}/{name}"}}
        if included:
            target = self._target(id, name)
            relationship["data"] = None if target is None else {"type": target[0], "id": target[1]}
        return relationship

    def _target(self, wallet: str, name: str) -> tuple[str, str] | None:
        if name == "customer":
            return "customers", self.customer_of(wallet)
        found = self.payment_source_of(wallet)
        return None if found is None else ("stripe_payments", found)

    def _read(self, type: str, id: str | None, related: str | None, query: Mapping[str, str]) -> Reply:
        include = tuple(name for name in query.get("include", "").split(",") if name)
        if id is None:
            return self._list(type, query, include)
        if not self.has(type, id) or (related is not None and related in self.config.unrouted):
            return self._refusal(404, "RECORD_NOT_FOUND")
        if related is None:
            return _reply({"data": self.resource(type, id, include), **self._included([id], include)})
        target = self._target(id, related)
        return _reply({"data": None if target is None else self.resource(*target)})

    def _list(self, type: str, query: Mapping[str, str], include: tuple[str, ...]) -> Reply:
        ids = self.ids(type)
        wanted = query.get("filter[q][id_in]")
        if wanted is not None:
            if not self.config.filters_by_ids:
                return self._refusal(400, "INVALID_FILTER")
            asked = frozenset(wanted.split(","))
            ids = [id for id in ids if id in asked]
        after = query.get("filter[q][id_gt]")
        if after is not None:
            ids = [id for id in ids if id > after]
        size = max(1, min(int(query.get("page[size]", "10")), self.config.page_clamp))
        number = int(query.get("page[number]", "1"))
        pages = max(1, -(-len(ids) // size))
        page = ids[(number - 1) * size : number * size]
        document: dict[str, Any] = {"data": [self.resource(type, id, include) for id in page]}
        document |= self._included(page, include)
        if self.config.counts:
            document["meta"] = {"record_count": len(ids), "page_count": pages}
        parameters = {**query, "page[size]": str(size)}
        document["links"] = {"first": _link(type, parameters, 1), "last": _link(type, parameters, pages)}
        if number < pages:
            document["links"]["next"] = _link(type, parameters, number + 1)
        return _reply(document)

    def _included(self, wallets: list[str], include: tuple[str, ...]) -> dict[str, Any]:
        if not include:
            return {}
        targets = dict.fromkeys(self._target(id, name) for name in include for id in wallets)
        return {"included": [self.resource(*target) for target in targets if target is not None]}

    # The token endpoint.

    def post(self, address: str, who: "tuple[str, Login] | None", path: str, form: Mapping[str, str]) -> Reply:
        """The response to a request for a token or a revocation that arrives now (`now`)."""
        now = self.now
        if path == "/oauth/revoke":
            token = self.tokens.get(form.get("token", ""))
            if token is not None and token.revoked_at is None:
                token.revoked_at = now
            return _reply({}, media_type="application/json")
        window = self._window((address, "token"), _TOKEN_WINDOW)
        if window.full_of_own(now, spare=self.spare_windows()):
            self._report(
                "token-window",
                f"{self.budget}token endpoint",
                f"one more than 30 token requests in 60 s from {address}",
            )
        window.come(now)
        if window.full(now):
            return self._refusal(429, "too_many_requests")
        window.add(now)
        granted = self._grant(who, form, now)
        if granted is None:
            return _reply({"error": "invalid_grant"}, status=401, media_type="application/json")
        principal, refresh = granted
        token = self.issue(principal, principal.rpartition("/")[2], now)
        body: dict[str, Any] = {"access_token": token.value, "token_type": "bearer"}
        body["expires_in"] = int(self.config.token_life)
        if refresh is not None:
            body["refresh_token"] = refresh
        return _reply(body, media_type="application/json")

    def _grant(
        self, who: "tuple[str, Login] | None", form: Mapping[str, str], now: float
    ) -> tuple[str, str | None] | None:
        mode = form.get("scope", "") or "test"
        # A client without a secret is a sales channel; the secret that is given has to be right.
        if form.get("client_id") != CLIENT_ID or form.get("client_secret", CLIENT_SECRET) != CLIENT_SECRET:
            return None
        match form.get("grant_type"):
            case "client_credentials":
                return (f"client/{mode}", None) if "client_secret" in form else None
            case "password":
                user = form.get("username", "")
                principal = f"{user}/{mode}" if form.get("password") == password_of(user) else None
            case "authorization_code":
                principal = self._codes.pop(form.get("code", ""), None)
            case "refresh_token":
                principal = self._spend(who, form.get("refresh_token", ""), now)
                if principal is not None and not self.config.rotates:
                    return principal, form["refresh_token"]
            case _:
                user, _, proof = form.get("assertion", "").partition("|")
                principal = f"{user}/{mode}" if proof == "signed" else None
        if principal is None:
            return None
        self._issued += 1
        refresh = f"refresh-token-{self._issued}"
        self._refresh[refresh] = principal
        return principal, refresh

    def _spend(self, who: "tuple[str, Login] | None", value: str, now: float) -> str | None:
        if value not in self._refresh:
            if who is not None and who[1].good:
                self._report("unknown-refresh-token", who[1].grant, f"the service never gave {value!r}")
            return None
        principal = self._refresh[value]
        if principal is not None:
            if self.config.rotates:
                self._refresh[value] = None
            return principal
        if who is not None:
            key = (who[0], value)
            self._refused_refresh[key] = self._refused_refresh.get(key, 0) + 1
        return None

    def refusals_of(self, session: str) -> int:
        """How often a session sent one and the same spent refresh token, at most."""
        return max((n for (name, _), n in self._refused_refresh.items() if name == session), default=0)

    def _refusal(self, status: int, code: str) -> Reply:
        return _reply({"errors": [{"status": str(status), "code": code, "title": code}]}, status=status)


def password_of(user: str) -> str:
    """A user's password; one of them is a word that token responses hold too."""
    return "bearer" if user == "cid" else f"password-of-{user}"


def assertion_of(user: str, *, good: bool = True) -> str:
    """A user's assertion."""
    return f"{user}|{'signed' if good else 'forged'}"


def _reply(document: Any, *, status: int = 200, media_type: str = "application/vnd.api+json") -> Reply:
    return Reply(status, {"Content-Type": media_type}, msgspec.json.encode(document))


def _link(type: str, parameters: Mapping[str, str], number: int) -> str:
    query = "&".join(f"{name}={value}" for name, value in {**parameters, "page[number]": str(number)}.items())
    return f"{HOST}/api/{type}?{unquote(query)}"
