"""Processes forked from this one, and objects sent to and fro.

``multiprocessing`` does the same; to import it takes as long as to look through a twentieth of a gigabyte.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

_SIZE_BYTES = 8


class Channel:
    """One end of two pipes.

    :raises EOFError: on receiving, and BrokenPipeError on sending, if nobody is there any more.
    """

    def __init__(self, receives: int, sends: int) -> None:
        self.receives = receives
        self._sends = sends

    def send(self, what: Any) -> None:
        """Send an object."""
        said = pickle.dumps(what, pickle.HIGHEST_PROTOCOL)
        left = memoryview(len(said).to_bytes(_SIZE_BYTES, "big") + said)
        while left:
            left = left[os.write(self._sends, left) :]

    def receive(self) -> Any:
        """Wait for an object."""
        return pickle.loads(self._read(int.from_bytes(self._read(_SIZE_BYTES), "big")))  # noqa: S301 - our own process

    def _read(self, size: int) -> bytearray:
        read = bytearray(size)
        left = memoryview(read)
        while left:
            count = os.readv(self.receives, [left])
            if not count:
                raise EOFError
            left = left[count:]
        return read

    def close(self) -> None:
        """Send and receive no more."""
        os.close(self.receives)
        os.close(self._sends)


def waiting(channels: Sequence[Channel], *, forever: bool) -> list[Channel]:
    """Those that have something to receive, an end included. ``forever``: wait until one has."""
    readable = select.select([channel.receives for channel in channels], [], [], None if forever else 0)[0]
    return [channel for channel in channels if channel.receives in readable]


class Forked:
    """A process with a channel to it.

    :param work: what it does, with its end of the channel.
    :param others: channels of this process to others, of which it knows nothing: they end when this process does.
    """

    def __init__(self, work: Callable[[Channel], None], others: Sequence[Channel]) -> None:
        (from_it, to_us), (from_us, to_it) = os.pipe(), os.pipe()
        self._id = os.fork()
        if self._id == 0:
            code = 1
            try:
                for other in (*others, Channel(from_it, to_it)):
                    other.close()
                work(Channel(from_us, to_us))
                code = 0
            except BaseException:  # noqa: BLE001 - nothing may go on in two processes
                sys.excepthook(*sys.exc_info())
            finally:
                os._exit(code)  # not what this process does when it ends
        os.close(to_us)
        os.close(from_us)
        self.channel = Channel(from_it, to_it)

    def close(self) -> None:
        """End it, whatever it does."""
        self.channel.close()
        os.kill(self._id, signal.SIGTERM)
        os.waitpid(self._id, 0)
