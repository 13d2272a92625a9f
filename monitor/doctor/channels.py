"""What ``phasewatch doctor`` tries of channels: token, scopes and membership, without posting anything."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from checks.model import JsonValue
from monitor.clock import Clock
from monitor.doctor import trials
from monitor.doctor.trials import Trial, Verdict
from monitor.wiring import parts

if TYPE_CHECKING:
    from alerts.settings.channels import ChannelSettings, SlackSettings


def channel_trial(name: str, settings: ChannelSettings, clock: Clock, within: timedelta) -> Trial:
    """A channel tried as its kind can be without sending."""
    if settings.off is not None:
        reason = settings.off
        return Trial(name, lambda: trials.off(name, reason))
    if settings.kind == "console":
        return Trial(name, lambda: trials.good(name, "alerts are printed where `phasewatch watch` runs"))
    if settings.kind == "slack":
        return Trial(name, lambda: slack(name, settings, clock, within))
    return Trial(name, lambda: unasked(name, settings))


def unasked(name: str, settings: ChannelSettings) -> Verdict:
    """A channel that can only be tried by sending: whether it can be made at all."""
    try:
        parts.channel(name, settings, sys.stdout)
    except ValueError as error:
        return trials.failed(name, str(error))
    note = f"whether it takes messages is not known: `phasewatch test-alert --channel {name}` tells"
    return trials.good(name, f"a channel of kind {settings.kind}, nothing sent", notes=(note,))


def slack(name: str, settings: SlackSettings, clock: Clock, within: timedelta) -> Verdict:
    """Token, scopes and channel, without posting anything."""
    from alerts.channels.slack.errors import RefusalError
    from alerts.channels.slack.probe import probe
    from alerts.ports import DeliveryError

    asked = clock.now()
    try:
        sight = probe(
            settings.token.reveal(), settings.channel, base_url=settings.base_url, timeout=min(settings.timeout, within)
        )
    except DeliveryError as error:
        blind = not (isinstance(error, RefusalError) and error.permanent)
        return trials.failed(name, str(error), remedy=error.remedy, blind=blind)
    except ValueError as error:
        return trials.failed(name, str(error), remedy="set a bot token (xoxb-...)")
    answered = clock.now()
    facts: dict[str, JsonValue] = {
        "team": sight.team,
        "channel_id": sight.channel_id,
        "scopes": None if sight.scopes is None else list(sight.scopes),
    }
    if sight.missing is not None:
        return trials.failed(name, sight.missing, remedy=sight.remedy, notes=sight.notes, facts=facts)
    place = f"{settings.channel} can be written to" if sight.channel_id else "its token works"
    said = f"signed in as {sight.user} of {sight.team}; " + place
    return _dated(trials.good(name, said, notes=sight.notes, facts=facts), sight.date, asked, answered)


def _dated(verdict: Verdict, date: str | None, asked: datetime, answered: datetime) -> Verdict:
    try:
        theirs = parsedate_to_datetime(date) if date else None
    except ValueError:
        theirs = None
    # The header holds whole seconds: on average half a one is cut off.
    half = timedelta(seconds=0.5)
    return verdict if theirs is None else trials.with_clock(verdict, theirs + half, asked, answered)
