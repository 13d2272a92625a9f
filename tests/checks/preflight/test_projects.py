"""Projects that are installed: a ``src`` layout, ``pip install .`` in images, the programs that this makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.preflight.shipped import installing, packages
from checks.preflight.shipped.installing import Install
from tests.support.preflight import line, report, write

PYPROJECT = (
    '[project]\nname = "tool"\ndependencies = ["requests"]\noptional-dependencies.gcp = ["google-cloud-storage"]\n'
    '[project.scripts]\nrun-tool = "tool.cli:main"\n[build-system]\nrequires = ["setuptools"]\n'
)
FROM = "FROM python:3.12-slim\nWORKDIR /app\n"
ONE = FROM + "COPY . .\nRUN {}\nCMD {}\n"
TWO = (
    "FROM python:3.12 AS build\nWORKDIR /src\nCOPY pyproject.toml .\nCOPY {} {}\nRUN pip install --prefix=/made .\n"
    'FROM python:3.12-slim\nCOPY --from=build /made /usr/local\nENTRYPOINT ["run-tool"]\n'
)


def project(root: Path, dockerfile: str, code: str, home: str = "src", pyproject: str = PYPROJECT) -> Path:
    files = {
        "Dockerfile": dockerfile,
        "pyproject.toml": pyproject,
        f"{home}/tool/__init__.py": "",
        f"{home}/tool/cli.py": code,
        f"{home}/tool/part.py": "here = 1\n",
    }
    return write(root, files)


def found(root: Path) -> list[str]:
    [package] = packages.discover(root)
    return [line(finding) for finding in report(package, root, target=(3, 12)).findings]


RIGHT = "import requests\nfrom tool.part import here\ndef main():\n    return here, requests\n"
INSTALLED = [
    ONE.format("pip install .", '["run-tool"]'),
    ONE.format('["pip", "install", "-e", "."]', "exec run-tool --serve"),
    ONE.format("cd /app && python -m pip install --no-cache-dir '/app'", "run-tool"),
    ONE.format("uv sync --frozen", '["uv", "run", "run-tool"]'),
    TWO.format("src", "src"),
]


@pytest.mark.parametrize("dockerfile", INSTALLED)
def test_an_image_holds_the_project_that_is_installed_in_it(dockerfile: str, tmp_path: Path) -> None:
    """Wherever the code lies that pip was given; its program is the entry point."""
    root = project(tmp_path / "right", dockerfile, RIGHT)
    [package] = packages.discover(root)
    assert [entry.rpartition("/tool/")[2] for entry in package.entries] == ["cli.py"]
    assert (package.entry_known, package.handler) == (True, "main")
    assert found(root) == []
    wrong = RIGHT.replace("requests", "yaml").replace("import here", "import there as here").replace("main", "start")
    told = [entry.rpartition("tool/")[2] for entry in found(project(tmp_path / "wrong", dockerfile, wrong))]
    assert told == ["cli.py:1 tool.cli.main", "cli.py:1 yaml", "cli.py:2 tool.part.there"]


def test_what_is_not_installed_is_not_found_below_src(tmp_path: Path) -> None:
    """Only copied, or without the project itself: Python does not look there."""
    for number, command in enumerate(("pip install requests", "uv sync --no-install-project")):
        dockerfile = ONE.format(command, '["python", "src/tool/cli.py"]')
        assert found(project(tmp_path / str(number), dockerfile, RIGHT)) == [
            "load undeclared src/tool/cli.py:2 tool.part"
        ]


def test_extras_count_where_they_are_installed(tmp_path: Path) -> None:
    code = "from google.cloud import storage\ndef main():\n    return storage\n"
    with_them = ONE.format("pip install '.[gcp]'", "run-tool")
    assert found(project(tmp_path / "with", with_them, code)) == []
    without = with_them.replace("[gcp]", "")
    assert [entry.split()[1] for entry in found(project(tmp_path / "without", without, code))] == ["undeclared"]


@pytest.mark.parametrize(
    ("home", "table"),
    [
        ("lib", '[tool.setuptools.packages.find]\nwhere = ["lib"]\n'),
        ("lib", '[tool.setuptools.package-dir]\n"" = "lib"\n'),
        ("python", '[tool.poetry]\npackages = [{include = "tool", from = "python"}]\n'),
        ("code", '[tool.hatch.build.targets.wheel]\npackages = ["code/tool"]\n'),
        (".", ""),
        ("src", "[tool]\nsetuptools = 7\npoetry.packages = 3\n"),
    ],
)
def test_where_a_project_says_that_its_code_lies(home: str, table: str, tmp_path: Path) -> None:
    """In the words of each tool; and words that are none."""
    assert (
        found(project(tmp_path / "one", ONE.format("pip install .", "run-tool"), RIGHT, home, PYPROJECT + table)) == []
    )
    two = TWO.format("." if home == "." else home, "." if home == "." else home)
    assert found(project(tmp_path / "two", two, RIGHT, home, PYPROJECT + table)) == []


def test_a_folder_with_a_src_layout_is_looked_at_as_installed(tmp_path: Path) -> None:
    """Its modules find each other; a function's folder is deployed as it lies there, and they do not."""
    root = project(tmp_path, "", RIGHT.replace("import here", "import there as here"))
    (root / "Dockerfile").unlink()
    assert found(root) == ["run missing_name src/tool/cli.py:2 tool.part.there"]
    write(root, {"main.py": "import functions_framework\nimport tool.part\n", "requirements.txt": "requests\n"})
    assert found(root)[0] == "load undeclared main.py:2 tool.part"


def test_what_a_missing_file_would_install_is_not_known(tmp_path: Path) -> None:
    """A requirements file that a RUN line makes; one that is bound from the build context is read."""
    made = ONE.format("poetry export > all.txt && pip install gunicorn && pip install -r all.txt", "python app.py")
    bound = "--mount=type=bind,source=req/all.txt,target=all.txt pip install -r all.txt"
    files = {"app.py": "import yaml\nimport redis\n", "req/all.txt": "redis\n"}
    assert found(write(tmp_path / "a", {"Dockerfile": made, **files})) == []
    assert found(write(tmp_path / "b", {"Dockerfile": ONE.format(bound, "python app.py"), **files})) == [
        "load undeclared app.py:1 yaml"
    ]


def test_a_copy_that_fails_in_an_earlier_stage_is_told(tmp_path: Path) -> None:
    """Of a stage that the last one needs: what it copies must be there, too."""
    text = TWO.format("src", "src").replace("RUN pip", "COPY gone.toml .\nRUN pip")
    assert found(project(tmp_path, text, RIGHT)) == ["load missing_file Dockerfile:5 gone.toml"]


PIP = {
    "pip install -r a.txt -rb.txt --requirement=c/d": Install(folder="/w", files=["/w/a.txt", "/w/b.txt", "/w/c/d"]),
    "set -ex; cd sub && pip3 install -U -i https://x.test 'a>=2'": Install(folder="/w/sub", words=["a>=2"]),
    "--mount=type=cache,target=/c PIP_NO_INPUT=1 /opt/venv/bin/pip3.11 install x": Install(
        folder="/w", words=["x"], placed=True
    ),
    "uv pip install --system -r a.txt": Install(folder="/w", files=["/w/a.txt"]),
    "pip wheel --no-deps -w /dist .": Install(folder="/w", words=["."], placed=True),
    "poetry install --no-root --only main": Install(
        folder="/w", whole=True, editable=True, groups=frozenset({"poetry:main"})
    ),
    "poetry install -E gcp --without dev,docs": Install(
        folder="/w", words=["."], whole=True, editable=True, groups=frozenset({"gcp", "*", "-dev", "-docs"})
    ),
    "pdm sync": Install(folder="/w", words=["."], whole=True, groups=frozenset({"dev"}), editable=True),
    "uv export --no-dev --extra=gcp -o r.txt": Install(folder="/w", made="/w/r.txt", groups=frozenset({"gcp"})),
    "poetry export --with dev > r.txt": Install(folder="/w", made="/w/r.txt", groups=frozenset({"poetry:dev"})),
    "conda install x": Install(folder="/w", untold=True),
    "./setup.sh": Install(folder="/w", script=True),
}


@pytest.mark.parametrize("command", PIP)
def test_what_commands_install(command: str) -> None:
    assert list(installing.installs(command, "/w")) == [PIP[command]]


def test_groups_of_poetry_are_installed_unless_they_are_left_out(tmp_path: Path) -> None:
    """What an image lacks that was installed without them."""
    groups = (
        '[tool.poetry.dependencies]\npython = "^3.12"\nrequests = "*"\n'
        '[tool.poetry.group.prod.dependencies]\nredis = "*"\n[tool.poetry.group.dev.dependencies]\npyyaml = "*"\n'
    )
    code = "import redis\nimport yaml\n"
    files = {"pyproject.toml": groups, "app.py": code}
    expected = {"": [], " --without dev": ["2 yaml"], " --only main": ["1 redis", "2 yaml"]}
    for number, (options, lacking) in enumerate(expected.items()):
        text = ONE.format(f"poetry install --no-root{options}", "python app.py")
        told = found(write(tmp_path / str(number), {**files, "Dockerfile": text}))
        assert told == [f"load undeclared app.py:{item}" for item in lacking]


@pytest.mark.parametrize("command", ["echo pip install x", "pip freeze", "pip install 'unclosed", '["pip", 3', ""])
def test_what_installs_nothing(command: str) -> None:
    assert [item.words for item in installing.installs(command, "/w") if not item.script] == []


DEEP = {"src/tool/deep/__init__.py": "", "src/tool/deep/part.py": "", "src/tool/bare/part.py": ""}
PACKAGED = {
    '[tool.mypy]\npackages = ["tool"]\n[tool.setuptools.packages.find]\nwhere = ["src"]\ninclude = ["tool*"]\n': [],
    '[tool.setuptools]\npackages = ["tool"]\npackage-dir = {"" = "src"}\n': ["deep", "bare"],
    '[tool.setuptools.packages.find]\nwhere = ["src"]\nnamespaces = false\n': ["bare"],
}


@pytest.mark.parametrize("table", PACKAGED)
def test_packaging_leaves_out_what_it_says_and_no_more(table: str, tmp_path: Path) -> None:
    """A list of packages is setuptools' own only in its own table: other tools have such lists as well."""
    code = RIGHT + "    import tool.deep.part\n    import tool.bare.part\n"
    root = project(
        tmp_path, TWO.format("src", "src"), code.replace("    return here, requests\n", ""), "src", PYPROJECT + table
    )
    write(root, DEEP)
    lacking = [symbol.rpartition("tool.")[2].partition(".")[0] for symbol in found(root)]
    assert lacking == PACKAGED[table]
