"""The labelled samples, and how a failure is compared with its label."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from checks.logs.faults import Failure

FOLDER = Path(__file__).parents[2] / "data" / "logs"


def lines_of(name: str) -> list[dict[str, Any]]:
    with (FOLDER / name).open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


CASES: dict[str, list[dict[str, Any]]] = {case["case"]: case["entries"] for case in lines_of("cases.jsonl")}
LABELS: dict[str, dict[str, Any]] = {label["case"]: label for label in lines_of("labels.jsonl")}


def accepts(label: Mapping[str, Any], failure: Failure) -> bool:
    """Whether a failure has in every field a value that its label accepts."""
    locations = [[label["file"], label["line"]], *label.get("accept_location", [])]
    exact = ("exception", "module", "kind", "service", "revision", "handled")
    return (
        all(getattr(failure, field) == label[field] for field in exact)
        and failure.name in (label["name"], *label.get("accept_name", ()))
        and [failure.file, failure.line] in locations
        and (
            failure.function in (label["function"], *label.get("accept_function", ())) or failure.file != label["file"]
        )
        and label["count"] <= failure.count <= label.get("count_max", label["count"])
        and failure.execution_ids == tuple(sorted(label.get("execution_ids") or filter(None, [label["execution_id"]])))
    )


def differences(labels: Iterable[Mapping[str, Any]], failures: Iterable[Failure]) -> dict[str, list[str]]:
    """Labels without a failure, and failures without a label (or an optional one)."""
    left = list(failures)
    missed = []
    for label in labels:
        for wanted, required in ((label["failures"], True), (label["optional"], False)):
            for one in wanted:
                found = next((failure for failure in left if accepts(one, failure)), None)
                if found is not None:
                    left.remove(found)
                elif required:
                    missed.append(f"{label['case']}: {json.dumps(one)}")
    return {"missed": missed, "invented": [json.dumps(failure.as_json()) for failure in left]}


def as_one_stream(labels: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The label of all cases read as one stream: the same fault and revision in several cases is one failure."""
    merged: dict[tuple[Any, ...], dict[str, Any]] = {}
    for label in labels:
        for one in label["failures"]:
            name = one["name"] and one["name"].replace(":", ".")
            key = (one["service"], one["exception"], name, one["file"], one["revision"])
            known = merged.setdefault(key, {**one, "count": 0, "count_max": 0, "execution_ids": []})
            known["count"] += one["count"]
            known["count_max"] += one.get("count_max", one["count"])
            known["execution_ids"] += filter(None, [one["execution_id"]])
    return {
        "case": "all",
        "failures": list(merged.values()),
        "optional": [one for label in labels for one in label["optional"]],
    }
