"""Evidence and recorders in the settings: what may be written, what it means, and where mistakes are told."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from checks.phases.evidence import CompletionEvidence, ProcessorEvidence, TableEvidence
from checks.pipeline import Phase
from tests.support.config import GOOD, loaded, said

WRITTEN = "recorder: recorder-a"


def phase(folder: Path, recorder: str = WRITTEN, processor: str = "{name: one}") -> Phase:
    """The first phase of the good configuration, with this recorder and only that processor."""
    return loaded(folder, text(recorder, processor)).pipelines[0].to_pipeline().phases[0]


def text(recorder: str, processor: str) -> str:
    """The good configuration with one phase."""
    pipeline = f"""
    phases:
      - name: load
        {recorder}
        due: {{day: 1, time: "07:00"}}
        processors: [{processor}]
"""
    return GOOD.partition("    phases:")[0] + pipeline.lstrip("\n")


UNTIL = date(2026, 2, 12)
BY_ROW = CompletionEvidence()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("", (BY_ROW,)),
        (", evidence: [completion]", (BY_ROW,)),
        (
            ", evidence: [{completion: true, valid: {until: 2026-02-12}}, {table: raw.t, valid: {from: 2026-02-12}}]",
            (
                CompletionEvidence(valid_until=UNTIL),
                TableEvidence(table="raw.t", date="run_date", valid_from=UNTIL),
            ),
        ),
        (
            ", evidence: [{table: raw.t, date: \"DATE(at_time, 'UTC')\", where: a = 1, at_least: 5, time: at_time}]",
            (TableEvidence(table="raw.t", date="DATE(at_time, 'UTC')", where="a = 1", at_least=5, time="at_time"),),
        ),
        (
            ', evidence: [{table: raw.t, expected: "SELECT 1;"}]',
            (TableEvidence(table="raw.t", date="run_date", expected="SELECT 1;"),),
        ),
    ],
)
def test_what_may_be_written(tmp_path: Path, written: str, meant: tuple[ProcessorEvidence, ...]) -> None:
    """A completion row if nothing is said; the pipeline's run_date if no date is."""
    assert phase(tmp_path, processor=f"{{name: one{written}}}").processors[0].evidence == meant


def test_a_recorder_may_end(tmp_path: Path) -> None:
    """With it the evidence that nobody gave; what was said stays as it is."""
    ended = "recorder: {function: Recorder_A, until: 2026-02-12}"
    silent = phase(tmp_path, ended)
    assert (silent.recorder, silent.recorder_on(date(2026, 2, 11)), silent.recorder_on(UNTIL)) == (
        "recorder-a",
        "recorder-a",
        None,
    )
    assert silent.processors[0].evidence == (CompletionEvidence(valid_until=UNTIL),)
    assert [len(silent.expected_on(day)) for day in (date(2026, 2, 11), UNTIL)] == [1, 0]
    said_so = phase(tmp_path, ended, "{name: one, evidence: [completion]}")
    assert len(said_so.expected_on(UNTIL)) == 1


@pytest.mark.parametrize(
    ("processor", "mistake"),
    [
        ("{name: one, evidence: [{}]}", "evidence[0]: needs completion: true or a table, one of them"),
        (
            "{name: one, evidence: [{completion: true, table: raw.t}]}",
            "evidence[0]: needs completion: true or a table, one of them",
        ),
        ("{name: one, evidence: [completion, {completion: true, time: x}]}", "evidence[1].time: goes with a table"),
        ("{name: one, evidence: [completion, completion]}", "evidence[1]: completion again, as in evidence[0]"),
        (
            '{name: one, evidence: [{table: raw.t, at_least: 2, expected: "SELECT 1"}]}',
            "evidence[0].expected: at_least says already how many rows it takes",
        ),
        ('{name: one, evidence: [{table: raw.t, where: "a = 1; DROP"}]}', "evidence[0].where: must be one expression"),
        ('{name: one, evidence: [{table: raw.t, date: "d -- x"}]}', "evidence[0].date: must be one expression"),
        ('{name: one, evidence: [{table: raw.t, time: "a b"}]}', "evidence[0].time: not the name of a column"),
        ("{name: one, evidence: [tables]}", "evidence[0]: expected completion or a mapping with a table, found text"),
    ],
)
def test_mistakes_are_told_at_their_place(tmp_path: Path, processor: str, mistake: str) -> None:
    """With what would be right, where that helps."""
    [told] = said(tmp_path, text(WRITTEN, processor))
    assert mistake in told
