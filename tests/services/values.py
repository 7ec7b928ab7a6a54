"""Services as values: three servers that the tests start, and six that are written from their documentation.

The six were not tried against the live services. `docs/how-to/other-services.md` shows this text.
"""

from commercelayer_async.service import (
    APP_STORE,
    DRAFT_6,
    Basic,
    ByAttribute,
    Calls,
    Conditions,
    Cursor,
    Header,
    Ids,
    Keyset,
    Links,
    Names,
    Numbers,
    OAuth2,
    Offsets,
    Rates,
    Service,
    Sort,
    Total,
    plural,
)

# fmt: off

# --8<-- [start:django]
DJANGO = Service(
    name="the Django service", slash=True, ids="[0-9]+",
    path={"Post": "posts", "Author": "authors", "Comment": "comments", "Project": "projects"},
    kinds={"Project": {"ArtProject", "ResearchProject"}},
    paging=Numbers("page[number]", size="page[size]", most=100), total="meta.pagination.count",
    filters=ByAttribute(compare="filter[{attribute}.{operator}]"),
    ids_at_once=Ids("filter[id.in]", most=100), keyset=Keyset("id", "gt"),
)
# --8<-- [end:django]

# --8<-- [start:fortune]
FORTUNE = Service(
    name="Fortune.js", paging=Offsets("page[offset]", size="page[limit]", most=1000), total="meta.count",
)
# --8<-- [end:fortune]

# Filters are applied to each page, after it was cut and counted: hence no total, and ids one by one.
# --8<-- [start:jsonapi-server]
JSONAPI_SERVER = Service(
    name="jsonapi-server", root="rest", paging=Offsets("page[offset]", size="page[limit]"), sort=Sort(keys=1),
)
# --8<-- [end:jsonapi-server]

# --8<-- [start:klaviyo]
KLAVIYO = Service(
    name="Klaviyo", root="api", path=plural, headers={"revision": "2026-07-15"},
    auth=Header("Authorization", "Klaviyo-API-Key {}"), sort=Sort(keys=1), filters=Calls(quote='"'),
    paging=Cursor("page[cursor]", size="page[size]", most={"list": 10, "flow": 50, ...: 100}, is_exact=True),
    ids_at_once=Ids("any(id,[{}])", most=100, types={"profile", "list", "flow"}),
    rates=Rates(DRAFT_6, windows={"profile": ((75, 1.0), (700, 60.0)), ...: ((3, 1.0), (60, 60.0))}),
)
# --8<-- [end:klaviyo]

# --8<-- [start:app-store-connect]
APP_STORE_CONNECT = Service(
    name="App Store Connect", root="v1", accept="application/json", linkage_total="paging.total",
    list_path={"customerReviews": None, "appStoreVersions": None},  # and 134 more of 177
    paging=Links(size="limit", most=200), total="meta.paging.total",
    ids_at_once=Ids("filter[id]", types={"apps", "builds"}),
    rates=Rates(APP_STORE, windows=((3500, 3600.0),)),
)
# --8<-- [end:app-store-connect]


# --8<-- [start:hcp-terraform]
def hcp_terraform(organization: str) -> Service:
    """Lists of workspaces are an organization's; those of runs are a workspace's."""
    return Service(
        name="HCP Terraform", root="api/v2", rates=Rates(windows=((30, 1.0),)),
        list_path={"workspaces": f"organizations/{organization}/workspaces", "runs": None},
        paging=Numbers("page[number]", size="page[size]", most=100), total="meta.pagination.total-count",
        filters=ByAttribute(equal="search[{attribute}]", compare=None),
    )
# --8<-- [end:hcp-terraform]


# --8<-- [start:drupal]
DRUPAL = Service(
    name="Drupal", root="jsonapi", path=lambda name: name.replace("--", "/"), ids="[0-9a-f-]{36}", auth=Basic(),
    paging=Offsets("page[offset]", size="page[limit]", most=50), filters=Conditions(), withheld="meta.omitted",
)
# --8<-- [end:drupal]

# --8<-- [start:planning-center]
PLANNING_CENTER = Service(
    name="Planning Center", path={"Person": "people/v2/people", "Email": "people/v2/emails"}, ids="[0-9]+",
    headers={"X-PCO-API-Version": "2025-11-10"}, auth=Basic(), sort=Sort("order"),
    filters=ByAttribute(equal="where[{attribute}]", compare="where[{attribute}][{operator}]"),
    paging=Offsets("offset", size="per_page", most=100), total=Total("meta.total_count", most=10_000),
    rates=Rates(Names("X-PCO-API-Request-Rate-", used="Count", window="Period"), windows=((100, 20.0),)),
)
# --8<-- [end:planning-center]

# --8<-- [start:kitsu]
KITSU = Service(
    name="Kitsu", root="api/edge", path={"libraryEntries": "library-entries"}, ids="[0-9]+",
    auth=OAuth2(token_path="/api/oauth/token"),
    paging=Offsets("page[offset]", size="page[limit]", most={"libraryEntries": 500, ...: 20}),
    total="meta.count", ids_at_once=Ids("filter[id]", most=20),
)
# --8<-- [end:kitsu]
