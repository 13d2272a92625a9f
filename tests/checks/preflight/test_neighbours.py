"""Folders of which nothing says how they are deployed, beside others of which something does."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks.preflight.shipped import packages
from tests.support.preflight import line, report, write

FUNCTION = "import absent\nfrom shared.util import helper\ndef handle(event, context):\n    return helper()\n"
FILES = {
    ".git/HEAD": "",
    "functions/daily/main.py": FUNCTION,
    "functions/daily/requirements.txt": "",
    "functions/hourly/main.py": FUNCTION,
    "functions/hourly/requirements.txt": "",
    "functions/weekly/main.py": FUNCTION,
    "functions/weekly/requirements.txt": "",
    "functions/shared/util.py": "def helper(): ...\n",
}
DEPLOY = """\
for name in {}; do
  T=$(mktemp -d)
  cp functions/$name/* $T
  {}
  gcloud functions deploy $name --runtime=python311 --source=$T
done
"""
COPY = "cp -r functions/shared $T"
ARCHIVE = (
    'data "archive_file" "code" {{\n  source_dir = "/tmp/code"\n}}\nresource "null_resource" "code" {{\n  {}\n}}\n'
)
LAID = 'provisioner "local-exec" {\n    command = "cp -r ../functions/shared /tmp/code/"\n  }'


def findings(root: Path) -> dict[str, tuple[list[str], list[str]]]:
    """By package its findings, and what could not be told."""
    reports = [report(package, root) for package in packages.discover(root)]
    return {
        said.package.name: ([line(f) for f in said.findings], [unknown.symbol for unknown in said.unknown])
        for said in reports
    }


MISSING = ["load undeclared main.py:1 absent", "load not_shipped main.py:2 shared.util"]
UNTOLD = (["load undeclared main.py:1 absent"], ["shared.util"])


@pytest.mark.parametrize(
    ("more", "weekly"),
    [
        ({}, (MISSING, [])),
        ({"deploy.sh": DEPLOY.format("daily hourly", COPY)}, UNTOLD),
        ({"deploy.sh": DEPLOY.format("daily hourly", "")}, (MISSING, [])),
        ({"deploy.sh": DEPLOY.format("daily", COPY)}, (MISSING, [])),
        ({"terraform/main.tf": ARCHIVE.format(LAID)}, UNTOLD),
        ({"terraform/main.tf": ARCHIVE.format("triggers = {}")}, (MISSING, [])),
    ],
)
def test_what_is_put_into_others_of_its_kind_may_be_put_into_it(
    more: dict[str, str], weekly: tuple[list[str], list[str]], tmp_path: Path
) -> None:
    """By a script that deploys several beside it, or by Terraform, which is not read; and nothing else is excused."""
    root = write(tmp_path, {**FILES, **more})
    assert findings(root)["weekly"] == weekly
    package = packages.of_folder(root / "functions" / "weekly")
    said = report(packages.as_deployed(package, root), root)
    assert [unknown.symbol for unknown in said.unknown] == weekly[1]


def test_a_module_that_lies_beside_the_folder_is_named(tmp_path: Path) -> None:
    """However deep below the root of the repository that is."""
    root = write(tmp_path, FILES)
    [daily, _, _] = packages.discover(root)
    [_, finding] = report(daily, root).findings
    assert finding.message == (
        "No module named 'shared' in the package: functions/shared is in the repository and not shipped"
    )


def test_the_folder_that_holds_a_function_is_not_put_into_it(tmp_path: Path) -> None:
    """``from functions.shared``, as it is found from the root of the repository, and never where it is deployed."""
    root = write(tmp_path, {**FILES, "terraform/main.tf": ARCHIVE.format(LAID)})
    write(root, {"functions/weekly/main.py": "import functions.shared.util\nimport shared.util\n"})
    assert findings(root)["weekly"] == (["load not_shipped main.py:1 functions.shared.util"], ["shared.util"])
