"""``phasewatch scan`` as people run it: a process with files, patterns of files, or a pipe."""

from __future__ import annotations

import gzip
import json
import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import zstandard

from tests.checks.logs.corpus import CASES, FOLDER
from tests.checks.logs.entries import entry, lines

TRACEBACK = """Traceback (most recent call last):
  File "/workspace/main.py", line 7, in run
    x = firestore.Client()
        ^^^^^^^^^
NameError: name 'firestore' is not defined"""
FAILURE = [entry("ERROR:app:Failed to write: name 'firestore' is not defined"), *lines(TRACEBACK, 0.000_1)]
QUIET = [entry("fine", 10 + n, 100 + n) for n in range(5)]


def run(*arguments: str, folder: Path, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """The command, in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "monitor", "scan", *arguments],
        cwd=folder,
        input=given,
        capture_output=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])},
        check=False,
    )


def as_lines(entries: Sequence[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in entries)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A failure in every form in which exports come, and a file without one."""
    forms = {
        "a.jsonl": as_lines(FAILURE),
        "b.json": json.dumps(FAILURE, indent=2).encode(),
        "c.json": json.dumps(FAILURE[::-1]).encode(),
        "d.jsonl.gz": gzip.compress(as_lines(FAILURE)),
        "e.jsonl.zst": zstandard.compress(as_lines(FAILURE)),
        "quiet.jsonl": as_lines(QUIET),
    }
    for name, content in forms.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def found(done: subprocess.CompletedProcess[bytes]) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize("name", ["a.jsonl", "b.json", "c.json", "d.jsonl.gz", "e.jsonl.zst", "-"])
def test_every_form_gives_the_same_json(folder: Path, name: str) -> None:
    """JSON lines, arrays, compressed, and standard input: the contract's fields and nothing else; exit code 1."""
    done = run("--format", "json", name, folder=folder, given=as_lines(FAILURE))
    assert (done.returncode, done.stderr) == (1, b"")
    assert found(done) == {
        "schema_version": 1,
        "entries": 6,
        "malformed": 0,
        "failures": [
            {
                "exception": "NameError",
                "name": "firestore",
                "module": None,
                "kind": "undefined-name",
                "service": "daily-import",
                "revision": "daily-import-00001-abc",
                "execution_ids": [],
                "file": "/workspace/main.py",
                "line": 7,
                "function": "run",
                "count": 1,
                "handled": True,
                "first_seen": "2026-01-26T09:07:04.000100Z",
                "last_seen": "2026-01-26T09:07:04.000168Z",
                "insert_ids": sorted(one["insertId"] for one in FAILURE[1:]),
            }
        ],
        "signals": [],
    }


def test_a_pattern_takes_all_its_files_and_one_failure_in_all_counts_once(folder: Path) -> None:
    """The same entries delivered in five files are one occurrence; quoted patterns are expanded here."""
    done = run("--format", "json", "[a-e].json*", "quiet.jsonl", "a.jsonl", folder=folder)
    assert (found(done)["entries"], [f["count"] for f in found(done)["failures"]]) == (35, [1])


def test_a_text_cut_between_two_files_is_whole(folder: Path) -> None:
    """As log rotation cuts it: the header and the frames here, the exception there."""
    (folder / "one.jsonl").write_bytes(as_lines(FAILURE[:3]))
    (folder / "two.jsonl").write_bytes(as_lines(FAILURE[3:]))
    done = run("--format", "json", "one.jsonl", "two.jsonl", folder=folder)
    assert [(f["file"], f["line"]) for f in found(done)["failures"]] == [("/workspace/main.py", 7)]


def test_the_text_names_what_a_person_needs(folder: Path) -> None:
    """By service: exception, place, count, times, revision and the last lines; no colour in a pipe."""
    done = run("a.jsonl", "quiet.jsonl", folder=folder)
    assert done.stdout.decode() == (
        "daily-import\n"
        "\n"
        "  NameError: name 'firestore' is not defined\n"
        "    /workspace/main.py:7 in run\n"
        "    once, caught and logged; 2026-01-26T09:07:04Z\n"
        "    revision daily-import-00001-abc\n"
        "    | Traceback (most recent call last):\n"
        '    |   File "/workspace/main.py", line 7, in run\n'
        "    |     x = firestore.Client()\n"
        "    |         ^^^^^^^^^\n"
        "    | NameError: name 'firestore' is not defined\n"
        "\n"
        "1 failure in 1 service; 11 entries read\n"
    )


def test_nothing_found_is_said_and_exits_with_0(folder: Path) -> None:
    """And --exit-zero does so in any case."""
    done = run("quiet.jsonl", folder=folder)
    assert (done.returncode, done.stdout) == (0, b"no failures; 5 entries read\n")
    assert run("a.jsonl", "--exit-zero", folder=folder).returncode == 0


def test_malformed_lines_are_counted_and_shown_with_their_place(folder: Path) -> None:
    """The first five, never their content; the rest of the file is read."""
    junk = [b"text", b'{"cut', b"[1]", b"{nope}", b"7", b"8", b"9"]
    (folder / "junk.jsonl").write_bytes(b"".join(line + b"\n" for line in junk) + as_lines(FAILURE))
    done = run("junk.jsonl", "--format", "json", folder=folder)
    assert (done.returncode, found(done)["malformed"], found(done)["entries"]) == (1, 7, 6)
    assert done.stderr.decode().splitlines() == [
        "junk.jsonl:1: not JSON",
        "junk.jsonl:2: not JSON",
        "junk.jsonl:3: not an object",
        "junk.jsonl:4: not JSON",
        "junk.jsonl:5: not an object",
        "and 2 more that are no log entries",
    ]


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_scanned(folder: Path) -> None:
    """Exit code 3: there is something that was not seen; 1 where failures were found all the same."""
    done = run("none.jsonl", "quiet.jsonl", folder=folder)
    assert (done.returncode, done.stdout) == (3, b"no failures; 5 entries read\n")
    assert done.stderr.decode() == "cannot read none.jsonl: No such file or directory\n"
    assert run("none.jsonl", "a.jsonl", folder=folder).returncode == 1
    assert run(".", folder=folder).stderr.decode() == "cannot read .: it is a folder; name what is in it: './*.json*'\n"


def test_what_is_no_json_at_all_is_told_what_to_do_about(folder: Path) -> None:
    """Plain logs, and what PowerShell's ``>`` makes of entries."""
    (folder / "plain.log").write_text("NameError: name 'x' is not defined\n")
    assert run("plain.log", folder=folder).stderr.decode().splitlines() == [
        "plain.log:1: not JSON",
        "entries are read as JSON: gcloud logging read ... --format=json",
    ]
    (folder / "shell.json").write_bytes(json.dumps([FAILURE[0]], indent=1).encode("utf-16"))
    told = run("shell.json", folder=folder).stderr.decode().splitlines()
    assert told[-1] == "shell.json is UTF-16, as PowerShell writes it: iconv -f utf-16 -t utf-8 shell.json"


def test_damaged_compression_is_told_and_what_is_before_it_is_read(folder: Path) -> None:
    """As after an interrupted download."""
    (folder / "cut.gz").write_bytes(gzip.compress(as_lines(FAILURE))[:-4])
    done = run("cut.gz", "--format", "json", folder=folder)
    assert (done.returncode, found(done)["entries"], found(done)["malformed"]) == (1, 6, 1)
    assert done.stderr.decode() == "cut.gz:7: the compressed data end or break here\n"


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--since", "2026-01-26T09:07:04Z"], 1),
        (["--since", "2026-01-26T04:07:05-05:00"], 0),
        (["--until", "2026-01-26T09:07:04Z"], 0),
        (["--until", "2026-01-26T09:07:04.1Z", "--since", "2026-01-26T09:00:00Z"], 1),
        (["--service", "Daily_Import", "--service", "other"], 1),
        (["--service", "other"], 0),
    ],
)
def test_filters_choose_what_is_looked_at(folder: Path, options: list[str], count: int) -> None:
    """Times with any offset, names in any spelling; all entries are counted."""
    done = run("a.jsonl", "--format", "json", *options, folder=folder)
    assert (found(done)["entries"], len(found(done)["failures"])) == (6, count)


def test_a_pattern_of_ones_own_gives_signals(folder: Path) -> None:
    """Listed apart; they are no failures, and the exit code stays 0."""
    done = run("quiet.jsonl", "--signature", "calm=(?i)FINE", "--format", "json", folder=folder)
    signals = [(s["signature"], s["service"], s["count"], s["sample"]) for s in found(done)["signals"]]
    assert (done.returncode, signals) == (0, [("calm", "daily-import", 5, "fine")])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--since", "yesterday", "a.jsonl"], "'yesterday' is no time with an offset"),
        (["--since", "2026-01-26T09:00:00", "a.jsonl"], "is no time with an offset"),
        (["--since", "2026-01-26T09:00:00Z", "--until", "2026-01-26T08:00:00Z"], "--until must be later than --since"),
        (["*.nothing"], "no file matches *.nothing"),
        (["--signature", "x", "a.jsonl"], "'x' is not NAME=PATTERN"),
        (["--signature", "x=(", "a.jsonl"], "signature 'x' is not a valid RE2 pattern"),
    ],
)
def test_wrong_usage_exits_with_2_and_a_sentence(folder: Path, arguments: list[str], sentence: str) -> None:
    """Before anything is read."""
    done = run(*arguments, folder=folder)
    assert done.returncode == 2
    assert sentence in " ".join(done.stderr.decode().split())


def test_large_files_read_by_several_processes_give_the_same(tmp_path: Path) -> None:
    """Segments, lines counted from the beginning of the file, and texts on both sides of their edges."""
    filler = as_lines([entry("fine " * 400, n, 1_000 + n, labels={"instanceId": f"{n % 7:04}"}) for n in range(60)])
    stream = as_lines([raw for entries in CASES.values() for raw in entries])
    data = (filler * 160 + stream) * 2 + b"junk\n" + filler * 40
    (tmp_path / "large.jsonl").write_bytes(data)
    done = run("large.jsonl", "--format", "json", folder=tmp_path)
    small = run(str(FOLDER / "cases.jsonl"), "--format", "json", folder=tmp_path)
    assert len(data) > 32 * 1024 * 1024
    assert found(done)["failures"] == found(small)["failures"]
    assert (found(done)["entries"], found(done)["malformed"]) == (21_600 + 2 * found(small)["entries"], 1)
    line = data.count(b"\n", 0, data.index(b"junk")) + 1
    assert done.stderr.decode() == f"large.jsonl:{line}: not JSON\n"


def test_progress_is_drawn_on_a_terminal_only(folder: Path) -> None:
    """Bytes and rate on stderr, while stdout stays a pipe with nothing but the result."""
    (folder / "big.jsonl").write_bytes(as_lines(QUIET) * 5_000)
    ours, theirs = pty.openpty()
    environment = {
        **os.environ,
        "TERM": "xterm",
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *sys.path]),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "monitor", "scan", "big.jsonl"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=environment,
    ) as process:
        os.close(theirs)
        drawn = b""
        try:
            while block := os.read(ours, 4096):
                drawn += block
        except OSError:  # Linux: the other side has closed
            pass
        assert process.stdout is not None
        assert process.stdout.read() == b"no failures; 25,000 entries read\n"
    os.close(ours)
    assert b"scanning" in drawn
    assert b"MB/s" in drawn
