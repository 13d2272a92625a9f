"""Which folder is the build context of a Dockerfile: as Cloud Build, workflows, scripts and the rest build it."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.preflight.shipped import packages
from tests.support.preflight import line, report, write

# name: the file that tells the build context, and its text
BUILDS: dict[str, tuple[str, str]] = {
    "Cloud Build": (
        "cloudbuild.yaml",
        "steps: [{name: gcr.io/cloud-builders/docker, args: [build, -t, 'x:$SHA', -f, api/Dockerfile, CONTEXT]}]\n",
    ),
    "Cloud Build, in a folder": (
        "cloudbuild.yaml",
        "steps: [{name: cloud-builders/docker, dir: api, args: [build, --tag=x, --file=./Dockerfile, ../CONTEXT]}]\n",
    ),
    "kaniko": (
        "cloudbuild.yaml",
        "steps: [{name: kaniko-project/executor, args: [--dockerfile=api/Dockerfile, --context=dir://CONTEXT]}]\n",
    ),
    "a workflow": (
        ".github/workflows/a.yml",
        "jobs: {a: {steps: [{uses: docker/build-push-action@v6, with: {context: CONTEXT, file: api/Dockerfile}}]}}\n",
    ),
    "a script": (
        "build.sh",
        'docker buildx build --platform linux/amd64 --push -t "$IMAGE" --build-arg A=1 -f api/Dockerfile "CONTEXT"\n',
    ),
    "a Makefile": ("Makefile", "image:\n\tdocker build CONTEXT -f api/Dockerfile -t $(IMAGE):$(TAG)\n"),
    "skaffold": (
        "skaffold.yaml",
        "build: {artifacts: [{image: api, context: CONTEXT, docker: {dockerfile: api/Dockerfile}}]}\n",
    ),
    "compose": ("compose.yaml", "services: {api: {build: {context: CONTEXT, dockerfile: api/Dockerfile}}}\n"),
}
IMAGE = {
    ".git/HEAD": "",
    "api/Dockerfile": "FROM python:3.12\nWORKDIR /app\nCOPY requirements.txt .\nCOPY . .\nCMD python -m api.main\n",
    "api/main.py": "import shared\n",
    "api/requirements.txt": "",
    "requirements.txt": "",
    "shared/__init__.py": "",
}


@pytest.mark.parametrize("name", BUILDS)
def test_what_builds_an_image_tells_its_context(name: str, tmp_path: Path) -> None:
    """Of a Dockerfile that would fit in two folders: ``COPY . .`` means another one."""
    file, text = BUILDS[name]
    inside = {file: text.replace("CONTEXT", "api").replace("api/Dockerfile", "Dockerfile")}
    for folder in (".", "api"):
        files = {file: text.replace("CONTEXT", folder)}
        if file in ("compose.yaml", "skaffold.yaml") and folder == "api":
            files = inside
        [package] = packages.discover(write(tmp_path / folder / "root", {**IMAGE, **files}))
        assert f"{file}:" in package.description
        assert package.root == (tmp_path / folder / "root" / folder).resolve()
        found = [line(f) for f in report(package, tmp_path / folder / "root").findings]
        assert found == (
            [] if folder == "." else ["load missing_file Dockerfile:5 api.main", "load not_shipped main.py:1 shared"]
        )


SERVICES = {
    **IMAGE,
    "Dockerfile": "FROM python:3.12\nCOPY . .\nCMD python main.py\n",
    "main.py": "",
    "cloudbuild.yaml": "steps: [{name: docker, args: [build, -t, x, -f, '${_SERVICE}/Dockerfile', .]}]\n",
}
ONE_OF_MANY = {
    "which is not said": ({}, "build context {root}, as {root}/cloudbuild.yaml:1 builds it"),
    "said by a script": (
        {"deploy.sh": "for s in api; do gcloud builds submit --substitutions=_SERVICE=$s,_X=1 .; done\n"},
        "build context {root}, as {root}/cloudbuild.yaml:1 builds it",
    ),
    "chosen in a folder that is made": (
        {
            "deploy.sh": """\
                case $1 in
                  api) DIR=api;;
                  web) DIR=web;;
                esac
                TMP=$(mktemp -d)
                mkdir $TMP/$DIR
                cp -r $DIR/* $TMP/$DIR
                cp -r shared requirements.txt $DIR/Dockerfile $TMP
                docker build -t x $TMP
            """
        },
        "build context made for it, as {root}/deploy.sh:9 builds it",
    ),
    "put in the place of another one": (
        {
            "deploy.sh": """\
                if [ -f Dockerfile ]; then
                  mv Dockerfile "Dockerfile.$(date +%s)"
                fi
                cp api/Dockerfile .
                gcloud run deploy api --source=.
            """
        },
        "build context {root}, as {root}/deploy.sh:5 builds it",
    ),
}


@pytest.mark.parametrize("name", ONE_OF_MANY)
def test_one_description_builds_many_images(name: str, tmp_path: Path) -> None:
    """Each from its Dockerfile; and what is not uploaded is not there."""
    more, told = ONE_OF_MANY[name]
    root = write(tmp_path, {**SERVICES, **more})
    _, package = packages.discover(root)
    assert package.description == f"image of {root}/api/Dockerfile, {told.format(root=root)}"
    assert report(package, root).findings == ()
    write(root, {".gcloudignore": "shared/\n"})
    found = [line(f) for f in report(packages.discover(root)[1], root).findings]
    assert found == (["load not_shipped api/main.py:1 shared"] if "gcloud run" in more.get("deploy.sh", "") else [])


def test_a_source_with_a_dockerfile_is_built(tmp_path: Path) -> None:
    """By ``gcloud run deploy --source`` and ``gcloud builds submit``, with what a script laid there before."""
    files = {
        ".git/HEAD": "",
        "shared/__init__.py": "",
        "api/Dockerfile": "FROM python:3.12\nWORKDIR /app\nCOPY shared shared\nCOPY main.py .\nCMD python main.py\n",
        "api/main.py": "import shared\n",
    }
    for name, command in (("run", "gcloud run deploy api --source api"), ("submit", "gcloud builds submit -t x api")):
        root = write(tmp_path / name, {**files, "deploy.sh": f"cp -r shared api/\n{command}\n"})
        [package] = packages.discover(root)
        assert package.description.endswith("deploy.sh:2 builds it")
        assert report(package, root).findings == ()
        assert packages.as_built(root / "api" / "Dockerfile", root).files == package.files
        (root / "deploy.sh").write_text(f"{command}\n", encoding="utf-8")
        [package] = packages.discover(root)
        assert [line(f) for f in report(package, root).findings] == [
            "load missing_file Dockerfile:3 shared",
            "load not_shipped main.py:1 shared",
        ]


def test_a_folder_that_is_built_whole_is_the_context_whatever_is_copied(tmp_path: Path) -> None:
    """A Dockerfile that means the root cannot be built so; a compose file is not believed in that."""
    files = {
        ".git/HEAD": "",
        "shared/__init__.py": "",
        "api/requirements.txt": "",
        "api/main.py": "import shared\n",
        "api/Dockerfile": "FROM python:3.12\nWORKDIR /app\nCOPY shared/ shared/\nCOPY api/requirements.txt .\n"
        "RUN pip install -r requirements.txt\nCOPY api/ .\nCMD python main.py\n",
    }
    root = write(tmp_path / "run", {**files, "deploy.sh": "cd api\ngcloud run deploy api --source .\n"})
    [package] = packages.discover(root)
    assert [line(f) for f in report(package, root).findings] == [
        "load missing_file Dockerfile:3 shared/",
        "load missing_file Dockerfile:4 api/requirements.txt",
        "load missing_file Dockerfile:6 api/",
    ]
    root = write(tmp_path / "up", {**files, "compose.yaml": "services: {api: {build: ./api}}\n"})
    [package] = packages.discover(root)
    assert (package.root, report(package, root).findings) == (root, ())


def test_nothing_leads_out_of_the_build_context(tmp_path: Path) -> None:
    """``COPY ../shared`` means the one in it, if there is one."""
    docker = "FROM python:3.12\nWORKDIR /app\nCOPY ../shared ./shared\nCOPY api/main.py .\nCMD python main.py\n"
    files = {"api/Dockerfile": docker, "api/main.py": "import shared\n", "api/requirements.txt": "", ".git/HEAD": ""}
    missing = ["load missing_file Dockerfile:3 ../shared", "load undeclared main.py:1 shared"]
    for more, expected in (({}, missing), ({"shared/__init__.py": ""}, [])):
        root = write(tmp_path / str(len(more)), {**files, "deploy.sh": "docker build -f api/Dockerfile .\n", **more})
        [package] = packages.discover(root)
        assert [line(f) for f in report(package, root).findings] == expected
