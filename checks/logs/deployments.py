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

_DEPLOYS = re.compile(
    r"(?:Services\.(?:Create|Replace|Update)Service"
    r"|CloudFunctionsService\.(?:Create|Update)Function"
    r"|FunctionService\.(?:Create|Update)Function"
    r"|Jobs\.(?:Create|Replace|Update)Job)\Z"
)
_READY = re.compile(r"Ready condition status changed to (True|False) for Revision ([\w-]{1,100})")


class Outcome(StrEnum):
    """STARTED: asked for; DONE: accepted or ready; FAILED: refused, not built, or not coming up."""

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
    message = text_of(status.get("message")) or None
    if log.endswith("system_event"):
        return _rollout(raw, moment(nanos), message or "")
    operation = mapping(raw.get("operation"))
    outcome = Outcome.DONE
    if status.get("code"):
        outcome = Outcome.FAILED
    elif operation.get("first") and not operation.get("last"):
        outcome = Outcome.STARTED
    return Deployment(
        service=normal_service(name),
        at=moment(nanos),
        outcome=outcome,
        by=text_of(mapping(audit.get("authenticationInfo")).get("principalEmail")) or None,
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

    Of one operation the entry that names the person wins; a rollout names nobody.
    """
    earlier = [d for d in found if d.service == service and d.at <= first_logged and d.revision is None]
    if not earlier:
        return None
    last = earlier[-1]
    named = [d for d in earlier if d.by is not None]
    return last if last.by is not None or not named else named[-1]
