"""Every labelled sample: precision and recall 1.0 in every field."""

from __future__ import annotations

import pytest

from checks.logs.failures import scan
from tests.checks.logs.corpus import CASES, LABELS, as_one_stream, differences

NOTHING: dict[str, list[str]] = {"missed": [], "invented": []}


@pytest.mark.parametrize("case", list(CASES))
def test_a_case_alone_gives_its_labels(case: str) -> None:
    """Each case on its own gives the labelled failures and nothing else."""
    assert differences([LABELS[case]], scan(CASES[case]).failures) == NOTHING


@pytest.mark.parametrize("newest_first", [False, True])
def test_all_cases_as_one_stream_give_all_labels(newest_first: bool) -> None:
    """The cases one after the other are one stream; ``gcloud`` prints it newest first by default."""
    stream = [entry for entries in CASES.values() for entry in entries]
    if newest_first:
        stream.reverse()
    result = scan(stream)
    assert result.entries == len(stream)
    assert result.malformed == 0
    assert differences([as_one_stream(LABELS.values())], result.failures) == NOTHING
