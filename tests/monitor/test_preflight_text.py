"""The result for people: what would break first, alike findings together, within the width of the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.preflight.shipped import packages
from monitor.preflight.formats import as_github
from monitor.preflight.text import plain, render
from tests.support.preflight import report, write


def test_what_would_break_first_stands_first(tmp_path: Path) -> None:
    """Packages by their worst finding; lines that say the same together, and names that one line asks for."""
    files = {
        "whole/main.py": "",
        "whole/requirements.txt": "",
        "late/main.py": "def f():\n    import lib.nope\n",
        "late/requirements.txt": "",
        "late/lib.py": "",
        "broken/main.py": (
            "import lib.no\nimport lib.no\nfrom lib.util import a, b, c, d, e, f\nimport lib.more.of.the_same\n"
        ),
        "broken/requirements.txt": "",
        "broken/lib/__init__.py": "",
        "broken/lib/util.py": "",
    }
    reports = [report(package, tmp_path) for package in packages.discover(write(tmp_path, files))]
    text = render(reports, plain, everything=False, width=60)
    assert [line.split()[0] for line in text.splitlines() if line[:1].strip()][:3] == ["broken", "late", "nothing"]
    assert "\nnothing found in: whole\n" in text
    assert max(map(len, text.splitlines())) <= 60 or str(tmp_path) in text
    assert (
        text.partition("  fails at load: 9\n")[2].partition("\n\n")[0]
        == """\
    main.py:1, 2
      No module named 'lib.no'
    main.py:3
      cannot import name 'a' from 'lib.util'
      cannot import name 'b' from 'lib.util'
      cannot import name 'c' from 'lib.util'
      cannot import name 'd' from 'lib.util'
      ... and 2 more of this line
    main.py:4
      No module named 'lib.more'"""
    )
    assert "and 2 more" not in render(reports, plain, everything=True, width=60)


SHARED = "from shared import tracker\n"
FUNCTIONS = {
    ".git/HEAD": "",
    "shared/__init__.py": "",
    "shared/tracker.py": "def record():\n    return firestore.Client()\n",
    **{f"{name}/main.py": SHARED for name in "abcd"},
    **{f"{name}/requirements.txt": "" for name in "abcdef"},
    **{f"{name}/shared": "-> ../shared" for name in "abcd"},
    "d/main.py": "def main(request):\n    import shared.nope, shared.tracker\n",
    "e/main.py": "def main(request): ...\n",
    "e/copy.py": "import own\n",
    "f/main.py": "def main(request): ...\n",
    "f/copy.py": "import own\n",
}


def test_a_defect_that_several_packages_carry_stands_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the packages; what only one has stands with that one, and the others are named."""
    monkeypatch.chdir(write(tmp_path, FUNCTIONS))
    reports = [report(package, tmp_path) for package in packages.discover(tmp_path)]
    text = render(reports, plain, everything=False, width=72)
    assert (
        text.partition("\n\nd  (")[0]
        == """\
in several packages
  fails when the function runs: 1
    shared/tracker.py:2, inside record
      name 'firestore' is not defined
      by main.py -> shared/tracker.py:2, inside record
      in 4 packages: a, b, c, d"""
    )
    assert text.count("firestore") == 1
    assert "main.py:2, inside main\n      No module named 'shared.nope'\n" in text
    assert text.endswith(
        """\

nothing but that in: a, b, c
nothing found in: e, f

6 packages: 2 fails when the function runs (in 4 packages), 1 cannot
    happen from the entry point (in 2 packages)
"""
    )
    assert render(reports, plain, everything=True, width=72).count("name 'firestore'") == 4


def test_copies_of_a_file_carry_what_it_carries_and_effects_may_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy is known by its place in the package."""
    files = {
        **{f"{name}/requirements.txt": "" for name in "abc"},
        **{f"{name}/lib/util.py": "import pandas\n" for name in "abc"},
        **{f"{name}/main.py": "import lib.util\n" for name in "ab"},
        "c/main.py": "def main(request):\n    import lib.util\n",
    }
    monkeypatch.chdir(write(tmp_path, files))
    text = render(
        [report(package, tmp_path) for package in packages.discover(tmp_path)], plain, everything=False, width=72
    )
    assert (
        text
        == """\
in several packages
  fails at load: 1
    lib/util.py:1
      No module named 'pandas': pandas is not among the requirements
      by main.py -> lib/util.py:1
      in 2 packages: a, b; fails when the function runs in c

nothing but that in: a, b, c

3 packages: 1 fails at load (in 3 packages)
"""
    )


def test_symlinks_that_lead_nowhere_stand_together(tmp_path: Path) -> None:
    """They break for one reason, most often."""
    files = {"f/main.py": "", "f/requirements.txt": "", **{f"f/{n}.py": f"-> ../gone/{n}.py" for n in "abcdefg"}}
    [package] = packages.discover(write(tmp_path, files))
    text = render([report(package, tmp_path)], plain, everything=False, width=120)
    assert "    a.py and 6 more symlinks\n" in text
    assert text.count("leads nowhere") == 4
    assert "      ... and 3 more\n" in text


def test_a_place_is_annotated_once(tmp_path: Path) -> None:
    """GitHub shows the first ten of a kind."""
    reports = [report(package, tmp_path) for package in packages.discover(write(tmp_path, FUNCTIONS))]
    lines = as_github(reports, tmp_path).splitlines()
    assert [line.partition("::")[2].partition("::")[0] for line in lines] == [
        "error file=shared/tracker.py,line=2,title=preflight%3A undefined_name",
        "error file=d/main.py,line=2,title=preflight%3A missing_module",
    ]
    assert lines[0].endswith("[main.py -> shared/tracker.py:2, inside record] (and in 3 more packages)")
