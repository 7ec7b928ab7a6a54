"""A worker that reads wallets by id: ids on standard input, JSON lines on standard output, progress in the log.

    python docs/recipes/worker.py < ids.txt > wallets.jsonl

On SIGTERM or Ctrl-C it takes no more ids, finishes those it has taken, and logs how many lines of the input are done.
The next run continues there: `tail -n +801 ids.txt | python docs/recipes/worker.py >> wallets.jsonl`.
"""

import asyncio
import json
import logging
import signal
import sys
from collections.abc import Iterable, Iterator

from commercelayer_async import Failed, Fetched, Progress, Session, presets
from commercelayer_async.resources import CustomerPaymentSource

log = logging.getLogger("worker")


def until(stop: asyncio.Event, ids: Iterable[str]) -> Iterator[str]:
    """The ids, until somebody asks to stop."""
    for id in ids:
        if stop.is_set():
            return
        yield id


def report(progress: Progress) -> None:
    """Log the progress; called after each chunk of 25 ids."""
    log.info(
        "%d read, %d failed, %d requests, %.1f s of waiting for the rate limit",
        progress.done,
        progress.failed,
        progress.requests,
        progress.waited,
    )


async def read(session: Session, ids: Iterable[str], stop: asyncio.Event) -> int:
    """Write each wallet as a line, and return how many of the ids are done, from the first one on."""
    done = 0
    stream = session.stream(
        CustomerPaymentSource,
        until(stop, ids),
        include=["customer", "payment_source"],
        ordered=True,  # so that the ids that are done are the first ones
        on_progress=report,
    )
    async with stream as outcomes:
        async for outcome in outcomes:
            match outcome:
                case Fetched(id, source):
                    customer = await source.customer  # included, so no request
                    line = {"id": id, "name": source.name, "customer": customer.id}
                case Failed(id, error):
                    log.warning("%s: %s", id, error)
                    line = {"id": id, "error": type(error).__name__}
            sys.stdout.write(json.dumps(line) + "\n")
            done += 1
    return done


async def main() -> None:
    """Read until the input ends, or a signal comes."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    stop = asyncio.Event()

    def ask_to_stop() -> None:
        log.info("stopping: no more ids are taken")
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ask_to_stop)
    ids = [line.strip() for line in sys.stdin]
    async with Session.from_env(**presets.WORKER, user_agent="wallet-worker/1.0") as session:
        done = await read(session, ids, stop)
    log.info("%d of %d ids done%s", done, len(ids), "; stopped early" if done < len(ids) else "")


if __name__ == "__main__":
    asyncio.run(main())
