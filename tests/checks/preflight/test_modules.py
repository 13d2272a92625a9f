"""Modules that lack what is asked of them, and beside each the twin that must stay silent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.checks.preflight.test_imports import PACKAGE
from tests.support.preflight import found

# name: (files of the imported package, what is found, files that are right)
MODULES: dict[str, tuple[dict[str, str], list[str], dict[str, str]]] = {
    "re-export": (
        {"lib/__init__.py": "from .util import nope\n"},
        ["load missing_name lib/__init__.py:1 lib.util.nope"],
        {"lib/__init__.py": "from .util import helper\n", "main.py": "from lib import helper\n"},
    ),
    "star import": (
        {"lib/__init__.py": "from .util import *\n", "main.py": "from lib import nope\n"},
        ["load missing_name main.py:1 lib.nope"],
        {"lib/__init__.py": "from .util import *\n", "main.py": "from lib import helper\n"},
    ),
    "__all__ that names nothing": (
        {"lib/util.py": "__all__ = ['helper', 'nope']\ndef helper(): ...\n", "main.py": "from lib.util import *\n"},
        ["load missing_name main.py:1 lib.util.nope"],
        {"lib/util.py": "__all__ = ['helper']\ndef helper(): ...\n", "main.py": "from lib.util import *\nhelper()\n"},
    ),
    "__all__ hides a name": (
        {
            "lib/util.py": "__all__ = ['helper']\ndef helper(): ...\nother = 1\n",
            "main.py": "from lib.util import *\nother\n",
        },
        ["load undefined_name main.py:2 other"],
        {
            "lib/util.py": "__all__ = ['helper']\n__all__ += ['other']\ndef helper(): ...\nother = 1\n",
            "main.py": "from lib.util import *\nother\n",
        },
    ),
    "namespace package": (
        {"spaces/a/deep.py": "x = 1\n", "main.py": "from spaces.a import nope\n"},
        ["load missing_name main.py:1 spaces.a.nope"],
        {"spaces/a/deep.py": "x = 1\n", "main.py": "from spaces.a import deep\nimport spaces.a.deep\n"},
    ),
    "module of a namespace package": (
        {"spaces/deep.py": "import nope\n", "main.py": "from spaces import deep\n"},
        ["load undeclared spaces/deep.py:1 nope"],
        {"spaces/deep.py": "import os\n", "main.py": "from spaces import deep\n"},
    ),
    "relative": (
        {"lib/a.py": "from ..nope import x\n", "main.py": "import lib.a\n"},
        ["load missing_module lib/a.py:1 ..nope"],
        {"lib/a.py": "from . import util\nfrom .util import helper\n", "main.py": "import lib.a\n"},
    ),
    "a module that nobody loads": (
        {"main.py": "import lib\ndef f():\n    return lib.util.helper()\n"},
        ["run missing_attribute main.py:3 lib.util"],
        {
            "main.py": "import lib, lib.more\ndef f():\n    return lib.util.helper()\n",
            "lib/more.py": "import lib.util\n",
        },
    ),
    "a circle through attributes": (
        {
            "main.py": "import lib.a\n",
            "lib/a.py": "import lib.b as b\nclass A: ...\n",
            "lib/b.py": "import lib.a\nclass B(lib.a.A): ...\n",
        },
        ["load circular_import lib/b.py:2 lib.a.A"],
        {
            "main.py": "import lib.a\n",
            "lib/__init__.py": "import lib.util\nfrom lib import b\nfrom lib import util\n",
            "lib/a.py": "class A: ...\nfrom lib import b\n",
            "lib/b.py": "import lib\nlib.util.helper()\nfrom lib import a\nclass B(a.A): ...\n",
        },
    ),
    "circle": (
        {
            "lib/a.py": "from lib.b import y\nx = 1\n",
            "lib/b.py": "from lib.a import x\ny = 1\n",
            "main.py": "import lib.a\n",
        },
        ["load circular_import lib/b.py:1 lib.a.x"],
        {
            "lib/a.py": "x = 1\nfrom lib.b import y\n",
            "lib/b.py": "from lib.a import x\ny = 1\n",
            "main.py": "import lib.a\n",
        },
    ),
    "circle of modules": (
        {
            "lib/a.py": "from lib.b import y\nx = 1\n",
            "lib/b.py": "from .a import x\ny = 1\n",
            "main.py": "import lib.a\n",
        },
        ["load circular_import lib/b.py:1 lib.a.x"],
        {
            "lib/a.py": "from lib import b\nx = 1\n",
            "lib/b.py": "from lib import a\ny = 1\n",
            "main.py": "import lib.a\n",
        },
    ),
    "circle that a function breaks": (
        {
            "lib/a.py": "from lib.b import y\nx = 1\n",
            "lib/b.py": "from lib.a import x\ny = x\n",
            "main.py": "import lib.a\n",
        },
        ["load circular_import lib/b.py:1 lib.a.x"],
        {
            "lib/a.py": "from lib.b import y\nx = 1\n",
            "lib/b.py": "def f():\n    from lib.a import x\ny = 1\n",
            "main.py": "import lib.a\n",
        },
    ),
    "names of a module for type checkers": (
        {
            "lib/a.py": "import typing\nif typing.TYPE_CHECKING:\n    from lib.util import helper\n",
            "main.py": "from lib.a import helper\n",
        },
        ["load typing_only_name main.py:1 lib.a.helper"],
        {
            "lib/a.py": "import typing\nif typing.TYPE_CHECKING:\n    from lib.util import helper\n"
            "else:\n    helper = 1\n",
            "main.py": "from lib.a import helper\n",
        },
    ),
    "names that come from elsewhere": (
        {"lib/a.py": "x = 1\n", "main.py": "from lib.a import y\n"},
        ["load missing_name main.py:1 lib.a.y"],
        {
            "lib/a.py": "def __getattr__(name): ...\n",
            "lib/b.py": "for n in 'xy':\n    globals()[n] = 1\n",
            "lib/c.py": "import sys\nsetattr(sys.modules[__name__], 'y', 1)\n",
            "lib/d.py": "def f():\n    global y\n    y = 1\n",
            "lib/e.py": "try:\n    y = 1\nexcept Exception:\n    pass\n",
            "lib/f.py": "with open('x') as y: pass\n",
            "lib/g.py": "for y in (): pass\n",
            "lib/h.py": "import lib.util as y, sys\n(z, [y, *r]) = 1, [2]\n",
            "main.py": "".join(f"from lib.{m} import y\n" for m in "abcdefgh"),
        },
    ),
    "deleted name": (
        {"lib/a.py": "x = 1\ndel x\n", "main.py": "from lib.a import y\n"},
        ["load missing_name main.py:1 lib.a.y"],
        {"lib/a.py": "x = y = 1\ndel x\n", "main.py": "from lib.a import y\n"},
    ),
    "name deleted at the end": (
        {"lib/a.py": "class X: ...\ndel X\n", "main.py": "from lib.a import X\n"},
        ["load missing_name main.py:1 lib.a.X"],
        {"lib/a.py": "class X: ...\ndel X\nX = 1\n", "main.py": "from lib.a import X\n"},
    ),
    "name bound for other versions": (
        {"lib/a.py": "import sys\nif sys.version_info < (3, 8):\n    X = 1\n", "main.py": "from lib.a import X\n"},
        ["load missing_name main.py:1 lib.a.X"],
        {
            "lib/a.py": "import sys\nif (3, 8) <= sys.version_info < (4,):\n    X = 1\n",
            "main.py": "from lib.a import X\n",
        },
    ),
    "attribute through the package": (
        {
            "lib/__init__.py": "from . import util as tools\n",
            "main.py": "import lib\nlib.tools.nope()\nlib.util.nada()\n",
        },
        ["load missing_attribute main.py:2 lib.util.nope", "load missing_attribute main.py:3 lib.util.nada"],
        {"lib/__init__.py": "from .util import helper as util\n", "main.py": "import lib\nlib.util.nope()\n"},
    ),
    "attribute of a folder without __init__": (
        {"lib/sub/deep.py": "", "main.py": "import lib.sub.deep\nlib.sub.nope\n"},
        ["load missing_attribute main.py:2 lib.sub.nope"],
        {"spaces/deep.py": "", "main.py": "import spaces.deep\nspaces.nope\n"},
    ),
    "attribute of a module that answers for any": (
        {"lib/a.py": "x = 1\n", "main.py": "from lib import a\na.y\n"},
        ["load missing_attribute main.py:2 lib.a.y"],
        {"lib/a.py": "def __getattr__(name): ...\n", "main.py": "from lib import a\na.y\n"},
    ),
    "compiled modules": (
        {"lib/fast.pyi": "x: int\n", "main.py": "from lib.fast import x\n"},
        ["load missing_module main.py:1 lib.fast"],
        {"lib/fast.cpython-311-x86_64-linux-gnu.so": "", "main.py": "from lib.fast import x\nfrom lib import fast\n"},
    ),
    "modules that the code makes": (
        {"main.py": "import lib.made\n"},
        ["load missing_module main.py:1 lib.made"],
        {"main.py": "import sys, types\nsys.modules['lib.made'] = types.ModuleType('made')\nimport lib.made\n"},
    ),
    "search path": (
        {"lib/inner/deep.py": "x = 1\n", "main.py": "import deep\n"},
        ["load undeclared main.py:1 deep"],
        {
            "lib/inner/deep.py": "x = 1\n",
            "main.py": "import os, sys\n"
            "sys.path.insert(0, os.path.join(os.path.dirname(__file__), 'lib', 'inner'))\nimport deep\n",
        },
    ),
    "search path by pathlib": (
        {"lib/inner/deep.py": "x = 1\n", "main.py": "import deep\n"},
        ["load undeclared main.py:1 deep"],
        {
            "lib/inner/deep.py": "x = 1\n",
            "main.py": "import sys\nfrom pathlib import Path\nHERE = Path(__file__).resolve().parent\n"
            "sys.path.append(str(HERE / 'lib' / 'inner'))\nimport deep\n",
        },
    ),
    "own module named like one of the standard library": (
        {"queue.py": "x = 1\n", "main.py": "from queue import Queue\n"},
        ["load missing_name main.py:1 queue.Queue"],
        {"queue.py": "Queue = 1\n", "main.py": "from queue import Queue\n"},
    ),
    "folder named like a distribution": (
        {"flask/notes.py": "", "main.py": "import flask.nope2\nimport lib.nope\n"},
        ["load missing_module main.py:2 lib.nope"],
        {"flask/notes.py": "", "main.py": "import flask\nfrom flask import Flask\n"},
    ),
}


@pytest.mark.parametrize("name", MODULES)
def test_modules_that_lack_what_is_asked_of_them(name: str, tmp_path: Path) -> None:
    """As above, with more files."""
    wrong, expected, right = MODULES[name]
    base = {**PACKAGE, "main.py": "import lib\n"}
    assert found(tmp_path / "wrong", {**base, **wrong}) == expected
    assert found(tmp_path / "right", {**base, **right}) == []
