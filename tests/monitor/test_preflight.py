"""``phasewatch preflight`` as people and programs call it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from monitor.cli import cli
from tests.support.preflight import write

FILES = {
    "functions/f/main.py": "import lib.util\ndef run():\n    return nope\n",
    "functions/f/requirements.txt": "flask\n",
    "functions/f/lib/util.py": "try:\n    import lib.gone\nexcept ImportError:\n    gone = None\n",
    "functions/f/old.py": "nada\n",
    "functions/g/main.py": "import flask\n",
    "functions/g/requirements.txt": "flask\n",
}


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of two functions, with a cache of its own; the working directory."""
    write(tmp_path / "repo", FILES)
    monkeypatch.chdir(tmp_path / "repo")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "repo"


def run(*args: str) -> Result:
    """The command, in this process."""
    return CliRunner().invoke(cli, ["preflight", *args])


def findings(answer: Result) -> dict[str, list[tuple[str, int, str, str]]]:
    """From JSON: by package the file, line, kind and effect of each."""
    tree = json.loads(answer.stdout)
    assert tree["schema_version"] == 1
    return {
        p["package"]: [(f["file"], f["line"], f["kind"], f["effect"]) for f in p["findings"]] for p in tree["packages"]
    }


FOUND = [
    ("main.py", 3, "undefined_name", "fails_when_run"),
    ("lib/util.py", 2, "missing_module", "disables_feature"),
    ("old.py", 1, "undefined_name", "cannot_happen"),
]


def test_packages_are_found_and_their_findings_ranked(repo: Path) -> None:
    """Without configuration; the second time from the cache, with the same answer."""
    for _ in range(2):
        answer = run("--format", "json")
        assert findings(answer) == {"f": FOUND, "g": []}
        assert answer.exit_code == 1
    [package, _] = json.loads(answer.stdout)["packages"]
    assert package["files"] == ["lib/util.py", "main.py", "old.py", "requirements.txt"]
    assert package["description"] == "function folder functions/f, no symlinks"
    assert package["findings"][1]["reachable_by"] == "main.py -> lib/util.py:2"
    assert package["findings"][0]["source"] == "functions/f/main.py"
    assert (repo.parent / "cache" / "phasewatch" / "preflight.db").exists()


def test_the_first_screen_says_what_would_break(repo: Path) -> None:
    """What cannot happen is counted, and shown with --all."""
    answer = run("f")
    assert (
        answer.stdout
        == """\
f  (function folder functions/f, no symlinks)
  entry point: main.py; Python {}, from this interpreter, as nothing names
  another
  ships 4 files: lib/ (1), main.py, old.py, requirements.txt
  fails when the function runs: 1
    main.py:3, inside run
      name 'nope' is not defined
  silently disables a feature: 1
    lib/util.py:2
      No module named 'lib.gone'; the error is caught at line 1 and passed over
      by main.py -> lib/util.py:2
  cannot happen from the entry point: 1

1 package: 1 fails when the function runs, 1 silently disables a feature, 1
    cannot happen from the entry point
""".format(".".join(map(str, __import__("sys").version_info[:2])))
    )
    assert "name 'nada' is not defined" in run("f", "--all").stdout
    assert repo.name == "repo"


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("g",), 0),
        (("f",), 1),
        (("f", "--fail-on", "load"), 0),
        (("f", "--fail-on", "run"), 1),
        (("--package", "functions/f", "--entry", "lib.util", "--fail-on", "run"), 0),
        (("nope",), 2),
        (("--package", "functions/f", "--entry", "nope"), 2),
        (("--target", "eleven"), 2),
        (("--python", "/nowhere/python"), 2),
        (("--changed-since", "nope"), 2),
        (("--baseline", "nowhere.json"), 2),
        (("--baseline", "functions/f/main.py"), 2),
    ],
)
def test_the_exit_code(args: tuple[str, ...], code: int, repo: Path) -> None:
    """0 nothing, 1 something, 2 wrong usage, with a sentence."""
    answer = run(*args)
    assert answer.exit_code == code, answer.output
    if code == 2:
        assert "Error: " in answer.stderr
    assert repo.exists()


def test_folders_that_a_deployed_package_loads_are_parts_of_it(repo: Path) -> None:
    """They import what lies at the root, and are no functions by themselves; one that it does not load is."""
    (repo / "functions" / "f" / "main.py").write_text("import functions.f.lib.util\ndef run(): ...\n", encoding="utf-8")
    (repo / "main.py").write_text("from functions.f.main import run\n", encoding="utf-8")
    (repo / "requirements.txt").write_text("flask\n", encoding="utf-8")
    assert set(findings(run("--format", "json"))) == {"repo", "f", "g"}
    deploy = "gcloud functions deploy all --runtime=python311 --entry-point=run --source=.\n"
    (repo / "deploy.sh").write_text(deploy, encoding="utf-8")
    answer = run("--format", "json")
    assert set(findings(answer)) == {"all", "g"}
    assert "parts of it, not looked at by themselves: f" in json.loads(answer.stdout)["packages"][0]["notes"]
    assert set(findings(run("--package", "functions/f", "--format", "json"))) == {"f"}


def test_an_image_without_code_is_not_called_right(repo: Path) -> None:
    """Nothing to look at is not nothing found."""
    write(repo, {"README.md": ""})
    (repo / "Dockerfile").write_text("FROM python:3.12\nCOPY README.md .\nRUN pip install tool\nCMD tool\n")
    answer = run("--package", "Dockerfile")
    assert answer.exit_code == 2
    assert "no Python file comes into it by its COPY lines" in answer.stderr


def test_without_ruff_it_could_not_see(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 3, and what was found all the same."""
    monkeypatch.setattr("checks.preflight.ruff.program", lambda: None)
    answer = run("g")
    assert answer.exit_code == 3
    assert "nobody looked for undefined names" in answer.stderr
    assert findings(run("f", "--format", "json"))["f"] == FOUND[1:2]
    assert repo.exists()


def test_old_findings_are_passed_over_and_new_ones_stand_out(repo: Path) -> None:
    """Lines may move; what is gone is said."""
    assert run("--write-baseline", "known.json").exit_code == 0
    main = repo / "functions" / "f" / "main.py"
    main.write_text("\n\n" + main.read_text() + "def more():\n    return nothing\n")
    answer = run("--baseline", "known.json", "--format", "json")
    assert findings(answer)["f"] == [("main.py", 7, "undefined_name", "fails_when_run")]
    assert answer.exit_code == 1
    main.write_text("")
    answer = run("--baseline", "known.json", "--fail-on", "load")
    assert "known.json holds findings that are gone (1)" in answer.stderr


def test_a_comment_with_a_reason_ignores_a_finding(repo: Path) -> None:
    """One without does not."""
    main = repo / "functions" / "f" / "main.py"
    main.write_text(
        "def a():\n    return nope  # preflight: ignore[undefined_name] set by the shell\n"
        "def b():\n    return nada  # preflight: ignore\n"
        "def c():\n    return zero  # preflight: ignore[missing_module] another kind\n"
    )
    tree = json.loads(run("f", "--format", "json").stdout)["packages"][0]
    shown = [(f["line"], f["message"]) for f in tree["findings"] if f["file"] == "main.py"]
    assert shown == [
        (4, "name 'nada' is not defined (the comment that ignores it gives no reason)"),
        (6, "name 'zero' is not defined"),
    ]
    assert [(f["line"], f["reason"]) for f in tree["passed_over"]] == [(2, "ignored in the code: set by the shell")]


def test_annotations_of_a_pull_request(repo: Path) -> None:
    """On the repository's paths; what cannot happen is left out."""
    lines = run("f", "--format", "github").stdout.splitlines()
    assert lines[0] == (
        "::error file=functions/f/main.py,line=3,title=preflight%3A undefined_name::"
        "f: name 'nope' is not defined [main.py:3, inside run]"
    )
    assert [line.partition(" ")[0] for line in lines] == ["::error", "::warning"]
    assert repo.exists()


def test_code_scanning(repo: Path) -> None:
    """SARIF 2.1.0: what consumers need of it."""
    tree: dict[str, Any] = json.loads(run("f", "--format", "sarif").stdout)
    assert tree["version"] == "2.1.0"
    [sarif] = tree["runs"]
    rules = {rule["id"] for rule in sarif["tool"]["driver"]["rules"]}
    assert [result["level"] for result in sarif["results"]] == ["error", "warning", "note"]
    for result in sarif["results"]:
        assert result["ruleId"] in rules
        place = result["locations"][0]["physicalLocation"]
        assert (repo / place["artifactLocation"]["uri"]).is_file()
        assert place["region"]["startLine"] >= 1


def test_only_packages_that_a_change_concerns(repo: Path) -> None:
    """A change of a shipped file, of what a symlink points to, a deleted file; nothing else."""

    def git(*args: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        subprocess.run(["git", *identity, *args], cwd=repo, check=True, capture_output=True)

    def concerned() -> list[str]:
        return sorted(findings(run("--changed-since", "HEAD", "--format", "json")))

    write(repo, {"shared/a.py": "", "functions/g/shared": "-> ../../shared"})
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "start")
    assert concerned() == []
    (repo / "shared" / "a.py").write_text("x = 1\n")
    assert concerned() == ["g"]
    git("commit", "-qam", "more")
    (repo / "functions" / "f" / "old.py").unlink()
    assert concerned() == ["f"]
    (repo / "functions" / "g" / "new.py").write_text("")
    assert concerned() == ["f", "g"]


def test_what_git_cannot_tell_is_said_with_the_remedy(repo: Path, tmp_path: Path) -> None:
    """No repository, a revision that is not there, a clone without history; untracked files from below the root."""

    def git(*args: str, cwd: Path = repo) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        subprocess.run(["git", *identity, *args], cwd=cwd, check=True, capture_output=True)

    def told(*args: str) -> str:
        return run("--changed-since", *args).stderr

    assert "lies in no git repository, which --changed-since asks" in told("HEAD")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "one")
    git("commit", "-qm", "two", "--allow-empty")
    assert "git does not know 'main~9': fatal: bad revision 'main~9'; is it fetched? (git fetch)" in told("main~9")
    shallow = tmp_path / "shallow"
    git("clone", "-q", "--depth=1", repo.as_uri(), str(shallow))
    assert "this clone is shallow: fetch the history" in told("HEAD~1", "--root", str(shallow))
    (repo / "functions" / "g" / "new.py").write_text("")
    answer = run("--root", str(repo / "functions"), "--changed-since", "HEAD", "--format", "json")
    assert list(findings(answer)) == ["g"]


def test_a_file_is_no_package(repo: Path) -> None:
    told = run("--package", str(repo / "functions" / "f" / "main.py")).stderr
    assert "is a file: --package takes folders and Dockerfiles, --entry a file" in told


CONFIG = """\
preflight:
  packages:
    - {name: described, source: functions/g, copy: [{from: functions/f/lib, to: lib}], entry: lib.util}
  forbid:
    - {import: lib.gone, use: lib.there, in: ["lib/**"], owner: me, reason: it went}
    - {import: flask, expires: 2020-01-01}
"""


def test_a_configuration_describes_packages_and_forbids_imports(repo: Path) -> None:
    """An expired rule forbids nothing; a rule that forbids its own replacement stops the start."""
    (repo / "config.yaml").write_text(CONFIG)
    answer = run("--format", "json")
    assert findings(answer) == {
        "described": [
            ("lib/util.py", 2, "forbidden_import", "fails_at_load"),
            ("lib/util.py", 2, "missing_module", "disables_feature"),
        ]
    }
    [package] = json.loads(answer.stdout)["packages"]
    assert package["findings"][0]["message"] == "lib.gone must not be imported: use lib.there (it went); ask me"
    assert package["description"] == "configuration: folder functions/g, 1 copied over it, symlinks followed"
    (repo / "config.yaml").write_text(CONFIG.replace("use: lib.there", "use: lib.gone.anew"))
    answer = run()
    assert answer.exit_code == 2
    assert "forbids its own replacement: lib.gone.anew is lib.gone or below it" in answer.stderr


def test_a_configuration_of_something_else_is_none(repo: Path) -> None:
    """Many programs have a config.yaml; one that is named must be phasewatch's."""
    (repo / "config.yaml").write_text("colour: green\n")
    assert run("g").exit_code == 0
    assert CliRunner().invoke(cli, ["--config", "config.yaml", "preflight", "g"]).exit_code == 2


def test_an_environment_is_looked_at_instead_of_requirements(repo: Path) -> None:
    """What is installed there counts, with its names."""
    main = repo / "functions" / "g" / "main.py"
    main.write_text("import yaml\nfrom yaml import nope\nimport pandas\n")
    answer = run("g", "--python", __import__("sys").executable, "--format", "json")
    assert findings(answer)["g"] == [
        ("main.py", 2, "missing_name", "fails_at_load"),
        ("main.py", 3, "missing_module", "fails_at_load"),
    ]


def test_hostile_text_does_not_reach_the_terminal(repo: Path) -> None:
    """A name of a file with an escape sequence."""
    (repo / "functions" / "g" / "ev\x1b[31mil.py").write_text("nope\n")
    assert "\x1b" not in run("g", "--all").stdout
