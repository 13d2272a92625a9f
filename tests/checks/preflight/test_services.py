"""Folders that are deployed from their source, as functions or services; and what serves them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from checks.preflight.model import Package
from checks.preflight.shipped import packages
from monitor.preflight import answer
from tests.support.preflight import line, report, write

PUBSUB = "import redis\n\n\ndef handle(event, context):\n    return redis\n"
WEB = "import flask\n\napp = flask.Flask(__name__)\n\nif __name__ == '__main__':\n    start(app)\n"


def only(folder: Path, files: dict[str, str]) -> Package:
    """The one package that is found in a folder of these files."""
    [package] = packages.discover(write(folder, files))
    return package


@pytest.mark.parametrize(
    "text",
    [
        PUBSUB,
        "def handle(data, context: 'google.cloud.functions.Context') -> None: ...\n",
        "def handle(event: Dict[Any, Any],\n           context: Any = None) -> str: ...\n",
        "def web(request):\n    return ''\n",
        "async def web(request: flask.Request): ...\n",
        "def ingest(cloud_event: CloudEvent) -> None: ...\n",
        "from functions_framework import http\n",
    ],
)
def test_a_function_is_known_by_what_it_is_called_with(text: str, tmp_path: Path) -> None:
    """Also without a requirements file; of that it is known only what the platform brings."""
    package = only(tmp_path, {"jobs/f/main.py": f"from __future__ import annotations\n{text}"})
    assert package.description.startswith("function folder")
    assert report(package, tmp_path).findings == ()
    assert {item.symbol for item in report(package, tmp_path).unknown} <= {"redis"}


@pytest.mark.parametrize(
    "text",
    [
        "def main(argv):\n    return 0\n",
        "def index(request, name):\n    return ''\n",
        "class View:\n    def get(self, request):\n        return ''\n",
        "from fastapi import FastAPI\napp = FastAPI()\n\n\ndef index(request):\n    return ''\n",
        "# functions_framework would be another way\n",
    ],
)
def test_other_programs_are_none(text: str, tmp_path: Path) -> None:
    """A view, a method, a command line."""
    assert only(tmp_path, {"jobs/f/main.py": text}).root == tmp_path


def test_a_folder_with_a_procfile_or_app_yaml_is_a_service(tmp_path: Path) -> None:
    """Each with what it starts, and App Engine's version."""
    files = {
        "a/Procfile": "web: gunicorn --bind :$PORT web:app\n",
        "a/web.py": WEB,
        "a/requirements.txt": "flask\ngunicorn\n",
        "b/app.yaml": "runtime: python39\nentrypoint: gunicorn -b :$PORT pkg.web:app\n",
        "b/pkg/web.py": WEB,
        "b/requirements.txt": "flask\ngunicorn\n",
        "c/app.yaml": "runtime: python27\n",
        "c/old.py": "print 'x'\n",
        "d/app.yaml": "runtime: nodejs20\n",
        "d/tool.py": "",
    }
    found = packages.discover(write(tmp_path, files))
    assert [(p.name, p.entries, p.python) for p in found] == [
        ("a", ("web.py",), None),
        ("b", ("pkg/web.py",), (3, 9)),
    ]
    assert all(p.description.startswith("service folder") for p in found)
    assert all(report(p, tmp_path).findings == () for p in found)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"main.py": WEB}, ["load undefined_name main.py:6 start"]),
        ({"main.py": WEB, "Procfile": "web: python main.py\n"}, ["load undefined_name main.py:6 start"]),
        ({"main.py": WEB, "Procfile": "web: gunicorn main:app\n"}, []),
        ({"main.py": "def f(event, context): ...\n\nif __name__ == '__main__':\n    start()\n"}, []),
    ],
)
def test_what_a_server_imports_is_no_program(files: dict[str, str], expected: list[str], tmp_path: Path) -> None:
    """Its ``__main__`` part does not run."""
    package = only(tmp_path, {**files, "requirements.txt": "flask\ngunicorn\n"})
    assert [line(f) for f in report(package, tmp_path).findings] == expected


SERVER = ["load undeclared Dockerfile:5 gunicorn"]


@pytest.mark.parametrize(
    ("requirements", "dockerfile", "expected"),
    [
        ("flask", "CMD exec gunicorn main:app\n", SERVER),
        ("flask", 'CMD ["python", "-m", "gunicorn", "main:app"]\n', SERVER),
        ("flask\nnever-heard-of", "CMD exec gunicorn main:app\n", SERVER),
        ("fastapi", "CMD uvicorn main:app\n", ["load undeclared Dockerfile:5 uvicorn"]),
        ("fastapi[standard]", "CMD uvicorn main:app\n", []),
        ("flask", "CMD flask --app main:app run\n", []),
        ("flask\nGunicorn==20.1", "CMD exec gunicorn main:app\n", []),
        ("functions-framework", "CMD exec functions-framework --target=app\n", []),
        ("flask", "RUN apt-get install -y gunicorn\nCMD gunicorn main:app\n", []),
        ("flask", "RUN poetry install\nCMD gunicorn main:app\n", []),
        ("flask\ngit+https://example.com/base.git", "CMD gunicorn main:app\n", []),
    ],
)
def test_the_server_that_an_image_starts_must_be_installed(
    requirements: str, dockerfile: str, expected: list[str], tmp_path: Path
) -> None:
    """By a requirement, or in another way."""
    head = "FROM python:3.11\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\n"
    files = {"main.py": "app = 1\n", "requirements.txt": requirements + "\n", "Dockerfile": head + dockerfile}
    assert [line(f) for f in report(only(tmp_path, files), tmp_path).findings] == expected


def test_of_an_unknown_base_image_only_what_is_declared_is_known(tmp_path: Path) -> None:
    """The rest could not be told, for that reason."""
    dockerfile = 'FROM acme/base:1\nCOPY . .\nRUN pip install -r requirements.txt\nCMD ["python", "main.py"]\n'
    files = {
        "main.py": "import flask\nimport redis\nfrom google.cloud import bigquery, storage\nimport own.gone\n",
        "own/__init__.py": "",
        "requirements.txt": "flask\ngoogle-cloud-bigquery\n",
        "Dockerfile": dockerfile,
    }
    answer = report(only(tmp_path, files), tmp_path)
    assert [line(f) for f in answer.findings] == ["load missing_module main.py:4 own.gone"]
    assert {(item.symbol, item.reason) for item in answer.unknown} == {
        (name, "it is not known what the image acme/base:1 brings") for name in ("redis", "google.cloud.storage")
    }


def test_a_folder_of_the_package_is_nobody_elses(tmp_path: Path) -> None:
    """What is not in it is missing, however little is known of what is installed; but for names that others share."""
    files = {
        "main.py": "from etl.load import a\nfrom etl.gone import b\nfrom google.cloud import storage\n",
        "etl/load.py": "a = 1\n",
        "google/mine.py": "",
    }
    answer = report(packages.of_folder(write(tmp_path, files)), tmp_path)
    assert [line(f) for f in answer.findings] == ["load missing_module main.py:2 etl.gone"]


@pytest.mark.parametrize(
    ("target", "expected"), [((3, 11), []), ((3, 12), ["load undeclared main.py:1 pkg_resources"])]
)
def test_python_brought_setuptools_once(target: tuple[int, int], expected: list[str], tmp_path: Path) -> None:
    """Up to 3.11; pip is always there."""
    package = only(tmp_path, {"main.py": "import pkg_resources\nimport pip\n", "requirements.txt": ""})
    assert [line(f) for f in report(package, tmp_path, target=target).findings] == expected


@pytest.mark.parametrize(
    ("dockerfile", "expected"),
    [
        ("FROM python:3.11\nWORKDIR /app\nCMD gunicorn main:app\n", ["load missing_file Dockerfile:3 main"]),
        (
            'FROM acme/base\nWORKDIR /app\nCOPY requirements.txt .\nCMD ["python", "main.py"]\n',
            ["load missing_file Dockerfile:4 /app/main.py"],
        ),
        ('FROM acme/base\nWORKDIR /app\nCOPY requirements.txt .\nCMD ["python", "server.py"]\n', []),
        ("FROM python:3.11\nRUN git clone x /app\nWORKDIR /app\nCMD gunicorn main:app\n", []),
        (
            'FROM python:3.11\nRUN apt-get install git && true\nCOPY lib /lib\nCMD ["/start.sh"]\n',
            ["load missing_file Dockerfile:4 /start.sh"],
        ),
        ('FROM python:3.11\nRUN echo x > /start.sh\nCOPY lib /lib\nCMD ["/start.sh"]\n', []),
        ("FROM python:3.11\nCOPY lib /lib\nCMD gunicorn slack:app\n", ["load missing_file Dockerfile:3 slack"]),
        ("FROM python:3.11\nCOPY lib /lib\nRUN pip install x\nCMD gunicorn celery:app\n", []),
        (
            "FROM python:3.11\nCOPY lib /lib\nRUN pip install /lib\nWORKDIR /app\nCMD gunicorn app:app\n",
            ["load missing_file Dockerfile:5 app"],
        ),
        ("FROM python:3.11\nCOPY lib /lib\nRUN pip install /lib\nWORKDIR /app\nCMD gunicorn inner:app\n", []),
    ],
)
def test_a_forgotten_copy_of_what_is_started(dockerfile: str, expected: list[str], tmp_path: Path) -> None:
    """It lies in the build context, so that it is no base image's."""
    files = {"Dockerfile": dockerfile, "main.py": "", "requirements.txt": ""}
    files |= {"slack.py": "", "lib/setup.py": "import setuptools\n", "lib/odd/inner/__init__.py": ""}
    found = [p for p in packages.discover(write(tmp_path, files)) if p.description.startswith("image of")]
    assert [line(f) for p in found for f in report(p, tmp_path).findings] == expected


@pytest.mark.parametrize(
    ("dockerfile", "told"),
    [
        ("FROM python:3.11\nWORKDIR /app\nRUN pip install -r requirements.txt\nCOPY . .\n", True),
        ("FROM python:3.11\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\n", False),
        ("FROM python:3.11\nCOPY . .\nRUN pip install -r gone.txt\n", True),
        ("FROM python:3.11\nCOPY . .\nRUN poetry export -o gone.txt && pip install -r gone.txt\n", False),
        ("FROM python:3.11\nCOPY . .\nRUN pip freeze > gone.txt\nRUN pip install -r gone.txt\n", False),
        ("FROM python:3.11\nRUN git clone x .\nRUN pip install -r gone.txt\n", False),
        ("FROM python:3.11\nCOPY --from=x / .\nCOPY . .\nRUN pip install -r gone.txt\n", False),
        ("FROM python:3-onbuild\nCOPY . .\nRUN pip install -r gone.txt\n", False),
        ("FROM acme/base\nCOPY . .\nRUN pip install -r gone.txt\n", False),
        ("FROM python:3.11\nCOPY . .\nARG WHICH\nRUN pip install -r $WHICH.txt\n", False),
        ("FROM python:3.11\nCOPY . .\nRUN pip install -r https://example.org/gone.txt\n", False),
    ],
)
def test_requirements_that_no_copy_brings(dockerfile: str, told: bool, tmp_path: Path) -> None:
    """The image cannot be built."""
    files = {"Dockerfile": dockerfile, "main.py": "", "requirements.txt": ""}
    found = [p for p in packages.discover(write(tmp_path, files)) if p.description.startswith("image of")]
    assert ["RUN installs from it" in f.message for p in found for f in p.problems] == [True] * told


@pytest.mark.parametrize(
    ("copies", "told"),
    [
        ("COPY reqs/web.txt /r/\n", ["web.txt:1 base.txt", "web.txt:2 limits.txt"]),
        ("COPY reqs/web.txt reqs/base.txt /r/\n", ["web.txt:2 limits.txt", "base.txt:2 more.txt"]),
        ("COPY reqs /r\n", []),
        ("COPY reqs/web.txt /r/\nRUN curl -o /r/base.txt x\n", []),
    ],
)
def test_requirements_that_others_include_and_no_copy_brings(copies: str, told: list[str], tmp_path: Path) -> None:
    """They lie in the repository, so that it works there."""
    files = {
        "Dockerfile": f"FROM python:3.11\n{copies}RUN pip install -r /r/web.txt\nCOPY main.py .\nCMD python main.py\n",
        "main.py": "",
        "reqs/web.txt": "-r base.txt\n-c limits.txt\n",
        "reqs/base.txt": "flask\n-r more.txt\n",
        "reqs/more.txt": "",
        "reqs/limits.txt": "",
    }
    package = only(tmp_path, files)
    assert sorted(f"{f.file}:{f.line} {f.symbol}" for f in package.problems) == sorted(told)


def test_a_folder_that_an_image_above_starts_is_not_looked_at_twice(tmp_path: Path) -> None:
    """But one that it merely holds is a function of its own."""
    files = {
        "Dockerfile": "FROM python:3.11\nCOPY . .\nRUN pip install -r app/requirements.txt\nCMD python app/main.py\n",
        "app/main.py": "",
        "app/requirements.txt": "",
        "other/main.py": PUBSUB,
        "other/requirements.txt": "redis\n",
    }
    found = packages.discover(write(tmp_path, files))
    assert [p.entries for p in found] == [("app/main.py",), ("main.py",)]


@pytest.mark.parametrize("name", ["Dockerfile", "Dockerfile.web", "Dockerfile_web", "web.Dockerfile"])
def test_names_of_dockerfiles(name: str, tmp_path: Path) -> None:
    """As they are met."""
    files = {name: "FROM python:3.11\nCOPY main.py .\nCMD python main.py\n", "main.py": ""}
    assert only(tmp_path, {**files, "Dockerfile.old.dockerignore": "FROM x\n"}).description.startswith("image of")


def test_what_cannot_happen_in_a_package_below_is_not_told_of_the_one_above(tmp_path: Path) -> None:
    """There it was looked for from the wrong place; what does happen is told of both."""
    files = {
        "main.py": "import redis\nimport tool\n",
        "tool.py": "",
        "spare.py": "import gone\n",
        "requirements.txt": "redis\n",
        "jobs/main.py": "import helper\nimport flask\n",
        "jobs/helper.py": "import gone\n",
        "jobs/requirements.txt": "flask\n",
    }
    wanted = answer.Wanted(root=write(tmp_path, files))
    found = answer.chosen(wanted, None)
    reports, _ = answer.examine(wanted, None, found, today=date(2026, 1, 1), progress=lambda _name, _done, _of: None)
    assert [[line(f) for f in item.findings] for item in reports] == [
        ["never undeclared spare.py:1 gone"],
        ["load undeclared helper.py:1 gone"],
    ]


SERVED = {
    "app/__init__.py": "",
    "app/web.py": "import flask\napp = flask.Flask(__name__)\n",
    "requirements.txt": "flask\ngunicorn\n",
}
LINES = {
    "Procfile": "web: gunicorn --bind :$PORT {}\n",
    "app.yaml": "runtime: python312\nentrypoint: gunicorn -b :$PORT {}\n",
}


@pytest.mark.parametrize("file", LINES)
def test_what_a_service_starts_is_there(file: str, tmp_path: Path) -> None:
    """The module, and the application in it; one that may come from elsewhere is not called missing."""
    line_of = {"Procfile": 1, "app.yaml": 2}[file]
    for name, (target, expected) in {
        "right": ("app.web:app", []),
        "module": ("app.wob:app", [f"load missing_file {file}:{line_of} app.wob"]),
        "name": ("app.web:application", ["load missing_name app/web.py:1 app.web.application"]),
        "below": ("web:app", []),
        "installed": ("gunicorn.app:app", []),
    }.items():
        root = write(tmp_path / name, {**SERVED, file: LINES[file].format(target)})
        found = [line(finding) for finding in report(packages.of_folder(root), root, target=(3, 12)).findings]
        assert found == expected, name


def test_app_engine_starts_main_where_nothing_else_is_said(tmp_path: Path) -> None:
    """``app`` of ``main.py``; not where all that is served are static files."""
    usual = {"app.yaml": "runtime: python312\n", "requirements.txt": "flask\n"}
    static = usual["app.yaml"] + "handlers:\n- url: /\n  static_dir: www\n"
    for name, (files, expected) in {
        "right": ({"main.py": "import flask\napp = flask.Flask(__name__)\n"}, []),
        "name": ({"main.py": "import flask\nsite = flask.Flask(__name__)\n"}, ["load missing_name main.py:1 main.app"]),
        "file": ({"site.py": ""}, ["load missing_file app.yaml:1 main"]),
        "static": ({"tool.py": "", "app.yaml": static}, []),
    }.items():
        root = write(tmp_path / name, {**usual, **files})
        found = [line(finding) for finding in report(packages.of_folder(root), root, target=(3, 12)).findings]
        assert found == expected, name


def test_a_function_of_firebase(tmp_path: Path) -> None:
    """Known by what it imports; its version is that of ``firebase.json``, for its folder only."""
    firebase = '{"functions": [{"source": "fns", "runtime": "python310"}, {"source": "js", "runtime": "nodejs20"}]}'
    main = "from firebase_functions import https_fn\n@https_fn.on_request()\ndef f(req): ...\n"
    files = {"fns/main.py": main, "other/main.py": main, ".git/HEAD": ""}
    made = {
        package.name: package for package in packages.discover(write(tmp_path, {"firebase.json": firebase, **files}))
    }
    assert (made["fns"].python, made["fns"].python_from) == ((3, 10), "firebase.json")
    assert made["other"].python is None
    assert made["fns"].last == ("",)
    (tmp_path / "firebase.json").write_text('{"functions": 7, "hosting": []}', encoding="utf-8")
    assert {package.python for package in packages.discover(tmp_path)} == {None}
