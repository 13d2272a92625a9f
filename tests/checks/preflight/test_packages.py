"""What is shipped: folders, symlinks, ignore files, Dockerfiles, descriptions; and what is found on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.preflight.model import Effect
from checks.preflight.shipped import images, packages
from checks.preflight.shipped.describing import DescriptionError
from checks.preflight.shipped.packages import Copied
from tests.support.preflight import line, report, write

SHARED = {
    "shared/__init__.py": "",
    "shared/util.py": "from shared import nope_not_shipped\n",
    "shared/nope_not_shipped.py": "",
}


def test_a_function_folder_ships_what_its_symlinks_point_to(tmp_path: Path) -> None:
    """A file linked in is there, one that is only in the repository is not; a link to nowhere is a finding."""
    write(tmp_path, SHARED)
    write(
        tmp_path / "functions" / "f",
        {
            "main.py": "import shared.util\n",
            "requirements.txt": "",
            "shared/__init__.py": "-> ../../../shared/__init__.py",
            "shared/util.py": "-> ../../../shared/util.py",
            "shared/gone.py": "-> ../../../shared/gone.py",
        },
    )
    [package] = packages.discover(tmp_path)
    assert package.name == "f"
    assert package.description.endswith("functions/f, 2 symlinks followed")
    assert sorted(package.files) == ["main.py", "requirements.txt", "shared/__init__.py", "shared/util.py"]
    found = report(package, tmp_path).findings
    assert [line(finding) for finding in found] == [
        "load missing_file shared/gone.py:1 shared/gone.py",
        "load not_shipped shared/util.py:1 shared.nope_not_shipped",
    ]
    assert found[1].reachable_by == "main.py -> shared/util.py:1"
    assert "shared/nope_not_shipped.py is in the repository and not shipped" in found[1].message


def test_a_symlinked_folder_and_one_that_leads_back(tmp_path: Path) -> None:
    """The whole folder is shipped; a circle of links ends."""
    write(tmp_path, SHARED)
    folder = write(tmp_path / "f", {"main.py": "import shared.util\n", "shared": "-> ../shared"})
    write(tmp_path / "shared", {"back": "-> .."})
    package = packages.of_folder(folder)
    assert "shared/util.py" in package.files
    assert len(package.files) < 20
    assert report(package, tmp_path).findings == ()


def test_what_gcloudignore_leaves_out_is_not_shipped(tmp_path: Path) -> None:
    """And so cannot be imported."""
    files = {
        "main.py": "import extra.a\n",
        "extra/a.py": "",
        "requirements.txt": "",
        ".gcloudignore": "#!include:.gitignore\n.git\n",
        ".gitignore": "extra/\n",
    }
    package = packages.of_folder(write(tmp_path / "f", files))
    assert "extra/a.py" not in package.files
    assert [line(finding) for finding in report(package, tmp_path / "f").findings] == [
        "load not_shipped main.py:1 extra.a"
    ]


def test_a_described_package_has_what_is_copied_over_it(tmp_path: Path) -> None:
    """Later copies win, as they do on disk."""
    write(tmp_path, {**SHARED, "f/main.py": "import shared.util\n", "over/util.py": "", "req.txt": "flask\n"})
    package = packages.described(
        "f",
        tmp_path / "f",
        copies=[
            Copied(origin=tmp_path / "shared", to="shared"),
            Copied(origin=tmp_path / "over" / "util.py", to="shared/util.py"),
        ],
        exclude=["nope_*"],
        required=tmp_path / "req.txt",
        python=(3, 11),
    )
    assert sorted(package.files) == ["main.py", "shared/__init__.py", "shared/util.py"]
    assert package.requirements == (("flask", "req.txt:1"),)
    assert report(package, tmp_path).findings == ()
    with pytest.raises(DescriptionError, match="nowhere does not exist"):
        packages.described("f", tmp_path / "f", copies=[Copied(origin=tmp_path / "nowhere", to="")])


DOCKERFILE = """\
FROM python:3.12-slim AS base
ENV PYTHONPATH=/app/vendor
WORKDIR /app
COPY worker/requirements.txt .
RUN pip install --no-cache-dir \\
    -r requirements.txt gunicorn
COPY worker/ ./
COPY shared/__init__.py shared/util.py shared/
COPY vendored /app/vendor
CMD exec gunicorn --bind :$PORT --workers 1 app.web:app
"""


def image(tmp_path: Path, dockerfile: str = DOCKERFILE, **more: str) -> Path:
    """A repository with an image."""
    files = {
        **SHARED,
        "worker/Dockerfile": dockerfile,
        "worker/requirements.txt": "flask\n",
        "worker/app/__init__.py": "",
        "worker/app/web.py": "import flask, gunicorn, deep\nimport shared.util\napp = flask.Flask(__name__)\n",
        "vendored/deep.py": "",
        **more,
    }
    return write(tmp_path, files)


def test_an_image_holds_what_its_dockerfile_copies(tmp_path: Path) -> None:
    """Build context, search path, requirements, version and entry point are read from it."""
    root = image(tmp_path)
    [package] = packages.discover(root)
    assert package.entries == ("app/web.py",)
    assert package.python == (3, 12)
    assert package.search == ("", "vendor")
    assert {"shared/util.py", "vendor/deep.py", "app/web.py"} <= set(package.files)
    assert "shared/nope_not_shipped.py" not in package.files
    assert [text for text, _ in package.requirements or ()] == ["gunicorn", "flask"]
    assert [line(finding) for finding in report(package, root, target=(3, 11)).findings] == [
        "load not_shipped shared/util.py:1 shared.nope_not_shipped"
    ]


def test_an_image_that_copies_all_it_needs_is_silent(tmp_path: Path) -> None:
    """Also over two stages, and with a file left out that nobody needs."""
    whole = DOCKERFILE.replace("shared/__init__.py shared/util.py", "shared/")
    two = whole.replace("CMD", "FROM base\nCOPY --from=base /app /app\nCMD")
    for number, text in enumerate((whole, two)):
        root = image(tmp_path / str(number), text, **{".dockerignore": "**/*.md\n"})
        assert report(packages.discover(root)[0], root, target=(3, 11)).findings == ()


def test_what_a_dockerfile_copies_must_exist_and_not_be_ignored(tmp_path: Path) -> None:
    """An image that cannot be built, and one that lacks a folder."""
    root = image(tmp_path / "a", DOCKERFILE.replace("COPY vendored", "COPY vendord"))
    kinds = [line(finding) for finding in report(packages.discover(root)[0], root, target=(3, 11)).findings]
    assert kinds[0] == "load missing_file Dockerfile:9 vendord"
    root = image(tmp_path / "b", **{".dockerignore": "shared/util.py\n"})
    kinds = [line(finding) for finding in report(packages.discover(root)[0], root, target=(3, 11)).findings]
    assert "load not_shipped app/web.py:2 shared.util" in kinds


def test_a_link_out_of_what_is_copied_is_broken_in_an_image(tmp_path: Path) -> None:
    """COPY keeps links; an upload follows them."""
    dockerfile = "FROM python:3.11\nWORKDIR /app\nCOPY . .\nCMD python main.py\n"
    root = write(tmp_path / "out", {"real.py": ""}).parent
    folder = write(root / "f", {"main.py": "import real\n", "Dockerfile": dockerfile, "real.py": "-> ../out/real.py"})
    package = images.of_dockerfile(folder / "Dockerfile", folder)
    kinds = {line(finding) for finding in report(package, folder, target=(3, 11)).findings}
    assert "load missing_file real.py:1 real.py" in kinds
    assert report(packages.of_folder(folder), folder).findings == ()


COMMANDS = {
    '["functions-framework", "--target=f", "--source", "app/web.py"]': "app/web.py",
    '["python", "-u", "app/web.py"]': "app/web.py",
    "python3.11 -m app.web": "app/web.py",
    '["sh", "-c", "exec uvicorn app.web:app --port ${PORT}"]': "app/web.py",
    '["gunicorn", "--chdir", "app", "-w", "2", "web:app"]': "app/web.py",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_command_of_an_image_names_its_entry_point(command: str, tmp_path: Path) -> None:
    """For the ways in which Python programs are commonly started."""
    root = image(tmp_path, DOCKERFILE.replace("exec gunicorn --bind :$PORT --workers 1 app.web:app", command))
    package = packages.discover(root)[0]
    assert package.entry_known
    assert package.entries == (COMMANDS[command],)


def test_a_procfile_names_the_entry_point(tmp_path: Path) -> None:
    """As buildpacks start it."""
    files = {"main.py": "", "app/web.py": "", "Procfile": "web: gunicorn --bind :$PORT app.web:app\n"}
    assert packages.of_folder(write(tmp_path, files)).entries == ("app/web.py",)


def test_an_installed_package_has_the_requirements_of_its_metadata(tmp_path: Path) -> None:
    """Optional ones may be missing where the code is prepared for it."""
    files = {
        "lib/__init__.py": "import yaml\nimport pytz\ntry:\n    import redis\nexcept ImportError:\n    redis = None\n",
        "lib-1.0.dist-info/METADATA": "Requires-Dist: PyYAML>=6\nRequires-Dist: redis; extra == 'cache'\n\nText\n",
        "lib-1.0.dist-info/top_level.txt": "lib\n",
    }
    write(tmp_path, files)
    package = packages.of_folder(tmp_path / "lib")
    assert [line(finding) for finding in report(package, tmp_path).findings] == [
        "load undeclared lib/__init__.py:2 pytz"
    ]


def test_programs_find_what_lies_beside_them(tmp_path: Path) -> None:
    """The folder of a program is the first on its search path; that of a package's module is not."""
    files = {
        "tools/run.py": "import helper\nif __name__ == '__main__':\n    helper.work()\n",
        "tools/helper.py": "def work(): ...\n",
        "lib/__init__.py": "from lib import a\n",
        "lib/a.py": "import b\n",
        "lib/b.py": "",
        "requirements.txt": "",
    }
    package = packages.of_folder(write(tmp_path, files))
    assert [line(finding) for finding in report(package, tmp_path).findings] == ["load undeclared lib/a.py:1 b"]
    package = packages.of_folder(tmp_path, entry="tools/run.py")
    assert [line(finding) for finding in report(package, tmp_path).findings] == ["never undeclared lib/a.py:1 b"]


def test_extras_may_be_missing_where_nothing_needs_them_at_once(tmp_path: Path) -> None:
    """In a function, behind a guard, in tests; not where the program starts."""
    files = {
        "pyproject.toml": "[project]\ndependencies = ['flask']\n[project.optional-dependencies]\nx = ['redis']\n",
        "requirements-dev.txt": "pytest\n",
        "lib/__init__.py": "def f():\n    import redis, pandas\n",
        "tests/test_lib.py": "import pytest\n",
        "start.py": "import redis\n",
    }
    package = packages.of_folder(write(tmp_path, files))
    assert [line(finding) for finding in report(package, tmp_path).findings] == [
        "run undeclared lib/__init__.py:2 pandas"
    ]
    package = packages.of_folder(tmp_path, entry="start.py")
    assert [line(f) for f in report(package, tmp_path).findings if f.effect is Effect.LOAD] == [
        "load undeclared start.py:1 redis"
    ]


def test_a_folder_with_its_distributions_lacks_what_is_not_in_it(tmp_path: Path) -> None:
    """As ``pip install --target`` makes it."""
    files = {"main.py": "import yaml\nimport redis\n", "yaml/__init__.py": "", "PyYAML-6.dist-info/METADATA": ""}
    package = packages.of_folder(write(tmp_path, files))
    assert [line(finding) for finding in report(package, tmp_path).findings] == ["load missing_module main.py:2 redis"]


def test_without_requirements_nobody_knows_what_is_installed(tmp_path: Path) -> None:
    """Unknown, which is no finding."""
    answer = report(packages.of_folder(write(tmp_path, {"main.py": "import redis\n"})), tmp_path)
    assert answer.findings == ()
    assert [(item.symbol, item.line) for item in answer.unknown] == [("redis", 1)]


def test_a_folder_without_python_is_refused(tmp_path: Path) -> None:
    """With its name."""
    with pytest.raises(DescriptionError, match="holds no Python file"):
        packages.of_folder(tmp_path)
    with pytest.raises(DescriptionError, match=r"nope\.py is not among the files"):
        packages.of_folder(write(tmp_path, {"main.py": ""}), entry="nope.py")


def test_code_that_breaks_its_readers_does_not_keep_them_from_the_rest(tmp_path: Path) -> None:
    """Nested too deeply for ruff and for Python's own parser, with zero bytes, of an unknown encoding."""
    from checks.preflight.examine import Examiner

    write(tmp_path, {"main.py": "import a, b, c, d\nnope\n", "requirements.txt": "", "d.py": "# coding: nope\n"})
    (tmp_path / "a.py").write_text("x=" + "-" * 300_000 + "1")
    (tmp_path / "b.py").write_text("x=" + "(" * 200_000 + ")" * 200_000)
    (tmp_path / "c.py").write_bytes(b"x = 1\x00\n")
    with Examiner(tmp_path) as examiner:
        answer = examiner.examine(packages.of_folder(tmp_path))
    kinds = [line(finding) for finding in answer.findings]
    assert kinds == [
        "load does_not_compile a.py:1 a.py",
        "load does_not_compile b.py:1 b.py",
        "load does_not_compile c.py:1 c.py",
        "load does_not_compile d.py:1 d.py",
        "load undefined_name main.py:2 nope",
    ]


def test_a_symlink_that_leads_to_itself(tmp_path: Path) -> None:
    """It leads nowhere."""
    write(tmp_path, {"main.py": "", "requirements.txt": "", "self": "-> self"})
    assert [line(f) for f in report(packages.of_folder(tmp_path), tmp_path).findings] == [
        "load missing_file self:1 self"
    ]


def test_a_module_that_is_shipped_below_another_name(tmp_path: Path) -> None:
    """As its link calls it; by that name it is found."""
    files = {
        ".git/HEAD": "",
        "lib/util.py": "",
        "f/main.py": "import lib.util\n",
        "f/requirements.txt": "",
        "f/helpers": "-> ../lib",
    }
    root = write(tmp_path / "wrong", files)
    [finding] = report(packages.of_folder(root / "f"), root).findings
    assert line(finding) == "load not_shipped main.py:1 lib.util"
    assert finding.message.endswith("lib/util.py is shipped as helpers/util.py")
    root = write(tmp_path / "right", files | {"f/main.py": "import helpers.util\n"})
    assert report(packages.of_folder(root / "f"), root).findings == ()
