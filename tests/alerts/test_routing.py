"""Where an incident goes: by severity, pipeline, check, phase and function; the rest by default; own faults aside."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec.structs import replace as altered

from alerts.model import Fault, FaultState
from alerts.notify.routing import Route, Routing
from checks.model import Finding, Severity, Subject
from tests.support.findings import at, log_failure, phase


def fault(finding: Finding) -> Fault:
    return Fault(finding=finding, state=FaultState.FIRING, opened_at=at(0), count=1, fired_at=at(0))


FAILURE = fault(log_failure(at(0)))
PHASE = fault(phase(at(3)))
DEAD_SLACK = fault(replace(log_failure(at(0)), kind="delivery", subject=Subject(check="slack")))
BLIND = fault(replace(log_failure(at(0)), kind="blind", subject=Subject(check="function_logs")))
ANY = Route(to=("slack",))


@pytest.mark.parametrize(
    ("route", "failure", "late_phase"),
    [
        (Route(to=("x",), at_least=Severity.CRITICAL), True, True),
        (Route(to=("x",), pipelines=frozenset({"nba"})), False, True),
        (Route(to=("x",), checks=frozenset({"function_logs"})), True, False),
        (Route(to=("x",), checks=frozenset({"completions"})), False, True),
        (Route(to=("x",), phases=frozenset({"phase3"})), False, True),
        (Route(to=("x",), phases=frozenset({"phase4"})), False, False),
        (Route(to=("x",), functions=frozenset({"phase3-*", "other"})), True, False),
        (Route(to=("x",), functions=frozenset({"phase3"})), False, False),
    ],
)
def test_each_condition(route: Route, failure: bool, late_phase: bool) -> None:
    """Whether the failure of a function, and a late phase, go that way; what does not goes the default way."""
    routing = Routing(routes=(ANY, route))
    for one, wanted in ((FAILURE, failure), (PHASE, late_phase)):
        assert routing.destinations(Severity.CRITICAL, [one]) == (("x",) if wanted else ("slack",))


def test_severity_is_the_incidents() -> None:
    """A warning does not wake whoever hears of critical ones only."""
    routing = Routing(routes=(Route(to=("oncall",), at_least=Severity.CRITICAL), ANY))
    assert routing.destinations(Severity.WARNING, [PHASE]) == ("slack",)
    assert routing.destinations(Severity.CRITICAL, [PHASE]) == ("oncall",)


def test_all_conditions_must_hold_for_one_and_the_same_fault() -> None:
    """A failing function and a late phase in one incident are no failing function of that phase."""
    both = Route(to=("x",), phases=frozenset({"phase3"}), functions=frozenset({"phase3-*"}))
    assert Routing(routes=(both, ANY)).destinations(Severity.CRITICAL, [FAILURE, PHASE]) == ("slack",)


def test_every_fitting_route_takes_it_and_each_channel_once() -> None:
    """In the order of the routes."""
    routes = (Route(to=("b", "a"), phases=frozenset({"phase3"})), Route(to=("a", "c"), pipelines=frozenset({"nba"})))
    assert Routing(routes=(*routes, ANY)).destinations(Severity.INFO, [PHASE]) == ("b", "a", "c")


def test_a_checks_name_fits_with_and_without_its_pipeline() -> None:
    """With several pipelines it is `completions:nba`."""
    one = fault(replace(phase(at(0)), check="completions:nba"))
    for name in ("completions", "completions:nba"):
        route = Route(to=("x",), checks=frozenset({name}))
        assert Routing(routes=(route, ANY)).destinations(Severity.INFO, [one]) == ("x",)


def test_own_faults_also_go_to_the_fallback_and_not_through_what_is_broken() -> None:
    """That a channel is dead is not told through it; that a check is blind is told everywhere."""
    routing = Routing(routes=(ANY,), fallback=("mail",))
    assert routing.destinations(Severity.WARNING, [BLIND]) == ("slack", "mail")
    assert routing.destinations(Severity.CRITICAL, [DEAD_SLACK], dead={"slack"}) == ("mail",)
    assert routing.destinations(Severity.CRITICAL, [PHASE]) == ("slack",)


def test_while_all_its_channels_are_dead_an_incident_goes_to_the_fallback_as_well() -> None:
    """The dead one keeps it for later."""
    routing = Routing(routes=(ANY,), fallback=("mail",))
    assert routing.destinations(Severity.CRITICAL, [PHASE], dead={"slack"}) == ("slack", "mail")
    assert routing.destinations(Severity.CRITICAL, [PHASE], dead={"other"}) == ("slack",)


def test_a_dead_channel_that_is_pending_is_not_dead_yet() -> None:
    """One refusal that may pass changes no way."""
    pending = altered(DEAD_SLACK, state=FaultState.PENDING, fired_at=None)
    assert Routing(routes=(ANY,)).destinations(Severity.CRITICAL, [pending]) == ("slack",)
