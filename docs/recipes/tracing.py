"""Traces with OpenTelemetry: one client span for each call, its tries and waits as events.

`python docs/recipes/tracing.py ID` prints spans as JSON; with an OTLP exporter in place of the
console's they go to a collector.
"""

import asyncio
import sys

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor, SpanExporter

from commercelayer_async import Session, otel
from commercelayer_async.resources import CustomerPaymentSource


def provider_for(exporter: SpanExporter) -> TracerProvider:
    """Export every span. A service uses a `BatchSpanProcessor` instead, which exports in a thread of its own."""
    provider = TracerProvider(resource=Resource.create({"service.name": "wallets"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


async def show(id: str, provider: TracerProvider) -> None:
    """Read a wallet and its customer within a span of the program: the spans of the calls become its children."""
    tracer = provider.get_tracer("wallets")
    async with Session.from_env(hooks=otel.hooks(provider)) as session:
        with tracer.start_as_current_span("show wallet"):
            source = await session.get(CustomerPaymentSource, id)
            customer = await source.customer
            print(source.name, customer.status, file=sys.stderr)


def main() -> None:
    """Write the spans to standard output."""
    provider = provider_for(ConsoleSpanExporter())
    try:
        asyncio.run(show(sys.argv[1], provider))
    finally:
        provider.shutdown()


if __name__ == "__main__":
    main()
