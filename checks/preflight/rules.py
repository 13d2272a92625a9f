"""Forbidden imports: what must not be imported, what to write in its place, where, for whom and until when. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True, kw_only=True)
class Forbidden:
    """``module`` and all below it must not be imported; ``use`` is what takes its place.

    ``within``: only in files that match one of these patterns (paths in the package or in the repository; ``*`` also
    crosses folders); everywhere if empty. From ``expires`` on the rule no longer holds.
    """

    module: str
    use: str | None = None
    within: tuple[str, ...] = ()
    owner: str | None = None
    expires: date | None = None
    reason: str | None = None

    def names(self, imported: str) -> bool:
        """Whether it forbids importing that."""
        return _below(imported, self.module)

    def holds(self, paths: Sequence[str], today: date) -> bool:
        """Whether it holds in a file, given under its paths."""
        if self.expires is not None and today >= self.expires:
            return False
        return not self.within or any(fnmatchcase(path, pattern) for path in paths for pattern in self.within)

    def message(self, imported: str) -> str:
        """For the person who imported it."""
        said = f"{imported} must not be imported"
        if self.use is not None:
            said += f": use {self.use}{imported.removeprefix(self.module)}"
        if self.reason:
            said += f" ({self.reason})"
        return said + (f"; ask {self.owner}" if self.owner else "")


def contradictions(rules: Sequence[Forbidden]) -> Iterator[tuple[int, str]]:
    """Rules whose replacement is forbidden, by themselves or by another that may hold in the same files."""
    for index, rule in enumerate(rules):
        if rule.use is None:
            continue
        if rule.names(rule.use):
            yield index, f"forbids its own replacement: {rule.use} is {rule.module} or below it"
            continue
        for other_index, other in enumerate(rules):
            if index != other_index and other.names(rule.use) and _apart(rule, other):
                yield index, f"its replacement {rule.use} is forbidden by the rule for {other.module}"


def _apart(one: Forbidden, other: Forbidden) -> bool:
    """Whether the rules surely hold in different files: both are scoped, and no pattern is the same."""
    return bool(one.within and other.within) and not set(one.within) & set(other.within)


def _below(name: str, module: str) -> bool:
    return name == module or name.startswith(module + ".")
