"""What is left out of a file before it is parsed: nothing that a module binds, and every line keeps its number."""

from __future__ import annotations

import ast
import sysconfig
import warnings
from pathlib import Path

import pytest

from checks.preflight.sketch import Sketch

CLASS = b'''\
import os

@final
class Store(
    Base,
):
    """Keeps things."""

    limit = 3

    def get(self, key: str) -> str:
        return os.environ[key]
'''


def shape(tree: ast.Module) -> list[tuple[str, int, int]]:
    """What stands at the top of a module, and where."""
    return [
        (f"{type(node).__name__} {getattr(node, 'name', '')}", node.lineno, getattr(node, "col_offset", 0))
        for node in tree.body
    ]


def test_the_body_of_a_class_is_left_out() -> None:
    text = Sketch(CLASS + b"after = 1\n").text(())
    assert text == b"import os\n\n@final\nclass Store(\n    Base,\n):pass\n" + b"\n" * 6 + b"after = 1\n"


@pytest.mark.parametrize(
    "kept",
    [
        b"    def put(self):\n        import json\n",
        b"    from json import dumps\n",
        b"    def put(self):\n        global after\n        after = 2\n",
        b'    def put(self):\n        return """\nno end of the class\n"""\n',
    ],
    ids=["lazy import", "import in the class", "global", "text at the margin"],
)
def test_a_class_that_holds_more_stays(kept: bytes) -> None:
    text = Sketch(CLASS + kept + b"after = 1\n").text(())
    assert b"limit = 3" in text
    assert ast.parse(text)


def test_a_class_stays_for_a_word_or_a_function_in_it() -> None:
    sketch = Sketch(CLASS)
    assert b"limit = 3" in sketch.text((), [b"limit"])
    assert b"limit = 3" in sketch.text(sketch.functions)
    assert b"limit = 3" not in sketch.text((), [b"elsewhere"])


def test_all_classes_stay_where_modules_are_imported_by_names() -> None:
    """The names may stand in any of them."""
    text = Sketch(CLASS + b"\ndef load(name):\n    return importlib.import_module(name)\n").text(())
    assert b"limit = 3" in text


@pytest.mark.parametrize("folder", ["asyncio", "email", "importlib", "logging", "unittest", "."])
def test_the_top_of_real_files_is_as_it_was(folder: str) -> None:
    files = sorted(Path(sysconfig.get_path("stdlib"), folder).glob("*.py"))
    assert files
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for file in files:
            source = file.read_bytes()
            assert shape(ast.parse(Sketch(source).text(()))) == shape(ast.parse(source)), file.name
