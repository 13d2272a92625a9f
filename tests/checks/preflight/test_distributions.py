"""From requirement lines to module names, with nothing installed for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.preflight import known, stdlib
from checks.preflight.distributions import provided
from checks.preflight.shipped import requirements
from tests.support.preflight import found, write

HERE = (3, 11)


@pytest.mark.parametrize(
    ("line", "module"),
    [
        ("PyYAML>=6", "yaml"),
        ("beautifulsoup4", "bs4"),
        ("google-cloud-pubsub==2.*", "google.cloud.pubsub_v1"),
        ("google_cloud_firestore", "google.cloud.firestore_v1.base_query"),
        ("functions-framework", "flask"),
        ("pandas", "numpy.linalg"),
        ("scikit-learn[extra]>1", "sklearn"),
        ("opencv-python-headless ; python_version >= '3.8'", "cv2"),
        ("my-own-lib @ https://example.com/my.zip", "my_own_lib"),
        ("git+https://example.com/x.git#egg=python-thing", "thing"),
        ("acme-weather-client", "acme_weather"),
        ("gspread[pandas]", "pandas"),  # by the name of the extra
        ("hypothesis[dateutil]", "dateutil"),  # by the metadata of what is installed here
        ("celery", "vine"),  # what it needs is imported as it is called
        ("apache-airflow==2.10", "pendulum"),
    ],
)
def test_a_requirement_brings_its_modules(line: str, module: str) -> None:
    """Under other names, in namespaces, by way of others; unknown ones by what they are called."""
    assert provided([line], (), HERE).has(module)


@pytest.mark.parametrize(
    ("line", "module"),
    [
        ("PyYAML", "bs4"),
        ("google-cloud-pubsub", "google.cloud.firestore"),
        ("google-cloud-pubsub", "google.cloud"),  # a namespace, not a module
        ("opencv-python; python_version < '3.8'", "cv2"),
        ("acme-weather-client", "requests"),
        ("google-nothing-known", "google.cloud.firestore"),
        ("hypothesis", "dateutil"),
    ],
)
def test_and_not_those_of_others(line: str, module: str) -> None:
    """Nor where its marker does not hold."""
    assert not provided([line], (), HERE).has(module)


def test_what_a_distribution_brings_may_be_unknown() -> None:
    """It says so."""
    assert provided(["acme-weather-client", "flask"], (), HERE).unknown == {"acme-weather-client"}
    assert provided(["flask", "celery"], (), HERE).unknown == frozenset()
    assert provided(["gspread[fast]"], (), HERE).unknown == {"gspread[fast]"}
    new = provided(["google-cloud-not-yet-made"], (), HERE)
    assert new.has("google.cloud.not_yet_made_v1")
    assert new.has("google.api_core.exceptions")
    assert new.unknown == {"google-cloud-not-yet-made"}
    assert provided(["apache-airflow"], (), HERE).unknown == {"apache-airflow"}  # brings more than is told
    assert provided(["google-unheard-of"], (), HERE).below("google")
    assert not provided(["acme-unheard-of", "googly"], (), HERE).below("google")


@pytest.mark.parametrize(
    ("line", "needed", "expected"),
    [
        ("langchain-unheard-of", "langchain-core", True),
        ("unheard-of", "requests", True),
        ("unheard-of", "langchain-core", False),
        ("unheard-of", "pytz", False),
        ("unheard-of", "pillow", False),
        ("google-cloud-unheard-of", "google-cloud-storage", False),
        ("langchain-core", "langchain-openai", False),
        ("unheard-of", "apache-airflow", True),
        ("pandas", "apache-airflow", False),
    ],
)
def test_what_an_unknown_distribution_may_need(line: str, needed: str, expected: bool) -> None:
    """What many need, and what is called alike."""
    assert provided([line], (), HERE).might_bring([needed]) is expected


def test_requirements_that_are_imported_as_they_are_called_are_not_suspected_of_more(tmp_path: Path) -> None:
    """So that a helper that is gone is told beside them; while one that nobody imports may be anything."""
    files = {"main.py": "import never_heard\nimport helper\n", "requirements.txt": "never-heard\n"}
    assert found(tmp_path / "a", files) == ["load undeclared main.py:2 helper"]
    assert found(tmp_path / "b", {**files, "requirements.txt": "never-heard\nunheard-of\n"}) == []
    assert found(tmp_path / "c", {**files, "requirements.txt": "./never-heard\n", "never-heard/notes": ""}) == []


def test_a_namespace_is_shared_with_an_unknown_distribution_that_is_called_like_it(tmp_path: Path) -> None:
    """``google-made`` is ``google.made``, and no other part of it."""
    main = "from google.made.agents import Agent\nfrom google.cloud import storage\n"
    files = {"main.py": main, "requirements.txt": "google-made\n"}
    assert found(tmp_path, files) == ["load undeclared main.py:2 google.cloud.storage"]


def test_a_folder_among_the_requirements_is_looked_for_in_the_package(tmp_path: Path) -> None:
    """One that lies outside cannot be installed where it is deployed; a project within brings what it holds."""
    files = {"main.py": "import acme\nimport yaml\n", "libs/acme/__init__.py": ""}
    declared = {"libs/pyproject.toml": "[project]\nname = 'acme'\ndependencies = ['pyyaml']\n"}
    outside = {**files, "requirements.txt": "pyyaml\n-e ../libs\n"}
    assert "load missing_file requirements.txt:2 ../libs" in found(tmp_path / "a", outside)
    assert found(tmp_path / "b", {**files, **declared, "requirements.txt": "-e ./libs\n"}) == []


def test_the_table_is_whole() -> None:
    """What its distributions need is in it, or is known not to be."""
    table = known.table()
    assert table["pyyaml"].modules == ("yaml", "_yaml")
    assert "google-api-core" in table["google-cloud-storage"].requires
    assert all(module and not module.startswith("@") for entry in table.values() for module in entry.modules)
    assert known.providers()["google.cloud.firestore"] == ("google-cloud-firestore",)


def test_requirement_files_include_each_other_and_have_options(tmp_path: Path) -> None:
    """Comments, hashes, continuation lines, options, editable ones."""
    write(
        tmp_path,
        {
            "requirements.txt": """\
                # comment
                -r other.txt
                -c constraints.txt
                --index-url https://example.com/simple
                flask==3.0 \\
                    --hash=sha256:abc
                requests  # for the web
                -e git+https://example.com/x.git#egg=thing
                """,
            "other.txt": "-r requirements.txt\npytz\n",
        },
    )
    lines = [text for text, _ in requirements.of_file(tmp_path / "requirements.txt")]
    assert lines == ["pytz", "-c constraints.txt", "flask==3.0", "requests", "git+https://example.com/x.git#egg=thing"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            "functions-framework\n<<<<<<< HEAD\nPyYAML\n=======\n",
            ["load does_not_compile requirements.txt:2 <<<<<<< HEAD"],
        ),
        ("-r base.txt\nPyYAML\n", ["load missing_file requirements.txt:1 -r base.txt"]),
        ("PyYAML\n-c limits.txt\n", ["load missing_file requirements.txt:2 -c limits.txt"]),
        ("flask PyYAML\nPyYAML\n", ["load does_not_compile requirements.txt:1 flask PyYAML"]),
        ("flask==3.0PyYAML==6.0\nPyYAML\n", ["load does_not_compile requirements.txt:1 flask==3.0PyYAML==6.0"]),
        ("yaml\n", ["load undeclared main.py:1 yaml"]),
        ("PyYMAL\n", ["load undeclared main.py:1 yaml"]),
        ("flask >= 3 , < 4\nPyYAML>=6,!=6.1 ; python_version > '3' # the best\n", []),
        ("-r more.txt\nPyYAML --hash=sha256:abc\n", []),
    ],
)
def test_requirements_that_pip_refuses(lines: str, expected: list[str], tmp_path: Path) -> None:
    """The first of a file is told; names that nobody has bring nothing, and slips are not taken for other names."""
    files = {"main.py": "import yaml\n", "requirements.txt": lines, "more.txt": "flask\n"}
    assert found(tmp_path, files) == expected


def test_requirements_in_utf_16(tmp_path: Path) -> None:
    """As some editors write them, and pip reads them."""
    (tmp_path / "requirements.txt").write_bytes("flask\r\npytz\r\n".encode("utf-16"))
    assert [text for text, _ in requirements.of_file(tmp_path / "requirements.txt")] == ["flask", "pytz"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_requirement_files_of_other_machines(encoding: str, tmp_path: Path) -> None:
    """With the marks that Windows puts first, and its line ends."""
    (tmp_path / "requirements.txt").write_bytes("flask==3.0\r\n# x\r\npytz\r\n".encode(encoding))
    assert [text for text, _ in requirements.of_file(tmp_path / "requirements.txt")] == ["flask==3.0", "pytz"]


@pytest.mark.parametrize(
    ("version", "has", "lacks"),
    [
        ((3, 8), "distutils", "zoneinfo"),
        ((3, 10), "asyncore", "tomllib"),
        ((3, 12), "tomllib", "imp"),
        ((3, 13), "json", "cgi"),
    ],
)
def test_the_standard_library_is_that_of_the_target(version: tuple[int, int], has: str, lacks: str) -> None:
    """Whatever this interpreter has."""
    assert has in stdlib.modules(version)
    assert lacks not in stdlib.modules(version)


def test_an_extra_that_is_called_like_a_distribution_leaves_nothing_open() -> None:
    """What one of any other name brings nobody knows."""
    assert not provided(["celery[redis]"], (), HERE).unknown
    assert provided(["celery[couch]"], (), HERE).unknown == {"celery[couch]"}
