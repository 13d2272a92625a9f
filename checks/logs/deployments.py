"""Deployments and rollouts as audit entries tell of them: who deployed what when, and whether it came up. Pure.

Forms seen in public exports: ``cloudaudit.googleapis.com%2Factivity`` with methodName
``google.cloud.run.v1.Services.ReplaceService`` (resourceName ``namespaces/P/services/S``) or
``google.cloud.functions.v2.FunctionService.UpdateFunction`` (``projects/P/locations/L/functions/F``; an operation logs
its first and its last entry, the person stands in the first), a non-zero ``status.code`` where it failed; and
``cloudaudit.googleapis.com%2Fsystem_event`` with ``/Services.ReplaceService`` and ``Ready condition status changed to
True/False for Revision R`` for what became of the revision.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from checks.logs.entry import mapping, moment, service_of, text_of, written
from checks.model import normal_service

# RE2 as well as Python's: the names of the methods end so.
DEPLOYS = (
    r"(?:Services\.(?:Create|Replace|Update)Service"
    r"|CloudFunctionsService\.(?:Create|Update)Function"
    r"|FunctionService\.(?:Create|Update)Function"
    r"|Jobs\.(?:Create|Replace|Update)Job)$"
)
_DEPLOYS = re.compile(DEPLOYS)
MAX_NAME = 200
MAX_MESSAGE = 1_000
_READY = re.compile(r"Ready condition status changed to (True|False) for Revision ([\w-]{1,100})")


class Outcome(StrEnum):
    """STARTED: asked for, or accepted; DONE: it came up; FAILED: refused, not built, or not coming up."""

    STARTED = "started"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One audit entry about a deployment. ``by`` is who did it; ``revision`` is known for rollouts only."""

    service: str
    at: datetime
    outcome: Outcome
    by: str | None = None
    revision: str | None = None
    message: str | None = None


def deployment_of(raw: Mapping[str, Any]) -> Deployment | None:
    """What an entry says of a deployment; None if it is about something else or has no time."""
    log = text_of(raw.get("logName"))
    nanos = written(raw)
    audit = mapping(raw.get("protoPayload"))
    if (
        "cloudaudit.googleapis.com%2F" not in log
        or nanos is None
        or not _DEPLOYS.search(text_of(audit.get("methodName")))
    ):
        return None
    name = text_of(audit.get("resourceName")).rstrip("/").rpartition("/")[2]
    status = mapping(audit.get("status"))
    message = text_of(status.get("message"))[:MAX_MESSAGE] or None
    if log.endswith("system_event"):
        return _rollout(raw, moment(nanos), message or "")
    # Cloud Run's own calls are answered before the revision is up: what becomes of it a system event tells. An
    # operation of Cloud Functions ends when it serves.
    ended = bool(mapping(raw.get("operation")).get("last"))
    outcome = Outcome.FAILED if status.get("code") else Outcome.DONE if ended else Outcome.STARTED
    return Deployment(
        service=normal_service(name)[:MAX_NAME],
        at=moment(nanos),
        outcome=outcome,
        by=text_of(mapping(audit.get("authenticationInfo")).get("principalEmail"))[:MAX_NAME] or None,
        message=message if outcome is Outcome.FAILED else None,
    )


def _rollout(raw: Mapping[str, Any], at: datetime, message: str) -> Deployment | None:
    """What became of a revision."""
    ready = _READY.search(message)
    if ready is None:
        return None
    outcome = Outcome.DONE if ready[1] == "True" else Outcome.FAILED
    return Deployment(service=service_of(raw), at=at, outcome=outcome, revision=ready[2], message=message)


def deployments(entries: Iterable[Any]) -> tuple[Deployment, ...]:
    """All that entries say of deployments, oldest first."""
    found = [d for raw in entries if isinstance(raw, dict) and (d := deployment_of(raw)) is not None]
    return tuple(sorted(found, key=lambda d: (d.at, d.service, d.outcome)))


def deployed_before(found: Iterable[Deployment], service: str, first_logged: datetime) -> Deployment | None:
    """The deployment that brought a revision which first logged at that time: the last one asked for before it.

    Of one operation the entry that names the person wins; a rollout names nobody. What failed brought nothing.
    """
    earlier = [
        d
        for d in sorted(found, key=lambda one: one.at)
        if d.service == service and d.at <= first_logged and d.revision is None and d.outcome is not Outcome.FAILED
    ]
    named = [d for d in earlier if d.by is not None]
    return named[-1] if named else earlier[-1] if earlier else None
