"""One defect in code that several packages ship is one thing to repair: told once, with the packages. Pure."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from checks.preflight.model import Effect, Finding, PackageReport


@dataclass(slots=True)
class Defect:
    """The findings that say the same of the same code, with the name of the package each is in."""

    found: list[tuple[str, Finding]] = field(default_factory=list)

    @property
    def worst(self) -> Finding:
        """The finding whose effect is worst, the first of equals."""
        return min((finding for _, finding in self.found), key=lambda finding: finding.effect.rank)

    @property
    def packages(self) -> dict[str, Effect]:
        """Where it may happen, with the worst that it does there, worst first; if it cannot anywhere, where it is."""
        effects: dict[str, Effect] = {}
        for name, finding in sorted(self.found, key=lambda one: one[1].effect.rank):
            if finding.effect is not Effect.NEVER or self.worst.effect is Effect.NEVER:
                effects.setdefault(name, finding.effect)
        return effects

    @property
    def lines(self) -> list[int]:
        """Where it is in its file, in any of the packages."""
        return sorted({finding.line for _, finding in self.found})

    @property
    def source(self) -> str | None:
        """The file on this disk; None if the packages have copies of it."""
        sources = {None if one.source is None else os.path.realpath(one.source) for _, one in self.found}
        return sources.pop() if len(sources) == 1 else None


def defects(reports: Sequence[PackageReport]) -> list[Defect]:
    """Every defect once, in the order of the reports: what is said of one file that several packages ship, or of the
    same line of files that have the same place in theirs.
    """
    known: dict[tuple[object, ...], Defect] = {}
    distinct: list[Defect] = []
    for report in reports:
        seen: Counter[tuple[object, ...]] = Counter()
        for finding in report.findings:
            told = (finding.scope, finding.kind, finding.symbol, finding.message)
            seen[finding.file, told] += 1
            keys: list[tuple[object, ...]] = [("in the package", finding.file, finding.line, told)]
            if finding.source is not None:
                keys.append((os.path.realpath(finding.source), told, seen[finding.file, told]))
            defect = next((known[key] for key in keys if key in known), None)
            if defect is None:
                defect = Defect()
                distinct.append(defect)
            defect.found.append((report.package.name, finding))
            known.update(dict.fromkeys(keys, defect))
    return distinct


def apart(reports: Sequence[PackageReport]) -> tuple[list[Defect], list[PackageReport]]:
    """What may happen in several packages, worst first; and the reports without it."""
    several = [
        defect for defect in defects(reports) if len(defect.packages) > 1 and defect.worst.effect is not Effect.NEVER
    ]
    told = {id(finding) for defect in several for _, finding in defect.found}
    rest = [replace(report, findings=[f for f in report.findings if id(f) not in told]) for report in reports]
    return sorted(several, key=lambda defect: (defect.worst.effect.rank, -len(defect.packages))), rest
