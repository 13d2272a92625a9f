"""Time series as a Cloud Monitoring service keeps them, and how it aligns and reduces them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import grpc

Labels = Mapping[str, str]


class RefusedError(Exception):
    """What the service answers with INVALID_ARGUMENT, or with another code."""

    def __init__(self, message: str, code: grpc.StatusCode = grpc.StatusCode.INVALID_ARGUMENT) -> None:
        super().__init__(message)
        self.code = code


@dataclass(kw_only=True)
class Series:
    """One time series: what identifies it, and its points by end time. A list is a distribution's values."""

    metric: str
    metric_labels: dict[str, str]
    resource: str
    resource_labels: dict[str, str]
    kind: str
    points: dict[datetime, Any] = field(default_factory=dict)

    def label(self, name: str) -> str:
        place, _, key = name.replace('"', "").replace(".label.", ".labels.").partition(".labels.")
        return (self.metric_labels if place == "metric" else self.resource_labels).get(key, "")


def aligner(name: str, period: timedelta) -> tuple[str, Callable[[list[Any]], Any]]:
    known: dict[str, tuple[str, Callable[[list[Any]], Any]]] = {
        "ALIGN_DELTA": ("DELTA", sum),
        "ALIGN_SUM": ("", sum),
        "ALIGN_RATE": ("DELTA", lambda values: sum(values) / period.total_seconds()),
        "ALIGN_MAX": ("", max),
        "ALIGN_MIN": ("", min),
        "ALIGN_MEAN": ("", lambda values: sum(values) / len(values)),
        "ALIGN_PERCENTILE_99": ("values", lambda values: _nth(values, 0.99)),
        "ALIGN_PERCENTILE_50": ("values", lambda values: _nth(values, 0.5)),
    }
    if name not in known:
        raise RefusedError(f"this test server does not know {name}")
    return known[name]


def _nth(values: list[list[float]], share: float) -> float:
    ordered = sorted(v for one in values for v in one)
    return float(ordered[min(len(ordered) - 1, int(share * len(ordered)))])


def align(
    series: Series,
    points: Mapping[datetime, Any],
    end: datetime,
    period: timedelta,
    aligner: tuple[str, Callable[[list[Any]], Any]],
) -> dict[datetime, Any]:
    """One value per period; the periods end at the end of the interval and go back from there."""
    needs, reckon = aligner
    values = isinstance(next(iter(points.values())), list)
    if (needs == "values") != values or (needs == "DELTA" and series.kind == "GAUGE"):
        raise RefusedError(f"The supplied aggregation is not valid for the metric {series.metric}")
    buckets: dict[datetime, list[Any]] = defaultdict(list)
    for at, value in points.items():
        buckets[end - period * ((end - at) // period)].append(value)
    return {at: reckon(held) for at, held in buckets.items()}


REDUCERS: dict[str, Callable[[list[Any]], Any]] = {
    "REDUCE_SUM": sum,
    "REDUCE_MAX": max,
    "REDUCE_MIN": min,
    "REDUCE_MEAN": lambda values: sum(values) / len(values),
}


def reduce(
    aligned: list[tuple[Series, dict[datetime, Any]]], fields: list[str], reducer: Callable[[list[Any]], Any]
) -> list[tuple[Series, dict[datetime, Any]]]:
    groups: dict[tuple[str, ...], list[tuple[Series, dict[datetime, Any]]]] = defaultdict(list)
    for series, points in aligned:
        groups[tuple(series.label(name) for name in fields)].append((series, points))
    answer = []
    for values, members in groups.items():
        kept: dict[str, dict[str, str]] = {"metric": {}, "resource": {}}
        for name, value in zip(fields, values, strict=True):
            place, _, key = name.replace('"', "").replace(".label.", ".labels.").partition(".labels.")
            kept[place][key] = value
        first = members[0][0]
        made = Series(
            metric=first.metric,
            metric_labels=kept["metric"],
            resource=first.resource,
            resource_labels=kept["resource"],
            kind=first.kind,
        )
        at_all = {at for _, points in members for at in points}
        answer.append((made, {at: reducer([points[at] for _, points in members if at in points]) for at in at_all}))
    return answer
