"""The HTTP server inside ``watch``; what it answers is in ``monitor.server.routes``."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

START_TIMEOUT_SECONDS = 10


class PortTakenError(Exception):
    """The address cannot be listened on; the message says which and what to do."""


def bind(host: str, port: int) -> socket.socket:
    """A listening socket, bound before anything else starts so that a taken port stops the start at once.

    :raises PortTakenError: if it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise PortTakenError(
            f"cannot listen on {host}:{port}: {error.strerror}; stop what uses it, or choose another port "
            f"(`server.port` in the configuration, or PHASEWATCH_PORT)"
        ) from error
    return listener


class WebServer:
    """Serves an ASGI application in a thread until stopped.

    :param application: makes it; called when serving starts, so that what is imported for it does not slow the rest.
    """

    def __init__(self, listener: socket.socket, application: Callable[[], Any]) -> None:
        self._listener = listener
        self._application = application
        self._server: Any = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it listens, for people."""
        host, port = self._listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{port}"

    def start(self) -> None:
        """Serve in a thread of its own; returns when connections are taken, or after ten seconds."""
        from monitor.server.quiet import QuietServer

        self._server = QuietServer(self._application())
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._listener]}, name="phasewatch-web", daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not self._server.started and self._thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.005)

    def stop(self) -> None:
        """Finish what is being answered, then close."""
        if self._server is not None and self._thread is not None:
            self._server.end()
            self._thread.join(START_TIMEOUT_SECONDS)
        self._listener.close()
