"""The alerts' part of ``config.yaml``: the channels, and what goes to which."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from alerts.settings.channels import Channels
from alerts.settings.when import WhenSettings
from checks.fields import ClockTime, Duration, ListOf, matching
from checks.mistakes import Mistake, Section, unknown
from checks.model import Severity, normal_service
from checks.settings.references import mappings, texts

_PATTERN = r"[A-Za-z*][A-Za-z0-9_*-]{0,62}"
FunctionPattern = Annotated[
    str,
    matching(_PATTERN, "the name of a function", "letters, digits, _ and -; * stands for any number of them"),
    AfterValidator(normal_service),
]
_CONDITIONS = ("pipelines", "checks", "phases", "functions")


class RouteSettings(Section):
    """Which channels hear of what. A route without conditions is a default route: it takes what no other one takes."""

    to: ListOf[str] = Field(min_length=1, description="names of channels")
    severity_at_least: Annotated[Severity, Field(strict=False)] = Field(
        default=Severity.INFO, description="the least severity that goes this way"
    )
    pipelines: ListOf[str] = Field(
        default=(), description="only these pipelines; all, and what belongs to none, if empty"
    )
    checks: ListOf[str] = Field(default=(), description="only what these checks found; all if empty")
    phases: ListOf[str] = Field(default=(), description="only these phases; all, and what concerns none, if empty")
    functions: ListOf[FunctionPattern] = Field(
        default=(), description='only these functions, as "phase3-*"; all, and what concerns none, if empty'
    )


class DailyTestSettings(Section):
    """A test message of the daemon's own, every day."""

    to: ListOf[str] = Field(min_length=1, description="the channels that get it, best ones of their own")
    at: ClockTime = Field(description='when, on the wall clock of alerts.timezone, as "08:00"')


class AlertSettings(WhenSettings):
    """Who hears of what."""

    channels: Channels = Field(
        default_factory=dict,
        min_length=1,
        description="the channels by name; several of one kind need kind: in each but one",
    )
    routes: ListOf[RouteSettings] = Field(
        default_factory=tuple,
        min_length=1,
        description="what goes to which channels; everything to all channels if left out",
    )
    fallback: ListOf[str] = Field(
        default=(), description="the channels that also hear what is wrong with phasewatch itself, by another path"
    )
    daily_test: DailyTestSettings | None = Field(default=None, description="a test message every day; none if left out")
    blind_after: Duration = Field(
        default=timedelta(minutes=10), description="how long a check may fail to look before somebody is told"
    )

    @classmethod
    def examine(cls, raw: dict[str, Any], folder: Path | None) -> Iterator[Mistake]:  # noqa: ARG003 - the base's
        """Fill in the defaults that depend on each other; find channels that are not there, and no default route."""
        if raw.get("channels") is None:
            raw["channels"] = {"console": {}}
        channels = list(raw["channels"]) if isinstance(raw["channels"], Mapping) else []
        if raw.get("routes") is None:
            apart = set(texts(_part(raw, "daily_test").get("to")).values())
            raw["routes"] = [{"to": [name for name in channels if name not in apart] or channels}]
        named: list[tuple[tuple[str | int, ...], object]] = [
            (("routes", index, "to"), route.get("to")) for index, route in mappings(raw["routes"]).items()
        ]
        named += [
            (("escalation", index, "to"), step.get("to")) for index, step in mappings(raw.get("escalation")).items()
        ]
        named.append((("digest", "to"), _part(raw, "digest").get("to")))
        named += [(("fallback",), raw.get("fallback")), (("daily_test", "to"), _part(raw, "daily_test").get("to"))]
        for place, names in named:
            for item, channel in texts(names).items():
                if channel not in channels:
                    yield replace(unknown("channel", channel, channels), at=(*place, item), unnamed=True)

    def contradictions(self) -> Iterator[Mistake]:
        """A set of routes through which something could fall; steps out of order."""
        yield from super().contradictions()
        if not any(_takes_all(route) for route in self.routes):
            message = "no default route: what none of these conditions fits would reach nobody"
            yield Mistake(message=message, hint="add one without conditions, as {to: [slack]}", at=("routes",))

    def switched_off(self) -> Mapping[str, str]:
        """The channels that nothing is sent to, each with the reason in a few words."""
        return {name: channel.off for name, channel in self.channels.items() if channel.off is not None}


def _part(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A mapping below; an empty one where something else stands, which is reported there."""
    found = raw.get(name)
    return found if isinstance(found, Mapping) else {}


def _takes_all(route: RouteSettings) -> bool:
    return route.severity_at_least is Severity.INFO and not any(getattr(route, name) for name in _CONDITIONS)
