"""What the one path needs to know of the configuration."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

from alerts.faults import storms
from alerts.faults.finding_rules import FindingRule
from alerts.messages import digest
from alerts.model import Guide
from alerts.notify.decisions import Policy
from alerts.notify.routing import Routing
from checks.pipeline import Pipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """``findings`` change what checks say before it is believed; ``digest`` is None where none is wanted."""

    pipelines: tuple[Pipeline, ...]
    routing: Routing
    zone: ZoneInfo
    blind_after: timedelta
    storm: storms.Limit = field(default_factory=storms.Limit)
    policy: Policy = field(default_factory=Policy)
    findings: tuple[FindingRule, ...] = ()
    guide: Guide = field(default_factory=Guide)
    digest: digest.Schedule | None = None
