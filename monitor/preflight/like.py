"""From an incident to the packages that carry the same defect, and the rule that would have stopped it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from checks.preflight.defects import Defect, carriers, defect_of, proposal, was_hit
from checks.preflight.model import PackageReport
from monitor.preflight.answer import PreflightError

if TYPE_CHECKING:
    from alerts.store.sql import Store


def defects_of(store: Store | None, number: int) -> list[Defect]:
    """What was not there in an incident.

    :raises PreflightError: if there is no such incident, or none of its faults is of that kind.
    """
    incident = None
    if store is not None:
        with store.reading() as stored:
            incident = stored.incident(number)
    if incident is None:
        raise PreflightError(f"there is no incident #{number}")
    defects = [defect for defect in map(defect_of, incident.members) if defect is not None]
    if not defects:
        raise PreflightError(f"incident #{number} is about nothing that preflight finds: no failed import, no name")
    return list(dict.fromkeys(defects))


def like(
    reports: Sequence[PackageReport], defects: Sequence[Defect], root: Path, *, tell: Callable[[str], None]
) -> list[PackageReport]:
    """The packages that carry a defect, with nothing else; who was hit already, and the rule, are told."""
    kept = carriers(reports, defects)
    for defect in defects:
        tell(f"{defect.exception}: {defect.name}, seen in {defect.service}")
    for report in kept:
        tell(f"{report.package.name}: {'hit' if was_hit(report, defects) else 'not hit yet'}")
    for text in dict.fromkeys(proposal(defect, root) for defect in defects):
        if text is not None:
            tell(f"a rule that would have stopped it, for the configuration:\n{text}")
    return kept
