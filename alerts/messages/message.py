"""Incident + faults -> what people read: title, facts, links; in no channel's dialect. Pure.

Log text reaches this module raw; everything that leaves it is cleaned and redacted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from alerts.messages import links, storm_message
from alerts.messages.wording import MAX_FACT, MAX_LISTED, MAX_TITLE, duration, listed, moment, plain, safe, severity_of
from alerts.model import Change, Fault, Incident, IncidentState, Message, Scene, Transition
from checks.model import HeldUp, day_words

Fact = tuple[str, str]
# Facts of a finding that the message says elsewhere, or that only matter in the report.
_SAID_ELSEWHERE = frozenset(
    {"state", "exception", "name", "module", "sample", "checked at", "missing", "handled", "remedy", "phases", "done"}
)


def compose(incident: Incident, scene: Scene, remarks: Sequence[Fact] = ()) -> Message:
    """The root message: what the incident looks like now.

    Order: what broke, since when, why, what it holds up and until when that matters, what is still owed, evidence,
    what to do next. ``remarks`` are what people said of it; they stand on top.
    """
    if incident.storm is not None:
        return storm_message.compose(incident, scene, remarks)
    members = scene.members(incident)
    root = scene.faults[incident.root]
    effects = [f for f in members if is_phase(f)]
    leading = _leading(effects, root)
    since = min(f.finding.since for f in members)
    facts: list[Fact] = [*remarks, ("Since", moment(since, scene.zone))]
    if incident.state is IncidentState.RESOLVED and incident.resolved_at is not None:
        facts.append(("Lasted", duration(incident.resolved_at - since)))
    facts += _why(root, leading, incident, scene)
    facts += _others(members, (root, leading), incident)
    if incident.state is IncidentState.MERGED:
        facts.append(("Goes on in", f"incident #{incident.merged_into}"))
    elif incident.state is IncidentState.RESOLVED:
        facts += remains(incident, members, scene)
    else:
        held = _held_up(members, effects)
        if held:
            facts.append(("Holds up", listed([_held_line(h, scene) for h in held], "phases")))
        facts += _owed(effects)
        facts += _evidence(root, leading, scene)
        facts.append(("Next", _next_steps(effects, root, scene)))
    return Message(
        severity=severity_of(members),
        state=incident.state,
        title=safe(leading.finding.title, MAX_TITLE),
        summary=safe(f"Cause: {root.finding.title}" if leading is not root else _role(root), MAX_TITLE * 2),
        facts=tuple(facts),
        links=_links(root, effects, scene),
        footer=footer(incident, scene),
    )


def follow_up(title: str, incident: Incident, transitions: Sequence[Transition], scene: Scene) -> Message:
    """What a thread adds: one line per change, newest state of each."""
    facts: list[Fact] = []
    for transition in transitions[:MAX_LISTED]:
        finding = transition.fault.finding
        # The title above says it already, if there is nothing else to say.
        lines = [] if len(transitions) == 1 and title.endswith(finding.title) else [safe(finding.title, MAX_TITLE * 2)]
        where = finding.facts.get("where")
        if isinstance(where, str) and transition.fault.is_open:
            lines.append(safe(where, MAX_TITLE))
        if transition.change not in (Change.OPENED, Change.FIRED):
            lines.append(safe(transition.reason, MAX_TITLE * 2))
        why = incident.explains.get(transition.fault.fingerprint)
        if why and transition.fault.is_open:
            lines.append(safe(why, MAX_TITLE))
        if lines:
            facts.append((transition.change.value.capitalize(), "\n".join(lines)))
    if len(transitions) > MAX_LISTED:
        facts.append(
            ("And", f"{len(transitions) - MAX_LISTED:,} more changes; see `phasewatch incidents {incident.id}`")
        )
    members = scene.members(incident)
    if incident.state is IncidentState.RESOLVED:
        facts += remains(incident, members, scene)
    over = incident.state is IncidentState.OPEN and {t.change for t in transitions} == {Change.RESOLVED}
    return Message(
        severity=severity_of(members),
        state=incident.state,
        title=safe(title, MAX_TITLE),
        summary=f"Still wrong: {headline(incident, scene)}" if over else "",
        facts=tuple(facts),
        footer=footer(incident, scene),
        over=over,
    )


def footer(incident: Incident, scene: Scene) -> str:
    """Which incident, and as of when."""
    return f"incident #{incident.id} · {moment(scene.now, scene.zone)}"


def is_phase(fault: Fault) -> bool:
    """Whether it is about a phase of a run date."""
    return fault.finding.kind.startswith("phase.")


def headline(incident: Incident, scene: Scene) -> str:
    """The incident in one line: what its root message is headed with."""
    if incident.storm is not None:
        return storm_message.title(incident, scene.members(incident))
    effects = [f for f in scene.members(incident) if is_phase(f)]
    return safe(_leading(effects, scene.faults[incident.root]).finding.title, MAX_TITLE)


def still_owed(members: Sequence[Fault]) -> list[str]:
    """A line for each open phase with what is missing."""
    lines = []
    for fault in members:
        missing = fault.finding.facts.get("missing")
        if fault.is_open and is_phase(fault) and missing:
            subject = fault.finding.subject
            day = f" of {day_words(subject.run_date)}" if subject.run_date else ""
            lines.append(safe(f"{subject.phase}{day}: {plain(missing)}", MAX_FACT))
    return lines


def remains(incident: Incident, members: Sequence[Fault], scene: Scene) -> Iterator[Fact]:
    """Of an incident that is over: the dates affected, and what is still owed for them."""
    days = sorted({f.finding.subject.run_date for f in members if f.finding.subject.run_date is not None})
    if not days:
        return
    yield ("Run dates", ", ".join(day_words(d) for d in days))
    recorded = [f.resolution for f in members if is_phase(f) and not f.is_open and f.resolution]
    if recorded:
        yield ("Recorded", safe(listed(recorded, "phases"), MAX_FACT))
    pipelines = {f.finding.subject.pipeline for f in members}
    lines = []
    for fault in scene.faults.values():
        subject = fault.finding.subject
        here = subject.pipeline in pipelines and subject.run_date in days
        if here and is_phase(fault) and fault.is_open and fault.fingerprint not in incident.members:
            home = scene.home.get(fault.fingerprint)
            number = f" (incident #{home})" if home is not None else ""
            lines.append(safe(f"{fault.finding.title}{number}", MAX_TITLE * 2))
    yield ("Still owed", listed(sorted(lines), "phases") if lines else "no phase of these dates")


def _leading(effects: Sequence[Fault], root: Fault) -> Fault:
    """What people miss comes before why they miss it: the first phase that is still in trouble."""
    return next((f for f in effects if f.is_open), effects[0] if effects else root)


def _why(root: Fault, leading: Fault, incident: Incident, scene: Scene) -> Iterator[Fact]:
    text = _told(root, scene)
    why = incident.explains.get(leading.fingerprint)
    if why and leading is not root:
        text += f"\n{safe(why, MAX_TITLE)}"
    if text:
        yield ("Why", text)
    sample = root.finding.facts.get("sample")
    if isinstance(sample, str) and root.is_open:
        yield ("Log", safe(sample, MAX_FACT))


def _told(fault: Fault, scene: Scene) -> str:
    """A log failure, a missing table, a blind check: what its finding says besides its title."""
    finding = fault.finding
    lines = []
    if not is_phase(fault):
        for name, value in finding.facts.items():
            if name not in _SAID_ELSEWHERE and value not in (None, []):
                lines.append(plain(value) if name == "where" else f"{name}: {plain(value)}")
    if finding.kind.startswith("log.") and fault.count > 1:
        lines.append(f"seen {fault.count:,} times, last {moment(finding.last_seen, scene.zone)}")
    if not fault.is_open and fault.resolution:
        lines.append(fault.resolution)
    return safe("\n".join(lines), MAX_FACT)


def _others(members: Sequence[Fault], said: tuple[Fault, Fault], incident: Incident) -> Iterator[Fact]:
    """The other faults of the incident, a line each."""
    others = [f for f in members if f is not said[0] and f is not said[1]]
    lines = []
    for fault in others[:MAX_LISTED]:
        why = incident.explains.get(fault.fingerprint)
        over = "" if fault.is_open else "(over) "
        where = fault.finding.facts.get("where")
        place = f" at {where}" if isinstance(where, str) else ""
        lines.append(safe(f"{over}{fault.finding.title}{place}{f': {why}' if why else ''}", MAX_TITLE * 3))
        if not fault.is_open and fault.resolution and not is_phase(fault):
            lines[-1] += f"\n{safe(fault.resolution, MAX_TITLE * 2)}"
    if lines:
        yield ("Also", listed(lines, f"faults; see `phasewatch incidents {incident.id}`", len(others)))


def _owed(effects: Sequence[Fault]) -> Iterator[Fact]:
    lines = still_owed(effects)
    if lines:
        yield ("Still owed", listed(lines, "phases; see the report"))


def _evidence(root: Fault, leading: Fault, scene: Scene) -> Iterator[Fact]:
    """When it was due, when it was looked at, and what was looked at."""
    lines = []
    due = leading.finding.facts.get("due")
    if due and is_phase(leading):
        usual = leading.finding.facts.get("usual")
        lines.append(f"due {plain(due)}" + (f"; {plain(usual)}" if usual else ""))
    # Failures are looked for, states are looked at: of a failure last_seen is the failure's own time.
    if not root.finding.kind.startswith("log.") or leading is not root:
        lines.append(f"checked {moment(leading.finding.last_seen, scene.zone)}")
    for check in dict.fromkeys((leading.finding.check, root.finding.check)):
        window = scene.windows.get(check)
        if window is not None:
            lines.append(f"{check} looked at {window.start:%d %b %H:%M:%S} to {window.end:%d %b %H:%M:%S} UTC")
    if lines:
        yield ("Evidence", safe("\n".join(lines), MAX_FACT))


def _role(fault: Fault) -> str:
    """Why a function matters: the phases it records or starts."""
    phases = fault.finding.facts.get("phases")
    return f"this function records or starts {plain(phases)}" if phases else ""


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


def _held_line(item: HeldUp, scene: Scene) -> str:
    due = f", due {moment(item.due_at, scene.zone)}" if item.due_at else ""
    return f"{item.phase} of {day_words(item.run_date)}{due}"


def _next_steps(effects: Sequence[Fault], root: Fault, scene: Scene) -> str:
    """What a person can do now; phasewatch itself never runs it."""
    owed = [f for f in effects if f.is_open]
    remedy = root.finding.facts.get("remedy")
    lines = []
    if isinstance(remedy, str):
        lines.append(remedy)
    elif root.finding.kind.startswith("log."):
        lines.append(f"repair {root.finding.subject.service} and deploy it")
    else:
        days = sorted({f.finding.subject.run_date for f in owed if f.finding.subject.run_date})
        lines.append(f"phasewatch report --date {days[-1].isoformat()}" if days else "phasewatch report")
    resume = [_resume(f, scene) for f in owed if f.finding.kind != "phase.blocked"]
    commands = list(dict.fromkeys(c for c in resume if c))
    if commands:
        lines.append("then resume with")
        lines += commands
    elif owed and root.finding.kind.startswith("log."):
        lines[-1] += "; then run what is still owed again"
    return safe("\n".join(lines), MAX_FACT)


def _resume(fault: Fault, scene: Scene) -> str | None:
    subject = fault.finding.subject
    command = scene.guide.resume.get((subject.pipeline or "", subject.phase or ""))
    if command is None or subject.run_date is None:
        return command
    return command.replace("{run_date}", subject.run_date.isoformat())


def _links(root: Fault, effects: Sequence[Fault], scene: Scene) -> tuple[Fact, ...]:
    """The runbook, the log entries, the completions table."""
    guide = scene.guide
    subjects = [f.finding.subject for f in (*(f for f in effects if f.is_open), root)]
    pages = [guide.runbooks.get((s.pipeline or "", phase)) for s in subjects for phase in (s.phase, None)]
    runbook = next((page for page in pages if page), guide.runbook)
    found = [("Runbook", runbook) if runbook else None]
    if not is_phase(root):
        found.append(links.log_entries(root, guide))
    names = [guide.tables.get(f.finding.subject.pipeline or "") for f in effects]
    found += [links.table(name, guide) for name in dict.fromkeys((*names, root.finding.subject.table)) if name]
    return tuple(dict.fromkeys(link for link in found if link is not None))
