"""Which errors the job of the queues has run again: those that the session itself would try again, and no others."""

import importlib
from pathlib import Path
from typing import Any

import pytest

from commercelayer_async import (
    AuthError,
    BodyTooLarge,
    CommerceLayerError,
    ConnectError,
    DecodeError,
    NotFound,
    RateLimited,
    ServerError,
    SharedBudgetError,
    TimeoutError,
    TLSError,
    Unauthorized,
)

WHERE: dict[str, Any] = {"method": "GET", "url": "https://shop.example/api/orders"}
PHASE: dict[str, Any] = {"url": "https://shop.example/api/orders", "phase": "headers"}


def refused_by_a_proxy() -> ConnectError:
    error = ConnectError("the proxy refused", **PHASE)
    error.is_final = True
    return error


def paused(seconds: float) -> RateLimited:
    error = RateLimited(status=429, **WHERE)
    error.retry_after = seconds
    return error


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (paused(12.5), 12.5),
        (RateLimited(status=429, **WHERE), 5.0),
        (ServerError(status=503, **WHERE), 5.0),
        (ConnectError("refused", **PHASE), 5.0),
        (TimeoutError("too late", seconds=3.0, **PHASE), 0.0),
        (SharedBudgetError("out of reach", store="redis"), 5.0),
        (AuthError("down", status=503), 5.0),
        (AuthError("invalid_client", status=401, code="invalid_client"), None),
        (refused_by_a_proxy(), None),
        (TLSError("expired", **PHASE), None),
        (BodyTooLarge("too large", url="https://shop.example/api/orders", limit=1), None),
        (NotFound(status=404, **WHERE), None),
        (Unauthorized(status=401, **WHERE), None),
        (DecodeError(expected="a document", got="an array", url="https://shop.example/api/orders"), None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_an_error_is_worth_another_run_or_not(recipes: Path, error: CommerceLayerError, seconds: float | None) -> None:
    assert importlib.import_module("wallet_job").again_after(error) == seconds
