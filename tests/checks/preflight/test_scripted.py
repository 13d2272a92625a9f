"""What an image starts by a shell script."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.preflight.shipped import dockerfile, packages, scripted
from tests.support.preflight import write


def started(words: list[str], folder: Path, script: str = "") -> str | None:
    """``file``, ``module`` or ``module:name`` that the command of an image starts, with this script beside it."""
    files = {"/app/run.sh": script, "/app/main.py": "", "/usr/local/bin/entry": script}
    write(folder, {path[1:]: text for path, text in files.items()})
    held = {path: folder / path[1:] for path in files}
    begin = scripted.start(words, dockerfile.Stage(workdir="/app", files=held))
    return begin and (begin.file or ":".join(filter(None, (begin.module, begin.name))))


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("/gone.sh", "/gone.sh"),
        ("bash ./gone.sh", "/app/gone.sh"),
        ("gone.sh", None),
        ("$HERE/gone.sh", None),
        ("nginx -g daemon", None),
    ],
)
def test_scripts_that_are_not_there(command: str, expected: str | None, tmp_path: Path) -> None:
    """By their path, if they were named with one."""
    assert started(command.split(), tmp_path) == expected


@pytest.mark.parametrize(
    "words", [["./run.sh"], ["/app/run.sh"], ["sh", "run.sh"], ["entry"], ["tini", "--", "./run.sh"]]
)
@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("#!/bin/sh\nset -e\necho starts gunicorn other:app\nexec gunicorn \\\n  main:app\n", "main:app"),
        ("#!/bin/sh\npython manage.py migrate\ngunicorn main:app\n", "main:app"),
        ("#!/bin/sh\npython watch.py &\nexec gunicorn main:app\nwait -n\n", "main:app"),
        ("#!/bin/sh\nif [ $1 = w ]; then\n  exec python w.py\nfi\nexec uvicorn main:app\n", "main:app"),
        ("#!/bin/sh\nif [ $1 = w ]; then\n  exec python w.py\nelse\n  exec uvicorn main:app\nfi\n", None),
        ("#!/bin/sh\nif [ $D ]; then\n  python main.py -d\nelse\n  python main.py\nfi\n", "/app/main.py"),
        ("#!/bin/sh\ncd /srv\npython main.py\n", "/srv/main.py"),
        ("#!/bin/sh\nexec gunicorn ${APP:-main:app}\n", None),
        ("#!/bin/sh\n./run.sh\n", None),
        ("#!/usr/bin/env node\nexec gunicorn main:app\n", None),
    ],
)
def test_scripts(words: list[str], script: str, expected: str | None, tmp_path: Path) -> None:
    """What the script starts at last; nothing where a condition decides, or where it is none of a shell."""
    assert started(words, tmp_path, script) == expected


def test_arguments_of_a_script(tmp_path: Path) -> None:
    """``exec "$@"`` starts what stands after it."""
    script = '#!/bin/sh\npython manage.py migrate\nexec "$@"\n'
    assert started(["./run.sh", "gunicorn", "main:app"], tmp_path, script) == "main:app"


@pytest.mark.parametrize(
    ("script", "entries", "told"),
    [
        ("exec gunicorn src.main:app --bind 0.0.0.0:80", ("src/main.py",), ["gunicorn"]),
        ("pip install gunicorn\nexec gunicorn src.main:app", ("src/main.py",), []),
        ("exec python other.py", (), ["/app/other.py"]),
        ("curl x -o other.py\nexec python other.py", (), []),
    ],
)
def test_an_image_that_starts_with_a_script(
    script: str, entries: tuple[str, ...], told: list[str], tmp_path: Path
) -> None:
    """It gives the entry point; what the script itself may bring is not missed."""
    files = {
        "Dockerfile": 'FROM python:3.11\nWORKDIR /app\nCOPY . .\nRUN pip install flask\nCMD ["/app/run.sh"]\n',
        "run.sh": f"#!/bin/sh\n{script}\n",
        "src/main.py": "app = 1\n",
    }
    (package,) = packages.discover(write(tmp_path, files))
    assert (package.entries if package.entry_known else ()) == entries
    assert [problem.symbol for problem in package.problems] == told
