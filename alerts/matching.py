"""Which findings somebody means: by pipeline, check, phase, function, kind and run date. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from checks.model import Finding, normal_service


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """Fits a finding if every field that is given fits; an empty one fits all.

    Names may hold ``*`` and ``?``. A check is also meant by its kind alone: with several pipelines the name of one
    carries the pipeline's (``completions:nba``). ``first`` and ``last`` are run dates, both included. A finding that
    is about no phase (function, run date, ...) is not meant by a matcher that names one.
    """

    pipeline: str | None = None
    check: str | None = None
    phase: str | None = None
    function: str | None = None
    kind: str | None = None
    first: date | None = None
    last: date | None = None

    def fits(self, finding: Finding) -> bool:
        """Whether this finding is meant."""
        subject = finding.subject
        pairs = (
            (self.pipeline, subject.pipeline),
            (self.check, finding.check if ":" in (self.check or "") else finding.check.partition(":")[0]),
            (self.phase, subject.phase),
            (None if self.function is None else normal_service(self.function), subject.service),
            (self.kind, finding.kind),
        )
        if any(want is not None and (have is None or not fnmatchcase(have, want)) for want, have in pairs):
            return False
        if self.first is None and self.last is None:
            return True
        day = subject.run_date
        return day is not None and (self.first or day) <= day <= (self.last or day)

    def words(self) -> str:
        """What it means, for people: ``phase phase3, run date 2026-01-25``."""
        named = [
            f"{label} {value}"
            for label, value in (
                ("pipeline", self.pipeline),
                ("check", self.check),
                ("phase", self.phase),
                ("function", self.function),
                ("kind", self.kind),
            )
            if value is not None
        ]
        if self.first is not None and self.first == self.last:
            named.append(f"run date {self.first}")
        elif self.first is not None or self.last is not None:
            named.append(f"run dates {self.first or ''}..{self.last or ''}")
        return ", ".join(named) or "everything"
