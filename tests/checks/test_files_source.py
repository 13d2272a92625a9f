"""The file log source: real files that grow, rotate, shrink, are rewritten and compressed between reads."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard

from checks.model import Evidence, Window
from checks.ports import SourceError
from checks.sources.files import LogFiles

UNTIL = datetime(2026, 1, 26, 12, tzinfo=UTC)


def entry(n: int, **more: object) -> dict[str, object]:
    """One entry; its number orders it in time."""
    at = f"2026-01-26T10:{n // 60:02}:{n % 60:02}.5Z"
    return {"insertId": f"id-{n:03}", "timestamp": at, "receiveTimestamp": at, "textPayload": f"line {n}", **more}


def lines(*numbers: int) -> str:
    """Entries as JSON lines."""
    return "".join(json.dumps(entry(n)) + "\n" for n in numbers)


def array(*numbers: int) -> str:
    """Entries as ``gcloud logging read --format=json`` prints them."""
    return json.dumps([entry(n) for n in numbers], indent=2) + "\n"


class Tail:
    """A source with its cursor, which goes through JSON as it does in the store."""

    def __init__(self, folder: Path, **options: object) -> None:
        self.source = LogFiles(folder, **options)
        self.cursor = None
        self.evidence = Evidence()

    def read(self) -> list[int]:
        """The numbers of the entries that are new."""
        batch = self.source.read(self.cursor, UNTIL)
        again = self.source.read(self.cursor, UNTIL)
        assert list(again.entries) == list(batch.entries), "the same cursor gives the same entries"
        self.cursor = json.loads(json.dumps(batch.cursor))
        self.evidence = batch.evidence
        assert batch.malformed == batch.evidence.counts["malformed"]
        return [int(e["insertId"][3:]) for e in batch.entries]


@pytest.fixture
def tail(tmp_path):
    """The tail of a folder of this test's own."""
    return Tail(tmp_path)


def append(path: Path, text: str) -> None:
    """Write at the end of a file."""
    with path.open("a") as file:
        file.write(text)


def test_a_growing_file_gives_each_entry_once(tail, tmp_path):
    """Only what is new comes, and a read without news is empty."""
    append(tmp_path / "app.jsonl", lines(1, 2))
    assert tail.read() == [1, 2]
    assert tail.read() == []
    append(tmp_path / "app.jsonl", lines(3))
    assert tail.read() == [3]


def test_a_half_written_last_line_waits(tail, tmp_path):
    """It is neither lost nor malformed; a whole object without its newline does not wait."""
    whole = lines(1, 2, 3)
    cut = len(lines(1, 2)) - 20
    append(tmp_path / "app.log", whole[:cut])
    assert tail.read() == [1]
    append(tmp_path / "app.log", whole[cut:-1])
    assert tail.read() == [2, 3]
    append(tmp_path / "app.log", "\n" + lines(4))
    assert tail.read() == [4]
    assert tail.evidence.counts["malformed"] == 0


def test_a_renamed_file_is_finished_before_its_successor(tail, tmp_path):
    """Rotation by renaming: the rest of the old file, under whatever name, and all of the new one."""
    append(tmp_path / "app.log", lines(1, 2))
    assert tail.read() == [1, 2]
    append(tmp_path / "app.log", lines(3))
    (tmp_path / "app.log").rename(tmp_path / "app.log.old")
    append(tmp_path / "app.log", lines(4))
    assert tail.read() == [3, 4]
    append(tmp_path / "app.log.old", lines(5))
    assert tail.read() == [5]
    assert sorted(state["name"] for state in tail.cursor.values()) == ["app.log", "app.log.old"]
    (tmp_path / "app.log.old").unlink()
    assert tail.read() == []
    assert [state["name"] for state in tail.cursor.values()] == ["app.log"]


def test_a_file_that_was_copied_and_truncated_goes_on(tail, tmp_path):
    """Rotation by copying: the copy gives what had not been read, the truncated file starts over."""
    append(tmp_path / "app.log", lines(1, 2))
    assert tail.read() == [1, 2]
    append(tmp_path / "app.log", lines(3))
    shutil.copy(tmp_path / "app.log", tmp_path / "app.log.1")
    os.truncate(tmp_path / "app.log", 0)
    append(tmp_path / "app.log", lines(4))
    assert tail.read() == [3, 4]
    append(tmp_path / "app.log", lines(5))
    assert tail.read() == [5]


def test_a_truncated_file_that_outgrew_its_old_size_starts_over(tail, tmp_path):
    """Its size says nothing; that it begins differently does."""
    append(tmp_path / "app.log", lines(1, 2))
    assert tail.read() == [1, 2]
    os.truncate(tmp_path / "app.log", 0)
    append(tmp_path / "app.log", lines(3, 4, 5))
    assert tail.read() == [3, 4, 5]


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_compressed_files_are_read_whole_and_once(tail, tmp_path, compress):
    """Also when it is the file just read that was compressed by the rotation."""
    append(tmp_path / "app.log", lines(1, 2))
    (tmp_path / "older.jsonl.gz").write_bytes(compress(lines(11, 12).encode()))
    assert tail.read() == [1, 2, 11, 12]
    assert tail.read() == []
    append(tmp_path / "app.log", lines(3))
    (tmp_path / "app.log-20260126.gz").write_bytes(compress((tmp_path / "app.log").read_bytes()))
    (tmp_path / "app.log").unlink()
    append(tmp_path / "app.log", lines(4))
    assert tail.read() == [3, 4]
    assert tail.read() == []


def test_a_compressed_file_that_is_still_written_says_so(tail, tmp_path):
    """What is there comes, the cut is named, and the rest comes later without the first part."""
    data = gzip.compress(lines(1).encode()) + gzip.compress(lines(2).encode())
    (tmp_path / "app.json.gz").write_bytes(data[:-10])
    first = tail.read()
    assert tail.evidence.unseen == ("app.json.gz: the compressed data end or break at line 2",)
    (tmp_path / "app.json.gz").write_bytes(data)
    assert first + tail.read() == [1, 2]
    assert tail.evidence.unseen == ()


def test_an_array_is_taken_as_far_as_it_is_written(tail, tmp_path):
    """gcloud's export while it is written: complete entries come, half ones wait, and that it is open is noted."""
    whole = array(3, 2, 1)
    cut = len(whole) // 2
    append(tmp_path / "export.json", whole[:cut])
    assert tail.read() == [3]
    assert tail.evidence.notes == ("export.json: an array that is not closed yet",)
    append(tmp_path / "export.json", whole[cut:])
    assert tail.read() == [1, 2]
    assert (tail.evidence.notes, tail.evidence.counts["malformed"]) == ((), 0)


@pytest.mark.parametrize(("first", "second"), [((2, 1), (3, 2, 1)), ((1, 2), (1, 2, 3)), ((1, 2, 3), (9,))])
def test_an_array_that_was_rewritten_is_read_anew(tail, tmp_path, first, second):
    """Newest first, oldest first, and one that became shorter."""
    path = tmp_path / "export.json"
    path.write_text(array(*first))
    assert tail.read() == sorted(first)
    path.write_text(array(*second))
    assert tail.read() == sorted(second)
    assert (tail.read(), tail.evidence.counts["malformed"]) == ([], 0)


def test_entries_come_sorted_over_all_files(tail, tmp_path):
    """By time to the nanosecond, then insertId; those without a time come first."""
    times = {
        "b": "2026-01-26T10:00:00.000000002Z",
        "a": "2026-01-26T10:00:00.000000010Z",
        "d": "2026-01-26T10:00:01Z",
        "e": "2026-01-26T10:00:00.5Z",
        "c": "2026-01-26T05:00:00-05:00",
        "none": None,
        "number": 7,
    }
    for name, time in times.items():
        (tmp_path / f"{name}.json").write_text(json.dumps({"insertId": name, "timestamp": time}))
    batch = tail.source.read(None, UNTIL)
    assert [e["insertId"] for e in batch.entries] == ["none", "number", "c", "b", "a", "e", "d"]
    assert batch.evidence.window == Window(
        start=datetime(2026, 1, 26, 10, tzinfo=UTC), end=datetime(2026, 1, 26, 10, 0, 1, 1, tzinfo=UTC)
    )


def test_what_is_no_entry_is_counted_and_placed_but_not_shown(tail, tmp_path):
    """Broken lines, binary, other JSON and a line of ten megabytes: counted once, the first few by file and line."""
    secret = "password=hunter2"
    with (tmp_path / "app.log").open("wb") as file:
        file.write(f"{secret}\n{lines(1)}[1, 2]\n{{half\n".encode() + b"\x00\xff\n" + lines(2).encode())
        file.write(b'{"x": "' + b"y" * 10_000_000 + b'"}\n' + lines(3).encode() + b'"a"\n')
    assert tail.read() == [1, 2, 3]
    assert tail.evidence.notes == (
        "app.log:1 not JSON",
        "app.log:3 not an object",
        "app.log:4 not JSON",
        "app.log:5 not JSON",
        "app.log:7 longer than 1048576 bytes",
    )
    size = (tmp_path / "app.log").stat().st_size
    assert tail.evidence.counts == {"files": 1, "entries": 3, "malformed": 6, "bytes": size}
    assert (tail.read(), tail.evidence.counts["malformed"]) == ([], 0)


def test_one_read_is_bounded_and_the_rest_is_named(tmp_path):
    """A backlog comes in parts, in order, and nobody can think that it was all."""
    tail = Tail(tmp_path, max_bytes_per_read=2000, max_line_bytes=1000)
    append(tmp_path / "a.log", lines(*range(30)))
    append(tmp_path / "b.log", lines(*range(30, 35)))
    os.utime(tmp_path / "a.log", (1, 1))
    first = tail.read()
    assert 0 < len(first) < 30
    assert tail.evidence.unseen == (
        "a.log is not read to its end; the rest comes with the next read",
        "b.log is not read to its end; the rest comes with the next read",
    )
    found = first
    for _ in range(10):
        found += tail.read()
    assert (found, tail.evidence.unseen) == (list(range(35)), ())


def test_only_files_with_entries_are_looked_at(tail, tmp_path):
    """Other names, folders and pipes are not; one file under two names counts once."""
    (tmp_path / "folder.log").mkdir()
    (tmp_path / "readme.md").write_text(lines(1))
    (tmp_path / "app.json.tmp").write_text(lines(2))
    os.mkfifo(tmp_path / "pipe.log")
    (tmp_path / "app.ndjson").write_text(lines(3))
    os.link(tmp_path / "app.ndjson", tmp_path / "app2.txt")
    assert tail.read() == [3]
    assert tail.evidence.counts["files"] == 1


def test_what_cannot_be_read_is_unseen(tail, tmp_path):
    """A link that leads nowhere, and a file without permission: named, and the others are read."""
    (tmp_path / "app.json").write_text(lines(1))
    (tmp_path / "loop.json").symlink_to("loop.json")
    unseen = ["loop.json cannot be read: Too many levels of symbolic links"]
    if os.geteuid() != 0:  # nothing is forbidden to root
        (tmp_path / "private.json").write_text(lines(2))
        (tmp_path / "private.json").chmod(0)
        unseen.append("private.json cannot be read: Permission denied")
    assert tail.read() == [1]
    assert tail.evidence.unseen == tuple(unseen)


def test_a_missing_folder_is_an_error_with_a_remedy(tmp_path):
    """Not an empty answer: nobody looked."""
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "none", tmp_path / "file"):
        with pytest.raises(SourceError) as caught:
            LogFiles(folder).read(None, UNTIL)
        assert (caught.value.kind, str(caught.value), caught.value.remedy) == (
            "missing",
            f"the folder with log files does not exist: {folder}",
            f"create {folder}, or name another folder in the config",
        )


def test_a_past_moment_sees_only_what_had_been_received(tmp_path):
    """With the option, by receiveTimestamp; without it everything comes."""
    late = entry(3, receiveTimestamp="2026-01-26T13:00:00Z")
    (tmp_path / "app.json").write_text(lines(1) + json.dumps(late) + "\n" + lines(2))
    assert Tail(tmp_path).read() == [1, 2, 3]
    past = Tail(tmp_path, received_by_until=True)
    assert past.read() == [1, 2]
    assert past.evidence.counts["received_later"] == 1


def test_hostile_times_do_not_stop_the_read(tail, tmp_path):
    """Dates that do not exist or lie at the end of time: the entries come, the window is left out."""
    for n, time in enumerate(["2026-13-99T99:99:99Z", "9999-12-31T23:59:59.999999999Z"]):
        (tmp_path / f"{n}.json").write_text(json.dumps(entry(n, timestamp=time)))
    assert tail.read() == [0, 1]
    assert tail.evidence.window is None


def test_bounds_that_exclude_each_other_are_refused(tmp_path):
    """A read must have room for an entry."""
    with pytest.raises(ValueError, match="at least twice"):
        LogFiles(tmp_path, max_bytes_per_read=1000, max_line_bytes=1000)
