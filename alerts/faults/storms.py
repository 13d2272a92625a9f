"""Too much at once: what breaks within the same minutes is told in a handful of messages. Pure.

A storm changes who shares a message, never what is remembered: every fault keeps its own state and history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter

import msgspec

from alerts.faults.causes import Alone, Grouping
from alerts.model import Fault, Incident, IncidentState
from checks.model import Finding

# What comes later than this after a storm began is another one.
LASTS = timedelta(hours=1)
SEVERAL = "several checks"


class New(msgspec.Struct, frozen=True):
    """A new incident, made or not, and what decides with which others it shares a message: of its root how grave it is
    (``Severity.rank``), its cause and its check.
    """

    incident: Incident | Alone
    rank: int
    cause: str
    check: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most ``above`` new incidents within ``within`` have a message each; what comes on top is gathered."""

    above: int = 5
    within: timedelta = timedelta(minutes=10)


def calm(
    grouping: Grouping,
    incidents: Sequence[Incident],
    faults: Mapping[str, Fault],
    limit: Limit,
    now: datetime,
) -> Grouping:
    """The grouping with its new incidents gathered, if there are more than people can read.

    ``incidents`` are those that were known before. What is gathered has a cause in common (exception and name, or the
    kind of finding), else the check, else nothing but the time; a storm that goes on takes in what has its cause. A
    quiet incident is told nobody and stays as it is. New incidents are numbered anew, without gaps.
    """
    known = {i.id: i for i in incidents}
    several = [i for i in grouping.changed if i.id not in known and i.state is IncidentState.OPEN]
    fresh: list[Incident | Alone] = sorted([*several, *grouping.alone], key=attrgetter("id"))
    loud = [_new(i, faults[i.root].finding) for i in fresh if _is_loud(i, faults)]
    current = {**known, **{i.id: i for i in grouping.changed if i.id in known}}
    going_on = {
        i.storm: i
        for i in current.values()
        if i.storm is not None and i.state is IncidentState.OPEN and now - i.opened_at < LASTS
    }
    groups: dict[str, list[New]] = {}
    apart = loud
    if going_on:
        apart = []
        for new in loud:
            (groups.setdefault(new.cause, []) if new.cause in going_on else apart).append(new)
    lately = [i for i in known.values() if i.storm is None and now - i.opened_at < limit.within and _is_loud(i, faults)]
    if len(apart) + len(lately) > limit.above:
        groups |= _groups(apart, max(1, limit.above - len(lately)), going_on)
    if not groups:
        return grouping
    first = number = fresh[0].id
    answer = {i.id: i for i in grouping.changed if i.id in known}
    home: dict[str, int] = {}
    gathered = {new.incident.id for group in groups.values() for new in group}
    for incident in (i for i in fresh if i.id not in gathered):
        made = incident.made(now) if isinstance(incident, Alone) else incident
        answer[number] = replace(made, id=number)
        home.update(dict.fromkeys(incident.members, number))
        number += 1
    for label, group in groups.items():
        # Causes come in the order of their rank, and the sort keeps it among those that are equally grave.
        ordered = sorted(group, key=attrgetter("rank"), reverse=True)
        names = [name for new in ordered for name in new.incident.members]
        if label in going_on:
            storm = going_on[label]
            storm = replace(storm, members=(*storm.members, *names))
        else:
            storm = Incident(
                id=number,
                state=IncidentState.OPEN,
                root=ordered[0].incident.root,
                members=tuple(names),
                opened_at=now,
                storm=label,
            )
            number += 1
        answer[storm.id] = storm
        home.update(dict.fromkeys(names, storm.id))
    placed = {name: number for name, number in grouping.placed.items() if number < first} | home
    return Grouping(changed=tuple(answer[n] for n in sorted(answer)), alone=(), placed=placed, at=now)


def _new(incident: Incident | Alone, root: Finding) -> New:
    return New(incident, root.severity.rank, cause(root), root.check)


def _groups(loud: Sequence[New], room: int, going_on: Mapping[str, Incident]) -> dict[str, list[New]]:
    """What shares a message, by label: at most ``room`` messages, those of lone incidents included.

    Of the causes the gravest and largest keep a message of their own; the rest is told by check.
    """
    by_cause: dict[str, list[New]] = {}
    for new in loud:
        by_cause.setdefault(new.cause, []).append(new)
    if len(by_cause) <= room:
        return {label: group for label, group in by_cause.items() if len(group) > 1}
    ordered = sorted(by_cause, key=lambda label: _weight(by_cause[label]))
    apart = [label for label in ordered[: room - 1] if len(by_cause[label]) > 1]
    by_check: dict[str, list[New]] = {}
    for label, group in by_cause.items():
        if label not in apart:
            for new in group:
                by_check.setdefault(new.check, []).append(new)
    rest = {f"check {check}": group for check, group in by_check.items()}
    if len([label for label in rest if label not in going_on]) > max(1, room - len(apart)):
        rest = {SEVERAL: [new for group in rest.values() for new in group]}
    return {**{label: by_cause[label] for label in apart}, **rest}


def cause(finding: Finding) -> str:
    """What it may have in common with others: exception and name, or the kind of finding."""
    facts = finding.facts
    exception = facts.get("exception")
    if not isinstance(exception, str):
        return finding.kind
    name = facts.get("name")
    return f"{exception} {name}" if isinstance(name, str) else exception


def _weight(group: Sequence[New]) -> tuple[int, int]:
    """Sorts the gravest first, then the largest."""
    return (-max([new.rank for new in group]), -len(group))


def _is_loud(incident: Incident | Alone, faults: Mapping[str, Fault]) -> bool:
    for name in incident.members:
        fault = faults.get(name)
        if fault is not None and fault.is_open and not fault.finding.quiet:
            return True
    return False
