"""Message -> lines of plain text, for a terminal and for services that take no more than that. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from alerts.messages.text import clean, is_quoted
from alerts.model import IncidentState, Message

WIDTH = 80
_LONGEST_LABEL = 12
_INDENT = "  "
_RESET = "\x1b[0m"
_COLOURS = {
    "CRITICAL": "\x1b[1;31m",
    "WARNING": "\x1b[1;33m",
    "INFO": "\x1b[1;34m",
    "OVER": "\x1b[1;32m",
    "RESOLVED": "\x1b[1;32m",
    "MERGED": "\x1b[1;36m",
}


def render(message: Message, *, width: int = WIDTH, colour: bool = False, short: bool, repeated: bool = False) -> str:
    """The message as lines of text, with a blank line at the end. Pure.

    ``short`` sets the lines of a follow-up in by ``>``, so that it reads as part of what was printed before.
    """
    width -= 2 if short else 0
    word = _word(message)
    shown = f"{_COLOURS[word]}{word}{_RESET}" if colour else word
    title = " ".join(clean(message.title).split())
    lines = _wrap(f"{word} {title}", "", _INDENT, width)
    lines[0] = lines[0].replace(word, shown, 1)
    if repeated:
        lines.append(f"{_INDENT}(may be a repetition: whether it was printed before is not known)")
    if message.summary.strip():
        lines.extend(_wrap(clean(message.summary), _INDENT, _INDENT, width))
    lines.extend(_facts(message.facts, width))
    for label, url in message.links:
        lines.append(f"{_INDENT}{' '.join(clean(label).split())}: {' '.join(clean(url).split())}")
    if message.footer.strip():
        lines.extend(_wrap(f"({clean(message.footer)})", _INDENT, _INDENT, width))
    if short:
        lines = [f"> {line}".rstrip() for line in lines]
    return "\n".join([*lines, "", ""])


def heading(message: Message) -> str:
    """The word in front of its title: how grave it is, or that it is over."""
    if message.state is not IncidentState.OPEN:
        return message.state.value
    return "over" if message.over else message.severity.value


def _word(message: Message) -> str:
    return heading(message).upper()


def _facts(facts: tuple[tuple[str, str], ...], width: int) -> Iterator[str]:
    """Labels in one column, texts in another; quoted machine text below its label, as it stands."""
    labels = [" ".join(clean(label).split()) for label, _ in facts]
    column = min(_LONGEST_LABEL, max((len(label) for label in labels), default=0)) + len(_INDENT)
    for label, (raw_label, raw) in zip(labels, facts, strict=True):
        text = clean(raw)
        if is_quoted(raw_label, text):
            yield f"{_INDENT}{label}"
            yield from (f"{_INDENT * 3}{line}".rstrip() for line in text.strip("\n").split("\n"))
            continue
        rest = " " * (len(_INDENT) + column)
        first = f"{_INDENT}{label:<{column}}"
        if len(first) > len(rest):
            yield first.rstrip()
            first = rest
        for line in text.split("\n"):
            yield from (wrapped.rstrip() for wrapped in _wrap(line, first, rest, width))
            first = rest


def _wrap(text: str, first: str, rest: str, width: int) -> list[str]:
    """Lines of at most ``width`` columns; a word that is longer than a line stays whole, so that it can be copied."""
    return textwrap.wrap(
        text,
        max(width, len(rest) + 20),
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first.rstrip()]
