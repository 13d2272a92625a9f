"""What of a project's logs cannot be seen, as Cloud Logging's own configuration tells it: exclusions, sinks, retention.

Only the project's own sinks are asked. A sink of its folder or organisation that intercepts entries is not known here.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from checks.fields import is_loopback
from checks.rate import RateLimiter

if TYPE_CHECKING:
    from google.cloud.logging_v2.services.config_service_v2 import ConfigServiceV2Client

DEFAULT_ENDPOINT = "logging.googleapis.com"
KEEP = timedelta(hours=1)
KEEP_FAILED = timedelta(minutes=5)
_MAX_FILTER = 200
_MAX_ITEMS = 200
# What an exclusion that can hit functions mentions; one that mentions none of these is named, but not marked.
_FUNCTIONS = re.compile(
    r"cloud_?run|cloud_?function|severity|std(?:out|err)|execution_id|textPayload|jsonPayload", re.IGNORECASE
)
_SAMPLE = re.compile(r"\bsample\s*\(\s*[\w.]+\s*,\s*([\d.]+)\s*\)")
# The filter that every _Default sink is made with leaves out what the sink _Required stores.
_STOCK = re.compile(r"(?:AND\s+)?NOT\s+LOG_ID\(\s*\"(?:cloudaudit|externalaudit)\.googleapis\.com/\w+\"\s*\)")
_READ_FIELDS = ("textPayload", "jsonPayload", "protoPayload", "httpRequest", "labels", "sourceLocation")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class LogSight:
    """``unseen``: what cannot be seen and why, a sentence each. ``retention``: how long logs are kept, if known.

    ``complete``: every question was answered.
    """

    unseen: tuple[str, ...]
    retention: timedelta | None
    complete: bool = True


class LoggingConfig:
    """Asks Cloud Logging's configuration of one project (``ConfigServiceV2``). May be used from several threads.

    :param endpoint: another address; one on the loopback interface or with ``http://`` gets no credentials and no TLS.
    :param look_back: how far back somebody may want to look: a shorter retention is said.
    :param timeout: bounds all calls of one question together.
    :param limiter: shared with whatever else asks Cloud Logging in this process.
    """

    def __init__(
        self,
        project: str,
        *,
        endpoint: str | None = None,
        look_back: timedelta = timedelta(days=7),
        timeout: timedelta = timedelta(seconds=10),
        limiter: RateLimiter | None = None,
    ) -> None:
        self._limiter = limiter
        self._project = project
        self._endpoint = endpoint
        self._look_back = look_back
        self._timeout = timeout.total_seconds()
        self._guard = threading.Lock()
        self._kept: tuple[datetime, LogSight] | None = None
        self._client: ConfigServiceV2Client | None = None

    def sight(self, now: datetime) -> LogSight:
        """What cannot be seen. An answer is kept for an hour, one with a question left open for five minutes.

        Never raises: what could not be found out is one of the sentences.
        """
        with self._guard:
            if self._kept is not None and now < self._kept[0]:
                return self._kept[1]
            sight = self._ask()
            self._kept = (now + (KEEP if sight.complete else KEEP_FAILED), sight)
            return sight

    def close(self) -> None:
        """Close the connection."""
        with self._guard:
            if self._client is not None:
                self._client.transport.close()
                self._client = None

    def _ask(self) -> LogSight:
        try:
            client = self._connected()
        except Exception as error:  # noqa: BLE001 - whatever the credentials' library fails with is the same to us
            return LogSight((f"Cloud Logging's configuration cannot be asked: {_reason(error)}",), None, complete=False)
        deadline = time.monotonic() + self._timeout
        parent = f"projects/{self._project}"
        unseen: list[str] = []
        sinks = self._listed(
            "sinks",
            lambda left: client.list_sinks(request={"parent": parent}, retry=None, timeout=left),
            deadline,
            unseen,
        )
        exclusions = self._listed(
            "exclusions",
            lambda left: client.list_exclusions(request={"parent": parent}, retry=None, timeout=left),
            deadline,
            unseen,
        )
        buckets = self._listed(
            "log buckets",
            lambda left: client.list_buckets(request={"parent": f"{parent}/locations/-"}, retry=None, timeout=left),
            deadline,
            unseen,
        )
        complete = not unseen
        dropping = _dropping(sinks or (), exclusions or ())
        if sinks is not None:
            unseen += _default_sink(sinks)
        retention = None
        if buckets is not None:
            retention, said = _bucket_sentences(buckets, self._look_back)
            unseen += said
        return LogSight((*dropping, *unseen), retention, complete)

    def _listed(
        self, what: str, call: Callable[[float], Iterable[Item]], deadline: float, unseen: list[str]
    ) -> list[Item] | None:
        """At most ``_MAX_ITEMS`` of a list; None, and a sentence in ``unseen``, if it cannot be had."""
        from google.api_core.exceptions import GoogleAPICallError, RetryError
        from google.auth.exceptions import GoogleAuthError

        items: list[Item] = []
        if self._limiter is not None and not self._limiter.acquire(max(0.0, deadline - time.monotonic())):
            unseen.append(f"the {what} could not be listed: the watcher's own limit is used up for the moment")
            return None
        left = deadline - time.monotonic()
        if left <= 0:
            unseen.append(f"the {what} could not be listed: no time left")
            return None
        try:
            for item in call(left):
                items.append(item)
                if len(items) >= _MAX_ITEMS or time.monotonic() > deadline:
                    unseen.append(f"there are more {what} than the first {len(items)}, which were looked at")
                    break
        except (GoogleAPICallError, RetryError, GoogleAuthError, OSError) as error:
            unseen.append(f"the {what} could not be listed: {self._remedy(error)}")
            return None
        return items

    def _remedy(self, error: Exception) -> str:
        from google.api_core.exceptions import DeadlineExceeded, PermissionDenied, ServiceUnavailable

        if isinstance(error, PermissionDenied):
            return (
                "grant roles/logging.viewer: `gcloud projects add-iam-policy-binding"
                f" {self._project} --member=MEMBER --role=roles/logging.viewer`"
            )
        if isinstance(error, DeadlineExceeded):
            return f"no answer within {self._timeout:g} s"
        if isinstance(error, ServiceUnavailable):
            return f"{self._endpoint or DEFAULT_ENDPOINT} cannot be reached"
        return _reason(error)

    def _connected(self) -> ConfigServiceV2Client:
        from google.cloud.logging_v2.services.config_service_v2 import ConfigServiceV2Client
        from google.cloud.logging_v2.services.config_service_v2.transports import ConfigServiceV2GrpcTransport

        if self._client is None:
            plain = _plain_target(self._endpoint)
            if plain is None:
                target = self._endpoint and (urlsplit(self._endpoint).netloc or self._endpoint)
                self._client = ConfigServiceV2Client(client_options={"api_endpoint": target or DEFAULT_ENDPOINT})
            else:
                import grpc

                # No proxy stands between us and ourselves.
                options = [("grpc.enable_http_proxy", 0)]
                channel = grpc.insecure_channel(plain, options=options)  # type: ignore[no-untyped-call]  # no types
                self._client = ConfigServiceV2Client(transport=ConfigServiceV2GrpcTransport(channel=channel))
        return self._client


def _plain_target(endpoint: str | None) -> str | None:
    """``host:port`` of an endpoint that is spoken to without TLS; None for the others."""
    if not endpoint:
        return None
    parts = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")
    loopback = is_loopback(parts.hostname or "") and parts.scheme != "https"
    return parts.netloc if loopback or parts.scheme == "http" else None


def _dropping(sinks: Iterable[Any], exclusions: Iterable[Any]) -> list[str]:
    """A sentence for each active exclusion of a sink that stores what we read; those that can hit functions first."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for sink in sinks:
        if sink.name == "_Default" or (_stores(sink) and sink.name != "_Required"):
            for one in sink.exclusions:
                if not one.disabled:
                    found.setdefault((sink.name, one.name), (one.name, one.filter))
    for one in exclusions:  # those of the sink _Default
        if not one.disabled:
            found.setdefault(("_Default", one.name), (one.name, one.filter))
    marked, others = [], []
    for (sink_name, _), (name, condition) in found.items():
        part = _SAMPLE.search(condition)
        some = f"a part ({part[1]} of 1) of the entries" if part else "entries"
        text = f"the exclusion {_printable(name)!r} on the sink {_printable(sink_name)} drops {some} of: "
        text += _short(condition)
        if _FUNCTIONS.search(condition):
            marked.append(f"{text} (this can hit function logs)")
        else:
            others.append(text)
    return marked + others


def _default_sink(sinks: Iterable[Any]) -> list[str]:
    """What the sink _Default, which stores what we read, does not store."""
    default = next((sink for sink in sinks if sink.name == "_Default"), None)
    if default is None:
        return ["there is no sink _Default: function logs are stored only if another sink stores them"]
    said = []
    if default.disabled:
        said.append("the sink _Default is switched off: function logs are stored only if another sink stores them")
    narrowed = " ".join(_STOCK.sub(" ", default.filter).split())
    if narrowed:
        said.append(f"the sink _Default stores only entries of: {_short(default.filter)}")
    if default.destination and not _stores(default):
        said.append(f"the sink _Default sends entries elsewhere: {_short(default.destination)}")
    return said


def _stores(sink: Any) -> bool:
    """Whether a sink writes to a log bucket."""
    return str(sink.destination).startswith("logging.googleapis.com/") and "/buckets/" in sink.destination


def _bucket_sentences(buckets: Iterable[Any], look_back: timedelta) -> tuple[timedelta | None, list[str]]:
    """How long the bucket _Default keeps logs, the shortest of several; and what it withholds."""
    ours = [bucket for bucket in buckets if bucket.name.endswith("/buckets/_Default")]
    said = []
    days = [bucket.retention_days for bucket in ours if bucket.retention_days > 0]
    retention = timedelta(days=min(days)) if days else None
    if retention is not None and retention < look_back:
        days_said = "1 day" if retention.days == 1 else f"{retention.days} days"
        said.append(f"logs are kept for {days_said}: nothing older can be read")
    if not ours:
        said.append("there is no log bucket _Default")
    for bucket in ours:
        hidden = [field for field in bucket.restricted_fields if field.split(".")[0] in _READ_FIELDS]
        if hidden:
            said.append(
                f"the log bucket _Default shows {', '.join(map(_printable, hidden))} only to holders of"
                " roles/logging.fieldAccessor"
            )
        if bucket.lifecycle_state.name == "DELETE_REQUESTED":
            said.append("the log bucket _Default is about to be deleted")
    return retention, said


def _reason(error: Exception) -> str:
    return _short(str(error).partition("\n")[0] or type(error).__name__)


def _short(text: str) -> str:
    line = " ".join(_printable(text).split())
    return line if len(line) <= _MAX_FILTER else line[:_MAX_FILTER] + "\u2026"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
