"""What a signal is: a named pattern with a severity, and the conditions under which people hear of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from checks.model import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """At least ``count`` matches in one function within ``within``."""

    count: int
    within: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRule:
    """One signal. ``pattern`` is RE2; its named groups are captured.

    ``at_least``: fewer are harmless. ``unless_later_success``: a match is harmless once a run of the same function that
    began after it has succeeded without one. Where both are set, only what no success followed counts for the rate.
    ``reason`` is why the signal is watched (or is off), ``remedy`` what to do; both are shown to people.
    """

    name: str
    pattern: str
    severity: Severity
    enabled: bool = True
    at_least: Rate | None = None
    unless_later_success: bool = False
    reason: str | None = None
    remedy: str | None = None
