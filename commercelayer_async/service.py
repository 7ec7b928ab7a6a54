"""What one service does its own way, where JSON:API leaves it open: addresses, pages, filters, limits, tokens.

The specification names `page`, `filter` and `sort` and says nothing of how they look. `Service` holds the answers of
one service as values; a session holds one, and everything below reads it from there. `COMMERCE_LAYER` is the only one
so far, and this module is the only one that knows it. Facts come from docs.commercelayer.io, by the name of the page.
"""

import re
from collections.abc import Mapping
from typing import Final

import attrs

from ._rate_dialects import Dialect, Names, guarded

_AUTH_SERVER: Final = "https://auth."
"""What the URL of an authorization server begins with; its domain follows."""

RequestsInSeconds = tuple[int, float]
"""How many requests in how many seconds."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


@attrs.frozen(kw_only=True)
class Addresses:
    """Where the service is."""

    domain: str
    """What organizations have their subdomains of."""
    other_domains: tuple[str, ...] = ()
    """Further domains of the vendor's that a token may name."""
    slug: str
    """A pattern for the name of an organization."""
    api_path: str
    """The root of the API on an organization's host."""
    version: str
    """A pattern for a version of the API, the path segment after its root."""
    token_path: str = "/oauth/token"  # noqa: S105 - a path
    """Where tokens are asked for, below the URL of the authorization server (RFC 6749, 3.2)."""
    revoke_path: str = "/oauth/revoke"
    """Where tokens are revoked (RFC 7009)."""

    def is_slug(self, text: str) -> bool:
        """True if `text` may name an organization."""
        return re.fullmatch(self.slug, text) is not None

    def organization_url(self, slug: str, domain: str | None = None) -> str:
        """The URL of an organization's host; `domain` is another one of the service's."""
        return f"https://{slug.lower()}.{domain or self.domain}"

    @property
    def auth_url(self) -> str:
        """The URL of the authorization server."""
        return f"{_AUTH_SERVER}{self.domain}"

    def auth_url_of(self, host: str) -> str | None:
        """The URL of the authorization server for an organization's host; None for a host that is not the service's."""
        domains = (self.domain, *self.other_domains)
        return next((f"{_AUTH_SERVER}{domain}" for domain in domains if host.endswith(f".{domain}")), None)

    def auth_base(self, url: str) -> str:
        """The URL of an authorization server, of which somebody may have given the token endpoint itself."""
        base = url.rstrip("/")
        for path in (self.token_path, self.revoke_path):
            base = base.removesuffix(path).rstrip("/")
        return base

    def prefix_and_version(self, path: str) -> tuple[str, str | None]:
        """Part the path of an organization's URL, which somebody may have given with the API's root or a version's.

        The prefix is what stands before the root, and all of the path where no root ends it.
        """
        path = path.rstrip("/")
        found = re.fullmatch(f"(.*){re.escape(self.api_path)}(?:/({self.version}))?", path)
        return (found[1].rstrip("/"), found[2]) if found is not None else (path, None)

    def domain_of_issuer(self, issuer: str, auth_url: str | None = None) -> str | None:
        """The domain of an authorization server: one of the vendor's, or that of the caller's own `auth_url`.

        None for any other, as whoever makes a token up can name any.
        """
        known = {f"{_AUTH_SERVER}{domain}" for domain in (self.domain, *self.other_domains)}
        if auth_url is not None:
            known.add(self.auth_base(auth_url))
        named = issuer.rstrip("/")
        return named.removeprefix(_AUTH_SERVER) if named in known and named.startswith(_AUTH_SERVER) else None


@attrs.frozen(kw_only=True)
class Paging:
    """How lists are cut into pages."""

    number_parameter: str
    """The query parameter for a page's number, from 1."""
    size_parameter: str
    """The query parameter for the resources of a page."""
    max_size: int
    """Resources of a page at most."""
    count_member: str
    """The member of a document's `meta` that says how many records a list holds."""
    cursor_types: frozenset[str]
    """Types whose lists are paged by cursors: neither numbered, counted nor sorted."""


@attrs.frozen(kw_only=True)
class Keys:
    """How records are found by their ids."""

    id_attribute: str
    """What a list is sorted by for a total order, which is that of creation."""
    in_filter: str
    """The filter for any of several ids, comma-separated."""
    max_ids: int
    """Ids of one request at most: as many as fit on a page."""
    after_filter: str
    """The filter for ids that come after one: keyset pagination."""


@attrs.frozen(kw_only=True)
class Predicates:
    """What a filter may compare by, as the ending of its name."""

    one: frozenset[str]
    """Takes one value."""
    many: frozenset[str]
    """Takes several values."""
    truth: frozenset[str]
    """Asks a question, and takes true or false."""
    json: frozenset[str]
    """Takes a JSON object."""

    @property
    def all(self) -> frozenset[str]:
        """Every predicate."""
        return self.one | self.many | self.truth | self.json


@attrs.frozen
class TypeCapabilities:
    """What lists of one type can be filtered and sorted by, beside the attributes that all types have."""

    filterable: frozenset[str] = attrs.field(converter=_words)
    sortable: frozenset[str] = attrs.field(converter=_words)
    through: frozenset[str] = attrs.field(converter=_words)
    """The relationships whose attributes can be filtered by."""
    common: bool = True
    """False for a type that cannot even be filtered by what all types have."""


@attrs.frozen(kw_only=True)
class Filtering:
    """How lists are filtered and sorted."""

    template: str
    """The query parameter of a filter; `{}` stands for its name."""
    predicates: Predicates
    common: frozenset[str]
    """Attributes that every type has, and that can be filtered by."""
    unsortable: frozenset[str]
    """Those of them that cannot be sorted by."""
    types: Mapping[str, TypeCapabilities]
    """By type; of others nothing is published."""

    def usual_predicate(self, attribute: str) -> str:
        """The predicate that filters by an attribute mostly have, by its name; for hints alone."""
        endings = {"_at": "gt", "metadata": "jcont"}
        return next((predicate for ending, predicate in endings.items() if attribute.endswith(ending)), "eq")


@attrs.frozen(kw_only=True)
class RateFacts:
    """How requests are counted and limited, before configuration or headers say more."""

    live: tuple[RequestsInSeconds, RequestsInSeconds]
    """For live data: over all endpoints (the average), and for each endpoint (the burst)."""
    test: tuple[RequestsInSeconds, RequestsInSeconds]
    """The same for test data."""
    token: RequestsInSeconds
    """Of the token endpoint, live and test together."""
    cacheable: frozenset[str]
    """Types whose reads have budgets of their own."""
    cacheable_factor: int
    """How many times as many reads of these are allowed."""
    burst_share: float
    """The burst's part of the requests of the average, where only the average is known."""
    burst_seconds_share: float
    """The burst's part of the seconds of the average."""
    concurrent_until_known: int
    """Requests under way at once until a limit is known, which no documented limit refuses."""
    dialect: Dialect = attrs.field(converter=guarded)
    """What reads the headers that report limits."""


@attrs.frozen(kw_only=True)
class Service:
    """One service: the values that requests to it are made of."""

    name: str
    addresses: Addresses
    paging: Paging
    keys: Keys
    filtering: Filtering
    rates: RateFacts
    no_permission_code: str
    """The error code of a 401 that says: the token is good, but may not read this record. Renewing it is in vain."""
    provenance_members: tuple[str, ...] = ()
    """Members of `meta`, that of a document or of a resource object, which tell the world that a record is from."""


_CUSTOMER: Final = "email status total_orders_count anonymization_status"
_METHOD: Final = "name payment_source_type currency_code price_amount_cents disabled_at"

COMMERCE_LAYER: Final = Service(
    name="Commerce Layer",
    addresses=Addresses(
        domain="commercelayer.io",
        other_domains=("commercelayer.co",),  # where the vendor tries things out
        slug=r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?",
        api_path="/api",
        version="[0-9]{4}-[0-9]{2}(-[0-9]{2})?",
    ),
    # "Pagination"; event stores: "Event stores".
    paging=Paging(
        number_parameter="page[number]",
        size_parameter="page[size]",
        max_size=25,
        count_member="record_count",
        cursor_types=_words("event_stores"),
    ),
    # "Filtering data", "Sorting results"; ids grow with the moment of creation.
    keys=Keys(id_attribute="id", in_filter="filter[q][id_in]", max_ids=25, after_filter="filter[q][id_gt]"),
    filtering=Filtering(
        template="filter[q][{}]",
        # "Filtering data", "List of predicates".
        predicates=Predicates(
            one=_words(
                "eq not_eq eq_or_null not_eq_or_null matches does_not_match lt lteq gt gteq"
                " start not_start end not_end cont not_cont"
            ),
            many=_words(
                "in not_in in_or_null not_in_or_null not_eq_all"
                " matches_any matches_all does_not_match_any does_not_match_all"
                " lt_any lteq_any gt_any gteq_any lt_all lteq_all gt_all gteq_all"
                " start_any start_all not_start_any not_start_all end_any end_all not_end_any not_end_all"
                " cont_any cont_all not_cont_all"
            ),
            truth=_words("present blank null not_null true false"),
            json=_words("jcont"),
        ),
        common=_words("created_at updated_at reference reference_origin metadata"),
        unsortable=_words("metadata"),
        # As the API's schema of 2026 flags them.
        types={
            "customer_payment_sources": TypeCapabilities("name payment_source_token", "", "customer payment_method"),
            "customers": TypeCapabilities(
                _CUSTOMER,
                _CUSTOMER,
                "customer_group customer_addresses customer_payment_sources customer_subscriptions order_subscriptions"
                " returns sku_lists attachments events tags",
            ),
            "payment_methods": TypeCapabilities(_METHOD, _METHOD, "market payment_gateway store attachments"),
            "adyen_payments": TypeCapabilities("", "", "order"),
            "axerve_payments": TypeCapabilities("", "", "order"),
            "braintree_payments": TypeCapabilities("", "", "order"),
            "checkout_com_payments": TypeCapabilities("", "", "order"),
            "external_payments": TypeCapabilities("payment_source_token", "", "order"),
            "klarna_payments": TypeCapabilities("mismatched_amounts", "", "order"),
            "paypal_payments": TypeCapabilities("", "", "order payment_gateway"),
            "satispay_payments": TypeCapabilities(
                "payment_id flow status", "payment_id flow status", "order payment_gateway"
            ),
            "stripe_payments": TypeCapabilities("", "", ""),
            "wire_transfers": TypeCapabilities("", "", ""),
            # Neither filtered nor sorted, says the documentation; a client of the vendor's own sorts them by id.
            "event_stores": TypeCapabilities("", "", "", common=False),
        },
    ),
    # "Rate limits", of 2024 and later; only the average is reported by headers.
    rates=RateFacts(
        live=((200, 60.0), (50, 10.0)),
        test=((100, 60.0), (25, 10.0)),
        token=(30, 60.0),
        cacheable=_words(
            "bundles buy_x_pay_y_promotions coupon_codes_promotion_rules external_promotions fixed_amount_promotions"
            " fixed_price_promotions flex_promotions free_gift_promotions free_shipping_promotions imports markets"
            " percentage_discount_promotions price_lists prices promotions sku_options skus stock_items stock_locations"
        ),
        cacheable_factor=5,
        burst_share=1 / 4,
        burst_seconds_share=1 / 6,
        concurrent_until_known=25,
        dialect=Names("X-Ratelimit-", left="Remaining", window="Interval"),
    ),
    # "Handling errors"; of a bad token it says INVALID_TOKEN.
    no_permission_code="UNAUTHORIZED",
    # Each resource object has them, of late the document too; old records lack the second.
    provenance_members=("mode", "organization_id"),
)
"""The Commerce Layer Core API."""
