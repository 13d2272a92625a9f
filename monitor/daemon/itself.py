"""What is wrong with the watcher itself, from what its supervisor saw. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alerts.faults.own import DELIVERY
from alerts.messages.wording import duration
from alerts.model import Backlog
from checks.model import CheckRun, Clearance, Evidence, Finding, JsonValue, Severity, Status, Subject

if TYPE_CHECKING:  # a report that only reads takes names from here, and none of what these load
    from monitor.daemon.scheduler import Beat
    from monitor.storage import Storage

NAME = "phasewatch"
READY_GRACE = timedelta(seconds=60)
# A refusal that may pass is told after this long; one that will not, at once.
MAY_PASS = timedelta(minutes=5)
_TITLES_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What is known of one channel since the start: when a message last arrived, and what is wrong since when."""

    arrived_at: datetime | None = None
    failing_since: datetime | None = None
    error: str | None = None
    remedy: str | None = None
    gave_up: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When something counts as wrong. Spans are on the daemon's clock."""

    outbox: timedelta
    disk_free_bytes: int
    storage_must_last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the supervisor saw at ``at``.

    ``awake_since`` is the start, or the latest look that came long after the one before: the machine had been asleep,
    or its clock had leapt, and nobody can be late for that.
    ``waiting`` are the titles of unsent messages by channel, gravest first. ``failed_ticks`` says by check why its
    latest tick did not end properly (the state could not be written). ``ping_error``: why the outside watchdog could
    not be reached; ``heartbeat_error``: why metrics could not be written. ``trials`` are the outcomes of the daily test
    by channel, None for a good one. ``state_error``: the state cannot be read or written.
    """

    at: datetime
    started_at: datetime
    awake_since: datetime
    speed: float
    beats: Mapping[str, Beat]
    scheduler_alive: bool
    delivery_alive: bool
    channels: tuple[str, ...]
    lines: Mapping[str, Line]
    backlog: Sequence[Backlog] = ()
    waiting: Mapping[str, Sequence[str]] = field(default_factory=dict)
    storage: Storage | None = None
    failed_ticks: Mapping[str, str] = field(default_factory=dict)
    state_error: str | None = None
    ping_error: str | None = None
    heartbeat_error: str | None = None
    trials: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with the watcher. ``blocks``: it cannot do its work, and says so in ``/readyz``."""

    fingerprint: str
    kind: str
    title: str
    severity: Severity = Severity.WARNING
    about: str | None = None
    facts: Mapping[str, JsonValue] = field(default_factory=dict)
    since: datetime | None = None
    pending_for: timedelta = timedelta(0)
    blocks: bool = False

    @property
    def sentence(self) -> str:
        """The title with its reason."""
        reason = self.facts.get("reason")
        return f"{self.title}: {reason}" if reason else self.title


def ticked_lately(beat: Beat, now: datetime, speed: float) -> bool:
    """Whether the last tick ended within three intervals and a minute of real time."""
    return beat.ended_at is not None and now - beat.ended_at <= beat.every * 3 + READY_GRACE * speed


def problems(look: Look, limits: Limits) -> list[Problem]:
    """Everything that is wrong, gravest first."""
    found = [*_loops(look), *_checks(look), *_channels(look, limits), *_state(look, limits), *_outside(look)]
    return sorted(found, key=lambda p: (-p.severity.rank, p.fingerprint))


def as_run(look: Look, found: Sequence[Problem]) -> CheckRun:
    """The look as a run of a check of its own: what is wrong, and what is over, with the evidence for either."""
    wrong = {p.fingerprint for p in found}
    ended = {name: reason for name, reason in _over(look).items() if name not in wrong}
    return CheckRun(
        check=NAME,
        started_at=look.at,
        finished_at=look.at,
        status=Status.FAILING if found else Status.OK,
        findings=tuple(_finding(p, look.at) for p in found),
        clearances=tuple(Clearance(fingerprint=name, at=look.at, reason=reason) for name, reason in ended.items()),
        evidence=Evidence(
            counts={
                "checks": len(look.beats),
                "channels": len(look.channels),
                "messages waiting": sum(b.pending for b in look.backlog),
                "messages given up": sum(b.dead for b in look.backlog),
            }
        ),
    )


def _finding(problem: Problem, now: datetime) -> Finding:
    return Finding(
        fingerprint=problem.fingerprint,
        check=NAME,
        kind=problem.kind,
        severity=problem.severity,
        subject=Subject(check=problem.about),
        title=problem.title,
        since=problem.since or now,
        last_seen=now,
        facts=problem.facts,
        pending_for=problem.pending_for,
    )


def _over(look: Look) -> dict[str, str]:
    """What would be over if it is not wrong now: by fingerprint the reason, for people."""
    answer = {f"own.missed:{name}": f"{name} ticks again" for name, beat in look.beats.items() if beat.ended_at}
    # Only a message that arrived proves that a channel works.
    answer |= {
        f"{DELIVERY}:{name}": f"{name} takes messages again"
        for name, line in look.lines.items()
        if line.failing_since is None and line.arrived_at is not None
    }
    answer |= {f"own.letters:{name}": "none is given up any more" for name in (*look.channels, *look.lines)}
    answer |= {f"own.trial:{name}": "the daily test arrived" for name, error in look.trials.items() if error is None}
    if look.storage is not None:
        answer |= {"own.storage": f"the state now lies {look.storage.sentence}", "own.disk": "there is room again"}
    if look.ping_error is None:
        answer["own.watchdog"] = "the outside watchdog answers again"
    if look.heartbeat_error is None:
        answer["own.heartbeat"] = "metrics can be written again"
    if look.state_error is None and not look.failed_ticks:
        answer["own.state"] = "the state can be written again"
    if look.scheduler_alive:
        answer["own.scheduler"] = "the scheduler runs"
    if look.delivery_alive:
        answer["own.sender"] = "messages are sent again"
    return answer


def _loops(look: Look) -> list[Problem]:
    ended = [
        ("own.scheduler", look.scheduler_alive, "No check runs: the scheduler has ended"),
        ("own.sender", look.delivery_alive, "No message is sent: the sending thread has ended"),
    ]
    facts: dict[str, JsonValue] = {"remedy": "restart phasewatch; its log says what happened"}
    return [
        Problem(fingerprint=name, kind=name, title=title, severity=Severity.CRITICAL, facts=facts, blocks=True)
        for name, alive, title in ended
        if not alive
    ]


def _checks(look: Look) -> list[Problem]:
    found = []
    for name, beat in look.beats.items():
        seen_at = beat.ended_at or look.started_at
        if look.at - max(seen_at, look.awake_since) <= beat.every * 3 + READY_GRACE * look.speed:
            continue
        reason = f"its last run ended {duration(look.at - seen_at)} ago"
        if beat.ended_at is None:
            reason = f"no run has ended since the start {duration(look.at - seen_at)} ago"
        remedy = "if the source is slow, look at it; if the machine was asleep, nothing; else restart phasewatch"
        found.append(
            Problem(
                fingerprint=f"own.missed:{name}",
                kind="own.missed",
                title=f"The check {name} does not run",
                severity=Severity.CRITICAL,
                about=name,
                facts={"reason": look.failed_ticks.get(name, reason), "remedy": remedy},
                since=seen_at,
                blocks=True,
            )
        )
    return found


def _channels(look: Look, limits: Limits) -> list[Problem]:
    backlog = {b.destination: b for b in look.backlog}
    found: list[Problem] = []
    for name in sorted({*look.channels, *look.lines, *backlog}):
        line, waiting = look.lines.get(name, Line()), backlog.get(name)
        late = waiting is not None and waiting.waits_since is not None and look.at - waiting.waits_since > limits.outbox
        # A channel that left the configuration has dead letters, and nobody to mend it.
        if name in look.channels and (line.failing_since is not None or late):
            found.append(_dead_channel(look, name, line, waiting, late=late))
        elif waiting is not None and waiting.dead:
            number = f"{waiting.dead} message{'' if waiting.dead == 1 else 's'}"
            remedy = "`phasewatch outbox` lists, sends again or drops them"
            found.append(
                Problem(
                    fingerprint=f"own.letters:{name}",
                    kind="own.letters",
                    title=f"{number} to {name} {'was' if waiting.dead == 1 else 'were'} given up",
                    about=name,
                    facts={"reason": waiting.error or "not known", "remedy": remedy},
                    since=waiting.oldest,
                    # What came back to life when the channel did needs a moment to go out.
                    pending_for=limits.outbox,
                )
            )
    dead = {p.about for p in found if p.kind == DELIVERY}
    if look.channels and set(look.channels) <= dead:
        found = [replace(p, blocks=True) if p.kind == DELIVERY else p for p in found]
    return found


def _dead_channel(look: Look, name: str, line: Line, waiting: Backlog | None, *, late: bool) -> Problem:
    since = line.failing_since or (waiting.waits_since if waiting else None) or look.at
    titles = list(look.waiting.get(name, ()))
    more = len(titles) - _TITLES_SHOWN
    shown = "; ".join(titles[:_TITLES_SHOWN]) + (f"; and {more} more" if more > 0 else "")
    why_late = f"nothing arrived for {duration(look.at - since)}" if late else "not known"
    facts: dict[str, JsonValue] = {
        "reason": line.error or (waiting.error if waiting else None) or why_late,
        "remedy": line.remedy or "messages wait and are tried again; `phasewatch doctor` looks for the reason",
    }
    if titles:
        facts["waiting"] = shown
    return Problem(
        fingerprint=f"{DELIVERY}:{name}",
        kind=DELIVERY,
        title=f"Alerts do not reach {name}",
        severity=Severity.CRITICAL,
        about=name,
        facts=facts,
        since=since,
        pending_for=timedelta(0) if line.gave_up or late else MAY_PASS * look.speed,
    )


def _state(look: Look, limits: Limits) -> list[Problem]:
    found = []
    error = look.state_error or next(iter(look.failed_ticks.values()), None)
    if error is not None:
        remedy = "make room or repair the storage; nothing that is found can be kept until then"
        found.append(
            Problem(
                fingerprint="own.state",
                kind="own.state",
                title="The state cannot be written",
                severity=Severity.CRITICAL,
                facts={"reason": error, "remedy": remedy},
                # What cannot be stored at all is told at once by the supervisor; this is for what comes and goes.
                pending_for=MAY_PASS * look.speed,
                blocks=True,
            )
        )
    if look.storage is None:
        return found
    if limits.storage_must_last and look.storage.lasts is False:
        remedy = "keep the folder `var` (or `state.url`) on a disk or named volume, or use PostgreSQL"
        found.append(
            Problem(
                fingerprint="own.storage",
                kind="own.storage",
                title="The state lies on storage that does not last",
                facts={"reason": look.storage.sentence, "remedy": remedy},
            )
        )
    free = look.storage.free_bytes
    if free is not None and free < limits.disk_free_bytes:
        found.append(
            Problem(
                fingerprint="own.disk",
                kind="own.disk",
                title="The disk of the state is nearly full",
                severity=Severity.CRITICAL,
                facts={
                    "reason": f"less than {limits.disk_free_bytes // 1_000_000} MB are free",
                    "remedy": "make room; `phasewatch state prune --vacuum` gives back what the state does not need",
                },
            )
        )
    return found


def _outside(look: Look) -> list[Problem]:
    found = []
    if look.ping_error is not None:
        found.append(
            Problem(
                fingerprint="own.watchdog",
                kind="own.watchdog",
                title="The outside watchdog cannot be pinged",
                facts={"reason": look.ping_error, "remedy": "correct `watchdog.url`, or look at its service"},
                pending_for=MAY_PASS * look.speed,
            )
        )
    if look.heartbeat_error is not None:
        remedy = "mend what the reason names; whoever watches these metrics sees none meanwhile"
        found.append(
            Problem(
                fingerprint="own.heartbeat",
                kind="own.heartbeat",
                title="Metrics cannot be written to Cloud Monitoring",
                facts={"reason": look.heartbeat_error, "remedy": remedy},
                pending_for=MAY_PASS * look.speed,
            )
        )
    for name, error in look.trials.items():
        if error is not None:
            found.append(
                Problem(
                    fingerprint=f"own.trial:{name}",
                    kind="own.trial",
                    title=f"The daily test to {name} failed",
                    severity=Severity.CRITICAL,
                    about=name,
                    facts={"reason": error, "remedy": f"`phasewatch test-alert --channel {name}` tries again"},
                )
            )
    return found
