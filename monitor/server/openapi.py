"""The HTTP interface, described for programs: OpenAPI 3.1, whose schemas are those of the JSON report."""

from __future__ import annotations

import json
import re
from typing import Any

from monitor.report import as_json
from monitor.server import people_routes

_QUERY = (
    ("at", "Judge as of a past moment, with its offset: 2026-01-26T10:00:00-05:00."),
    ("date", "The last run date shown: 2026-01-25. The local date of `at` if left out."),
    ("days", "How many run dates, ending at `date`: 1 to 366, 4 if left out."),
    ("pipeline", "Only this pipeline."),
)
# path -> what it answers, its media type, its schema (None: not JSON), whether it takes the report's query.
PATHS: dict[str, tuple[str, str, dict[str, Any] | None, bool]] = {
    "/": ("The health report as a page.", "text/html", None, True),
    "/healthz": (
        "200 while the process's own threads run, 503 otherwise.",
        "application/json",
        {"type": "object"},
        False,
    ),
    "/readyz": (
        "200 while every check ticks on time and messages arrive, 503 otherwise, with the reasons.",
        "application/json",
        {"type": "object"},
        False,
    ),
    "/metrics": ("The watcher's vitals for Prometheus.", "text/plain", None, False),
    "/report": ("The same as /api/v1/report.", "application/json", {"$ref": "#/components/schemas/Report"}, True),
    "/badge.svg": ("A badge of the overall status.", "image/svg+xml", None, True),
    "/badge/{pipeline}/{phase}.svg": (
        "A badge of a phase: its state on the latest run date that is not only waiting for its time.",
        "image/svg+xml",
        None,
        True,
    ),
    "/api/v1/report": ("The health report.", "application/json", {"$ref": "#/components/schemas/Report"}, True),
    "/api/v1/incidents": (
        "Incidents: the open ones, and those that ended in the range of the report.",
        "application/json",
        {
            "type": "object",
            "properties": {"incidents": {"type": "array", "items": {"$ref": "#/components/schemas/incident"}}},
            "required": ["schema_version", "as_of", "incidents"],
        },
        True,
    ),
    "/api/v1/incidents/{id}": (
        "One incident, and its story.",
        "application/json",
        {"type": "object", "required": ["schema_version", "id", "faults", "story"]},
        True,
    ),
    "/api/v1/checks": (
        "The last run of every check.",
        "application/json",
        {"type": "object", "required": ["schema_version", "as_of", "checks"]},
        True,
    ),
    "/api/v1/openapi.json": ("This description.", "application/json", {"type": "object"}, False),
}


def description() -> dict[str, Any]:
    """The OpenAPI document."""
    # In OpenAPI a reference starts at the whole document, not at the schema it stands in.
    report = json.loads(json.dumps(as_json.schema()).replace("#/$defs/", "#/components/schemas/"))
    schemas = {**report.pop("$defs"), "incident": report["properties"]["incidents"]["items"], "Report": report}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "phasewatch",
            "version": str(as_json.SCHEMA_VERSION),
            "description": "Reports are at most 30 seconds old: each costs queries.",
        },
        "paths": _paths(),
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic", "description": "any user name; the token is the password"},
            },
        },
        "security": [{}, {"bearer": []}, {"basic": []}],
    }


def _paths() -> dict[str, dict[str, Any]]:
    """What can be read, and what can be said."""
    paths: dict[str, dict[str, Any]] = {path: {"get": _operation(path, *facts)} for path, facts in PATHS.items()}
    for pattern, methods in people_routes.PATHS.items():
        path = pattern.replace(":int", "")
        for method, (summary, _) in methods.items():
            operation = _operation(path, summary, "application/json", {"type": "object"}, False)
            operation["responses"]["400"] = {"description": "What is said makes no sense; `error` says why."}
            if method != "GET":
                body = {"schema": {"type": "object", "additionalProperties": {"type": ["string", "boolean"]}}}
                operation["requestBody"] = {"content": {"application/json": body}}
            paths.setdefault(path, {})[method.lower()] = operation
    return paths


def _operation(path: str, summary: str, media: str, schema: dict[str, Any] | None, takes_query: bool) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", path)
    ]
    if takes_query:
        parameters += [
            {"name": name, "in": "query", "description": text, "schema": {"type": "string"}} for name, text in _QUERY
        ]
    answers: dict[str, Any] = {
        "200": {"description": summary, "content": {media: {"schema": schema} if schema else {}}}
    }
    if takes_query:
        answers["400"] = {"description": "The query makes no sense; `error` says why."}
    if "{" in path:
        answers["404"] = {"description": "There is none."}
    return {"summary": summary, "parameters": parameters, "responses": answers}
