"""OpenTelemetry traces: one client span for each call, with its tries and waits as events (extra `otel`).

    session = Session("yourdomain", auth, hooks=otel.hooks())

Names and attributes follow OpenTelemetry's semantic conventions for HTTP clients. A span holds the URL without its
query, so the only id in it is that of the path. It holds no header and no body.
"""

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from ._hooks import Answered, Call, Hooks
from ._markers import public
from .errors import CommerceLayerError, ConfigurationError

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

_PORTS: Final = {"http": 80, "https": 443}


@public("commercelayer_async.otel")
def hooks(tracer_provider: "TracerProvider | None" = None) -> Hooks:
    """Make hooks that record a span for each call, by `tracer_provider` or else by the program's global provider.

    Raises:
        ConfigurationError: OpenTelemetry is not installed.
    """
    try:
        from opentelemetry import trace  # noqa: PLC0415 - an extra, so it is imported only when it is needed
    except ImportError:
        raise ConfigurationError(
            "tracing needs OpenTelemetry, which is not installed; run: pip install 'commercelayer-async[otel]'"
        ) from None

    from ._version import __version__  # noqa: PLC0415 - only where tracing is used

    tracer = trace.get_tracer("commercelayer_async", __version__, tracer_provider)

    def started(call: Call) -> None:
        parts = urlsplit(call.url)
        call.context = tracer.start_span(
            call.method,
            kind=trace.SpanKind.CLIENT,
            attributes={
                "http.request.method": call.method,
                "url.full": call.url,
                "url.scheme": parts.scheme,
                "server.address": parts.hostname or "",
                "server.port": parts.port or _PORTS[parts.scheme],
            },
        )

    def answered(call: Call, response: Answered) -> None:
        call.context.set_attribute("http.response.status_code", response.status)
        attributes: dict[str, Any] = {"http.response.status_code": response.status, "seconds": response.seconds}
        if response.request_id is not None:
            attributes["request_id"] = response.request_id
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
            # The text of this package's errors holds no secrets; that of any other exception may.
            text = str(error) if isinstance(error, CommerceLayerError) else None
            span.set_status(trace.Status(trace.StatusCode.ERROR, text))
        span.end()

    return Hooks(started=started, answered=answered, waiting=waiting, retrying=retrying, ended=ended)
