"""The watcher's vitals in Prometheus' text format, for ``/metrics``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from checks.model import Status
from monitor.vitals import Vitals

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

    info = GaugeMetricFamily("phasewatch_build_info", "Always 1; the version is a label.", labels=["version"])
    info.add_metric([version], 1)
    yield info

    status = GaugeMetricFamily(
        "phasewatch_check_status", "1 for the status of a check's last run, 0 for others.", labels=["check", "status"]
    )
    ran = GaugeMetricFamily(
        "phasewatch_check_last_run_timestamp_seconds", "When a check's last run ended.", labels=["check"]
    )
    seen = GaugeMetricFamily(
        "phasewatch_check_last_success_timestamp_seconds",
        "When the last run of a check ended that could see (its status was not UNKNOWN).",
        labels=["check"],
    )
    found = GaugeMetricFamily("phasewatch_check_findings", "Findings of a check's last run.", labels=["check"])
    looked = GaugeMetricFamily(
        "phasewatch_check_looked_at",
        "What a check's last run looked at, by what was counted.",
        labels=["check", "what"],
    )
    for run in vitals.runs:
        for one in Status:
            status.add_metric([run.check, one.value], int(run.status is one))
        ran.add_metric([run.check], run.finished_at.timestamp())
        if run.check in vitals.seen_at:
            seen.add_metric([run.check], vitals.seen_at[run.check].timestamp())
        found.add_metric([run.check], run.findings)
        for what, number in sorted(run.evidence.counts.items()):
            looked.add_metric([run.check, what.replace(" ", "_")], number)
    yield from (status, ran, seen, found, looked)

    incidents = GaugeMetricFamily("phasewatch_incidents_open", "Open incidents by severity.", labels=["severity"])
    for severity, number in vitals.open_incidents.items():
        incidents.add_metric([severity.value], number)
    yield incidents

    pending = GaugeMetricFamily("phasewatch_outbox_pending", "Messages that wait to be sent.", labels=["destination"])
    dead = GaugeMetricFamily("phasewatch_outbox_dead", "Messages that were given up.", labels=["destination"])
    oldest = GaugeMetricFamily(
        "phasewatch_outbox_oldest_seconds", "Age of the oldest message not yet sent.", labels=["destination"]
    )
    for waiting in vitals.backlog:
        pending.add_metric([waiting.destination], waiting.pending)
        dead.add_metric([waiting.destination], waiting.dead)
        if waiting.oldest is not None:
            oldest.add_metric([waiting.destination], (vitals.at - waiting.oldest).total_seconds())
    yield from (pending, dead, oldest)
    yield from _costs(vitals)


def _costs(vitals: Vitals) -> Iterator[GaugeMetricFamily]:
    from prometheus_client.core import GaugeMetricFamily

    asked = GaugeMetricFamily(
        "phasewatch_bigquery_queries_today", "Queries since midnight UTC, by what they were for.", labels=["purpose"]
    )
    unknown = GaugeMetricFamily(
        "phasewatch_bigquery_queries_unreported_today",
        "Those of them of which BigQuery did not report what it billed.",
        labels=["purpose"],
    )
    billed = GaugeMetricFamily(
        "phasewatch_bigquery_billed_bytes_today",
        "Bytes billed since midnight UTC; absent where nothing was reported.",
        labels=["purpose"],
    )
    for purpose, spent in sorted(vitals.costs.purposes.items()):
        asked.add_metric([purpose], spent.queries)
        unknown.add_metric([purpose], spent.unreported)
        if spent.bytes_billed is not None:
            billed.add_metric([purpose], spent.bytes_billed)
    month = GaugeMetricFamily("phasewatch_bigquery_billed_bytes_month", "Bytes billed in this calendar month (UTC).")
    if vitals.costs.month.bytes_billed is not None:
        month.add_metric([], vitals.costs.month.bytes_billed)
    yield from (asked, unknown, billed, month)
