"""What is said of a module that is not there: where it may be, who would bring it, what hides it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

from checks.preflight import stdlib
from checks.preflight.model import Facts, Kind, Version
from checks.preflight.problems import Moved, OffPath, Problem, few
from checks.preflight.provided import Provided, provider_of
from checks.preflight.resolve import Found, Module, Resolver


class Absences:
    """Judges absent modules of one package. ``elsewhere`` says where a module lies that it lacks, as the end of a
    sentence.
    """

    def __init__(
        self,
        facts: Mapping[str, Facts],
        resolver: Resolver,
        moved: Moved,
        *,
        provided: Provided | None,
        python: Version,
        elsewhere: Callable[[str], str | None],
    ) -> None:
        self._facts = facts
        self._resolver = resolver
        self._moved = moved
        self._off_path = OffPath(facts, resolver.search)
        self._provided = provided
        self._python = python
        self._elsewhere = elsewhere

    def _owns(self, name: str) -> bool:
        top = self._resolver.module(name.partition(".")[0])
        return top.file is not None or bool(top.folders)

    def hidden(self, name: str) -> str:
        """What a module of the package hides that has the same name, or what hides it; empty if nothing."""
        if own := self._resolver.passed_over(name.partition(".")[0]):
            return f"; {own} comes last on the search path, and is not found: rename it"
        module = self._resolver.module(name)
        if module.file is None or "." in name:
            return ""
        if name in stdlib.modules(self._python):
            return f"; {module.file} hides the module of the standard library"
        if self._provided is not None and self._provided.has(name):
            return f"; {module.file} hides the module that a requirement brings"
        return ""

    def forgotten(self, name: str) -> str:
        """That a name which is bound nowhere is that of a module, for a message; empty if it is not."""
        there = self._owns(name) or name in stdlib.modules(self._python)
        return f": is 'import {name}' missing?" if there else ""

    def of(self, module: Module) -> Problem:
        """What an import of it fails with."""
        missing = module.missing or module.name
        top = missing.partition(".")[0]
        if filled := self._resolver.filled_with(missing):
            return Problem(kind=Kind.NOT_SHIPPED, symbol=module.name, message=filled, unknown=True)
        place = self._elsewhere(missing) or (self._elsewhere(module.name) if missing != module.name else None)
        above = self._resolver.module(top)
        own_top = self._owns(top)
        if place is not None:
            message = f"No module named {missing!r} in the package: {place}"
            return Problem(kind=Kind.NOT_SHIPPED, symbol=module.name, message=message)
        if own_top and above.found is not Found.NAMESPACE:
            message = f"No module named {missing!r}" + (f"; {module.reason}" if module.reason else "")
            message += self._moved.meant(missing) or self._off_path.told(missing, above.file) or self.hidden(top)
            return Problem(kind=Kind.MISSING_MODULE, symbol=module.name, message=message)
        since = stdlib.removed_in(top, self._python) if missing == top else None
        added = stdlib.added_in(top, self._python)
        known = provider_of(top)
        if above.found is Found.STDLIB or added is not None or (since is not None and self._lost(known)):
            message = f"No module named {missing!r}"
            if since is not None:
                message += f": Python {since[0]}.{since[1]} removed it"
                message += f"; {' or '.join(known)} brings it" if known else ""
            if added is not None:
                message += f": Python {added[0]}.{added[1]} adds it"
            message += self.hidden(top)
            return Problem(kind=Kind.MISSING_MODULE, symbol=module.name, message=message, own=False, dated=True)
        return self._undeclared(module, missing, own_top=own_top)

    def _lost(self, providers: tuple[str, ...]) -> bool:
        """Whether no distribution brings a module that the standard library no longer has."""
        provided = self._provided
        return not providers or provided is None or not (provided.besides or provided.might_bring(providers))

    @cached_property
    def _suspects(self) -> list[str]:
        """Requirements that may bring any module."""
        asked = {item.module for facts in self._facts.values() for item in facts.imports if not item.level}
        return self._provided.suspects(asked) if self._provided is not None else []

    def _undeclared(self, module: Module, missing: str, *, own_top: bool) -> Problem:
        providers = provider_of(module.name) or provider_of(missing)
        if module.found is Found.UNKNOWN or self._provided is None:
            if module.found is Found.UNKNOWN:
                return Problem(kind=Kind.UNDECLARED, symbol=module.name, message=module.reason, own=False, unknown=True)
            message = f"No module named {missing!r} where the package runs"
            return Problem(kind=Kind.MISSING_MODULE, symbol=module.name, message=message, own=own_top)
        if own_top and not providers:
            away = self._off_path.told(missing)
            # A base image that is not known may search other folders.
            unknown = bool(away and self._provided.besides)
            message = self._provided.besides if unknown else f"No module named {missing!r}{away}"
            return Problem(kind=Kind.MISSING_MODULE, symbol=module.name, message=message, unknown=unknown)
        unsure = sorted(self._provided.unknown)
        if providers and not self._provided.might_bring(providers):
            message = f"No module named {missing!r}: {' or '.join(providers)} is not among the requirements"
            slip, wrong = self._provided.misspelt(providers), self._provided.misnamed(providers)
            if wrong:
                message += f": {wrong!r} there is not its name"
            elif slip:
                message += f"; is it meant by {slip!r}?"
            elif unsure:
                message += f", unless one of them brings it ({few(unsure)})"
            return Problem(kind=Kind.UNDECLARED, symbol=module.name, message=message, own=False)
        if (unsure and providers) or self._suspects:
            reason = f"it is not known what these requirements bring: {few(self._suspects or unsure)}"
            return Problem(kind=Kind.UNDECLARED, symbol=module.name, message=reason, own=False, unknown=True)
        nowhere = f": neither in the package nor brought by a requirement{self._moved.meant(missing)}"
        nowhere += f", unless one of them has it ({few(unsure)})" if unsure else ""
        message = f"No module named {missing!r}{self._off_path.told(missing) or nowhere}"
        return Problem(kind=Kind.UNDECLARED, symbol=module.name, message=message, own=False)
