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
        (
            f"{type(node).__name__} {name if isinstance(name := getattr(node, 'name', ''), str) else ''}",
            node.lineno,
            node.col_offset,
        )
        for node in tree.body
    ]


def test_the_body_of_a_class_is_left_out() -> None:
    text = Sketch(CLASS + b"after = 1\n").text()
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
    text = Sketch(CLASS + kept + b"after = 1\n").text()
    assert b"limit = 3" in text
    assert ast.parse(text)


def test_a_class_stays_for_a_place_or_a_function_in_it() -> None:
    sketch = Sketch(CLASS)
    assert b"limit = 3" in sketch.text([CLASS.index(b"limit")])
    assert b"limit = 3" in sketch.text(functions=sketch.functions)
    assert b"limit = 3" not in sketch.text([CLASS.index(b"os"), len(CLASS)])


def test_arguments_stay_for_a_place_in_them() -> None:
    source = b"def get(key: Key, /, store: Store = None) -> Item:\n    return store\n"
    sketch = Sketch(source)
    assert sketch.text() == b"def get():pass\n\n"
    assert sketch.text([source.index(b"Store")]) == b"def get(key: Key, /, store: Store = None) -> Item:pass\n\n"
    assert sketch.text([source.index(b"return")]) == source


TABLE = b"import os\nCODES: dict[str, int] = {\n" + b"    'x': 1,\n" * 60 + b"}\nafter = 1\n"


def test_what_stands_in_a_long_table_is_left_out() -> None:
    sketch = Sketch(TABLE)
    assert sketch.text() == b"import os\nCODES: dict[str, int] = {\n" + b"\n" * 60 + b"}\nafter = 1\n"
    assert sketch.text([TABLE.index(b"1,")]) == TABLE


@pytest.mark.parametrize(
    "source",
    [
        TABLE.replace(b"CODES: dict[str, int]", b"__all__"),
        b"import sys\nNEW = (\n" + b"    # 'x' " + b"long " * 70 + b"\n    sys.version_info >= (3, 9)\n)\n",
        b"import typing\nCode = typing.Literal[\n" + b"    'x',\n" * 60 + b"]\n",
        TABLE.replace(b"'x': 1", b"(y := 1): 1"),
        TABLE + b"def __getattr__(name):\n    return CODES[name]\n",
        TABLE + b"def load(name):\n    return importlib.import_module(name)\n",
        TABLE.replace(b"}\n", b"    'y': '''\n}\n''',\n}\n"),
    ],
    ids=[
        "exports",
        "may be a condition",
        "subscript",
        "binds a name",
        "may be answered from",
        "may name modules",
        "text at the margin",
    ],
)
def test_a_table_that_may_matter_stays(source: bytes) -> None:
    assert b"'x'" in Sketch(source).text() or b"y := 1" in Sketch(source).text()
    assert ast.parse(Sketch(source).text())


def test_all_classes_stay_where_modules_are_imported_by_names() -> None:
    """The names may stand in any of them."""
    text = Sketch(CLASS + b"\ndef load(name):\n    return importlib.import_module(name)\n").text()
    assert b"limit = 3" in text


@pytest.mark.parametrize("folder", ["asyncio", "email", "importlib", "logging", "unittest", "."])
def test_the_top_of_real_files_is_as_it_was(folder: str) -> None:
    files = sorted(Path(sysconfig.get_path("stdlib"), folder).glob("*.py"))
    assert files
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for file in files:
            source = file.read_bytes()
            assert shape(ast.parse(Sketch(source).text())) == shape(ast.parse(source)), file.name
