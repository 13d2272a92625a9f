"""Functions and services that are built from their source: what they load first, find first, install and upload."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest

from checks.preflight.model import Package
from checks.preflight.shipped import packages
from checks.preflight.smoke import smoke
from tests.support.preflight import found, line, report, write

FRAMEWORK = "import functions_framework\n"
CALLED = "@functions_framework.http\ndef handle(request): ...\n"
FUNCTION = {"f/main.py": FRAMEWORK + CALLED, "f/requirements.txt": "functions-framework\n"}
DEPLOY = "gcloud functions deploy handle --runtime=python312 --trigger-http --source=f"
OWN_QUEUE = {"main.py": f"{FRAMEWORK}from queue import Mine\n{CALLED}", "queue.py": "class Mine: ...\n"}
INSERTED = "import os, sys\nsys.path.insert(0, os.path.dirname(__file__))\n"
SHADOWED = ["load missing_name main.py:2 queue.Mine"]


def deployed(folder: Path, files: dict[str, str], command: str) -> Package:
    """The only package of a repository with that deploy script."""
    write(folder, {".git/HEAD": "", "deploy.sh": f"#!/bin/bash\n{command}\n", **files})
    [package] = packages.discover(folder)
    return package


def wrong(folder: Path, files: dict[str, str], command: str) -> list[str]:
    """What is found in it."""
    return [line(finding) for finding in report(deployed(folder, files, command), folder).findings]


# -- what is found first -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (OWN_QUEUE, SHADOWED),
        ({**OWN_QUEUE, "main.py": OWN_QUEUE["main.py"].replace("queue", "line"), "line.py": "class Mine: ...\n"}, []),
        (
            {**OWN_QUEUE, "main.py": f"{FRAMEWORK}import queue\n@functions_framework.http\ndef f(r): queue.mine()\n"},
            ["run missing_attribute main.py:4 queue.mine"],
        ),
        (
            {"main.py": f"{FRAMEWORK}import logging.mine\n{CALLED}", "logging/__init__.py": "", "logging/mine.py": ""},
            ["load missing_module main.py:2 logging.mine"],
        ),
        # The code puts the folder first itself, a server does, or it is no function.
        ({**OWN_QUEUE, "main.py": f"{INSERTED}{OWN_QUEUE['main.py']}"}, []),
        ({**OWN_QUEUE, "Procfile": "web: gunicorn main:handle\n"}, []),
        ({**OWN_QUEUE, "main.py": "from queue import Mine\nprint(Mine)\n"}, []),
    ],
)  # fmt: skip
def test_the_standard_library_comes_before_the_folder_of_a_function(
    files: dict[str, str], expected: list[str], tmp_path: Path
) -> None:
    """functions-framework appends the folder to ``sys.path``: functions_framework/_function_registry.py."""
    assert found(tmp_path, {"requirements.txt": "functions-framework\n", **files}) == expected


def test_a_module_that_is_hidden_is_named(tmp_path: Path) -> None:
    """In the finding, with the remedy; and in a note where a requirement brings the other one."""
    write(tmp_path, {**OWN_QUEUE, "requests.py": "", "requirements.txt": "functions-framework\nrequests\n"})
    answer = report(packages.of_folder(tmp_path), tmp_path)
    assert "queue.py comes last on the search path, and is not found: rename it" in answer.findings[0].message
    told = "requests.py has the name of a module that a requirement brings, which is found instead of it: rename it"
    assert told in answer.notes


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("CMD functions-framework --target=handle", SHADOWED),
        ('CMD ["functions-framework", "--source", "main.py", "--target", "handle"]', SHADOWED),
        ("CMD python -m functions_framework --target=handle", []),
        ("ENV PYTHONPATH=/app\nCMD functions-framework --target=handle", []),
        ("CMD gunicorn main:handle", []),
        ("CMD uvicorn main:handle", []),
        ("CMD python main.py", []),
    ],
)
def test_what_an_image_finds_first_goes_by_its_server(command: str, expected: list[str], tmp_path: Path) -> None:
    """A program's own folder is that of the program; ``-m`` and the servers put the working directory first."""
    image = "FROM python:3.11\nWORKDIR /app\nRUN pip install functions-framework gunicorn uvicorn\nCOPY *.py ./\n"
    write(tmp_path, {**OWN_QUEUE, "Dockerfile": f"{image}{command}\n"})
    [package] = packages.discover(tmp_path)
    assert [line(finding) for finding in report(package, tmp_path).findings] == expected


def test_importing_for_once_finds_what_the_function_finds(tmp_path: Path) -> None:
    """Not the module beside it that has the name of another."""
    function = f"{OWN_QUEUE['main.py'].replace(FRAMEWORK, '')}".replace("@functions_framework.http\n", "")
    write(tmp_path, {**OWN_QUEUE, "main.py": function, "requirements.txt": ""})
    answer = smoke(packages.of_folder(tmp_path), sys.executable)
    assert answer.finding is not None
    assert "cannot import name 'Mine' from 'queue'" in answer.finding.message
    (tmp_path / "main.py").write_text("def handle(request): ...\n", encoding="utf-8")
    assert smoke(packages.of_folder(tmp_path), sys.executable).finding is None


# -- what the build does -----------------------------------------------------------------------------------------------


def test_the_build_of_a_function_compiles_every_file(tmp_path: Path) -> None:
    """Also one that nothing imports; a service's does not."""
    old = {"f/tools/old.py": "print 'x'\n"}
    write(tmp_path / "function", {**FUNCTION, **old})
    assert found(tmp_path / "function" / "f", {}) == ["load does_not_compile tools/old.py:1 tools/old.py"]
    write(tmp_path / "service", {"f/main.py": "app = 1\n", "f/Procfile": "web: gunicorn main:app\n", **old})
    assert found(tmp_path / "service" / "f", {}) == ["never does_not_compile tools/old.py:1 tools/old.py"]
    write(tmp_path / "ignored", {**FUNCTION, **old, "f/.gcloudignore": "tools/\n"})
    assert found(tmp_path / "ignored" / "f", {}) == []


# -- what is called ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (DEPLOY, []),
        (f"{DEPLOY} --entry-point=handle", []),
        (DEPLOY.replace("deploy handle", "deploy handel"), ["load missing_name main.py:1 main.handel"]),
        (f"{DEPLOY} --entry-point=handel", ["load missing_name main.py:1 main.handel"]),
        (DEPLOY.replace("deploy handle", "deploy to-handle"), []),
        (DEPLOY.replace("deploy handle", "deploy $NAME"), []),
        (DEPLOY.replace("deploy handle", "deploy handel") + ' "${FLAGS[@]}"', []),
        (f"{DEPLOY.replace('deploy handle', 'deploy other')} --entry-point=$ENTRY", []),
    ],
)
def test_a_function_without_an_entry_point_is_called_by_its_name(
    command: str, expected: list[str], tmp_path: Path
) -> None:
    """https://cloud.google.com/sdk/gcloud/reference/functions/deploy, --entry-point."""
    assert wrong(tmp_path, FUNCTION, command) == expected


def test_a_name_that_was_tried_is_not_called(tmp_path: Path) -> None:
    """Of a script that is told the name it is not known that functions are called as their folders."""
    assert wrong(tmp_path, FUNCTION, "gcloud functions deploy $1 --runtime=python312 --source=$1") == []


def test_a_name_that_no_function_can_have_is_noted(tmp_path: Path) -> None:
    """It is no defect where the function exists already: its entry point stays."""
    package = deployed(tmp_path, FUNCTION, DEPLOY.replace("deploy handle", "deploy to-handle"))
    [note] = package.notes
    assert note.endswith("and no function can have the name 'to-handle'")
    assert ":2 has no --entry-point" in note


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"f/src/fn.py": f"{FRAMEWORK}from util import x\n{CALLED}", "f/src/util.py": "x = 1\n"}, []),
        (
            {"f/src/fn.py": f"{FRAMEWORK}from util import x\n{CALLED}", "f/util.py": "x = 1\n"},
            ["load undeclared src/fn.py:2 util"],
        ),
        ({"f/fn.py": f"{FRAMEWORK}{CALLED}"}, ["load missing_file deploy.sh:2 src/fn.py"]),
    ],
)
def test_the_source_file_that_the_build_is_told(files: dict[str, str], expected: list[str], tmp_path: Path) -> None:
    """Its own folder is searched, and not the one that is deployed."""
    files = {"f/requirements.txt": "functions-framework\n", **files}
    assert wrong(tmp_path, files, f"{DEPLOY} --set-build-env-vars=A=b,GOOGLE_FUNCTION_SOURCE=src/fn.py") == expected


APPLICATION = "from flask import Flask\n{} = Flask(__name__)\n"
SERVICE = {"f/main.py": APPLICATION.format("app"), "f/requirements.txt": "flask\n"}
OTHER = {**SERVICE, "f/main.py": APPLICATION.format("application")}


@pytest.mark.parametrize(
    ("files", "options", "expected"),
    [
        (SERVICE, "", []),
        ({**SERVICE, "f/requirements.txt": ""}, "", ["load undeclared main.py:1 flask"]),
        (OTHER, "", ["load missing_name main.py:1 main.app"]),
        ({**OTHER, "f/Procfile": "web: gunicorn main:application\n"}, "", []),
        (OTHER, "--command=gunicorn --args=main:application", []),
        (OTHER, "--set-build-env-vars=GOOGLE_ENTRYPOINT='gunicorn main:application'", []),
        (OTHER, "--set-build-env-vars=GOOGLE_ENTRYPOINT='gunicorn main:x'", ["load missing_name main.py:1 main.x"]),
        (OTHER, "--command=$COMMAND", []),
        (OTHER, "--region $REGION", ["load missing_name main.py:1 main.app"]),
        (OTHER, '--region $REGION "$@"', []),
        (OTHER, "--quiet $FLAGS", []),
        ({**OTHER, "f/requirements.txt": "flask\nstreamlit\n"}, "", []),
        ({**OTHER, "f/package.json": "{}"}, "", []),
        (OTHER, "--function=application", []),
        ({"f/app.py": "import gone\napp = 1\n", "f/requirements.txt": ""}, "", ["load undeclared app.py:1 gone"]),
    ],
)  # fmt: skip
def test_what_a_service_starts_that_is_deployed_from_its_source(
    files: dict[str, str], options: str, expected: list[str], tmp_path: Path
) -> None:
    """github.com/GoogleCloudPlatform/buildpacks, cmd/python/missing_entrypoint: ``gunicorn main:app``."""
    assert wrong(tmp_path, files, f"gcloud run deploy service --source=f {options}") == expected


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ("service: s", ["load missing_name main.py:1 main.app"]),
        ("service: s, flags: '--command=gunicorn --args=main:application'", []),
        ("service: s, flags: '--function=application --base-image=python312'", []),
        ("job: s", []),
    ],
)
def test_what_the_action_that_deploys_to_cloud_run_is_told(inputs: str, expected: list[str], tmp_path: Path) -> None:
    """https://github.com/google-github-actions/deploy-cloudrun: its inputs ``flags`` and ``job``."""
    step = f"{{uses: google-github-actions/deploy-cloudrun@v2, with: {{source: f, {inputs}}}}}"
    write(tmp_path, {".git/HEAD": "", ".github/workflows/a.yml": f"jobs: {{a: {{steps: [{step}]}}}}\n", **OTHER})
    [package] = packages.discover(tmp_path)
    assert [line(finding) for finding in report(package, tmp_path).findings] == expected


def test_a_service_whose_dockerfile_is_written_may_start_anything(tmp_path: Path) -> None:
    written = "cat > f/Dockerfile <<EOF\nFROM python:3.12\nEOF\ngcloud run deploy service --source=f"
    assert wrong(tmp_path, OTHER, written) == []


def test_a_job_is_a_program(tmp_path: Path) -> None:
    """What stands under ``__main__`` runs."""
    files = {"f/main.py": "if __name__ == '__main__':\n    import gone\n", "f/requirements.txt": ""}
    assert wrong(tmp_path, files, "gcloud run jobs deploy job --source=f") == ["load undeclared main.py:2 gone"]


# -- what is installed -------------------------------------------------------------------------------------------------

PANDAS = {"f/main.py": f"{FRAMEWORK}import flask\nimport pandas\n{CALLED}"}
PROJECT = {
    "f/pyproject.toml": "[project]\nname = 'x'\nversion = '1'\ndependencies = ['functions-framework', 'pandas']\n"
}
PLAIN = {"f/pyproject.toml": "[project]\nname = 'x'\nversion = '1'\ndependencies = ['pandas']\n"}
NO_FRAMEWORK = ["load undeclared main.py:1 functions_framework", "load undeclared main.py:2 flask"]
UNDECLARED = ["load undeclared main.py:3 pandas"]


@pytest.mark.parametrize(
    ("files", "command", "expected"),
    [
        ({**PANDAS, "f/requirements.txt": "pandas\n"}, DEPLOY, []),
        (PANDAS, DEPLOY, UNDECLARED),
        ({**PANDAS, "f/Pipfile": "[packages]\npandas = '*'\n"}, DEPLOY, UNDECLARED),
        ({**PANDAS, **PROJECT}, DEPLOY, UNDECLARED),
        ({**PANDAS, **PROJECT}, DEPLOY.replace("312", "313"), []),
        ({**PANDAS, **PROJECT, "f/requirements.txt": "\n"}, DEPLOY.replace("312", "313"), UNDECLARED),
        ({**PANDAS, **PROJECT, **PLAIN}, DEPLOY.replace("312", "313"), NO_FRAMEWORK),
        # The script may well make them.
        ({**PANDAS, **PROJECT}, f"(cd f && poetry export -o requirements.txt)\n{DEPLOY}", []),
        ({**PANDAS, **PROJECT}, f"cp $SOMETHING f\n{DEPLOY}", []),
        ({**PANDAS, ".gitignore": "*.pyc\nf/requirements.txt\n"}, DEPLOY, []),
        ({**PANDAS, "f/requirements.in": "pandas\n"}, DEPLOY, []),
    ],
)
def test_without_requirements_nothing_is_installed(
    files: dict[str, str], command: str, expected: list[str], tmp_path: Path
) -> None:
    """``pyproject.toml`` is read from Python 3.13 on (buildpacks, pkg/python/pyproject.go), ``Pipfile`` never
    (cloud.google.com/functions/docs/writing/specifying-dependencies-python).
    """
    assert wrong(tmp_path, files, command) == expected


# -- what is sent ------------------------------------------------------------------------------------------------------

COPIED = {
    "f/main.py": f"{FRAMEWORK}import shared.x\n{CALLED}",
    "f/requirements.txt": "",
    "f/.gitignore": "shared/\n",
    "shared/__init__.py": "",
    "shared/x.py": "",
}


def test_gcloud_goes_by_gitignore_where_there_is_nothing_else(tmp_path: Path) -> None:
    """So that a copy which git is to ignore is not sent: cloud.google.com/sdk/gcloud/reference/topic/gcloudignore."""
    copy = f"cp -r shared f/\n{DEPLOY}"
    package = deployed(tmp_path / "ignored", COPIED, copy)
    assert sorted(package.files) == [".gitignore", "main.py", "requirements.txt"]
    assert package.notes[-1].startswith("gcloud leaves out shared: without a .gcloudignore it goes by ")
    assert wrong(tmp_path / "empty", {**COPIED, "f/.gcloudignore": "\n"}, copy) == []
    assert wrong(tmp_path / "told", {**COPIED, "f/.other": ""}, f"{copy} --ignore-file=.other") == []


def test_the_action_that_deploys_functions_does_not_look_for_gitignore(tmp_path: Path) -> None:
    """github.com/google-github-actions/deploy-cloud-functions, src/util.ts, getGcloudIgnores."""
    step = (
        "      - uses: google-github-actions/deploy-cloud-functions@v3\n        with: {name: handle, source_dir: f}\n"
    )
    workflow = f"jobs:\n  deploy:\n    steps:\n      - run: cp -r shared f/\n{step}"
    write(tmp_path, {".git/HEAD": "", ".github/workflows/deploy.yml": workflow, **COPIED})
    [package] = packages.discover(tmp_path)
    assert "shared/x.py" in package.files


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("flask=>2", True),
        ("requests=2.1", True),
        ("flask>=2,<3,", False),
        ("Flask[async]>=2 ; python_version < '4'", False),
        ("a @ https://x.test/a.whl", False),
        ("git+https://x.test/a#egg=a", False),
        ("a.whl", False),
        ("a==${VERSION}", False),
        ("a==1.*", False),
    ],
)
def test_requirements_that_pip_refuses(text: str, refused: bool, tmp_path: Path) -> None:
    """As packaging reads them, which is what pip has."""
    files = {"main.py": "", "requirements.txt": f"# all\n{text}\n"}
    assert found(tmp_path, files) == ([f"load does_not_compile requirements.txt:2 {text}"] if refused else [])


def test_a_folder_that_may_not_be_read_is_not_called_empty() -> None:
    """Of what would lie in it nothing is called missing."""
    with tempfile.TemporaryDirectory() as name:  # not below tmp_path, which belongs to this user only
        root = write(Path(name), {"main.py": "import closed.part\n", "requirements.txt": "", "closed/part.py": ""})
        root.chmod(0o755)
        (root / "closed").chmod(0)
        other = os.geteuid() == 0
        try:
            if other:
                os.seteuid(65534)
            package = packages.of_folder(root)
        finally:
            if other:
                os.seteuid(0)
            (root / "closed").chmod(0o755)
    assert package.filled == (("closed", f"{root / 'closed'} cannot be read: Permission denied"),)
