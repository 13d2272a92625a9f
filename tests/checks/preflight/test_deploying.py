"""Deploy scripts, read and not run: what they ship, and what is not guessed of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.preflight.model import Package
from checks.preflight.shipped import packages
from tests.support.preflight import line, report, write

REPOSITORY = {
    ".git/HEAD": "",
    "functions/daily/main.py": "from shared.util import helper\ndef handle(event):\n    return helper()\n",
    "functions/daily/requirements.txt": "functions-framework\n",
    "functions/daily/notes.md": "",
    "shared/__init__.py": "",
    "shared/util.py": "def helper(): ...\n",
    "shared/tests/test_util.py": "",
    "lib/deep.py": "",
}
DEPLOY = "gcloud functions deploy daily-import --gen2 --runtime=python312 --entry-point=handle"
HERE = 'cd "$(dirname "$0")/.."\n'
OWN = ["main.py", "notes.md", "requirements.txt"]
SHARED = ["shared/__init__.py", "shared/tests/test_util.py", "shared/util.py"]

# name: (the script, the files it ships)
SCRIPTS: dict[str, tuple[str, list[str]]] = {
    "the folder itself": (f"{DEPLOY} --source=functions/daily\n", OWN),
    "from its own folder": (f"cd ../functions/daily\n{DEPLOY} --source .\n", OWN),
    "copied into the source": (f"cp -r shared functions/daily/\n{DEPLOY} --source=functions/daily\n", OWN + SHARED),
    "a temporary folder": (
        f'{HERE}TMP=$(mktemp -d)\ncp -r functions/daily/* "$TMP/"\ncp -r shared "$TMP/"\n{DEPLOY} --source="$TMP"\nrm -rf "$TMP"\n',
        OWN + SHARED,
    ),
    "contents by a dot": (
        f"{HERE}B=build/out\nrm -rf $B\nmkdir -p $B\ncp -r functions/daily/. $B\n{DEPLOY} --source $B\n",
        OWN,
    ),
    "rsync with and without a slash": (
        f"{HERE}mkdir -p /tmp/x-y\nrsync -a functions/daily/ /tmp/x-y/\nrsync -av --exclude='tests' --exclude '*.pyc' shared /tmp/x-y\n{DEPLOY} --source=/tmp/x-y\n",
        [*OWN, "shared/__init__.py", "shared/util.py"],
    ),
    "folders found by the script": (
        f'SCRIPT_DIR="$(cd "$(dirname "${{BASH_SOURCE[0]}}")" && pwd)"\nROOT="$(dirname "$SCRIPT_DIR")"\nSRC=${{ROOT}}/functions/daily\nOUT="$ROOT/build"\nmkdir -p "$OUT" && cp "$SRC"/*.py "$SRC"/requirements.txt "$OUT"/ || exit 1\n{DEPLOY} \\\n    --source "$OUT" \\\n    --quiet > log.txt 2>&1\n',
        ["main.py", "requirements.txt"],
    ),
    "a loop": (
        f'{HERE}T=/tmp/x-z\nmkdir -p $T\ncp functions/daily/main.py $T/main.py\nfor d in shared lib; do\n  if [ -d "$d" ]; then cp -r "$d" $T/; fi\ndone\n{DEPLOY} --source=$T\n',
        ["lib/deep.py", "main.py", *SHARED],
    ),
    "an array": (
        f'{HERE}DIRS=(\n  "shared"\n  lib\n)\nfor d in "${{DIRS[@]}}"; do cp -r "$d" functions/daily/; done\n{DEPLOY} --source=functions/daily\n',
        ["lib/deep.py", *OWN, *SHARED],
    ),
    "a function with arguments": (
        f'{HERE}deploy() {{\n  local folder=$1\n  cp -r shared "$folder"\n  gcloud functions deploy "$2" --runtime=python312 --entry-point=handle --source="$folder"\n}}\ndeploy functions/daily daily-import\n',
        OWN + SHARED,
    ),
    "a folder that a function prints": (
        f'{HERE}T=$(mktemp -d)\nstage() {{\n  local out="$T/$1"\n  mkdir -p "$out"\n  echo "stages $1" >&2\n  cp -r "functions/$1"/* shared "$out/"\n  echo "$out"\n}}\nDIR=$(stage daily)\n{DEPLOY} --source="$DIR"\n',
        OWN + SHARED,
    ),
    "an else that is not taken": (
        f"{HERE}if [ ! -d shared ]; then\n  echo no; cp -r lib functions/daily\nelse\n  cp -r shared functions/daily\nfi\n{DEPLOY} --source=functions/daily\n",
        OWN + SHARED,
    ),
    "commented out": (f"# cp -r shared functions/daily\n{DEPLOY} --source=functions/daily # here\n", OWN),
    "removed before": (
        f"cp -r shared functions/daily\nrm -rf functions/daily/shared/tests functions/daily/*.md\n{DEPLOY} --source=functions/daily\n",
        ["main.py", "requirements.txt", "shared/__init__.py", "shared/util.py"],
    ),
    "a package made": (
        f"mkdir -p functions/daily/lib\ncp lib/deep.py functions/daily/lib\ntouch functions/daily/lib/__init__.py\n{DEPLOY} --source=functions/daily\n",
        ["lib/__init__.py", "lib/deep.py", *OWN],
    ),
    "text of a here-document": (
        f"cat <<EOF\ncp -r shared functions/daily\nEOF\n{DEPLOY} --source=functions/daily\n",
        OWN,
    ),
    "in a condition": (f"if ! {DEPLOY} --source=functions/daily; then\n  exit 1\nfi\n", OWN),
    "in a value": (f'pushd lib\npopd\nOUT="$({DEPLOY} --source=functions/daily 2>&1)"\n', OWN),
    "told which by its argument": (
        f'{HERE}NAME="${{1:?name}}"\ncp -r shared "functions/$NAME"\ngcloud functions deploy daily-import --runtime=python312 --entry-point=handle --source=functions/$NAME\n',
        OWN + SHARED,
    ),
    "a test of something else": (
        f"if gsutil ls gs://b &>/dev/null; then\n  echo there\nfi\n{DEPLOY} --source=functions/daily\n",
        OWN,
    ),
    "a subshell": (f"(cd lib && ls)\n{DEPLOY} --source=functions/daily\n", OWN),
}


def deployed(folder: Path, script: str, **more: str) -> list[Package]:
    """The packages of the repository with that script."""
    write(folder, {**REPOSITORY, **more})
    (folder / "bin").mkdir()
    (folder / "bin" / "deploy.sh").write_text("#!/bin/bash\nset -e\n" + script, encoding="utf-8")
    return packages.discover(folder)


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_a_script_ships(name: str, tmp_path: Path) -> None:
    """Of one function, with its name, version and entry point; nothing on the disk is changed."""
    script, files = SCRIPTS[name]
    [package] = deployed(tmp_path, script)
    assert sorted(package.files) == sorted(files)
    assert (package.name, package.handler, package.python) == ("daily-import", "handle", (3, 12))
    assert "bin/deploy.sh:" in package.description
    assert not (tmp_path / "functions" / "daily" / "shared").exists()


@pytest.mark.parametrize(
    "script",
    [
        f"{DEPLOY} --source=$SOMEWHERE\n",
        f"{DEPLOY} --source=gs://bucket/code.zip\n",
        f'{DEPLOY} --source="$(find . -name daily)"\n',
        f"at() {{\n  echo working\n  echo functions/$1\n}}\nDIR=$(at daily)\n{DEPLOY} --source=$DIR\n",
        f"at() {{\n  echo functions/daily\n  cat list.txt\n}}\nDIR=$(at)\n{DEPLOY} --source=$DIR\n",
        "gcloud run deploy daily-import --image=gcr.io/p/daily\n",
        "echo gcloud functions deploy daily-import --source=functions/daily\n",
        "gcloud functions delete daily-import # deploy\n",
    ],
)
def test_what_cannot_be_told_is_not_guessed(script: str, tmp_path: Path) -> None:
    """Then the folder is looked at as it lies there, and the description says so."""
    [package] = deployed(tmp_path, script)
    assert package.description.startswith("function folder")
    assert sorted(package.files) == OWN


@pytest.mark.parametrize(
    ("condition", "deployed_so"),
    [
        ('[ "$M" = one ] || [ "$M" = all ]', True),
        ('[ "$M" = one ] || [ "$M" = two ]', False),
        ('[ "$M" = all ] && [ "$M" = one ]', False),
        ('[ "$M" = one ] && [ "$M" = all ]', False),
        ('[ "$M" = all ] && [ "$UNKNOWN" = one ]', True),
        ('[ "$UNKNOWN" = one ] && [ "$M" = one ]', False),
        ('[ "$UNKNOWN" = one ] || [ "$M" = all ]', True),
    ],
)
def test_conditions_of_several_tests(condition: str, deployed_so: bool, tmp_path: Path) -> None:
    """Each counts, as ``&&`` and ``||`` join them."""
    script = f'M="${{1:-all}}"\nif {condition}; then\n{HERE}{DEPLOY} --source=functions/daily\nfi\n'
    assert [package.name for package in deployed(tmp_path, script)] == ["daily-import" if deployed_so else "daily"]


def test_what_is_not_followed_is_said(tmp_path: Path) -> None:
    """Commands that change what is deployed, and copies from where cannot be told."""
    script = f"cp -r $EXTRA functions/daily/\nsed -i s/a/b/ functions/daily/main.py\necho x > functions/daily/requirements.txt\nsed -i s/a/b/ README.md\n{DEPLOY} --source=functions/daily\n"
    [package] = deployed(tmp_path, script)
    assert package.notes == (
        "deploy.sh:3 copies something that cannot be told there",
        "deploy.sh:4 runs sed there, which is not followed",
        "deploy.sh:5 writes requirements.txt, which is not looked at",
    )


def test_a_folder_that_the_script_forgets_is_missing(tmp_path: Path) -> None:
    """And one that it copies is not; a link that is copied as a link leads nowhere."""
    [package] = deployed(tmp_path / "wrong", f"{DEPLOY} --source=functions/daily\n")
    assert [line(f) for f in report(package, tmp_path / "wrong").findings] == ["load not_shipped main.py:1 shared.util"]
    [package] = deployed(tmp_path / "right", f"cp -r shared functions/daily\n{DEPLOY} --source=functions/daily\n")
    assert report(package, tmp_path / "right").findings == ()
    link = {"functions/daily/shared": "-> ../../shared"}
    copying = f"T=$(mktemp -d)\ncp -r{{}} functions/daily/* $T\n{DEPLOY} --source=$T\n"
    [package] = deployed(tmp_path / "link", copying.format(""), **link)
    assert [line(f) for f in report(package, tmp_path / "link").findings] == [
        "load missing_file shared:1 shared",
        "load not_shipped main.py:1 shared.util",
    ]
    [package] = deployed(tmp_path / "followed", copying.format("L"), **link)
    assert report(package, tmp_path / "followed").findings == ()


ZIPPED = f"{DEPLOY} --source=gs://bucket/src/a.zip\n"


@pytest.mark.parametrize(
    ("script", "files"),
    [
        ("(cd functions/daily && zip -qr ../../a.zip .)\ngsutil -m cp a.zip gs://bucket/src/a.zip\n", [".gitignore", *OWN]),
        (
            "cd functions/daily\nzip -r a main.py requirements.txt\ngcloud storage cp a.zip gs://bucket/src/\n",
            ["main.py", "requirements.txt"],
        ),
        (
            """mkdir -p out && cp -r functions/daily/. shared out/ && cd out
            zip -r ../a.zip . -x '*.md' 'shared/tests/*'
            cd ..; gsutil cp a.zip gs://bucket/src/
            """,
            [".gitignore", "main.py", "requirements.txt", "shared/__init__.py", "shared/util.py"],
        ),
    ],
)  # fmt: skip
def test_an_archive_that_is_deployed_from_cloud_storage(script: str, files: list[str], tmp_path: Path) -> None:
    """With what the script put into it, and nothing left out by an ignore file."""
    [package] = deployed(tmp_path, f"{HERE}{script}{ZIPPED}", **{"functions/daily/.gitignore": "main.py\n"})
    assert sorted(package.files) == sorted(files)


def test_that_terraform_is_not_read_is_said(tmp_path: Path) -> None:
    """Of a function of which nothing else says how it is deployed."""
    terraform = {"infra/main.tf": 'resource "google_cloudfunctions2_function" "daily" {}\n'}
    [package] = packages.discover(write(tmp_path / "so", {**REPOSITORY, **terraform}))
    [note] = package.notes
    assert "infra/main.tf deploys functions, and Terraform is not read" in note
    [package] = deployed(tmp_path / "otherwise", f"{DEPLOY} --source=functions/daily\n", **terraform)
    assert package.notes == ()
    other = {"infra/main.tf": 'resource "google_storage_bucket" "b" {}\n'}
    [package] = packages.discover(write(tmp_path / "other", {**REPOSITORY, **other}))
    assert package.notes == ()


def test_a_script_beside_what_it_deploys_is_started_there(tmp_path: Path) -> None:
    """Not at the root, though that may be deployed as well; a script elsewhere is started there."""
    files = {**REPOSITORY, "main.py": "app = 1\n", "lib/bin/deploy.sh": f"{DEPLOY} --source=.\n"}
    write(tmp_path / "elsewhere", files)
    assert sorted(package.name for package in packages.discover(tmp_path / "elsewhere")) == ["daily", "daily-import"]
    own = {**REPOSITORY, "main.py": "app = 1\n", "functions/daily/deploy.sh": f"{DEPLOY} --source=.\n"}
    [package] = packages.discover(write(tmp_path / "own", own))
    assert package.root == (tmp_path / "own" / "functions" / "daily").resolve()


def test_the_entry_point_must_be_there(tmp_path: Path) -> None:
    """The function that the platform calls."""
    script = "gcloud functions deploy daily --source=functions/daily --entry-point={}\ncp -r shared functions/daily\n"
    script = "\n".join(reversed(script.splitlines())) + "\n"
    [package] = deployed(tmp_path / "wrong", script.format("handel"))
    assert [line(f) for f in report(package, tmp_path / "wrong").findings] == [
        "load missing_name main.py:1 main.handel"
    ]
    [package] = deployed(tmp_path / "right", script.format("handle"))
    assert report(package, tmp_path / "right").findings == ()


def test_two_functions_of_one_folder_with_the_same_files_are_one(tmp_path: Path) -> None:
    """And what differs is two."""
    one = "gcloud functions deploy a --source=functions/daily --entry-point=handle\n"
    assert [p.name for p in deployed(tmp_path / "same", one + one.replace("deploy a", "deploy b"))] == ["a"]
    other = one + one.replace("deploy a", "deploy b").replace("=handle", "=handel")
    [package] = deployed(tmp_path / "handlers", other)
    found = report(package, tmp_path / "handlers").findings
    [wrong] = [finding for finding in found if finding.symbol == "main.handel"]
    assert line(wrong) == "load missing_name main.py:1 main.handel"
    assert " of b (" in wrong.message
    assert "bin/deploy.sh:4) is not defined" in wrong.message
    two = one + "cp -r shared functions/daily\n" + one.replace("deploy a", "deploy b")
    assert [p.name for p in deployed(tmp_path / "other", two)] == ["a", "b"]


def test_a_folder_asked_for_is_taken_as_its_script_deploys_it(tmp_path: Path) -> None:
    """``--package functions/daily``."""
    deployed(tmp_path, f"cp -r shared functions/daily\n{DEPLOY} --source=functions/daily\n")
    folder = packages.of_folder(tmp_path / "functions" / "daily")
    assert "shared/util.py" in packages.as_deployed(folder, tmp_path).files
    assert packages.as_deployed(packages.of_folder(tmp_path / "shared"), tmp_path).description.startswith(
        "import package"
    )


def test_an_image_beside_a_function_is_a_package_of_its_own(tmp_path: Path) -> None:
    """A Dataflow template's Dockerfile says nothing of the function in the same folder, nor of what its base brings."""
    files = {
        "load/main.py": "import functions_framework\nfrom helpers import x\n",
        "load/requirements.txt": "functions-framework\n",
        "load/job.py": "import apache_beam\nfrom nope import x\n",
        "load/Dockerfile": (
            "FROM gcr.io/dataflow-templates-base/python3-template-launcher-base:latest\nWORKDIR /template\nCOPY job.py .\n"
            'ENV FLEX_TEMPLATE_PYTHON_PY_FILE=job.py\nENTRYPOINT ["/opt/apache/beam/boot"]\n'
        ),
    }
    image, function = packages.discover(write(tmp_path, files))
    assert (image.name, image.entries, image.requirements) == ("load (image)", ("job.py",), None)
    assert (function.name, function.entries) == ("load", ("main.py",))
    assert [line(f) for f in report(image, tmp_path).findings] == []
    assert [line(f) for f in report(function, tmp_path).findings] == [
        "load undeclared main.py:2 helpers",
        "never undeclared job.py:1 apache_beam",
        "never undeclared job.py:2 nope",
    ]


def test_an_image_stays_beside_a_function_that_a_script_deploys(tmp_path: Path) -> None:
    """They share a folder, and are two packages."""
    files = {
        "load/main.py": "def handle(event): ...\n",
        "load/requirements.txt": "",
        "load/job.py": "",
        "load/Dockerfile": "FROM python:3.12\nCOPY job.py .\nCMD python job.py\n",
        "deploy.sh": "gcloud functions deploy loader --source=load\n",
    }
    image, function = packages.discover(write(tmp_path, files))
    assert (image.name, image.entries) == ("load", ("job.py",))
    assert function.name == "loader"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (f"cp lib/gone.py functions/daily/\n{DEPLOY} --source=functions/daily\n", "deploy.sh:3 lib/gone.py"),
        (f"cp -r libs functions/daily/\n{DEPLOY} --source=functions/daily\n", "deploy.sh:3 libs"),
        (f"{DEPLOY} --source=lib\n", "deploy.sh:3 main.py"),
    ],
)
def test_what_a_script_copies_must_be_there(script: str, expected: str, tmp_path: Path) -> None:
    """Code, that is; with the line of the script."""
    found = [f for p in deployed(tmp_path, script) for f in report(p, tmp_path).findings if f.kind == "missing_file"]
    assert [line(f) for f in found] == [f"load missing_file {expected}"]


@pytest.mark.parametrize(
    "script",
    [
        f"cp .env credentials.json functions/daily/\n{DEPLOY} --source=functions/daily\n",
        f"cp -r libs functions/daily/ 2>/dev/null\n{DEPLOY} --source=functions/daily\n",
        f"python build.py lib/\n{DEPLOY} --source=lib\n",
        f"{DEPLOY} --source=lib --set-build-env-vars=GOOGLE_FUNCTION_SOURCE=deep.py\n",
        "gcloud functions deploy x --runtime=nodejs20 --source=lib\n",
        "cp functions/daily/{main.py,requirements.txt} lib\n" + f"{DEPLOY} --source=lib\n",
    ],
)
def test_but_not_what_may_be_made_or_left_out(script: str, tmp_path: Path) -> None:
    """Files that are no code, errors that nobody wants to see, folders that a program fills, other languages."""
    found = [f for p in deployed(tmp_path, script) for f in report(p, tmp_path).findings if f.kind == "missing_file"]
    assert [line(f) for f in found] == []


@pytest.mark.parametrize(
    ("dockerfile", "expected"),
    [
        ('COPY . .\nCMD ["python", "start.py"]\n', ["load missing_file Dockerfile:4 /app/start.py"]),
        (
            "COPY . .\nRUN pip install gunicorn\nCMD exec gunicorn --bind :$PORT lib.web:app\n",
            ["load missing_file Dockerfile:5 lib.web"],
        ),
        ('COPY . .\nCMD ["python", "main.py"]\n', []),
        ('COPY . .\nCMD ["python", "-m", "http.server"]\n', []),
        ("COPY . .\nRUN pip install acme-web\nCMD gunicorn acme_web.wsgi:app\n", []),
        ('COPY . .\nRUN curl -o start.py https://example.com\nCMD ["python", "start.py"]\n', []),
    ],
)
def test_what_an_image_starts_must_be_in_it(dockerfile: str, expected: list[str], tmp_path: Path) -> None:
    """Unless something else may have brought it."""
    files = {"main.py": "", "lib/__init__.py": "", "Dockerfile": f"FROM python:3.11\nWORKDIR /app\n{dockerfile}"}
    [package] = packages.discover(write(tmp_path, files))
    assert [line(f) for f in report(package, tmp_path).findings] == expected


def test_errors_of_other_kinds_are_not_caught_with_those_of_imports(tmp_path: Path) -> None:
    """``except ImportError`` lets a syntax error or an undefined name through: it is no feature that is lost."""
    files = {
        "main.py": "try:\n    import lib.a\nexcept ImportError:\n    pass\ntry:\n    import lib.b\nexcept Exception:\n    pass\n",
        "requirements.txt": "",
        "lib/__init__.py": "",
        "lib/a.py": "import lib.nope\nprint(nope)\n",
        "lib/b.py": "import lib.nope\nprint(nope)\n",
    }
    package = packages.of_folder(write(tmp_path, files))
    assert [line(f) for f in report(package, tmp_path).findings] == [
        "load undefined_name lib/a.py:2 nope",
        "disables missing_module lib/a.py:1 lib.nope",
        "disables missing_module lib/b.py:1 lib.nope",
        "disables undefined_name lib/b.py:2 nope",
    ]


def test_what_is_copied_from_nobody_knows_where_is_not_called_missing(tmp_path: Path) -> None:
    """``shared`` may come whole out of ``$SHARED``; what lies elsewhere does not, and a folder that is known is read."""
    script = "{}cp -r {} functions/daily/shared\n" + DEPLOY + " --source=functions/daily\n"
    main = {"functions/daily/main.py": "import shared.gone\nimport absent\ndef handle(event): ...\n"}
    lines = {}
    for name, source in {"untold": '"$SHARED"', "told": "shared"}.items():
        [package] = deployed(tmp_path / name, script.format(HERE, source), **main)
        said = report(package, tmp_path / name)
        lines[name] = [line(finding) for finding in said.findings], [unknown.symbol for unknown in said.unknown]
    assert lines["untold"] == (["load undeclared main.py:2 absent"], ["shared.gone"])
    assert lines["told"][1] == []
    assert "shared.gone" in lines["told"][0][0]
