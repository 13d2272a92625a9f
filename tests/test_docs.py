"""The docs name what is there, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from click.testing import CliRunner

from monitor.cli import COMMANDS, cli

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_command_is_in_the_readme_and_every_command_there_exists() -> None:
    """The table of commands and the program agree."""
    named = set(re.findall(r"`phasewatch (?:--\S+ \S+ )?([a-z-]+)", README))
    assert named == set(COMMANDS)


def test_every_command_explains_itself_with_examples() -> None:
    """`--help` works and shows examples; the one-line text in the list is the command's own."""
    for name, (_, text) in COMMANDS.items():
        shown = CliRunner().invoke(cli, [name, "--help"])
        assert shown.exit_code == 0, name
        assert "Examples:" in shown.output, name
        command = cli.get_command(None, name)  # type: ignore[arg-type]  # our group needs no context
        assert command is not None
        assert command.short_help == text


def test_every_link_and_make_target_exists() -> None:
    """Relative links of the README and docs; the targets it tells people to make."""
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name} -> {link}"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"`make ([a-z-]+)`", README):
        assert f"\n{target}:" in makefile, target


def test_nothing_names_a_package_index_or_a_machine() -> None:
    """Lock files name versions and hashes only."""
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text(encoding="utf-8")
        assert not re.search(r"https?:|file:|--index|--find-links|--extra", text), lock.name
        pins = re.findall(r"^[A-Za-z0-9_.\[\]-]+==", text, re.MULTILINE)
        assert pins, lock.name
        assert text.count("--hash=sha256:") >= len(pins), lock.name


def test_the_subsets_have_the_versions_of_the_whole() -> None:
    """Whoever tests `dev.txt` tests what the others install."""

    def pins(name: str) -> set[str]:
        text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
        return set(re.findall(r"^[A-Za-z0-9_.\[\]-]+==[^ ;\\]+", text, re.MULTILINE))

    for subset in ("embedded.txt", "image.txt", "build.txt"):
        assert pins(subset) <= pins("dev.txt"), subset
