"""What is remembered of the revisions of each function: when they began, whether they ran, what failed in them, and who
deployed them. Pure: the memory is JSON that comes back.

Only revisions of Cloud Run and of gen2 functions have names. What is known of a gen1 function or a job stands under an
empty one, and only its deployments tell its versions apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

from checks.logs.activity import run_of
from checks.logs.deployments import MAX_NAME, Deployment, Outcome, deployed_before, deployment_of
from checks.logs.entry import nanos_of, revision_of, service_of, text_of
from checks.logs.faults import Failure
from checks.logs.glance import Glance, Writer, writer_of
from checks.logs.payload import payload_text
from checks.logs.triggers import has_trigger
from checks.model import JsonValue
from checks.plain import normal_service
from checks.ports import Failing

MAX_SERVICES = 300
MAX_REVISIONS = 10
MAX_FAULTS = 20
MAX_DEPLOYMENTS = 8
# So many revisions are asked about at once; others have their turn at the next tick.
MAX_ASKED = 50
# A deployment is this long before the first line of its revision at most, where no revision before it is known.
SOON = timedelta(hours=1)
# Two reports of failure that are closer than this are about one rollout: the operation and the revision it made.
ONE_ROLLOUT = timedelta(minutes=15)


@dataclass(slots=True)
class _Revision:
    """``first``: its first entry seen; ``ran``: its first successful run seen; ``faults``: identity of a fault -> when
    it was first seen here. Unix seconds. ``asked``: the source was asked about its past.
    """

    first: float
    ran: float | None = None
    asked: bool = False
    faults: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class _Service:
    revisions: dict[str, _Revision] = field(default_factory=dict)
    deployments: list[Deployment] = field(default_factory=list)

    @property
    def latest(self) -> float:
        return max((*(r.first for r in self.revisions.values()), *(d.at.timestamp() for d in self.deployments)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """How a deployment ended, and who asked for it. ``again``: another entry told of the same failure before."""

    deployment: Deployment
    by: str | None
    again: bool


class Revisions:
    """The memory while one judgement is made."""

    def __init__(self, stored: JsonValue) -> None:
        self._services = _stored(stored)
        self._news: set[Deployment] = set()

    def see(self, entries: Iterable[Any], *, past: bool = False) -> None:
        """Learn from entries, in any order; those seen before add nothing.

        :param past: what they tell is no news.
        """
        for raw in entries:
            if not isinstance(raw, dict):
                continue
            if "protoPayload" in raw:
                deployment = deployment_of(raw)
                if deployment is not None and self._deployed(deployment) and not past:
                    self._news.add(deployment)
                continue
            name = revision_of(raw)
            if name is None:
                continue
            nanos = nanos_of(raw.get("timestamp"))
            if nanos is not None:
                ran = "httpRequest" in raw and run_of(raw, "") is not None
                self._logged(service_of(raw), name, nanos / 1e9, ran=ran)

    def see_together(self, seen: Iterable[Glance]) -> None:
        """The same of entries that were glanced at: only what is new is looked at."""
        for glance in seen:
            if glance.writers is None:
                self.see(glance.entries)
                continue
            self.see(glance.entries[number] for number in glance.apart)
            new = {writer for writer in glance.writers if not self._knows(writer, glance.since / 1e9)}
            if new:
                apart = set(glance.apart)
                rest = (raw for number, raw in enumerate(glance.entries) if number not in apart)
                self.see(raw for raw in rest if writer_of(raw) in new)

    def failed(self, failures: Iterable[Failure]) -> None:
        """Learn from what failed."""
        for failure in failures:
            at = failure.first_seen.timestamp()
            revision = self._logged(failure.service, failure.revision or "", at, ran=False)
            key = _key(failure.fingerprint)
            if key in revision.faults or len(revision.faults) < MAX_FAULTS:
                revision.faults[key] = min(revision.faults.get(key, at), at)

    def asked(self, failing: Iterable[Failing]) -> None:
        """The source was asked about these."""
        for one in failing:
            self._logged(one.service, one.revision or "", one.at.timestamp(), ran=False).asked = True

    def unasked(self, entries: Iterable[Any]) -> list[Failing]:
        """The revisions in which entries tell of a failure, and about whose past nobody was asked yet."""
        found: dict[tuple[str, str], Failing] = {}
        for raw in entries:
            if not isinstance(raw, dict) or "protoPayload" in raw or not has_trigger(payload_text(raw)[0]):
                continue
            service, revision = service_of(raw), revision_of(raw)
            nanos = nanos_of(raw.get("timestamp"))
            key = (service, revision or "")
            known = self._services.get(service, _Service()).revisions.get(key[1])
            if nanos is None or (known is not None and known.asked):
                continue
            at = datetime.fromtimestamp(nanos // 1_000 / 1e6, UTC)
            if key not in found or at < found[key].at:
                found[key] = Failing(service=service, revision=revision, at=at)
        return sorted(found.values(), key=lambda one: one.at)[-MAX_ASKED:]

    def deployments(self) -> list[Deployment]:
        """All deployments that are remembered, oldest first."""
        known = (deployment for service in self._services.values() for deployment in service.deployments)
        return sorted(known, key=lambda one: (one.at, one.service))

    def rollouts(self) -> list[Rollout]:
        """How the latest deployment of each function ended, where that is news."""
        answer = []
        for service in sorted({deployment.service for deployment in self._news}):
            ended = [d for d in self._services[service].deployments if d.outcome is not Outcome.STARTED]
            last = ended[-1] if ended else None
            if last is None or last not in self._news:
                continue
            earlier = [d for d in ended[:-1] if d.outcome is Outcome.FAILED and last.at - d.at <= ONE_ROLLOUT]
            asked = deployed_before(self._services[service].deployments, service, last.at)
            by = last.by or (asked.by if asked is not None and last.at - asked.at <= SOON else None)
            answer.append(Rollout(deployment=last, by=by, again=bool(earlier) and last.outcome is Outcome.FAILED))
        return answer

    def facts(self, failure: Failure) -> dict[str, JsonValue]:
        """For people, in which revision a fault began and in which it goes on: ``deployment`` and ``still fails in``,
        each only where it is known.
        """
        service = self._services.get(failure.service)
        if service is None:
            return {}
        key = _key(failure.fingerprint)
        having = sorted((r.faults[key], name) for name, r in service.revisions.items() if key in r.faults)
        if not having:
            return {}
        (at, first), (again, last) = having[0], having[-1]
        where = f"first seen in {_short(first, failure.service)}" if first else "first seen"
        began = self._began(failure.service, first, at)
        before = self._before(service, first)
        clean = ""
        if before is not None and service.revisions[before].ran is not None:
            was = "was clean" if not service.revisions[before].faults else "did not have it"
            clean = f"; {_short(before, failure.service)} {was}"
        facts: dict[str, JsonValue] = {}
        if began or clean:
            facts["deployment"] = f"{where}{began}{clean}"
        if last != first:
            facts["still fails in"] = _short(last, failure.service) + self._began(failure.service, last, again)
        return facts

    def named(self, service: str, revision: str, at: datetime) -> str:
        """A revision that ran at ``at``, with what is known of how it came about."""
        return revision + (self._began(service, revision, at.timestamp()) if service in self._services else "")

    def as_json(self) -> JsonValue:
        """What to remember: the functions with the latest news, and of each its latest revisions."""
        kept = sorted(self._services.items(), key=lambda item: item[1].latest)[-MAX_SERVICES:]
        return {name: _json(service) for name, service in kept}

    def _knows(self, writer: Writer, since: float) -> bool:
        """Whether nothing is to be learnt from an entry of this writer that is not older."""
        service, name = writer
        if not text_of(name):
            return True
        known = self._services.get(normal_service(service)[:MAX_NAME]) if text_of(service).strip() else None
        revision = known.revisions.get(name[:MAX_NAME]) if known is not None else None
        return revision is not None and revision.first <= since

    # -- inside -------------------------------------------------------------------------------------------------------

    def _logged(self, service: str, name: str, at: float, *, ran: bool) -> _Revision:
        service, name = service[:MAX_NAME], name[:MAX_NAME]
        known = self._services.get(service)  # asked for every entry: nothing is made that is there already
        if known is None:
            known = self._services[service] = _Service()
        revision = known.revisions.get(name)
        if revision is None:
            revision = known.revisions[name] = _Revision(first=at)
        elif at < revision.first:
            revision.first = at
        if ran:
            revision.ran = at if revision.ran is None else min(revision.ran, at)
        return revision

    def _deployed(self, deployment: Deployment) -> bool:
        """Take a deployment; whether it was not known, and is young enough to be remembered."""
        known = self._services.setdefault(deployment.service, _Service()).deployments
        if deployment in known:
            return False
        known.append(deployment)
        known.sort(key=lambda d: (d.at, d.outcome))
        del known[:-MAX_DEPLOYMENTS]
        return deployment in known

    @staticmethod
    def _before(service: _Service, name: str) -> str | None:
        """The revision before one."""
        first = service.revisions[name].first
        earlier = [(r.first, other) for other, r in service.revisions.items() if other and r.first < first]
        return max(earlier)[1] if name and earlier else None

    def _began(self, service: str, name: str, at: float) -> str:
        """What is known of how a revision came about before ``at``, to stand behind its name; empty for nothing."""
        known = self._services[service]
        revision = known.revisions.get(name)
        if revision is None:
            return ""
        before = self._before(known, name)
        began = datetime.fromtimestamp(revision.first, UTC)
        moment = datetime.fromtimestamp(at, UTC)
        deployed = deployed_before(known.deployments, service, began)
        if deployed is not None:
            earlier = None if before is None else datetime.fromtimestamp(known.revisions[before].first, UTC)
            soon = began - deployed.at <= SOON
            # Else it is that of an earlier revision: the entry of this one is not to be had.
            if soon or not name or (earlier is not None and deployed.at > earlier):
                who = f" by {deployed.by}" if deployed.by else ""
                return f", deployed {_span(moment - deployed.at)} earlier{who}"
        if name and (revision.asked or before is not None) and moment > began:
            return f", which first logged {_span(moment - began)} earlier"
        return ""


def _key(fingerprint: str) -> str:
    return blake2b(fingerprint.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def _short(revision: str, service: str) -> str:
    """``00029-zop`` of ``daily-import-00029-zop``."""
    return revision.removeprefix(f"{service}-")


def _span(span: timedelta) -> str:
    seconds = max(0, round(span.total_seconds()))
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} seconds" if seconds != 1 else "1 second"


def _json(service: _Service) -> JsonValue:
    latest = sorted(service.revisions.items(), key=lambda item: item[1].first)[-MAX_REVISIONS:]
    revisions: dict[str, JsonValue] = {n: [r.first, r.ran, r.asked, dict(r.faults)] for n, r in latest}
    deployments: list[JsonValue] = [
        [d.at.timestamp(), d.outcome.value, d.by, d.revision, d.message] for d in service.deployments
    ]
    return {"revisions": revisions, "deployments": deployments}


def _stored(value: JsonValue) -> dict[str, _Service]:
    found: dict[str, _Service] = {}
    for name, item in value.items() if isinstance(value, dict) else ():
        try:
            service = _Service(
                revisions={key: _revision_of(one) for key, one in _items(item, "revisions")},
                deployments=[_deployment_of(name, one) for one in _list(item, "deployments")],
            )
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
            continue
        if service.revisions or service.deployments:
            found[name] = service
    return found


def _items(item: Any, name: str) -> Iterable[tuple[str, Any]]:
    inner: Mapping[str, Any] = item[name]
    return inner.items() if isinstance(inner, dict) else ()


def _list(item: Any, name: str) -> Sequence[Any]:
    inner = item[name]
    return inner if isinstance(inner, list) else ()


def _revision_of(one: Any) -> _Revision:
    first, ran, asked, faults = one
    return _Revision(
        first=float(first),
        ran=None if ran is None else float(ran),
        asked=bool(asked),
        faults={str(key): float(at) for key, at in faults.items()},
    )


def _deployment_of(service: str, one: Any) -> Deployment:
    at, outcome, by, revision, message = one
    return Deployment(
        service=service,
        at=datetime.fromtimestamp(float(at), UTC),
        outcome=Outcome(outcome),
        by=text_of(by) or None,
        revision=text_of(revision) or None,
        message=text_of(message) or None,
    )
