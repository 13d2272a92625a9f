"""Calls with what a function of the package does not take, and beside each the twin that must stay silent."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.preflight.shipped import packages
from checks.preflight.signatures import Given, Signature, calls, misfit, signatures
from tests.support.preflight import found, report, write

LIB = {
    "requirements.txt": "functions-framework\n",
    "lib/__init__.py": "from .util import load as fetch\nfrom lib import log\n",
    "lib/log.py": "def say(*words, level=1): ...\n",
    "lib/util.py": """\
        import functools


        def load(table, *, day, dry=False):
            return table


        async def send(
            url: str,  # where to
            body: dict[str, int] = {"a": 1},
        ) -> None: ...


        @functools.cache
        def cached(): ...


        def twice(a): ...
        def twice(a, b): ...


        def open_(a, /, **more): ...
        """,
}

# name: (main.py that is wrong, what is found, main.py that is right)
CASES: dict[str, tuple[str, list[str], str]] = {
    "a name that is not taken": (
        "from lib.util import load\ndef main(request):\n    load('t', day=1, dry_run=True)\n",
        ["run wrong_arguments main.py:3 lib.util.load"],
        "from lib.util import load\ndef main(request):\n    load('t', day=1, dry=True)\n    load(*request, **request)\n",
    ),
    "one that is missing": (
        "from lib.util import load as fetch\nTABLE = fetch(\n    'a, b',  # (\n)\n",
        ["load wrong_arguments main.py:2 lib.util.load"],
        "from lib.util import load as fetch\nTABLE = fetch(\n    'a, b',\n    day=(1, 2),  # (\n)\n",
    ),
    "one too many": (
        "import lib.util\nasync def main(request):\n    await lib.util.send(1, 2, 3)\n",
        ["run wrong_arguments main.py:3 lib.util.send"],
        "import lib.util\nasync def main(request):\n    await lib.util.send(1, [2, 3])\n    await lib.util.send(1, body={})\n",
    ),
    "given twice": (
        "from lib import util\ndef main(request):\n    return util.load(1, table=2, day=3)\n",
        ["run wrong_arguments main.py:3 lib.util.load"],
        "from lib import util\ndef main(request):\n    return util.load(table=2, day=3)\n",
    ),
    "handed on by another module": (
        "import lib\ndef main(request):\n    return lib.fetch(1)\n",
        ["run wrong_arguments main.py:3 lib.util.load"],
        "import lib\ndef main(request):\n    return lib.fetch(1, day=2), lib.log.say(1, 2, level=3)\n",
    ),
    "of the same file": (
        "def main(request):\n    if request:\n        return step(request, 1)\ndef step(request): ...\n",
        ["run wrong_arguments main.py:3 main.step"],
        "def main(request):\n    if request:\n        return step(request)\ndef step(request): ...\n",
    ),
    "another thing of that name": (
        "from lib.util import load\ndef main(request):\n    return load()\n",
        ["run wrong_arguments main.py:3 lib.util.load"],
        "from lib.util import load\ndef main(load):\n    return load()\ndef f(x):\n    load = x\n    return load(), x.load()\ndef g():\n    def load(): ...\n    return load()\ndef h():\n    from json import load\n    return load()\n",
    ),
    "an error that is expected": (
        "from lib.util import load\ndef main(request):\n    try:\n        load()\n    except ValueError: ...\n",
        ["run wrong_arguments main.py:4 lib.util.load"],
        "from contextlib import suppress\nfrom lib.util import load\ndef main(request):\n    try:\n        load()\n    except TypeError:\n        load(1, day=1)\n    with suppress(TypeError):\n        load()\n",
    ),
    "an error that is passed over": (
        "from lib.util import load\ndef main(request):\n    try:\n        load()\n    except Exception as e:\n        print(e)\n",
        ["disables wrong_arguments main.py:4 lib.util.load"],
        "from lib.util import load\ndef main(request):\n    try:\n        load(1, day=1)\n    except Exception as e:\n        print(e)\n",
    ),
    "for another version": (
        "import sys\nfrom lib.util import load\ndef main(request):\n    if sys.version_info >= (3, 8):\n        load()\n",
        ["run wrong_arguments main.py:5 lib.util.load"],
        "import sys\nfrom lib.util import load\ndef main(request):\n    if sys.version_info < (3, 8):\n        load()\n    if request.VERSION[:1] in ['3']:\n        load(1)\n",
    ),
    "what nobody can tell": (
        "from lib.util import open_\nopen_(more=1)\n",
        ["load wrong_arguments main.py:2 lib.util.open_"],
        "from lib.util import cached, open_, twice\ncached(1)\ntwice(1, 2, 3)\nopen_(1, a=2)\n",
    ),
    "a name that is given a new value": (
        "def step(): ...\nstep(1)\n",
        ["load wrong_arguments main.py:2 main.step"],
        "def step(): ...\nstep = print\nstep(1)\ndef other(): ...\ndef f():\n    global other\n    other = print\ndef g():\n    other(1)\n",
    ),
    "a function that another file replaces": (
        "from lib import util\nutil.load()\n",
        ["load wrong_arguments main.py:2 lib.util.load"],
        "from lib import util\nutil.load = print\nutil.load()\n",
    ),
    "in a text": (
        "from lib.util import load\nprint(load())\n",
        ["load wrong_arguments main.py:2 lib.util.load"],
        "from lib.util import load\n'''load() # load()'''\n# load()\n",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_call_that_does_not_fit_is_found_and_its_twin_is_not(name: str, tmp_path: Path) -> None:
    """Both in a function folder with one package."""
    wrong, expected, right = CASES[name]
    assert found(tmp_path / "wrong", {**LIB, "main.py": wrong}) == expected
    assert found(tmp_path / "right", {**LIB, "main.py": right}) == []


def test_the_message_says_what_python_would_and_where_the_function_is(tmp_path: Path) -> None:
    """Each way in which a call does not fit."""
    main = "from lib.util import load, send\ndef main(r):\n    load(1)\n    load(1, day=2, hour=3)\n    send(1, 2, 3)\n    send(1, url=2)\n"
    package = packages.of_folder(write(tmp_path, {**LIB, "main.py": main}))
    assert [finding.message for finding in report(package, tmp_path).findings] == [
        "load() missing 1 required argument: 'day'; it is defined at lib/util.py:4",
        "load() got an unexpected keyword argument 'hour'; it is defined at lib/util.py:4",
        "send() takes 2 positional arguments, and 3 are given; it is defined at lib/util.py:8",
        "send() got multiple values for argument 'url'; it is defined at lib/util.py:8",
    ]


def test_what_is_known_of_calls_is_kept_and_goes_by_both_files(tmp_path: Path) -> None:
    """A second run says the same, a changed signature something else."""
    files = {**LIB, "main.py": "from lib.util import load\nload(1, day=2)\n"}
    cached = tmp_path / "cache.db"
    assert found(tmp_path / "p", files, cached=cached) == []
    changed = {**files, "lib/util.py": files["lib/util.py"].replace("day", "run_date")}
    expected = ["load wrong_arguments main.py:2 lib.util.load"]
    assert found(tmp_path / "q", changed, cached=cached) == expected
    assert found(tmp_path / "q", changed, cached=cached) == expected
    assert found(tmp_path / "p", files, cached=cached) == []


def test_signatures_are_read_from_text() -> None:
    """At the margin only, with their lines, on one line or on several."""
    text = b"""\
class A:
    def method(self): ...
async def one(a, b=(1, 2), *c, d, e=1, **f) -> "x": ...
@deco(
    1)
def decorated(): ...
def two(
    a: dict[str, int],
    /,
): return a
"""
    assert signatures(text) == {
        "one": Signature(3, ["a", "b"], 0, 1, ["d", "e"], ["d"], more=True, others=True),
        "two": Signature(7, ["a"], 1, 1, [], [], more=False, others=False),
    }


def test_calls_are_read_from_text() -> None:
    """What stands before them tells them from other things, commas in parts of arguments are none."""
    text = b"""\
def f(a): ...
x.f(1); half(2); f(3, g(4, 5), [6, 7], k=8)
f(*a, **{"b": 1, "c": 2},)
f()
"""
    assert list(calls(text, b"f")) == [
        Given(3, ["k"], more=False, others=False),
        Given(0, [], more=True, others=True),
        Given(0, [], more=False, others=False),
    ]


def test_a_call_that_may_fit_is_left_alone() -> None:
    """Whoever gives ``*more`` may give all of it."""
    taken = Signature(1, ["a", "b"], 0, 2, ["c"], ["c"], more=False, others=False)
    assert misfit(taken, Given(0, [], more=True, others=False)) == ""
    assert misfit(taken, Given(0, [], more=False, others=True)) == ""
    assert misfit(taken, Given(3, [], more=True, others=True)) == "takes 2 positional arguments, and 3 are given"
    assert misfit(taken, Given(2, [], more=False, others=False)) == "missing 1 required argument: 'c'"


@pytest.mark.parametrize(("more", "told"), [(997, True), (2, False)])
def test_calls_that_are_not_looked_at_are_said(more: int, *, told: bool, tmp_path: Path) -> None:
    """Without an entry point, of a large package: each file takes its time."""
    files = {"a/__init__.py": "", "a/x.py": "def f(): ...\n", "a/y.py": "from a.x import f\ndef g(): f(1)\n"}
    files |= {f"a/more/m{number}.py": "" for number in range(more)} | {"a/more/__init__.py": ""}
    said = report(packages.of_folder(write(tmp_path, files)), tmp_path)
    assert any(note.startswith("calls were not compared") for note in said.notes) is told
    assert [finding.symbol for finding in said.findings] == ([] if told else ["a.x.f"])
