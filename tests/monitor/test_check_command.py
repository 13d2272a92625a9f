"""`phasewatch check` and the names it is given."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from monitor.cli import cli

# Nobody is asked: the names are looked at first.
CONFIG = "gcp: {project: my-project-1, endpoints: {bigquery: 'http://127.0.0.1:9'}}\n"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nosuch", "there is no check 'nosuch'; the configuration has: function_logs"),
        ("metrics", "the check 'metrics' is not in use: set `checks.metrics` (the configuration has: function_logs)"),
    ],
)
def test_a_check_that_is_not_there_is_told_from_one_that_is_off(tmp_path: Path, name: str, said: str) -> None:
    """With what there is instead, or where to switch it on."""
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG)
    result = CliRunner().invoke(cli, ["--config", str(config), "check", name])
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (2, f"Error: {said}")
