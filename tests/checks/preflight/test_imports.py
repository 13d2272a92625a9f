"""Every kind of import that fails, and beside each the twin that must stay silent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.preflight import found

PACKAGE = {"requirements.txt": "functions-framework\n", "lib/__init__.py": "", "lib/util.py": "def helper(): ...\n"}

# name: (main.py that is wrong, what is found, main.py that is right)
CASES: dict[str, tuple[str, list[str], str]] = {
    "absolute": ("import lib.nope\n", ["load missing_module main.py:1 lib.nope"], "import lib.util\n"),
    "from": ("from lib.nope import x\n", ["load missing_module main.py:1 lib.nope"], "from lib.util import helper\n"),
    "name": (
        "from lib.util import hepler\n",
        ["load missing_name main.py:1 lib.util.hepler"],
        "from lib.util import helper as h\n",
    ),
    "submodule as name": (
        "from lib import nope\n",
        ["load missing_name main.py:1 lib.nope"],
        "from lib import util\n",
    ),
    "below a module": (
        "import lib.util.more\n",
        ["load missing_module main.py:1 lib.util.more"],
        "import lib.util as more\n",
    ),
    "continued line": (
        "from \\\n  lib.nope \\\n  import x\n",
        ["load missing_module main.py:1 lib.nope"],
        "from \\\n  lib.util \\\n  import helper\n",
    ),
    "lazy": (
        "def run():\n    import lib.nope\n",
        ["run missing_module main.py:2 lib.nope"],
        "def run():\n    import lib.util\n",
    ),
    "in a method": (
        "class A:\n    def run(self):\n        from lib.nope import x\n",
        ["run missing_module main.py:3 lib.nope"],
        "class A:\n    def run(self):\n        from lib.util import helper\n",
    ),
    "in a class body": (
        "class A:\n    from lib.nope import x\n",
        ["load missing_module main.py:2 lib.nope"],
        "class A:\n    from lib.util import helper\n",
    ),
    "type checking": (
        "from typing import TYPE_CHECKING\nif not TYPE_CHECKING:\n    import lib.nope\n",
        ["load missing_module main.py:3 lib.nope"],
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import lib.nope\n",
    ),
    "import_module": (
        "import importlib\nm = importlib.import_module('lib.nope')\n",
        ["load missing_module main.py:2 lib.nope"],
        "import importlib\nm = importlib.import_module('lib.util')\nn = importlib.import_module(f'lib.{m}')\n",
    ),
    "import_module in a function": (
        "from importlib import import_module\ndef run():\n    return import_module('lib.nope')\n",
        ["run missing_module main.py:3 lib.nope"],
        "from importlib import import_module\ndef run():\n    return import_module('lib.util')\n",
    ),
    "other version": (
        "import sys\nif sys.version_info >= (3, 8):\n    import lib.nope\n",
        ["load missing_module main.py:3 lib.nope"],
        "import sys\nif sys.version_info < (3, 8):\n    import lib.nope\n",
    ),
    "other platform": (
        "import sys\nif sys.platform != 'win32':\n    import lib.nope\n",
        ["load missing_module main.py:3 lib.nope"],
        "import sys\nif sys.platform == 'win32':\n    import lib.nope\n",
    ),
    "version in a constant": (
        "import sys\nPY3 = sys.version_info[0] == 3\nif PY3:\n    import lib.nope\n",
        ["load missing_module main.py:4 lib.nope"],
        "import sys\nPY2 = sys.version_info[0] == 2\nif PY2:\n    import lib.nope\n",
    ),
    "standard library": (
        "from json import nope\n",
        ["load missing_name main.py:1 json.nope"],
        "import os.path\nfrom os import path, environ\nfrom xml.etree import ElementTree\n",
    ),
    "removed from the standard library": (
        "from collections import Mapping\n",
        ["load missing_name main.py:1 collections.Mapping"],
        "from collections.abc import Mapping\nfrom collections import OrderedDict\n",
    ),
    "names of the standard library that are computed": (
        "import re\nfrom signal import SIGNOPE2\nimport json.nope\n",
        ["load missing_name main.py:2 signal.SIGNOPE2", "load missing_module main.py:3 json.nope"],
        "from re import IGNORECASE\nfrom ssl import OP_NO_COMPRESSION\nfrom socket import AF_INET\nfrom math import pi\n",
    ),
    "undeclared": (
        "import pandas\n",
        ["load undeclared main.py:1 pandas"],
        "import flask\n",  # functions-framework brings it
    ),
    "undeclared in a shared namespace": (
        "from google.cloud import firestore\n",
        ["load undeclared main.py:1 google.cloud.firestore"],
        "import functions_framework\n",
    ),
    "guard": (
        "try:\n    from lib import nope\nexcept ImportError:\n    nope = None\n",
        ["disables missing_name main.py:2 lib.nope"],
        "try:\n    from lib import util\nexcept ImportError:\n    util = None\n",
    ),
    "guard, and what needs it at load": (
        "try:\n    from lib.nope import Base\nexcept ImportError:\n    pass\nclass A(Base): ...\n",
        ["load undefined_name main.py:5 Base", "disables missing_module main.py:2 lib.nope"],
        "try:\n    from lib.util import helper\nexcept ImportError:\n    pass\nx = helper\n",
    ),
    "guard with all that needs it": (
        "try:\n    from lib.nope import Base\n    x = Base\nexcept ImportError:\n    pass\nelse:\n    class A(Base): ...\n",
        ["disables missing_module main.py:2 lib.nope"],
        "try:\n    from lib.util import helper\nexcept ImportError:\n    pass\nelse:\n    x = helper\n",
    ),
    "guard by suppress with all that needs it": (
        "import contextlib\nwith contextlib.suppress(ImportError):\n    from lib.nope import deco\n    @deco\n    def f(): ...\n",
        ["disables missing_module main.py:3 lib.nope"],
        "import contextlib\nwith contextlib.suppress(ImportError):\n    from lib.util import helper\n    x = helper\n",
    ),
    "guard that raises": (
        "try:\n    import lib.nope\nexcept ImportError as e:\n    raise RuntimeError('no') from e\n",
        ["load missing_module main.py:2 lib.nope"],
        "try:\n    import lib.util\nexcept ImportError as e:\n    raise RuntimeError('no') from e\n",
    ),
    "guard by suppress": (
        "import contextlib\nwith contextlib.suppress(ImportError):\n    import lib.nope\n",
        ["disables missing_module main.py:3 lib.nope"],
        "import contextlib\nwith contextlib.suppress(ImportError):\n    import lib.util\n",
    ),
    "guard of something else": (
        "try:\n    import lib.nope\nexcept ValueError:\n    pass\n",
        ["load missing_module main.py:2 lib.nope"],
        "try:\n    import lib.util\nexcept ValueError:\n    pass\n",
    ),
    "fallback": (
        "try:\n    import lib.nope as n\nexcept ImportError:\n    import lib.nada as n\n",
        ["load missing_module main.py:2 lib.nope", "load missing_module main.py:4 lib.nada"],
        "try:\n    import lib.nope as n\nexcept ImportError:\n    import lib.util as n\n",
    ),
    "fallback that is never needed": (
        "try:\n    import lib.nope as n\nexcept ImportError:\n    import ujson as n\n",
        ["load missing_module main.py:2 lib.nope", "load undeclared main.py:4 ujson"],
        "try:\n    import lib.util as n\nexcept ImportError:\n    import ujson as n\n",
    ),
    "optional distribution with its fallback": (
        "try:\n    import ujson\nexcept ImportError:\n    ujson = None\n",
        ["disables undeclared main.py:2 ujson"],
        "try:\n    import ujson as json\nexcept ImportError:\n    import json\n",
    ),
    "caught with all the work around it": (
        "def run(log):\n    try:\n        import lib.nope\n        lib.nope.work()\n    except Exception as e:\n        log(e)\n",
        ["disables missing_module main.py:3 lib.nope"],
        "def run(log):\n    try:\n        import lib.util\n        lib.util.helper()\n    except Exception as e:\n        log(e)\n",
    ),
    "relative in a script": (
        "from . import lib\n",
        ["load missing_module main.py:1 ."],
        "import lib\n",
    ),
    "attribute of a module": (
        "import lib.util as u\nimport lib.util\nfrom lib import util\ndef f():\n    u.hepler()\n    return lib.util.nope, util.nada\n",
        [
            "run missing_attribute main.py:5 lib.util.hepler",
            "run missing_attribute main.py:6 lib.util.nada",
            "run missing_attribute main.py:6 lib.util.nope",
        ],
        "import lib.util as u\nimport lib.util\nfrom lib import util\ndef f(v):\n    u.helper()\n    return lib.util.helper, util.helper, util.__doc__, lib.util\n",
    ),
    "attribute of a module at load": (
        "from lib import util\nTABLE = {'a': util.nope}\n",
        ["load missing_attribute main.py:2 lib.util.nope"],
        "from lib import util\nTABLE = {'a': util.helper}\n",
    ),
    "attribute of another thing of that name": (
        "from lib import util\ndef f():\n    return util.nope\n",
        ["run missing_attribute main.py:3 lib.util.nope"],
        "from lib import util\ndef f(util):\n    return util.nope\ndef g():\n    util = object()\n    return util.nope\nclass A:\n    def util(self): ...\n    x = property(util.nope)\ndef h():\n    return [util.nope for util in ()]\n",
    ),
    "attribute that the code asks for or sets": (
        "from lib import util\nprint(util.nope)\n",
        ["load missing_attribute main.py:2 lib.util.nope"],
        "from lib import util\nutil.nope = 1\nprint(util.nope)\n",
    ),
    "attribute that may be missing": (
        "from lib import util\ndef f():\n    try:\n        return util.nope\n    except ValueError:\n        return None\n",
        ["run missing_attribute main.py:4 lib.util.nope"],
        "from lib import util\ndef f():\n    try:\n        return util.nope\n    except AttributeError:\n        return None\n",
    ),
    "attribute behind a question": (
        "from lib import util\ndef f():\n    return util.nope if util else 1\n",
        ["run missing_attribute main.py:3 lib.util.nope"],
        "from lib import util\ndef f():\n    return util.nope if hasattr(util, 'nope') else 1\n",
    ),
    "attribute below a return for the version": (
        "import sys\nfrom lib import util\ndef f():\n    if sys.version_info < (3, 8):\n        return None\n    return util.nope\n",
        ["run missing_attribute main.py:6 lib.util.nope"],
        "import sys\nfrom lib import util\ndef f():\n    if sys.version_info >= (3, 8):\n        return None\n    return util.nope\n",
    ),
    "attribute of the standard library": (
        "import json\ndef f(g):\n    return json.dmups(g)\n",
        ["run missing_attribute main.py:3 json.dmups"],
        "import inspect, os, sys, logging.handlers\ndef f(g):\n    return inspect.signature(g), os.getcwd(), os.path.join, sys.argv, logging.handlers.SysLogHandler\n",
    ),
    "match and walrus": (
        "import lib\nmatch lib:\n    case None:\n        from lib import nope\n",
        ["load missing_name main.py:4 lib.nope"],
        "import lib\nmatch lib:\n    case None:\n        from lib import util\nif (x := 1):\n    y = x\n",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_an_import_that_fails_is_found_and_its_twin_is_not(name: str, tmp_path: Path) -> None:
    """Both in a function folder with one package and functions-framework."""
    wrong, expected, right = CASES[name]
    assert found(tmp_path / "wrong", {**PACKAGE, "main.py": wrong}) == expected
    assert found(tmp_path / "right", {**PACKAGE, "main.py": right}) == []


def test_what_an_import_would_do_depends_on_the_way_to_it(tmp_path: Path) -> None:
    """At load, when a function runs, behind a guard, or not at all."""
    broken = "import lib.nope\n"
    names = ("now", "later", "guarded", "unused", "both")
    files = {f"lib/{name}.py": broken for name in names}
    files |= {
        "lib/__init__.py": "",
        "main.py": """\
            import lib.now
            try:
                import lib.guarded
                import lib.both
            except ImportError:
                pass
            def run():
                import lib.later
                import lib.both
            """,
    }
    assert found(tmp_path, files) == [
        "load missing_module lib/now.py:1 lib.nope",
        "run missing_module lib/both.py:1 lib.nope",
        "run missing_module lib/later.py:1 lib.nope",
        "disables missing_module lib/guarded.py:1 lib.nope",
        "never missing_module lib/unused.py:1 lib.nope",
    ]
