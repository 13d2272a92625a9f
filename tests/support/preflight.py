"""Small packages for preflight, written to disk, and what it finds in them in one line each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

from checks.preflight.examine import Examiner
from checks.preflight.model import Effect, Finding, Package, PackageReport
from checks.preflight.rules import Forbidden
from checks.preflight.shipped import packages

SHORT = {Effect.LOAD: "load", Effect.RUN: "run", Effect.DISABLES: "disables", Effect.NEVER: "never"}


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """The files, ``->`` for a symlink's target."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith("-> "):
            path.symlink_to(text.removeprefix("-> "))
        else:
            path.write_text(dedent(text), encoding="utf-8")
    return folder


def report(
    package: Package,
    root: Path,
    *,
    rules: tuple[Forbidden, ...] = (),
    target: tuple[int, int] | None = None,
    **more: Any,
) -> PackageReport:
    """What preflight says of a package."""
    with Examiner(root, rules=rules, python=target, **more) as examiner:
        answer = examiner.examine(package)
        assert examiner.blind is None
    return answer


def line(finding: Finding) -> str:
    """One finding: effect, kind, place, symbol."""
    return f"{SHORT[finding.effect]} {finding.kind.value} {finding.file}:{finding.line} {finding.symbol}"


def found(folder: Path, files: Mapping[str, str], *, target: tuple[int, int] | None = None, **more: Any) -> list[str]:
    """What is found in a folder of these files, worst first."""
    return [line(f) for f in report(packages.of_folder(write(folder, files)), folder, target=target, **more).findings]
