"""A run with a cache says what one without says, whatever happened to the files, or to the cache, in between."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from checks.preflight import passing
from checks.preflight.cache import Cache
from checks.preflight.digests import digest_of, digests_of
from checks.preflight.examine import Examiner
from checks.preflight.shipped import packages
from monitor.preflight import formats
from tests.support.preflight import write

FILES = {
    "functions/f/main.py": "from shared.util import helper\nimport lib.a\nfrom lib import b\nhelper()\nb.run()\n",
    "functions/f/requirements.txt": "flask\n",
    "functions/f/lib/__init__.py": "",
    "functions/f/lib/a.py": "import flask\nfrom lib.b import run\n",
    "functions/f/lib/b.py": "import yaml\ndef run():\n    return nope\n",
    "functions/f/shared": "-> ../../shared",
    "shared/util.py": "def helper(): ...\n",
    "other/util.py": "def other(): ...\n",
    "lib/gone.py": "",
}
DAY = 86_400_000_000_000


def later() -> int:
    """So long after the files were written that the disk is believed."""
    return time.time_ns() + DAY


def told(root: Path, cached: Path | None) -> str:
    """What is found in the function."""
    package = packages.of_folder(root / "functions/f")
    with Examiner(root, cached=cached, clock=later) as examiner:
        return formats.as_json([passing.heed_comments(examiner.examine(package))], root)


def edited(root: Path, name: str, text: str) -> None:
    """Another text, with the old size and the old time where that is possible."""
    file = root / name
    about = file.stat()
    file.write_text(text)
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns))


def relinked(root: Path) -> None:
    """The shared code is another folder's."""
    (root / "functions/f/shared").unlink()
    (root / "functions/f/shared").symlink_to("../../other")


CHANGES: dict[str, Callable[[Path], object]] = {
    "a name": lambda root: edited(root, "shared/util.py", "def helpex(): ...\n"),
    "an import": lambda root: edited(root, "functions/f/lib/a.py", "import flash\nfrom lib.b import run\n"),
    "a circle": lambda root: edited(root, "functions/f/lib/b.py", "from lib.a import x\ndef run(): ...\n"),
    "a text that does not compile": lambda root: edited(root, "functions/f/lib/b.py", "def run(:\n"),
    "a file more": lambda root: write(root, {"functions/f/lib/c.py": "import lib.gone\n"}),
    "a file less": lambda root: (root / "functions/f/lib/b.py").unlink(),
    "another name of a file": lambda root: (root / "functions/f/lib/b.py").rename(root / "functions/f/lib/c.py"),
    "a file in place of another": lambda root: shutil.copy2(root / "other/util.py", root / "shared/util.py"),
    "a module that is not shipped": lambda root: [
        edited(root, "functions/f/lib/a.py", "import lib.gone\n"),
        (root / "lib/gone.py").unlink(),
    ],
    "requirements": lambda root: edited(root, "functions/f/requirements.txt", "PyYAML\n"),
    "what a symlink leads to": relinked,
    "a symlink to nowhere": lambda root: shutil.rmtree(root / "shared"),
    "an attribute of a module": lambda root: edited(root, "functions/f/lib/b.py", "def walk(): ...\n"),
    "a comment that passes over": lambda root: edited(
        root,
        "functions/f/lib/b.py",
        "import yaml\ndef run():\n    return nope  # preflight: ignore why not\n",
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_after_a_change_the_answer_is_that_of_a_run_without(tmp_path: Path, change: Callable[[Path], object]) -> None:
    """The first time, again, after the change, and after that again; and the change is seen."""
    root, cached = write(tmp_path / "repo", FILES), tmp_path / "cache.db"
    before = told(root, None)
    assert told(root, cached) == before
    assert told(root, cached) == before
    change(root)
    after = told(root, None)
    assert after != before
    assert told(root, cached) == after
    assert told(root, cached) == after


def test_what_is_known_is_not_read_again(tmp_path: Path) -> None:
    """Neither by us nor by ruff and the workers, which would have to find the file readable."""
    root, cached = write(tmp_path / "repo", FILES), tmp_path / "cache.db"
    first = told(root, cached)
    with closing(sqlite3.connect(cached)) as db, db:
        assert db.execute("SELECT count(*) FROM files").fetchone() == (5,)
        db.execute("UPDATE facts SET facts = '{}'")
    assert told(root, cached) != first


def test_a_file_that_has_just_changed_is_read_again(tmp_path: Path) -> None:
    """The next change may come within the same tick of the disk's clock."""
    file = tmp_path / "a.py"
    file.write_bytes(b"x = 1\n")
    cache = Cache(tmp_path / "cache.db", "maker")
    changed = file.stat().st_ctime_ns
    name = os.fsencode(file)
    for now, known in ((changed + 1_000_000_000, {}), (changed + 3_000_000_000, {name: digest_of(b"x = 1\n")})):
        assert digests_of([file], cache, now=now) == ({file: digest_of(b"x = 1\n")}, {})
        assert {path: digest for path, (_, digest) in cache.digests([name]).items()} == known
    cache.close()


def damaged(cached: Path) -> None:
    """No database any more."""
    cached.write_bytes(b"nonsense" * 1000)


def unreadable(cached: Path) -> None:
    """Rows of which nothing can be made."""
    with closing(sqlite3.connect(cached)) as db, db:
        db.execute("UPDATE facts SET facts = '{\"imports\": 1}' WHERE rowid % 2")
        db.execute("UPDATE facts SET facts = 'x' WHERE rowid % 2 = 0")
        db.execute("UPDATE files SET state = NULL, digest = 7")


def of_another(cached: Path) -> None:
    """Tables with other columns."""
    with closing(sqlite3.connect(cached)) as db, db:
        db.execute("DROP TABLE files")
        db.execute("CREATE TABLE files (a)")
        db.execute("DROP TABLE facts")
        db.execute("CREATE TABLE facts (a)")


@pytest.mark.parametrize("harm", [damaged, unreadable, of_another, Path.unlink, lambda cached: cached.chmod(0o444)])
def test_a_cache_that_is_broken_changes_nothing(tmp_path: Path, harm: Callable[[Path], object]) -> None:
    """It is left alone, or made good."""
    root, cached = write(tmp_path / "repo", FILES), tmp_path / "cache.db"
    expected = told(root, cached)
    harm(cached)
    assert told(root, cached) == expected
    assert told(root, cached) == expected


def test_a_cache_on_a_full_disk_changes_nothing(tmp_path: Path) -> None:
    """/dev/full takes no byte."""
    root = write(tmp_path / "repo", FILES)
    (tmp_path / "cache.db").symlink_to("/dev/full")
    assert told(root, tmp_path / "cache.db") == told(root, None)


def test_what_cannot_be_kept_does_not_hinder_what_comes_after(tmp_path: Path) -> None:
    """One that is too large for what is left; smaller ones still fit."""

    def kept(put: dict[str, str]) -> dict[str, str]:
        """What the next run finds of these."""
        cache = Cache(tmp_path / "cache.db", "maker")
        cache.put(put)
        cache.close()
        with closing(Cache(tmp_path / "cache.db", "maker")) as after:
            return after.get(["a", "b", "c"], str)

    assert kept({}) == {}
    with closing(sqlite3.connect(tmp_path / "cache.db")) as db, db:
        too_large = "BEFORE INSERT ON facts WHEN length(NEW.facts) > 9"
        db.execute(f"CREATE TRIGGER full {too_large} BEGIN SELECT RAISE(ABORT, 'full'); END")
    assert kept({"a": "a", "b": "b" * 10}) == {}
    assert kept({"c": "c"}) == {"c": "c"}


def test_runs_at_the_same_time_share_a_cache(tmp_path: Path) -> None:
    """All with the right answer."""
    root, cached = write(tmp_path / "repo", FILES), tmp_path / "cache.db"
    answers: list[str] = []
    runs = [threading.Thread(target=lambda: answers.append(told(root, cached))) for _ in range(4)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert answers == [told(root, None)] * 4


def test_names_of_files_that_are_no_text(tmp_path: Path) -> None:
    """They are found in the cache like others."""
    root, cached = write(tmp_path / "repo", FILES), tmp_path / "cache.db"
    Path(os.fsdecode(os.fsencode(root / "functions/f/lib") + b"/\xff.py")).write_text("import nope\n")
    expected = told(root, None)
    assert told(root, cached) == expected
    assert told(root, cached) == expected
    with closing(sqlite3.connect(cached)) as db, db:
        assert db.execute("SELECT count(*) FROM files").fetchone() == (6,)
