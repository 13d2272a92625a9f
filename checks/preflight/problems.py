"""What an import would fail on, and who catches it."""

from __future__ import annotations

from dataclasses import dataclass

from checks.preflight.model import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An import that would fail: what it asks for that is not there. ``own``: it is code of the package's owner, not a
    distribution's. ``unknown``: it cannot be told, and is no finding. ``dated``: another version's standard library may
    have it.
    """

    kind: Kind
    symbol: str
    message: str
    own: bool = True
    unknown: bool = False
    dated: bool = False


@dataclass(frozen=True, slots=True)
class Guard:
    """Who catches an import error: the line of the try statement; ``fallback`` says that a handler puts something in
    place; ``whole`` that the try is about more than imports, so that its work is lost with them; ``broad`` that it
    catches any error.
    """

    line: int
    fallback: bool
    whole: bool
    broad: bool
