"""Where a request counts: which budget it is taken from, and at which endpoint.

Published: reads of a few cacheable types, all other reads, writes, and requests for tokens have a budget each.
Not published: what an endpoint is, and how a nested route counts. Here it is the resource type that the route
begins with, so that `/api/customers/{id}/customer_payment_sources` counts at `customers`; types that are
neither served nor cacheable count as one. Nothing but `/api` and `/oauth/token` is limited.
"""

import re
from enum import StrEnum
from typing import Final

import attrs

from ..world.schema import TYPES

TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - a path, no secret

_CORE: Final = re.compile(r"/api/(?:2017-08/)?(?P<type>[^/]*)")
_WRITING: Final = frozenset({"POST", "PATCH", "PUT", "DELETE"})
_CACHEABLE: Final = frozenset(
    {
        "bundles",
        "imports",
        "markets",
        "price_lists",
        "prices",
        "promotions",
        "sku_options",
        "skus",
        "stock_items",
        "stock_locations",
    }
)


class Budget(StrEnum):
    """The classes of requests, each with limits of its own."""

    TOKEN = "token"  # noqa: S105 - a word, no secret
    CACHEABLE = "cacheable"
    UNCACHEABLE = "uncacheable"
    WRITE = "write"


@attrs.frozen
class RateClass:
    """Where a request counts."""

    budget: Budget
    endpoint: str


def rate_class_of(method: str, path: str) -> RateClass | None:
    """Where a request for *path*, which has no query, counts; None where there is no limit."""
    if path == TOKEN_PATH:
        return RateClass(Budget.TOKEN, path)
    found = _CORE.match(path)
    if found is None:
        return None
    type = found["type"]
    cacheable = type in _CACHEABLE or type.endswith("_promotions")
    endpoint = type if cacheable or type in TYPES else "others"
    if method in _WRITING:
        return RateClass(Budget.WRITE, endpoint)
    return RateClass(Budget.CACHEABLE if cacheable else Budget.UNCACHEABLE, endpoint)
