"""Cloud Build, workflows, Makefiles and the rest: what they ship, read and not run."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.preflight import packages
from checks.preflight.model import Package
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

# name: (the file, its text with COPY where it copies what the function needs)
DESCRIPTIONS: dict[str, tuple[str, str]] = {
    "Cloud Build, a script": (
        "cloudbuild.yaml",
        f"""\
        steps:
          - name: {SDK}
            entrypoint: bash
            args:
              - -c
              - |
                set -e
                COPY
                {DEPLOY} --source=functions/daily
        """,
    ),
    "Cloud Build, steps with arguments": (
        "functions/daily/cloudbuild.yaml",
        f"""\
        steps:
          - name: ubuntu
            args: [COPY_ARGS]
          - name: gcr.io/cloud-builders/gcloud
            dir: $_FOLDER
            args: [functions, deploy, '${{_NAME}}-import', --runtime=python312, --entry-point, handle]
        substitutions: {{_NAME: daily, _FOLDER: 'functions/${{_NAME}}'}}
        """,
    ),
    "Cloud Build, script": (
        "deploy/cloudbuild-prod.yml",
        f"""\
        steps:
          - name: {SDK}
            dir: functions
            script: |
              #!/bin/bash
              (cd /workspace && COPY)
              {DEPLOY} --source=$$PWD/daily
        """.replace("$$PWD", "${PWD}"),
    ),
    "Cloud Build, gcloud as the entry point": (
        "cloudbuild.yaml",
        f"""\
        steps:
          - name: {SDK}
            entrypoint: sh
            args: [./copy.sh, 'COPY_SCRIPT']
          - name: {SDK}
            entrypoint: gcloud
            args:
              - functions
              - deploy
              - daily-import
              - --runtime=python312
              - --entry-point=handle
              - --source=./functions/daily
              - --set-env-vars=A=${{PROJECT_ID}}
        """,
    ),
    "a workflow": (
        ".github/workflows/deploy.yml",
        f"""\
        on:
          push: {{branches: [main]}}
          workflow_dispatch: {{inputs: {{runtime: {{default: python312}}}}}}
        env: {{SOURCE: daily}}
        jobs:
          test: {{runs-on: ubuntu-latest, steps: [{{run: pytest}}]}}
          deploy:
            runs-on: ubuntu-latest
            defaults: {{run: {{working-directory: functions}}}}
            steps:
              - uses: actions/checkout@v4
              - run: COPY
                working-directory: .
              - name: deploy
                run: |
                  gcloud functions deploy ${{{{ vars.NAME || 'daily-import' }}}} --entry-point=handle \\
                    --source ${{{{ env.SOURCE }}}} --project ${{{{ secrets.PROJECT }}}} \\
                    --runtime=${{{{ github.event.inputs.runtime }}}}
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
        f"""\
        on: {{workflow_dispatch: {{inputs: {{name: {{required: true}}}}}}}}
        jobs:
          deploy:
            steps:
              - run: COPY
              - run: {DEPLOY} --source=functions/${{{{ inputs.name }}}}
        """,
    ),
    "GitLab": (
        ".gitlab-ci.yml",
        f"""\
        stages: [deploy]
        deploy:
          image: google/cloud-sdk
          before_script:
            - gcloud auth activate-service-account
            - COPY
          script:
            - cd functions/daily
            - {DEPLOY}
        """,
    ),
    "a Makefile": (
        "Makefile",
        f"""\
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
        f"""\
        include deploy.mk
        deploy-all: copy deploy-daily
        copy:
        \tCOPY
        deploy-daily:
        \t{DEPLOY} --source=functions/daily
        """,
    ),
    "case": (
        "deploy.sh",
        f"""\
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
        f"""\
        deploy() {{
          case $1 in
            daily) SRC=functions/daily;;
            *) SRC=shared;;
          esac
          {DEPLOY} --source=$SRC "${{@}}"
        }}
        COPY
        for name in daily; do deploy $name --gen2; done
        """,
    ),
    "options do not choose": (
        "deploy.sh",
        f"""\
        SRC=functions/daily
        while [[ $# -gt 0 ]]; do
          case "$1" in
            --source) SRC="$2"; shift 2;;
            *) exit 1;;
          esac
        done
        COPY
        {DEPLOY} --source=$SRC
        """,
    ),
    "if on an argument": (
        "deploy.sh",
        f"""\
        if [ "$1" = "weekly" ]; then
          cd functions/weekly
        elif [[ "$1" == daily ]]; then
          COPY
          cd functions/daily
        fi
        {DEPLOY}
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
        f"""\
        for dir in functions/*; do
          name=${{dir##*/}}
          COPY
          {DEPLOY} --source=functions/${{name//-/_}}
        done
        """,
    ),
}
MORE = {
    "copy.sh": "#!/bin/sh\n$1\n",
    "bin/settings.sh": "export RUNTIME=python312\n",
    "bin/one.sh": "COPY\ngcloud functions deploy $1-import --runtime=$2 --entry-point=handle --source=functions/$1\n",
    "functions/notes.md": "",
}


def described(folder: Path, name: str, text: str, *, copying: bool) -> list[Package]:
    """The packages of the repository with that description."""
    from textwrap import dedent

    words = ", ".join(f"'{word}'" for word in COPY.split())

    def made(one: str) -> str:
        one = one.replace("COPY_ARGS", words if copying else "ls").replace("COPY_SCRIPT", COPY if copying else "ls")
        return one.replace("COPY", COPY if copying else "true")

    write(folder, {**REPOSITORY, **{path: made(more) for path, more in MORE.items()}})
    write(folder, {name: made(dedent(text))})
    return packages.discover(folder)


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_what_a_description_ships(name: str, tmp_path: Path) -> None:
    """With what it copies nothing is missing, without it the import fails; and the first line says who said it."""
    file, text = DESCRIPTIONS[name]
    [package] = described(tmp_path / "right", file, text, copying=True)
    assert (package.name, package.handler, package.python) == ("daily-import", "handle", (3, 12))
    told_by = "bin/one.sh" if file == "bin/all.sh" else file
    assert f"{told_by}:" in package.description, package.description
    assert report(package, tmp_path / "right").findings == ()
    [package] = described(tmp_path / "wrong", file, text, copying=False)
    assert [line(f) for f in report(package, tmp_path / "wrong").findings] == ["load not_shipped main.py:1 shared.util"]
