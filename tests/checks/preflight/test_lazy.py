"""Modules that are imported when they are asked for: registries, lazy exports, errors that a function passes over."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from tests.support.preflight import found

REGISTRY = """\
    import importlib

    SOURCES = {
        "a": ("sources.a", "A"),
        "b": ("sources.b", "B"),
        "c": ("sources.c", "C"),
    }

    def load(name):
        module, cls = SOURCES[name]
        return getattr(importlib.import_module(module), cls)()
    """
SOURCES = {
    "main.py": "from sources.registry import load\n\ndef main(request):\n    return load('a')\n",
    "requirements.txt": "",
    "sources/__init__.py": "",
    "sources/registry.py": REGISTRY,
    **{f"sources/{name}.py": f"class {name.upper()}: ...\n" for name in "abc"},
}
LAZY = """\
    import importlib
    from lib.plain import useful

    _LAZY = {"Client": ".client", "Tracker": ".tracker"}

    def __getattr__(name):
        if name in _LAZY:
            return getattr(importlib.import_module(_LAZY[name], __name__), name)
        raise AttributeError(name)
    """
EXPORTS = {
    "main.py": "from lib import Tracker, useful\n",
    "requirements.txt": "",
    "lib/__init__.py": LAZY,
    "lib/plain.py": "def useful(): ...\n",
    "lib/client.py": "import pandas\n\nclass Client: ...\n",
    "lib/tracker.py": "class Tracker: ...\n",
}
WRITTEN = """\
    def __getattr__(name):
        if name == "Client":
            from lib.client import Client
            return Client
        elif name == "Tracker":
            from .tracker import Tracker
            return Tracker
        raise AttributeError(name)
    """

CASES: dict[str, tuple[dict[str, str], list[str]]] = {
    "a registry": (SOURCES, []),
    "whose module is gone": (
        SOURCES | {"sources/c.py": "", "sources/registry.py": REGISTRY.replace("sources.c", "sources.d")},
        ["run missing_module sources/registry.py:6 sources.d"],
    ),
    "whose class has another name": (
        SOURCES | {"sources/b.py": "class Bee: ...\n"},
        ["run missing_name sources/registry.py:5 sources.b.B"],
    ),
    "whose module does not load": (
        SOURCES | {"sources/b.py": "import nope\n\nclass B: ...\n"},
        ["run undeclared sources/b.py:1 nope"],
    ),
    "whose failure is passed over": (
        SOURCES
        | {
            "sources/b.py": "import nope\n",
            "sources/registry.py": """\
                import contextlib
                import importlib

                SOURCES = ["sources.a", "sources.b", "sources.c"]

                def load(_event):
                    for name in SOURCES:
                        with contextlib.suppress(ImportError):
                            importlib.import_module(name)
                """,
        },
        ["disables undeclared sources/b.py:1 nope"],
    ),
    "whose classes stand in one text": (
        SOURCES
        | {
            "sources/b.py": "class Bee: ...\n",
            "sources/registry.py": """\
                from importlib import import_module

                SOURCES = ["sources.a.A", "sources.b.B", "sources.c.C"]

                def load(number):
                    module, _, cls = SOURCES[number].rpartition(".")
                    return getattr(import_module(module), cls)()
                """,
        },
        ["run missing_name sources/registry.py:3 sources.b.B"],
    ),
    "texts of which most are no modules": (
        SOURCES | {"sources/registry.py": REGISTRY.replace("sources.b", "sources.x").replace("sources.c", "sources.y")},
        [],
    ),
    "texts of which one is a name of its module": (
        SOURCES
        | {
            "sources/__init__.py": "some = 1\n",
            "sources/registry.py": """\
                from importlib import import_module

                SOURCES = ["sources.a", "sources.b", "sources.some", "sources.c.logging"]

                def load(number):
                    return import_module(SOURCES[number])
                """,
        },
        [],
    ),
    "texts in a file that looks nothing up": (
        SOURCES
        | {
            "sources/c.py": "",
            "sources/registry.py": "NAMES = ['sources.a', 'sources.b', 'sources.z']\n\ndef load(name): ...\n",
        },
        [],
    ),
    "lazy exports: what nobody asks for is not loaded": (EXPORTS, []),
    "and what is asked for is": (
        EXPORTS | {"main.py": "from lib import Client\n"},
        ["load undeclared lib/client.py:1 pandas"],
    ),
    "in a function": (
        EXPORTS | {"main.py": "def main(request):\n    from lib import Client\n"},
        ["run undeclared lib/client.py:1 pandas"],
    ),
    "as an attribute": (
        EXPORTS | {"main.py": "import lib\n\ndef main(request):\n    return lib.Client()\n"},
        ["run undeclared lib/client.py:1 pandas"],
    ),
    "a name that nothing exports": (
        EXPORTS | {"main.py": "from lib import Klient, Tracker\n"},
        ["load missing_name main.py:1 lib.Klient"],
    ),
    "an export of a module that is gone": (
        EXPORTS | {"lib/__init__.py": LAZY.replace(".tracker", ".trackers"), "lib/plain.py": "def useful(): ...\n"},
        [],  # one of two is not most of them
    ),
    "one of three": (
        EXPORTS
        | {
            "lib/__init__.py": LAZY.replace('".tracker"', '".trackers", "more": ".plain"'),
            "lib/plain.py": "def useful(): ...\nmore = 1\n",
        },
        ["load missing_module main.py:1 lib.trackers"],
    ),
    "written out": (EXPORTS | {"lib/__init__.py": WRITTEN, "main.py": "from lib import Tracker\n"}, []),
    "written out, asked for": (
        EXPORTS | {"lib/__init__.py": WRITTEN, "main.py": "from lib import Client\n"},
        ["load undeclared lib/client.py:1 pandas"],
    ),
    "written out, of a name that is gone": (
        EXPORTS | {"lib/__init__.py": WRITTEN, "lib/tracker.py": "", "main.py": "from lib import Tracker, Other\n"},
        [
            "load missing_name main.py:1 lib.Other",
            "load missing_name main.py:1 lib.tracker.Tracker",
        ],
    ),
    "an answer for any name": (
        EXPORTS | {"lib/__init__.py": "def __getattr__(name):\n    return name.upper()\n"},
        [],
    ),
    "an answer out of a dict that grows": (
        EXPORTS
        | {
            "lib/__init__.py": "T = {**{}}\ndef __getattr__(n):\n    if n in T:\n        return T\n    raise KeyError\n"
        },
        [],
    ),
    "names let through first": (
        EXPORTS
        | {
            "main.py": "from lib import Tracker, Klient\n",
            "lib/__init__.py": """\
                NAMES = ("Tracker", "Client")

                def __getattr__(name):
                    if name not in NAMES:
                        raise AttributeError(name)
                    return object()
                """,
        },
        ["load missing_name main.py:1 lib.Klient"],
    ),
    "a look-up that fails for others": (
        EXPORTS
        | {
            "main.py": "from lib import Tracker, Klient\n",
            "lib/__init__.py": """\
                NAMES = {"Tracker": 1}

                def __getattr__(name):
                    try:
                        return make(NAMES[name])
                    except KeyError:
                        raise AttributeError(name) from None

                def make(number): ...
                """,
        },
        [],  # what is tried is more than the look-up
    ),
    "a circle through a lazy export": (
        EXPORTS
        | {
            "lib/__init__.py": "from lib import plain\n\n" + dedent(WRITTEN),
            "lib/plain.py": "from lib import Tracker\n",
            "main.py": "from lib import Tracker\n",
        },
        ["load circular_import lib/plain.py:1 lib.Tracker"],
    ),
    "and one that is none": (
        EXPORTS
        | {
            "lib/__init__.py": dedent(WRITTEN) + "\nfrom lib import plain\n",
            "lib/plain.py": "from lib import Tracker\n",
            "main.py": "from lib import Tracker\n",
        },
        [],
    ),
    "a NameError that is caught, at load": (
        {"main.py": "try:\n    X = config()\nexcept Exception:\n    X = None\n", "requirements.txt": ""},
        ["disables undefined_name main.py:2 config"],
    ),
    "a NameError that is caught and logged": (
        {
            "main.py": """\
                import logging

                def main(request):
                    try:
                        write(firestore.Client())
                    except Exception as error:
                        logging.error("write failed: %s", error)

                def write(client): ...
                """,
            "requirements.txt": "",
        },
        ["disables undefined_name main.py:5 firestore"],
    ),
    "and raised again, or answered with a status": (
        {
            "main.py": """\
                import json

                def main(request):
                    try:
                        return one()
                    except Exception as error:
                        return {"error": str(error)}, 500

                def again():
                    try:
                        return json.dump_all()
                    except Exception:
                        raise

                def lazily():
                    try:
                        from lib import gone
                    except Exception:
                        return "no", 503

                def kept():
                    try:
                        two()
                    except Exception as error:
                        response = {"error": str(error)}, 500
                        return add_headers(response)

                def add_headers(response): ...
                """,
            "lib.py": "",
            "requirements.txt": "",
        },
        [
            "run missing_attribute main.py:11 json.dump_all",
            "run missing_name main.py:17 lib.gone",
            "run undefined_name main.py:23 two",
            "run undefined_name main.py:5 one",
        ],
    ),
    "an import whose work is lost with it": (
        {
            "main.py": """\
                def main(request):
                    try:
                        from lib import gone
                        gone()
                    except Exception as error:
                        print(error)
                    return "ok", 200
                """,
            "lib.py": "",
            "requirements.txt": "",
        },
        ["disables missing_name main.py:3 lib.gone"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_loaded_on_demand_is_found_and_its_twin_is_not(name: str, tmp_path: Path) -> None:
    """But for what cannot happen: nobody asks for it, or it is told where somebody does."""
    files, expected = CASES[name]
    assert sorted(one for one in found(tmp_path, files) if not one.startswith("never")) == expected


OLD_NAMES = """\
    import warnings
    from lib.errors import Failure

    def __getattr__(name):
        if name == "Resolver":
            from lib.words import _Resolver
            return _Resolver
        warnings.warn(name)
        raise AttributeError(name)
    """


def test_a_module_below_a_package_is_found_without_asking_it(tmp_path: Path) -> None:
    """No circle through what ``__getattr__`` would import for other names; for its own name it is one."""
    files = {
        "main.py": "import lib\n",
        "requirements.txt": "",
        "lib/__init__.py": dedent(OLD_NAMES),
        "lib/errors.py": "from lib import tools\n\nclass Failure(Exception): ...\n",
        "lib/tools.py": "",
        "lib/words.py": "from lib.errors import Failure\n\nclass _Resolver: ...\n",
    }
    assert found(tmp_path / "right", files) == []
    files["lib/errors.py"] = files["lib/errors.py"].replace("tools", "Resolver")
    assert found(tmp_path / "wrong", files) != []


PAIRS = """\
    from importlib import import_module
    TABLE = {
        "Client": (__spec__.parent, ".client"),
        "Error": (__spec__.parent, ".errors"),
        "Schema": ("other_core", ".schema"),
        "errors": (__spec__.parent, ".errors"),
    }

    def __getattr__(name):
        package, module = TABLE[name]
        return getattr(import_module(module, package), name)
    """


def test_a_lazy_name_loads_its_own_module_of_its_own_package(tmp_path: Path) -> None:
    """What another package has is not looked for in this one; what other names would load is not loaded."""
    files = {
        "main.py": "from lib import Client\n",
        "requirements.txt": "",
        "lib/__init__.py": dedent(PAIRS),
        "lib/client.py": "from lib import Error\nclass Client: ...\n",
        "lib/errors.py": "class Error(Exception): ...\n",
    }
    assert found(tmp_path / "right", files) == []
    files["lib/errors.py"] = "from lib.client import Client\nclass Error(Exception): ...\n"
    assert found(tmp_path / "circle", files) == ["load circular_import lib/errors.py:1 lib.client.Client"]
    files["lib/errors.py"] = "class Mistake(Exception): ...\n"
    assert "lib.errors.Error" in " ".join(found(tmp_path / "wrong", files))


ITSELF = """\
    def __getattr__(name):
        if name == "x":
            from . import x

            return x
        raise AttributeError(name)
    """


def test_a_module_whose_getattr_imports_from_itself(tmp_path: Path) -> None:
    """As packages do that load their modules late; one that is not there is told where it is asked for."""
    files = {"main.py": "from lib import x\nx.run()\n", "lib/__init__.py": ITSELF, "lib/x.py": "def run(): ...\n"}
    assert found(tmp_path / "right", files) == []
    del files["lib/x.py"]
    assert found(tmp_path / "wrong", files)[0] == "load missing_name main.py:1 lib.x"


def test_a_name_that_is_put_together_is_not_the_one_that_is_listed(tmp_path: Path) -> None:
    """``Tracker`` is asked for, and ``SoftTracker`` taken of the module."""
    lazy = dedent(LAZY)
    assert "__name__), name)" in lazy
    files = {**EXPORTS, "main.py": "from lib import Tracker\n", "lib/tracker.py": "class SoftTracker: ...\n"}
    files["lib/client.py"] = "class SoftClient: ...\n"
    computed = lazy.replace("__name__), name)", '__name__), f"Soft{name}")')
    assert found(tmp_path / "computed", {**files, "lib/__init__.py": computed}) == []
    assert found(tmp_path / "listed", {**files, "lib/__init__.py": lazy})[0].startswith("load")
