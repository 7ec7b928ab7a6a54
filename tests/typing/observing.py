"""What the type checkers know of hooks, presets, policies and errors; never run."""

import builtins
from typing import Any, assert_type

from opentelemetry.trace import TracerProvider

from commercelayer_async import (
    Answered,
    ApiError,
    AuthError,
    BodyTooLarge,
    Call,
    CommerceLayerError,
    ConfigurationError,
    DecodeError,
    ExportError,
    Hooks,
    LinkRefused,
    NotFound,
    Priority,
    RateLimits,
    RateState,
    Retry,
    TimeoutError,
    TransportError,
    otel,
    presets,
)
from commercelayer_async.jsonapi import ErrorObject


def started(call: Call) -> None:
    """See a call begin."""
    assert_type(call.method, str)
    assert_type(call.url, str)
    assert_type(call.tries, int)
    assert_type(call.waited, float)
    assert_type(call.context, Any)


def answered(call: Call, response: Answered) -> None:
    """See a response."""
    assert_type(response.status, int)
    assert_type(response.request_id, str | None)
    assert_type(response.seconds, float)


def waiting(call: Call, seconds: float) -> None:
    """See a rate limit hold a call up."""


def retrying(call: Call, error: CommerceLayerError, seconds: float) -> None:
    """See an attempt fail."""


def ended(call: Call, error: BaseException | None) -> None:
    """See a call end."""


def lost(state: RateState) -> None:
    """See the store of a shared budget be lost."""
    assert_type(state.store_lost, bool)


def hooks(provider: TracerProvider) -> None:
    """Each hook has its arguments."""
    Hooks(
        started=started,
        sending=started,
        answered=answered,
        waiting=waiting,
        retrying=retrying,
        ended=ended,
        token=lambda: None,
        store=lost,
    )
    assert_type(otel.hooks(), Hooks)
    assert_type(otel.hooks(provider), Hooks)


def policies() -> None:
    """Presets and policies are values."""
    assert_type(presets.WEB["timeout"], float)
    assert_type(presets.WORKER["retry"], Retry)
    assert_type(presets.WORKER["priority"], Priority)
    assert_type(Retry.web(), Retry)
    assert_type(Retry.worker(), Retry)
    assert_type(Retry.never(), Retry)
    assert_type(RateLimits.none(), RateLimits)
    RateLimits(average=(100, 60.0), burst=None)


def errors(error: CommerceLayerError) -> None:
    """What every error has, and what each kind adds."""
    assert_type(error.tries, int)
    assert_type(error.elapsed, float)
    assert_type(error.failures, tuple[CommerceLayerError, ...])
    assert_type(error.start_from, str | None)
    match error:
        case ApiError():
            assert_type(error.status, int)
            assert_type(error.method, str)
            assert_type(error.url, str)
            assert_type(error.errors, tuple[ErrorObject, ...])
            assert_type(error.headers, dict[str, str])
            assert_type(error.request_id, str | None)
            assert_type(error.retry_after, float | None)
            assert_type(error.code, str | None)
        case TimeoutError():
            assert_type(error.seconds, float)
        case BodyTooLarge():
            assert_type(error.limit, int)
        case TransportError():
            assert_type(error.url, str)
            assert_type(error.phase, str)
        case DecodeError():
            assert_type(error.pointer, str)
            assert_type(error.expected, str)
            assert_type(error.got, str)
            assert_type(error.url, str | None)
            assert_type(error.resource, str | None)
            assert_type(error.offset, int | None)
        case LinkRefused():
            assert_type(error.link, str)
            assert_type(error.reason, str)
        case AuthError():
            assert_type(error.status, int | None)
            assert_type(error.code, str | None)
        case ExportError():
            assert_type(error.path, str)
        case _:
            pass


def tree(late: TimeoutError, wrong: ConfigurationError) -> None:
    """Two errors are builtin ones too."""
    builtin: builtins.TimeoutError = late
    value: ValueError = wrong
    print(builtin, value)


def mistakes(error: CommerceLayerError, call: Call) -> None:
    """Lines that must not pass."""
    error.status  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    NotFound(404)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    DecodeError("wrong")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Hooks(answered=started)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Hooks(begun=started)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    RateLimits(average=100, burst=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    presets.WEB["limits"]  # type: ignore[typeddict-item]  # pyright: ignore[reportGeneralTypeIssues]
