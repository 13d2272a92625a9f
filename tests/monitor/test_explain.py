"""What is owed, by when and why, as it is explained to people and programs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from checks.model import Severity
from checks.phases.evidence import CompletionEvidence, TableEvidence
from checks.phases.habits import Habits, Usual
from checks.phases.model import PhaseDay
from checks.phases.states import judge_days
from checks.pipeline import DayTime, HandOver, LearnedDue, Pipeline, StarterKind
from checks.ports import CalendarDays, CompletionRow
from checks.sources.bigquery import BigQueryWarehouse
from checks.sources.completions import CompletionTables
from monitor.cli import cli
from monitor.explain import as_json, as_text, gather
from monitor.explain.build import Known, build
from monitor.explain.model import Explanation, PhaseLine
from monitor.wiring import parts
from tests.conftest import PROJECT
from tests.support import bigquery, usual_days
from tests.support.pipelines import GAME_DAY, completions_of, et, every_day, nba, with_phase

CALENDAR = every_day(date(2026, 1, 1), date(2026, 1, 31), without=[date(2026, 1, 14)])
FUNCTION = HandOver(
    kind=StarterKind.FUNCTION,
    name="phase3-to-phase4-orchestrator",
    within=timedelta(minutes=30),
    fallbacks=(DayTime(day=1, at=time(7)),),
)


def explained(
    at: str,
    rows: list[CompletionRow] | None = None,
    *,
    day: date = GAME_DAY,
    pipeline: Pipeline | None = None,
    calendar: CalendarDays | None = CALENDAR,
    habits: Habits | None = None,
    only: str | None = None,
    blind: bool = False,
) -> Explanation:
    """The explanation of a run date at a local time, from rows in memory."""
    pipeline, now = pipeline or nba(), et(at)
    states: dict[tuple[str, date], PhaseDay] = {}
    if calendar is not None and not blind:
        dates = usual_days.span(GAME_DAY - timedelta(days=2), 4)
        judged = judge_days(pipeline, dates, rows or [], calendar, now)
        states = {(d.phase, d.run_date): d for each in judged for d in each}
    unseen = ("what arrived: BigQuery cannot be reached",) if blind else ()
    known = Known(calendar=calendar, states=states, habits=habits or Habits(), unseen=unseen)
    return build(pipeline, day, now, known, only=only)


def phase(explanation: Explanation, name: str) -> PhaseLine:
    return next(p for p in explanation.phases if p.name == name)


def alerts(explanation: Explanation, name: str) -> list[tuple[str, Severity | None, datetime | None]]:
    return [(a.kind, a.severity, a.at) for a in phase(explanation, name).alerts]


def test_before_anything_is_due_it_says_what_would_be_alerted() -> None:
    """Stalled after 90 minutes, incomplete at the due time, with the severity of what is missing."""
    rows = completions_of("phase2", et("2026-01-13 06:00"))
    e = explained("2026-01-13 06:40", rows)
    assert (e.owed, e.why) == (True, "in calendar nba_reference.nba_schedule")
    assert alerts(e, "phase2") == [("", None, None)]
    assert alerts(e, "phase3") == [
        ("phase.stalled", Severity.CRITICAL, et("2026-01-13 08:00")),
        ("phase.incomplete", Severity.CRITICAL, et("2026-01-13 09:00")),
    ]
    assert alerts(e, "phase4") == [("phase.incomplete", Severity.CRITICAL, et("2026-01-13 11:00"))]
    assert e.next_due is not None
    assert (e.next_due.phase, e.next_due.due_at, e.next_due.certain) == ("phase3", et("2026-01-13 09:00"), True)


def test_what_is_wrong_is_alerted_now() -> None:
    """The root problem; the phase behind it is only a consequence."""
    e = explained("2026-01-13 12:00")
    assert alerts(e, "phase2") == [("phase.incomplete", Severity.CRITICAL, None)]
    assert alerts(e, "phase3") == [("phase.blocked", Severity.WARNING, None)]


def test_the_severity_is_that_of_what_is_missing() -> None:
    """Only optional ones; only names that were never recorded."""
    pipeline = with_phase(nba(), "phase2", quorum_ratio=None)
    rows = [row for row in completions_of("phase2", et("2026-01-13 06:00")) if row.processor != "p2_br_season_roster"]
    assert alerts(explained("2026-01-13 07:00", rows, pipeline=pipeline), "phase2") == [
        ("phase.incomplete", Severity.WARNING, None)
    ]
    habits = Habits(unmet={"phase2": ("p2_br_season_roster",)})
    e = explained("2026-01-13 07:00", rows, pipeline=pipeline, habits=habits)
    assert alerts(e, "phase2") == [("phase.incomplete", Severity.INFO, None)]


@pytest.mark.parametrize(
    ("day", "calendar", "owed", "why"),
    [
        (date(2026, 1, 14), CALENDAR, False, "no run in the calendar"),
        (date(2026, 2, 2), CALENDAR, None, "calendar nba_reference.nba_schedule says nothing of this date; "),
        (GAME_DAY, None, None, "calendar nba_reference.nba_schedule could not be asked; "),
        (
            date(2026, 2, 14),
            replace(CALENDAR, reasons={date(2026, 2, 14): "excluded: All-Star break"}),
            False,
            "excluded: All-Star break",
        ),
    ],
)
def test_why_nothing_is_owed(day: date, calendar: CalendarDays | None, owed: bool | None, why: str) -> None:
    """No games, a break; or nobody knows, which is not the same."""
    e = explained("2026-01-13 06:40", day=day, calendar=calendar)
    assert (e.owed, e.why.startswith(why)) == (owed, True)
    assert [bool(p.alerts) for p in e.phases] == [owed is not False] * 3


def test_who_is_owed_by_the_list_of_the_day() -> None:
    """Validity, class, evidence, aliases, the table that is the witness."""
    pipeline = nba()
    phases = []
    for p in pipeline.phases:
        changed = tuple(
            replace(
                x,
                valid_until=date(2026, 1, 10) if x.name == "p2_br_season_roster" else None,
                evidence=(CompletionEvidence(valid_until=date(2026, 1, 10)),)
                if x.name == "p2_odds_game_lines"
                else x.evidence,
                output=TableEvidence(table="raw.scores", date="game_date") if x.name == "p2_bdl_box_scores" else None,
            )
            for x in p.processors
        )
        phases.append(replace(p, processors=changed))
    e = explained("2026-01-13 06:40", pipeline=replace(pipeline, phases=tuple(phases)))
    lines = {p.name: p for p in phase(e, "phase2").processors}
    assert lines["p2_br_season_roster"].why_not == "no longer owed from 2026-01-10 on"
    assert lines["p2_odds_game_lines"].why_not == "nobody records it any more, and nothing else proves it"
    scores = lines["p2_bdl_box_scores"]
    assert (scores.critical, scores.evidence, scores.output, scores.state) == (
        True,
        ("completion row",),
        "raw.scores",
        "missing",
    )
    assert scores.aliases == ("bdl_player_boxscores",)
    assert scores.not_before == et("2026-01-12 12:00")


def test_a_learned_due_time_says_that_it_is_learned() -> None:
    """And what it takes where it is not."""
    learned = LearnedDue(margin=timedelta(minutes=30), latest=DayTime(day=1, at=time(10)), samples=10)
    pipeline = with_phase(nba(), "phase3", learned=learned)
    usual = Usual(
        median=timedelta(days=1, hours=7), late=timedelta(days=1, hours=7, minutes=40), samples=20, last=GAME_DAY
    )
    e = explained("2026-01-13 06:40", pipeline=pipeline, habits=Habits(phases={"phase3": usual}))
    line = phase(e, "phase3")
    assert (line.due_at, line.due_why) == (et("2026-01-13 08:10"), "learned, between its start and 10:00 on day 1")
    assert line.usual == "usually 07:00, 95% by 07:40"
    few = phase(explained("2026-01-13 06:40", pipeline=pipeline), "phase3")
    assert (few.due_at, few.due_why) == (et("2026-01-13 09:00"), "fixed: 0 of 10 run dates to learn from")


def test_without_bigquery_the_static_part_stands() -> None:
    """By when and why; what arrived is unknown and nothing is called healthy."""
    e = explained("2026-01-13 12:00", calendar=None, blind=True)
    text = as_text.render(e, colour=False, width=80)
    assert "nobody knows whether a run is owed" in text
    assert "not asked what arrived: BigQuery cannot be reached" in text
    assert "due       Tue 13 Jan 07:00 EST (12:00 UTC), fixed" in text
    assert "alert     unknown: what arrived could not be read" in text
    assert e.next_due is not None
    assert not e.next_due.certain


def test_text_fits_a_terminal_and_is_coloured_only_there() -> None:
    """80 columns; the same text without the codes."""
    e = explained("2026-01-13 08:00", completions_of("phase2", et("2026-01-13 06:00")), pipeline=handed_over())
    plain, coloured = (as_text.render(e, colour=colour, width=80) for colour in (False, True))
    assert max(len(line) for line in plain.splitlines()) <= 80
    assert "\x1b[" in coloured
    assert "\x1b" not in plain
    assert "starter   function phase3-to-phase4-orchestrator, fallback 07:00 on day 1" in plain
    assert "    + p2_nbacom_schedule: critical" not in plain
    assert "  + p2_nbacom_schedule: critical; done Tue 13 Jan 06:00 EST (11:00 UTC)" in plain


def handed_over() -> Pipeline:
    return with_phase(nba(), "phase4", hand_overs=(FUNCTION,))


def test_json_has_utc_and_local_times() -> None:
    """And a version; one phase only, where it is named."""
    e = explained("2026-01-13 06:40", completions_of("phase2", et("2026-01-13 06:00")), only="phase3")
    answer = json.loads(as_json.render([e]))
    assert answer["schema_version"] == 1
    [pipeline] = answer["pipelines"]
    [shown] = pipeline["phases"]
    assert (shown["due_at"], shown["due_at_local"]) == ("2026-01-13T14:00:00Z", "2026-01-13T09:00:00-05:00")
    assert shown["alerts"][0] == {
        "kind": "phase.stalled",
        "severity": "critical",
        "text": "stalled, if nothing new has come since it could start",
        "at": "2026-01-13T13:00:00Z",
        "at_local": "2026-01-13T08:00:00-05:00",
    }
    assert pipeline["next_due"]["phase"] == "phase3"


@pytest.mark.emulator
def test_the_command_explains_what_is_in_the_tables(tmp_path: Path, emulator: str) -> None:
    """On a real BigQuery; wrong names and times are usage errors; without the tables it is exit code 3."""
    folder = tmp_path
    with bigquery.dataset(emulator) as dataset:
        games = usual_days.span(date(2026, 1, 5), 4)
        usual_days.create(emulator, dataset, games, usual_days.rows_of(games[0]))
        usual_days.configuration(folder, dataset, pipeline="", phase4=usual_days.STARTED_BY)
        file = folder / "config.yaml"
        file.write_text(
            file.read_text()
            .replace("region: x", "")
            .replace(
                "gcp: {project: nba-props-platform}",
                f"gcp: {{project: nba-props-platform, endpoints: {{bigquery: '{emulator}'}}}}",
            )
        )

        def run(*arguments: str) -> tuple[int, str]:
            result = CliRunner().invoke(cli, ["--config", str(file), "explain", *arguments])
            return result.exit_code, result.output

        code, text = run("phase4", "--date", "2026-01-05", "--at", "2026-01-06T12:00:00-05:00")
        assert code == 0, text
        assert "a run is owed" in text
        assert "phase4: complete" in text
        assert "alert     nothing: it is complete" in text
        code, text = run("phase9", "--at", "2026-01-06T12:00:00-05:00")
        assert (code, "there is no phase 'phase9'; the configuration has: phase2, phase3, phase4" in text) == (2, True)
        code, text = run("--date", "tomorrow")
        assert (code, "'tomorrow' is no date; write it as 2026-01-25" in text) == (2, True)
        assert run("--at", "noon")[0] == 2
        assert run("--date", "yesterday")[0] == 2
        bigquery.run(emulator, f"DROP TABLE {dataset}.completions")
        code, text = run("--date", "2026-01-05", "--at", "2026-01-06T12:00:00-05:00")
        assert (code, "not asked what arrived" in text, "a run is owed" in text) == (3, True, True)


@pytest.mark.emulator
def test_the_calendar_is_asked_once_however_many_spans_are_read(tmp_path: Path, emulator: str) -> None:
    """A date long ago is read apart from those that may become due now."""
    with bigquery.dataset(emulator) as dataset:
        games = usual_days.span(date(2026, 1, 5), 4)
        usual_days.create(emulator, dataset, games, usual_days.rows_of(games[0]))
        config = usual_days.configuration(tmp_path, dataset, pipeline="", bigquery=emulator)
        asked: list[str] = []
        warehouse = BigQueryWarehouse(PROJECT, endpoint=emulator, counted=lambda label, _billed: asked.append(label))
        [judge] = parts.completion_checks(config, CompletionTables(warehouse))
        said = gather.explain(judge, games[0], et("2026-01-20 12:00"))
        warehouse.close()
    assert (said.owed, said.unseen) == (True, ())
    assert sorted(asked) == ["calendar", "completions", "completions"]


@pytest.mark.parametrize(
    ("config", "arguments", "said"),
    [
        ("mode: embedded", [], "the configuration has no pipeline; write one under `pipelines`"),
        ("checks: {completions: {enabled: false}}", [], "set `checks.completions.enabled`"),
        (None, ["phase9"], "there is no phase 'phase9'; the configuration has: phase2, phase3, phase4"),
        (None, ["--pipeline", "mlb"], "there is no pipeline 'mlb'; the configuration has: nba"),
    ],
)
def test_a_wrong_name_starts_no_bigquery(tmp_path: Path, config: str | None, arguments: list[str], said: str) -> None:
    """It is refused with what there is, in mode embedded too, and nothing is left behind."""
    file = tmp_path / "config.yaml"
    if config is None:
        usual_days.configuration(tmp_path, "box")
        config = file.read_text()
    file.write_text(f"{config}\n")
    result = CliRunner().invoke(cli, ["--config", str(file), "explain", *arguments])
    assert (result.exit_code, said in result.stderr, list(tmp_path.iterdir())) == (2, True, [file])
