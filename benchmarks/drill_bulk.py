"""A bulk read of a hundred thousand wallets with their customers and payment sources, while things go wrong.

The sandbox enforces the API's live limits (in shorter seconds), injects faults at fixed places and counts for itself;
the client reads in a process of its own, so that its memory can be told apart. The drill fails on any wallet that is
lost or read twice, any failure, any window that held too many requests, and memory that grows.

    python -m benchmarks.drill_bulk [WALLETS]
"""

import asyncio
import itertools
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any, Final

from commercelayer_async import ClientCredentials, Fetched, RateLimits, Session
from commercelayer_async.resources import CustomerPaymentSource
from commercelayer_async.sandbox import Answer, ExpireTokens, Rates, Reset, Sandbox, Truncate

WALLETS: Final = 100_000
SCALE: Final = 30.0
"""The live minute takes two seconds: 100 requests a second at most."""
GROWTH: Final = 20 * 2**20
AT_ONCE: Final = 8
EVERY: Final = 101
"""One request in so many meets a fault."""


def resident() -> int:
    """Bytes of this process in memory now."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


async def read(url: str, client_id: str, client_secret: str) -> None:
    """The client: reads the ids from its input, prints what it saw as JSON."""
    ids = [line.strip() for line in sys.stdin]
    limits = RateLimits(average=(200, 60.0 / SCALE), burst=(50, 10.0 / SCALE))
    seen = wrong = failed = incomplete = 0
    start = peak = 0
    async with Session(url, ClientCredentials(client_id, client_secret), limits=limits) as session:
        began = time.monotonic()
        cpu = time.process_time()
        stream = session.stream(
            CustomerPaymentSource, iter(ids), include=["customer", "payment_source"], ordered=True, concurrency=AT_ONCE
        )
        async with stream as outcomes:
            async for outcome in outcomes:
                if outcome.id != ids[seen]:
                    wrong += 1
                seen += 1
                if not isinstance(outcome, Fetched):
                    failed += 1
                    print(outcome.error, file=sys.stderr)
                elif not (outcome.resource.customer.loaded and outcome.resource.payment_source.loaded):
                    incomplete += 1
                if seen == len(ids) // 20:
                    start = peak = resident()
                elif seen % 1000 == 0:
                    peak = max(peak, resident())
            requests = outcomes.progress.requests
    result = {
        "seen": seen,
        "out of place": wrong,
        "failed": failed,
        "incomplete": incomplete,
        "growth": peak - start,
        "requests": requests,
        "seconds": time.monotonic() - began,
        "cpu": time.process_time() - cpu,
    }
    print(json.dumps(result))


def inject(sandbox: Sandbox) -> None:
    """One fault of each kind in turn, at every so many requests."""
    numbers = itertools.count(1)
    kinds = (
        Answer.too_many(),
        Reset(),
        Answer.html(502),
        Truncate(0.5),
        Reset(after=0.5),
        ExpireTokens(),
        Answer.errors(503),
    )
    turn = [0]

    def due(which: int) -> Any:
        def where(request: Any) -> bool:
            if which == 0:
                turn[0] = next(numbers)
            return turn[0] % EVERY == 0 and (turn[0] // EVERY) % len(kinds) == which and "/api/" in request.raw_path

        return where

    for which, kind in enumerate(kinds):
        sandbox.faults.add(kind, times=None, where=due(which))


async def drill(wallets: int) -> int:
    """Run it; the exit code."""
    async with Sandbox(wallets=wallets, rates=Rates.live().scaled(SCALE)) as sandbox:
        inject(sandbox)
        client = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.drill_bulk", "--read", sandbox.url),
            *(sandbox.client_id, sandbox.client_secret),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await client.communicate("\n".join(sandbox.world.wallet_ids()).encode())
        if client.returncode:
            print("the client failed")
            return 1
        result = json.loads(out)
        broken = sandbox.violations
        faults = dict(sandbox.faults.counts)
    minimum = -(-wallets // 25)
    print(f"wallets      {wallets}")
    print(
        f"seen         {result['seen']}, out of place {result['out of place']}, failed {result['failed']},"
        f" incomplete {result['incomplete']}"
    )
    print(f"requests     {result['requests']} (minimum {minimum}, faults {sum(faults.values())}: {faults})")
    print(f"windows      {broken or 'kept'}")
    print(f"memory       {result['growth'] / 2**20:+.1f} MiB over that at 5 % (at most {GROWTH / 2**20:.0f})")
    print(
        f"time         {result['seconds']:.0f} s, CPU {result['cpu']:.1f} s,"
        f" {result['cpu'] / max(1, result['seen']) * 1e6:.0f} us a wallet"
    )
    good = (
        result["seen"] == wallets
        and not any(result[name] for name in ("out of place", "failed", "incomplete"))
        and not broken
        and result["growth"] < GROWTH
        # A fault costs one more try, an expired token one for each call under way.
        and result["requests"] <= minimum + sum(faults.values()) + AT_ONCE * faults.get("expired_tokens", 0)
    )
    print("passed" if good else "FAILED")
    return 0 if good else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--read"]:
        asyncio.run(read(*sys.argv[2:5]))
    else:
        sys.exit(asyncio.run(drill(int(sys.argv[1]) if sys.argv[1:] else WALLETS)))
