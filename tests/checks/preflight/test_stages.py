"""Dockerfiles of several stages, and what their lines do to files: each as it goes wrong, and as it goes well."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.preflight.shipped import packages
from checks.preflight.shipped.dockerfile import instructions
from checks.preflight.shipped.image_files import follow
from tests.support.preflight import line, report, write

FROM = "FROM python:3.11\nWORKDIR /app\n"
CMD = 'CMD ["python", "main.py"]\n'
PLAIN = {"main.py": "import util\n", "util.py": "", "requirements.txt": "flask\n"}
LIB = {"main.py": "import lib.util\n", "lib/__init__.py": "", "lib/util.py": ""}
FLASK = {"main.py": "import flask\n", "requirements.txt": "flask\n"}
PROJECT = "[project]\nname = 'pkg'\nversion = '1'\n"
BUILT = "[build-system]\nrequires = ['hatchling']\n"
SRC = {"pyproject.toml": PROJECT + BUILT, "src/pkg/__init__.py": "", "src/pkg/main.py": "import pkg.util\n"}
SRC |= {"src/pkg/util.py": ""}
BUILDER = "FROM python:3.11 AS build\nWORKDIR /src\nCOPY . .\nRUN {}\nFROM python:3.11-slim\nWORKDIR /app\n{}"
MODULE = 'CMD ["python", "-m", "pkg.main"]\n'
NO_UTIL = ["load not_shipped main.py:1 util"]
NO_LIB = ["load not_shipped main.py:1 lib.util"]
NO_FLASK = ["load undeclared main.py:1 flask"]

# What is wrong: the Dockerfile and the files, what is found; then the Dockerfile of which nothing is found.
CASES: dict[str, tuple[str, dict[str, str], list[str], str]] = {
    "source left in the builder, packages in a folder": (
        BUILDER.format("pip install -r requirements.txt --target /deps", "COPY --from=build /deps /deps\n"
                       f"ENV PYTHONPATH=/deps\nCOPY main.py .\n{CMD}"),
        PLAIN,
        NO_UTIL,
        BUILDER.format("pip install -r requirements.txt --target /deps", "COPY --from=build /deps /deps\n"
                       f"ENV PYTHONPATH=/deps\nCOPY main.py util.py ./\n{CMD}"),
    ),
    "source copied, packages left in the builder": (
        BUILDER.format("pip install -r requirements.txt", f"COPY --from=build /src /app\n{CMD}"),
        FLASK,
        NO_FLASK,
        BUILDER.format("pip install -r requirements.txt", "COPY --from=build /src /app\n"
                       f"COPY --from=build /usr/local/lib/python3.11 /usr/local/lib/python3.11\n{CMD}"),
    ),
    "an environment beside the source comes along": (
        BUILDER.format("pip install -r requirements.txt", f"COPY --from=build /src /app\n{CMD}"),
        FLASK,
        NO_FLASK,
        BUILDER.format("python -m venv venv && venv/bin/pip install -r requirements.txt",
                       f"COPY --from=build /src /app\n{CMD}"),
    ),
    "installed by its path, and only the environment copied": (
        BUILDER.format("uv sync --frozen", f"COPY --from=build /src/.venv /app/.venv\n{MODULE}"),
        SRC,
        ["load missing_file Dockerfile:8 pkg.main"],
        BUILDER.format("uv sync --frozen --no-editable", f"COPY --from=build /src/.venv /app/.venv\n{MODULE}"),
    ),
    "installed by pip -e, and only the environment copied": (
        BUILDER.format("python -m venv /venv && /venv/bin/pip install -e .",
                       f"COPY --from=build /venv /venv\n{MODULE}"),
        SRC,
        ["load missing_file Dockerfile:8 pkg.main"],
        BUILDER.format("python -m venv /venv && /venv/bin/pip install -e .",
                       f"COPY --from=build /venv /venv\nCOPY --from=build /src /src\n{MODULE}"),
    ),
    "what uv does not build it does not install": (
        f"{FROM}COPY . .\nRUN uv sync\n{MODULE}",
        {**SRC, "pyproject.toml": f"{PROJECT}dependencies = []\n"},
        ["load missing_file Dockerfile:5 pkg.main", "run undeclared src/pkg/main.py:1 pkg.util"],
        f"{FROM}COPY . .\nRUN uv sync\nENV PYTHONPATH=/app/src\n{MODULE}",
    ),
    "the working directory and the path of another stage": (
        f"FROM python:3.11 AS base\nWORKDIR /srv\nENV PYTHONPATH=/srv/lib\nCOPY lib lib\n{FROM}COPY main.py .\n{CMD}",
        {"main.py": "import util\n", "lib/util.py": ""},
        ["load undeclared main.py:1 util"],
        f"FROM python:3.11 AS base\nENV PYTHONPATH=/srv/lib\nCOPY lib $PYTHONPATH\nFROM base\nCOPY main.py .\n{CMD}",
    ),
    "removed": (
        f"{FROM}COPY . .\nRUN rm -rf lib tests\n{CMD}",
        LIB,
        NO_LIB,
        f"{FROM}RUN rm -rf lib tests\nCOPY . .\n{CMD}",
    ),
    "moved": (
        f"{FROM}COPY . /tmp/all\nRUN mv /tmp/all/main.py .\n{CMD}",
        LIB,
        ["load undeclared main.py:1 lib.util"],
        f"{FROM}COPY . /tmp/all\nRUN mv /tmp/all/* /app/ && rm -rf /tmp/all\n{CMD}",
    ),
    "linked": (
        f"{FROM}COPY main.py .\nCOPY lib /opt/lib\n{CMD}",
        LIB,
        ["load undeclared main.py:1 lib.util"],
        f"{FROM}COPY main.py .\nCOPY lib /opt/lib\nRUN ln -s /opt/lib lib\n{CMD}",
    ),
    "a folder copied as its content": (
        f"{FROM}COPY main.py lib ./\n{CMD}",
        LIB,
        NO_LIB,
        f"{FROM}COPY --parents main.py lib ./\n{CMD}",
    ),
    "an argument": (
        f"{FROM}ARG FROM_HERE=lib\nCOPY main.py ./\nCOPY ${{FROM_HERE}} ./\n{CMD}",
        LIB,
        NO_LIB,
        f"{FROM}ARG FROM_HERE=lib\nARG TO=/app/lib\nCOPY main.py ./\nCOPY ${{FROM_HERE}}/ $TO/\n{CMD}",
    ),
    "left out by the instruction": (
        f"{FROM}COPY --exclude=lib . .\n{CMD}",
        LIB,
        NO_LIB,
        f"{FROM}COPY --exclude=*.md --chown=a:b . .\n{CMD}",
    ),
    "what is built on a stage begins with what that says": (
        f"FROM python:3.11 AS base\nONBUILD COPY main.py /app/\nFROM base\nWORKDIR /app\n{CMD}",
        LIB,
        NO_LIB,
        f"FROM python:3.11 AS base\nONBUILD COPY . /app/\nFROM base\nWORKDIR /app\n{CMD}",
    ),
    "a here-document": (
        f"{FROM}COPY main.py .\nRUN <<EOF\nset -e\npip install flask\nCOPY gone .\nEOF\n{CMD}",
        {"main.py": "import flask\nimport util\n", "util.py": ""},
        ["load not_shipped main.py:2 util"],
        f"{FROM}COPY *.py /tmp/\nRUN <<-'EOF'\n\tpip install flask\n\tcp /tmp/*.py .\n\tEOF\n{CMD}",
    ),
}  # fmt: skip


def found(root: Path, dockerfile: str, files: dict[str, str]) -> list[str]:
    """What is found in the only image."""
    write(root, {**files, "Dockerfile": dockerfile})
    [package] = [item for item in packages.discover(root) if item.description.startswith("image ")]
    return [line(finding) for finding in report(package, root).findings]


@pytest.mark.parametrize("name", CASES)
def test_an_image_that_goes_wrong_and_one_that_does_not(name: str, tmp_path: Path) -> None:
    wrong, files, expected, right = CASES[name]
    assert found(tmp_path / "wrong", wrong, files) == expected
    assert found(tmp_path / "right", right, files) == []


FINAL = "FROM python:3.11-slim\n{}" + MODULE
WHEELS = "FROM python:3.11 AS build\nWORKDIR /src\nCOPY . .\nRUN {}\n" + FINAL


@pytest.mark.parametrize(
    "dockerfile",
    [
        WHEELS.format("python -m build", "COPY --from=build /src/dist /dist\nRUN pip install /dist/*.whl\n"),
        WHEELS.format("uv build --wheel", "COPY --from=build /src/dist/*.whl .\nRUN pip install *.whl\n"),
        WHEELS.format("pip wheel -w /w .", "RUN --mount=type=bind,from=build,source=/w,target=/w pip install /w/*\n"),
        WHEELS.format("pip install .", "COPY --from=build / /\n"),
        WHEELS.format("pip install .", "COPY --from=build /usr/local /usr/local\n"),
        # https://github.com/astral-sh/uv-docker-example, multistage.Dockerfile
        "FROM python:3.12 AS builder\nWORKDIR /app\n"
        "RUN --mount=type=bind,source=pyproject.toml,target=pyproject.toml uv sync --locked --no-install-project\n"
        "COPY . /app\nRUN uv sync --locked\n"
        + FINAL.format("WORKDIR /app\nCOPY --from=builder --chown=app:app /app /app\nENV PATH=/app/.venv/bin:$PATH\n"),
    ],
)  # fmt: skip
def test_a_project_that_another_stage_has_made(dockerfile: str, tmp_path: Path) -> None:
    """Is there, with what it needs; what it lacks is missing."""
    files = {**SRC, "pyproject.toml": f"{PROJECT}dependencies = ['flask']\n{BUILT}"}
    right = {**files, "src/pkg/main.py": "import flask\nimport pkg.util\n"}
    assert found(tmp_path / "right", dockerfile, right) == []
    wrong = {**files, "src/pkg/main.py": "import flask\nimport pkg.gone\n"}
    told = [entry for entry in found(tmp_path / "wrong", dockerfile, wrong) if entry.startswith("load ")]
    assert [entry.rpartition("pkg/")[2] for entry in told] == ["main.py:2 pkg.gone"]


def test_source_that_was_installed_by_its_path_is_named(tmp_path: Path) -> None:
    """With the remedy."""
    write(tmp_path, {**SRC, "Dockerfile": CASES["installed by its path, and only the environment copied"][0]})
    [package] = packages.discover(tmp_path)
    told = "/src/src/pkg/main.py is in another stage, installed there by its path: copy it, or install it without -e"
    assert told in package.problems[0].message


@pytest.mark.parametrize(
    "lines",
    [
        "ARG WHICH\nCOPY main.py .\nCOPY ${WHICH} .\n",
        "COPY main.py .\nADD util.tar.gz .\n",
        "COPY main.py .\nADD https://github.com/a/b.git .\n",
        "COPY main.py .\nCOPY <<EOF util.py\nx = 1\nEOF\n",
        "COPY main.py .\nRUN git clone https://x.test/a/util.git\n",
        "COPY main.py .\nRUN tar -xzf /tmp/x.tgz -C .\n",
        "COPY main.py .\nRUN cp $SOMETHING .\n",
    ],
)
def test_what_cannot_be_told_of_a_line_is_not_guessed(lines: str, tmp_path: Path) -> None:
    """Of the folder that it fills nothing is called missing; what it does not concern is."""
    files = {"main.py": "import util\n", "util.tar.gz": ""}
    assert found(tmp_path / "untold", f"{FROM}{lines}{CMD}", files) == []
    write(
        tmp_path / "other",
        {"Dockerfile": f"{FROM}COPY main.py .\nRUN git clone https://x.test/a/b.git\n{CMD}", **files},
    )
    [package] = [item for item in packages.discover(tmp_path / "other") if item.description.startswith("image ")]
    assert [place for place, _ in package.filled] == ["b"]


def test_build_arguments_are_those_of_the_command(tmp_path: Path) -> None:
    """Where it gives one; else the default counts."""
    dockerfile = f"{FROM}ARG SERVICE=b\nCOPY services/$SERVICE/ ./\n{CMD}"
    files = {"services/a/main.py": "import util\n", "services/b/main.py": "", ".git/HEAD": ""}
    assert found(tmp_path / "default", dockerfile, files) == []
    script = {"build.sh": "#!/bin/bash\ndocker build --build-arg SERVICE=a -t a .\n"}
    assert found(tmp_path / "given", dockerfile, {**files, **script}) == ["load undeclared main.py:1 util"]
    both = "for s in a b; do\n  docker build --build-arg SERVICE=$s --build-arg LABELLED=$RANDOM -t $s .\ndone\n"
    write(tmp_path / "several", {"Dockerfile": dockerfile, **files, "build.sh": both})
    images = packages.discover(tmp_path / "several")
    assert {image.name: len(report(image, tmp_path).findings) for image in images} == {"several a": 1, "several b": 0}


FILES = {"/a/m.py": "m", "/a/lib/x.py": "x", "/a/lib/sub/y.py": "y", "/t/z.py": "z"}
# What is run in /a: what it leaves of those files, beside what it adds.
COMMANDS: dict[str, dict[str, str]] = {
    "cp lib/x.py .": {"/a/x.py": "x"},
    "cp -r lib other": {"/a/other/x.py": "x", "/a/other/sub/y.py": "y"},
    "mkdir -p other && cp -r lib other": {"/a/other/lib/x.py": "x", "/a/other/lib/sub/y.py": "y"},
    "cp -r lib/. /b": {"/b/x.py": "x", "/b/sub/y.py": "y"},
    "cp lib/*.py m.py /b/": {"/b/x.py": "x", "/b/m.py": "m"},
    "cd lib; cp x.py ../n.py": {"/a/n.py": "x"},
    "mv /t/z.py m2.py": {"/a/m2.py": "z", "/t/z.py": ""},
    "mv /t /a/t2": {"/a/t2/z.py": "z", "/t/z.py": ""},
    "rm -rf /t || true": {"/t/z.py": ""},
    "rm -rf lib/*/": {"/a/lib/x.py": "", "/a/lib/sub/y.py": ""},
    "true || rm -rf /t": {},
    "[ -d x ] && rm -rf /t": {},
    "if [ -d x ]; then rm -rf /t; fi; rm m.py": {"/a/m.py": ""},
    "for f in a b; do rm -rf /t; cp m.py n.py; done": {"/a/n.py": "m"},
    "if [ -d x ]; then mv /t/z.py .; fi": {"/a/z.py": "z"},
    "ln -s /t/z.py z.py && ln -s ../t": {"/a/z.py": "z", "/a/t/z.py": "z"},
    "touch lib/__init__.py": {"/a/lib/__init__.py": "/dev/null"},
    "echo 'rm -rf /t' > x; cat m.py | cp n o": {},
    '["rm", "-r", "/t"]': {"/t/z.py": ""},
    "rm -rf $X 'unclosed": {},
}


@pytest.mark.parametrize("command", COMMANDS)
def test_what_commands_do_to_files(command: str) -> None:
    """Nothing is taken away that is removed under a condition."""
    files = {path: Path(name) for path, name in FILES.items()}
    assert follow(command, "/a", files) == []
    expected = {path: name for path, name in {**FILES, **COMMANDS[command]}.items() if name}
    assert {path: str(file) for path, file in files.items()} == expected


def test_here_documents_are_no_instructions() -> None:
    """But those without an end, and a sign of arithmetics."""
    text = "RUN python <<A\nCOPY a b\nA\nRUN --mount=type=cache,target=/x <<A\nls\nA\n"
    text += "RUN x <<B\nCOPY c d\nRUN echo $((1<<C))\nC\n"
    assert instructions(text) == [
        (1, "RUN", "python <<A"),
        (4, "RUN", "ls"),
        (7, "RUN", "x <<B"),
        (8, "COPY", "c d"),
        (9, "RUN", "echo $((1<<C))"),
    ]
