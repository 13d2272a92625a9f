"""Names that are not there when the code runs, and the twins that only look like it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.preflight import found

CASES: dict[str, tuple[str, list[str], str]] = {
    "in a function": (
        "def f():\n    return firestore.Client()\n",
        ["run undefined_name main.py:2 firestore"],
        "firestore = 1\ndef f():\n    return firestore.Client()\n",
    ),
    "expected in another function": (
        "def f():\n    return nope\n",
        ["run undefined_name main.py:2 nope"],
        "def f():\n    return nope\ndef g():\n    try:\n        nope\n    except NameError:\n        return None\n",
    ),
    "in a lambda": (
        "f = lambda event: nope\n",
        ["run undefined_name main.py:1 nope"],
        "f = lambda nope: nope\n",
    ),
    "at load": ("print(nope)\n", ["load undefined_name main.py:1 nope"], "nope = 1\nprint(nope)\n"),
    "decorator": (
        "@nope\ndef f(): ...\n",
        ["load undefined_name main.py:1 nope"],
        "def deco(f): return f\n@deco\ndef f(): ...\n",
    ),
    "default value": (
        "def f(x=nope): ...\n",
        ["load undefined_name main.py:1 nope"],
        "def f(x=len): ...\n",
    ),
    "annotation": (
        "def f(x: Nope): ...\n",
        ["load undefined_name main.py:1 Nope"],
        "from __future__ import annotations\ndef f(x: Nope) -> Nada: ...\nclass A:\n    y: Nope\n",
    ),
    "annotation in quotes": (
        "def f(x: list[Nope]): ...\n",
        ["load undefined_name main.py:1 Nope"],
        "def f(x: 'list[Nope]'): ...\ny: 'Nope'\n",
    ),
    "annotation of a local": (
        "class A:\n    x: Nope\n",
        ["load undefined_name main.py:2 Nope"],
        "def f(self):\n    x: Nope = 1\n    self.y: Nope = 2\n    return x\n",
    ),
    "cast": (
        "from typing import cast\nx = cast(Nope, 1)\n",
        ["load undefined_name main.py:2 Nope"],
        "from typing import cast\nx = cast('Nope', 1)\n",
    ),
    "type checking": (
        "import typing\nif typing.TYPE_CHECKING:\n    import json\ndef f():\n    return json.dumps(1)\n",
        ["run typing_only_name main.py:5 json"],
        "import typing\nif typing.TYPE_CHECKING:\n    import json\ndef f(x: 'json.JSONDecoder'):\n    import json\n    return json.dumps(x)\n",
    ),
    "class for type checkers": (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    class P: ...\nclass Q(P): ...\n",
        ["load typing_only_name main.py:4 P"],
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    class P: ...\nelse:\n    P = object\nclass Q(P): ...\n",
    ),
    "imported in one branch": (
        "def f(a):\n    if a:\n        import json\n    return json.dumps(a)\n",
        ["run unbound_local main.py:4 json"],
        "def f(a):\n    if a:\n        import json\n    else:\n        import pickle as json\n    return json.dumps(a)\n",
    ),
    "imported in one branch, and needed there": (
        "try:\n    def f(a, b):\n        if a:\n            import json\n        return json.dumps(b)\nexcept ValueError: ...\n",
        ["run unbound_local main.py:5 json"],
        "def f(a, json=None):\n    if json is None:\n        import json\n    found = None\n    if a:\n        import re\n        found = 1\n    if found:\n        re.compile(json)\n",
    ),
    "global that nobody sets": (
        "def f():\n    global n\n    if n is None:\n        n = 1\n    return n\n",
        ["run undefined_name main.py:3 n"],
        "ready = False\ndef f():\n    global n, ready\n    if ready:\n        return n\n    n = 1\n    ready = True\n    return n\n",
    ),
    "global that is counted": (
        "def f():\n    global n\n    n += 1\n",
        ["run undefined_name main.py:3 n"],
        "def f():\n    global n\n    n += 1\ndef start():\n    global n\n    n = 0\n",
    ),
    "global that is prepared for": (
        "def f():\n    global n, __doc__\n    return n, __doc__\n",
        ["run undefined_name main.py:3 n"],
        "def f():\n    global n\n    try:\n        return n\n    except NameError:\n        n = 1\n    return n\n",
    ),
    "deleted": ("x = 1\ndel x\nprint(x)\n", ["load undefined_name main.py:3 x"], "x = 1\nif x:\n    del x\n"),
    "exception's name": (
        "def f():\n    try:\n        pass\n    except ValueError as e:\n        pass\n    return e\n",
        ["run undefined_name main.py:6 e"],
        "def f():\n    try:\n        pass\n    except ValueError as e:\n        return e\n",
    ),
    "unbound": (
        "import json\ndef f():\n    x = json.dumps(1)\n    import json\n    return x\n",
        ["run unbound_local main.py:3 json"],
        "import json\ndef f():\n    import json\n    return json.dumps(1)\n",
    ),
    "unbound in one branch": (
        "import json\ndef f(a):\n    if a:\n        import json\n        json.loads(a)\n    return json.dumps(1)\n",
        ["run unbound_local main.py:6 json"],
        "import json\ndef f(a):\n    if a:\n        import json\n    else:\n        json = None\n    return json.dumps(1)\n",
    ),
    "unbound, asked twice": (
        "import json\ndef f(a, b):\n    if a:\n        import json\n    if b:\n        json.dumps(1)\n",
        ["run unbound_local main.py:6 json"],
        "import json\ndef f(a, b):\n    if a:\n        import json\n    if a:\n        json.dumps(1)\n",
    ),
    "unbound after a branch that leaves": (
        "import json\ndef f(a):\n    if a:\n        import json\n    else:\n        print(a)\n    json.dumps(1)\n",
        ["run unbound_local main.py:7 json"],
        "import json\ndef f(a):\n    if a:\n        import json\n    else:\n        raise ValueError\n    json.dumps(1)\n",
    ),
    "unbound in a loop": (
        "import json\ndef f(a):\n    for i in a:\n        import json\n    json.dumps(1)\n",
        ["run unbound_local main.py:5 json"],
        "import json\ndef f(a):\n    while True:\n        import json\n        if a:\n            break\n    json.dumps(1)\n",
    ),
    "never set": (
        "def f(a):\n    for i in a:\n        total += i\n    return total\n",
        ["run unbound_local main.py:3 total"],
        "def f(a):\n    for i in a:\n        if i:\n            print(last)\n        last = i\n    total = 0\n    total += 1\n    try:\n        x = 1\n    finally:\n        return total\n",
    ),
    "bound under a condition that never holds": (
        "import sys\nif sys.version_info < (3, 8):\n    from json import dumps\nif False:\n    def g(): ...\ndef f():\n    return dumps(g())\n",
        ["run undefined_name main.py:7 dumps", "run undefined_name main.py:7 g"],
        "import sys\nif sys.platform == 'win32':\n    import winreg\nif sys.version_info < (3, 8):\n    from json import dumps\nelse:\n    dumps = 1\nif sys.version_info < (3,):\n    map = 1\ndef f():\n    return dumps(map(winreg.x))\n",
    ),
    "try and finally": (
        "import json\ndef f(a):\n    try:\n        a()\n    except ValueError:\n        import json\n    json.dumps(1)\n",
        ["run unbound_local main.py:7 json"],
        "def f(connect):\n    try:\n        c = connect()\n    finally:\n        c.close()\n",
    ),
    "caught": (
        "def f(log):\n    try:\n        nope()\n    except Exception:\n        log()\n",
        ["disables undefined_name main.py:3 nope"],
        "def f(log):\n    try:\n        unicode\n    except NameError:\n        return log()\n    return unicode(1)\n",
    ),
    "old Python": (
        "import sys\nif sys.version_info >= (3,):\n    unicode('')\n",
        ["load undefined_name main.py:3 unicode"],
        "import sys\nif sys.version_info < (3,):\n    unicode('')\n",
    ),
    "scopes": (
        "class A:\n    x = 1\n    def f(self):\n        return x\n",
        ["run undefined_name main.py:4 x"],
        "class A:\n    x = 1\n    y = [z for z in (x,)] or x\n    def f(self):\n        return [z for z in (1,)], {k: v for k, v in ()}, (lambda w: w)(1), __class__\n",
    ),
    "names that the code makes": (
        "def f():\n    return made\n",
        ["run undefined_name main.py:2 made"],
        "for n in ('made',):\n    globals()[n] = 1\ndef f():\n    return made\n",
    ),
    "module that reads its names": (
        "x = globals().get('y', 1), 'z' in globals()\nSQL = '''\n  exec('drop')\n'''\ndef f():\n    return made, globals()['x']\n",
        ["run undefined_name main.py:6 made"],
        "globals()['made'] = 1\ndef f():\n    return made\n",
    ),
    "names that an update makes": (
        "def f():\n    return made\n",
        ["run undefined_name main.py:2 made"],
        "globals().update({'made': 1})\ndef f():\n    return made\n",
    ),
    "builtins": (
        "print(_('x'))\n",
        ["load undefined_name main.py:1 _"],
        "import builtins\nbuiltins._ = str\nprint(_('x'), __file__, __name__, WindowsError if False else len)\n",
    ),
    "comprehension and global": (
        "def f():\n    return [nope for _ in ()]\n",
        ["run undefined_name main.py:2 nope"],
        "def f():\n    global late\n    late = 1\ndef g():\n    def h():\n        nonlocal n\n        n = 2\n    n = 1\n    h()\n    return late, n\n",
    ),
    "does not compile": (
        "def f(): ...\nf(a=1, a=2)\n",
        ["load does_not_compile main.py:2 main.py"],
        "def f(**k): ...\nf(a=1, b=2)\n",
    ),
    "does not parse": ("def f(:\n", ["load does_not_compile main.py:1 main.py"], "def f(): ...\n"),
    "return at the top": ("return 1\n", ["load does_not_compile main.py:1 main.py"], "async def f():\n    await f()\n"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_name_that_is_not_there_is_found_and_its_twin_is_not(name: str, tmp_path: Path) -> None:
    """In one file."""
    wrong, expected, right = CASES[name]
    base = {"requirements.txt": ""}
    assert found(tmp_path / "wrong", {**base, "main.py": wrong}) == expected
    assert found(tmp_path / "right", {**base, "main.py": right}) == []


def test_star_imports_bring_names_or_do_not(tmp_path: Path) -> None:
    """Through several modules; from one that nobody can read, anything may come."""
    files = {
        "a.py": "from b import *\n",
        "b.py": "x = _hidden = 1\n",
        "main.py": "from a import *\nprint(x)\ndef f():\n    return y, _hidden\n",
        "requirements.txt": "",
    }
    assert found(tmp_path / "wrong", files) == [
        "run undefined_name main.py:4 _hidden",
        "run undefined_name main.py:4 y",
    ]
    opaque = {
        **files,
        "main.py": "from a import *\nprint(x, y)\n",
        "b.py": "from somewhere_c import *\n",
        "somewhere_c.cpython-311-x86_64-linux-gnu.so": "",
    }
    assert found(tmp_path / "right", opaque) == []


def test_a_loaded_submodule_is_a_name_of_its_package(tmp_path: Path) -> None:
    """Whoever loads it binds it there: in a function it is there in the end, at load only if it was loaded above."""
    files = {
        "main.py": "import pkg\nfrom pkg.util import x\n",
        "pkg/__init__.py": "def f():\n    return util.x\n",
        "pkg/util.py": "x = 1\n",
        "requirements.txt": "",
    }
    assert found(tmp_path / "loaded", files) == []
    nobody = {**files, "main.py": "import pkg\n"}
    assert found(tmp_path / "nobody", nobody) == ["run undefined_name pkg/__init__.py:2 util"]
    elsewhere = {**files, "pkg/__init__.py": "", "pkg/other.py": "def f():\n    return util.x\n"}
    elsewhere["main.py"] += "import pkg.other\n"
    assert found(tmp_path / "elsewhere", elsewhere) == ["run undefined_name pkg/other.py:2 util"]
    for number, (text, expected) in enumerate(
        (
            ("from .util import x\nprint(util.x)\n", []),
            ("print(util.x)\nfrom .util import x\n", ["load undefined_name pkg/__init__.py:1 util"]),
            ("print(util.x)\n", ["load undefined_name pkg/__init__.py:1 util"]),
        )
    ):
        at_load = {**files, "pkg/__init__.py": text}
        assert found(tmp_path / f"load{number}", at_load) == expected


def test_names_in_a_file_that_nothing_leads_to_cannot_fail(tmp_path: Path) -> None:
    """They are listed, last."""
    assert found(tmp_path, {"main.py": "", "requirements.txt": "", "old.py": "nope\n"}) == [
        "never undefined_name old.py:1 nope"
    ]


@pytest.mark.parametrize(("target", "expected"), [((3, 9), ["load does_not_compile main.py:1 main.py"]), ((3, 11), [])])
def test_code_must_compile_for_the_version_it_runs_on(
    target: tuple[int, int], expected: list[str], tmp_path: Path
) -> None:
    """With the target's own interpreter where there is one."""
    from checks.preflight.extract import for_target

    if for_target(target) is None:
        pytest.skip("no such interpreter here")
    files = {"main.py": "match 1:\n    case 1: pass\n", "requirements.txt": ""}
    assert found(tmp_path, files, target=target) == expected


@pytest.mark.parametrize(
    ("text", "target", "expected"),
    [
        ("def f(x: int | None = None): ...\n", (3, 9), ["load does_not_compile main.py:1 3.10"]),
        ("class A:\n    x: list[str] | None = None\n", (3, 9), ["load does_not_compile main.py:2 3.10"]),
        ("def f():\n    def g() -> str | None: ...\n    return g\n", (3, 9), ["run does_not_compile main.py:2 3.10"]),
        ("def f(x: dict[str, int]): ...\n", (3, 8), ["load does_not_compile main.py:1 3.9"]),
        ("def f(x: int | None = None): ...\n", (3, 11), []),
        ("def f(x: 'int | None', *y: dict[str, int]): ...\n", (3, 9), []),
        ("from __future__ import annotations\ndef f(x: int | None): ...\n", (3, 9), []),
        ("def f():\n    x: int | None = None\n    return x\n", (3, 9), []),
        ("from lib import A\ndef f(x: A | None, y: 1 | 2): ...\n", (3, 9), []),
        (
            "from typing import Dict\ndef f(x: Dict[str, int] | None): ...\n",
            (3, 9),
            ["load does_not_compile main.py:2 3.10"],
        ),
        (
            "from datetime import datetime as when\nclass A: ...\nclass B:\n    x: A | when\n",
            (3, 9),
            ["load does_not_compile main.py:4 3.10"],
        ),
        ("from typing import Any\ndef f(x: Any | None): ...\n", (3, 11), []),
        ("from re import I, M\nfrom lib import A\nclass B(A): ...\nX = I | M\nY = B | None\n", (3, 9), []),
    ],
)
def test_annotations_that_are_evaluated_must_suit_the_version(
    text: str, target: tuple[int, int], expected: list[str], tmp_path: Path
) -> None:
    """Unions and subscripts of builtins came with 3.10 and 3.9."""
    files = {"main.py": text, "lib.py": "class A: ...\n", "requirements.txt": ""}
    assert found(tmp_path, files, target=target) == expected
