"""What points mean by a rule, when a rule holds, and how rules are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from checks.kinds.metrics import Metrics
from checks.metrics.judge import Verdict, typical_hours, verdicts
from checks.metrics.model import Binding, MetricQuery, MetricRule, MetricSeries
from checks.metrics.presets import PRESETS
from checks.metrics.windows import Span, asked, edge, spans
from checks.mistakes import mistakes_of
from checks.model import Evidence, Judgement, Status, Window, day_words
from checks.phases.calendar import CalendarList
from checks.pipeline import DayTime
from checks.ports import SourceError
from checks.settings.metrics import MetricCheckSettings
from checks.sources.calendar import Calendars
from tests.support.pipelines import et, every_day, nba, with_phase

NOW = datetime(2026, 1, 26, 14, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FIVE = 5 * MINUTE
SERVICE, CODE = "resource.labels.service_name", "metric.labels.response_code"
FUNCTION = "resource.labels.function_name"


def points(*values: float | None) -> tuple[tuple[datetime, float], ...]:
    """One per five minutes up to NOW; None: nothing was measured."""
    at = [NOW - FIVE * number for number in range(len(values))][::-1]
    return tuple((moment, value) for moment, value in zip(at, values, strict=True) if value is not None)


def judged(rule: MetricRule, *series: MetricSeries, typical: Mapping[str, float] | None = None) -> list[Verdict]:
    query = next(q for q in rule.queries if set(series[0].labels) <= set(q.group_by)) if series else rule.queries[0]
    return verdicts(rule, [(query, series)], NOW - timedelta(hours=1), NOW, typical)


def by_code(*values: float | None, code: str = "200", name: str = "my_func") -> MetricSeries:
    return MetricSeries(labels={SERVICE: name, CODE: code}, points=points(*values))


def of_subscription(*values: float | None) -> MetricSeries:
    return MetricSeries(labels={"resource.labels.subscription_id": "a-sub"}, points=points(*values))


def by_service(*values: float | None) -> MetricSeries:
    return MetricSeries(labels={SERVICE: "my_func"}, points=points(*values))


FAILED, BACKLOG = PRESETS["failed_executions"], PRESETS["backlog"]
CASES: list[tuple[str, MetricRule, Sequence[MetricSeries], bool | None]] = [
    ("good ones only", FAILED, [by_code(3, 2)], False),
    ("a bad one", FAILED, [by_code(3, 2), by_code(None, 1, code="503")], True),
    ("a bad one in a period before", FAILED, [by_code(3, 2), by_code(1, None, code="500")], True),
    ("400 is no failed execution", FAILED, [by_code(3, 2), by_code(None, 9, code="400")], False),
    ("400 is an error of a request", PRESETS["request_errors"], [by_code(None, 9, code="400")], True),
    (
        "fewer events than it takes",
        replace(FAILED, at_least=3),
        [by_code(None, 1), by_code(None, 1, code="500")],
        False,
    ),
    ("as many", replace(FAILED, at_least=3), [by_code(None, 2), by_code(None, 1, code="500")], True),
    ("made up for", replace(FAILED, unless_later_success=True), [by_code(0, 2), by_code(4, 0, code="500")], False),
    ("not made up for", replace(FAILED, unless_later_success=True), [by_code(2, 0), by_code(0, 4, code="500")], True),
    ("old for ten minutes", BACKLOG, [of_subscription(30, 700, 1_000)], True),
    ("not for ten minutes yet", BACKLOG, [of_subscription(30, 30, 1_000)], None),
    ("with a gap", BACKLOG, [of_subscription(700, None, 1_000)], None),
    ("young again", BACKLOG, [of_subscription(30, 30, 20)], False),
    ("below", replace(BACKLOG, above=None, below=10, lasts=FIVE), [of_subscription(30, 5)], True),
]


@pytest.mark.parametrize(("_name", "rule", "series", "broken"), CASES, ids=[name for name, *_ in CASES])
def test_thresholds(_name: str, rule: MetricRule, series: Sequence[MetricSeries], broken: bool | None) -> None:
    """Broken; kept, which a point proves; or neither: beyond the threshold, and not for as long as it takes."""
    [verdict] = judged(rule, *series)
    proven = verdict.until >= NOW - timedelta(hours=1)
    assert (verdict.broken if verdict.broken or proven else None) is broken


def test_what_has_no_points_is_not_judged() -> None:
    """Nothing is said of it; an absence is about nothing else."""
    assert judged(FAILED) == []
    absence = replace(PRESETS["no_executions"], names=("my-func", "other"))
    series = MetricSeries(labels={SERVICE: "my_func"}, points=points(0, 2))
    assert [(v.name, v.broken, v.events) for v in judged(absence, series)] == [
        ("my-func", False, 2), ("other", True, 0),
    ]  # fmt: skip


def test_names_are_compared_as_the_platform_writes_them() -> None:
    """``my_func`` was deployed as ``my-func``; others are none of the rule's business."""
    rule = replace(FAILED, names=("my-func",))
    assert [v.name for v in judged(rule, by_code(1), by_code(1, name="other"))] == ["my-func"]


def test_log_entries_of_a_function_are_told_apart_from_its_executions() -> None:
    """And belong to it all the same, where only some functions are wanted; a series without points says nothing."""
    rule = replace(PRESETS["runaway"], names=("f",))
    logged = rule.queries[2]
    series = [MetricSeries(labels={SERVICE: name}, points=points(4)) for name in ("f", "g")]
    empty = MetricSeries(labels={SERVICE: "f"}, points=())
    assert typical_hours(rule, [(logged, series), (rule.queries[1], [empty])]) == {"log of f": 4}
    assert judged(FAILED, by_code()) == []


def test_a_runaway() -> None:
    """Above ten times its typical hour in each ten minutes of thirty; typical is the median of active hours."""
    rule = PRESETS["runaway"]

    def last(*values: float) -> MetricSeries:
        at = [NOW - 10 * MINUTE * number for number in range(len(values))][::-1]
        return MetricSeries(labels={SERVICE: "f"}, points=tuple(zip(at, values, strict=True)))

    query = rule.queries[1]
    assert typical_hours(rule, [(query, [last(0, 0, 60, 0, 20, 40)])]) == {"f": 40}

    def runs_away(*values: float, typical: Mapping[str, float]) -> list[bool]:
        return [v.broken for v in verdicts(rule, [(query, [last(*values)])], NOW - FIVE, NOW, typical)]

    assert runs_away(70, 70, 70, typical={"f": 40}) == [True]
    assert runs_away(70, 66, 70, typical={"f": 40}) == [False]
    assert runs_away(20, 20, 20, typical={"f": 1}) == [False], "too few to be a flood"
    assert runs_away(70, 70, 70, typical={}) == [], "nobody knows what is typical"


# -- when --------------------------------------------------------------------------------------------------------------

BOUND = replace(FAILED, binding=Binding(pipeline="nba", phase="phase3"))
DAYS = [date(2026, 1, 11), date(2026, 1, 12), date(2026, 1, 13)]
CALENDAR = every_day(date(2026, 1, 1), date(2026, 1, 20))


def test_a_bound_rule_holds_while_its_phase_is_owed() -> None:
    """From the start to the due time, on run dates with a run, by the lists that are valid then."""
    found = list(spans(BOUND, nba(), CALENDAR, DAYS))
    assert [span.run_date for span in found] == DAYS[::-1]
    assert found[0].window == Window(start=et("2026-01-14 06:30"), end=et("2026-01-14 09:00"))
    without = every_day(date(2026, 1, 1), date(2026, 1, 20), without=[date(2026, 1, 12)])
    assert [s.run_date for s in spans(BOUND, nba(), without, DAYS)] == [DAYS[2], DAYS[0]]
    assert list(spans(BOUND, nba(), every_day(date(2026, 2, 1), date(2026, 2, 2)), DAYS)) == []
    of_recorder = replace(BOUND, names=("phase3-to-phase4-orchestrator",))
    retired = with_phase(nba(), "phase3", recorder_until=date(2026, 1, 13))
    assert [s.run_date for s in spans(of_recorder, retired, CALENDAR, DAYS)] == [DAYS[1], DAYS[0]]
    own = Binding(pipeline="nba", phase="phase3", begins=DayTime(day=0, at=time(12)), ends=DayTime(day=1, at=time(8)))
    [span] = spans(replace(BOUND, binding=own), nba(), CALENDAR, DAYS[:1])
    assert span.window == Window(start=et("2026-01-11 12:00"), end=et("2026-01-12 08:00"))


class Recorded:
    """A source that answers what it was given, by metric type, and an error for others that have one."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def series(self, query: MetricQuery, window: Window, period: timedelta) -> tuple[Sequence[MetricSeries], Evidence]:
        name = query.filter.split('"')[1].rpartition("/")[2]
        self.asked.append(name)
        answer = self.answers.get(name, [])
        if isinstance(answer, Exception):
            raise answer
        return answer, Evidence(counts={"requests": 1})


NIGHT, MORNING = DayTime(day=1, at=time(1, 30)), DayTime(day=1, at=time(3, 30))
CLOCKS: list[tuple[str, date, tuple[DayTime | None, DayTime | None], str, str]] = [
    ("forward, before", date(2026, 3, 6), (None, None), "2026-03-07T11:30Z", "2026-03-07T14:00Z"),
    ("forward", date(2026, 3, 7), (None, None), "2026-03-08T10:30Z", "2026-03-08T13:00Z"),
    ("over the gap", date(2026, 3, 7), (NIGHT, MORNING), "2026-03-08T06:30Z", "2026-03-08T07:30Z"),
    ("back", date(2026, 10, 31), (None, None), "2026-11-01T11:30Z", "2026-11-01T14:00Z"),
    ("over the fold", date(2026, 10, 31), (NIGHT, MORNING), "2026-11-01T05:30Z", "2026-11-01T08:30Z"),
    ("over midnight", date(2026, 1, 12), (DayTime(day=0, at=time(23)), NIGHT),
     "2026-01-13T04:00Z", "2026-01-13T06:30Z"),
    ("on the day before", date(2026, 1, 12), (DayTime(day=-1, at=time(17)), DayTime(day=0, at=time(1))),
     "2026-01-11T22:00Z", "2026-01-12T06:00Z"),
    ("before the run date", date(2026, 1, 12), (DayTime(day=-1, at=time(17)), DayTime(day=-1, at=time(20))),
     "2026-01-11T22:00Z", "2026-01-12T01:00Z"),
    ("five days later", date(2026, 1, 12), (DayTime(day=5, at=time(6)), DayTime(day=5, at=time(7))),
     "2026-01-17T11:00Z", "2026-01-17T12:00Z"),
]  # fmt: skip


@pytest.mark.parametrize(("_name", "run_date", "bound", "begins", "ends"), CLOCKS, ids=[name for name, *_ in CLOCKS])
def test_a_window_is_of_the_wall_clock(
    _name: str, run_date: date, bound: tuple[DayTime | None, DayTime | None], begins: str, ends: str
) -> None:
    """On the days of both clock changes, over midnight, and however far from the run date: it is asked for when over,
    not while a minute of it is not visible yet.
    """
    pipeline = replace(nba(), calendar=CalendarList(dates=(run_date, run_date + timedelta(days=30))))
    binding = Binding(pipeline="nba", phase="phase3", begins=bound[0], ends=bound[1])
    absence = replace(PRESETS["no_executions"], binding=binding, names=("f",))
    source = Recorded({})
    watching = Metrics(
        rules=(absence,),
        source=source,
        pipelines=(pipeline,),
        calendars=Calendars(None),  # type: ignore[arg-type]  # a list asks nobody
        every=FIVE,
        visible_after=FIVE,
    )
    start, end = datetime.fromisoformat(begins), datetime.fromisoformat(ends)
    assert watching.read(end + FIVE - timedelta(seconds=1), None)[0].rules == []
    [seen] = watching.read(end + FIVE, None)[0].rules
    assert (seen.run_date, seen.window) == (run_date, Window(start=start, end=end))
    [finding] = watching.judge(watching.read(end + FIVE, None)[0], end + FIVE).findings
    assert finding.title == f"f was not invoked for {day_words(run_date)}"


SPAN = Span(run_date=DAYS[0], window=Window(start=et("2026-01-12 06:30"), end=et("2026-01-12 09:00")))


def window_at(rule: MetricRule, local: str, since: datetime | None = None) -> tuple[datetime, datetime] | None:
    found = asked(rule, [SPAN], et(f"2026-01-12 {local}"), FIVE, since)
    window = found.window if isinstance(found, Span) else found
    return None if window is None else (window.start, window.end)


def test_a_window_ends_before_what_is_not_visible_yet() -> None:
    """A threshold: the last whole periods, and what nobody judged, up to an hour. An absence: its span when over."""
    assert edge(et("2026-01-12 09:04"), FIVE, FIVE) == et("2026-01-12 08:55")
    assert window_at(BOUND, "06:34") is None
    assert window_at(BOUND, "06:40") == (et("2026-01-12 06:30"), et("2026-01-12 06:35"))
    assert window_at(BOUND, "08:03", et("2026-01-12 07:40")) == (et("2026-01-12 07:40"), et("2026-01-12 07:55"))
    assert window_at(BOUND, "09:00", et("2026-01-12 06:40")) == (et("2026-01-12 07:55"), et("2026-01-12 08:55"))
    assert window_at(BOUND, "09:11") is None
    absence = replace(PRESETS["no_executions"], binding=BOUND.binding)
    assert window_at(absence, "09:04") is None
    assert window_at(absence, "09:05") == (et("2026-01-12 06:30"), et("2026-01-12 09:00"))
    assert window_at(absence, "17:00") == (et("2026-01-12 06:30"), et("2026-01-12 16:55"))


# -- the check ---------------------------------------------------------------------------------------------------------


def check(source: Recorded, *rules: MetricRule) -> Metrics:
    calendars = Calendars(None)  # type: ignore[arg-type]  # no rule here is bound
    return Metrics(rules=rules, source=source, pipelines=(), calendars=calendars, every=FIVE, visible_after=FIVE)


def test_no_data_is_unknown_and_ends_nothing() -> None:
    """Unless another metric of the same resource proves that there was nothing to count."""
    source = Recorded({})
    observed, _ = check(source, FAILED).read(NOW, None)
    judgement = check(source, FAILED).judge(observed, NOW)
    assert judgement.status is Status.UNKNOWN
    assert "failed_executions: no data" in judgement.evidence.unseen[0]
    assert "metric:failed_executions:my-func" not in {c.fingerprint for c in judgement.clearances}
    dead = PRESETS["dead_letters"]
    for answers, status in (({}, Status.UNKNOWN), ({"oldest_unacked_message_age": [of_subscription(3)]}, Status.OK)):
        watching = check(Recorded(answers), dead)
        assert watching.judge(watching.read(NOW, None)[0], NOW).status is status


def test_memory_of_gen1_functions_needs_their_limit() -> None:
    """No metric has it: without it they are named as not judged, with what to write; with it they are judged by it."""
    used = MetricSeries(labels={FUNCTION: "old_one"}, points=points(200e6, 250e6, 260e6))
    free = MetricSeries(labels={FUNCTION: "small"}, points=points(90e6, 90e6, 90e6))
    source = Recorded({"user_memory_bytes": [used, free], "utilizations": [by_service(0.5, 0.5)]})

    def judged_with(*written: dict[str, Any]) -> Judgement:
        settings = MetricCheckSettings.model_validate({"watch": [{"preset": "memory", **one} for one in written]})
        watching = check(source, *settings.to_rules())
        return watching.judge(watching.read(NOW, None)[0], NOW)

    judgement = judged_with({})
    assert (judgement.status, judgement.findings) == (Status.UNKNOWN, ())
    [unseen] = judgement.evidence.unseen
    assert unseen == (
        "memory: old-one, small not judged: no metric has the memory limit of gen1 functions; give them a rule of "
        "their own with memory_mb: 256 (as they were deployed) and functions: [old-one, small]."
    )
    assert judged_with({"functions": ["my-func"]}).status is Status.OK
    [finding] = judged_with({"memory_mb": 256}).findings
    assert finding.title == "old-one is near its memory limit"
    assert str(finding.facts["measured"]).startswith("96.86% (limit 90%), from ")
    rest = {"name": "small-ones", "memory_mb": 512, "functions": ["old-one", "small"]}
    assert judged_with({}, rest).status is Status.OK, "each is judged by one of the rules"


def test_what_is_asked_by_several_rules_is_asked_once() -> None:
    """Executions by outcome serve two presets."""
    source = Recorded({})
    check(source, FAILED, PRESETS["request_errors"]).read(NOW, None)
    assert source.asked == ["execution_count", "request_count"]


def test_a_rule_that_is_refused_does_not_stop_the_others() -> None:
    """It is a finding of its own; anything else blinds the whole check."""
    wrong = SourceError("The supplied filter is wrong", kind="invalid")
    watching = check(Recorded({"oldest_unacked_message_age": wrong, "request_count": [by_code(1)]}), BACKLOG, FAILED)
    judgement = watching.judge(watching.read(NOW, None)[0], NOW)
    assert [f.kind for f in judgement.findings] == ["blind.metric"]
    assert "metric:failed_executions:my-func" in {c.fingerprint for c in judgement.clearances}
    with pytest.raises(SourceError, match="gone"):
        check(Recorded({"request_count": SourceError("gone")}), FAILED).read(NOW, None)


def test_what_is_typical_is_learned_once_a_day() -> None:
    """Four questions more, then the stored answer is used."""
    source = Recorded({"request_count": [by_code(7)]})
    watching = check(source, PRESETS["runaway"])
    _, cursor = watching.read(NOW, None)
    assert len(source.asked) == 8
    _, cursor = watching.read(NOW + FIVE, {"source": cursor})
    assert len(source.asked) == 12
    watching.read(NOW + timedelta(hours=25), {"source": cursor})
    assert len(source.asked) == 20


# -- how it is written -------------------------------------------------------------------------------------------------

MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({}, "needs preset or filter"),
    ({"preset": "backlogs"}, "unknown preset 'backlogs'"),
    ({"preset": "no_executions"}, "needs the pipeline and the functions"),
    ({"preset": "timeouts"}, "needs the functions' timeout"),
    ({"preset": "backlog", "functions": ["f"]}, "means nothing for backlog"),
    ({"preset": "backlog", "phase": "phase3"}, "needs the pipeline"),
    ({"preset": "backlog", "memory_mb": 256}, "is for the preset memory"),
    ({"preset": "backlog", "aligner": "max"}, "means nothing for a preset"),
    ({"filter": 'resource.type = "x"'}, "expected a filter of Cloud Monitoring"),
    ({"filter": 'metric.type = "x"'}, "a filter needs name"),
    ({"filter": 'metric.type = "x"', "name": "n", "aligner": "mx", "named_by": "x", "above": 1}, "unknown aligner"),
    ({"filter": 'metric.type = "x"', "name": "n", "aligner": "max", "named_by": "x", "above": 1}, "name of a label"),
]


@pytest.mark.parametrize(("written", "said"), MISTAKES, ids=[said for _, said in MISTAKES])
def test_mistakes_are_named(written: dict[str, Any], said: str) -> None:
    """With what to write instead."""
    with pytest.raises(ValidationError) as refused:
        MetricCheckSettings.model_validate({"watch": [written]})
    assert said in " ".join(mistake.message for mistake in mistakes_of(refused.value))


def test_a_rule_of_one_s_own() -> None:
    """Filter, aligner, reducer, threshold, duration, minimum, outcome."""
    written = {
        "name": "n", "filter": 'metric.type = "x"', "aligner": "delta", "reducer": "max", "named_by": SERVICE,
        "outcome": {"label": CODE, "bad": ["5xx"]}, "above": 3, "period": "2m", "lasts": "10m", "at_least": 5,
        "unless_later_success": True, "severity": "critical",
    }  # fmt: skip
    [rule] = MetricCheckSettings.model_validate({"watch": [written]}).to_rules()
    assert rule.queries == (
        MetricQuery(filter='metric.type = "x"', aligner="ALIGN_DELTA", reducer="REDUCE_MAX", named_by=SERVICE,
                    group_by=(SERVICE, CODE)),
    )  # fmt: skip
    assert (rule.above, rule.period, rule.lasts, rule.at_least) == (3, 2 * MINUTE, 10 * MINUTE, 5)
    assert (rule.unless_later_success, rule.severity.value, rule.finding) == (True, "critical", "threshold")
    [timeouts] = MetricCheckSettings.model_validate({"watch": [{"preset": "timeouts", "timeout": "540s"}]}).to_rules()
    assert timeouts.above == pytest.approx(529.2)
