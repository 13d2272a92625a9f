"""What is taken from the standard library and is not there, whichever way its modules are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.preflight.cache import Cache
from checks.preflight.extract import for_target
from checks.preflight.library import Library
from tests.support.preflight import found

EXPECTED = "    except AttributeError:\n"

# name: (text that is wrong, what is found, text that is right)
CASES: dict[str, tuple[str, list[str], str]] = {
    "of a module, not of its class": (
        "import datetime\ndef f():\n    return datetime.now()\n",
        ["run missing_attribute main.py:3 datetime.now"],
        "import datetime\ndef f():\n    return datetime.datetime.now(datetime.UTC)\n",
    ),
    "of a class, not of its module": (
        "from datetime import datetime\ndef f():\n    return datetime.now() - datetime.timedelta(1)\n",
        ["run missing_attribute main.py:3 datetime.datetime.timedelta"],
        "from datetime import datetime, timedelta\ndef f():\n    return datetime.utcnow() - timedelta(1)\n",
    ),
    "of a function, not of its module": (
        "from time import time\ndef f():\n    time.sleep(1)\n",
        ["run missing_attribute main.py:3 time.time.sleep"],
        "from time import time\ndef f():\n    time()\n    return time.__name__\n",
    ),
    "of a module written in C": (
        "import math\nX = math.inff\n",
        ["load missing_attribute main.py:2 math.inff"],
        "import math\nX = math.inf\n",
    ),
    "of a module that computes its names": (
        "import os, inspect\ndef f():\n    return os.pth, inspect.getargspec(f)\n",
        ["run missing_attribute main.py:3 inspect.getargspec", "run missing_attribute main.py:3 os.pth"],
        "import os, inspect\ndef f():\n    return os.path.join('a'), os.sched_getaffinity, inspect.CO_NESTED\n",
    ),
    "an import": (
        "from itertools import batchd\nfrom os.path import joinn\n",
        ["load missing_name main.py:1 itertools.batchd", "load missing_name main.py:2 os.path.joinn"],
        "from itertools import chain\nfrom os.path import join\nfrom xml.etree import ElementTree\n",
    ),
    "on this platform": (
        "import os, signal, subprocess\ndef f():\n    return os.getcwdu(), os.join('a')\n",
        ["run missing_attribute main.py:3 os.getcwdu", "run missing_attribute main.py:3 os.join"],
        "import os, signal, subprocess\ndef f():\n    os.startfile, signal.CTRL_C_EVENT, subprocess.STARTUPINFO\n",
    ),
    "where nobody is prepared": (
        "import inspect\ndef f():\n    try:\n        inspect.getargspec(f)\n    except ValueError:\n        pass\n",
        ["run missing_attribute main.py:4 inspect.getargspec"],
        f"import inspect\ndef f():\n    try:\n        inspect.x\n{EXPECTED}        inspect.getargspec(f)\n",
    ),
    "under a name that means something else": (
        "import re\ndef f():\n    return re.argument\n",
        ["run missing_attribute main.py:3 re.argument"],
        "import re\ndef f():\n    try:\n        pass\n    except ValueError as re:\n        return re.argument\n",
    ),
    "modules are not called": (
        "import time, lib.util as util\ndef f():\n    return time(), util()\n",
        ["run missing_attribute main.py:3 lib.util", "run missing_attribute main.py:3 time"],
        "import time, lib.util as u\ndef f(time):\n    def u(): ...\n    return time(), u(), f.time(), 'u()'\n",
    ),
    "what is found before the path": (
        "import json\nX = json.dumps\n",
        ["load missing_attribute main.py:2 json.dumps"],  # a file of the package is called like it
        "import time\nX = time.time()\n",
    ),
}
FILES = {"requirements.txt": "", "lib/__init__.py": "", "lib/util.py": "def util(): ...\n"}


@pytest.mark.parametrize("name", CASES)
def test_what_the_library_lacks_is_found_and_its_twin_is_not(name: str, tmp_path: Path) -> None:
    """Asked of the interpreter; in a file that is read in part, too."""
    wrong, expected, right = CASES[name]
    hidden = {"json.py": "", "time.py": ""} if name == "what is found before the path" else {}
    assert found(tmp_path / "wrong", {**FILES, **hidden, "main.py": wrong}) == expected
    assert found(tmp_path / "right", {**FILES, **hidden, "main.py": right}) == []


def test_what_was_asked_once_is_remembered(tmp_path: Path) -> None:
    """A second run asks nobody; what takes too long or cannot be imported is not known."""
    here = for_target((3, 11)) or for_target((3, 12)) or for_target((3, 13))
    assert here is not None
    for command in (here.command, "/nowhere/python"):
        cache = Cache(tmp_path / "cache.db", "one")
        library = Library(command, cache)
        assert library.lacks("math", "inff") is True
        assert library.lacks("datetime", "timedelta", "datetime") is True
        assert library.lacks("datetime", "now", "datetime") is False
        assert library.lacks("nowhere", "x") is None
        assert library.lacks("this", "x") is None
        assert library.lacks("concurrent.futures", "ThreadPoolExecutor") is False  # it answers for names
        assert library.lacks("concurrent.futures", "TreadPoolExecutor") is True
        library.close()
        cache.close()
    nobody = Library(None, Cache(None, "two"))
    assert nobody.lacks("math", "inff") is None
