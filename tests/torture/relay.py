"""A plain door to a server that speaks TLS, byte for byte.

Lambda's Runtime API is plain HTTP, and one sandbox is both it and Secrets Manager, over TLS.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from contextlib import suppress
from pathlib import Path


class Relay:
    """Listens at `address` (host:port) and passes every connection on; a closed one is closed."""

    def __init__(self, port: int, ca: Path) -> None:
        self._target = port
        self._trust = ssl.create_default_context(cafile=ca)
        self._serving: set[asyncio.Task | None] = set()  # asyncio alone would forget them
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)
        self._thread.start()
        server = self._run(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % server.sockets[0].getsockname()[1]

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.add(asyncio.current_task())
        far_reader, far_writer = await asyncio.open_connection(
            "localhost", self._target, ssl=self._trust)
        with suppress(asyncio.CancelledError):  # asyncio would complain of a cancelled server
            await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))

    def __enter__(self) -> Relay:
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Ends with one side, and ends the other."""
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except (OSError, asyncio.CancelledError):
        pass  # one side is gone, as a killed process is, or we are to end
    writer.close()
