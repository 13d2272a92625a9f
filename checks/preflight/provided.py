"""The modules that requirements bring, and who would bring one that is missing."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from checks.preflight import known

# Namespaces of many: that one distribution is in it says nothing of another.
_SHARED = frozenset({"google", "azure", "aws", "opentelemetry", "zope", "backports", "flask", "django", "python"})
_PIECES = re.compile(r"[-_.]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provided:
    """The modules that requirements bring. ``unknown``: distributions of which it is not known what they bring;
    ``private``: those of them that come from a repository, a URL or a folder; ``extras``: what those would bring that
    were not asked for.
    """

    modules: frozenset[str]
    declared: frozenset[str]
    unknown: frozenset[str]
    private: frozenset[str] = frozenset()
    extras: Provided | None = None

    def has(self, module: str) -> bool:
        """Whether the module is brought: it, or a package above it."""
        parts = module.split(".")
        if any(".".join(parts[:count]) in self.modules for count in range(1, len(parts) + 1)):
            return True
        return self._guessed(module)

    def below(self, module: str) -> bool:
        """Whether modules below that name are brought, so that it is a namespace that several share."""
        return any(one.startswith(module + ".") for one in self.modules)

    def _guessed(self, module: str) -> bool:
        """By its name: ``foo-bar`` may be imported as ``foo_bar`` or ``foo.bar``, ``python-foo`` as ``foo``."""
        parts = [part.lower() for part in module.split(".")]
        for name in self.unknown:
            if "[" in name:
                continue
            pieces = _PIECES.split(name)
            stripped = [piece for piece in pieces if piece not in ("python", "py", "client", "sdk", "api", "lib")]
            joined = "".join(pieces)
            shapes = {"".join(pieces), "".join(stripped), joined.removeprefix("py"), joined.removeprefix("python")}
            if parts[0].replace("_", "") in shapes or "".join(parts) in shapes:
                return True
            if parts[0] == pieces[0] and parts[0] not in _SHARED:
                return True
            if "".join(parts).replace("_", "").startswith(joined):
                return True
        return False

    def misnamed(self, distributions: Collection[str]) -> str:
        """The requirement that means one of these distributions and is not its name; empty if there is none."""
        wrong = [name for name in sorted(self.declared) if known.MISNAMED.get(name) in distributions]
        empty = ["google-cloud"] if any(name.startswith("google-cloud-") for name in distributions) else []
        return next(iter([*wrong, *[name for name in empty if name in self.declared]]), "")

    def might_bring(self, distributions: Collection[str]) -> bool:
        """Whether one of the unknown distributions may well need one of these: nobody knows what private code needs."""
        return bool(self.private) or (bool(self.unknown) and not known.widespread().isdisjoint(distributions))


def provider_of(module: str) -> tuple[str, ...]:
    """Well-known distributions that bring a module; empty if none is known."""
    table = known.providers()
    parts = module.split(".")
    for count in range(len(parts), 0, -1):
        found = table.get(".".join(parts[:count]))
        if found:
            return found
    return ()
