"""The processes that read files: each file once, whoever is free; and what happens to those that do not end well."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from checks.preflight.workers import work

HERE = (sys.version_info[0], sys.version_info[1])


def interpreter(folder: Path, script: str) -> str:
    """A program in place of the interpreter."""
    program = folder / "python"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize("count", [1, 3])
def test_each_file_is_answered_once(tmp_path: Path, count: int) -> None:
    files = [tmp_path / f"{number} ä.py" for number in range(200)]
    for number, file in enumerate(files):
        file.write_text(f"name_{number} = 1\n")
    answers: list[tuple[Path, str]] = []
    work(sys.executable, HERE, [(file, []) for file in files], count, lambda *answer: answers.append(answer))
    assert {file: json.loads(facts)["events"] for file, facts in answers} == {
        file: [f"name_{number}"] for number, file in enumerate(files)
    }
    assert len(answers) == len(files)


def test_a_file_that_ends_its_process_is_passed_over(tmp_path: Path) -> None:
    """Nobody ever writes to the pipe; the process is killed long before its own minute is over."""
    first, pipe, last = tmp_path / "first.py", tmp_path / "pipe.py", tmp_path / "last.py"
    first.write_text("a = 1\n")
    last.write_text("b = 1\n")
    os.mkfifo(pipe)
    answers: dict[Path, str] = {}
    command = interpreter(tmp_path, f'exec timeout -s KILL 2 {sys.executable} "$@"')
    work(command, HERE, [(file, []) for file in (first, pipe, last)], 1, answers.__setitem__)
    assert {file.name: json.loads(answers[file]).get("events") for file in answers} == {
        "first.py": ["a"],
        "pipe.py": None,
        "last.py": ["b"],
    }
    assert json.loads(answers[pipe]) == {
        "error": [1, "the process that read this file died, or took longer than a minute"],
        "unread": True,
    }


def test_without_an_interpreter_nothing_is_answered(tmp_path: Path) -> None:
    answers: dict[Path, str] = {}
    work(str(tmp_path / "gone"), HERE, [(tmp_path / "a.py", [])], 2, answers.__setitem__)
    assert json.loads(answers[tmp_path / "a.py"])["unread"]


@pytest.mark.parametrize("script", ["exit 3", "echo nonsense", "kill -9 $$"])
def test_an_interpreter_that_does_not_run_is_given_up(tmp_path: Path, script: str) -> None:
    files = [tmp_path / f"{number}.py" for number in range(30)]
    answers: dict[Path, str] = {}
    work(
        interpreter(tmp_path, f"echo >> {tmp_path}/tries; {script}"),
        HERE,
        [(f, []) for f in files],
        2,
        answers.__setitem__,
    )
    assert set(answers) == set(files)
    assert all(json.loads(answer)["unread"] for answer in answers.values())
    assert len((tmp_path / "tries").read_text()) <= 20
