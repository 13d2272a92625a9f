"""A storm's root message: numbers first, then the gravest; never ten thousand lines. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from heapq import nsmallest
from operator import attrgetter

from alerts.faults.storms import cause
from alerts.messages.wording import MAX_FACT, MAX_LISTED, MAX_TITLE, counted, duration, moment, safe
from alerts.model import Fault, Incident, IncidentState, Message, Scene, open_ones
from checks.model import Finding, Severity

TOP = 5


def title(incident: Incident, members: Sequence[Fault]) -> str:
    """``10,000 faults at once in 9,812 functions: NameError firestore``."""
    functions = len({f.finding.subject.service for f in members} - {None})
    where = f" in {counted(functions, 'function')}" if functions else ""
    return safe(f"{counted(len(members), 'fault')} at once{where}: {incident.storm}", MAX_TITLE)


def compose(incident: Incident, scene: Scene, remarks: Sequence[tuple[str, str]] = ()) -> Message:
    """What the storm looks like now: how many, of what, where, and the gravest of them."""
    members = scene.members(incident)
    still = open_ones(members)
    shown = still or members
    findings = [f.finding for f in shown]
    since = min([f.finding.since for f in members])
    facts = [*remarks, ("Since", moment(since, scene.zone))]
    if incident.state is IncidentState.RESOLVED and incident.resolved_at is not None:
        facts.append(("Lasted", duration(incident.resolved_at - since)))
    grave = Counter([f.severity for f in findings])
    numbers = ", ".join(f"{grave[s]:,} {s}" for s in reversed(Severity) if still and grave[s])
    facts.append(("Open", f"{len(still):,} of {len(members):,}" + (f": {numbers}" if numbers else "")))
    for label, values in (
        ("By cause", map(cause, findings)),
        ("By function", [f.subject.service for f in findings]),
        ("By check", [f.check for f in findings]),
    ):
        text = _top(values)
        if text:
            facts.append((label, text))
    gravest = [safe(f"{f.severity}: {f.title}", MAX_TITLE * 2) for f in _gravest(findings)]
    facts.append(("Gravest", "\n".join(gravest)))
    if incident.state is IncidentState.OPEN:
        facts.append(("Next", f"look for what they have in common; all of them: `phasewatch incidents {incident.id}`"))
    return Message(
        severity=max(grave, key=lambda s: s.rank),
        state=incident.state,
        title=title(incident, members),
        summary="Too much came at once for a message each: this one counts, and is kept up to date.",
        facts=tuple(facts),
        links=(("Runbook", scene.guide.runbook),) if scene.guide.runbook else (),
        footer=f"incident #{incident.id} · {moment(scene.now, scene.zone)}",
    )


def _gravest(findings: Sequence[Finding]) -> list[Finding]:
    """The first of the gravest, then of the less grave, until there are enough."""
    answer: list[Finding] = []
    for severity in reversed(Severity):
        if len(answer) < TOP:
            alike = [f for f in findings if f.severity is severity]
            answer += nsmallest(TOP - len(answer), alike, key=attrgetter("since", "fingerprint"))
    return answer


def _top(values: Iterable[str | None]) -> str:
    """The most frequent ones, with their numbers; nothing where all are alike, or each is another."""
    counts = Counter(values)
    del counts[None]
    if len(counts) <= 1 or max(counts.values()) == 1:
        return ""
    lines = [f"{number:,} x {value}" for value, number in counts.most_common(TOP)]
    rest = len(counts) - TOP
    if rest > 0:
        lines.append(f"and {rest:,} others")
    return safe("\n".join(lines[: MAX_LISTED + 1]), MAX_FACT)
