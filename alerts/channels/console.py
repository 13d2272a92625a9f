"""Messages on a terminal, or in whatever a stream ends in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TextIO

from alerts.messages.plain import WIDTH, render
from alerts.model import Action, Dispatch
from alerts.ports import DeliveryError
from checks.model import JsonValue


class ConsoleChannel:
    """Writes each POST in full and each REPLY as a short follow-up; an EDIT writes nothing, for a line that was printed
    cannot be changed and the reply that comes with it says what is new.

    A dispatch that is ``uncertain`` says that it may be a repetition. The receipt tells whether anything was printed.

    :param colour: None means: if the stream is a terminal and ``NO_COLOR`` is not set (no-color.org).
    :param width: columns; None means 80. Quoted machine text is never wrapped.
    """

    can: frozenset[str] = frozenset()

    def __init__(self, name: str, stream: TextIO, *, colour: bool | None = None, width: int | None = None) -> None:
        self.name = name
        self._stream = stream
        self._colour = _wants_colour(stream) if colour is None else colour
        self._width = width or WIDTH

    def send(self, dispatch: Dispatch) -> Mapping[str, JsonValue]:
        """Print one dispatch.

        :raises DeliveryError: if the stream is closed or nobody reads it any more.
        """
        # An edit without a root message stands alone: then it is the first that anybody sees of the incident.
        if dispatch.action is Action.EDIT and dispatch.root is not None:
            return {"printed": False}
        short = dispatch.action is Action.REPLY and dispatch.root is not None
        text = render(
            dispatch.message, width=self._width, colour=self._colour, short=short, repeated=dispatch.uncertain
        )
        # A terminal that knows no umlauts shows them escaped; that is no reason to say nothing.
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        try:
            self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
            self._stream.flush()
        except (OSError, ValueError) as error:  # ValueError: the stream was closed
            raise DeliveryError(f"the console cannot be written to: {type(error).__name__}") from error
        return {"printed": True}

    def withdraw(self, receipt: Mapping[str, JsonValue]) -> bool:
        """A line that was printed stays."""
        del receipt
        return False


def _wants_colour(stream: TextIO) -> bool:
    return not os.environ.get("NO_COLOR") and stream.isatty()
