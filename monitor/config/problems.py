"""Mistakes in ``config.yaml`` with their place, as people read them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from checks.mistakes import Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake. ``line`` and ``column`` count from 1, and are None where the file could not be read at all.

    ``path`` says where in the tree it is (``pipelines[0].phases[1].due.time``), empty for the file as a whole. Neither
    ``message`` nor ``hint`` ever holds a value from the environment or of a secret.
    """

    path: str
    line: int | None
    column: int | None
    message: str
    hint: str | None = None

    def render(self, file: str) -> str:
        """One line: ``config.yaml:31:7: path: message; hint``."""
        place = [file, *(str(number) for number in (self.line, self.column) if number is not None)]
        text = f"{self.path}: {self.message}" if self.path else self.message
        return f"{':'.join(place)}: {text}" + (f"; {self.hint}" if self.hint else "")


class ConfigError(Exception):
    """The configuration will not do. ``problems`` are all its mistakes in the order of the file."""

    def __init__(self, file: str, problems: Iterable[Problem]) -> None:
        self.file = file
        self.problems = tuple(sorted(problems, key=lambda p: (p.line or 0, p.column or 0, p.path, p.message)))
        super().__init__("\n".join(problem.render(file) for problem in self.problems))


def dotted(location: Location) -> str:
    """``("pipelines", 0, "name")`` as ``pipelines[0].name``."""
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text
