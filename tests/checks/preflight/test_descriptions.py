"""Cloud Build, workflows, Makefiles and the rest: what they ship, read and not run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from checks.preflight.model import Package
from checks.preflight.shipped import packages
from tests.support.preflight import line, report, write

REPOSITORY = {
    ".git/HEAD": "",
    "functions/daily/main.py": "from shared.util import helper\ndef handle(event):\n    return helper()\n",
    "functions/daily/requirements.txt": "functions-framework\n",
    "shared/__init__.py": "",
    "shared/util.py": "def helper(): ...\n",
}
DEPLOY = "gcloud functions deploy daily-import --runtime=python312 --entry-point=handle"
COPY = "cp -r shared functions/daily/"
SDK = "gcr.io/google.com/cloudsdktool/cloud-sdk:slim"

# name: (the file, its text with COPY where it copies what the function needs, DEPLOY, and the name of an image)
DESCRIPTIONS: dict[str, tuple[str, str]] = {
    "Cloud Build, a script": (
        "cloudbuild.yaml",
        """\
        steps:
          - name: SDK
            entrypoint: bash
            args:
              - -c
              - |
                set -e
                COPY
                DEPLOY --source=functions/daily
        """,
    ),
    "Cloud Build, steps with arguments": (
        "functions/daily/cloudbuild.yaml",
        """\
        steps:
          - name: ubuntu
            args: [COPY_ARGS]
          - name: gcr.io/cloud-builders/gcloud
            dir: $_FOLDER
            args: [functions, deploy, '${_NAME}-import', --runtime=python312, --entry-point, handle]
        substitutions: {_NAME: daily, _FOLDER: 'functions/${_NAME}'}
        """,
    ),
    "Cloud Build, script": (
        "deploy/cloudbuild-prod.yml",
        """\
        steps:
          - name: SDK
            dir: functions
            script: |
              #!/bin/bash
              (cd /workspace && COPY)
              DEPLOY --source=${PWD}/daily
        """,
    ),
    "Cloud Build, gcloud as the entry point": (
        "cloudbuild.yaml",
        """\
        steps:
          - name: SDK
            entrypoint: sh
            args: [./copy.sh, 'COPY_SCRIPT']
          - name: SDK
            entrypoint: gcloud
            args:
              - functions
              - deploy
              - daily-import
              - --runtime=python312
              - --entry-point=handle
              - --source=./functions/daily
              - --set-env-vars=A=${PROJECT_ID}
        """,
    ),
    "a workflow": (
        ".github/workflows/deploy.yml",
        """\
        on:
          push: {branches: [main]}
          workflow_dispatch: {inputs: {runtime: {default: python312}}}
        env: {SOURCE: daily}
        jobs:
          test: {runs-on: ubuntu-latest, steps: [{run: pytest}]}
          deploy:
            runs-on: ubuntu-latest
            defaults: {run: {working-directory: functions}}
            steps:
              - uses: actions/checkout@v4
              - run: COPY
                working-directory: .
              - name: deploy
                run: |
                  gcloud functions deploy ${{ vars.NAME || 'daily-import' }} --entry-point=handle \\
                    --source ${{ env.SOURCE }} --project ${{ secrets.PROJECT }} \\
                    --runtime=${{ github.event.inputs.runtime }}
        """,
    ),
    "a workflow with the action": (
        ".github/workflows/cd.yaml",
        """\
        jobs:
          deploy:
            strategy:
              matrix:
                function: [{name: daily, entry: handle}, {name: gone, entry: x}]
            steps:
              - run: cd $GITHUB_WORKSPACE && COPY
              - uses: google-github-actions/deploy-cloud-functions@v3
                with:
                  name: ${{ matrix.function.name }}-import
                  runtime: python312
                  entry_point: ${{ matrix.function.entry }}
                  source_dir: functions/${{ matrix.function.name }}
        """,
    ),
    "a workflow for one function that is asked for": (
        ".github/workflows/one.yml",
        """\
        on: {workflow_dispatch: {inputs: {name: {required: true}}}}
        jobs:
          deploy:
            steps:
              - run: COPY
              - run: DEPLOY --source=functions/${{ inputs.name }}
        """,
    ),
    "a workflow that calls another one": (
        ".github/workflows/all.yml",
        """\
        jobs:
          daily:
            uses: ./.github/workflows/one.yml
            with: {folder: daily, python: "${{ vars.PYTHON }}"}
        """,
    ),
    "a workflow with an action of its own": (
        ".github/workflows/own.yml",
        """\
        env: {NAME: daily}
        jobs:
          deploy:
            steps:
              - uses: ./.github/actions/deploy
                with: {folder: "functions/${{ env.NAME }}"}
        """,
    ),
    "GitLab": (
        ".gitlab-ci.yml",
        """\
        stages: [deploy]
        deploy:
          image: google/cloud-sdk
          before_script:
            - gcloud auth activate-service-account
            - COPY
          script:
            - cd functions/daily
            - DEPLOY
        """,
    ),
    "a Makefile": (
        "Makefile",
        """\
        REGION ?= europe-west1  # near
        SRC := functions/daily
        GCLOUD = gcloud

        .PHONY: deploy copy
        deploy: copy
        \t@echo deploying $@
        \t$(GCLOUD) functions deploy daily-import --region=$(REGION) \\
        \t  --runtime=python312 --entry-point=handle --source=$(SRC)

        copy:
        \t@COPY

        %.txt: %.in
        \tpip-compile $<
        """,
    ),
    "a Makefile, with the target as its argument": (
        "functions/Makefile",
        """\
        ROOT := $(shell git rev-parse --show-toplevel)
        all: clean
        \t$(MAKE) deploy-one NAME=daily SRC=daily
        deploy-one: build
        \tcd $(SRC) && gcloud functions deploy $(NAME)-import --runtime=python312 --entry-point=handle
        build:
        \tcd $(ROOT); COPY
        clean:
        \trm -rf build
        """,
    ),
    "a Makefile, copied by another target": (
        "Makefile",
        """\
        include deploy.mk
        deploy-all: copy deploy-daily
        copy:
        \tCOPY
        deploy-daily:
        \tDEPLOY --source=functions/daily
        """,
    ),
    "case": (
        "deploy.sh",
        """\
        case "$1" in
          daily|day)
            NAME=daily
            SRC=functions/daily ;;
          (weekly) NAME=weekly; SRC=functions/weekly;;
          *)
            echo "usage: $0 NAME"; exit 1
        esac
        COPY
        gcloud functions deploy $NAME-import --runtime=python312 --entry-point=handle --source=$SRC
        """,
    ),
    "case with what is known": (
        "deploy.sh",
        """\
        deploy() {
          case $1 in
            daily) SRC=functions/daily;;
            *) SRC=shared;;
          esac
          DEPLOY --source=$SRC "${@}"
        }
        COPY
        for name in daily; do deploy $name --gen2; done
        """,
    ),
    "options do not choose": (
        "deploy.sh",
        """\
        SRC=functions/daily
        while [[ $# -gt 0 ]]; do
          case "$1" in
            --source) SRC="$2"; shift 2;;
            *) exit 1;;
          esac
        done
        COPY
        DEPLOY --source=$SRC
        """,
    ),
    "arguments that are handed on": (
        "deploy.sh",
        """\
        deploy() {
          local name=$1; shift
          local source=$1; shift
          gcloud functions deploy $name-import --source=$source "$@"
        }
        COPY
        deploy daily functions/daily --runtime=python312 --entry-point=handle
        """,
    ),
    "if on an argument": (
        "deploy.sh",
        """\
        if [ "$1" = "weekly" ]; then
          cd functions/weekly
        elif [[ "$1" == daily ]]; then
          COPY
          cd functions/daily
        fi
        DEPLOY
        """,
    ),
    "put together for eval": (
        "deploy.sh",
        """\
        COPY
        FLAGS="--runtime=python312 --entry-point=handle"
        CMD="gcloud functions deploy daily-import $FLAGS --project=$PROJECT"
        CMD+=" --set-env-vars=KEY=$KEY,X=1"
        CMD+=" --source=functions/daily"
        eval "$CMD"
        """,
    ),
    "another script": (
        "bin/all.sh",
        """\
        source "$(dirname "$0")/settings.sh"
        for dir in functions/*/; do
          bash bin/one.sh $(basename "$dir") "$RUNTIME"
        done
        """,
    ),
    "changed names": (
        "deploy.sh",
        """\
        for dir in functions/*; do
          name=${dir##*/}
          COPY
          DEPLOY --source=functions/${name//-/_}
        done
        """,
    ),
}
MORE = {
    "Cloud Build, gcloud as the entry point": {"copy.sh": "#!/bin/sh\n$1\n"},
    "a workflow that calls another one": {
        ".github/workflows/one.yml": """\
            on:
              workflow_call: {inputs: {folder: {required: true}, python: {default: python312}}}
            jobs:
              deploy:
                steps:
                  - run: COPY
                  - run: >-
                      gcloud functions deploy ${{ inputs.folder }}-import --entry-point handle
                      --source functions/${{ inputs.folder }} --runtime ${{ inputs.python }}
        """,
    },
    "a workflow with an action of its own": {
        ".github/actions/deploy/action.yml": """\
            inputs: {folder: {required: true}, name: {default: daily-import}}
            runs:
              using: composite
              steps:
                - {run: COPY, shell: bash}
                - uses: google-github-actions/deploy-cloud-functions@v3
                  with:
                    name: ${{ inputs.name }}
                    source_dir: ${{ inputs.folder }}
                    entry_point: handle
                    runtime: python312
        """,
    },
    "another script": {
        "bin/settings.sh": "export RUNTIME=python312\n",
        "bin/one.sh": """\
            COPY
            gcloud functions deploy $1-import --runtime=$2 --entry-point=handle --source=functions/$1
        """,
        "functions/notes.md": "",
    },
    "a Makefile, copied by another target": {"deploy.mk": "unused = $(unused) $(unused)\n"},
}


def described(folder: Path, files: Mapping[str, str], *, copying: bool) -> list[Package]:
    """The packages of the repository with these descriptions."""
    words = ", ".join(f"'{word}'" for word in COPY.split())

    def made(one: str) -> str:
        one = one.replace("COPY_ARGS", words if copying else "ls").replace("COPY_SCRIPT", COPY if copying else "ls")
        one = one.replace("COPY", COPY if copying else "true")
        return one.replace("DEPLOY", DEPLOY).replace("SDK", SDK)

    write(folder, {**REPOSITORY, **{path: made(dedent(text)) for path, text in files.items()}})
    return packages.discover(folder)


OWN = ["main.py", "requirements.txt"]


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_what_a_description_ships(name: str, tmp_path: Path) -> None:
    """The function with what is copied over it, or without; and the first line says which file said it."""
    file, text = DESCRIPTIONS[name]
    files = {file: text, **MORE.get(name, {})}
    [package] = described(tmp_path / "right", files, copying=True)
    assert (package.name, package.handler, package.python) == ("daily-import", "handle", (3, 12))
    assert any(f"{name}:" in package.description for name in files)
    assert set(package.files) - {Path(file).name} == {*OWN, "shared/__init__.py", "shared/util.py"}
    [package] = described(tmp_path / "wrong", files, copying=False)
    assert package.name == "daily-import"
    assert set(package.files) - {Path(file).name} == {*OWN}


@pytest.mark.parametrize("name", ["Cloud Build, a script", "a workflow", "a Makefile", "case"])
def test_what_a_description_forgets_is_missing(name: str, tmp_path: Path) -> None:
    """And with what it copies nothing is."""
    file, text = DESCRIPTIONS[name]
    [package] = described(tmp_path / "right", {file: text}, copying=True)
    assert report(package, tmp_path / "right").findings == ()
    [package] = described(tmp_path / "wrong", {file: text}, copying=False)
    assert [line(f) for f in report(package, tmp_path / "wrong").findings] == ["load not_shipped main.py:1 shared.util"]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("cloudbuild.yaml", f"steps: [{{name: {SDK}, args: [bash, -c, '{DEPLOY} --source=gs://bucket/code.zip']}}]"),
        ("cloudbuild.yaml", f"steps: [{{name: {SDK}, dir: $_UNTOLD, script: '{DEPLOY} --source=daily'}}]"),
        ("cloudbuild.yaml", f"steps: [{{name: {SDK}, script: 'echo {DEPLOY} --source=functions/daily'}}]"),
        ("notes.yaml", f"steps: [{{name: {SDK}, script: '{DEPLOY} --source=functions/daily'}}]"),
        (".github/dependabot.yml", f"jobs: {{a: {{steps: [{{run: '{DEPLOY} --source=functions/daily'}}]}}}}"),
        (
            ".github/workflows/a.yml",
            "jobs: {a: {steps: [{run: 'docker build .'}, {uses: docker/build-push-action@v6}]}}",
        ),
        ("Makefile", "deploy:\n\t# " + DEPLOY + " --source=functions/daily\n"),
        ("Makefile", "deploy:\n    " + DEPLOY + " --source=functions/daily\n"),
        ("Makefile", "gcloud = $(gcloud)$(a)\na = $(b)$(b)\nb = $(a)$(a)\ndeploy:\n\t$(gcloud) functions deploy\n"),
        ("deploy.sh", "case\nfor\nif\n" + DEPLOY + " --source=functions/daily\n"),
        ("deploy.sh", DEPLOY + " --source=$NOWHERE\n"),
        ("deploy.sh", f"cd ~/daily && {DEPLOY} --source=.\ncd $NOWHERE\n{DEPLOY}\n"),
        ("deploy.sh", f'case "$1" in --all) {DEPLOY} --source=functions/daily;; esac\n'),
    ],
)
def test_what_cannot_be_told_is_not_guessed(file: str, text: str, tmp_path: Path) -> None:
    """Then the folder counts as it lies there."""
    [package] = described(tmp_path, {file: text}, copying=True)
    assert package.description.startswith("function folder")
    places = [number for number, one in enumerate(text.splitlines(), 1) if "$NOWHERE" in text and DEPLOY in one]
    assert package.notes == tuple(
        f"{tmp_path}/deploy.sh:{number} deploys from a folder that cannot be told" for number in places
    )


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("cloudbuild.yaml", "steps: [{name: gcloud, args: [", "line 2: "),
        (".github/workflows/a.yml", "gcloud:\n  {% if x %}\n", "line 2: "),
        ("cloudbuild.yml", "# gcloud\n" + "[" * 20_000, ""),
    ],
)
def test_a_file_that_cannot_be_read_is_named(file: str, text: str, told: str, tmp_path: Path) -> None:
    """It is no reason to look no further."""
    [package] = described(tmp_path, {file: text}, copying=True)
    [note] = package.notes
    assert note.startswith(str(tmp_path / file))
    assert told in note
    assert note.endswith("what it deploys is not known")


@pytest.mark.parametrize(
    "text",
    [
        "# gcloud\n",
        "gcloud",
        "- gcloud\n",
        "steps: gcloud\n",
        "steps: [gcloud, [], {args: {a: b}}, {name: [docker], args: [[docker]]}, {name: {}, dir: [], script: {}}]\n",
        "a: &a [*a]\nsteps: [{name: docker, args: *a}]\n",
        "a: &a {b: *a}\nsteps: [*a, {name: gcloud, args: [functions, deploy], env: [[]], dir: *a}]\n",
        "a: &a [x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a]\nsteps: &c [*b, *b, *b, *b, gcloud]\n",
        "steps: [{name: docker, args: [build, $_A]}]\nsubstitutions: {_A: '$_A$_A$_A', _B: '$_A$_B', _C: '$_B$_B'}\n",
        "jobs: {gcloud: {strategy: {matrix: {a: b, c: [[]], include: x}}, steps: [run, {run: []}, {uses: {}}]}}\n",
        "jobs: {gcloud: {uses: ./.github/workflows/a.yml}, b: {uses: ./x.yml}, c: {steps: [{uses: ./}]}}\n",
        "jobs: {gcloud: {steps: [{uses: docker/build-push-action@v6, with: {context: '{x}', file: '${{ }}'}}]}}\n",
        "services: {gcloud: {build: []}, b: {build: {context: [], dockerfile: {}}}, c: build}\n",
    ],
)
@pytest.mark.parametrize("file", ["cloudbuild.yaml", ".github/workflows/a.yml", ".gitlab-ci.yml", "docker-compose.yml"])
def test_a_file_of_another_form_says_nothing(file: str, text: str, tmp_path: Path) -> None:
    """However hostile it is."""
    [package] = described(tmp_path, {file: text}, copying=True)
    assert package.notes == ()
    assert package.description.startswith("function folder")


def test_a_path_below_an_unknown_folder_is_taken_from_the_root(tmp_path: Path) -> None:
    """If it is there; else it cannot be told."""
    text = f'cp -r "$TOP/shared" $TOP/gone functions/daily\n{DEPLOY} --source="${{TOP}}/functions/daily"\n'
    [package] = described(tmp_path, {"deploy.sh": text}, copying=True)
    assert set(package.files) == {*OWN, "shared/__init__.py", "shared/util.py"}
    assert package.notes == ("deploy.sh:1 copies something that cannot be told there",)


def test_an_old_description_counts_where_there_is_no_other(tmp_path: Path) -> None:
    """In a folder that says so."""
    old = {"bin/archive/deploy.sh": f"{DEPLOY} --source=functions/daily\n"}
    new = {"bin/deploy.sh": f"COPY\n{DEPLOY} --source=functions/daily\n"}
    [package] = described(tmp_path / "both", old | new, copying=True)
    assert "bin/deploy.sh:2" in package.description
    [package] = described(tmp_path / "one", old, copying=True)
    assert "bin/archive/deploy.sh:1" in package.description


def test_requirements_that_a_script_writes_are_not_known(tmp_path: Path) -> None:
    """Nothing is undeclared then, and the note says why."""
    files = {"functions/daily/main.py": "import pandas\ndef handle(event): ...\n"}
    text = f"uv export > functions/daily/requirements.txt\n{DEPLOY} --source=functions/daily\n"
    [package] = packages.discover(write(tmp_path, {**REPOSITORY, **files, "deploy.sh": text}))
    assert package.requirements is None
    assert [line(f) for f in report(package, tmp_path).findings] == []
    assert package.notes == ("deploy.sh:1 writes requirements.txt, which is not looked at",)
