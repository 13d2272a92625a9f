"""The result for people: what would break first, alike findings together, within the width of the terminal."""

from __future__ import annotations

from pathlib import Path

from checks.preflight import packages
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
    assert [line.split()[0] for line in text.splitlines() if line[:1].strip()][:3] == ["broken", "late", "whole"]
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
