"""Traces: one client span for each call, its tries and waits as events (extra `otel`).

    session = Session("yourdomain", auth, hooks=otel.hooks())

Names and attributes follow OpenTelemetry's semantic conventions for HTTP clients. No query, no header and no id of a
record but that in the path is told.
"""

from typing import TYPE_CHECKING, Any

from ._hooks import Answered, Call, Hooks
from .errors import CommerceLayerError, ConfigurationError

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider


def hooks(tracer_provider: "TracerProvider | None" = None) -> Hooks:
    """Hooks that make a span of each call; `tracer_provider` is the program's global one unless given.

    Raises:
        ConfigurationError: OpenTelemetry is not installed.
    """
    try:
        # Optional, so imported where it is asked for.
        from opentelemetry import trace  # noqa: PLC0415
    except ImportError:
        raise ConfigurationError("tracing needs OpenTelemetry: pip install 'commercelayer-async[otel]'") from None

    from ._version import __version__  # noqa: PLC0415

    tracer = trace.get_tracer("commercelayer_async", __version__, tracer_provider)

    def started(call: Call) -> None:
        scheme, _, rest = call.url.partition("://")
        host, _, _ = rest.partition("/")
        call.context = tracer.start_span(
            call.method,
            kind=trace.SpanKind.CLIENT,
            attributes={
                "http.request.method": call.method,
                "url.full": call.url,
                "url.scheme": scheme,
                "server.address": host,
            },
        )

    def answered(call: Call, answer: Answered) -> None:
        call.context.set_attribute("http.response.status_code", answer.status)
        attributes: dict[str, Any] = {"http.response.status_code": answer.status, "seconds": answer.seconds}
        if answer.request_id is not None:
            attributes["request_id"] = answer.request_id
        call.context.add_event("answered", attributes)

    def waiting(call: Call, seconds: float) -> None:
        call.context.add_event("waited for the rate limit", {"seconds": seconds})

    def retrying(call: Call, error: CommerceLayerError, seconds: float) -> None:
        call.context.add_event("retrying", {"error.type": type(error).__name__, "seconds": seconds})

    def ended(call: Call, error: BaseException | None) -> None:
        span = call.context
        span.set_attribute("commercelayer.queue_seconds", call.waited)
        if call.tries > 1:
            span.set_attribute("http.request.resend_count", call.tries - 1)
        if error is not None:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(trace.Status(trace.StatusCode.ERROR, str(error) if _ours(error) else None))
        span.end()

    return Hooks(started=started, answered=answered, waiting=waiting, retrying=retrying, ended=ended)


def _ours(error: BaseException) -> bool:
    return isinstance(error, CommerceLayerError)
