"""Names that a module does not have because the import that would bind them fails and is passed over. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from checks.preflight.conditions import ALWAYS
from checks.preflight.model import Facts, Import

if TYPE_CHECKING:
    from checks.preflight.imports import Imports


class Lost:
    """Answers for the modules of one package."""

    def __init__(self, facts: Mapping[str, Facts], imports: Imports) -> None:
        self._facts = facts
        self._imports = imports
        self._names: dict[str, Mapping[str, int]] = {}
        self._failing: dict[str, bool] = {}

    def names(self, file: str) -> Mapping[str, int]:
        """The names that nothing else gives the module, each with the line of the import that fails."""
        if file not in self._names:
            self._names[file] = {}  # modules that ask each other
            if self._facts[file].tries:
                self._names[file] = self._found(file)
        return self._names[file]

    def _found(self, file: str) -> dict[str, int]:
        facts = self._facts[file]
        if facts.dynamic or facts.answering:
            return {}
        failed: dict[int, int] = {}  # of each try the line of the import that ends it
        lost: list[tuple[Import, int]] = []
        for item in sorted(facts.imports, key=lambda one: one.line):
            if not (item.binds and item.tries and item.tries[0][1] == "body"):
                continue
            index = item.tries[0][0]
            if index not in failed and self._is_passed_over(file, item):
                failed[index] = item.line
            if index in failed:
                lost.append((item, failed[index]))
        if not lost:
            return {}
        gone = {id(item) for item, _ in lost}
        given = {event for event in facts.events if isinstance(event, str)} | {*facts.late, *facts.answers}
        others = (item for item in facts.imports if item.binds and id(item) not in gone)
        given.update(name for item in others for name in item.bindings)
        return {name: line for item, line in lost for name in item.bindings if name not in given}

    def _is_passed_over(self, file: str, item: Import) -> bool:
        """Whether it surely fails, and nothing takes its place."""
        guard = self._imports.guard(file, item)
        if guard is None or guard.fallback or item.when != ALWAYS or item.scope:
            return False
        return self._fails(file, item) and not self._imports.alternative_works(file, item)

    def _fails(self, file: str, item: Import) -> bool:
        if any(self._imports.is_sure(problem) for problem in self._imports.problems(file, item)):
            return True
        asked = self._imports.meant(self._imports.target(file, item), item.names)
        return asked is not None and any(self._does_not_load(other) for other in asked.targets if other != file)

    def _does_not_load(self, file: str) -> bool:
        """Whether an import that nobody catches fails when the file is loaded."""
        if file not in self._failing:
            self._failing[file] = False  # modules that load each other
            facts = self._facts.get(file)
            plain = [facts.imports[event] for event in facts.events if isinstance(event, int)] if facts else []
            plain = [item for item in plain if item.when == ALWAYS and not item.tries]
            self._failing[file] = any(self._fails(file, item) for item in plain)
        return self._failing[file]
