"""The result of preflight for people: what would break first, the rest on request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from alerts.messages.text import clean
from checks.preflight.model import Effect, Finding, Kind, PackageReport
from checks.preflight.shipped.describing import shown as shown_path
from monitor.preflight.carried import Defect, apart, defects

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
_NAMES = 8  # of packages

Style = Callable[..., str]


def render(reports: Sequence[PackageReport], style: Style, *, everything: bool, width: int) -> str:
    """All packages, what would break first; the last line counts. ``everything``: each package with all of its own;
    else what several carry stands once, and packages in which nothing more is found are named.
    """
    several, rest = ([], reports) if everything else apart(reports)
    lines = _several(several, style, width) if several else []
    short = [] if everything or len(reports) == 1 else [report for report in rest if _is_quiet(report)]
    for report in sorted(rest, key=_worst):
        if report not in short:
            lines += _package(report, style, everything=everything, width=width)
    lines += _quiet(short, {name for defect in several for name in defect.packages}, style, width)
    lines += _summary(reports, style, width)
    return clean("\n".join(lines)) + "\n" if style is plain else "\n".join(lines) + "\n"


def _is_quiet(report: PackageReport) -> bool:
    return all(finding.effect is Effect.NEVER for finding in report.findings)


def _quiet(reports: Sequence[PackageReport], carrying: Collection[str], style: Style, width: int) -> list[str]:
    """The packages of which there is no more to say, in as few words as can be."""
    lines: list[str] = []
    for title, own in (("nothing but that in", True), ("nothing found in", False)):
        names = []
        for report in reports:
            name = clean(report.package.name)
            if (name in carrying) is own:
                names.append(f"{name} (could not be told: {len(report.unknown)})" if report.unknown else name)
        if names:
            lines += _wrapped(f"{title}: {', '.join(names)}", width, "", after="    ")
    return [style(line, fg="bright_black") for line in lines] + ([""] if lines else [])


def _several(defects: Sequence[Defect], style: Style, width: int) -> list[str]:
    """What several packages carry, each once."""
    lines = [style("in several packages", bold=True)]
    for effect, title in _TITLES.items():
        here = [defect for defect in defects if defect.worst.effect is effect]
        if here:
            lines.append(style(f"  {title}: {len(here)}", fg=_COLOURS[effect], bold=True))
        groups: dict[tuple[object, ...], list[Defect]] = {}
        for defect in here:
            worst = defect.worst
            alike = (defect.source or worst.file, worst.scope, worst.message)
            key = ("links",) if _is_link(worst) else alike
            groups.setdefault((*key, *defect.packages.items()), []).append(defect)
        shown = list(groups.values())
        for group in shown[:_SHOWN]:
            source = group[0].source
            file = None if source is None else shown_path(Path(source))
            place = (file or group[0].worst.file, sorted({line for defect in group for line in defect.lines}))
            lines += _findings([defect.worst for defect in group], style, width, everything=False, place=place)
            lines += _wrapped(_where(group[0].packages, effect), width, "      ")
        if len(shown) > _SHOWN:
            lines.append(style(f"    ... and {len(shown) - _SHOWN} more: --all shows them", fg="bright_black"))
    return [*lines, ""]


def _where(packages: Mapping[str, Effect], effect: Effect) -> str:
    """``in 12 packages: a, b, c and 9 more; fails when the function runs in d``."""
    parts = []
    for other, title in _TITLES.items():
        names = [clean(name) for name, one in packages.items() if one is other]
        more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
        if names and other is not Effect.NEVER:
            said = f"{title} in" if other is not effect else f"in {len(names)} packages:" if len(names) > 1 else "in"
            parts.append(f"{said} {', '.join(names[:_NAMES])}{more}")
    return "; ".join(parts)


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
    lines += _wrapped(shipped if number else "ships nothing that is there", width, "  ")
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
    """Findings of one file that say the same on several lines, or several things on one line; broken symlinks."""
    links = [finding for finding in findings if _is_link(finding)]
    same: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        if finding not in links:
            same.setdefault((finding.file, finding.scope, finding.message), []).append(finding)
    groups: dict[tuple[object, ...], list[Finding]] = {("links",): links} if links else {}
    for (file, scope, _), group in same.items():
        groups.setdefault((file, scope, *[finding.line for finding in group]), []).extend(group)
    return list(groups.values())


def _is_link(finding: Finding) -> bool:
    """Whether it is a symlink that leads nowhere."""
    return finding.kind is Kind.MISSING_FILE and finding.source is None


def _findings(
    alike: Sequence[Finding],
    style: Style,
    width: int,
    *,
    everything: bool,
    place: tuple[str, Sequence[int]] | None = None,
) -> list[str]:
    """``place``: the file and the lines, if not as they are in the package."""
    finding = alike[0]
    inside = f", inside {finding.scope}" if finding.scope else ""
    file, numbers = place or (finding.file, list(dict.fromkeys(one.line for one in alike)))
    files = len({one.file for one in alike})
    head = f"{file}:{', '.join(map(str, numbers))}{inside}"
    lines = [style(f"    {clean(head if files == 1 else f'{finding.file} and {files - 1} more symlinks')}", bold=True)]
    messages = list(dict.fromkeys(one.message for one in alike))
    shown = messages if everything else messages[:_MESSAGES]
    for message in shown:
        lines += _wrapped(clean(message), width, "      ")
    if len(messages) > len(shown):
        lines.append(f"      ... and {len(messages) - len(shown)} more" + (" of this line" if files == 1 else ""))
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
    """How many defects there are, each counted once and by the worst that it does, and in how many packages."""
    if not reports:
        return [style("no package is concerned: nothing was looked at", fg="green")]
    where: dict[Effect, set[str]] = {}
    counts: Counter[Effect] = Counter()
    for defect in defects(reports):
        counts[defect.worst.effect] += 1
        where.setdefault(defect.worst.effect, set()).update(defect.packages)
    parts = []
    for effect, title in _TITLES.items():
        several = f" (in {len(where[effect])} packages)" if len(where.get(effect, ())) > 1 else ""
        parts += [f"{counts[effect]} {title}{several}"] if counts[effect] else []
    packages = f"{len(reports)} package{'s' if len(reports) != 1 else ''}"
    if not parts:
        return [style(f"{packages}: nothing found", fg="green")]
    return _wrapped(f"{packages}: {', '.join(parts)}", width, "", after="    ")
