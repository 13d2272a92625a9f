"""Incident + faults -> what people read: title, facts, links; in no channel's dialect. Pure.

Log text reaches this module raw; everything that leaves it is cleaned and redacted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.model import Change, Fault, Incident, IncidentState, Message, Scene, Transition
from alerts.text import clean, redact, shorten
from checks.model import HeldUp, JsonValue, Severity, day_words

MAX_TITLE = 150
MAX_FACT = 1_500
MAX_LISTED = 10
# Facts of a finding that the message says elsewhere, or that only matter in the report.
_SAID_ELSEWHERE = frozenset(
    {"state", "exception", "name", "module", "sample", "checked at", "missing", "handled", "remedy", "phases"}
)


def compose(incident: Incident, scene: Scene) -> Message:
    """The root message: what the incident looks like now.

    Order: what broke, since when, why, what it holds up and until when that matters, what is still owed, evidence,
    what to do next.
    """
    zone = scene.zone
    members = scene.members(incident)
    root = scene.faults[incident.root]
    effects = [f for f in members if f.finding.kind.startswith("phase.")]
    leading = effects[0] if effects else root
    facts: list[tuple[str, str]] = [("Since", moment(min(f.finding.since for f in members), zone))]
    for fault in members:
        if fault.finding.kind.startswith("phase."):
            continue
        label = "Cause" if effects else "What"
        text = _cause(fault, zone, titled=fault is not root)
        if text:
            facts.append((label, text))
        sample = fault.finding.facts.get("sample")
        if isinstance(sample, str) and fault.is_open and fault is root:
            facts.append(("Log", _safe(sample, MAX_FACT)))
    facts.extend(
        ("Phase", _effect(fault, incident, zone, titled=fault is not leading)) for fault in effects[:MAX_LISTED]
    )
    if len(effects) > MAX_LISTED:
        facts.append(("And", f"{len(effects) - MAX_LISTED} more phases; see the report"))
    held = _held_up(members, effects)
    if held:
        facts.append(("Holds up", "\n".join(_held_line(h, zone) for h in held[:MAX_LISTED])))
    if incident.state is IncidentState.RESOLVED and incident.resolved_at is not None:
        facts.append(("Lasted", duration(incident.resolved_at - min(f.finding.since for f in members))))
    elif incident.state is IncidentState.MERGED:
        facts.append(("Goes on in", f"incident #{incident.merged_into}"))
    else:
        facts.append(("Next", _next_step(effects, root)))
    return Message(
        severity=severity_of(members),
        state=incident.state,
        title=_safe(leading.finding.title, MAX_TITLE),
        summary=_safe(f"Cause: {root.finding.title}" if leading is not root else _role(root), MAX_TITLE * 2),
        facts=tuple(facts),
        footer=f"incident #{incident.id} · {moment(scene.now, scene.zone)}",
    )


def follow_up(title: str, incident: Incident, transitions: Sequence[Transition], scene: Scene) -> Message:
    """What a thread adds: one line per change, newest state of each."""
    facts: list[tuple[str, str]] = []
    for transition in transitions[:MAX_LISTED]:
        finding = transition.fault.finding
        why = incident.explains.get(transition.fault.fingerprint)
        text = _safe(finding.title, MAX_TITLE * 2)
        where = finding.facts.get("where")
        if isinstance(where, str) and transition.fault.is_open:
            text += f"\n{_safe(where, MAX_TITLE)}"
        if transition.change not in (Change.OPENED, Change.FIRED):
            text += f"\n{_safe(transition.reason, MAX_TITLE * 2)}"
        if why and transition.fault.is_open:
            text += f"\n{_safe(why, MAX_TITLE)}"
        facts.append((transition.change.value.capitalize(), text))
    if len(transitions) > MAX_LISTED:
        facts.append(("And", f"{len(transitions) - MAX_LISTED} more changes; see `phasewatch incidents {incident.id}`"))
    members = scene.members(incident)
    if incident.state is IncidentState.RESOLVED:
        days = sorted({f.finding.subject.run_date for f in members if f.finding.subject.run_date is not None})
        if days:
            facts.append(("Run dates", ", ".join(day_words(d) for d in days)))
    return Message(
        severity=severity_of(members),
        state=incident.state,
        title=_safe(title, MAX_TITLE),
        summary="",
        facts=tuple(facts),
        footer=f"incident #{incident.id} · {moment(scene.now, scene.zone)}",
    )


def severity_of(members: Iterable[Fault]) -> Severity:
    """The gravest of the open ones; of all, when none is open."""
    everything = list(members)
    chosen = [f for f in everything if f.is_open] or everything
    return max((f.finding.severity for f in chosen), key=lambda s: s.rank)


def moment(at: datetime, zone: ZoneInfo) -> str:
    """A time as people on call read it: local first, then UTC."""
    local = at.astimezone(zone)
    return f"{local:%a %d %b %H:%M} {local.tzname()} ({at:%H:%M} UTC)"


def duration(span: timedelta) -> str:
    """``47 h 12 min``, ``3 d 4 h``, ``45 s``: the two largest units."""
    seconds = max(0, round(span.total_seconds()))
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    if days > 1:
        return f"{days} d {hours} h"
    if days or hours:
        return f"{days * 24 + hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds} s"


def _safe(text: str, limit: int) -> str:
    return shorten(redact(clean(text)), limit)


def _text(value: JsonValue) -> str:
    if isinstance(value, list):
        return ", ".join(str(v) for v in value)
    return str(value)


def _role(fault: Fault) -> str:
    """Why a function matters: the phases it records or starts."""
    phases = fault.finding.facts.get("phases")
    return f"this function records or starts {_text(phases)}" if phases else ""


def _cause(fault: Fault, zone: ZoneInfo, *, titled: bool) -> str:
    """A log failure, a missing table, a blind check: what its finding says of it, under its title if that is news."""
    finding = fault.finding
    lines = [finding.title if fault.is_open else f"(over) {finding.title}"] if titled else []
    lines += [f"{k}: {_text(v)}" for k, v in finding.facts.items() if k not in _SAID_ELSEWHERE and v not in (None, [])]
    if finding.kind.startswith("log.") and fault.count > 1:
        lines.append(f"seen {fault.count} times, last {moment(finding.last_seen, zone)}")
    if not fault.is_open and fault.resolution:
        lines.append(fault.resolution)
    return _safe("\n".join(lines), MAX_FACT)


def _effect(fault: Fault, incident: Incident, zone: ZoneInfo, *, titled: bool) -> str:
    """A phase of a run date: its state, what is still owed, why it is part of this."""
    finding = fault.finding
    lines = [finding.title if fault.is_open else f"(over) {finding.title}"] if titled else []
    missing = finding.facts.get("missing")
    if fault.is_open and missing:
        lines.append(f"still owed: {_text(missing)}")
    due = finding.facts.get("due")
    if due:
        lines.append(f"was due {_text(due)}")
    if fault.is_open and finding.facts.get("usual"):
        lines.append(_text(finding.facts["usual"]))
    why = incident.explains.get(fault.fingerprint)
    if why:
        lines.append(why)
    if not fault.is_open and fault.resolution:
        lines.append(fault.resolution)
    elif fault.is_open:
        lines.append(f"checked {moment(finding.last_seen, zone)}")
    return _safe("\n".join(lines), MAX_FACT)


def _held_up(members: Sequence[Fault], effects: Sequence[Fault]) -> list[HeldUp]:
    """What waits, without the phases that have a fault of their own here."""
    shown = {(f.finding.subject.pipeline, f.finding.subject.phase, f.finding.subject.run_date) for f in effects}
    held: dict[tuple[str, str, date], HeldUp] = {}
    for fault in members:
        if not fault.is_open:
            continue
        for item in fault.finding.holds_up:
            if (item.pipeline, item.phase, item.run_date) not in shown:
                held.setdefault((item.pipeline, item.phase, item.run_date), item)
    return list(held.values())


def _held_line(item: HeldUp, zone: ZoneInfo) -> str:
    due = f", due {moment(item.due_at, zone)}" if item.due_at else ""
    return f"{item.phase} of {day_words(item.run_date)}{due}"


def _next_step(effects: Sequence[Fault], root: Fault) -> str:
    """What a person can do now; phasewatch itself never runs it."""
    remedy = root.finding.facts.get("remedy")
    if isinstance(remedy, str):
        return _safe(remedy, MAX_FACT)
    if root.finding.kind.startswith("log."):
        step = f"repair {root.finding.subject.service} and deploy it"
        if effects:
            step += "; then run what is still owed again"
        return _safe(step, MAX_TITLE * 2)
    days = sorted({f.finding.subject.run_date for f in effects if f.finding.subject.run_date})
    return f"phasewatch report --date {days[-1].isoformat()}" if days else "phasewatch report"
