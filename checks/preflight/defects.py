"""From a failure that was seen to the findings of preflight that are the same defect. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from checks.model import normal_service
from checks.preflight.model import Effect, Finding, Kind, PackageReport

_IMPORTS = frozenset({Kind.MISSING_MODULE, Kind.NOT_SHIPPED, Kind.UNDECLARED, Kind.MISSING_NAME, Kind.CIRCULAR})
_NAMES = frozenset({Kind.UNDEFINED, Kind.TYPING_ONLY, Kind.UNBOUND})
_KINDS = {
    "ModuleNotFoundError": _IMPORTS,
    "ImportError": _IMPORTS | {Kind.TYPING_ONLY},
    "NameError": _NAMES,
    "UnboundLocalError": _NAMES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """What was not there, and in which function that was seen first."""

    service: str
    exception: str
    name: str

    def is_in(self, finding: Finding) -> bool:
        """Whether a finding is the same defect: the module or one below it, the name of a module, the name."""
        if finding.effect is Effect.NEVER or finding.kind not in _KINDS[self.exception]:
            return False
        symbol = finding.symbol
        return symbol == self.name or symbol.startswith(self.name + ".") or symbol.endswith("." + self.name)

    @property
    def of_import(self) -> bool:
        """Whether it is one of an import, which a rule can forbid."""
        return self.exception in ("ModuleNotFoundError", "ImportError")


def defect_of(fingerprint: str) -> Defect | None:
    """The defect in the fingerprint of a log failure (``log:SERVICE:EXCEPTION:NAME:FILE``); None for other faults."""
    parts = fingerprint.split(":")
    if len(parts) < 5 or parts[0] != "log" or parts[2] not in _KINDS:  # noqa: PLR2004 - the five fields
        return None
    name = ":".join(parts[3:-1])
    return Defect(service=parts[1], exception=parts[2], name=name) if name and not name.endswith("()") else None


def carriers(reports: Sequence[PackageReport], defects: Sequence[Defect]) -> list[PackageReport]:
    """The packages that carry one of the defects, with nothing but the findings that are it."""
    kept = []
    for report in reports:
        same = tuple(f for f in report.findings if any(defect.is_in(f) for defect in defects))
        if same:
            kept.append(replace(report, findings=same))
    return kept


def was_hit(report: PackageReport, defects: Sequence[Defect]) -> bool:
    """Whether the package is a function in which one of the defects was seen. Underscores and case are the same."""

    def plain(name: str) -> str:
        return normal_service(name).replace("_", "-")

    return plain(report.package.name) in {plain(defect.service) for defect in defects}


def proposal(defect: Defect, root: Path) -> str | None:
    """The forbidden pattern that would have stopped it, as it is written in the configuration; None if it is no import.

    The replacement is the one module of the repository whose name ends the same, if there is exactly one.
    """
    if not defect.of_import or "." not in defect.name:
        return None
    tail = defect.name.replace(".", "/")
    found = {
        path.relative_to(root)
        for shape in (f"**/{tail}.py", f"**/{tail}/__init__.py")
        for path in root.glob(shape)
        if path.relative_to(root).parts[0] != tail.split("/", 1)[0]
        and not path.relative_to(root).parts[0].startswith(".")
    }
    modules = {".".join(p.with_suffix("").parts).removesuffix(".__init__") for p in found}
    names = sorted(m for m in modules if all(part.isidentifier() for part in m.split(".")))
    lines = ["preflight:", "  forbid:", f"    - import: {defect.name}"]
    if len(names) == 1:
        lines += [f"      use: {names[0]}", f'      in: ["{names[0].split(".", maxsplit=1)[0]}/**"]']
    return "\n".join([*lines, f"      reason: failed in {defect.service}"])
