"""One image in the making, as the stages of a Dockerfile make it."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

Instruction = tuple[int, str, str]  # the line, the word, the rest


@dataclass(slots=True, kw_only=True)
class Stage:
    """One image in the making: absolute paths in it to files on this disk.

    ``pip``: what is installed; ``required``: from requirements files, with their paths in the image; ``projects``: the
    folders from where code is installed, ``programs``: what that makes, as ``module:function``; ``unfound``: files that
    something is installed from and that are not here, with their lines; ``unbrought``: what requirements files include
    that is not in the image, with those; ``groups``: what else than the plain is asked for of what projects need;
    ``untold``: something is installed that cannot be read, ``scripts``: something is run that may install anything;
    ``system``: all is installed where the image's Python has it; ``editable``: folders from
    which code is installed by their paths, ``left``: what other stages have in such folders; ``filled``: places for
    what cannot be told, with what is to be said of it; ``onbuild``: what a stage begins with that is built on this one.
    """

    name: str = ""
    base: str = ""
    files: dict[str, Path] = field(default_factory=dict)
    workdir: str = "/"
    env: dict[str, str] = field(default_factory=dict)
    pip: list[str] = field(default_factory=list)
    projects: list[str] = field(default_factory=list)
    programs: dict[str, str] = field(default_factory=dict)
    required: list[tuple[str, Path]] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)
    absent: list[tuple[int, str]] = field(default_factory=list)
    unfound: list[tuple[int, str]] = field(default_factory=list)
    unbrought: list[tuple[Path, int, str]] = field(default_factory=list)
    groups: set[str] = field(default_factory=set)
    untold: bool = False
    scripts: bool = False
    system: bool = True
    editable: list[str] = field(default_factory=list)
    left: dict[str, Path] = field(default_factory=dict)
    filled: list[tuple[str, str]] = field(default_factory=list)
    onbuild: list[Instruction] = field(default_factory=list)

    def copy(self, name: str) -> Stage:
        """Another stage that begins as this one ends."""
        values = {item.name: copy(getattr(self, item.name)) for item in fields(self)}
        return replace(self, **{**values, "name": name, "onbuild": []})


SITE = "/site-packages"  # stands for wherever the image's Python has what is installed
