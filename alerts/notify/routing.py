"""Which channels an incident goes to. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from alerts.faults.own import dead_channels, is_own
from alerts.model import Fault
from checks.model import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where incidents go: of at least this severity, with a fault that meets every condition given (empty: any).

    ``functions`` are names in which ``*`` stands for any number of characters. A route without conditions is a default
    route: it takes what no other one takes.
    """

    to: tuple[str, ...]
    at_least: Severity = Severity.INFO
    pipelines: frozenset[str] = frozenset()
    checks: frozenset[str] = frozenset()
    phases: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()

    @property
    def takes_all(self) -> bool:
        """Whether it has no condition."""
        named = self.pipelines or self.checks or self.phases or self.functions
        return not named and self.at_least is Severity.INFO

    def fits(self, severity: Severity, faults: Iterable[Fault]) -> bool:
        """Whether an incident of that severity with these faults goes this way."""
        return severity.rank >= self.at_least.rank and any(self._meets(fault) for fault in faults)

    def _meets(self, fault: Fault) -> bool:
        subject, check = fault.finding.subject, fault.finding.check
        return (
            (not self.pipelines or subject.pipeline in self.pipelines)
            # With several pipelines a check's name carries the pipeline's: completions:nba.
            and (not self.checks or check in self.checks or check.partition(":")[0] in self.checks)
            and (not self.phases or subject.phase in self.phases)
            and (not self.functions or any(fnmatchcase(subject.service or "", name) for name in self.functions))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """All routes, and the channels that hear of what is wrong with the watcher itself."""

    routes: tuple[Route, ...]
    fallback: tuple[str, ...] = ()

    def destinations(self, severity: Severity, faults: Sequence[Fault], dead: Collection[str] = ()) -> tuple[str, ...]:
        """The channels for an incident with these faults, in the order of the routes, each once.

        ``dead`` are the channels known not to take messages. Where all of an incident's own are, the fallback hears of
        it too; they keep it for later all the same. What is wrong with a channel is not told through that channel.
        """
        fitting = [r for r in self.routes if not r.takes_all and r.fits(severity, faults)]
        names = dict.fromkeys(name for r in fitting or [r for r in self.routes if r.takes_all] for name in r.to)
        if any(map(is_own, {f.finding.kind for f in faults})) or all(name in dead for name in names):
            names.update(dict.fromkeys(self.fallback))
        about = dead_channels(faults)
        return tuple(name for name in names if name not in about)
