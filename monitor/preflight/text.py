"""The result of preflight for people: what would break first, the rest on request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from alerts.messages.text import clean
from checks.preflight.model import Effect, Finding, PackageReport

_TITLES = {
    Effect.LOAD: "fails at load",
    Effect.RUN: "fails when the function runs",
    Effect.DISABLES: "silently disables a feature",
    Effect.NEVER: "cannot happen from the entry point",
}
_COLOURS = {Effect.LOAD: "red", Effect.RUN: "red", Effect.DISABLES: "yellow", Effect.NEVER: "bright_black"}
_SHOWN = 20
_FILES = 12
_MESSAGES = 4  # of one line

Style = Callable[..., str]


def render(reports: Sequence[PackageReport], style: Style, *, everything: bool, width: int) -> str:
    """All packages, what would break first; the last line counts."""
    lines: list[str] = []
    for report in sorted(reports, key=_worst):
        lines += _package(report, style, everything=everything, width=width)
    lines += _summary(reports, style, width)
    return clean("\n".join(lines)) + "\n" if style is plain else "\n".join(lines) + "\n"


def plain(text: str, **_style: object) -> str:
    """No colour."""
    return text


def _worst(report: PackageReport) -> int:
    return min((f.effect.rank for f in report.findings), default=len(Effect))


def _package(report: PackageReport, style: Style, *, everything: bool, width: int) -> list[str]:
    package = report.package
    name = clean(package.name)
    head, *more = _wrapped(f"{name}  ({clean(package.description)})", width, "", after="    ")
    lines = [head.replace(name, style(name, bold=True), 1), *more]
    entries = ", ".join(package.entries) if package.entry_known else "not known"
    lines += _wrapped(f"entry point: {clean(entries)}; {clean(report.notes[0])}", width, "  ")
    number = len(package.files)
    shipped = f"ships {number} file{'' if number == 1 else 's'}: {clean(_files(package.files, everything=everything))}"
    lines += _wrapped(shipped, width, "  ")
    for note in _notes(report, everything=everything):
        lines += _wrapped(f"note: {clean(note)}", width, "  ", style)
    shown = 0
    for effect, title in _TITLES.items():
        here = [finding for finding in report.findings if finding.effect is effect]
        if not here:
            continue
        lines.append(style(f"  {title}: {len(here)}", fg=_COLOURS[effect], bold=effect is not Effect.NEVER))
        if effect is Effect.NEVER and not everything:
            continue
        for alike in _alike(here):
            if shown >= _SHOWN and not everything:
                lines.append(style("    ... and more: --all shows them", fg="bright_black"))
                break
            lines += _findings(alike, style, width, everything=everything)
            shown += 1
    lines += _rest(report, style, everything=everything, width=width)
    lines.append("")
    return lines


def _alike(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Findings of one file that say the same on several lines, or several things on one line."""
    same: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        same.setdefault((finding.file, finding.scope, finding.message), []).append(finding)
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for (file, scope, _), group in same.items():
        groups.setdefault((file, scope, *[finding.line for finding in group]), []).extend(group)
    return list(groups.values())


def _findings(alike: Sequence[Finding], style: Style, width: int, *, everything: bool) -> list[str]:
    finding = alike[0]
    inside = f", inside {finding.scope}" if finding.scope else ""
    at = ", ".join(str(line) for line in dict.fromkeys(one.line for one in alike))
    lines = [style(f"    {clean(finding.file)}:{at}{clean(inside)}", bold=True)]
    messages = list(dict.fromkeys(one.message for one in alike))
    shown = messages if everything else messages[:_MESSAGES]
    for message in shown:
        lines += _wrapped(clean(message), width, "      ")
    if len(messages) > len(shown):
        lines.append(f"      ... and {len(messages) - len(shown)} more of this line")
    if finding.reachable_by is not None and " -> " in finding.reachable_by:
        lines += _wrapped("by " + clean(finding.reachable_by), width, "      ", style)
    return lines


def _wrapped(text: str, width: int, indent: str, style: Style | None = None, *, after: str | None = None) -> list[str]:
    import textwrap

    lines = textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent if after is None else after,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [style(line, fg="bright_black") for line in lines] if style else lines


def _files(files: object, *, everything: bool) -> str:
    names = list(files)  # type: ignore[call-overload]
    if everything:
        return ", ".join(names)
    tops = Counter(name.split("/")[0] + ("/" if "/" in name else "") for name in names)
    parts = [f"{top} ({count})" if top.endswith("/") else top for top, count in tops.items()]
    more = f" and {len(parts) - _FILES} more" if len(parts) > _FILES else ""
    return ", ".join(parts[:_FILES]) + more


def _notes(report: PackageReport, *, everything: bool) -> Sequence[str]:
    notes = report.notes[1:]
    return notes if everything or len(notes) <= 3 else [*notes[:3], f"{len(notes) - 3} more: --all"]  # noqa: PLR2004


def _rest(report: PackageReport, style: Style, *, everything: bool, width: int) -> list[str]:
    lines = []
    if report.unknown:
        lines.append(style(f"  could not be told: {len(report.unknown)}", fg="bright_black"))
        by_reason = Counter((item.symbol.partition(".")[0], item.reason) for item in report.unknown)
        shown = by_reason.most_common(None if everything else 3)
        for (symbol, reason), _ in shown:
            lines += _wrapped(f"{clean(symbol)}: {clean(reason)}", width, "    ", style)
    if report.passed_over:
        lines.append(style(f"  passed over: {len(report.passed_over)}", fg="bright_black"))
        if everything:
            lines += [
                style(f"    {clean(f.file)}:{f.line} {clean(f.symbol)}: {clean(why)}", fg="bright_black")
                for f, why in report.passed_over
            ]
    return lines


def _summary(reports: Sequence[PackageReport], style: Style, width: int) -> list[str]:
    counts = Counter(finding.effect for report in reports for finding in report.findings)
    packages = f"{len(reports)} package{'s' if len(reports) != 1 else ''}"
    told = ", ".join(f"{counts[effect]} {title}" for effect, title in _TITLES.items() if counts[effect])
    if not reports:
        return [style("no package is concerned: nothing was looked at", fg="green")]
    if not told:
        return [style(f"{packages}: nothing found", fg="green")]
    return _wrapped(f"{packages}: {told}", width, "", after="    ")
