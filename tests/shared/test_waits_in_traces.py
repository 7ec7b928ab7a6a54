"""A wait for a shared budget is an event of the call's span, and of no other."""

from pathlib import Path

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from commercelayer_async import AccessToken, RateLimits, Session, otel
from commercelayer_async.resources import CustomerPaymentSource
from commercelayer_async.sandbox import Sandbox
from commercelayer_async.shared import FileLimiter
from tests.support.documents import WALLET_ID


async def test_the_wait_for_a_shared_budget_is_an_event(sandbox: Sandbox, tmp_path: Path) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    limiter = FileLimiter(tmp_path / "limits.db", limits=RateLimits(average=(1, 0.5), burst=None))
    auth = AccessToken(sandbox.access_token)
    async with Session(sandbox.url, auth, limiter=limiter, hooks=otel.hooks(provider)) as session:
        for _ in range(2):
            await session.get(CustomerPaymentSource, WALLET_ID)
    provider.shutdown()

    _, second = exporter.get_finished_spans()
    (wait,) = (event for event in second.events if event.name == "waited for the rate limit")
    assert wait.attributes is not None
    seconds = wait.attributes["seconds"]
    assert isinstance(seconds, float)
    assert 0.2 < seconds < 10.0
