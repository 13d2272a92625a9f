"""The result of preflight for programs: JSON, SARIF 2.1.0, GitHub's workflow commands."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from checks.preflight.model import Effect, Finding, Kind, PackageReport

SCHEMA_VERSION = 1
_LEVELS = {Effect.LOAD: "error", Effect.RUN: "error", Effect.DISABLES: "warning", Effect.NEVER: "note"}
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_json(reports: Sequence[PackageReport], root: Path) -> str:
    """The contract: ``{"schema_version", "packages": [{"package", "description", "files", "findings": [...]}]}``."""
    root = root.resolve()
    tree = {"schema_version": SCHEMA_VERSION, "packages": [_package(report, root) for report in reports]}
    try:
        return msgspec.json.format(msgspec.json.encode(tree), indent=2).decode() + "\n"
    except UnicodeEncodeError:  # a file's name that is no UTF-8; json writes it as it is, in ten times the time
        return json.dumps(tree, indent=2, ensure_ascii=False) + "\n"


def _package(report: PackageReport, root: Path) -> dict[str, Any]:
    package = report.package
    return {
        "package": package.name,
        "description": package.description,
        "python": "{}.{}".format(*report.python),
        "entry": list(package.entries) if package.entry_known else [],
        "files": sorted(package.files),
        "findings": [_finding(finding, root) for finding in report.findings],
        "unknown": [
            {"file": item.file, "line": item.line, "symbol": item.symbol, "reason": item.reason}
            for item in report.unknown
        ],
        "passed_over": [{**_finding(finding, root), "reason": why} for finding, why in report.passed_over],
        "notes": list(report.notes),
    }


def _finding(finding: Finding, root: Path) -> dict[str, Any]:
    return {
        "file": finding.file,
        "source": place(finding, root),
        "line": finding.line,
        "scope": finding.scope,
        "symbol": finding.symbol,
        "kind": finding.kind.value,
        "effect": finding.effect.value,
        "reachable_by": finding.reachable_by,
        "message": finding.message,
    }


def place(finding: Finding, root: Path) -> str:
    """The file in the repository, as tools that annotate it want it; that in the package if there is none."""
    if finding.source is None:
        return finding.file
    real = finding.source.resolve()
    relative = os.path.relpath(real, root.resolve())
    return str(real) if relative.startswith("..") else Path(relative).as_posix()


def as_sarif(reports: Sequence[PackageReport], root: Path) -> str:
    """SARIF 2.1.0, one run; the package and the way to the place are in each message."""
    results = [
        {
            "ruleId": finding.kind.value,
            "level": _LEVELS[finding.effect],
            "message": {"text": _told(report, finding)},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": place(finding, root)},
                        "region": {"startLine": max(finding.line, 1)},
                    }
                }
            ],
            "partialFingerprints": {
                "phasewatch/v1": f"{report.package.name}:{finding.file}:{finding.kind}:{finding.symbol}:{finding.scope}"
            },
            "properties": {
                "package": report.package.name,
                "effect": finding.effect.value,
                "reachableBy": finding.reachable_by,
            },
        }
        for report in reports
        for finding in report.findings
    ]
    rules = [{"id": kind.value, "shortDescription": {"text": kind.value.replace("_", " ")}} for kind in Kind]
    driver = {"name": "phasewatch preflight", "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def as_github(reports: Sequence[PackageReport], root: Path) -> str:
    """Workflow commands that annotate a pull request, one for each place and what is said of it, worst first (GitHub
    shows the first ten of a kind); what cannot happen is left out.
    """
    annotations: dict[tuple[object, ...], list[tuple[PackageReport, Finding]]] = {}
    for report in reports:
        for finding in report.findings:
            if finding.effect is not Effect.NEVER:
                key = (place(finding, root), finding.line, finding.kind, finding.message)
                annotations.setdefault(key, []).append((report, finding))
    lines = []
    for (file, line, kind, _), found in annotations.items():
        report, finding = min(found, key=lambda one: one[1].effect.rank)
        more = f" (and in {len(found) - 1} more packages)" if len(found) > 1 else ""
        told = _data(_told(report, finding) + more)
        title = _property(f"preflight: {kind}")
        command = f"::{_LEVELS[finding.effect]} file={_property(str(file))},line={line},title={title}::{told}"
        lines.append((finding.effect.rank, command))
    return "".join(command + "\n" for _, command in sorted(lines, key=lambda one: one[0]))


def _told(report: PackageReport, finding: Finding) -> str:
    way = f" [{finding.reachable_by}]" if finding.reachable_by else ""
    return f"{report.package.name}: {finding.message}{way}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
