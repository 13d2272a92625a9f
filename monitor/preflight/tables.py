"""Tables that packages name, and those that the configuration requires, against BigQuery."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from checks.preflight import tables
from checks.preflight.model import Effect, Finding, Kind, Package, PackageReport, Unknown
from checks.preflight.tables import Mention
from checks.tables.model import RequiredTable

if TYPE_CHECKING:
    from monitor.config.loading import Config
    from monitor.table_plan import Looked

_SETTINGS = (".yaml", ".yml", ".json")
_MOST = 2_000_000  # bytes of one file


def with_tables(
    reports: Sequence[PackageReport], config: Config, tell: Callable[[str], None]
) -> tuple[list[PackageReport], list[Looked], bool]:
    """The reports with the tables that are not there; the required tables that are not as they should be; and whether
    any table could not be asked about.

    Metadata reads only, as ``tables plan`` makes them.

    :raises checks.ports.SourceError: if BigQuery cannot be asked at all.
    """
    from monitor import table_apply
    from monitor.table_plan import State
    from monitor.wiring import parts
    from monitor.wiring.tables import required_tables

    project = config.gcp.project
    named = {report.package.name: _mentions(report.package, project) for report in reports}
    full = {_full(m.table, project) for found in named.values() for _, mentions in found for m in mentions}
    required = {table.name: table for table in required_tables(config)}
    others = [RequiredTable(name=name) for name in sorted(full - required.keys())]
    with parts.data(config, tell) as where:
        plan = table_apply.look(parts.warehouse(config, where), [*required.values(), *others])
    looked = {item.table.name: item for item in plan.tables}
    wrong = [item for item in plan.tables if item.table.name in required and item.state is not State.OK]
    blind = any(item.state is State.UNKNOWN for item in plan.tables)
    return [_judged(report, named[report.package.name], looked, project) for report in reports], wrong, blind


def _judged(
    report: PackageReport,
    named: Sequence[tuple[str, Sequence[Mention]]],
    looked: dict[str, Looked],
    project: str,
) -> PackageReport:
    findings, unknown = list(report.findings), list(report.unknown)
    for file, mentions in named:
        for mention in mentions:
            item = looked[_full(mention.table, project)]
            if item.state == "unknown":
                reason = item.error or "it could not be asked about"
                unknown.append(Unknown(file=file, line=mention.line, symbol=item.table.name, reason=reason))
            elif item.state == "missing":
                findings.append(_finding(report, file, mention, item.table.name))
    findings.sort(key=lambda finding: finding.effect.rank)
    return replace(report, findings=tuple(findings), unknown=tuple(unknown))


def _finding(report: PackageReport, file: str, mention: Mention, table: str) -> Finding:
    way = report.ways.get(file)
    effect = Effect.RUN if way is not None or file.endswith((".sql", *_SETTINGS)) else Effect.NEVER
    return Finding(
        file=file,
        source=report.package.files[file],
        line=mention.line,
        symbol=table,
        kind=Kind.MISSING_TABLE,
        effect=effect,
        message=f"the table {table} does not exist",
        scope=mention.scope,
        reachable_by=None if way is None else way.ending(mention.line, mention.scope),
    )


def _mentions(package: Package, project: str) -> list[tuple[str, Sequence[Mention]]]:
    found: list[tuple[str, Sequence[Mention]]] = []
    for path, file in package.files.items():
        if path.endswith((".py", ".sql", *_SETTINGS)) and file.stat().st_size <= _MOST:
            content = file.read_bytes()
            text = content.decode("utf-8", "replace")
            if path.endswith(".py"):
                here = tables.in_python(content)
            elif path.endswith(".sql"):
                here = tables.in_file(text)
            else:
                here = tables.in_settings(text, project)
            if here:
                found.append((path, here))
    return found


def _full(name: str, project: str) -> str:
    return name if name.count(".") == 2 else f"{project}.{name}"  # noqa: PLR2004 - project, dataset, table
