"""The ping to an outside watchdog (Healthchecks or its like), which tells people when it stays away."""

from __future__ import annotations

import logging
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from datetime import timedelta

log = logging.getLogger(__name__)

DEADLINE_SECONDS = 10.0
# Healthchecks keeps 100 kB of what is sent along (healthchecks.io/docs/attaching_logs).
_LONGEST_BODY = 10_000


def ping(url: str, body: str = "", *, word: str = "") -> str | None:
    """One ping; why it did not arrive, None if it did. The address is in no answer.

    :param word: ``/start``, ``/fail`` or ``/log``, which goes before a query of the URL; nothing means success.
    """
    path, question, query = url.partition("?")
    target = f"{path.rstrip('/') if word else path}{word}{question}{query}"
    request = urllib.request.Request(  # noqa: S310 - https, or http to this machine: see SecretUrl
        target, data=body[:_LONGEST_BODY].encode(), method="POST", headers={"User-Agent": "phasewatch"}
    )
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE_SECONDS):  # noqa: S310
            return None
    except urllib.error.HTTPError as error:
        error.close()
        return f"it answers HTTP {error.code}"
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        text = reason.strerror if isinstance(reason, OSError) else None
        return "no answer in time" if isinstance(reason, TimeoutError) else f"{type(reason).__name__}: {text or '?'}"


class Watchdog:
    """Pings in a thread of its own, so that no tick ever waits for it.

    ``verdict`` answers None for a complete good cycle, else the sentences on what is wrong. Only a good cycle is
    pinged; a bad one is told as ``/fail`` with its sentences, if the service knows that word.

    :param url: without a slash at its end, it is the address for success.
    """

    def __init__(
        self,
        url: str,
        every: timedelta,
        verdict: Callable[[], Sequence[str] | None],
        stop: threading.Event,
        *,
        start_and_fail: bool,
    ) -> None:
        self._url = url
        self._every = every.total_seconds()
        self._verdict = verdict
        self._stop = stop
        self._words = start_and_fail
        self.error: str | None = None

    def run(self) -> None:
        """Ping until told to stop."""
        if self._words:
            self._ping("/start", "phasewatch starts")
        while not self._stop.wait(self._every):
            try:
                wrong = self._verdict()
            except Exception as error:
                log.exception("no verdict", extra={"action": "watchdog.failed"})
                wrong = [f"{type(error).__name__}: {error}"]
            if wrong is None:
                self._ping("", "every check ticked, messages are sent")
            elif self._words:
                self._ping("/fail", "\n".join(wrong))

    def _ping(self, word: str, body: str) -> None:
        self.error = ping(self._url, body, word=word)
        if self.error is not None:
            log.warning("outside watchdog: %s", self.error, extra={"action": "watchdog.unreachable"})
