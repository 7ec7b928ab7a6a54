"""Async client for the Commerce Layer API: typed resources, lazy relationships, any JSON:API service.

    async with Session("yourdomain", AccessToken("…")) as session:
        source = await session.get(CustomerPaymentSource, "xYZkjABcde")
        customer = await source.customer

The map of the house, from the ground up; a room imports only what stands before it, and each folder's `__init__` is the
map of that folder:

    sandbox/       a server of the same API for demos and tests; it shares no code with the rest
    jsonapi/       JSON:API 1.1 for any service: documents, resources, relationships; no input or output
    errors.py      the tree of errors
    resources/     the attrs classes of Commerce Layer
    _rate_dialects.py   what headers report of rate limits, in the dialects of services
    service.py     what a service does its own way; Commerce Layer is one value
    _http/         requests, responses, which URLs are ours; aiohttp
    _limits/       sliding windows, and who may send now
    _shared/       the same for many processes, in a store
    _auth/         grants, and one fresh token for all who wait
    _calls/        THE loop that every call goes through, with its attempts and its deadline
    _reading/      requests in terms of resources: one, many, related
    _bulk/         many by id
    _lists/        lists and scans
    shared.py redis.py    limiters and token stores for many processes: in files, in Redis
    _session_parts.py   what each copy of a session has for itself
    _session.py    the face
    _access.py     what the export may know of a session beyond its public names
    _export/ cli/ presets.py otel.py    edges that use the face alone
    _dask/ dask.py    exports and frames over the workers of a Dask cluster

The names below are imported when they are first used, so that `commercelayer_async.jsonapi` can be had without aiohttp,
and the pytest plugin costs a test run nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from ._version import __version__

if TYPE_CHECKING:
    from ._auth.credentials import (
        AccessToken,
        AuthorizationCode,
        ClientCredentials,
        JwtBearer,
        LockingTokenStore,
        Password,
        RefreshToken,
        Signed,
        StoredToken,
        TokenStore,
    )
    from ._bulk.outcomes import Failed, Fetched, Progress
    from ._bulk.stream import Stream
    from ._calls.response_info import ResponseInfo
    from ._export import Exported, ExportProgress, export
    from ._hooks import Answered, Call, Hooks
    from ._limits.binding import BindingLimiter
    from ._limits.budget import Priority, RateState
    from ._limits.limiter import Lease, Limiter
    from ._limits.windows import RateLimits
    from ._lists.collection import ResourceCollection, Scan
    from ._lists.pages import Page
    from ._retry import Retry
    from ._session import Session
    from .errors import (
        ApiError,
        AuthError,
        BadRequest,
        BodyTooLarge,
        BulkError,
        CommerceLayerError,
        ConfigurationError,
        ConnectError,
        DecodeError,
        DiskFull,
        ExportError,
        ExportExists,
        ExportLocked,
        ExportMismatch,
        Forbidden,
        LinkRefused,
        Locked,
        NotAcceptable,
        NotFound,
        RateLimited,
        ServerError,
        SessionError,
        SharedBudgetError,
        TimeoutError,
        TLSError,
        TokenStoreError,
        TransportError,
        Unauthorized,
        Unprocessable,
        UnsupportedMediaType,
    )
    from .jsonapi import GenericResource, Resource, ToMany, ToOne

_HOMES: Final = {
    "_bulk.outcomes": ("Failed", "Fetched", "Progress"),
    "_bulk.stream": ("Stream",),
    "_lists.collection": ("ResourceCollection", "Scan"),
    "_export": ("ExportProgress", "Exported", "export"),
    "_calls.response_info": ("ResponseInfo",),
    "_hooks": ("Answered", "Call", "Hooks"),
    "_limits.binding": ("BindingLimiter",),
    "_limits.budget": ("Priority", "RateState"),
    "_limits.limiter": ("Lease", "Limiter"),
    "_lists.pages": ("Page",),
    "_limits.windows": ("RateLimits",),
    "_retry": ("Retry",),
    "_session": ("Session",),
    "_auth.credentials": (
        "AccessToken",
        "AuthorizationCode",
        "ClientCredentials",
        "JwtBearer",
        "LockingTokenStore",
        "Password",
        "RefreshToken",
        "Signed",
        "StoredToken",
        "TokenStore",
    ),
    "jsonapi": ("GenericResource", "Resource", "ToMany", "ToOne"),
    "jsonapi.errors": ("_restore_error",),  # which pickles of errors call
}

__all__ = [
    "AccessToken",
    "Answered",
    "ApiError",
    "AuthError",
    "AuthorizationCode",
    "BadRequest",
    "BindingLimiter",
    "BodyTooLarge",
    "BulkError",
    "Call",
    "ClientCredentials",
    "CommerceLayerError",
    "ConfigurationError",
    "ConnectError",
    "DecodeError",
    "DiskFull",
    "ExportError",
    "ExportExists",
    "ExportLocked",
    "ExportMismatch",
    "ExportProgress",
    "Exported",
    "Failed",
    "Fetched",
    "Forbidden",
    "GenericResource",
    "Hooks",
    "JwtBearer",
    "Lease",
    "Limiter",
    "LinkRefused",
    "Locked",
    "LockingTokenStore",
    "NotAcceptable",
    "NotFound",
    "Page",
    "Password",
    "Priority",
    "Progress",
    "RateLimited",
    "RateLimits",
    "RateState",
    "RefreshToken",
    "Resource",
    "ResourceCollection",
    "ResponseInfo",
    "Retry",
    "Scan",
    "ServerError",
    "Session",
    "SessionError",
    "SharedBudgetError",
    "Signed",
    "StoredToken",
    "Stream",
    "TLSError",
    "TimeoutError",
    "ToMany",
    "ToOne",
    "TokenStore",
    "TokenStoreError",
    "TransportError",
    "Unauthorized",
    "Unprocessable",
    "UnsupportedMediaType",
    "__version__",
    "export",
]


def __getattr__(name: str) -> Any:
    home = next((module for module, names in _HOMES.items() if name in names), "errors" if name in __all__ else None)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f".{home}", __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
