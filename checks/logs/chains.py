"""What is read from the lines of a log: frames, exceptions, chains of exceptions, and lone lines that speak of one."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from functools import lru_cache

from checks.logs.entry import LEVELS, Entry
from checks.logs.signatures import Defect, is_watched, last_name

KEEP_LINES = 24
_FRAME = re.compile(r'\s{0,80}(?:> ?)?File "([^"\n]{1,1000})", line (\d{1,9})(?:, in (\S.{0,300}))?$')
_BOXED_FRAME = re.compile(r"\s{0,80}[│|] ?(\S[^│|\n]{0,400}?):(\d{1,9}) in (\S{1,200})")  # rich
_NOTEBOOK = ("File ", "Cell In[")
_NOTEBOOK_FRAME = re.compile(  # IPython
    r"(?:File (?P<file>[^\s\"]\S{0,500}?):|(?P<cell>Cell In\[\d{1,6}\]), line )(?P<line>\d{1,9})"
    r"(?:, in (?P<in>[\w.<>]{1,200}).*)?$"
)
RAISED = re.compile(r"((?:[^\W\d]\w{0,150}|<\w{1,60}>)(?:\.(?:[^\W\d]\w{0,150}|<\w{1,60}>)){0,30})(?::(?: (.*))?)?$")
CLASS_LIKE = re.compile(r"(?:[A-Z][a-z0-9]+){2,}$|.*(?:Error|Exception|Warning|Exit|Interrupt|Group|Timeout)$")
_COMPREHENSIONS = frozenset(("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"))
_LIBRARY = re.compile(
    r"^<|(?:^|/)(?:site|dist)-packages/|/lib(?:64)?/python\d[\d.]*/|^/layers/|/python\d+\.zip/|/s?bin/[^/.]+$|^/usr/lib/"
    r"|/(?:\.dependencies|\.python_packages|__pypackages__)/|(?:^|/)lib/python\d[\d.]*/|^importlib/|^/opt/python\d?[\d.]*/lib/"
)


@dataclass(frozen=True, slots=True)
class Frame:
    """One ``File ...`` line; ``function`` is None where none is printed (code that cannot be parsed)."""

    file: str
    line: int
    function: str | None

    @property
    def is_library(self) -> bool:
        """Of the interpreter, of the standard library or of an installed package."""
        return _is_library(self.file)


@lru_cache(maxsize=4096)
def frame_of(line: str) -> Frame | None:
    """The frame that a line shows, if it does; storms repeat the same few."""
    found = _FRAME.match(line) or _BOXED_FRAME.match(line)
    if found:
        return Frame(found.group(1), int(found.group(2)), found.group(3))
    found = _NOTEBOOK_FRAME.match(line) if line.startswith(_NOTEBOOK) else None
    return Frame(found["file"] or found["cell"], int(found["line"]), found["in"] or "<module>") if found else None


@lru_cache(maxsize=1024)
def _is_library(file: str) -> bool:
    return _LIBRARY.search(file.replace("\\", "/")) is not None


def ends_traceback(raised: re.Match[str], *, inside: bool) -> bool:
    """Whether a line that looks like ``Class: message`` (``RAISED``) is the last one of the open traceback.

    :param inside: it stands in the same entry as the lines before it.
    """
    name = last_name(raised.group(1))[1]
    if name.upper() in LEVELS or name == "NOTE":
        return False
    return inside or bool(CLASS_LIKE.match(name)) or "." in raised.group(1) or is_watched(raised.group(1))


def enclosing(frames: list[Frame], at: int) -> Frame:
    """The frame, under the name of the function around it if it is that of a comprehension."""
    frame = frames[at]
    for outer in reversed(frames[:at]):
        if frame.function not in _COMPREHENSIONS or outer.file != frame.file:
            break
        frame = Frame(frame.file, frame.line, outer.function)
    return frame


@dataclass(slots=True)
class Opening:
    """What a header found before it; ``quoted`` as in ``Chain``."""

    carrier: str
    level: int | None
    own_entry: bool
    entry: Entry | None = None
    quoted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """One traceback up to its exception line. ``where`` is the innermost frame of the application."""

    exception: str
    message: str
    defect: Defect | None
    frames: tuple[Frame, ...]
    where: Frame | None


@dataclass(slots=True)
class Chain:
    """Exceptions that were raised from one another or while one another was handled, the oldest first.

    ``carrier`` is the line that introduced the first of them, empty if none did; ``carrier_level`` its level;
    ``entries`` those that hold it; ``notes``: further ones, whose lines belong to its last message.
    ``quoted``: words on the same line introduced it as the answer of another service.
    """

    carrier: str = ""
    carrier_level: int | None = None
    own_entry_carrier: bool = False
    quoted: bool = False
    raised: list[Raised] = field(default_factory=list)
    causes: list[bool] = field(default_factory=list)  # for each but the first: raised *from* the one before
    entries: list[Entry] = field(default_factory=list)
    notes: list[Entry] = field(default_factory=list)
    sample: deque[str] = field(default_factory=lambda: deque(maxlen=KEEP_LINES))

    def failure(self) -> Raised | None:
        """The one that has to be repaired: of each ``from`` chain the root, and of these the last watched one."""
        return next((one for one in reversed(self._roots()) if one.defect), None)

    def error(self) -> Raised | None:
        """The same of a chain in which nothing is watched: the last root that has frames."""
        return next((one for one in reversed(self._roots()) if one.frames), None)

    def _roots(self) -> list[Raised]:
        return [one for number, one in enumerate(self.raised) if number == 0 or not self.causes[number - 1]]


@dataclass(slots=True)
class Mention:
    """A line that names a failure without a traceback. ``text`` is the line, ``lead`` the words before the message."""

    defect: Defect
    text: str
    lead: str
    level: int | None
    entry: Entry
    foreign: bool = False
