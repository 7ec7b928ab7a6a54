"""An export each night beside a web service, by APScheduler: `python nightly_export.py FOLDER`.

With `COMMERCELAYER_SHARED=file` in the environment of both, they keep the API's rate windows together. An hour and a
minute as further arguments say when; `now` runs it once, and ends.
"""

import asyncio
import logging
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from commercelayer_async import Session, export, presets
from commercelayer_async.resources import CustomerPaymentSource

log = logging.getLogger("nightly")


async def run(session: Session, folder: str) -> None:
    """Write all wallets into the day's file, or what an earlier run of that day left."""
    path = Path(folder) / f"wallets-{datetime.now(UTC):%Y-%m-%d}.jsonl"
    exported = await export(session, CustomerPaymentSource, path, resume=True)
    log.info("%d wallets are in %s", exported.records, path)


async def main(folder: str, hour: str = "2", minute: str = "30") -> None:
    """Run each night until a signal comes; the session lives as long as the process does."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Session.from_env(**presets.WORKER, user_agent="nightly-export/1.0") as session:
        if hour == "now":
            await run(session, folder)
            return
        scheduler = AsyncIOScheduler(timezone=UTC)
        scheduler.add_job(
            run, "cron", (session, folder), hour=hour, minute=minute, coalesce=True, misfire_grace_time=3600
        )
        scheduler.start()
        await stop.wait()
        scheduler.shutdown(wait=False)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
