"""The check of Cloud Scheduler's jobs in ``config.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from checks.fields import Duration, at_least
from checks.mistakes import Section
from checks.settings.follow_up import Resource

_MINUTE = timedelta(minutes=1)
Pause = Annotated[Duration, at_least(_MINUTE)]


class SchedulerCheckSettings(Section):
    """The check of scheduler jobs by their execution logs; off unless switched on."""

    enabled: bool = Field(default=False, description="whether this check runs; needs Cloud Logging")
    every: Pause = Field(default=5 * _MINUTE, description="how often, at least 1m; one list request each")
    failures: int = Field(default=3, ge=1, le=100, description="how many attempts must fail in a row")
    silent_after: Mapping[Resource, Pause] = Field(
        default={}, description="by job, how long it pauses at most; learned from a week of attempts if left out"
    )
