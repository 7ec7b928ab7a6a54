"""What one service does its own way, where JSON:API leaves it open: addresses, pages, filters, limits, tokens.

The specification names `page`, `filter` and `sort` and says nothing of how they look. A `Service` holds the answers of
one service as values; a session holds one, and everything above reads it from there.

by_type.py          a choice for all types, or a table by type
paging.py           how lists are cut into pages and counted
filtering.py        how lists are filtered and sorted, many ids at once, exact walks
auth.py             which header carries the secret
addresses.py        hosts, the root of the API, the endpoints for tokens
rates.py            how many requests it takes
service.py          `Service`, which holds all of these
paths.py            the targets of its resources and lists
commerce_layer.py   Commerce Layer, the one that is built in; the only module that knows it
"""

from .._rate_dialects import APP_STORE, DRAFT_6, DRAFT_7, DRAFT_8, BodyWait, Dialect, Names, ReportedWindow
from .addresses import Hosts
from .auth import BEARER, Basic, Header, OAuth2, Scheme
from .by_type import ByType, PathRule, dashed, plural
from .commerce_layer import COMMERCE_LAYER
from .filtering import (
    ByAttribute,
    Calls,
    Conditions,
    Created,
    Grammar,
    Ids,
    Keyset,
    PairsOf,
    Predicates,
    Ransack,
    Sort,
    TypeCapabilities,
)
from .paging import Cursor, Links, Numbers, Offsets, Paging, Total
from .rates import Rates, RequestsInSeconds, Windows
from .service import Service

__all__ = [
    "APP_STORE",
    "BEARER",
    "COMMERCE_LAYER",
    "DRAFT_6",
    "DRAFT_7",
    "DRAFT_8",
    "Basic",
    "BodyWait",
    "ByAttribute",
    "ByType",
    "Calls",
    "Conditions",
    "Created",
    "Cursor",
    "Dialect",
    "Grammar",
    "Header",
    "Hosts",
    "Ids",
    "Keyset",
    "Links",
    "Names",
    "Numbers",
    "OAuth2",
    "Offsets",
    "Paging",
    "PairsOf",
    "PathRule",
    "Predicates",
    "Ransack",
    "Rates",
    "ReportedWindow",
    "RequestsInSeconds",
    "Scheme",
    "Service",
    "Sort",
    "Total",
    "TypeCapabilities",
    "Windows",
    "dashed",
    "plural",
]
