"""The frames of the tracebacks that are open, and where in them an exception was raised."""

from __future__ import annotations

import re

from checks.logs.chains import Frame, enclosing
from checks.logs.signatures import Defect

_MAX_FRAMES = 400
_MAX_CODE = 500
_IMPORTS = ("import ", "from ")


class Stack:
    """Frames in the order in which they were printed, each with its source lines.

    ``mixed``: of several tracebacks at once, where nothing tells their executions apart.
    """

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.mixed = False
        self._codes: list[str] = []
        self._since_header = 0

    def __bool__(self) -> bool:
        """Whether there is any frame."""
        return bool(self.frames)

    def open(self) -> None:
        """A header was printed."""
        self._since_header = len(self.frames)

    def add(self, frame: Frame) -> None:
        """Take a frame; of very many those in the middle are dropped."""
        if len(self.frames) >= _MAX_FRAMES:
            del self.frames[20 : _MAX_FRAMES // 2], self._codes[20 : _MAX_FRAMES // 2]
            self._since_header = min(self._since_header, len(self.frames))
        self.frames.append(frame)
        self._codes.append("")

    def add_code(self, line: str, open_tracebacks: int) -> None:
        """Take a source line: of the last frame, or of the first that waits for one where several are mixed."""
        at = len(self._codes) - 1
        if self.mixed:
            latest = range(max(0, len(self._codes) - open_tracebacks), len(self._codes))
            at = next((one for one in latest if not self._codes[one]), at)
        self._codes[at] = (self._codes[at] + line)[:_MAX_CODE]

    def unparsed(self) -> str | None:
        """The file that could not be parsed, if the last frame is one: it is shown without a function, or (a file with
        null bytes) it is not shown and the last line is the import of it.
        """
        last = self._without_function()
        return last.file if last.function is None or self._codes[-1].lstrip().startswith(_IMPORTS) else None

    def _without_function(self) -> Frame:
        """The last frame, or where several are mixed the last one without a function."""
        last = self.frames[-1]
        if not self.mixed or last.function is None:
            return last
        return next((frame for frame in reversed(self.frames) if frame.function is None), last)

    def where(self, defect: Defect | None, *, mixed: bool) -> Frame:
        """The innermost frame of the application; where there is none, the innermost."""
        frames = self.frames
        if defect and defect.kind == "syntax":
            return self._without_function()
        if mixed and defect and defect.name:
            last = defect.name.rpartition(".")[2] if defect.kind != "missing-module" else defect.name
            word = re.compile(rf"(?<!\w){re.escape(last)}(?!\w)")
            for frame, code in zip(reversed(frames), reversed(self._codes), strict=True):
                if word.search(code) and not frame.is_library:
                    return frame
        for some in (frames[self._since_header :], frames):
            for at in range(len(some) - 1, -1, -1):
                if not some[at].is_library:
                    return enclosing(some, at)
        return frames[-1]
