"""Configurations for tests: a good one, changed in places."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.config.loading import Config, ConfigError, load

DATA = Path(__file__).parents[1] / "data" / "config"
GOOD = (DATA / "good.yaml").read_text(encoding="utf-8")


def loaded(folder: Path, text: str, **env: str) -> Config:
    """The configuration in the text, as a file in the folder."""
    file = folder / "config.yaml"
    file.write_text(text, encoding="utf-8")
    return load(file, env)


def said(folder: Path, text: str | bytes, **env: str) -> list[str]:
    """What is said of a file that will not do, without its folder."""
    file = folder / "config.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConfigError) as caught:
        load(file, env)
    assert str(caught.value) == "\n".join(p.render(str(file)) for p in caught.value.problems)
    return [problem.render("config.yaml") for problem in caught.value.problems]


def changed(old: str, new: str) -> str:
    """The good configuration with one thing replaced."""
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)
