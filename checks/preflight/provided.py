"""The modules that requirements bring, and who would bring one that is missing."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

from checks.preflight import known

# Namespaces of many: that one distribution is in it says nothing of another.
_SHARED = frozenset({"google", "azure", "aws", "opentelemetry", "zope", "backports", "flask", "django", "python"})
_SHORT = 5  # letters: what is shorter is like too many others
_PIECES = re.compile(r"[-_.]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provided:
    """The modules that requirements bring. ``unknown``: distributions of which it is not known what they bring;
    ``private``: those of them that come from a repository, a URL or a folder; ``extras``: what those would bring that
    were not asked for. ``besides``: why anything else may be installed as well, if so.
    """

    modules: frozenset[str]
    declared: frozenset[str]
    unknown: frozenset[str]
    private: frozenset[str] = frozenset()
    extras: Provided | None = None
    besides: str = ""

    def has(self, module: str) -> bool:
        """Whether the module is brought: it, or a package above it."""
        parts = module.split(".")
        if any(".".join(parts[:count]) in self.modules for count in range(1, len(parts) + 1)):
            return True
        return self._guessed(module)

    def below(self, module: str) -> bool:
        """Whether modules below that name are brought, so that it is a namespace that several share: by what is known,
        or by an unknown distribution called like one (``google-adk``).
        """
        if any(one.startswith(module + ".") for one in self.modules):
            return True
        return module in _SHARED and any(_PIECES.split(name)[0] == module for name in self.unknown)

    def _guessed(self, module: str) -> bool:
        """By its name: ``foo-bar`` may be imported as ``foo_bar`` or ``foo.bar``, ``python-foo`` as ``foo``."""
        return any(_may_be(name, module) for name in self.unknown)

    def suspects(self, imported: Collection[str]) -> list[str]:
        """The unknown distributions that may bring any module: those of which none was imported that is called alike,
        and private ones.
        """
        return sorted(
            name
            for name in self.unknown
            if name in self.private or not ("[" in name or any(_may_be(name, module) for module in imported))
        )

    def misnamed(self, distributions: Collection[str]) -> str:
        """The requirement that means one of these distributions and is not its name; empty if there is none."""
        wrong = [name for name in sorted(self.declared) if known.MISNAMED.get(name) in distributions]
        empty = ["google-cloud"] if any(name.startswith("google-cloud-") for name in distributions) else []
        return next(iter([*wrong, *[name for name in empty if name in self.declared]]), "")

    def might_bring(self, distributions: Collection[str]) -> bool:
        """Whether one of the unknown distributions may well need one of these: nobody knows what private code needs,
        and those of one family (``firebase-functions``, ``firebase-admin``) often need each other.
        """
        others = [name for name in self.unknown if not any(is_slip(name, one) for one in distributions)]
        if self.private or (others and not known.widespread().isdisjoint(distributions)):
            return True
        if others and any(known.table()[name].more for name in distributions):
            return True  # what runs the code, which plugins of it are installed into
        return not {_family(name) for name in others}.isdisjoint(_family(name) for name in distributions)

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


def _may_be(distribution: str, module: str) -> bool:
    """Whether a distribution may be imported as that."""
    if "[" in distribution:
        return False
    parts = [part.lower() for part in module.split(".")]
    pieces = _PIECES.split(distribution)
    stripped = [piece for piece in pieces if piece not in ("python", "py", "client", "sdk", "api", "lib")]
    joined = "".join(pieces)
    shapes = {"".join(pieces), "".join(stripped), joined.removeprefix("py"), joined.removeprefix("python")}
    return (
        parts[0].replace("_", "") in shapes
        or "".join(parts) in shapes
        or (parts[0] == pieces[0] and parts[0] not in _SHARED)
        or "".join(parts).replace("_", "").startswith(joined)
    )


def _family(name: str) -> str:
    """The first word of a distribution's name; the whole of it in names of many that have little to do with another."""
    first = _PIECES.split(name)[0]
    return name if first in _SHARED else first


@cache
def _tops() -> frozenset[str]:
    return frozenset(module.partition(".")[0] for module in known.providers())


def is_provided(top: str) -> bool:
    """Whether a well-known distribution brings something below that top-level name."""
    return top in _tops()


def provider_of(module: str) -> tuple[str, ...]:
    """Well-known distributions that bring a module; empty if none is known."""
    table = known.providers()
    parts = module.split(".")
    for count in range(len(parts), 0, -1):
        found = table.get(".".join(parts[:count]))
        if found:
            return found
    return ()
