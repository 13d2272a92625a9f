"""The modules that requirements bring, and who would bring one that is missing."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from checks.preflight import known

# Namespaces of many: that one distribution is in it says nothing of another.
_SHARED = frozenset({"google", "azure", "aws", "opentelemetry", "zope", "backports", "flask", "django", "python"})
_SHORT = 5  # letters: what is shorter is like too many others
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

    def might_bring(self, distributions: Collection[str]) -> bool:
        """Whether one of the unknown distributions may well need one of these: nobody knows what private code needs."""
        others = [name for name in self.unknown if not any(is_slip(name, one) for one in distributions)]
        return bool(self.private) or (bool(others) and not known.widespread().isdisjoint(distributions))

    def misspelt(self, distributions: Collection[str]) -> str:
        """The unknown distribution that one of these seems to be meant by; empty if there is none."""
        return next((name for name in sorted(self.unknown) if any(is_slip(name, one) for one in distributions)), "")


def is_slip(name: str, meant: str) -> bool:
    """Whether a name is another one with two letters exchanged, or one letter too many, too few or wrong."""
    if name == meant or abs(len(name) - len(meant)) > 1 or min(len(name), len(meant)) < _SHORT:
        return False
    at = next((i for i, (a, b) in enumerate(zip(name, meant, strict=False)) if a != b), min(len(name), len(meant)))
    one, other = name[at:], meant[at:]
    exchanged = one[:2] == other[1::-1] and one[2:] == other[2:]
    return exchanged or one[1:] == other[1:] or one[1:] == other or one == other[1:]


def provider_of(module: str) -> tuple[str, ...]:
    """Well-known distributions that bring a module; empty if none is known."""
    table = known.providers()
    parts = module.split(".")
    for count in range(len(parts), 0, -1):
        found = table.get(".".join(parts[:count]))
        if found:
            return found
    return ()
