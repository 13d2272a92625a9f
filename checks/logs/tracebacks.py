"""Lines of one log stream -> chains of raised exceptions and lone lines that speak of one.

The parser is a small state machine that is fed line by line, so that it does not matter how a traceback is spread
over entries. It never needs the header: frames without one, and an exception line without frames, still count.
Where two tracebacks are mixed and nothing tells their executions apart, the frame whose source line contains the
missing name is taken.

Rules (README of tests/data/logs): the root of ``raise X from exc`` is the failure; of ``During handling of ...`` the
last watched one; every member of an exception group is a chain of its own.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import replace

from checks.logs import carriers
from checks.logs.chains import (
    CLASS_LIKE,
    KEEP_LINES,
    RAISED,
    Chain,
    Frame,
    Mention,
    Opening,
    Raised,
    ends_traceback,
    frame_of,
)
from checks.logs.entry import LEVELS, Entry
from checks.logs.margins import ESCAPED, Boxes, indent_of, prefix_of, unescaped
from checks.logs.mentions import mentions_of
from checks.logs.payload import CAUSE, CONTEXT
from checks.logs.signatures import Defect, defect_of, is_watched, last_name, said
from checks.logs.stack import Stack
from checks.logs.triggers import ANSI

HEADER = "Traceback (most recent call last)"
MILLISECOND = 1_000_000
_SECOND = 1_000 * MILLISECOND
STALE = 5 * _SECOND  # frames that wait longer for their exception line belong to nothing
CARRIED_WITHIN = 10 * MILLISECOND  # gen1 stamps milliseconds
NOTE_WITHIN = MILLISECOND
_MAX_LINES = 20_000
_MAX_LINE = 8_000
_MAX_FRAMES = 400
_MARGIN = re.compile(r" {0,80}(?:\| ?|\+ (?=Exception Group ))")
_RULE = re.compile(r" {0,80}\+[-+]{6,300}(?P<number> (?:\d{1,5}|\.\.\.) -{4,300})?$")
# A process pool's frame around the real one; a heading.
_NO_CARRIER = re.compile(r".{0,80}RemoteTraceback|(?i:(?:full )?(?:stack ?trace|traceback|details)):$")
_MISSING = {"missing-module", "native-library"}
_STACK_HEADER = re.compile(r"(?:Stack \(most recent call last\)|Call stack|Current thread|Thread 0x)")
_FOREIGN_STACK = re.compile(r"\s+at [\w$<.\[(/]")


class StreamParser:
    """Feed the entries of one stream in order; ``events`` grows by what they hold."""

    def __init__(self) -> None:
        self.events: list[Chain | Mention] = []
        self._openings: deque[Opening] = deque(maxlen=50)
        self._stack = Stack()
        self._pending: list[Entry] = []
        self._chain: Chain | None = None
        self._link: str | None = None
        self._group = False
        self._boxes = Boxes()
        self._group_opening = Opening("", None, own_entry=False)
        self._indent = ""
        self._prefix: re.Pattern[str] | None = None
        self._call_stack = False
        self._notes = False
        self._previous = ""
        self._previous_entry: Entry | None = None
        self._levelled: tuple[str, Entry] | None = None  # the last line that stated a level
        self._entry_level: int | None = None
        self._closed_at = -_SECOND
        self._halfway: tuple[str, Entry] | None = None
        self._last_nanos = 0
        self._lines: deque[str] = deque(maxlen=KEEP_LINES)

    @property
    def pending(self) -> list[Entry]:
        """The entries of a traceback whose exception line has not come yet."""
        return self._pending

    def feed(self, entry: Entry) -> None:
        """Read one entry; entries come in the order in which they were written."""
        if entry.nanos - self._last_nanos > STALE:
            self._forget()
        self._last_nanos = entry.nanos
        self._notes = False
        self._entry_level = entry.level
        text = unescaped(entry.text) if ESCAPED in entry.text else entry.text
        lines = text.split("\n", _MAX_LINES)[:_MAX_LINES]
        for text in lines:
            self._line(text[:_MAX_LINE], entry)

    def close(self) -> None:
        """No more lines will come."""
        self._finish_chain()

    # -- one line ---------------------------------------------------------------------------------------------

    def _line(self, text: str, entry: Entry) -> None:  # noqa: PLR0911 - one return for each kind of line
        line = self._bare((ANSI.sub("", text) if "\x1b" in text else text).rstrip())
        if not line:
            return
        line = self._without_prefix(line, entry)
        at = line.find(HEADER)
        if at >= 0 and not (line[0] in " \t" and "(" in line[:at]) and line[at - 1 : at] not in {'"', "'"}:
            self._header(line[:at], entry)
            self._keep(line, entry)
            return
        frame = frame_of(line)
        if frame:
            self._frame(frame, line, entry)
            return
        if self._call_stack and line[0] in " \t":
            return
        self._call_stack = False
        if line.startswith((CAUSE[:36], CONTEXT[:33])):
            self._link = "cause" if line.startswith(CAUSE[:36]) else "context"
            self._notes = False
            self._revive(entry)
            return
        if _STACK_HEADER.match(line):
            self._call_stack = True
            return
        if line[0] in " \t":
            self._indented(line, entry)
            return
        self._flush_left(line, entry)

    def _bare(self, line: str) -> str:
        """A line without what an exception group draws around it; empty if that is all."""
        if line and (self._boxes or line[0] == "\u256d"):
            line, edge = self._boxes.inside(line)
            if edge:
                self._boxed_member()
        if line and line[0] in " +|":
            if "+" not in line and "|" not in line:  # nearly always
                return line
            rule = _RULE.match(line)
            if rule:
                self._member(last=rule.group("number") is None)
                return ""
            return self._without_margin(line)
        if line and not self._boxes:
            self._group = False
        return line

    def _without_margin(self, line: str) -> str:
        margin = _MARGIN.match(line)
        if not margin:
            return line
        rest = line[margin.end() :]
        if self._group or HEADER in rest or frame_of(rest) or is_watched(rest.partition(":")[0]):
            self._group = True
            return rest
        return line

    def _without_prefix(self, line: str, entry: Entry) -> str:
        """The line without what stood before the header, if it is a line of a traceback then."""
        if self._indent and line.startswith(self._indent):
            line = line[len(self._indent) :]
        found = self._prefix.match(line) if self._prefix is not None else None
        if not found:
            return line
        rest = line[found.end() :]
        raised = RAISED.match(rest) if self._stack else None
        if rest and rest[0] not in " \t" and not rest.startswith((HEADER, CAUSE[:36], CONTEXT[:33])):
            return rest if raised and ends_traceback(raised, inside=self._inside(entry)) else line
        if self._openings and self._openings[-1].level is None:
            self._openings[-1].carrier = ""  # it is a margin, and tells nothing of who logged this
            self._openings[-1].own_entry = False
        return rest or " "

    def _member(self, *, last: bool) -> None:
        """A rule inside an exception group: what follows is a chain of its own, or the group is over."""
        self._finish_chain()
        self._drop_frames()
        self._notes = False
        self._group = not last or self._group

    def _boxed_member(self) -> None:
        """The edge of a box around a member of a group. Before the first one the group's own traceback was printed."""
        if self._chain is not None and not self._group:
            self._group_opening = Opening(
                self._chain.carrier, self._chain.carrier_level, own_entry=self._chain.own_entry_carrier
            )
        self._member(last=not self._boxes)

    def _header(self, prefix: str, entry: Entry) -> None:
        self._notes = self._call_stack = False
        self._halfway = None
        self._indent = indent_of(prefix)
        if prefix.strip() or self._prefix is None or not self._stack:
            self._prefix = prefix_of(prefix)
        words = prefix.strip(" +|\t─╭")
        opens_group = words.endswith("Exception Group")
        words = words.removesuffix("Exception Group").rstrip(" +")
        if words.isidentifier() and CLASS_LIKE.match(words):  # IPython's heading: the class stands before it
            words = ""
        quoted = self._quotes(words)
        if quoted is not None:
            words, opens_group = "", False
        elif self._openings and (self._stack or self._pending):
            self._stack.mixed = True
        else:
            self._drop_frames()
        self._stack.open()
        if self._chain is not None and self._link is None:
            self._finish_chain()
        opening = quoted or self._opening(words, entry)
        if opens_group:
            self._group, self._group_opening = True, opening
        elif self._group:  # whoever carried the group carried its members
            opening = replace(self._group_opening, entry=entry)
        self._openings.append(opening)

    def _quotes(self, words: str) -> Opening | None:
        """How the open traceback was introduced, if it ends here with an exception whose message is a traceback."""
        raised = RAISED.match(words) if self._openings and self._stack and words.endswith(":") else None
        return self._openings.pop() if raised and CLASS_LIKE.match(last_name(raised.group(1))[1]) else None

    def _opening(self, words: str, entry: Entry) -> Opening:
        if words:
            answer = carriers.is_answer(words)
            return Opening(words, carriers.level_in(words + " "), own_entry=True, entry=entry, quoted=answer)
        before, held_by = self._previous, self._previous_entry
        if self._levelled and before and carriers.level_in(before) is None and not carriers.is_framework(before):
            before, held_by = self._levelled  # a message of several lines
        if not before or held_by is None or entry.nanos - held_by.nanos > CARRIED_WITHIN:
            return Opening("", None, own_entry=False, entry=entry)
        return Opening(before, carriers.level_in(before), own_entry=held_by is entry, entry=entry)

    def _frame(self, frame: Frame, line: str, entry: Entry) -> None:
        if self._call_stack or self._notes:
            return
        self._stack.add(frame)
        self._keep(line, entry)

    def _indented(self, line: str, entry: Entry) -> None:
        if self._stack and not self._notes:
            if line.strip(" ~^"):
                self._stack.add_code(line, len(self._openings))
            self._keep(line, entry)
        elif self.events and _FOREIGN_STACK.match(line):
            self._foreign()

    def _flush_left(self, line: str, entry: Entry) -> None:
        stated = carriers.level_in(line)
        if self._notes and stated is None and not line.startswith("___"):  # pytest's rule around a test's name
            return
        if self._halfway and self._completes(line, entry):
            return
        if self._stack or self._openings:
            raised = RAISED.match(line)
            if raised and ends_traceback(raised, inside=self._inside(entry)):
                self._raise(raised.group(1), raised.group(2) or "", line, entry)
                return
        self._notes = False
        if stated is not None and (
            entry.level is None or (not entry.logged and carriers.played_down(line, entry.level))
        ):
            self._entry_level = stated
        self._lone(line, entry)
        if line.strip('"-=*#_~') and not _NO_CARRIER.match(line):
            self._previous, self._previous_entry = line, entry
            if stated is not None:
                self._levelled = line, entry

    # -- exceptions -------------------------------------------------------------------------------------------

    def _inside(self, entry: Entry) -> bool:
        return bool(self._pending) and self._pending[-1] is entry

    def _raise(self, exception: str, message: str, line: str, entry: Entry) -> None:
        self._keep(line, entry)
        stack = self._stack
        wrong = stack.unparsed() if stack else None
        defect = defect_of(exception, message, in_traceback=True, syntax_file=wrong)
        opening = Opening("", None, own_entry=False)
        mixed = stack.mixed
        if self._openings:
            mixed = mixed and self._openings[-1].entry is not entry
            opening = self._openings.popleft() if mixed else self._openings.pop()
        where = stack.where(defect, mixed=mixed) if stack else None
        one = Raised(exception=exception, message=message, defect=defect, frames=tuple(stack.frames), where=where)
        if self._chain is not None and self._link is None:
            self._finish_chain()
        if self._chain is None:
            self._chain = Chain(opening.carrier, opening.level, opening.own_entry, opening.quoted)
        elif self._chain.raised:
            self._chain.causes.append(self._link == "cause")
        self._link = None
        self._chain.raised.append(one)
        self._chain.entries += [held for held in self._pending if held not in self._chain.entries[-2:]]
        self._chain.sample.extend(self._lines)
        self._lines.clear()
        self._halfway = (exception, entry) if line == exception and is_watched(exception) else None
        if not self._openings:
            self._drop_frames()
        self._pending = []
        self._notes = True
        self._previous, self._previous_entry, self._levelled = "", None, None
        self._closed_at = entry.nanos
        self._indent = ""

    def _completes(self, line: str, entry: Entry) -> bool:
        """An uncaught exception is written in pieces (class, ``: ``, message) where every write is an entry."""
        assert self._halfway is not None  # noqa: S101 - asked by the caller; for the type checker
        exception, held_by = self._halfway
        if entry is held_by or entry.nanos - held_by.nanos > CARRIED_WITHIN:
            self._halfway = None
            return False
        if line == ":":
            return True
        self._halfway = None
        message = line.removeprefix(": ")
        chain = self._chain
        if chain is None or not chain.raised or said(message) is None:
            return False
        old = chain.raised[-1]
        defect = defect_of(exception, message, in_traceback=True)
        if defect is None:
            return False
        chain.raised[-1] = Raised(
            exception=exception, message=message, defect=defect, frames=old.frames, where=old.where
        )
        chain.entries.append(entry)
        chain.sample.append(line)
        self._notes = True
        return True

    def _lone(self, line: str, entry: Entry) -> None:
        """A line outside of any traceback: an exception line whose traceback is lost, or a message that names one."""
        level = self._entry_level
        raised = RAISED.match(line)
        if raised and is_watched(raised.group(1)):
            if self._link is None and 0 <= entry.nanos - self._closed_at <= NOTE_WITHIN and self._chain is not None:
                self._chain.notes.append(entry)  # of the exception just printed, or its message's next line
                return
            defect = defect_of(raised.group(1), raised.group(2) or "", in_traceback=False)
            if defect and (level is None or level >= LEVELS["ERROR"]):
                self.events.append(Mention(defect, line, "", level, entry))
            return
        for defect, lead in mentions_of(line, level):
            if self._explains(defect, entry):
                continue
            self.events.append(Mention(defect, line, lead, level, entry))

    def _explains(self, defect: Defect, entry: Entry) -> bool:
        """Whether a line belongs to the long message of the import just printed (``Original error was: ...``)."""
        last = self._chain.raised[-1].defect if self._chain is not None and self._chain.raised else None
        same = last is not None and last.name is None and {last.kind, defect.kind} <= _MISSING
        if self._chain is None or not same or not 0 <= entry.nanos - self._closed_at <= NOTE_WITHIN:
            return False
        self._chain.notes.append(entry)
        return True

    # -- bookkeeping ------------------------------------------------------------------------------------------

    def _keep(self, line: str, entry: Entry) -> None:
        self._lines.append(line[:500])
        if not self._pending or self._pending[-1] is not entry:
            if len(self._pending) >= 4 * _MAX_FRAMES:
                del self._pending[10:_MAX_FRAMES]
            self._pending.append(entry)

    def _foreign(self) -> None:
        """``at f (file.js:1:2)`` after a message: another language's stack."""
        for last in self.events[-2:]:
            if isinstance(last, Mention) and last.text == self._previous:
                last.foreign = True

    def _drop_frames(self) -> None:
        self._stack = Stack()
        self._lines.clear()
        self._pending = []

    def _forget(self) -> None:
        """All but ``events``, ``_last_nanos`` and ``_closed_at``: ``bursts`` relies on it."""
        self._finish_chain()
        self._call_stack = False
        self._drop_frames()
        self._openings.clear()
        self._previous, self._previous_entry, self._levelled = "", None, None
        self._group = False
        self._boxes = Boxes()
        self._indent = ""
        self._prefix = None

    def _revive(self, entry: Entry) -> None:
        """An exception line whose traceback is lost turns out to be the beginning of a chain."""
        last = self.events[-1] if self.events else None
        if self._chain is not None or not isinstance(last, Mention) or last.text != self._previous or last.lead:
            return
        if entry.nanos - last.entry.nanos > CARRIED_WITHIN:
            return
        exception, _, message = last.text.partition(": ")
        one = Raised(exception=exception, message=message, defect=last.defect, frames=(), where=None)
        self._chain = Chain(raised=[one], entries=[last.entry])
        self._chain.sample.append(last.text[:500])
        self.events.pop()

    def _finish_chain(self) -> None:
        if self._chain is not None:
            self.events.append(self._chain)
        self._chain, self._link, self._halfway = None, None, None
