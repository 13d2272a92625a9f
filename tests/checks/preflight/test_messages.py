"""What a finding says besides the name that is missing: where it is, what was meant, who brings it, what hides it."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.preflight.shipped import packages
from tests.support.preflight import report, write

# name: (files of a function, part of what is said; without it: nothing is found)
MESSAGES: dict[str, tuple[dict[str, str], str]] = {
    "another case": (
        {"main.py": "import tools\n", "Tools.py": ""},
        "'Tools' is there: names of files are told apart by case",
    ),
    "a module beside it": ({"main.py": "import utils\n", "util.py": ""}, "is 'util' meant?"),
    "a relative import at the top": (
        {"main.py": "from .lib import x\n", "lib/x.py": "", "lib/__init__.py": ""},
        "without the dot it is found",
    ),
    "shipped, and not looked for there": (
        {"main.py": "import deep\n", "vendor/deep/__init__.py": ""},
        "vendor/deep/__init__.py is shipped, and vendor is not on the search path (.): set PYTHONPATH",
    ),
    "shipped in another folder of the same name": (
        {"main.py": "import lib.deep.x\n", "lib/__init__.py": "", "src/lib/deep/x.py": ""},
        "and the package that is found, lib/__init__.py, does not hold it; its folder has no __init__.py",
    ),
    "left out": (
        {
            "main.py": "import lib.bq\n",
            "lib/bq.py": "",
            ".gcloudignore": "#!include:.gitignore\n",
            ".gitignore": "lib/\n",
        },
        "lib, which .gcloudignore leaves out, is in the repository and not shipped",
    ),
    "the standard library's is hidden": (
        {"main.py": "import random\nrandom.randint(1, 2)\n", "random.py": ""},
        "module 'random' has no attribute 'randint'; random.py hides the module of the standard library",
    ),
    "a requirement's is hidden": (
        {"main.py": "from redis import Redis\n", "redis.py": "", "requirements.txt": "redis\n"},
        "redis.py hides the module that a requirement brings",
    ),
    "a name that requirements are given": (
        {"main.py": "import sklearn\n", "requirements.txt": "sklearn\n"},
        "scikit-learn is not among the requirements: 'sklearn' there is not its name",
    ),
    "a requirement that brings nothing": (
        {"main.py": "from google.cloud import storage\n", "requirements.txt": "google-cloud\n"},
        "google-cloud-storage is not among the requirements: 'google-cloud' there is not its name",
    ),
    "a name that has gone elsewhere": (
        {"main.py": "from collections import Mapping\n"},
        "cannot import name 'Mapping' from 'collections' of Python 3.12: it is in 'collections.abc'",
    ),
    "a module that was removed": (
        {"main.py": "import asyncore\n"},
        "No module named 'asyncore': Python 3.12 removed it; pyasyncore brings it",
    ),
    "a module that was removed and is brought": (
        {"main.py": "import distutils.util\n", "requirements.txt": "setuptools"},
        "",
    ),
    "an import that is forgotten": ({"main.py": "shutil.rmtree('x')\n"}, "is 'import shutil' missing?"),
    "a name that is nobody's": ({"main.py": "nobody()\n"}, "name 'nobody' is not defined"),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_names_the_remedy(name: str, tmp_path: Path) -> None:
    """Read in a function folder for Python 3.12."""
    files, said = MESSAGES[name]
    folder = write(tmp_path / "f", {"requirements.txt": "", **files})
    messages = [f.message for f in report(packages.of_folder(folder), tmp_path, target=(3, 12)).findings]
    assert [message for message in messages if said in message] == messages[: bool(said)]


def test_nobody_runs_the_main_part_of_a_function(tmp_path: Path) -> None:
    """The framework imports it; a folder that is a program's runs it."""
    text = "def handle(event, context): ...\nif __name__ == '__main__':\n    import only_here\n"
    function = write(tmp_path / "f", {"main.py": text, "requirements.txt": ""})
    assert report(packages.of_folder(function), tmp_path).findings == ()
    program = write(tmp_path / "p", {"main.py": text, "requirements.txt": "", "Procfile": "web: python main.py\n"})
    assert [f.symbol for f in report(packages.of_folder(program), tmp_path).findings] == ["only_here"]


def test_types_of_a_later_python_as_values(tmp_path: Path) -> None:
    """Evaluated where they stand, whatever annotations are; those that are no types may be anything."""
    text = (
        "from __future__ import annotations\nimport re\nText = bytes | str\nFlags = re.I | re.M\n"
        "name: int | None = None\n"
    )
    package = packages.of_folder(write(tmp_path, {"main.py": text, "requirements.txt": ""}))
    assert [(f.line, f.symbol) for f in report(package, tmp_path, target=(3, 9)).findings] == [(3, "3.10")]
    assert report(package, tmp_path, target=(3, 10)).findings == ()


def test_modules_that_share_a_name_are_noted(tmp_path: Path) -> None:
    """Which of the two is found depends on what was loaded before: no finding, and not left unsaid."""
    package = packages.of_folder(
        write(tmp_path, {"main.py": "", "logging.py": "", "logs.py": "", "requirements.txt": ""})
    )
    notes = [note for note in report(package, tmp_path).notes if "rename" in note]
    assert notes == ["logging.py has the name of a module of the standard library: rename it"]
