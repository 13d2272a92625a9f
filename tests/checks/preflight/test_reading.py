"""Files are read by other processes, which may die."""

from __future__ import annotations

from pathlib import Path

from checks.preflight.extract import Extractor, Interpreter, for_target
from tests.checks.preflight.test_plain import HERE


def test_an_interpreter_that_does_not_run_is_not_started_for_every_file(tmp_path: Path) -> None:
    """Nothing is known of any file then, and nothing is said to be well."""
    starts = tmp_path / "starts"
    broken = tmp_path / "python"
    broken.write_text(f"#!/bin/sh\necho >> {starts}\nexit 1\n")
    broken.chmod(0o755)
    files = [tmp_path / f"m{number}.py" for number in range(40)]
    for number, file in enumerate(files):
        file.write_text(f"x = {number}\n")
    real = for_target(HERE)
    assert real is not None
    python = Interpreter(
        command=str(broken), version=HERE, stdlib=real.stdlib, purelib=real.purelib, prefix=real.prefix
    )
    facts = Extractor(HERE, python=python, cache=None).read(files)
    assert all(facts[file].unread for file in files)
    assert len(starts.read_text().splitlines()) <= 2 * 10
