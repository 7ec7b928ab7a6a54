"""What the API answers to bulk reads, for any ids and quickly: documents prepared but for the wallets' ids.

Imported by programs of other environments too, so it needs nothing but the standard library.
"""

import json
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, Final

from .documents import HOST, PAGE, page, page_with_included, single

TYPE: Final = "customer_payment_sources"
INCLUDE: Final = "customer,payment_source"
_PATH: Final = f"/api/{TYPE}"
_ID_IN: Final = "filter%5Bq%5D%5Bid_in%5D="
_ID_GT: Final = "filter%5Bq%5D%5Bid_gt%5D="


def page_target(ids: Sequence[str], *, include: bool = True) -> str:
    """Path and query for a page of these wallets, as this package writes them."""
    query = f"{_ID_IN}{','.join(ids)}&page%5Bnumber%5D=1&page%5Bsize%5D={len(ids)}"
    return f"{_PATH}?{query}&include={INCLUDE}" if include else f"{_PATH}?{query}"


def wallet_target(id_: str, *, include: bool = True) -> str:
    """Path and query for one wallet."""
    return f"{_PATH}/{id_}?include={INCLUDE}" if include else f"{_PATH}/{id_}"


class Wallets:
    """A world of wallets, each with a customer and a payment source; any id that is asked for exists."""

    def __init__(self, ids: Sequence[str] = ()) -> None:
        """A world whose walk (`sort=id`, `id_gt`) gives `ids`."""
        self._ids = sorted(ids)
        linked, plain = json.loads(page_with_included()), json.loads(page())
        self._linked = [_around_id(wallet) for wallet in linked["data"]]
        self._plain = [_around_id(wallet) for wallet in plain["data"]]
        self._pairs = [
            b",".join(map(_dumped, linked["included"][2 * n : 2 * n + 2])) for n in range(len(linked["data"]))
        ]
        self._included = [b",".join(self._pairs[:n]) for n in range(PAGE + 1)]
        self._customer, self._payment = (b'{"data":%b}' % _dumped(linked["included"][n]) for n in (0, 1))
        self._single = _around_id(json.loads(single())["data"])
        self._end = b'],"meta":%b,"links":%b}' % (_dumped(plain["meta"]), _dumped(plain["links"]))

    def answer(self, target: str) -> bytes:
        """The document at a target."""
        path, _, query = target.partition("?")
        include = "include=" in query
        if len(path) > len(_PATH):
            id_, _, related = path[len(_PATH) + 1 :].partition("/")
            if related:
                return self._customer if related == "customer" else self._payment
            if include:
                return b'{"data":%b,"included":[%b]}' % (id_.encode().join(self._linked[0]), self._pairs[0])
            return b'{"data":%b}' % id_.encode().join(self._single)
        query = query.replace("[", "%5B").replace("]", "%5D").replace("%2C", ",")
        ids: Sequence[str]
        if _ID_IN in query:
            ids = query.partition(_ID_IN)[2].partition("&")[0].split(",")
        else:
            after = query.partition(_ID_GT)[2].partition("&")[0]
            first = bisect_right(self._ids, after)
            ids = self._ids[first : first + PAGE]
        wallets = self._linked if include else self._plain
        data = b",".join([id_.encode().join(around) for id_, around in zip(ids, wallets, strict=False)])
        included = b'],"included":[%b' % self._included[len(ids)] if include else b""
        return b'{"data":[%b%b%b' % (data, included, self._end)


def _around_id(wallet: dict[str, Any]) -> list[bytes]:
    """A wallet's document, cut where its id stands: the id joins it again."""
    assert HOST in wallet["links"]["self"]
    return _dumped(wallet).split(wallet["id"].encode())


def _dumped(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
