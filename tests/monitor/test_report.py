"""`phasewatch report` on the sample week: the JSON contract, through the real commands and a real BigQuery."""

from __future__ import annotations

import json
import uuid
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from monitor.cli import cli
from monitor.demo_story import failure_entries, local
from monitor.report import as_json
from tests.support.pipelines import DATA, expected_states

pytestmark = pytest.mark.emulator
SHIPPED = Path(__file__).parents[2] / "config.yaml"


class Sample:
    """The shipped configuration on tables of its own, filled by `phasewatch record`."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self.folder = folder
        name = uuid.uuid4().hex[:12]
        text = SHIPPED.read_text(encoding="utf-8")
        text = text.replace("nba_orchestration.", f"o_{name}.").replace("nba_reference.", f"r_{name}.")
        project = "gcp: {project: nba-props-platform, region: us-west2}"
        assert project in text
        text = text.replace(project, f"{project[:-1]}, endpoints: {{bigquery: {endpoint}}}}}")
        self.config = folder / "config.yaml"
        self.config.write_text(text, encoding="utf-8")

    def run(self, *arguments: str) -> Result:
        """One command in this process."""
        return CliRunner().invoke(cli, ["--config", str(self.config), *arguments])

    def report(self, at: str, *arguments: str) -> dict[str, Any]:
        """The JSON report as of a moment; it must fit its schema."""
        result = self.run("report", "--format", "json", "--at", at, *arguments)
        assert result.exit_code in (0, 1, 3), result.output
        answer: dict[str, Any] = json.loads(result.stdout)
        jsonschema.validate(answer, as_json.schema(), format_checker=jsonschema.FormatChecker())
        return answer


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory, emulator: str) -> Sample:
    made = Sample(tmp_path_factory.mktemp("report"), emulator)
    games = made.folder / "games.jsonl"
    calendar = expected_states()["calendar"]
    rows = [{"game_date": day, "game_id": f"{day}-{n}"} for day, games_of in calendar.items() for n in range(games_of)]
    games.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert made.run("record", "--schedule", str(games)).exit_code == 0
    recorded = made.run("record", "--file", str(DATA / "completions-sample.jsonl"))
    assert (recorded.exit_code, "96 rows written" in recorded.output) == (0, True)
    return made


@pytest.mark.parametrize("number", range(0, 49, 4))
def test_the_sample_week_has_its_true_states(sample: Sample, number: int) -> None:
    """Every date, phase, state, done, missing, flag, root problem and recording figure of a query."""
    query = expected_states()["queries"][number]
    [pipeline] = sample.report(query["query_time"])["pipelines"]
    told: dict[str, dict[str, Any]] = {}
    for phase in pipeline["phases"]:
        facts = {key: phase[key] for key in ("done", "missing", "state", "flags")}
        told.setdefault(phase["run_date"], {})[phase["phase"]] = facts
    assert told == query["days"]
    assert pipeline["recording"] == query["recording"]
    roots = [(p["phase"], p["run_date"], p["state"]) for p in pipeline["root_problems"]]
    assert sorted(roots) == sorted(
        (p["phase"], p.get("game_date") or p.get("run_date"), p["state"]) for p in query["root_problems"]
    )


def test_why_nothing_is_owed_is_said(sample: Sample) -> None:
    """In JSON with each phase, in the text once for the date."""
    [pipeline] = sample.report("2026-01-18T20:00:00Z", "--date", "2026-01-17", "--days", "2")["pipelines"]
    whys = {p["run_date"]: p.get("why_not") for p in pipeline["phases"]}
    table = next(line for line in sample.config.read_text().splitlines() if "calendar: {table" in line)
    name = table.partition("table: ")[2].partition("}")[0]
    assert whys == {"2026-01-16": None, "2026-01-17": f"no row in {name}"}
    text = sample.run("report", "--at", "2026-01-18T20:00:00Z").output
    assert f"  2026-01-17: nothing owed, no row in {name}" in text.splitlines()


def test_logs_explain_the_phase_without_any_watcher(sample: Sample) -> None:
    """On the day of the NameError the report itself joins the two halves."""
    logs = sample.folder / "var" / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    when = local(date(2026, 1, 15), "06:40")
    trace = 'Traceback (most recent call last):\n  File "/workspace/tracker.py", line 243, in write\n    x\n'
    entries = failure_entries("00029-zop", when, f"{trace}NameError: name 'firestore' is not defined")
    (logs / "export.json").write_text(json.dumps(list(entries)))
    try:
        before = sample.report("2026-01-15T11:30:00Z")
        after = sample.report("2026-01-15T15:30:00Z")
    finally:
        (logs / "export.json").unlink()
    causes = {(p["phase"], p["run_date"]): p["cause"] for p in after["pipelines"][0]["phases"]}
    assert causes["phase3", "2026-01-14"] == {
        "incident": None,
        "kind": "log.undefined-name",
        "summary": "NameError: name 'firestore' is not defined in phase3-to-phase4-orchestrator",
    }
    assert [f["title"] for f in after["failures"]] == [causes["phase3", "2026-01-14"]["summary"]]
    assert before["failures"] == [], "at that moment it had not been logged"


def test_exit_codes_say_how_it_is(sample: Sample) -> None:
    """0 healthy, 1 problems, 2 wrong usage, 3 could not see."""
    assert sample.run("report", "--at", "2026-01-13T18:00:00Z").exit_code == 0
    assert sample.run("report", "--at", "2026-01-15T15:30:00Z").exit_code == 1
    assert sample.run("report", "--at", "yesterday").exit_code == 2
    assert sample.run("report", "--pipeline", "mlb").exit_code == 2
    assert sample.run("report", "--date", "2026-02-20", "--days", "1").exit_code == 3, "the calendar ends before"


def test_the_text_is_readable_at_80_columns_and_has_no_colour_in_a_file(sample: Sample) -> None:
    """Verdict first; no line wider than asked for; no escape codes."""
    target = sample.folder / "report.txt"
    sample.run("report", "--at", "2026-01-15T15:30:00Z", "-o", str(target))
    text = target.read_text()
    assert text.splitlines()[:2] == [
        "FAILING  as of Thu 15 Jan 10:30 EST (15:30 UTC)",
        "  phase3 of 14 January 2026 has stalled: 3 of 5 completions missing, nothing new",
    ]
    assert "\x1b" not in text
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80


def test_the_date_and_the_days_choose_what_is_shown(sample: Sample) -> None:
    """`--days N` ends at `--date`."""
    [pipeline] = sample.report("2026-01-18T20:00:00Z", "--date", "2026-01-14", "--days", "2")["pipelines"]
    assert sorted({p["run_date"] for p in pipeline["phases"]}) == ["2026-01-13", "2026-01-14"]


def test_bad_rows_are_named_and_nothing_is_written(sample: Sample) -> None:
    """File, line, field, what is wrong; exit 2."""
    bad = sample.folder / "bad.jsonl"
    good = '{"phase":"phase3","game_date":"2026-01-18","processor_name":"x","status":"success","completed_at":"%s"}\n'
    bad.write_text(good % "2026-01-19T12:00:00Z" + "not json\n" + good % "noon")
    before = sample.report("2026-01-19T20:00:00Z")["pipelines"][0]["recording"]
    assert before is not None
    result = sample.run("record", "--file", str(bad))
    assert result.exit_code == 2
    assert f"{bad}:2" in result.output
    assert f"{bad}:3: completed_at" in result.output
    assert "--skip-bad" in result.output
    assert sample.report("2026-01-19T20:00:00Z")["pipelines"][0]["recording"] == before


def test_what_cannot_be_read_is_unknown_and_never_healthy(tmp_path: Path, emulator: str) -> None:
    """No table at all: every phase of every date is unknown, the reason is told, the exit code is 3."""
    empty = Sample(tmp_path, emulator)
    result = empty.run("report", "--format", "json", "--at", "2026-01-15T15:30:00Z")
    answer = json.loads(result.stdout)
    jsonschema.validate(answer, as_json.schema())
    [pipeline] = answer["pipelines"]
    assert (result.exit_code, answer["status"], pipeline["status"]) == (3, "UNKNOWN", "UNKNOWN")
    assert [p["state"] for p in pipeline["phases"]] == ["unknown"] * 12
    assert "phase_completions" in pipeline["error"]


def test_tables_that_would_prove_more_and_do_not_exist_are_named(sample: Sample) -> None:
    """The states are those of the rows alone; only when something is missing is any table asked."""
    text = sample.config.read_text(encoding="utf-8")
    with_tables = sample.config.with_name("tables.yaml")
    with_tables.write_text(text.replace("&unrecorded {from: 2026-02-12}", "&unrecorded {from: 2026-01-12}"))
    at = "2026-01-16T14:30:00Z"
    arguments = ["--config", str(with_tables), "report", "--format", "json", "--days", "1", "--at", at]
    answer = json.loads(CliRunner().invoke(cli, arguments).stdout)
    plain = sample.report(at, "--days", "1")
    assert answer["pipelines"][0]["phases"][1:] == plain["pipelines"][0]["phases"][1:]
    # Two processors of phase 2 are owed earlier than they were, and nobody recorded them.
    named = [note for note in answer["notes"] if "does not exist" in note]
    assert "The table nba_raw.nbac_player_boxscores does not exist: it proves nothing" in " ".join(named)
    assert answer["sources"][0]["evidence"]["unseen"] == []


def test_the_schema_is_printed(tmp_path: Path, emulator: str) -> None:
    """For those who read the report by program; no configuration needed."""
    result = Sample(tmp_path, emulator).run("report", "--schema")
    assert json.loads(result.stdout) == as_json.schema()
    jsonschema.Draft202012Validator.check_schema(as_json.schema())


def test_a_single_completion_must_mean_something(sample: Sample) -> None:
    """A phase or a status word that nobody would count is refused, with those that are."""
    unknown = sample.run("record", "phase9", "2026-01-25", "player_game_summary")
    assert (unknown.exit_code, "nba has: phase2, phase3, phase4" in unknown.output) == (2, True)
    odd = sample.run("record", "phase3", "2026-01-25", "player_game_summary", "--status", "done")
    assert (odd.exit_code, "the words are: success, partial, failed" in " ".join(odd.output.split())) == (2, True)
    stranger = sample.run("record", "Phase_3", "2026-01-25", "player_game_sumary")
    assert stranger.exit_code == 0
    assert "phase3 expects no player_game_sumary" in stranger.output
    assert "1 row written" in stranger.output
