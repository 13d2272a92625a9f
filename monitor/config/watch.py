"""What watches the watcher: limits on itself, and a ping to the outside."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import Field

from alerts.secret import WithSecrets
from alerts.settings.channels import SecretUrl
from checks.fields import Duration, LocalPath, Name, at_least
from checks.mistakes import Section

_MINUTE = timedelta(minutes=1)


class HeartbeatSettings(Section):
    """Metrics about the watcher and the phases, written to Cloud Monitoring for an alert policy there."""

    every: Annotated[Duration, at_least(timedelta(seconds=30))] = Field(
        default=_MINUTE, description="how often they are written, in one call"
    )
    name: Name = Field(
        default="phasewatch", description="tells watchers of one project apart: the value of the label watcher"
    )


class WatchdogSettings(WithSecrets):
    """Limits on the watcher itself, and the address of an outside watchdog that expects a ping from it."""

    secrets: ClassVar[tuple[str, ...]] = ("url",)

    url: SecretUrl = Field(
        default=SecretUrl(), description="ping URL of Healthchecks or its like; empty: no outside watchdog"
    )
    url_file: LocalPath | None = Field(default=None, description="file with the URL, instead of url")
    every: Annotated[Duration, at_least(timedelta(seconds=10))] = Field(
        default=_MINUTE, description="how often it is pinged, if all is well"
    )
    start_and_fail: bool = Field(
        default=True, description="whether it also knows URL/start and URL/fail, as Healthchecks does"
    )
    check_limit: Annotated[Duration, at_least(timedelta(seconds=30))] = Field(
        default=10 * _MINUTE, description="how long one run of a check may take before it is abandoned"
    )
    outbox_limit: Annotated[Duration, at_least(_MINUTE)] = Field(
        default=5 * _MINUTE, description="how long a message may wait before its channel counts as not taking any"
    )
    disk_free_mb: int = Field(default=200, ge=0, description="least free megabytes where the state lies")
    heartbeat: HeartbeatSettings | None = Field(
        default=None, description="metrics written to Cloud Monitoring; none if left out"
    )
