"""All forms of the report say the same, number by number; and what the figures in it mean."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from alerts.messages.wording import moment
from checks.phases.model import PhaseDay, PhaseState
from monitor.report import as_html, as_json, as_markdown, as_slack, as_text, badge, reliability
from monitor.report.as_text import SIGNS
from monitor.report.model import HealthReport
from monitor.report.words import TROUBLE_SHOWN, kept_words, response_words
from tests.support.reports import NOON, hostile, sample_report
from tests.support.slack_blocks import content, plain_lines

REPORT = sample_report()
JSON: dict[str, Any] = json.loads(as_json.render(REPORT))
[PIPELINE] = JSON["pipelines"]


def text_of(report: HealthReport = REPORT, width: int = 80) -> str:
    return as_text.render(report, colour=False, width=width)


def page_text(report: HealthReport = REPORT) -> str:
    """The page without its markup, white space folded."""
    body = as_html.render(report).split("<body>")[1].split('<script type="application/json"')[0]
    return re.sub(r" ([,.)])", r"\1", " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split()))


def markdown() -> str:
    return " ".join(re.sub(r"\\(.)", r"\1", as_markdown.render(REPORT)).split())


def slack_text() -> str:
    parts = json.loads(as_slack.render(REPORT))
    lines = [line for part in (parts, *parts["thread"]) for line in plain_lines(part["text"], part["blocks"])]
    return " ".join(" ".join(lines).split())


FORMS = {
    "text": lambda: " ".join(text_of().split()),
    "html": page_text,
    "markdown": markdown,
    "slack": slack_text,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_the_verdict_the_status_and_the_incidents(form: str) -> None:
    """In the same words."""
    said = FORMS[form]()
    assert JSON["status"] in said
    for sentence in JSON["verdict"]:
        assert sentence in said
    for incident in JSON["incidents"]:
        assert f"#{incident['id']}" in said
        assert incident["title"] in said


@pytest.mark.parametrize("form", ["text", "html", "markdown"])
def test_every_form_for_reading_has_the_same_numbers(form: str) -> None:
    """Rows recorded, missing and done by name, failures with their count, due times, what was looked at."""
    said = FORMS[form]()
    assert f"{PIPELINE['recording']['rows_inserted_last_24h']}, of which backfill 5" in said
    for phase in PIPELINE["phases"]:
        if phase["state"] in ("stalled", "blocked"):
            assert ", ".join(phase["missing"]) in said
        if phase["state"] == "stalled":
            assert phase["usual"] == {"median_at": "2026-01-15T13:12:00Z", "late_at": "2026-01-15T13:40:00Z"}
            assert "usually 08:12, 95% by 08:40; now 10:30" in said
            assert phase["cause"]["summary"] in said
    assert "(14:00 UTC)" in said, "when phase 3 was due"
    for failure in JSON["failures"]:
        assert failure["title"] in said
        assert failure["facts"]["where"] in said
    [silence] = JSON["silences"]
    for text in (silence["matcher"], silence["author"], silence["reason"], "until Thu 15 Jan 13:30 EST"):
        assert text in said
    assert "1,234 entries" in said
    assert "bytes billed: 31,457,280" in said
    for source in JSON["sources"]:
        for unseen in source["evidence"]["unseen"]:
            assert unseen in said


def test_the_tables_have_the_same_state_in_every_cell() -> None:
    """Words in the short tables, a sign for each in the long one."""
    expected = {(p["phase"], p["run_date"]): p["state"] for p in PIPELINE["phases"]}
    dates = sorted({day for _, day in expected})
    for said, split in ((text_of(), None), (re.sub(r"\\(.)", r"\1", as_markdown.render(REPORT)), "|")):
        for name in ("phase2", "phase3", "phase4"):
            rows = [line.strip("| ") for line in said.splitlines()]
            cells = [[cell.strip() for cell in row.split(split)] for row in rows if row.startswith(name)]
            assert [name, *(expected[name, day] for day in dates)] in cells


def test_the_long_history_has_a_sign_for_each_date() -> None:
    """14 dates fit into 80 columns; the signs are explained."""
    report = sample_report(NOON + timedelta(days=3), days=14)
    listed = {(p.day.phase, p.day.run_date): p.day.state for p in report.pipelines[0].phases}
    said = text_of(report)
    dates = report.pipelines[0].dates
    assert len(dates) == 7, "the calendar begins on the 12th"
    for name in ("phase2", "phase3", "phase4"):
        row = next(line for line in said.splitlines() if line.startswith(name))
        assert row.split() == [name, *(SIGNS[listed[name, day]] for day in dates)]
    assert max(map(len, said.splitlines())) <= 80
    for state in set(listed.values()):
        assert f"{SIGNS[state]} {state}" in " ".join(said.split())
    missing = [p.day for p in report.pipelines[0].phases if p.day.missing]
    named = [d for d in missing if f"{d.phase} of {d.run_date}: " in said]
    assert named == [d for d in missing if d.state in TROUBLE_SHOWN and not d.state.satisfied]
    assert {d.state for d in missing if d not in named} >= {PhaseState.QUORUM}, (
        "what is missing of a quorum is left out"
    )
    for kept in report.pipelines[0].kept:
        assert f"{kept.phase} {kept_words(kept)}" in " ".join(said.split())
    assert response_words(report) in " ".join(said.split())


def test_a_source_of_which_nothing_was_read_is_listed_all_the_same() -> None:
    """With its status, and what could not be seen."""
    assert "  logs  UNKNOWN\n     not seen: Entries of the bucket audit" in text_of()


def test_slack_would_take_it() -> None:
    """Even with ten thousand characters of log text; nothing in it calls anybody."""
    report = sample_report(logs=[hostile("<!channel> " + "y" * 10_000), hostile("<!here> & <@U123>")])
    told = json.loads(as_slack.render(report))
    for part in (told, *told["thread"]):
        content(part)  # raises what Slack would refuse
    assert "<!channel>" not in as_slack.render(report)
    assert "<@U123>" not in as_slack.render(report)


def test_markdown_is_only_text() -> None:
    """No markup of a log becomes markup of ours, and nobody is called by name."""
    report = sample_report(logs=[hostile("<img src=x> | `a` *b* [c](http://d) @everyone _e_ snake_case")])
    said = as_markdown.render(report)
    assert r"\<img src=x\> \| \`a\` \*b\* \[c\](http://d)" in said
    assert "@everyone" not in said
    assert "snake_case" in said


def test_badges_are_pictures_with_words() -> None:
    """For the whole, and for a phase that waits the state that tells most; hostile names stay text."""
    pictures = {"phasewatch: FAILING": badge.overall(REPORT), "phase3: stalled": badge.of_phase(REPORT, "phase3")}
    for words, picture in pictures.items():
        root = ET.fromstring(picture)
        assert words == str(root.get("aria-label"))
    with pytest.raises(KeyError):
        badge.of_phase(REPORT, "phase9")
    ET.fromstring(badge.draw("<script>&\"'", "x" * 100, "#fff"))


def day(state: PhaseState, **changes: Any) -> PhaseDay:
    due = NOON - timedelta(hours=2)
    made = PhaseDay(pipeline="nba", phase="phase3", run_date=NOON.date(), state=state, due_at=due, satisfied_at=due)
    return replace(made, **changes)


def test_due_times_are_kept_by_what_was_enough_in_time() -> None:
    """Equal is in time; what is not due yet, not owed or not known does not count."""
    later = NOON - timedelta(hours=1)
    days = [
        day(PhaseState.COMPLETE),
        day(PhaseState.COMPLETE_LATE, satisfied_at=later),
        day(PhaseState.QUORUM, satisfied_at=NOON - timedelta(hours=3)),
        day(PhaseState.COMPLETE_LATE, satisfied_at=NOON - timedelta(hours=3)),
        day(PhaseState.STALLED, satisfied_at=None),
        day(PhaseState.IN_PROGRESS, satisfied_at=None, due_at=NOON + timedelta(hours=1)),
        day(PhaseState.UNKNOWN, satisfied_at=None),
        day(PhaseState.NOT_EXPECTED, satisfied_at=None, due_at=None),
    ]
    [kept] = reliability.kept(days, NOON)
    assert (kept.in_time, kept.late, kept.never, kept.dates) == (3, 1, 1, 5)
    assert kept.late_by == timedelta(hours=1)
    assert kept_words(kept) == "3 of 5 in time, 1 late by 1 h 0 min, 1 not at all"


def test_it_is_said_from_when_on_incidents_are_on_record() -> None:
    """Without a state there is none at all; an incident from before the oldest run that is kept is on record too."""
    since, noon = NOON - timedelta(days=14), NOON
    whole = reliability.response((), since, noon, since - timedelta(days=1))
    half = reliability.response((), since, noon, since + timedelta(days=4))
    none = reliability.response((), since, noon, None)
    assert [r.unrecorded_until for r in (whole, half, none)] == [None, since + timedelta(days=4), noon]
    opened = REPORT.incidents[0].incident.opened_at
    early = reliability.response(REPORT.incidents, opened - timedelta(days=1), noon, opened + timedelta(hours=1))
    assert early.unrecorded_until == opened
    told = [response_words(replace(REPORT, response=r, as_of=noon)) for r in (whole, half, none)]
    record = "No watcher's record of incidents"
    assert record not in told[0]
    assert f"{record} before {moment(since + timedelta(days=4), REPORT.zone)}: there only" in told[1]
    assert f"{record}: there only the completions tell what was late." in told[2]


def test_the_response_to_incidents_is_measured_from_the_first_evidence() -> None:
    """Noticed after one hour here; the worst offender is the function, not the phase behind it."""
    assert JSON["response"] == {
        "incidents": 1,
        "to_notice_seconds": 3600,
        "to_resolve_seconds": None,
        "offenders": [{"name": "phase3-to-phase4-orchestrator", "incidents": 1}],
        "unrecorded_until": JSON["incidents"][0]["opened_at"],
    }
    assert "Noticed after 1 h" in page_text()
    assert "Noticed after 1 h" in markdown()
