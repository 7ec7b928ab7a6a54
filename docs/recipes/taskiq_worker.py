"""Wallets read by tasks of taskiq: `taskiq worker taskiq_worker:broker`, and `python taskiq_worker.py ID …` to ask."""

import asyncio
import sys
from typing import Annotated

from taskiq import Context, TaskiqDepends, TaskiqEvents, TaskiqState
from taskiq.middlewares import SmartRetryMiddleware
from taskiq_redis import ListQueueBroker, RedisAsyncResultBackend
from wallet_job import LONGER, REDIS, RUNS, again_after, describe, open_session

from commercelayer_async import CommerceLayerError


class Again(Exception):
    """Another run may help."""


broker = (
    ListQueueBroker(REDIS)
    .with_result_backend(RedisAsyncResultBackend(REDIS, result_ex_time=3600))
    .with_middlewares(SmartRetryMiddleware(RUNS, default_retry_label=True, types_of_exceptions=[Again]))
)


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def startup(state: TaskiqState) -> None:
    """Open the session that all tasks of this process use."""
    state.session = open_session()


@broker.on_event(TaskiqEvents.WORKER_SHUTDOWN)
async def shutdown(state: TaskiqState) -> None:
    """Close it."""
    await state.session.close()


@broker.task(timeout=LONGER)
async def wallet(id: str, context: Annotated[Context, TaskiqDepends()]) -> str:
    """Describe a wallet."""
    try:
        return await describe(context.state.session, id)
    except CommerceLayerError as error:
        if again_after(error) is None:
            raise
        raise Again(str(error)) from error


async def main(ids: list[str]) -> None:
    """Ask for wallets, and print what comes of each."""
    await broker.startup()
    tasks = [await wallet.kiq(id) for id in ids]
    for id, task in zip(ids, tasks, strict=True):
        result = await task.wait_result(timeout=LONGER * RUNS)
        print(id, result.error if result.is_err else result.return_value)
    await broker.shutdown()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
