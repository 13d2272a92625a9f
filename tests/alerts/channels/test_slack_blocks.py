"""Messages as Slack blocks: what they say, what they escape, and that they fit."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.channels.slack.blocks import Part, escape, headline, render
from alerts.model import IncidentState, Message
from checks.model import Severity
from tests.support.slack_blocks import content, plain_lines

OUTAGE = Message(
    severity=Severity.CRITICAL,
    state=IncidentState.OPEN,
    title="phase3 of 25 January 2026 is incomplete",
    summary="Cause: NameError in phase3-to-phase4-orchestrator",
    facts=(
        ("Since", "Sun 25 Jan 11:00 EST (16:00 UTC)"),
        ("Revision", "00042-abc"),
        ("Cause", "NameError: name 'firestore' is not defined\nrevision: 00042-abc"),
        ("Log", "Traceback (most recent call last):\n  File main.py\nNameError: name 'firestore' is not defined"),
        ("Next", "repair phase3-to-phase4-orchestrator and deploy it"),
    ),
    links=(("Logs", "https://console.cloud.google.com/logs?a=1&b=2"), ("Report", "http://127.0.0.1:8080/report")),
    footer="incident #1",
)


def message(**changes: Any) -> Message:
    """A message of little text."""
    fields = {"severity": Severity.WARNING, "state": IncidentState.OPEN, "title": "a title", "summary": ""} | changes
    return Message(**fields)


def lines(part: Part) -> list[str]:
    """What a person reads in a part."""
    return plain_lines(part.text, [dict(block) for block in part.blocks])


def test_a_whole_message() -> None:
    """Header with sign and state, facts in their order, samples as code, links, footer; the same as mere text."""
    first, rest = render(OUTAGE)
    assert [block["type"] for block in first.blocks] == ["header"] + ["section"] * 6 + ["context"]
    assert rest == ()
    assert lines(first) == [
        "🔴 Critical: phase3 of 25 January 2026 is incomplete",
        "Cause: NameError in phase3-to-phase4-orchestrator",
        "Since: Sun 25 Jan 11:00 EST (16:00 UTC)",
        "Revision: 00042-abc",
        "Cause: NameError: name 'firestore' is not defined",
        "revision: 00042-abc",
        "Log:",
        "  Traceback (most recent call last):",
        "    File main.py",
        "  NameError: name 'firestore' is not defined",
        "Next: repair phase3-to-phase4-orchestrator and deploy it",
        "Logs (https://console.cloud.google.com/logs?a=1&b=2) · Report (http://127.0.0.1:8080/report)",
        "incident #1",
    ]
    assert plain_lines(first.plain, [])[0] == "🔴 Critical: phase3 of 25 January 2026 is incomplete"
    assert first.text == (
        "🔴 Critical: phase3 of 25 January 2026 is incomplete (Cause: NameError in phase3-to-phase4-orchestrator)"
    )


def test_short_neighbours_share_a_block() -> None:
    """Short facts stand side by side, ten to a block, and keep their order."""
    facts = tuple((f"n{n}", str(n)) for n in range(12))
    first, _ = render(message(facts=facts))
    grouped: list[Any] = [block["fields"] for block in first.blocks if "fields" in block]
    assert [len(fields) for fields in grouped] == [10, 2]
    assert lines(first)[1:] == [f"n{n}: {n}" for n in range(12)]


@pytest.mark.parametrize(
    ("state", "severity", "shown"),
    [
        (IncidentState.OPEN, Severity.CRITICAL, "🔴 Critical: a title"),
        (IncidentState.OPEN, Severity.WARNING, "🟠 Warning: a title"),
        (IncidentState.OPEN, Severity.INFO, "🔵 Info: a title"),
        (IncidentState.RESOLVED, Severity.CRITICAL, "✅ Resolved: a title"),
        (IncidentState.MERGED, Severity.CRITICAL, "↩ Merged: a title"),
    ],
)
def test_state_changes_sign_and_title(state: IncidentState, severity: Severity, shown: str) -> None:
    """The channel view itself says whether it is over."""
    assert headline(message(state=state, severity=severity)) == shown
    assert lines(render(message(state=state, severity=severity))[0]) == [shown]


def test_a_reply_has_no_header() -> None:
    """In a thread the title is a bold line."""
    first, _ = render(message(), thread=True)
    assert first.blocks == (
        {"type": "section", "text": {"type": "mrkdwn", "text": "*🟠 Warning: a title*", "verbatim": True}},
    )


HOSTILE = "<!channel> <!here|x> <@U012345> <#C012345> <http://evil|ok> <!subteam^S1> & &lt;!channel&gt;"


def test_log_text_can_neither_page_nor_link() -> None:
    """Nothing from outside reaches Slack as markup, wherever it stands."""
    hostile = message(
        title=HOSTILE,
        summary=HOSTILE,
        facts=((HOSTILE, HOSTILE), ("Log", HOSTILE), ("x", "<!here>")),
        links=((HOSTILE, "https://ok.example/?q=|<!channel>"), ("ok", "https://ok.example/a|b?c&d")),
        footer=HOSTILE,
    )
    for part in (render(hostile)[0], render(hostile, thread=True)[0], *render(hostile)[1]):
        texts = [text for block in part.blocks for text in texts_of(block)] + [part.text, part.plain]
        marked = [text.replace("<https://ok.example/a%7Cb?c&amp;d|ok>", "") for text in texts]
        assert [text for text in marked if "<" in text or ">" in text] == []
        assert all(about.get("verbatim", True) for block in part.blocks for about in objects_of(block))


def test_back_ticks_cannot_end_a_code_block() -> None:
    """A sample with back-ticks stays inside its block."""
    first, _ = render(message(facts=(("Log", "before\n```\n*bold* <!here>\n```\nafter `x`"),)))
    (text,) = texts_of(first.blocks[1])
    assert text.count("`") == 6
    assert text.endswith("after \N{MODIFIER LETTER GRAVE ACCENT}x\N{MODIFIER LETTER GRAVE ACCENT}\n```")


def test_verbatim_keeps_slack_from_reading_names() -> None:
    """Without it Slack makes "@here" and "#general" of a log line into a mention and a link."""
    first, _ = render(message(summary="@here #general", facts=(("a", "@here"),), footer="@here"))
    mrkdwn = [about for block in first.blocks for about in objects_of(block) if about["type"] == "mrkdwn"]
    assert [about["verbatim"] for about in mrkdwn] == [True, True, True]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "file:///etc/passwd", "https://a b", "https://a>b", ""])
def test_what_is_no_web_address_is_shown_and_not_linked(url: str) -> None:
    """Only http and https become links."""
    first, _ = render(message(links=(("Logs", url),)))
    assert lines(first)[1:] == [f"Logs: {url or '-'}"]


def test_a_title_too_long_for_a_header_is_said_in_full() -> None:
    """The header is cut, and the whole title follows."""
    title = "phase " * 60
    first, rest = render(message(title=title))
    assert (len(lines(first)[0]), rest) == (149, ())
    assert lines(first)[1] == f"🟠 Warning: {title.strip()}"


def test_one_long_fact_does_not_push_out_what_follows() -> None:
    """Its end goes to the thread; the next step stays in sight."""
    log = "\n".join(f"line {n} of a long traceback" for n in range(400))
    first, rest = render(message(facts=(("Log", log), ("Next", "deploy it")), footer="incident #1"))
    assert lines(first)[-3:] == ["Next: deploy it", "More in the thread.", "incident #1"]
    assert lines(rest[0])[:2] == ["More on 🟠 Warning: a title", "Log (continued):"]
    shown = [line.strip() for part in (first, *rest) for line in lines(part)]
    assert [line for line in shown if line.startswith("line ")] == log.split("\n")


def test_a_note_changes_no_part() -> None:
    """With a note on top each part still holds the same, so that its key means the same."""
    big = message(facts=tuple((f"fact {n}", f"word{n} " * 300) for n in range(20)))
    first, rest = render(big)
    marked, marked_rest = render(big, note="may repeat")
    assert lines(marked) == ["may repeat", *lines(first)]
    assert [lines(part) for part in marked_rest] == [["may repeat", *lines(part)] for part in rest]


words = st.text(st.sampled_from('ab<&>`*_ \n😀"'), max_size=4000)


@given(
    title=words,
    summary=words,
    facts=st.lists(st.tuples(st.sampled_from(["Since", "Log", "", "<" * 99]), words), max_size=70),
    links=st.lists(st.tuples(words, st.text("ab&|/", max_size=3000).map("https://x/".__add__)), max_size=4),
    thread=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_everything_fits_and_nothing_is_lost(
    title: str, summary: str, facts: list[tuple[str, str]], links: list[tuple[str, str]], thread: bool
) -> None:
    """Every part is one that Slack takes, and all letters of all facts are in some part."""
    whole = message(title=title, summary=summary, facts=tuple(facts), links=tuple(links), footer=summary)
    first, rest = render(whole, thread=thread, note="may repeat")
    for part in (first, *rest):
        content({"text": part.text, "blocks": list(part.blocks)})
        assert len(part.plain) < 12_000
    everything = "".join(text for part in (first, *rest) for block in part.blocks for text in texts_of(block))
    for name in "ab":
        wanted = sum(text.count(name) for _, text in facts)
        assert everything.count(name) >= wanted


def test_escaping() -> None:
    """The three characters that Slack reads as markup of its own."""
    assert escape("a<b>&amp;") == "a&lt;b&gt;&amp;amp;"


def objects_of(block: Any) -> list[dict[str, Any]]:
    """The text objects of a block."""
    return [about for about in [block.get("text"), *block.get("fields", []), *block.get("elements", [])] if about]


def texts_of(block: Any) -> list[str]:
    """The texts of a block."""
    return [about["text"] for about in objects_of(block)]


def test_a_mention_of_the_configuration_calls_somebody_and_one_from_a_log_nobody() -> None:
    """Only the first stands as Slack wants it."""
    told = Message(
        severity=Severity.CRITICAL,
        state=IncidentState.OPEN,
        title="<!channel> in a title",
        summary="<!channel> in a summary",
        mention="<!here>",
    )
    first, _ = render(told)
    texts = [str(block) for block in first.blocks]
    assert sum("<!here>" in text for text in texts) == 1
    assert not any("<!channel>" in text for text in texts)
    assert "<!here>" in first.plain
