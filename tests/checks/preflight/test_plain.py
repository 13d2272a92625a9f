"""Files that are not compiled, and functions that are left out: the answer is that of compiling everything."""

from __future__ import annotations

import ast
import json
import sys
import sysconfig
import warnings
from pathlib import Path
from typing import Any

import pytest

import checks
from checks.preflight.extract import Extractor, for_target
from checks.preflight.plain import plain
from checks.preflight.worker import _compiled, facts_of
from tests.support.preflight import found

HERE = (sys.version_info[0], sys.version_info[1])

# One of each kind that CPython's parser lets pass and its symbol table or compiler refuses, and some that do not parse.
REFUSED = {
    "argument twice": "def f(a, a): pass\n",
    "argument and global": "def f(a):\n    global a\n",
    "argument and nonlocal": "def g():\n    a = 1\n    def f(a):\n        nonlocal a\n",
    "global too late": "x = 1\ndef f():\n    print(x)\n    global x\n",
    "global too late, ruff told to say nothing": "x = 1\ndef f():\n    print(x)  # noqa\n    global x\n",
    "assigned before global": "def f():\n    x = 1\n    global x\n",
    "annotated before global": "def f():\n    x: int = 1\n    global x\n",
    "class before global": "def f():\n    class x: pass\n    global x\n",
    "function before global": "def f():\n    def x(): pass\n    global x\n",
    "nonlocal of nothing": "def f():\n    nonlocal x\n",
    "nonlocal at the top": "nonlocal x\n",
    "nonlocal too late": "def f():\n    x = 1\n    def g():\n        print(x)\n        nonlocal x\n",
    "assigned before nonlocal": "def f():\n    x = 1\n    def g():\n        x = 2\n        nonlocal x\n",
    "nonlocal and global": "def f():\n    x = 1\n    def g():\n        global x\n        nonlocal x\n",
    "return outside": "return 1\n",
    "return in a class": "class A:\n    return 1\n",
    "return outside, ruff told to say nothing": "return 1  # noqa\n",
    "return outside, ruff told by its code": "if 1:\n    return 1  # noqa: F706\n",
    "return outside, ruff told for the file": "# ruff: noqa\nx = 1\nreturn 1\n",
    "return outside, flake8 told for the file": "# flake8: noqa\nx = 1\nreturn 1\n",
    "yield outside": "yield 1\n",
    "yield in a comprehension": "def f():\n    return [(yield 1) for x in y]\n",
    "yield from outside": "yield from x\n",
    "yield from in async": "async def f():\n    yield from x\n",
    "await outside": "await x\n",
    "await in a plain function": "def f():\n    await x\n",
    "async with outside": "def f():\n    async with x:\n        pass\n",
    "async for outside": "def f():\n    async for x in y:\n        pass\n",
    "async comprehension outside": "def f():\n    return [x async for x in y]\n",
    "value of an async generator": "async def f():\n    yield 1\n    return 2\n",
    "value of an async generator with a long head": "async def f(\n    a,\n) -> int:\n    yield 1\n    return 2\n",
    "break outside": "def f():\n    break\n",
    "continue outside": "def f():\n    if x:\n        continue\n",
    "break in else": "for x in y:\n    pass\nelse:\n    break\n",
    "bare except first": "def f():\n    try:\n        pass\n    except:\n        pass\n    except ValueError:\n        pass\n",
    "future too late": "import os\nfrom __future__ import annotations\n",
    "future unknown": "from __future__ import nothing\n",
    "future braces": "from __future__ import braces\n",
    "star import in a function": "def f():\n    from os import *\n",
    "star import in a function, ruff told to say nothing": "def f():\n    from os import *  # noqa\n",
    "__debug__ assigned": "__debug__ = 1\n",
    "__debug__ as argument": "def f():\n    g(__debug__=1)\n",
    "keyword twice": "def f():\n    return g(a=1, a=2)\n",
    "two stars": "def f():\n    *a, *b = c\n",
    "star alone": "def f():\n    *a\n",
    "star alone after a colon": "def f():\n    if x: *a\n",
    "star alone after a semicolon": "def f():\n    x = 1; *a\n",
    "star alone on the first line": "*a\n",
    "star as a target": "*a = b\n",
    "star in with": "def f():\n    with x as *y: pass\n",
    "star in a formatted string of many lines": 'def f():\n    return f"""\n    {*a}"""\n',
    "star in a formatted string": "def f():\n    return f'{*a}'\n",
    "star in parentheses": "def f():\n    return (*a)\n",
    "walrus of a loop's variable": "def f():\n    return [x := 1 for x in y]\n",
    "walrus in an iterable": "def f():\n    return [x for x in (z := y)]\n",
    "walrus in a class's comprehension": "class A:\n    x = [y := z for z in w]\n",
    "wildcard first": "def f(x):\n    match x:\n        case _:\n            pass\n        case 1:\n            pass\n",
    "wildcard first among others": "def f(x):\n    match x:\n        case _ | 1:\n            pass\n",
    "capture first": "def f(x):\n    match x:\n        case y | 1:\n            pass\n",
    "different captures": "def f(x):\n    match x:\n        case [y] | 1:\n            pass\n",
    "capture first, on many lines": "def f(x):\n    match x:\n        case (\n            y | 1\n        ):\n            pass\n",
    "formatted string as a pattern": "def f(x):\n    match x:\n        case f'a':\n            pass\n",
    "captured twice": "def f(x):\n    match x:\n        case [y, y]:\n            pass\n",
    "key twice in a pattern": "def f(x):\n    match x:\n        case {1: _, 1: _}:\n            pass\n",
    "two stars in a pattern": "def f(x):\n    match x:\n        case [*_, *_]:\n            pass\n",
    "return in except*": "def f():\n    try:\n        pass\n    except* ValueError:\n        return 1\n",
    "break in except*": "for x in y:\n    try:\n        pass\n    except *ValueError:\n        break\n",
    "blocks too deep": "".join(f"{' ' * n}while {n}:\n" for n in range(45)) + " " * 45 + "pass\n",
    "blocks too deep, indented by four": "".join(f"{'    ' * n}for x in y:\n" for n in range(45))
    + "    " * 21
    + "pass\n",
    "unknown encoding": "# -*- coding: nothing -*-\nx = 1\n",
    "a null": "x = 1\n\0\n",
    "a null in a comment of a function": "def f():\n    return 1  # \0\n",
    "unclosed": "def f():\n    return (1\n",
    "indentation": "def f():\nreturn 1\n",
    "tabs and spaces": "def f():\n\tif x:\n        return 1\n",
    "tabs and spaces in one indentation": "def f():\n\t\tif x:\n\t        return 1\n\nif f:\n    pass\n",
    "merge conflict": "x = 1\n<<<<<<< HEAD\ny = 2\n=======\n",
    "positional after keyword": "def f():\n    return g(a=1, 2)\n",
    "literal assigned": "def f():\n    None = 1\n",
    "call deleted": "def f():\n    del g()\n",
    "unfinished string": "def f():\n    return 'a\n",
    "escape": "def f():\n    return '\\N{nothing}'\n",
    "number": "def f():\n    return 0777\n",
}


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What preflight says of each of them, read together."""
    folder = tmp_path_factory.mktemp("refused")
    files = {kind: folder / f"m{number}.py" for number, kind in enumerate(REFUSED)}
    for kind, file in files.items():
        file.write_text(REFUSED[kind], encoding="utf-8")
    extractor = Extractor(HERE, python=for_target(HERE), cache=None)
    answers = extractor.read(list(files.values()))
    return {kind: answers[file].error for kind, file in files.items()}


def refusal(source: bytes) -> SyntaxError | ValueError | None:
    """What CPython says of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(source, "<file>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            return error
    return None


@pytest.mark.parametrize("kind", REFUSED)
def test_what_the_compiler_refuses_is_found(kind: str, read: dict[str, Any]) -> None:
    refused = refusal(REFUSED[kind].encode())
    assert refused is not None
    message = refused.msg if isinstance(refused, SyntaxError) else str(refused)
    assert read[kind] is not None
    assert read[kind][1] == f"{type(refused).__name__}: {message}"


# What looks like it, and is read without compiling it.
PLAIN = {
    "star in a docstring": 'def f():\n    """Says\n    *much*\n    """\n',
    "star in a call": "def f():\n    return g(\n        *a\n    )\n",
    "nonlocal first": "def f():\n    x = 1\n    def g():\n        nonlocal x\n        x = 2\n",
    "noqa": "# ruff: noqa\ndef f():\n    return 1  # noqa\n",
    "async generator": "async def f():\n    yield 1\n    return\n",
    "yield in a docstring": 'async def f():\n    """Says yield."""\n    return 1\n',
    "return in a docstring": 'async def f():\n    """Does return things."""\n    yield 1\n',
    "alternatives": "def f(x):\n    match x:\n        case 'a' | None | B.c | D():\n            return 1\n",
    "__debug__ asked for": "def f():\n    if __debug__:\n        return 1\n",
    "encoding in a docstring": '"""About encoding: latin."""\n',
    "set of stars": "def f():\n    return {*a, *b}\n",
    "global first": "def f():\n    import y\n    global x\n    x = 1\n",
}


@pytest.mark.parametrize("kind", PLAIN)
def test_what_only_looks_like_it_is_not_compiled(kind: str) -> None:
    assert plain(PLAIN[kind].encode())


# Functions whose end is not where their indentation seems to say, and texts that look like functions.
TRICKS = {
    "string at the left": 'def f():\n    x = """\nimport os\ndef g():\n    y = 1\n"""\n    return x\nz = 1\n',
    "function in a string": 'x = """\ndef f():\n    y = 1\nimport os\n"""\nz = 1\n',
    "bracket at the left": "def f():\n    x = (\n1,\n)\n    return x\nz = 1\n",
    "continued line": "def f():\n    return x or \\\ny\nz = 1\n",
    "comment at the left": "def f():\n    x = 1\n# not the end\n    import os\n    return x\nz = 1\n",
    "on one line": "def f(): return 1\nif f:\n    z = 1\n",
    "header of many lines": "def f(\n    x=(1, 2),\n    y=')',\n) -> 'int':\n    return 1\nz = 1\n",
    "lines of Windows": "def f():\r\n    return 1\r\n\r\n\r\ndef g():\r\n    import os\r\nz = 1\r\n",
    "tabs": "class A:\n\tdef f(self):\n\t\treturn 1\n\tx = 1\ndef g():\n\treturn 1\nz = 1\n",
    "method and what follows it": "class A:\n    def f(self):\n        return 1\n    import os\nz = 1\n",
    "conditional function": "try:\n    import os\nexcept ImportError:\n    def f():\n        return 1\n    z = 1\n",
    "nothing behind it": "def f():\n    return 1",
    "global": "def f():\n    global z\n    z = 1\n",
    "decorated": "@property\n# why\ndef f():  # what\n    return 1\nz = f\n",
    "inner import": "def f():\n    def g():\n        import os\n    return g\nz = 1\n",
}


def told(facts: dict[str, Any]) -> str:
    """What the judgement needs of a file; try statements of functions without imports are told only if it is whole."""
    shown = {
        key: facts.get(key) for key in ("error", "events", "typing", "never", "all", "suspects", "paths", "script")
    }
    tries = facts.get("tries", ())
    imports = [
        [*item[:6], [[tries[index], part] for index, part in item[6]], *item[7:]] for item in facts.get("imports", ())
    ]
    return json.dumps({**shown, "imports": imports}, indent=1)


def both(source: bytes) -> tuple[str, str]:
    """The facts without most functions, and with all of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return told(facts_of(source, [], HERE)), told(_compiled(source, [], HERE))


@pytest.mark.parametrize("kind", TRICKS)
def test_what_is_left_out_changes_nothing(kind: str) -> None:
    source = TRICKS[kind].encode()
    assert plain(source)
    less, all_of_it = both(source)
    assert less == all_of_it


@pytest.mark.parametrize("package", ["asyncio", "email", "http", "json", "logging", "unittest", "checks"])
def test_real_files_say_the_same(package: str) -> None:
    folder = Path(checks.__file__).parent if package == "checks" else Path(sysconfig.get_path("stdlib"), package)
    files = sorted(folder.rglob("*.py"))
    assert sum(plain(file.read_bytes()) for file in files) > len(files) / 2
    for file in files:
        less, all_of_it = both(file.read_bytes())
        assert less == all_of_it, file


# Each binds the module's `json` in one branch of a function only.
BINDINGS = {
    "assigned": "json = 1",
    "annotated": "json: int = 1",
    "augmented": "json += 1",
    "in a chain": "y = json = 1",
    "among others": "y, json = 1, 2",
    "in parentheses": "(y, json) = 1, 2",
    "in a list": "[y, json] = 1, 2",
    "starred": "y, *json = 1, 2",
    "nested": "y, (z, json) = 1, (2, 3)",
    "after a call": "g(x).y, json = 1, 2",
    "second on its line": "y = 1; json = 2",
    "on many lines": "(\n            y,\n            json,\n        ) = 1, 2",
    "on a continued line": "y, \\\n            json = 1, 2",
    "loop": "for json in x: pass",
    "loop over pairs": "for y, json in x: pass",
    "with": "with x as json: pass",
    "walrus": "print(json := 1)",
    "function": "def json(): pass",
    "class": "class json: pass",
    "import": "import json",
    "import from": "from x import (\n            y as json,\n        )",
}


def test_every_way_to_bind_a_name_is_seen(tmp_path: Path) -> None:
    files = {
        f"m{number}.py": f"import json\ndef f(x):\n    if x:\n        {text}\n    return json.dumps\n"
        for number, text in enumerate(BINDINGS.values())
    }
    for text in files.values():
        ast.parse(text)
    answer = [line for line in found(tmp_path, files) if " unbound_local " in line and line.endswith(" json")]
    names = {line.split()[2].partition(":")[0] for line in answer}
    kinds = dict(zip(files, BINDINGS, strict=True))
    assert sorted(kinds[name] for name in names) == sorted(BINDINGS)
