"""The ways in which one printed text becomes log entries (the tags in the samples' README)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.checks.logs.entries import entry, lines


def one(text: str) -> list[dict[str, Any]]:
    """The whole text is one entry."""
    return [entry(text)]


def windows(text: str) -> list[dict[str, Any]]:
    """Lines end in CR LF."""
    return [entry(text.replace("\n", "\r\n"))]


def coloured(text: str) -> list[dict[str, Any]]:
    """Every line in colour, as Python 3.13 and many loggers write for terminals."""
    return lines("\n".join(f"\x1b[1;35m{line}\x1b[0m" if line else line for line in text.split("\n")))


def same_time(text: str) -> list[dict[str, Any]]:
    """One entry per line, all with the same timestamp; the insertId keeps the order, the answer does not."""
    return lines(text, step=0.0)[::-1]


def per_write(text: str) -> list[dict[str, Any]]:
    """One entry for each ``write()``: a frame with its source lines, and empty entries in between."""
    pieces: list[list[str]] = []
    for line in text.split("\n"):
        if line.startswith("  File") or not line.startswith(" ") or not pieces:
            pieces.append([])
        pieces[-1].append(line)
    made = []
    for number, piece in enumerate(pieces):
        made.append(entry("\n".join(piece) + "\n", number * 0.000_020, number))
        made.append(entry("", number * 0.000_020 + 0.000_010, number))
    return made


def _grouped(text: str, ends: Callable[[str], bool]) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    held: list[str] = []

    def flush() -> None:
        if held:
            made.append(entry("\n".join(held), len(made) * 0.000_020, len(made), severity="ERROR"))
            held.clear()

    for line in text.split("\n"):
        if line.startswith("Traceback"):
            flush()
            held.append(line)
        elif held and not (line.strip() and ends(line)):
            held.append(line)
            if line and not line.startswith(" "):
                flush()
        else:
            flush()
            if line.strip():
                made.append(entry(line, len(made) * 0.000_020, len(made)))
    flush()
    return made


def detected(text: str) -> list[dict[str, Any]]:
    """The platform recognised the traceback: one entry of severity ERROR; other lines are entries of their own."""
    return _grouped(text, lambda _: False)


def old_caret(text: str) -> list[dict[str, Any]]:
    """The grouping stops at the first line of marks."""
    return _grouped(text, lambda line: not line.strip(" ~^"))


FORMS = (one, windows, lines, coloured, same_time, per_write, detected, old_caret)
