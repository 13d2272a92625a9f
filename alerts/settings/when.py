"""When people are told: the alerts' part of ``config.yaml`` beside channels and routes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from checks.fields import ClockTime, Day, Duration, ListOf, PageUrl, Span, ZoneName, matching
from checks.mistakes import Mistake, Section
from checks.model import Severity

if TYPE_CHECKING:
    from alerts.faults.finding_rules import FindingRule
    from alerts.faults.storms import Limit
    from alerts.matching import Matcher
    from alerts.notify.quiet import QuietHours, Weekly
    from alerts.notify.reminders import Reminders, Step
    from alerts.notify.silences import Maintenance

AnySeverity = Annotated[Severity, Field(strict=False)]
DayName = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_DAYS: tuple[DayName, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_PATTERN = r"[A-Za-z0-9*?][A-Za-z0-9_.:*?-]{0,199}"
Pattern = Annotated[str, matching(_PATTERN, "a name", "letters, digits, _ . : and -; * and ? stand for any")]
# What Slack expands to a person, a group or a whole channel; nothing else may reach a message unescaped.
_MENTION = r"<!(?:here|channel)>|<@[UW][A-Z0-9]{2,20}>|<!subteam\^S[A-Z0-9]{2,20}>"
Mention = Annotated[
    str, matching(_MENTION, "a mention in Slack's form", 'write "<!here>", "<@U0123ABC>" or "<!subteam^S0123ABC>"')
]


class MatchSettings(Section):
    """What is meant. All that is given must fit; * and ? stand for any characters."""

    pipeline: Pattern | None = Field(default=None, description="the pipeline")
    check: Pattern | None = Field(default=None, description="the check that found it")
    phase: Pattern | None = Field(default=None, description="the phase")
    function: Pattern | None = Field(default=None, description="the function")
    kind: Pattern | None = Field(default=None, description="the kind of finding, as phase.stalled or log.*")
    from_: Day | None = Field(default=None, alias="from", description="the first run date")
    until: Day | None = Field(default=None, description="the last run date")

    def contradictions(self) -> Iterator[Mistake]:
        """A matcher of everything, or of no date."""
        if all(getattr(self, name) is None for name in type(self).model_fields):
            yield Mistake(message="nothing is said", hint="give at least one of pipeline, check, phase, function, kind")
        if self.from_ and self.until and self.from_ > self.until:
            yield Mistake(message="earlier than from", hint="until is the last date", at=("until",))

    def to_matcher(self) -> Matcher:
        """The value meant."""
        from alerts.matching import Matcher

        return Matcher(
            pipeline=self.pipeline,
            check=self.check,
            phase=self.phase,
            function=self.function,
            kind=self.kind,
            first=self.from_,
            last=self.until,
        )


class RuleSettings(Section):
    """What findings mean here, where it is not what the check says. Of several rules that fit the later one wins."""

    match: MatchSettings = Field(description="the findings meant")
    severity: AnySeverity | None = Field(default=None, description="how grave they are")
    pending: Duration | None = Field(default=None, description="how long they must last before anybody is told")
    quiet: bool | None = Field(default=None, description="true: for the digest only")

    def contradictions(self) -> Iterator[Mistake]:
        """A rule that changes nothing."""
        if self.severity is None and self.pending is None and self.quiet is None:
            yield Mistake(message="the rule changes nothing", hint="give severity, pending or quiet")

    def to_rule(self) -> FindingRule:
        """The value meant."""
        from alerts.faults.finding_rules import FindingRule

        return FindingRule(
            matcher=self.match.to_matcher(), severity=self.severity, pending_for=self.pending, quiet=self.quiet
        )


class WeeklySettings(Section):
    """From one time of day to another. An end that is not later is on the day after."""

    days: ListOf[DayName] = Field(
        default=_DAYS, min_length=1, description="the days on which it begins; all if left out"
    )
    from_: ClockTime = Field(alias="from", description='when it begins, as "22:00"')
    to: ClockTime = Field(description='when it ends, as "07:00"')

    def to_weekly(self, zone: ZoneInfo) -> Weekly:
        """The value meant, in the zone of the alerts."""
        from alerts.notify.quiet import Weekly

        days = frozenset(_DAYS.index(day) for day in self.days)
        return Weekly(days=days, begin=self.from_, end=self.to, zone=zone)


class QuietHoursSettings(Section):
    """When nobody is told of what is not so grave; it is told afterwards if it is still so."""

    below: AnySeverity = Field(default=Severity.CRITICAL, description="what is less grave than this is held back")
    spans: ListOf[WeeklySettings] = Field(min_length=1, description="the quiet hours")


class MaintenanceSettings(WeeklySettings):
    """A window that comes back every week, in which nobody is told of what it means."""

    match: MatchSettings = Field(description="what is not told")
    reason: str = Field(min_length=1, max_length=200, description="why, shown to people")

    def to_maintenance(self, zone: ZoneInfo) -> Maintenance:
        """The value meant."""
        from alerts.notify.silences import Maintenance

        return Maintenance(when=self.to_weekly(zone), matcher=self.match.to_matcher(), reason=self.reason)


class ReminderSettings(Section):
    """When to say again that something is still wrong and nobody acknowledged it. 0s: never."""

    critical: Duration = Field(
        default=timedelta(hours=1), description="the first pause for what is critical; 0s: never"
    )
    warning: Duration = Field(default=timedelta(hours=4), description="the first pause for warnings; 0s: never")
    longest: Span = Field(
        default=timedelta(days=1), description="each pause is twice as long as the one before, up to this"
    )

    def to_reminders(self) -> Reminders:
        """The value meant."""
        from alerts.notify.reminders import Reminders

        pauses = {Severity.CRITICAL: self.critical, Severity.WARNING: self.warning}
        return Reminders(every={s: pause for s, pause in pauses.items() if pause}, longest=self.longest)


class EscalationSettings(Section):
    """Whom to tell besides when nobody has acknowledged an incident for so long."""

    after: Span = Field(description="how long after it was first told")
    to: ListOf[str] = Field(default=(), description="channels that are told besides")
    mention: Mention | None = Field(default=None, description='whom to call in Slack, as "<!here>"')
    severity_at_least: AnySeverity = Field(default=Severity.CRITICAL, description="the least severity")

    def contradictions(self) -> Iterator[Mistake]:
        """A step that reaches nobody else."""
        if not self.to and self.mention is None:
            yield Mistake(message="nobody besides is told", hint="give to, or mention")

    def to_step(self, enabled: frozenset[str]) -> Step:
        """The value meant, without channels that are switched off."""
        from alerts.notify.reminders import Step

        to = tuple(name for name in self.to if name in enabled)
        return Step(after=self.after, to=to, mention=self.mention or "", at_least=self.severity_at_least)


class StormSettings(Section):
    """When too much comes at once for a message each."""

    above: int = Field(default=5, ge=1, le=50, description="so many new incidents have a message of their own")
    within: Span = Field(default=timedelta(minutes=10), description="within this time; what comes besides is gathered")

    def to_limit(self) -> Limit:
        """The value meant."""
        from alerts.faults.storms import Limit

        return Limit(above=self.above, within=self.within)


class DigestSettings(Section):
    """A message every day: what is open, was resolved, handled, not told, silenced."""

    at: ClockTime = Field(description='when, as "09:00"')
    timezone: ZoneName | None = Field(default=None, description="the zone of that time; that of the alerts if left out")
    to: ListOf[str] = Field(min_length=1, description="names of channels")


class WhenSettings(Section):
    """When people are told, and what of. The sections of ``alerts`` besides channels and routes."""

    timezone: ZoneName | None = Field(
        default=None, description="zone of the times here and in messages; the first pipeline's, or UTC, if left out"
    )
    rules: ListOf[RuleSettings] = Field(default=(), description="severity, patience and quiet by check, phase and date")
    quiet_hours: QuietHoursSettings | None = Field(default=None, description="when only grave things are told")
    maintenance: ListOf[MaintenanceSettings] = Field(default=(), description="weekly windows in which nobody is told")
    reminders: ReminderSettings = Field(
        default={}, validate_default=True, description="when to say again what is still wrong"
    )
    escalation: ListOf[EscalationSettings] = Field(default=(), description="whom to tell besides, step by step")
    storm: StormSettings = Field(
        default={}, validate_default=True, description="when too much comes at once for a message each"
    )
    digest: DigestSettings | None = Field(default=None, description="a message every day; none if left out")
    runbook: PageUrl | None = Field(default=None, description="page that says what to do, linked in every message")

    def contradictions(self) -> Iterator[Mistake]:
        """Steps of escalation that are not in order."""
        for index, (one, other) in enumerate(zip(self.escalation, self.escalation[1:], strict=False)):
            if other.after <= one.after:
                yield Mistake(message="must be later than the step before", at=("escalation", index + 1, "after"))

    def zone(self, otherwise: ZoneInfo) -> ZoneInfo:
        """The zone of the alerts."""
        return ZoneInfo(self.timezone) if self.timezone else otherwise

    def to_quiet_hours(self, zone: ZoneInfo) -> QuietHours:
        """The value meant; no quiet hours where none are given."""
        from alerts.notify.quiet import QuietHours

        if self.quiet_hours is None:
            return QuietHours()
        spans = tuple(span.to_weekly(zone) for span in self.quiet_hours.spans)
        return QuietHours(spans=spans, below=self.quiet_hours.below)
