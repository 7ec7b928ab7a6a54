"""What stands between a client and a Redis server: it delays, and leads elsewhere."""

import asyncio
from contextlib import suppress
from typing import Self


class Proxy:
    """Forwards to the server of a socket, which may be changed, each piece `delay` seconds late."""

    def __init__(self, url: str, *, delay: float = 0.0) -> None:
        self.url = ""
        self.delay = delay
        self._to = url
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def lead_to(self, url: str) -> None:
        """Close all connections; new ones go to another server."""
        self._to = url
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.lead_to("")
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            back, there = await asyncio.open_unix_connection(self._to.removeprefix("unix://"))
        except OSError:
            writer.close()
            return
        self._writers += [writer, there]
        for one, other in ((reader, there), (back, writer)):
            task = asyncio.create_task(self._forward(one, other))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(65536):
                await asyncio.sleep(self.delay)
                writer.write(piece)
        writer.close()
