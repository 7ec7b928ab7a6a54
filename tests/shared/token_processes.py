"""Processes that share a token store: each reads when it is told to, and says what came of it."""

import asyncio
import logging
from multiprocessing.connection import Connection
from typing import Any, Self

import attrs

from commercelayer_async import ClientCredentials, Password, RateLimits, Session
from commercelayer_async.resources import CustomerPaymentSource
from commercelayer_async.shared import FileTokenStore
from tests.support.documents import WALLET_ID

from .processes import new_context


def token_store(kind: str, where: str, encrypt: Any = None) -> Any:
    """A store of the kind, `file` or `redis`."""
    if kind == "file":
        return FileTokenStore(where, encrypt=encrypt)
    from commercelayer_async.redis import RedisTokenStore  # noqa: PLC0415 - an extra

    return RedisTokenStore(where, encrypt=encrypt)


def credentials(parts: tuple[str, ...]) -> ClientCredentials | Password:
    return Password(*parts) if len(parts) > 2 else ClientCredentials(*parts)


class Losses(logging.Handler):
    """Counts how often a session went on without its store."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if message.startswith("the token store failed to"):
            self.messages.append(message)


def run(kind: str, where: str, url: str, parts: tuple[str, ...], commands: "Connection[Any, Any]") -> None:
    losses = Losses()
    logging.getLogger("commercelayer_async").addHandler(losses)

    async def main() -> None:
        session = Session(
            url, credentials(parts), token_store=token_store(kind, where), limits=RateLimits.none(), timeout=20
        )
        async with session:
            commands.send("ready")
            while await asyncio.to_thread(commands.recv) == "read":
                try:
                    found = await session.get(CustomerPaymentSource, WALLET_ID)
                except Exception as error:  # noqa: BLE001 - the test says which one it expects
                    came = type(error).__name__
                else:
                    came = found.id
                commands.send((came, losses.messages))

    asyncio.run(main())


@attrs.define
class Reader:
    """One process, ready to read."""

    process: Any
    commands: Any
    losses: list[str] = attrs.Factory(list)
    """What it logged, each time that its store did not answer in time."""

    @classmethod
    async def start(cls, kind: str, where: str, url: str, parts: tuple[str, ...]) -> Self:
        context = new_context()
        ours, theirs = context.Pipe()
        process = context.Process(target=run, args=(kind, where, url, parts, theirs))
        process.start()
        theirs.close()
        reader = cls(process, ours)
        assert await asyncio.to_thread(ours.recv) == "ready"
        return reader

    async def said(self) -> Any:
        """The id of what was read, or the name of the error."""
        came, self.losses = await asyncio.to_thread(self.commands.recv)
        return came

    async def read(self) -> Any:
        """Let it read; gives what it said."""
        self.commands.send("read")
        return await self.said()

    async def stop(self) -> None:
        self.commands.send("stop")
        await asyncio.to_thread(self.process.join)
        self.commands.close()

    async def kill(self) -> None:
        self.process.kill()
        await asyncio.to_thread(self.process.join)
        self.commands.close()


async def started(kind: str, where: str, url: str, parts: tuple[str, ...], *, processes: int) -> list[Reader]:
    return await asyncio.gather(*(Reader.start(kind, where, url, parts) for _ in range(processes)))


async def read_together(readers: list[Reader]) -> set[Any]:
    """Let all read at once."""
    for reader in readers:
        reader.commands.send("read")
    return set(await asyncio.gather(*(reader.said() for reader in readers)))
