"""A badge, ``phase3: stalled`` in a coloured field, as SVG: for the head of a README or a wall of screens."""

from __future__ import annotations

from html import escape

from checks.model import Status
from checks.phases.model import PhaseState
from monitor.report.model import HealthReport

_GOOD, _WARN, _BAD, _UNKNOWN, _CALM = "#1a7f37", "#8a5a00", "#b3261e", "#6f42c1", "#5b6470"
_COLOURS: dict[str, str] = {
    Status.OK: _GOOD,
    Status.DEGRADED: _WARN,
    Status.FAILING: _BAD,
    Status.UNKNOWN: _UNKNOWN,
    PhaseState.COMPLETE: _GOOD,
    PhaseState.QUORUM: _GOOD,
    PhaseState.COMPLETE_LATE: _WARN,
    PhaseState.BLOCKED: _WARN,
    PhaseState.FAILED: _BAD,
    PhaseState.STALLED: _BAD,
    PhaseState.INCOMPLETE: _BAD,
    PhaseState.UNKNOWN: _UNKNOWN,
}
_LETTER, _PAD, _HEIGHT = 6.6, 8, 20
_LONGEST = 40


def overall(report: HealthReport) -> str:
    """The badge of the whole report."""
    return draw("phasewatch", report.status.value, _COLOURS[report.status])


def of_phase(report: HealthReport, phase: str, pipeline: str | None = None) -> str:
    """The badge of a phase: its state on the latest run date on which it owed something.

    :raises KeyError: if no pipeline (or not that one) has such a phase in the range of the report.
    """
    listed = [p.day for q in report.pipelines if pipeline in (None, q.name) for p in q.phases if p.day.phase == phase]
    if not listed:
        raise KeyError(phase)
    owed = [day for day in listed if day.state is not PhaseState.NOT_EXPECTED] or listed
    # The last one that is not only waiting for its time tells more than "pending".
    told = [day for day in owed if day.state is not PhaseState.PENDING] or owed
    state = max(told, key=lambda day: day.run_date).state
    return draw(phase, state.value.replace("_", " "), _COLOURS.get(state, _CALM))


def draw(label: str, value: str, colour: str) -> str:
    """An SVG of two fields; texts are cut and escaped."""
    label, value = label[:_LONGEST], value[:_LONGEST]
    left, right = (round(len(text) * _LETTER + 2 * _PAD) for text in (label, value))
    said = escape(f"{label}: {value}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{_HEIGHT}" role="img" '
        f'aria-label="{said}"><title>{said}</title>'
        f'<rect width="{left}" height="{_HEIGHT}" fill="#30363d"/>'
        f'<rect x="{left}" width="{right}" height="{_HEIGHT}" fill="{colour}"/>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="{left / 2}" y="14">{escape(label)}</text>'
        f'<text x="{left + right / 2}" y="14">{escape(value)}</text></g></svg>\n'
    )
