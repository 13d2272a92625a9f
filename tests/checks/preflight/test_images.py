"""Images: what their commands start, what their builds install, what ``.dockerignore`` leaves out. Each broken form was
reported by somebody; beside it stands what fixed it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.preflight.shipped import images
from checks.preflight.shipped.starting import Start, start, words_of
from tests.support.preflight import line, report, write

WEB = "from fastapi import FastAPI\napp = FastAPI()\n"
SERVED = "FROM python:3.11-slim\nWORKDIR /srv\nRUN pip install fastapi uvicorn gunicorn celery\n"

# name: (the files, of which ``|`` parts the broken Dockerfile from the one that works, what is found in the broken one)
IMAGES: dict[str, tuple[dict[str, str], list[str]]] = {
    "the application lies in the working directory itself": (
        {
            "app/main.py": WEB,
            "Dockerfile": f"{SERVED}COPY app .\nCMD uvicorn app.main:app|{SERVED}COPY app .\nCMD uvicorn main:app",
        },
        ["load missing_file Dockerfile:5 app.main"],
    ),
    "copied beside the working directory": (
        {
            "app/main.py": WEB,
            "Dockerfile": f"{SERVED}COPY app /app\nCMD uvicorn app.main:app|{SERVED}COPY app ./app\nCMD uvicorn app.main:app",
        },
        ["load missing_file Dockerfile:5 app.main"],
    ),
    "a worker that is called by another name": (
        {
            "jobs/tasks.py": "from celery import Celery\napp = Celery('x')\n",
            "Dockerfile": f"{SERVED}COPY . .\nCMD celery worker --app=util.tasks|{SERVED}COPY . .\nCMD celery -A jobs.tasks worker",
        },
        ["load missing_file Dockerfile:5 util.tasks"],
    ),
    "a package that cannot be run": (
        {
            "service/__init__.py": "",
            "job/__main__.py": "",
            "Dockerfile": f'{SERVED}COPY . .\nCMD ["python", "-m", "service"]|{SERVED}COPY . .\nCMD ["python", "-um", "job"]',
        },
        ["load missing_file Dockerfile:5 service"],
    ),
    "a server that nothing installs": (
        {
            "app.py": "from flask import Flask\napp = Flask(__name__)\n",
            "Dockerfile": "FROM python:3.11\nRUN pip install flask\nWORKDIR /s\nCOPY . .\nCMD gunicorn -b 0.0.0.0:80 app:app"
            "|FROM python:3.11\nRUN pip install flask gunicorn\nWORKDIR /s\nCOPY . .\nCMD gunicorn -b 0.0.0.0:80 app:app",
        },
        ["load undeclared Dockerfile:5 gunicorn"],
    ),
    "a program in a folder looks there first": (
        {
            "backend/__init__.py": "",
            "scripts/run.py": "import backend\n",
            "Dockerfile": "FROM python:3.11\nWORKDIR /app\nCOPY . .\nCMD python scripts/run.py"
            "|FROM python:3.11\nWORKDIR /app\nENV PYTHONPATH=/app\nCOPY . .\nCMD python scripts/run.py",
        },
        ["load undeclared scripts/run.py:1 backend"],
    ),
    "the package lies above the working directory": (
        {
            "app/__init__.py": "",
            "app/db.py": "",
            "app/job.py": "import app.db\n",
            "Dockerfile": "FROM python:3.11\nWORKDIR /code/app\nCOPY app /code/app\nCMD python job.py"
            "|FROM python:3.11\nWORKDIR /code/app\nENV PYTHONPATH=/code\nCOPY app /code/app\nCMD python job.py",
        },
        ["load not_shipped job.py:1 app.db"],
    ),
    "a folder that the code names by its path in the image": (
        {
            "shared/table.py": "x = 1\n",
            "job/main.py": "import sys\nsys.path.insert(0, '/app/shared')\nimport table\n",
            "Dockerfile": "FROM python:3.11\nWORKDIR /srv\nCOPY . .\nCMD python job/main.py"
            "|FROM python:3.11\nWORKDIR /app\nCOPY . .\nCMD python job/main.py",
        },
        ["load undeclared job/main.py:3 table"],
    ),
    "a folder without __init__.py is a package where a server loads it by its dotted name": (
        {
            "app/main.py": f"from .parts import x\n{WEB}",
            "app/parts.py": "x = 1\n",
            "Dockerfile": f"{SERVED}COPY app .\nCMD uvicorn main:app|{SERVED}COPY app ./app\nCMD uvicorn app.main:app",
        },
        ["load missing_module main.py:1 .parts"],
    ),
    "out of another image": (
        {
            "main.py": "import sys\nsys.path.append('/app/lib')\nimport lib.parts\nimport job.parts\n",
            "job/__init__.py": "",
            "Dockerfile": "FROM python:3.11\nWORKDIR /app\nCOPY . .\nCOPY --from=others /x ./lib\nCMD python main.py"
            "|FROM python:3.11\nWORKDIR /app\nCOPY . .\nCOPY --from=others /x .\nCMD python main.py",
        },
        ["load missing_module main.py:4 job.parts"],
    ),
    "a project that is not installed": (
        {
            "src/sim/__init__.py": "",
            "start.py": "import sim\n",
            "pyproject.toml": "[project]\nname = 'sim'\ndependencies = []\n",
            "Dockerfile": "FROM python:3.11\nWORKDIR /app\nCOPY . .\nCMD python start.py"
            "|FROM python:3.11\nWORKDIR /app\nCOPY . .\nRUN pip install .\nCMD python start.py",
        },
        ["load undeclared start.py:1 sim"],
    ),
    "a folder that packaging passes over": (
        {
            "ras/__init__.py": "import ras.state.co\n",
            "ras/__main__.py": "",
            "ras/state/co.py": "",
            "setup.py": "from setuptools import find_packages, setup\nsetup(packages=find_packages(), install_requires=['numpy'])\n",
            "Dockerfile": "FROM python:3.11\nCOPY . /src\nRUN pip install /src\nWORKDIR /w\nCMD python -m ras"
            "|FROM python:3.11\nCOPY . /src\nRUN touch /src/ras/state/__init__.py && pip install -e /src\nWORKDIR /w\nCMD python -m ras",
        },
        [
            "load missing_module site-packages/ras/__init__.py:1 ras.state.co",
            "never missing_module ../src/ras/__init__.py:1 ras.state.co",
        ],
    ),
    "a dependency of developers only": (
        {
            "main.py": "import xpoint\n",
            "pyproject.toml": "[project]\nname = 'w'\ndependencies = ['flask']\n[dependency-groups]\ndev = ['xpoint']\n",
            "Dockerfile": "FROM python:3.11\nWORKDIR /a\nCOPY . .\nRUN uv export --no-dev -o r.txt && uv pip install --system -r r.txt\nCMD python main.py"
            "|FROM python:3.11\nWORKDIR /a\nCOPY . .\nRUN uv sync\nCMD python main.py",
        },
        ["load undeclared main.py:1 xpoint"],
    ),
    "what is ignored is not copied": (
        {
            "main.py": "import tests.data\n",
            "tests/__init__.py": "",
            "tests/data.py": "",
            ".dockerignore": "tests/\n|tests/\n!tests/__init__.py\n!tests/data.py\n",
            "Dockerfile": "FROM python:3.11\nWORKDIR /a\nCOPY . .\nCMD python main.py",
        },
        ["load not_shipped main.py:1 tests.data"],
    ),
    "setuptools left the images": (
        {
            "pkg/__init__.py": "__import__('pkg_resources').declare_namespace(__name__)\n",
            "pkg/run.py": "from distutils.util import strtobool\n",
            "Dockerfile": "FROM python:3.12-slim\nWORKDIR /a\nCOPY . .\nCMD python -m pkg.run"
            "|FROM python:3.12-slim\nWORKDIR /a\nRUN pip install setuptools\nCOPY . .\nCMD python -m pkg.run",
        },
        ["load undeclared pkg/__init__.py:1 pkg_resources", "load missing_module pkg/run.py:1 distutils.util"],
    ),
    "a function of Lambda under another name": (
        {
            "main.py": "import boto3\ndef lambda_handler(event, context): ...\n",
            "Dockerfile": 'FROM public.ecr.aws/lambda/python:3.11\nCOPY . ${LAMBDA_TASK_ROOT}\nCMD ["function.lambda_handler"]'
            '|FROM public.ecr.aws/lambda/python:3.11\nCOPY . ${LAMBDA_TASK_ROOT}\nCMD ["main.lambda_handler"]',
        },
        ["load missing_file Dockerfile:3 function"],
    ),
}


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_as_it_was_reported_and_as_it_was_fixed(name: str, tmp_path: Path) -> None:
    """The first is told, at its place; of the second nothing is said."""
    files, expected = IMAGES[name]
    for number, wanted in ((0, expected), (-1, [])):
        root = write(tmp_path / str(number), {file: text.split("|")[number] for file, text in files.items()})
        package = images.of_dockerfile(root / "Dockerfile", root)
        target = (3, 12) if "3.12" in files["Dockerfile"] else (3, 11)
        assert [line(finding) for finding in report(package, root, target=target).findings] == wanted


COMMANDS: dict[str, Start | None] = {
    "gunicorn config.wsgi -b 0.0.0.0:8000": Start(
        module="config.wsgi", folder="/a", name="application", server="gunicorn"
    ),
    "gunicorn -w 4 -b 0.0.0.0:5000 --reload web:create_app()": Start(
        module="web", folder="/a", name="create_app", server="gunicorn"
    ),
    "gunicorn --pythonpath src,/lib -k uvicorn.workers.UvicornWorker -c conf.py web:app": Start(
        module="web", folder="/a", search=("/a/src", "/lib"), name="app", server="gunicorn"
    ),
    "python manage.py migrate && exec python -m uvicorn --factory web:make": Start(
        module="web", folder="/a", name="make", server="uvicorn"
    ),
    "celery -A app.worker:celery worker -l info": Start(
        module="app.worker", folder="/a", name="celery", rather="app.worker.celery", server="celery"
    ),
    "arq jobs.worker.Settings": Start(module="jobs.worker", folder="/a", name="Settings", server="arq"),
    "dramatiq jobs.tasks:broker -p 2": Start(module="jobs.tasks", folder="/a", name="broker", server="dramatiq"),
    "gunicorn run-web:app": Start(module="run-web", folder="/a", name="app", server="gunicorn"),
    "fastapi run app/main.py --port 80": Start(file="/a/app/main.py", folder="/a", server="fastapi"),
    "sh -c 'python -um tool.run; sleep 1'": Start(module="tool.run", folder="/a", ran=True),
    "cd src && python main.py": None,
    "nginx -g 'daemon off;'": None,
}


@pytest.mark.parametrize("command", COMMANDS)
def test_what_a_command_starts(command: str) -> None:
    """Addresses, workers and settings are no applications; of several commands the last one counts."""
    assert start(words_of(command), "/a") == COMMANDS[command]


def test_patterns_of_dockerignore_begin_at_the_build_context(tmp_path: Path) -> None:
    """Unlike those of git: ``data`` is not ``pkg/data``."""
    files = {
        "main.py": "import pkg.data.rows\n",
        "pkg/data/rows.py": "",
        "data/big.py": "",
        ".dockerignore": "data\n# docs\n*.md\n",
        "Dockerfile": "FROM python:3.11\nWORKDIR /a\nCOPY . .\nCMD python main.py",
    }
    root = write(tmp_path, files)
    package = images.of_dockerfile(root / "Dockerfile", root)
    assert "data/big.py" not in package.files
    assert report(package, root, target=(3, 11)).findings == ()


def test_what_cannot_be_told_of_an_installation_is_not_guessed(tmp_path: Path) -> None:
    """A file made by another tool, distributions of the system, scripts."""
    ways = [
        "pip-compile && pip install -r made.txt",
        "apt-get install -y python3-yaml",
        "./install.sh",
        "conda install x",
    ]
    for number, way in enumerate(ways):
        text = f"FROM python:3.11\nWORKDIR /a\nCOPY . .\nRUN {way}\nCMD python main.py"
        root = write(tmp_path / str(number), {"main.py": "import yaml\n", "Dockerfile": text})
        package = images.of_dockerfile(root / "Dockerfile", root)
        assert package.requirements is None or package.besides
        assert report(package, root, target=(3, 11)).findings == ()
