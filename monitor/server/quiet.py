"""uvicorn's server, without the ten times a second that it looks whether it is to end."""

from __future__ import annotations

import asyncio
from email.utils import formatdate
from typing import Any

import uvicorn


class QuietServer(uvicorn.Server):
    """Sleeps until somebody asks something, or ``end`` is called."""

    def __init__(self, application: Any) -> None:
        super().__init__(
            uvicorn.Config(
                _dated(application),
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=2,
                lifespan="off",
                date_header=False,  # uvicorn's is renewed when it looks
            )
        )
        self._ending = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        """In place of uvicorn's: wait for the end."""
        self._loop = asyncio.get_running_loop()
        await self.on_tick(0)
        if not self.should_exit:
            await self._ending.wait()

    def end(self) -> None:
        """Finish what is being answered, then return from ``run``; from any thread."""
        self.should_exit = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ending.set)


def _dated(application: Any) -> Any:
    """Each answer says when it was made (RFC 9110, 6.6.1)."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        async def dated(message: Any) -> None:
            if message["type"] == "http.response.start":
                date = (b"date", formatdate(usegmt=True).encode())
                message = {**message, "headers": [*message.get("headers", ()), date]}
            await send(message)

        await application(scope, receive, dated)

    return answer
