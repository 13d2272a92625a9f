"""Deploy scripts that do not do what is meant: a slip in the name of a variable, folders that are somewhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.preflight.shipped import packages
from checks.preflight.shipped.slips import repaired
from tests.support.preflight import line, report, write

SCRIPT = """\
    #!/bin/bash
    SOURCE_DIR=functions/export
    BUILD=$(mktemp -d)
    cp "$SOURCE_DIR/main.py" "${SOURCE_DIR}/requirements.txt" "$BUILD/"
    cp -r shared "$BUILD/"
    gcloud functions deploy export --runtime=python311 --source="$BUILD" --entry-point=main
    """
FILES = {
    ".git/HEAD": "",
    "deploy.sh": SCRIPT,
    "functions/export/main.py": "import shared.util\n\ndef main(request): ...\n",
    "functions/export/requirements.txt": "",
    "shared/util.py": "",
}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", []),
        ('"$SOURCE_DIR/main', '"$SOURCE_DRI/main', ["load undefined_name deploy.sh:4 SOURCE_DRI"]),
        ("${SOURCE_DIR}/req", "${SORCE_DIR}/req", ["load undefined_name deploy.sh:4 SORCE_DIR"]),
        ('--source="$BUILD"', '--source="$BUIILD"', ["load undefined_name deploy.sh:6 BUIILD"]),
    ],
)
def test_a_slip_is_told_and_what_is_deployed_as_it_is_meant(
    old: str, new: str, expected: list[str], tmp_path: Path
) -> None:
    """So that nothing follows from it that is not so."""
    root = write(tmp_path, FILES | {"deploy.sh": SCRIPT.replace(old, new) if old else SCRIPT})
    [package] = packages.discover(root)
    assert sorted(package.files) == ["main.py", "requirements.txt", "shared/util.py"]
    assert [line(finding) for finding in report(package, root).findings] == expected


def test_a_script_that_was_moved_deploys_folders_that_are_not_there(tmp_path: Path) -> None:
    """Told where the repository has such a folder; a build may make any other."""
    script = """\
        cd "$(dirname "$0")"
        gcloud functions deploy export --runtime=python311 --source=functions/export --entry-point=main
        gcloud functions deploy built --runtime=python311 --source=build/export --entry-point=main
        """
    root = write(tmp_path, {name: text for name, text in FILES.items() if name != "deploy.sh"})
    write(root, {"deploy.sh": script})
    assert [package.name for package in packages.discover(root)] == ["export"]
    assert not packages.discover(root)[0].problems
    (root / "scripts").mkdir()
    (root / "deploy.sh").rename(root / "scripts" / "deploy.sh")
    found = [finding for package in packages.discover(root) for finding in report(package, root).findings]
    assert "load missing_file deploy.sh:2 " in " ".join(map(line, found))
    assert sum("there is no such folder; is functions/export of the root meant?" in f.message for f in found) == 1
    assert not any("build/export" in f.message for f in found)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("functions/daily_exprot", ["deploy.sh:2"]),
        ("functions/report", []),  # not alike
        ("functions/daily_export2", []),  # may be built of it
        ("functions/$WHICH", []),
        ("build/daily_exprot", []),
    ],
)
def test_a_slip_in_the_folder_that_is_deployed(tmp_path: Path, source: str, expected: list[str]) -> None:
    """Told where a function with nearly that name lies beside it."""
    text = f"gcloud functions deploy export --runtime=python311 --source={source} --entry-point=main\n"
    root = write(tmp_path, {**FILES, "deploy.sh": f"set -e\n{text}", "functions/daily_export/main.py": ""})
    every = [finding for package in packages.discover(root) for finding in report(package, root).findings]
    found = [finding for finding in every if finding.file == "deploy.sh"]
    assert [f"{one.file}:{one.line}" for one in found] == expected
    assert all(one.message.endswith("is functions/daily_export of the root meant?") for one in found)


@pytest.mark.parametrize(
    "text",
    [
        "REGION=a\ngcloud run deploy --region $REGIONS\n",  # more of them
        "REGION_A=a\ngcloud run deploy --region $REGION_B\n",
        "SERVICE_1=a\ngcloud run deploy $SERVICE_2\n",
        "PROJECT=a\ngcloud run deploy $PROJECT_ID\n",
        "source env.sh\nSOURCE_DIR=a\ncp $SOURCE_DRI/x y\n",  # sets who knows what
        "SOURCE_DIR=a\necho $SOURCE_DRI\n",
        "SOURCE_DIR=a\n# cp $SOURCE_DRI/x y\n",
        "SOURCE_DIR=a\ncp ${SOURCE_DRI:-b}/x y\n",  # prepared
        "SOURCE_DIR=a\nread SOURCE_DRI\ncp $SOURCE_DRI/x y\n",
        "SOURCE_DIR=a\nfor SOURCE_DRI in a b; do cp $SOURCE_DRI/x y; done\n",
        "f() { local name=$1 SOURCE_DRI; cp $SOURCE_DRI/x y; }\nSOURCE_DIR=a\n",
        "SOURCE_DIR=a\nawk '{print \\$SOURCE_DRI}'\n",
        "TAG=a\ncp $TAB/x y\n",  # too short to tell
    ],
)
def test_and_other_names_are_of_the_environment(text: str) -> None:
    """A slip is a letter more or less, another one, or two that changed places."""
    assert repaired(text) == (text, ())
