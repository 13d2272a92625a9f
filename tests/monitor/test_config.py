"""config.yaml: what it yields, as shipped and otherwise; how it is shown and described."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from alerts.settings.alerts import RouteSettings
from checks.model import Severity
from checks.phases.evidence import CompletionEvidence, TableEvidence
from checks.pipeline import Phase
from checks.settings.pipelines import PipelineSettings
from monitor.config.loading import load, schema, show
from tests.support.config import GOOD, changed, loaded, said
from tests.support.pipelines import nba

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "config.yaml"
DOCS = ROOT / "docs" / "configuration.md"
LIST_CHANGED = date(2026, 2, 12)
TOKEN = "xoxb-very-secret-token"


# --- The file that comes with the project


def test_the_shipped_file_loads_without_any_variable() -> None:
    """A fresh machine needs no credentials: embedded, SQLite, console, this machine only."""
    config = load(SHIPPED, {})
    assert config.mode == "embedded"
    assert config.gcp.project == "nba-props-platform"
    assert config.gcp.region == "us-west2"
    assert config.state.url.reveal() == f"sqlite:///{ROOT}/var/phasewatch.db"
    assert (config.server.host, config.server.port, bool(config.server.token)) == ("127.0.0.1", 8080, False)
    assert (config.var, config.embedded.logs, config.folder) == (ROOT / "var", ROOT / "var" / "logs", ROOT)
    assert (config.checks.function_logs.every, config.checks.function_logs.functions) == (timedelta(seconds=60), "*")
    assert (config.checks.completions.every, config.checks.completions.look_back) == (timedelta(seconds=60), 4)
    assert {name: channel.enabled for name, channel in config.alerts.channels.items()} == {
        "console": True,
        "slack": False,
    }
    assert config.alerts.switched_off() == {"slack": "its token is empty; set SLACK_BOT_TOKEN"}


def test_the_shipped_file_takes_its_variables() -> None:
    """Each variable of the file reaches its setting."""
    config = load(
        SHIPPED,
        {
            "PHASEWATCH_MODE": "gcp",
            "SLACK_BOT_TOKEN": TOKEN,
            "SLACK_CHANNEL": "#elsewhere",
            "PHASEWATCH_STATE_URL": "postgresql://u:pw@db/pw",
            "PHASEWATCH_HOST": "0.0.0.0",
            "PHASEWATCH_PORT": "9999",
            "PHASEWATCH_TOKEN": "t0ken",
        },
    )
    slack = config.alerts.channels["slack"]
    assert slack.kind == "slack"
    assert (config.mode, config.server.host, config.server.port) == ("gcp", "0.0.0.0", 9999)
    assert (slack.token.reveal(), slack.channel, slack.enabled) == (TOKEN, "#elsewhere", True)
    assert config.state.url.reveal() == "postgresql+psycopg://u:pw@db/pw"
    assert config.server.token.reveal() == "t0ken"


def owed_before_the_change(phase: Phase) -> Phase:
    """The phase with the list that was valid until the change, without its dates, sorted."""
    before = LIST_CHANGED - timedelta(days=1)
    owed = [
        replace(
            p,
            valid_from=None,
            valid_until=None,
            evidence=tuple(replace(proof, valid_from=None, valid_until=None) for proof in p.evidence_on(before)),
        )
        for p in phase.expected_on(before)
    ]
    return replace(phase, processors=tuple(sorted(owed, key=lambda p: p.name)), recorder_until=None)


def test_the_shipped_pipeline_is_the_one_the_expectations_describe() -> None:
    """Phases, due times, classes, aliases and recorders are those that expected-states.json was made with."""
    (pipeline,) = (p.to_pipeline() for p in load(SHIPPED, {}).pipelines)
    described = nba()
    # Who is declared to start a phase is no expectation of the sample.
    undeclared = (replace(p, hand_overs=()) for p in pipeline.phases)
    shipped = replace(pipeline, phases=tuple(owed_before_the_change(p) for p in undeclared))
    # The 2->3 orchestrator only observed: it starts nothing.
    phases = tuple(replace(p, starters=()) if p.name == "phase3" else p for p in described.phases)
    assert shipped == replace(described, phases=tuple(owed_before_the_change(p) for p in phases))


def test_a_phase_without_its_recorder_is_judged_by_rows_and_tables() -> None:
    """From the change on: who is named as recorder of phase 2 explains nothing, and each processor has a table."""
    phase2 = load(SHIPPED, {}).pipelines[0].to_pipeline().phase("phase2")
    assert phase2.recorder_on(LIST_CHANGED - timedelta(days=1)) == "phase2-to-phase3-orchestrator"
    assert phase2.recorder_on(LIST_CHANGED) is None
    for processor in phase2.expected_on(LIST_CHANGED):
        rows, table = processor.evidence_on(LIST_CHANGED)
        assert isinstance(rows, CompletionEvidence)
        assert isinstance(table, TableEvidence)
        assert table.table.startswith("nba_raw.")


def test_the_commented_phases_are_whole(tmp_path: Path) -> None:
    """Without the comment signs they are three more phases, judged by tables alone; each kind of evidence is shown."""
    text = re.sub(r"^      # ( *- name|  )", r"      \1", SHIPPED.read_text(encoding="utf-8"), flags=re.MULTILINE)
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    pipeline = load(tmp_path / "config.yaml", {}).pipelines[0].to_pipeline()
    added = [p for p in pipeline.phases if p.name not in ("phase2", "phase3", "phase4")]
    proofs = {p.name: p.evidence[0] for phase in added for p in phase.processors}
    assert [phase.name for phase in added] == ["phase1", "phase5", "phase6"]
    assert all(isinstance(proof, TableEvidence) for proof in proofs.values())
    schedule = (
        "SELECT game_date AS run_date, 10 * COUNT(*) AS expected FROM nba_reference.nba_schedule\n"
        "WHERE game_date BETWEEN @first AND @last GROUP BY game_date\n"
    )
    assert proofs == {
        "scrapers": TableEvidence(
            table="nba_orchestration.scraper_execution_log",
            date="DATE(triggered_at, 'America/New_York')",
            where="status = 'success'",
            at_least=20,
            time="triggered_at",
        ),
        "predictions": TableEvidence(
            table="nba_predictions.player_prop_predictions", date="game_date", expected=schedule
        ),
        "tonight_picks": TableEvidence(
            table="nba_orchestration.phase_execution_log",
            date="game_date",
            where="phase_name = 'phase6_export' AND status = 'complete'",
            time="execution_timestamp",
        ),
    }


@pytest.mark.parametrize(
    ("day", "owed"),
    [
        (
            date(2026, 2, 11),
            {
                "p2_nbacom_schedule": True,
                "p2_odds_game_lines": True,
                "p2_bdl_box_scores": True,
                "p2_nbacom_gamebook_pdf": True,
                "p2_bigdataball_pbp": False,
                "p2_br_season_roster": False,
            },
        ),
        (
            date(2026, 2, 12),
            {
                "p2_odds_game_lines": True,
                "p2_nbacom_gamebook_pdf": True,
                "p2_nbacom_boxscores": True,
                "p2_bigdataball_pbp": False,
                "p2_odds_player_props": False,
            },
        ),
    ],
)
def test_phase_2_is_judged_by_the_list_of_its_day(day: date, owed: dict[str, bool]) -> None:
    """Until 2026-02-12 six processors were owed, from then on five."""
    phase = load(SHIPPED, {}).pipelines[0].to_pipeline().phase("phase2")
    assert {p.name: p.critical for p in phase.expected_on(day)} == owed


# --- Values


def test_a_time_without_quotes_is_a_time(tmp_path: Path) -> None:
    """YAML 1.1 would read 11:00 as 660."""
    due = loaded(tmp_path, changed('time: "09:00"', "time: 11:00")).pipelines[0].phases[1].due
    assert (due.day, due.time.isoformat()) == (1, "11:00:00")


def test_aliases_and_merges_are_understood(tmp_path: Path) -> None:
    """An anchor may be used again, alone or as the base of a mapping."""
    text = changed(
        "console: {}", "base: &base {kind: slack, channel: c, timeout: 5s}\n    other: {<<: *base, channel: d}"
    )
    text = text.replace("to: [slack, console]", "to: [base, other]")
    channels = loaded(tmp_path, text).alerts.channels
    assert channels["other"] == channels["base"].model_copy(update={"channel": "d"})


def test_a_key_without_a_value_means_its_default(tmp_path: Path) -> None:
    """What is left when the lines below a key are commented out."""
    assert loaded(tmp_path, "mode: embedded\npipelines:\nchecks:\nalerts:\nstate:\nserver:\n") == loaded(
        tmp_path, "mode: embedded\n"
    )


def test_without_routes_everything_goes_to_all_channels(tmp_path: Path) -> None:
    """Nobody has to write a route to hear something."""
    text = GOOD[: GOOD.index("  routes:")]
    assert loaded(tmp_path, text).alerts.routes == (
        RouteSettings(to=("console", "slack"), severity_at_least=Severity.INFO, pipelines=()),
    )
    assert [route.to for route in loaded(tmp_path, "mode: embedded").alerts.routes] == [("console",)]


def test_paths_start_from_the_folder_of_the_file(tmp_path: Path) -> None:
    """Wherever the program is started; `var` moves the defaults below it; absolute paths stay."""
    config = loaded(tmp_path, "var: data\n")
    assert (config.var, config.embedded.logs) == (tmp_path / "data", tmp_path / "data/logs")
    assert config.state.url.reveal() == f"sqlite:///{tmp_path}/data/phasewatch.db"
    config = loaded(tmp_path, "embedded: {logs: /logs}\nstate: {url: sqlite:////s.db}\n")
    assert (config.embedded.logs, config.state.url.reveal()) == (Path("/logs"), "sqlite:////s.db")


def test_variables_are_typed_as_written(tmp_path: Path) -> None:
    """Without quotes a variable may become a number or true; empty it is nothing; `$${` stays."""
    text = (
        "server: \n  port: ${PORT}\n"
        "checks:\n  function_logs:\n    enabled: ${ON}\n    every: ${EVERY:-7s}\n    settle: ${NOTHING:-}\n"
        'alerts: {channels: {slack: {channel: "$${A}-${A}-${B:-b}"}}}\n'
    )
    config = loaded(tmp_path, text, PORT="90", ON="false", A="1", B="", EVERY="")
    logs, slack = config.checks.function_logs, config.alerts.channels["slack"]
    assert slack.kind == "slack"
    assert (config.server.port, logs.enabled, logs.every, logs.settle, slack.channel) == (
        90,
        False,
        timedelta(seconds=7),
        timedelta(minutes=2),
        "${A}-1-b",
    )


def test_a_variable_cannot_change_the_structure(tmp_path: Path) -> None:
    """Variables are put in after parsing."""
    text = "mode: embedded\ngcp: {project: my-project, region: '${R}'}\n"
    assert said(tmp_path, text, R="x}\nmode: gcp") == [
        "config.yaml:2:36: gcp.region: not the name of a region (from ${R}); for example us-west2"
    ]


# --- Shown, described


def test_what_is_shown_loads_to_the_same(tmp_path: Path) -> None:
    """The settings in force can be written to a file and used."""
    (tmp_path / "shown").mkdir()
    text = changed('channel: "#x"', 'channel: "$${x}"')
    for config in (load(SHIPPED, {}), loaded(tmp_path, text)):
        again = loaded(tmp_path / "shown", show(config))
        assert show(again) == show(config)
        assert again.pipelines == config.pipelines


def test_the_schema_accepts_the_shipped_file_and_refuses_mistakes() -> None:
    """As an editor reads it: dates are text, variables stand as they are written."""
    described = schema()
    jsonschema.Draft202012Validator.check_schema(described)
    validator = jsonschema.Draft202012Validator(described)
    tree = json.loads(json.dumps(yaml.safe_load(SHIPPED.read_text(encoding="utf-8")), default=str))
    assert list(validator.iter_errors(tree)) == []
    wrong: list[dict[str, Any]] = [
        {"mod": "gcp"},
        {"mode": "both"},
        {"server": {"port": "eighty"}},
        {"checks": {"completions": {"every": 60}}},
        {"alerts": {"routes": [{}]}},
        {"pipelines": [{"name": "x"}]},
    ]
    assert [tree for tree in wrong if validator.is_valid(tree)] == []
    right: list[dict[str, Any]] = [
        {"server": {"port": "${P}"}, "state": {}, "embedded": {}, "pipelines": []},
        {"alerts": {"channels": {"oncall": {"kind": "slack", "channel": "c"}}}},
    ]
    assert [tree for tree in right if not validator.is_valid(tree)] == []


@cache
def described(part: str) -> dict[str, Any]:
    """One named part of the schema."""
    return dict(schema()["$defs"][part])


def settings_of(node: dict[str, Any], path: str = "", inside: tuple[str, ...] = ()) -> dict[str, Any]:
    """Every setting in the schema by its dotted name, with its default as written in the file.

    ``inside``: the parts of the schema around the node; what is in itself again (fields of a RECORD) is named once.
    """
    found: dict[str, Any] = {}
    if "$ref" in node:
        part = node["$ref"].rsplit("/", 1)[1]
        return {} if part in inside else settings_of(described(part), path, (*inside, part))
    for key, value in node.get("properties", {}).items():
        name = f"{path}.{key}" if path else key
        found.setdefault(name, value.get("default"))
        found |= {below: default for below, default in settings_of(value, name, inside).items() if below not in found}
    if "items" in node:
        found |= settings_of(node["items"], f"{path}[]", inside)
    for below in node.get("patternProperties", {}).values():
        found |= settings_of(below, f"{path}.<name>", inside)
    for choice in node.get("anyOf", ()):
        found |= {name: default for name, default in settings_of(choice, path, inside).items() if name not in found}
    return found


def test_the_documentation_names_every_setting_and_no_other() -> None:
    """With the default that holds."""
    rows = re.findall(r"^\| `([^`]+)` \|[^|]*\| ([^|]*) \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    documented = dict(rows)
    settings = settings_of(schema())
    assert sorted(name for name, _ in rows) == sorted(settings)
    # The kind of a channel is its name, whatever the schema says of one kind.
    scalars = {
        name: default
        for name, default in settings.items()
        if isinstance(default, bool | int | str) and default != "" and not name.endswith(".kind")
    }
    assert {name: yaml.safe_load(documented[name].strip("`")) for name in scalars} == scalars


def test_loading_needs_no_heavy_package() -> None:
    """Every command starts with it."""
    heavy = {"google", "sqlalchemy", "slack_sdk", "rich"}
    code = f"import sys, monitor.config.loading; print(*sorted({heavy} & sys.modules.keys()))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert answer.stdout.strip() == ""


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    """Immutable after the start."""
    config = loaded(tmp_path, GOOD)
    with pytest.raises(ValueError, match="frozen"):
        config.mode = "gcp"
    with pytest.raises(ValueError, match="frozen"):
        config.pipelines[0].name = "x"
    assert isinstance(config.pipelines[0], PipelineSettings)
