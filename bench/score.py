"""The score of the log engine on the labelled samples, field by field.

    python bench/score.py [--folder tests/data/logs]

A failure that was found and one that is labelled belong together if they agree in service, exception and name (or the
only ones left do in service and exception). Precision and recall are those of the pairs; each field is judged in them.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

from checks.logs.failures import scan
from checks.logs.faults import Failure

FIELDS = ("exception", "name", "module", "kind", "service", "revision", "execution_id", "file", "line", "function")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--folder", type=Path, default=Path("tests/data/logs"))
    folder = options.parse_args().folder
    cases = {case["case"]: case["entries"] for case in _lines(folder / "cases.jsonl")}
    right: Counter[str] = Counter()
    pairs = labelled = found = 0
    for label in _lines(folder / "labels.jsonl"):
        failures = list(scan(cases[label["case"]]).failures)
        labelled += len(label["failures"])
        found += len(failures)
        for one in label["failures"]:
            failure = _match(one, failures)
            if failure is None:
                print(f"missed in {label['case']}: {one['exception']} {one['name']}")
                continue
            failures.remove(failure)
            pairs += 1
            right.update(_agreement(one, failure))
        for one in label["optional"]:
            extra = _match(one, failures)
            if extra is not None:
                failures.remove(extra)
                found -= 1
        for failure in failures:
            print(f"invented in {label['case']}: {failure.exception} {failure.name}")
    print(f"{len(cases)} cases, {labelled} failures labelled, {found} found, {pairs} of them together")
    print(f"precision {pairs / found:.3f}, recall {pairs / labelled:.3f}\n")
    for field in (*FIELDS, "count", "handled"):
        print(f"  {field:13} {right[field]:3} of {pairs}  {right[field] / pairs:6.1%}")


def _lines(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def _match(label: dict[str, Any], failures: list[Failure]) -> Failure | None:
    same = [f for f in failures if (f.service, f.exception) == (label["service"], label["exception"])]
    names = (label["name"], *label.get("accept_name", ()))
    return next((f for f in same if f.name in names), same[0] if len(same) == 1 else None)


def _agreement(label: dict[str, Any], failure: Failure) -> list[str]:
    """The fields in which a failure has a value that its label accepts."""
    places = [[label["file"], label["line"]], *label.get("accept_location", [])]
    at = [failure.file, failure.line]
    functions = (label["function"], *label.get("accept_function", ()))
    return [
        field
        for field, agrees in {
            **{field: getattr(failure, field) == label[field] for field in ("exception", "module", "kind")},
            **{field: getattr(failure, field) == label[field] for field in ("service", "revision", "handled")},
            "name": failure.name in (label["name"], *label.get("accept_name", ())),
            "execution_id": failure.execution_ids == tuple(filter(None, [label["execution_id"]])),
            "file": failure.file in [place[0] for place in places],
            "line": at in places,
            "function": failure.function in functions or (at in places and failure.file != label["file"]),
            "count": label["count"] <= failure.count <= label.get("count_max", label["count"]),
        }.items()
        if agrees
    ]


if __name__ == "__main__":
    main()
