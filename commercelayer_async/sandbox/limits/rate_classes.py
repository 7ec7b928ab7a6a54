"""Which rate windows a request counts in.

Published: reads of a few cacheable types, all other reads, writes, and requests for tokens each have a budget of their
own. Not published: what an endpoint is, and how a nested route counts. Here an endpoint is the resource type with which
the route begins, so `/api/customers/{id}/customer_payment_sources` counts at `customers`. Types that are neither served
nor cacheable share one endpoint, `others`. Only `/api` and `/oauth/token` are limited.
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
    """A class of requests with limits of its own: an average one, and a burst one for each of its endpoints."""

    TOKEN = "token"  # noqa: S105 - a word, no secret
    CACHEABLE = "cacheable"
    UNCACHEABLE = "uncacheable"
    WRITE = "write"


@attrs.frozen
class RateClass:
    """Where a request counts: in the average window of a budget, and in the burst window of an endpoint."""

    budget: Budget
    endpoint: str


def rate_class_of(method: str, path: str) -> RateClass | None:
    """Classify a request for *path*, which has no query; None if no limit applies to it."""
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
