"""The watcher's vitals in Prometheus' text format, for ``/metrics``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from monitor.telemetry import gauges
from monitor.telemetry.vitals import Vitals

if TYPE_CHECKING:
    from prometheus_client.core import GaugeMetricFamily

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def render(vitals: Vitals, version: str) -> bytes:
    """What a Prometheus server scrapes; each metric carries its own description."""
    from prometheus_client import CollectorRegistry, generate_latest

    class Collector:
        def collect(self) -> Iterator[GaugeMetricFamily]:
            yield from families(vitals, version)

    registry = CollectorRegistry()
    registry.register(Collector())
    return generate_latest(registry)


def families(vitals: Vitals, version: str) -> Iterator[GaugeMetricFamily]:
    """The metrics as values; docs/metrics.md names each of them."""
    from prometheus_client.core import GaugeMetricFamily

    for gauge, samples in gauges.measured(vitals, version):
        if gauge.name is None or (not samples and not gauge.labels):
            continue
        family = GaugeMetricFamily(f"phasewatch_{gauge.name}", gauge.description, labels=gauge.labels)
        for labels, value in samples:
            family.add_metric(labels, value)
        yield family
