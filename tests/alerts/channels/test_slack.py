"""The Slack channel against a real HTTP server, with the real slack_sdk: what it sends, and that it does so once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from alerts.model import Action, Emphasis, IncidentState, Message
from alerts.ports import Channel as ChannelPort
from checks.model import JsonValue
from tests.support.sending import (
    CONTINUES,
    CREATED,
    QUICK,
    REPEATED,
    channel_for,
    dispatch,
    facts_of,
    failure,
    message,
)
from tests.support.slack_http import Fault
from tests.support.slack_server import Channel, SlackServer

# --- the three actions -----------------------------------------------------------------------------------------------


def test_one_incident_from_open_to_resolved(slack: SlackServer) -> None:
    """A root message that shows the present state, its history in the thread, receipts that name the places."""
    channel = channel_for(slack)
    port: ChannelPort = channel
    root = port.send(dispatch(shown=message(facts=(("Since", "Monday"),))))
    reply = channel.send(dispatch(Action.REPLY, message("phase4 is blocked"), key="k2", root=root))
    over = message(state=IncidentState.RESOLVED, facts=(("Lasted", "47 h"),))
    edited = channel.send(dispatch(Action.EDIT, over, key="k3", root=root))
    last = channel.send(dispatch(Action.REPLY, over, key="k4", root=edited))

    assert root == edited == {"channel": "C0PIPELINE", "ts": "2000000000.000100"}
    assert reply == {"channel": "C0PIPELINE", "ts": "2000000001.000100"}
    assert last == {"channel": "C0PIPELINE", "ts": "2000000002.000100"}
    assert slack.conversation() == [
        "✅ Resolved: phase3 incomplete",
        "Lasted: 47 h",
        "    🔴 Critical: phase4 is blocked",
        "    ✅ Resolved: phase3 incomplete",
        "    Lasted: 47 h",
    ]
    assert slack.methods() == ["chat.postMessage", "chat.postMessage", "chat.update", "chat.postMessage"]
    # The defaults of chat.update would make a mention of "@here" in a log line.
    update = slack.calls[2].arguments
    assert (update["parse"], update["link_names"], "metadata" in update) == ("none", False, False)


def test_what_a_post_carries(slack: SlackServer) -> None:
    """A notification text, the key, and nothing that Slack may expand by itself."""
    channel_for(slack).send(dispatch())
    (call,) = slack.calls
    assert {name: value for name, value in call.arguments.items() if name != "blocks"} == {
        "channel": "#pipeline-health",
        "text": "🔴 Critical: phase3 incomplete",
        "metadata": {"event_type": "phasewatch", "event_payload": {"key": "k1"}},
        "unfurl_links": False,
        "unfurl_media": False,
        "parse": "none",
        "link_names": False,
    }


def test_an_edit_keeps_the_key_of_its_post(slack: SlackServer) -> None:
    """The root can be found again after it was edited."""
    channel = channel_for(slack)
    root = channel.send(dispatch())
    channel.send(dispatch(Action.EDIT, message("changed"), key="k2", root=root))
    channel.send(dispatch(uncertain=True, attempt=2))
    assert slack.conversation() == ["🔴 Critical: changed"]


@pytest.mark.parametrize("action", [Action.REPLY, Action.EDIT])
@pytest.mark.parametrize("root", [None, {"printed": True}])
def test_without_a_root_a_message_stands_alone(
    slack: SlackServer, action: Action, root: Mapping[str, JsonValue] | None
) -> None:
    """The root was given up, or is in another kind of channel."""
    channel_for(slack).send(dispatch(action, root=root))
    assert slack.conversation() == ["🔴 Critical: phase3 incomplete"]
    assert slack.messages[0].blocks[0]["type"] == "header"


@pytest.mark.parametrize(
    ("wanted", "emphasis", "shown"),
    [(True, Emphasis.ESCALATION, True), (True, None, False), (False, Emphasis.ESCALATION, False)],
)
def test_what_got_worse_may_be_shown_in_the_channel(
    slack: SlackServer, wanted: bool, emphasis: Emphasis | None, shown: bool
) -> None:
    """A reminder that only a thread has reaches nobody; ordinary news stay in the thread."""
    channel = channel_for(slack, broadcast_escalation=wanted)
    root = channel.send(dispatch())
    channel.send(dispatch(Action.REPLY, message(emphasis=emphasis), key="k2", root=root))
    assert slack.messages[0].replies[0].broadcast is shown


@pytest.mark.parametrize(
    ("wanted", "state", "shown"),
    [(True, IncidentState.RESOLVED, True), (True, IncidentState.OPEN, False), (False, IncidentState.RESOLVED, False)],
)
def test_a_resolution_may_be_shown_in_the_channel(
    slack: SlackServer, wanted: bool, state: IncidentState, shown: bool
) -> None:
    """Only if it is wanted, and only for the reply that resolves."""
    channel = channel_for(slack, broadcast_resolution=wanted)
    root = channel.send(dispatch())
    channel.send(dispatch(Action.REPLY, message(state=state), key="k2", root=root))
    assert slack.messages[0].replies[0].broadcast is shown


@pytest.mark.parametrize("code", ["message_not_found", "cant_update_message", "edit_window_closed"])
def test_a_root_that_cannot_be_edited_goes_on_in_a_new_one(slack: SlackServer, code: str) -> None:
    """The new message says so, and its place is the receipt."""
    channel = channel_for(slack)
    root = channel.send(dispatch())
    slack.fault("chat.update", Fault(code=code))
    receipt = channel.send(dispatch(Action.EDIT, message("changed"), key="k2", root=root))
    assert receipt == {"channel": "C0PIPELINE", "ts": "2000000001.000100"}
    assert slack.conversation() == ["🔴 Critical: phase3 incomplete", "", CONTINUES, "🔴 Critical: changed"]


def test_a_reply_to_a_deleted_thread_stands_alone(slack: SlackServer) -> None:
    """Somebody deleted the root message."""
    channel = channel_for(slack)
    root = channel.send(dispatch())
    slack.delete(str(root["ts"]))
    channel.send(dispatch(Action.REPLY, message("worse"), key="k2", root=root))
    assert slack.conversation() == [CONTINUES, "🔴 Critical: worse"]


# --- what has no room -------------------------------------------------------------------------------------------------


def long_message(paragraphs: int, word: str = "word") -> Message:
    """Each paragraph is a fact of some 2,000 characters; four go into a message."""
    return message(facts=tuple((f"fact {n}", f"{word}{n} ".ljust(10) * 200) for n in range(paragraphs)))


def test_the_rest_of_a_long_message_is_in_its_thread(slack: SlackServer) -> None:
    """All facts arrive, in order, and the receipt knows where."""
    receipt = channel_for(slack).send(dispatch(shown=long_message(9)))
    assert receipt == {
        "channel": "C0PIPELINE",
        "ts": "2000000000.000100",
        "more": ["2000000001.000100", "2000000002.000100"],
    }
    (root,) = slack.messages
    assert [line for line in root.lines if not line.startswith("fact")] == [
        "🔴 Critical: phase3 incomplete",
        "More in the thread.",
    ]
    shown = [line[:6] for m in (root, *root.replies) for line in m.lines if line.startswith("fact")]
    assert shown == [f"fact {n}" for n in range(9)]
    assert [m.metadata and m.metadata["event_payload"]["key"] for m in root.replies] == ["k1 part 1", "k1 part 2"]


def test_an_edit_rewrites_the_rest(slack: SlackServer) -> None:
    """No new messages as long as the old ones do; those no longer needed say so."""
    channel = channel_for(slack)
    root = channel.send(dispatch(shown=long_message(9)))
    same = channel.send(dispatch(Action.EDIT, long_message(9, "other"), key="k2", root=root))
    short = channel.send(dispatch(Action.EDIT, message("short"), key="k3", root=same))
    grown = channel.send(dispatch(Action.EDIT, long_message(13), key="k4", root=short))
    assert same == short == root
    assert grown["more"] == ["2000000001.000100", "2000000002.000100", "2000000003.000100"]
    assert [reply.edits[2][0] for reply in slack.messages[0].replies[:2]] == [
        "Nothing more here: all is in the message above."
    ] * 2


@pytest.mark.parametrize("restarted", [False, True])
def test_a_rest_that_failed_is_completed_without_repeating(slack: SlackServer, restarted: bool) -> None:
    """Root, first and second part arrived, the last answer was lost; also when another process goes on."""
    channel = channel_for(slack)
    slack.fault("chat.postMessage", Fault(after_effect=True, cut=True), after=2)
    assert facts_of(failure(channel, dispatch(shown=long_message(13)))) == (False, True, None)
    if restarted:
        channel = channel_for(slack)
    receipt = channel.send(dispatch(shown=long_message(13), attempt=2, uncertain=True))
    assert [[reply.ts for reply in root.replies] for root in slack.messages] == [receipt["more"]]
    assert len(slack.messages[0].replies) == 3
    assert [line for line in slack.conversation() if REPEATED in line] == []


def test_a_busy_slack_gets_the_rest_later() -> None:
    """A rate limit between the parts, without permission to look: the same process knows what arrived."""
    with SlackServer(scopes=frozenset({"chat:write"})) as slack:
        channel = channel_for(slack)
        slack.fault("chat.postMessage", Fault(status=429, retry_after="1"), after=2)
        error = failure(channel, dispatch(shown=long_message(9)))
        # Another process would have to look: hence uncertain.
        assert facts_of(error) == (False, True, timedelta(seconds=1))
        channel.send(dispatch(shown=long_message(9), attempt=2, uncertain=True))
        assert [len(root.replies) for root in slack.messages] == [2]


def test_an_edit_that_failed_at_its_rest_is_done_again(slack: SlackServer) -> None:
    """The new part is found by its key, in the thread."""
    channel = channel_for(slack)
    root = channel.send(dispatch())
    slack.fault("chat.postMessage", Fault(after_effect=True, cut=True))
    grown = dispatch(Action.EDIT, long_message(7), key="k2", root=root)
    assert facts_of(failure(channel, grown)) == (False, True, None)
    receipt = channel_for(slack).send(dispatch(Action.EDIT, long_message(7), key="k2", root=root, uncertain=True))
    assert receipt["more"] == [reply.ts for reply in slack.messages[0].replies] == ["2000000001.000100"]


def test_a_message_is_not_failed_for_its_rest(slack: SlackServer, caplog: pytest.LogCaptureFixture) -> None:
    """The root arrived, its thread is locked: what follows still has a root to refer to."""
    channel = channel_for(slack)
    root = channel.send(dispatch(shown=long_message(4)))
    slack.fault("chat.postMessage", Fault(code="restricted_action_thread_locked"))
    assert channel.send(dispatch(Action.EDIT, long_message(9), key="k2", root=root)) == root
    assert [record.message for record in caplog.records] == ["rest of a message lost"]


# --- not twice --------------------------------------------------------------------------------------------------------

LOST_ANSWERS = {
    "connection cut": Fault(after_effect=True, cut=True),
    "no answer in time": Fault(after_effect=True, hang=True),
    "answer cut in mid-body": Fault(after_effect=True, cut_in_body=True),
    "HTTP 500": Fault(after_effect=True, status=500, body="<html>oops</html>"),
    "HTTP 503 in JSON": Fault(after_effect=True, status=503, code="service_unavailable"),
    "a page of a proxy": Fault(after_effect=True, body="<html>welcome</html>"),
    "JSON that is no object": Fault(after_effect=True, body="[1]"),
    "an answer without ts": Fault(after_effect=True, body='{"ok": true}'),
    "fatal_error": Fault(after_effect=True, code="fatal_error"),
    "internal_error": Fault(after_effect=True, code="internal_error"),
}


@pytest.mark.parametrize("fault", LOST_ANSWERS.values(), ids=LOST_ANSWERS)
@pytest.mark.parametrize("place", ["#pipeline-health", "C0PIPELINE"])
def test_a_post_with_a_lost_answer_is_found_again(slack: SlackServer, fault: Fault, place: str) -> None:
    """The second attempt finds the message by its key and answers its place; nothing is posted twice."""
    slack.fault("chat.postMessage", fault)
    error = failure(channel_for(slack, place, timeout=QUICK), dispatch())
    assert facts_of(error) == (False, True, None)
    receipt = channel_for(slack, place).send(dispatch(attempt=2, uncertain=True))
    assert receipt == {"channel": "C0PIPELINE", "ts": "2000000000.000100"}
    assert slack.conversation() == ["🔴 Critical: phase3 incomplete"]


def test_a_reply_with_a_lost_answer_is_found_again(slack: SlackServer) -> None:
    """It is looked for in its thread."""
    channel = channel_for(slack)
    root = channel.send(dispatch())
    slack.fault("chat.postMessage", LOST_ANSWERS["connection cut"])
    assert facts_of(failure(channel, dispatch(Action.REPLY, key="k2", root=root))) == (False, True, None)
    receipt = channel.send(dispatch(Action.REPLY, key="k2", root=root, attempt=2, uncertain=True))
    assert receipt == {"channel": "C0PIPELINE", "ts": "2000000001.000100"}
    assert len(slack.messages[0].replies) == 1


def test_a_lost_message_is_posted_if_it_is_not_there(slack: SlackServer) -> None:
    """The connection was cut before Slack had read anything: looking finds nothing, and no mark is needed."""
    slack.fault("chat.postMessage", Fault(cut=True))
    channel = channel_for(slack)
    assert facts_of(failure(channel, dispatch())) == (False, True, None)
    channel.send(dispatch(attempt=2, uncertain=True))
    assert slack.conversation() == ["🔴 Critical: phase3 incomplete"]


def test_the_key_is_found_behind_many_messages() -> None:
    """Looking goes on over pages, and no further back than ten minutes before the dispatch was written."""
    with SlackServer(page=2) as slack:
        channel = channel_for(slack)
        channel.send(dispatch())
        for number in range(7):
            channel.send(dispatch(key=f"other {number}"))
        channel_for(slack).send(dispatch(uncertain=True))
        assert (len(slack.messages), slack.methods().count("conversations.history")) == (8, 4)
        late = CREATED + timedelta(minutes=10, seconds=1)
        channel.send(dispatch(uncertain=True, created_at=late))
        assert len(slack.messages) == 9


@pytest.mark.parametrize(
    ("scopes", "place"),
    [
        ({"chat:write", "channels:read"}, "#pipeline-health"),
        ({"chat:write", "channels:history"}, "#pipeline-health"),
        ({"chat:write"}, "C0PIPELINE"),
    ],
)
def test_what_cannot_be_looked_for_is_marked(scopes: set[str], place: str) -> None:
    """Better twice with a mark than never."""
    with SlackServer(scopes=frozenset(scopes)) as slack:
        channel_for(slack, place).send(dispatch(attempt=2, uncertain=True))
        assert slack.conversation() == [REPEATED, "🔴 Critical: phase3 incomplete"]


def test_a_private_channel_is_looked_into_as_well() -> None:
    """Its name is found among the app's own channels, with the scopes for private ones."""
    private = (Channel("C0OTHERONE", "general"), Channel("G0SECRETXX", "pipeline-health", private=True))
    with SlackServer(channels=private) as slack:
        channel_for(slack).send(dispatch())
        channel_for(slack).send(dispatch(attempt=2, uncertain=True))
        assert slack.conversation() == ["🔴 Critical: phase3 incomplete"]


def test_looking_that_fails_for_a_while_is_tried_again(slack: SlackServer) -> None:
    """A rate limit on looking does not lead to a second post, and the dispatch stays uncertain."""
    channel = channel_for(slack)
    channel.send(dispatch())
    slack.fault("conversations.history", Fault(status=429, retry_after="30"))
    error = failure(channel_for(slack), dispatch(uncertain=True))
    assert facts_of(error) == (False, True, timedelta(seconds=30))
    assert len(slack.messages) == 1
