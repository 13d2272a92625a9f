"""What is said of a config.yaml that will not do: every mistake, with its place."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from monitor.config.loading import ConfigError, Problem, load
from tests.support.config import DATA, GOOD, changed, loaded, said

MISTAKES = yaml.safe_load((DATA / "mistakes.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", MISTAKES, ids=[case["by"].replace("\n", " ")[:50] for case in MISTAKES])
def test_a_mistake_is_said_with_its_place(tmp_path: Path, case: dict[str, str]) -> None:
    """File, line, column, path in the tree, what is wrong, and what to write instead."""
    assert said(tmp_path, changed(case["replace"], case["by"])) == case["said"].split("\n")


def test_the_good_file_is_good(tmp_path: Path) -> None:
    """What the table of mistakes starts from has none."""
    assert [p.name for p in loaded(tmp_path, GOOD).pipelines] == ["nba"]


def test_all_mistakes_are_said_at_once(tmp_path: Path) -> None:
    """Mistakes of type, of reference and of interpolation, in different parts, come in one answer, in file order."""
    text = changed("after: [phase2]", "after: [phas2]").replace("${TOKEN:-}", "${TOKEN}")
    text = text.replace("table: ref.schedule", "table: 5").replace("to: [slack", "to: [slak")
    assert [line.split(": ")[0:2] for line in said(tmp_path, text)] == [
        ["config.yaml:4:23", "pipelines[0].calendar.table"],
        ["config.yaml:11:17", "pipelines[0].phases[1].after"],
        ["config.yaml:20:20", "alerts.channels.slack.token"],
        ["config.yaml:22:12", "alerts.routes[0].to"],
    ]


NOT_YAML: list[tuple[str | bytes, str]] = [
    ("", "config.yaml:1:1: the file holds no setting; start from the config.yaml that comes with phasewatch"),
    (
        "# only this\n",
        "config.yaml:1:1: the file holds no setting; start from the config.yaml that comes with phasewatch",
    ),
    ("- a\n", "config.yaml:1:1: expected settings (key: value) at the top"),
    ("a: 1\nb: [1, 2\n", "config.yaml:3:1: a [ that is not closed, or a comma missing"),
    ("a:\n\tb: 1\n", "config.yaml:2:1: a tab where YAML allows none; indent with spaces"),
    (
        "mode: a: b\n",
        (
            "config.yaml:1:8: a colon where no key can be; "
            "check the indentation, and put text that contains ': ' in quotes"
        ),
    ),
    ('a: "x\n', "config.yaml:2:1: a quote that is not closed"),
    (
        "a: *b\n",
        "config.yaml:1:4: an alias (*name) without its anchor (&name); put text that starts with * in quotes",
    ),
    (
        "a: {b: ${C:-1}}\n",
        'config.yaml:1:9: a { that is not closed, or a comma missing; inside {...} and [...] put "${NAME}" in quotes',
    ),
    ("a: 1\n---\nb: 1\n", "config.yaml:2:1: a second document; one file holds one configuration; remove the --- line"),
    ("a: \x07\n", "config.yaml:1:4: a character that YAML does not allow (U+0007)"),
    ("a: &b {c: *b}\n", "config.yaml:1:1: nested too deeply, or an alias that contains itself"),
    ("[" * 5000, "config.yaml:1:1: nested too deeply"),
    (b"a: 1\nb: \xff\n", "config.yaml:2:4: not UTF-8 text from here on; save the file as UTF-8"),
]


@pytest.mark.parametrize(("text", "line"), NOT_YAML, ids=[repr(text)[:30] for text, _ in NOT_YAML])
def test_what_is_not_yaml_is_said_with_its_place(tmp_path: Path, text: str | bytes, line: str) -> None:
    """One line, without any text of the file."""
    assert said(tmp_path, text) == [line]


def test_aliases_of_aliases_do_not_fill_the_memory(tmp_path: Path) -> None:
    """Nine lines that stand for 9^9 values are refused."""
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    assert said(tmp_path, "\n".join(lines)) == ["config.yaml:1:1: more than 100000 values"]


def test_a_missing_file_is_named_with_a_way_to_get_one(tmp_path: Path) -> None:
    """No traceback, no empty configuration."""
    file = tmp_path / "none.yaml"
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    assert str(caught.value) == (
        f"{file}: there is no such file; copy the config.yaml that comes with phasewatch, "
        "or name another file with --config"
    )


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    """The likely file in it is named."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, {})
    assert str(caught.value) == f"{tmp_path}: this is a folder; name the file in it: --config {tmp_path}/config.yaml"


def test_an_unset_variable_is_named_with_its_place(tmp_path: Path) -> None:
    """And with the way to do without it; that its setting is empty then is no second mistake."""
    assert said(tmp_path, "mode: ${M}\nserver:\n  port: ${P-1}\n") == [
        "config.yaml:1:7: mode: the environment variable M is not set; set it, or write ${M:-} to switch this off",
        "config.yaml:3:9: server.port: ${ without a variable; write ${NAME}, ${NAME:-default}, or $${ for a plain ${",
    ]


def test_a_problem_holds_its_parts(tmp_path: Path) -> None:
    """For programs that show it otherwise."""
    (tmp_path / "config.yaml").write_text("mode: gpc\n")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "config.yaml", {})
    assert caught.value.problems == (
        Problem(path="mode", line=1, column=7, message="expected 'embedded' or 'gcp', not 'gpc'", hint=None),
    )
