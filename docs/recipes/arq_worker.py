"""Wallets read by jobs of arq: `arq arq_worker.WorkerSettings` runs them, `python arq_worker.py ID …` asks for some."""

import asyncio
import sys
from typing import Any

from arq import Retry, create_pool
from arq.connections import RedisSettings
from wallet_job import LONGER, REDIS, RUNS, again_after, describe, open_session

from commercelayer_async import CommerceLayerError


async def startup(ctx: dict[str, Any]) -> None:
    """Open the session that all jobs of this process use."""
    ctx["session"] = open_session()


async def shutdown(ctx: dict[str, Any]) -> None:
    """Close it."""
    await ctx["session"].close()


async def wallet(ctx: dict[str, Any], id: str) -> str:
    """Describe a wallet."""
    try:
        return await describe(ctx["session"], id)
    except CommerceLayerError as error:
        seconds = again_after(error)
        if seconds is None or ctx["job_try"] >= RUNS:
            raise
        raise Retry(seconds) from error


class WorkerSettings:
    """What `arq` reads."""

    functions = (wallet,)
    on_startup = startup
    on_shutdown = shutdown
    redis_settings = RedisSettings.from_dsn(REDIS)
    job_timeout = LONGER
    max_tries = RUNS


async def main(ids: list[str]) -> None:
    """Ask for wallets, and print what comes of each."""
    async with await create_pool(WorkerSettings.redis_settings) as queue:
        jobs = [await queue.enqueue_job("wallet", id) for id in ids]
        for id, job in zip(ids, jobs, strict=True):
            try:
                print(id, await job.result(timeout=LONGER * RUNS))
            except CommerceLayerError as error:
                print(id, type(error).__name__)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
