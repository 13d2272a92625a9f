"""The console channel: what is printed, and how."""

from __future__ import annotations

import io
import os
import pty
from typing import Any

import pytest

from alerts.channels.console import ConsoleChannel
from alerts.model import Action, Dispatch, IncidentState, Message
from alerts.ports import Channel, DeliveryError
from checks.model import Severity
from tests.support.sending import dispatch, message

OUTAGE = Message(
    severity=Severity.CRITICAL,
    state=IncidentState.OPEN,
    title="phase3 of 25 January 2026 is incomplete",
    summary="Cause: NameError: name 'firestore' is not defined in phase3-to-phase4-orchestrator since 16:00 UTC",
    facts=(
        ("Since", "Sun 25 Jan 11:00 EST (16:00 UTC)"),
        ("Cause", "NameError: name 'firestore' is not defined\nrevision: phase3-to-phase4-orchestrator-00042-abc"),
        ("Log", "Traceback (most recent call last):\n  File main.py, line 7\n\nNameError: name 'firestore'"),
        ("A label of some length", "its text"),
        ("Next", "repair phase3-to-phase4-orchestrator and deploy it; then run what is still owed again"),
    ),
    links=(("Report", "http://127.0.0.1:8080/report"),),
    footer="incident #1",
)
ROOT = {"printed": True}


def printed(wanted: Dispatch, **options: Any) -> str:
    """What a send prints."""
    stream = io.StringIO()
    ConsoleChannel("console", stream, **options).send(wanted)
    return stream.getvalue()


def test_a_post_in_full() -> None:
    """Severity and title, facts in two columns, samples as they stand, all within 80 columns."""
    assert printed(dispatch(shown=OUTAGE)).split("\n") == [
        "CRITICAL phase3 of 25 January 2026 is incomplete",
        "  Cause: NameError: name 'firestore' is not defined in",
        "  phase3-to-phase4-orchestrator since 16:00 UTC",
        "  Since         Sun 25 Jan 11:00 EST (16:00 UTC)",
        "  Cause         NameError: name 'firestore' is not defined",
        "                revision: phase3-to-phase4-orchestrator-00042-abc",
        "  Log",
        "      Traceback (most recent call last):",
        "        File main.py, line 7",
        "",
        "      NameError: name 'firestore'",
        "  A label of some length",
        "                its text",
        "  Next          repair phase3-to-phase4-orchestrator and deploy it; then run",
        "                what is still owed again",
        "  Report: http://127.0.0.1:8080/report",
        "  (incident #1)",
        "",
        "",
    ]


def test_a_reply_reads_as_part_of_what_was_printed() -> None:
    """Set in, with its title and the number of its incident."""
    shown = message("phase4 is blocked", facts=(("Since", "Monday"),), footer="incident #7")
    assert printed(dispatch(Action.REPLY, shown, root=ROOT)).split("\n") == [
        "> CRITICAL phase4 is blocked",
        ">   Since  Monday",
        ">   (incident #7)",
        "",
        "",
    ]


def test_an_edit_prints_nothing_and_has_a_receipt() -> None:
    """What was printed cannot be changed; the reply tells what is new."""
    stream = io.StringIO()
    channel: Channel = ConsoleChannel("console", stream)
    assert channel.send(dispatch(Action.EDIT, root=ROOT)) == {"printed": False}
    assert channel.send(dispatch(Action.POST)) == {"printed": True}
    assert stream.getvalue() == "CRITICAL phase3 incomplete\n\n"


@pytest.mark.parametrize("action", [Action.EDIT, Action.REPLY])
def test_without_a_root_it_stands_alone(action: Action) -> None:
    """Nobody has seen anything of this incident yet."""
    assert printed(dispatch(action)) == "CRITICAL phase3 incomplete\n\n"


@pytest.mark.parametrize(
    ("state", "severity", "word"),
    [
        (IncidentState.OPEN, Severity.INFO, "INFO"),
        (IncidentState.OPEN, Severity.WARNING, "WARNING"),
        (IncidentState.RESOLVED, Severity.CRITICAL, "RESOLVED"),
        (IncidentState.MERGED, Severity.CRITICAL, "MERGED"),
    ],
)
def test_the_first_word_says_how_it_stands(state: IncidentState, severity: Severity, word: str) -> None:
    """Also without colours."""
    assert printed(dispatch(shown=message("x", state=state, severity=severity))) == f"{word} x\n\n"


def test_an_uncertain_dispatch_is_marked() -> None:
    """It may have been printed before."""
    assert printed(dispatch(uncertain=True)).split("\n") == [
        "CRITICAL phase3 incomplete",
        "  (may be a repetition: whether it was printed before is not known)",
        "",
        "",
    ]


def test_log_text_cannot_steer_the_terminal() -> None:
    """Escapes are gone wherever text stands; ours for colour are the only ones."""
    evil = "a\x1b[2Jb\x07\u202ec\x9b1A"
    shown = message(evil, summary=evil, facts=((evil, evil), ("Log", evil)), links=((evil, evil),), footer=evil)
    assert printed(dispatch(shown=shown), colour=True).split("\n") == [
        "\x1b[1;31mCRITICAL\x1b[0m abc",
        "  abc",
        "  abc  abc",
        "  Log",
        "      abc",
        "  abc: abc",
        "  (abc)",
        "",
        "",
    ]


def test_width_is_a_choice() -> None:
    """Prose is wrapped to it; a word that is longer stays whole, to be copied."""
    shown = message("x", facts=(("Next", "repair it and then deploy " + "a" * 50),))
    assert printed(dispatch(shown=shown), width=30).split("\n") == [
        "CRITICAL x",
        "  Next  repair it and then",
        "        deploy",
        "        " + "a" * 50,
        "",
        "",
    ]


def on_a_terminal(**options: Any) -> bytes:
    """What arrives at a real terminal."""
    ours, theirs = pty.openpty()
    try:
        with os.fdopen(theirs, "w", encoding="utf-8") as stream:
            ConsoleChannel("console", stream, **options).send(dispatch())
            return os.read(ours, 1000)
    finally:
        os.close(ours)


def test_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless its user does not want any, or the configuration says otherwise."""
    plain, coloured = b"CRITICAL phase3 incomplete\r\n\r\n", b"\x1b[1;31mCRITICAL\x1b[0m phase3 incomplete\r\n\r\n"
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert (on_a_terminal(), on_a_terminal(colour=False)) == (coloured, plain)
    monkeypatch.setenv("NO_COLOR", "1")
    assert (on_a_terminal(), on_a_terminal(colour=True)) == (plain, coloured)


def test_a_terminal_without_the_letters_gets_them_escaped() -> None:
    """Nothing is left unsaid for an encoding."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, "ascii")
    ConsoleChannel("console", stream).send(dispatch(shown=message("naïve ✅")))
    assert raw.getvalue() == b"CRITICAL na\\xefve \\u2705\n\n"


def test_a_closed_stream_is_a_delivery_error() -> None:
    """It may be open again after a restart: not permanent, and certain."""
    stream = io.StringIO()
    channel = ConsoleChannel("console", stream)
    stream.close()
    with pytest.raises(DeliveryError, match="the console cannot be written to: ValueError") as caught:
        channel.send(dispatch())
    assert (caught.value.permanent, caught.value.uncertain) == (False, False)


def test_a_broken_pipe_is_a_delivery_error() -> None:
    """Whoever read our output is gone."""
    reading, writing = os.pipe()
    os.close(reading)
    stream = os.fdopen(writing, "w", encoding="utf-8")
    with pytest.raises(DeliveryError, match="the console cannot be written to: BrokenPipeError"):
        ConsoleChannel("console", stream).send(dispatch())
    with pytest.raises(BrokenPipeError):
        stream.close()
