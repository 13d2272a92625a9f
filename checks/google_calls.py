"""What all calls of Google's gRPC services have in common: where they go, and what an error of the client means."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from checks.ports import SourceError

LOGIN_REMEDY = "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a key file"
CHANNEL_OPTIONS = (
    ("grpc.max_receive_message_length", -1),  # 1000 entries may have 256 MB; gRPC's own limit is 4 MB
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 5_000),  # also bounds one attempt to connect
    ("grpc.max_reconnect_backoff_ms", 10_000),  # by default it takes up to two minutes to notice that it is back
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 10_000),
)
# For a server on this machine.
PLAIN_OPTIONS = (*CHANNEL_OPTIONS, ("grpc.enable_http_proxy", 0))
_MAX_MESSAGE = 500


def host_of(endpoint: str | None, default: str) -> tuple[str, bool]:
    """``host:port`` to connect to, and whether without TLS and credentials. None is Google's own, the ``default``."""
    if not endpoint:
        return default, False
    parts = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")
    name = parts.hostname or ""
    plain = parts.scheme == "http" or (parts.scheme == "" and _is_loopback(name))
    port = parts.port or (80 if plain else 443)
    return (f"[{name}]:{port}" if ":" in name else f"{name}:{port}"), plain


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def source_error(error: Exception, *, service: str, host: str, what: str, grant: str, shared: str) -> SourceError:
    """The SourceError for an error of a client.

    :param what: what was to be done, after "not allowed to": ``read the logs of project p``.
    :param grant: the remedy for a missing permission.
    :param shared: the remedy for a quota that is used up.
    """
    from google.api_core import exceptions

    said = _short(error.message if isinstance(error, exceptions.GoogleAPICallError) else str(error))
    if isinstance(error, exceptions.ResourceExhausted):
        return SourceError(f"{service} refuses to {what} for now: {said}", kind="quota", remedy=shared)
    if isinstance(error, exceptions.PermissionDenied):
        return SourceError(f"not allowed to {what}: {said}", kind="forbidden", remedy=grant)
    if isinstance(error, exceptions.DeadlineExceeded):
        return SourceError(f"{service} at {host} did not answer in time", kind="timeout")
    if isinstance(error, (exceptions.ServerError, exceptions.Cancelled)):
        return SourceError(
            f"{service} at {host} cannot be reached: {said}",
            kind="unreachable",
            remedy="check the network; https://status.cloud.google.com tells of outages",
        )
    if isinstance(error, exceptions.GoogleAPICallError) and not isinstance(error, exceptions.Unauthenticated):
        kind = "missing" if isinstance(error, exceptions.NotFound) else "invalid"
        return SourceError(f"{service} refused the request: {said}", kind=kind)
    return SourceError(f"no usable credentials for {service}: {said}", kind="forbidden", remedy=LOGIN_REMEDY)


def _short(message: str) -> str:
    text = " ".join(message.split())
    return text if len(text) <= _MAX_MESSAGE else text[:_MAX_MESSAGE] + " \u2026"
