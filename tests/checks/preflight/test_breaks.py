"""A function folder with links into shared code, broken as people break it: what preflight says is what happens.

The truth comes from running it: the shipped files are laid out, ``main`` is imported and its function called, by another
Python process that knows nothing of preflight.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from checks.preflight.shipped import packages
from tests.support.preflight import line, report, write

F = "orchestration/cloud_functions/daily"
REPOSITORY = {
    ".git/HEAD": "",
    f"{F}/main.py": """\
        import json
        from shared.config import names
        from shared.utils.tracker import record_completion
        from handlers import HANDLERS

        def handle(event):
            HANDLERS[names.DEFAULT](event)
            return record_completion(json.dumps(event))
        """,
    f"{F}/handlers.py": "def ok(event):\n    return event\n\nHANDLERS = {'a': ok}\n",
    f"{F}/requirements.txt": "functions-framework\n",
    f"{F}/shared": "-> ../../../shared",
    "orchestration/__init__.py": "",
    "orchestration/tools.py": "x = 1\n",
    "shared/__init__.py": "",
    "shared/config/__init__.py": "",
    "shared/config/names.py": "DEFAULT = 'a'\n",
    "shared/utils/__init__.py": "",
    "shared/utils/clock.py": "import datetime\n\ndef now():\n    return datetime.UTC\n",
    "shared/utils/tracker.py": """\
        from shared.utils import clock

        def record_completion(text):
            from shared.validation import rules
            return rules.check(clock.now(), text)
        """,
    "shared/validation/__init__.py": "",
    "shared/validation/rules.py": "def check(at, text):\n    return at, text\n",
}
TRACKER, CLOCK, MAIN, HANDLERS = "shared/utils/tracker.py", "shared/utils/clock.py", f"{F}/main.py", f"{F}/handlers.py"

# name: (what changes: (file, old, new), None for a file that goes; what is found)
BREAKS: dict[str, tuple[list[tuple[str, str | None, str]], list[str]]] = {
    "nothing": ([], []),
    "an import deleted": (
        [(TRACKER, "from shared.utils import clock", "")],
        ["run undefined_name shared/utils/tracker.py:5 clock"],
    ),
    "a function renamed": (
        [(TRACKER, "def record_completion", "def record")],
        ["load missing_name main.py:3 shared.utils.tracker.record_completion"],
    ),
    "a constant renamed": (
        [("shared/config/names.py", "DEFAULT", "FIRST")],
        ["run missing_attribute main.py:7 shared.config.names.DEFAULT"],
    ),
    "a module's function renamed": (
        [("shared/validation/rules.py", "def check", "def checked")],
        ["run missing_attribute shared/utils/tracker.py:5 shared.validation.rules.check"],
    ),
    "a module deleted": (
        [(CLOCK, None, "")],
        ["load missing_name shared/utils/tracker.py:1 shared.utils.clock"],
    ),
    "an __init__ that nobody needs deleted": ([("shared/utils/__init__.py", None, "")], []),
    "a module moved": (
        [("shared/validation/rules.py", None, ""), ("shared/rules.py", "", "def check(at, text): ...\n")],
        ["run missing_name shared/utils/tracker.py:4 shared.validation.rules"],
    ),
    "a file in another case": (
        [(CLOCK, None, ""), ("shared/utils/Clock.py", "", "def now(): ...\n")],
        ["load missing_name shared/utils/tracker.py:1 shared.utils.clock"],
    ),
    "a table of handlers": (
        [(HANDLERS, "{'a': ok}", "{'a': ok, 'b': okay}")],
        ["load undefined_name handlers.py:4 okay"],
    ),
    "a decorator": ([(HANDLERS, "def ok", "@wraps\ndef ok")], ["load undefined_name handlers.py:1 wraps"]),
    "a name in a class body": (
        [(HANDLERS, "HANDLERS =", "class A:\n    x = y\n\nHANDLERS =")],
        ["load undefined_name handlers.py:5 y"],
    ),
    "a name in a comprehension": (
        [(HANDLERS, "return event", "return [even for e in event or '1']")],
        ["run undefined_name handlers.py:2 even"],
    ),
    "a name deleted": (
        [(HANDLERS, "{'a': ok}", "{'a': ok}\ndel HANDLERS")],
        ["load missing_name main.py:4 handlers.HANDLERS"],
    ),
    "an exception's name after it": (
        [
            (
                HANDLERS,
                "return event",
                "try:\n        1 / 0\n    except ZeroDivisionError as e:\n        pass\n    return e",
            )
        ],
        ["run undefined_name handlers.py:6 e"],
    ),
    "a count that nobody starts": (
        [(HANDLERS, "return event", "for e in 'ab':\n        count += 1\n    return count")],
        ["run unbound_local handlers.py:3 count"],
    ),
    "an import in one branch": (
        [(MAIN, "def handle(event):\n", "def handle(event):\n    if event:\n        import json\n")],
        ["run unbound_local main.py:10 json"],
    ),
    "under TYPE_CHECKING": (
        [
            (
                TRACKER,
                "from shared.utils import clock",
                "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from shared.utils import clock",
            )
        ],
        ["run typing_only_name shared/utils/tracker.py:7 clock"],
    ),
    "under a condition that never holds": (
        [
            (
                TRACKER,
                "from shared.utils import clock",
                "import sys\nif sys.version_info < (3, 8):\n    from shared.utils import clock",
            )
        ],
        ["run undefined_name shared/utils/tracker.py:7 clock"],
    ),
    "guarded, and needed when it runs": (
        [
            (
                TRACKER,
                "from shared.utils import clock",
                "try:\n    from shared.utils import clok as clock\nexcept ImportError:\n    clock = None",
            )
        ],
        ["disables missing_name shared/utils/tracker.py:2 shared.utils.clok"],
    ),
    "only in the repository": (
        [
            (
                TRACKER,
                "from shared.validation import rules",
                "from orchestration import tools; from shared.validation import rules",
            )
        ],
        ["run not_shipped shared/utils/tracker.py:4 orchestration"],
    ),
    "not uploaded": (
        [(f"{F}/.gcloudignore", "", "shared/validation/\n")],
        ["run not_shipped shared/utils/tracker.py:4 shared.validation"],
    ),
    "a circle": (
        [(CLOCK, "import datetime", "import datetime\nfrom shared.utils.tracker import record_completion")],
        ["load circular_import shared/utils/clock.py:2 shared.utils.tracker.record_completion"],
    ),
    "a module below a module": (
        [(MAIN, "import json", "import json, shared.config.names.deep")],
        ["load missing_module main.py:1 shared.config.names.deep"],
    ),
    "beyond the top": (
        [("shared/config/names.py", "DEFAULT", "from ...lib import x\nDEFAULT")],
        ["load missing_module shared/config/names.py:1 ...lib"],
    ),
    "the name of the standard library": (
        [(f"{F}/json.py", "", "x = 1\n")],
        ["run missing_attribute main.py:8 json.dumps"],
    ),
    "a star import of what is not there": (
        [
            (HANDLERS, "def ok", "__all__ = ['HANDLERS', 'nope']\ndef ok"),
            (MAIN, "from handlers import HANDLERS", "from handlers import *"),
        ],
        ["load missing_name main.py:4 handlers.nope"],
    ),
    "a module taken for its class": (
        [(CLOCK, "return datetime.UTC", "return datetime.now()")],
        ["run missing_attribute shared/utils/clock.py:4 datetime.now"],
    ),
    "a class taken for its module": (
        [(CLOCK, "import datetime", "from datetime import datetime")],
        ["run missing_attribute shared/utils/clock.py:4 datetime.datetime.UTC"],
    ),
    "a module called": (
        [(CLOCK, "return datetime.UTC", "return datetime()")],
        ["run missing_attribute shared/utils/clock.py:4 datetime"],
    ),
    "a module that nobody loads": (
        [
            (MAIN, "from handlers import", "import shared\nfrom handlers import"),
            (MAIN, "names.DEFAULT", "shared.more.X"),
            ("shared/more.py", "", "X = 'a'\n"),
        ],
        ["run missing_attribute main.py:8 shared.more"],
    ),
    "a global that one function sets": (
        [(HANDLERS, "return event", "global last\n    last = event\n    return last")],
        [],
    ),
    "a global that nobody sets, read first": (
        [(HANDLERS, "return event", "global last\n    last = last or event\n    return last")],
        ["run undefined_name handlers.py:3 last"],
    ),
    "a circle through an attribute": (
        [
            (CLOCK, "import datetime", "import datetime\nimport shared.utils.tracker as tracker"),
            (CLOCK, "def now", "WHO = tracker.record_completion\ndef now"),
        ],
        ["load circular_import shared/utils/clock.py:4 shared.utils.tracker.record_completion"],
    ),
    "a circle through an attribute, in a class": (
        [
            (CLOCK, "import datetime", "import datetime\nimport shared.utils.tracker as tracker"),
            (CLOCK, "def now", "class Clock:\n    who = tracker.record_completion\ndef now"),
        ],
        ["load circular_import shared/utils/clock.py:5 shared.utils.tracker.record_completion"],
    ),
    "an import for some data only": (
        [
            (
                TRACKER,
                "    from",
                "    if not text:\n        return None\n    if text != 1:\n        import not_there\n    from",
            )
        ],
        ["run undeclared shared/utils/tracker.py:7 not_there"],
    ),
    "a merge conflict": (
        [(CLOCK, "def now", "<<<<<<< HEAD\ndef now")],
        ["load does_not_compile shared/utils/clock.py:3 shared/utils/clock.py"],
    ),
    "indentation": (
        [(CLOCK, "    return", "   x = 1\n    return")],
        ["load does_not_compile shared/utils/clock.py:5 shared/utils/clock.py"],
    ),
    "a module of a computed name": (
        [(TRACKER, "    from", "    import importlib; importlib.import_module(f'shared.{text or 1}')\n    from")],
        [],
    ),
}
RUNS = "import main\nprint('loaded', flush=True)\nmain.handle({})\nprint('ran', flush=True)\n"
HAPPENS = {"load": "", "run": "loaded", "": "loaded ran", "disables": "loaded"}  # the guarded name is None when it runs


@pytest.mark.parametrize("name", BREAKS)
def test_what_preflight_says_is_what_happens(name: str, tmp_path: Path) -> None:
    """Each finding, and no other, with the effect that running the function shows."""
    edits, expected = BREAKS[name]
    write(tmp_path, REPOSITORY)
    for file, old, new in edits:
        path = tmp_path / file
        if old is None:
            path.unlink()
        elif old:
            assert old in path.read_text(encoding="utf-8")
            path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
        else:
            path.write_text(new, encoding="utf-8")
    package = packages.of_folder(tmp_path / F)
    assert [line(finding) for finding in report(package, tmp_path).findings] == expected
    if name == "a module of a computed name":
        return  # it fails, and nobody can know
    laid = tmp_path / "laid"
    for shipped, file in package.files.items():
        (laid / shipped).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, laid / shipped)
    done = subprocess.run(
        [sys.executable, "-c", RUNS], cwd=laid, capture_output=True, text=True, check=False, timeout=60
    )
    effect = expected[0].partition(" ")[0] if expected else ""
    assert " ".join(done.stdout.split()) == HAPPENS[effect], done.stderr
