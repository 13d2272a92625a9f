"""Message -> Slack's Block Kit. Pure.

Slack refuses a whole message for one block that is too long, so everything here is measured after escaping. What does
not fit into the message is handed back as further parts for its thread; nothing is dropped.

Limits (docs.slack.dev/reference/block-kit, and error reports for the total, which is not documented): 50 blocks, 3,000
characters in a section, 150 in a header, 10 fields of 2,000, 10 context elements; ``msg_blocks_too_long`` somewhere
between 9,597 and 11,341 characters in all. We stay below each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from alerts.messages.text import is_quoted, shorten
from alerts.model import IncidentState, Message
from checks.model import JsonValue, Severity

MAX_BLOCKS = 45
MAX_SECTION = 2_900
MAX_TOTAL = 8_600
MAX_HEADER = 150
MAX_FIELDS = 10
MAX_CONTEXT = 300
# Two of these stand side by side on a phone.
SHORT_FACT = 60

_SIGNS = {
    Severity.CRITICAL: ("\N{LARGE RED CIRCLE}", "Critical"),
    Severity.WARNING: ("\N{LARGE ORANGE CIRCLE}", "Warning"),
    Severity.INFO: ("\N{LARGE BLUE CIRCLE}", "Info"),
}
_RESOLVED = ("\N{WHITE HEAVY CHECK MARK}", "Resolved")
_OVER = ("\N{WHITE HEAVY CHECK MARK}", "Over")
_MERGED = ("\N{LEFTWARDS ARROW WITH HOOK}", "Merged")
_MORE = "More in the thread."
_WEB_LINK = re.compile(r"https?://[^\s<>\"`]+")
# Room that stays free for a note: with or without one, the parts are cut at the same places and keep their keys.
_NOTE_ROOM = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The content of one Slack message.

    ``text`` is what a notification or a screen reader shows, ``blocks`` what the message shows, ``plain`` all of it as
    mere text for when Slack refuses the blocks. All three are escaped.
    """

    text: str
    blocks: tuple[dict[str, JsonValue], ...]
    plain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    block: dict[str, JsonValue]
    text: str

    @property
    def size(self) -> int:
        return len(self.text)


@dataclass(slots=True)
class _Room:
    """What one Slack message can still hold."""

    blocks: int = MAX_BLOCKS
    characters: int = MAX_TOTAL
    pieces: list[_Piece] = field(default_factory=list)

    def take(self, piece: _Piece) -> bool:
        """Put it in if it fits."""
        if self.blocks < 1 or self.characters < piece.size:
            return False
        self.blocks -= 1
        self.characters -= piece.size
        self.pieces.append(piece)
        return True


def escape(text: str) -> str:
    """What Slack would read as markup of its own, made harmless: a ``<!channel>`` in a log line must not page anybody.

    ``& < >`` are all that Slack asks to escape (docs.slack.dev/messaging/formatting-message-text). Marks for bold and
    italic stay: they cannot do more than look odd.
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def render(message: Message, *, thread: bool = False, note: str | None = None) -> tuple[Part, tuple[Part, ...]]:
    """The message itself, and what it has no room for, in order.

    :param thread: it is a reply in a thread: a bold line instead of a header.
    :param note: a sentence of ours about this delivery, shown on top of every part.
    """
    title = headline(message)
    room = _Room(characters=MAX_TOTAL - _NOTE_ROOM - len(_MORE), blocks=MAX_BLOCKS - 2)
    top = _section(f"*{escape(shorten(title, MAX_HEADER))}*") if thread else _header(title)
    footer = [_context(message.footer)] if message.footer else []
    for piece in (top, *footer):
        room.take(piece)

    late: list[_Piece] = []
    lead: list[_Piece] = []
    body: list[_Piece] = []
    links: list[_Piece] = []
    whole_title = [title] if len(escape(title)) > MAX_HEADER else []
    if message.mention:
        # As the configuration has it, in one of the few forms that it may have: escaped it would call nobody.
        _place([_section(message.mention)], room, lead, late)
    for text in (*whole_title, message.summary):
        if text.strip():
            _place(_paragraph("", text), room, lead, late)
    # Links before facts: they are short, and the way to all the rest.
    for pieces in _links(message.links):
        _place(pieces, room, links, late)
    for pieces in _facts(message.facts):
        _place(pieces, room, body, late)

    more = [_context(_MORE)] if late else []
    first = _part(_notification(message), [*_note(note), top, *lead, *body, *more, *links, *footer])
    return first, tuple(_thread_parts(title, late, note))


def headline(message: Message) -> str:
    """The title with its state in front: the colour of the sign and the word change when it is over."""
    if message.state is IncidentState.RESOLVED:
        sign, word = _RESOLVED
    elif message.state is IncidentState.MERGED:
        sign, word = _MERGED
    elif message.over:
        sign, word = _OVER
    else:
        sign, word = _SIGNS[message.severity]
    return f"{sign} {word}: {_one_line(message.title)}"


def _notification(message: Message) -> str:
    summary = f" ({_one_line(message.summary)})" if message.summary.strip() else ""
    return escape(shorten(headline(message) + summary, 400))


def _place(pieces: Sequence[_Piece], room: _Room, here: list[_Piece], late: list[_Piece]) -> None:
    """The first piece into the message if it fits, the others into the thread: one long fact must not push out all
    that come after it.
    """
    first, *rest = pieces
    if room.take(first):
        here.append(first)
        late.extend(rest)
    else:
        late.extend(pieces)


def _thread_parts(title: str, late: Sequence[_Piece], note: str | None) -> Iterable[Part]:
    top = _section(f"*More on* {escape(shorten(title, MAX_HEADER))}")
    waiting = list(late)
    while waiting:
        room = _Room(characters=MAX_TOTAL - _NOTE_ROOM, blocks=MAX_BLOCKS - 1)
        room.take(top)
        taken = 0
        while taken < len(waiting) and room.take(waiting[taken]):
            taken += 1
        del waiting[:taken]
        yield _part(escape(shorten(f"More on {title}", 400)), [*_note(note), *room.pieces])


def _part(text: str, pieces: Sequence[_Piece]) -> Part:
    return Part(text=text, blocks=tuple(p.block for p in pieces), plain="\n".join(p.text for p in pieces))


def _note(note: str | None) -> list[_Piece]:
    return [_context(note)] if note else []


# --- facts ---------------------------------------------------------------------------------------------------------


def _facts(facts: Sequence[tuple[str, str]]) -> Iterable[list[_Piece]]:
    """Each fact as one or more pieces; neighbours that are short share a block."""
    short: list[str] = []
    for label, text in facts:
        if _is_short(label, text):
            short.append(_labelled(label, escape(text.strip())))
            if len(short) < MAX_FIELDS:
                continue
            yield [_fields(short)]
            short = []
            continue
        if short:
            yield [_fields(short)]
            short = []
        yield _paragraph(label, text)
    if short:
        yield [_fields(short)]


def _is_short(label: str, text: str) -> bool:
    text = text.strip()
    return (
        0 < len(escape(text)) <= SHORT_FACT
        and len(label) <= SHORT_FACT
        and "\n" not in text
        and not is_quoted(label, text)
    )


def _paragraph(label: str, text: str) -> list[_Piece]:
    """One fact as sections, quoted machine text in code blocks."""
    quoted = is_quoted(label, text)
    label = shorten(_one_line(label), SHORT_FACT) if label else ""
    if quoted:
        # Slack knows no way to escape a back-tick, and three of them would end the block.
        text = text.replace("`", "\N{MODIFIER LETTER GRAVE ACCENT}")
    chunks = _split(text.strip("\n"), MAX_SECTION - 2 * SHORT_FACT * len("&amp;")) or ["-"]
    pieces = []
    for number, chunk in enumerate(chunks):
        name = f"{label} (continued)".lstrip() if number else label
        body = f"```\n{escape(chunk)}\n```" if quoted else escape(chunk)
        pieces.append(_section(_labelled(name, body)))
    return pieces


def _labelled(label: str, text: str) -> str:
    return f"*{escape(_one_line(label))}*\n{text}" if label else text


def _split(text: str, limit: int) -> list[str]:
    """The text in pieces that are at most ``limit`` long once escaped, cut at line ends where possible."""
    pieces: list[str] = []
    held: list[str] = []
    size = 0
    for line in (part for whole in text.split("\n") for part in _cut(whole, limit)):
        cost = len(escape(line)) + 1
        if held and size + cost > limit + 1:
            pieces.append("\n".join(held))
            held, size = [], 0
        held.append(line)
        size += cost
    pieces.append("\n".join(held))
    return [p for p in pieces if p.strip()]


def _cut(line: str, limit: int) -> Iterable[str]:
    """One line in pieces that are at most ``limit`` long once escaped."""
    if len(escape(line)) <= limit:
        yield line
        return
    begin = size = 0
    for at, character in enumerate(line):
        cost = len(escape(character))
        if size + cost > limit:
            yield line[begin:at]
            begin, size = at, 0
        size += cost
    yield line[begin:]


# --- links ---------------------------------------------------------------------------------------------------------


def _links(links: Sequence[tuple[str, str]]) -> Iterable[list[_Piece]]:
    """All links on as few lines as they need; what is no web address is shown, and not linked."""
    line = ""
    for label, url in links:
        # A URL may not hold what ends Slack's link markup.
        target = url.replace("|", "%7C").replace("&", "&amp;")
        link = f"<{target}|{escape(shorten(_one_line(label) or 'link', SHORT_FACT))}>"
        if _WEB_LINK.fullmatch(url) is None or len(link) > MAX_SECTION:
            yield _paragraph(label, url)
        elif line and len(line) + len(link) + 3 > MAX_SECTION:
            yield [_section(line)]
            line = link
        else:
            line = f"{line} · {link}" if line else link
    if line:
        yield [_section(line)]


# --- blocks --------------------------------------------------------------------------------------------------------


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _mrkdwn(text: str) -> dict[str, JsonValue]:
    # verbatim: otherwise Slack itself turns "@here", "#channel" and bare URLs of a log line into mentions and links.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _header(title: str) -> _Piece:
    text = shorten(title, MAX_HEADER)
    while len(escape(text)) > MAX_HEADER:
        text = shorten(text, len(text) - 1)
    text = escape(text)
    # emoji: without it Slack shows the sign's name between colons.
    return _Piece(block={"type": "header", "text": {"type": "plain_text", "text": text, "emoji": True}}, text=text)


def _section(text: str) -> _Piece:
    return _Piece(block={"type": "section", "text": _mrkdwn(text)}, text=text)


def _fields(texts: Sequence[str]) -> _Piece:
    if len(texts) == 1:  # alone, a field would have half the width
        return _section(texts[0])
    return _Piece(block={"type": "section", "fields": [_mrkdwn(t) for t in texts]}, text="\n".join(texts))


def _context(text: str) -> _Piece:
    text = escape(shorten(text, MAX_CONTEXT))
    return _Piece(block={"type": "context", "elements": [_mrkdwn(text)]}, text=text)
