"""What stands under circumstances that say it may be missing, and the twins that do not say so.

Most of these were false findings in widely used libraries, or defects of releases that were withdrawn.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from checks.preflight.extract import for_target
from checks.preflight.shipped import packages
from tests.support.preflight import found, report, write

BASE = {"requirements.txt": "functions-framework\n", "lib/__init__.py": "", "lib/util.py": "def helper(): ...\n"}
TRY = "try:\n    from lib.nope import pandas\n    HAS = True\nexcept ImportError:\n    HAS = False\n"
GUARDED = "disables missing_module main.py:2 lib.nope"
RECREATED = "import typing\nif typing.TYPE_CHECKING:\n    from lib.util import helper\n"

# name: (files that are wrong, what is found, files that are right)
CASES: dict[str, tuple[dict[str, str], list[str], dict[str, str]]] = {
    "a flag that a failed import clears": (
        {"main.py": TRY + "if not HAS:\n    import lib.no\n"},
        ["load missing_module main.py:7 lib.no", GUARDED],
        {"main.py": TRY + "if HAS:\n    import polars, lib.frames\n", "lib/frames.py": "import pandas\n"},
    ),
    "a flag, asked in a function": (
        {"main.py": TRY + "def f():\n    import polars\n"},
        ["run undeclared main.py:7 polars", GUARDED],
        {"main.py": TRY + "def f(x):\n    if x and HAS:\n        import polars\n"},
    ),
    "a name that is None after a failed import": (
        {"main.py": TRY.replace("HAS", "pd") + "if pd is None:\n    import lib.no\n"},
        ["load missing_module main.py:7 lib.no", GUARDED],
        {"main.py": TRY.replace("HAS", "pd") + "if pd is not None:\n    import polars\n"},
    ),
    "a flag of an import that works": (
        {
            "main.py": "try:\n    import lib.util\n    HAS = True\nexcept ImportError:\n    HAS = False\nif HAS:\n    import lib.no\n"
        },
        ["load missing_module main.py:7 lib.no"],
        {"main.py": "try:\n    import lib.util\n    HAS = True\nexcept ImportError:\n    HAS = False\n"},
    ),
    "the else part of a guarded import": (
        {"main.py": "try:\n    import lib.util\nexcept ImportError:\n    pass\nelse:\n    import polars\n"},
        ["load undeclared main.py:6 polars"],
        {"main.py": "try:\n    import pandas\nexcept ImportError:\n    pandas = 1\nelse:\n    import polars\n"},
    ),
    "a module that is loaded already": (
        {"main.py": "import sys\ndef f():\n    if 'trio' not in sys.modules:\n        import trio\n"},
        ["run undeclared main.py:4 trio"],
        {"main.py": "import sys\ndef f():\n    if 'trio' in sys.modules:\n        import trio, sniffio\n"},
    ),
    "a module that is looked for": (
        {"main.py": "from importlib.util import find_spec\nif find_spec('lib.util'):\n    import lib.no\n"},
        ["load missing_module main.py:3 lib.no"],
        {"main.py": "from importlib.util import find_spec\nif find_spec('trio') is not None:\n    import trio\n"},
    ),
    "a distribution under a condition": (
        {
            "main.py": "import os\nif os.environ.get('X'):\n    import lib.no\ndef f(x):\n    if x:\n        import trio\n"
        },
        ["load missing_module main.py:3 lib.no", "run undeclared main.py:6 trio"],
        {
            "main.py": "import os\nif os.environ.get('X'):\n    import trio, lib.more\n",
            "lib/more.py": "import polars\n",
        },
    ),
    "a constant of another module for a version": (
        {"main.py": "from lib.util import PY37\nif PY37:\n    import lib.no\n", "lib/util.py": "PY37 = True\n"},
        ["load missing_module main.py:3 lib.no"],
        {"main.py": "from lib.util import PY399\nif PY399:\n    import lib.no\n", "lib/util.py": "PY399 = False\n"},
    ),
    "a module or name that only a later Python has": (
        {"main.py": "def f(a):\n    if a:\n        import annotationlib\n        from warnings import nope\n"},
        ["run missing_module main.py:3 annotationlib", "run missing_name main.py:4 warnings.nope"],
        {
            "main.py": "def f():\n    if HAS_NEW:\n        import annotationlib\n        from warnings import nope\nHAS_NEW = len([])\n"
        },
    ),
    "what only data decides": (
        {
            "main.py": "def f(a):\n    if a:\n        import lib.more\n        from json import nope\n",
            "lib/more.py": "import pytz\n",
        },
        ["run undeclared lib/more.py:1 pytz", "run missing_name main.py:4 json.nope"],
        {
            "main.py": "import platform\ndef f():\n    if platform.python_version() > '4':\n        from json import nope\n"
            "_fast = None\nif _fast is None:\n    from json import nope\n",
        },
    ),
    "below a return that always comes": (
        {"main.py": "import sys\ndef f():\n    if sys.version_info < (3, 8):\n        return\n    import pytz\n"},
        ["run undeclared main.py:5 pytz"],
        {"main.py": "import sys\ndef f():\n    if sys.version_info >= (3, 8):\n        return\n    import pytz\n"},
    ),
    "names of another Python's library, with a flag": (
        {"main.py": "try:\n    from heapq import nope_max\nexcept ImportError:\n    pass\n"},
        ["disables missing_name main.py:2 heapq.nope_max"],
        {"main.py": "try:\n    from heapq import nope_max\nexcept ImportError:\n    HAS = False\n"},
    ),
    "names that somebody else makes": (
        {"lib/__init__.py": RECREATED + "log = print(__name__)\n", "main.py": "from lib import helper\n"},
        ["load typing_only_name main.py:1 lib.helper"],
        {
            "lib/__init__.py": RECREATED + "from lib import util\nutil.recreate_module(__name__, {})\n",
            "lib/util.py": "def recreate_module(name, names): ...\n",
            "main.py": "from lib import helper\n",
        },
    ),
    "names made by vars and locals": (
        {"lib/util.py": "a = {}\ndef f():\n    return locals()\n", "main.py": "from lib.util import A\n"},
        ["load missing_name main.py:1 lib.util.A"],
        {
            "lib/util.py": "for n in 'AB':\n    locals()[n] = 1\n",
            "lib/v.py": "def put(name, where=vars()):\n    where[name] = 1\nput('C')\n",
            "main.py": "from lib.util import A\nfrom lib.v import C\n",
        },
    ),
    "text that is executed elsewhere": (
        {
            "main.py": "def f(text):\n    exec(compile(text, 'x', 'exec'), globals(), {})\n    exec(text, {})\n    made()\n"
        },
        ["run undefined_name main.py:4 made"],
        {"main.py": "def f(text):\n    exec(text, globals())\n    made()\n"},
    ),
    "a circle that a function loads": (
        {
            "main.py": "def f():\n    from lib.a import x\n",
            "lib/a.py": "from lib.b import y\nx = 1\n",
            "lib/b.py": "from lib.a import x\ny = 1\n",
        },
        ["run circular_import lib/b.py:1 lib.a.x"],
        {
            "main.py": "def f():\n    from lib.a import x\n",
            "lib/a.py": "x = 1\nfrom lib.b import y\n",
            "lib/b.py": "from lib.a import x\ny = 1\n",
        },
    ),
    "a circle of which Python would name one place": (
        {
            "main.py": "import lib.a\nimport lib.b\n",
            "lib/a.py": "from lib.b import y\nx = 1\n",
            "lib/b.py": "from lib.a import x\nfrom lib.a import x as z\ny = 1\n",
        },
        ["load circular_import lib/b.py:1 lib.a.x"],
        {
            "main.py": "import lib.a\n",
            "lib/a.py": "import typing as _t\nif _t.TYPE_CHECKING:\n    from lib.b import y\nx = 1\n",
            "lib/b.py": "from lib.a import x\ny = 1\n",
        },
    ),
    "a circle through a module that makes its names": (
        {"lib/__init__.py": "from lib import util\nname = 1\n", "lib/util.py": "from lib import name\n"},
        ["load circular_import lib/util.py:1 lib.name"],
        {
            "lib/__init__.py": "globals()['name'] = 2\nfrom lib import util\nname = 1\n",
            "lib/util.py": "from lib import name\n",
        },
    ),
    "a submodule that is not shipped, asked for by its own package": (
        {"lib/__init__.py": "from . import formats\nfrom .formats import x\n"},
        ["load missing_name lib/__init__.py:1 lib.formats", "load missing_module lib/__init__.py:2 lib.formats"],
        {"lib/__init__.py": "from . import formats\nfrom .formats import x\n", "lib/formats.py": "x = 1\n"},
    ),
    "a name that a package takes from itself": (
        {"lib/__init__.py": "from lib import later\nlater = 1\n"},
        ["load circular_import lib/__init__.py:1 lib.later"],
        {"lib/__init__.py": "first = 1\nfrom lib import first\n"},
    ),
    "a package below a folder that is no name": (
        {"main.py": "from .lib import util\n"},
        ["load missing_module main.py:1 .lib"],
        {"main.py": "", "tools/some-checks/own/__init__.py": "", "tools/some-checks/own/a.py": "from .b import x\n"}
        | {"tools/some-checks/own/b.py": "x = 1\n"},
    ),
    "a package that is on the search path itself": (
        {"main.py": "import lib.util\n", "lib/util.py": "from ..lib import nope\n"},
        ["load missing_module lib/util.py:1 ..lib"],
        {
            "main.py": "import lib.util\n",
            "lib/util.py": "import os, sys\nsys.path.insert(0, os.path.dirname(__file__))\nfrom .more import x\nimport more\n",
            "lib/more.py": "x = 1\n",
        },
    ),
    "a NameError that is expected": (
        {"main.py": "def f():\n    print(FileNotFoundError)\n    FileNotFoundError = IOError\n"},
        ["run unbound_local main.py:2 FileNotFoundError"],
        {
            "main.py": "def f():\n    try:\n        FileNotFoundError\n    except NameError:\n        FileNotFoundError = IOError\n"
        },
    ),
    "a count that reads itself": (
        {"main.py": "def f(a):\n    n = n + len(a)\n    return n\n"},
        ["run undefined_name main.py:2 n"],
        {"main.py": "def f(a):\n    n = [n for n in a]\n    n = n + [len(a)]\n    return n\n"},
    ),
    "a local called like something of the module": (
        {"main.py": "def join(): ...\ndef f(a):\n    if a:\n        join = 1\n    return join\n"},
        ["run unbound_local main.py:5 join"],
        {
            "main.py": "def join(): ...\ndef f(a):\n    for i in a:\n        join = i\n    return join\n"
            "def g(a):\n    if a == 1:\n        join = 1\n    elif a == 2:\n        join = 2\n    return join\n"
        },
    ),
    "declared, and bound by an inner function": (
        {"main.py": "def f():\n    x: int\n    def g():\n        x = 1\n    g()\n    return x\n"},
        ["run undefined_name main.py:6 x"],
        {"main.py": "def f():\n    x: int\n    def g():\n        nonlocal x\n        x = 1\n    g()\n    return x\n"},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_may_be_missing_is_told_from_what_is(name: str, tmp_path: Path) -> None:
    """Each with the twin that must stay silent."""
    wrong, expected, right = CASES[name]
    base = {"main.py": "import lib\n", **BASE}
    assert found(tmp_path / "wrong", {**base, **wrong}) == expected
    silent = found(tmp_path / "right", {**base, **right})
    assert [item for item in silent if not item.startswith("never") and item != GUARDED] == []


def test_tests_are_nobody_s_entry_point(tmp_path: Path) -> None:
    """In a package without an entry point what its tests lack cannot happen; a folder of tests alone is what it is."""
    files = {
        "pkg/__init__.py": "",
        "pkg/tests/test_a.py": "import pkg.nope\nif __name__ == '__main__':\n    print(1)\n",
        "setup.py": "import pkg.nada\n",
    }
    assert found(tmp_path / "with", files) == [
        "never missing_module pkg/tests/test_a.py:1 pkg.nope",
        "never missing_module setup.py:1 pkg.nada",
    ]
    assert found(tmp_path / "only", {"test_a.py": "from json import nope\n"}) == [
        "load missing_name test_a.py:1 json.nope"
    ]


def test_an_installed_package_may_make_modules_beside_itself(tmp_path: Path) -> None:
    """``tlz`` consists of a loader that gives it the names of another package."""
    site = write(
        tmp_path / "env/lib",
        {"made/__init__.py": "from made import _build\n", "made/_build.py": "import sys\nsys.meta_path.insert(0, 1)\n"}
        | {"plain/__init__.py": "x = 1\n"},
    )
    here = for_target(sys.version_info[:2])
    assert here is not None
    files = {"main.py": "from made import y\nfrom made.more import z\nfrom plain import y\n", "requirements.txt": ""}
    environment = replace(here, command="/nowhere/bin/python", purelib=site)
    assert found(tmp_path / "own", files, environment=environment) == ["load missing_name main.py:3 plain.y"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from lib.util import hepler\n", "; is 'helper' meant?"),
        ("from lib.util import other\n", "'lib.util'"),
        ("import lib.utils\n", "; is 'lib.util' meant?"),
        ("import lib.tracker\n", "; is 'lib.deep.tracker' meant?"),
        ("import lib.nope\n", "'lib.nope'"),
    ],
)
def test_a_message_says_what_may_be_meant(text: str, expected: str, tmp_path: Path) -> None:
    """Where something is like what is not there."""
    files = {**BASE, "main.py": text, "lib/deep/__init__.py": "", "lib/deep/tracker.py": ""}
    package = packages.of_folder(write(tmp_path, files))
    [finding] = report(package, tmp_path).findings
    assert finding.message.endswith(expected)


def test_a_circle_among_modules_that_others_import(tmp_path: Path) -> None:
    """Without an entry point any public module may be the first; packages above a module are loaded before it."""
    files = {
        "pkg/__init__.py": "",
        "pkg/a.py": "from pkg.b import y\nx = 1\n",
        "pkg/b.py": "from pkg.a import x\ny = 1\n",
    }
    assert found(tmp_path / "wrong", files) == ["run circular_import pkg/b.py:1 pkg.a.x"]
    within = {
        "pkg/__init__.py": "",
        "pkg/sub/__init__.py": "first = 1\nfrom pkg.sub.A import second\n",
        "pkg/sub/A.py": "from pkg.sub import first\nsecond = 1\n",
        "pkg/_own.py": "from pkg.part import z\nw = 1\n",
        "pkg/part.py": "z = 1\nfrom pkg._own import w\n",
    }
    assert found(tmp_path / "right", within) == []


PASSED_OVER = "try:\n    from lib.frames import Frame\n    from lib.util import helper\nexcept ImportError:\n    pass\n"
ASKED = "from lib import Frame, helper\n"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"lib/__init__.py": PASSED_OVER, "main.py": ASKED}, ["load {}.Frame", "load {}.helper"]),
        ({"lib/__init__.py": PASSED_OVER, "main.py": f"def f():\n    {ASKED}"}, ["run {}.Frame", "run {}.helper"]),
        (
            {"lib/__init__.py": PASSED_OVER, "main.py": ASKED, "lib/frames.py": "class Frame: ...\nimport lib.nope\n"},
            ["load {}.Frame", "load {}.helper"],
        ),
        ({"lib/__init__.py": PASSED_OVER + "helper = 1\n", "main.py": ASKED}, ["load {}.Frame"]),
        (  # works
            {"lib/__init__.py": PASSED_OVER, "main.py": ASKED, "lib/frames.py": "class Frame: ...\n"},
            [],
        ),
        (  # may be there: nobody knows
            {
                "lib/__init__.py": PASSED_OVER,
                "main.py": ASKED,
                "lib/frames.py": "from requests import Frame\n",
                "requirements.txt": "acme-all\n",
            },
            [],
        ),
        ({"lib/__init__.py": f"{PASSED_OVER}    Frame = helper = None\n", "main.py": ASKED}, []),
        ({"lib/__init__.py": PASSED_OVER, "main.py": f"try:\n    {ASKED}except ImportError:\n    pass\n"}, []),
        ({"lib/__init__.py": PASSED_OVER + "def __getattr__(name):\n    return name\n", "main.py": ASKED}, []),
        ({"lib/__init__.py": PASSED_OVER, "main.py": "from lib import frames\n", "lib/frames.py": ""}, []),
    ],
)
def test_names_of_an_import_that_fails_and_is_passed_over(
    files: dict[str, str], expected: list[str], tmp_path: Path
) -> None:
    """The module does not have them, nor those of the imports behind it; who asks for them anyway fails."""
    told = [item for item in found(tmp_path, {**BASE, **files}) if item.startswith(("load", "run"))]
    place = f"missing_name main.py:{2 if 'def f' in files['main.py'] else 1} lib"
    assert told == [item.format(place) for item in expected]
