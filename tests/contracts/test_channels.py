"""What every channel keeps to: one body of tests, each channel against the service it speaks to."""

from __future__ import annotations

import io
import json
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.channels.apprise import AppriseChannel
from alerts.channels.console import ConsoleChannel
from alerts.channels.slack.channel import SlackChannel
from alerts.channels.slack.webhook import CANNOT, WebhookChannel
from alerts.model import Action
from alerts.ports import Channel, DeliveryError
from tests.support.sending import QUICK, dispatch, message
from tests.support.sink import Sink
from tests.support.slack_http import Fault
from tests.support.slack_server import HOOK, TOKEN, SlackServer

NO_PACE = timedelta(0)
MARKS = ("May repeat an earlier message", "may be a repetition")


class Rig(ABC):
    """A channel and the far end of it. ``secret`` is what may appear in no error."""

    secret = "nothing secret here"

    @abstractmethod
    def channel(self) -> Channel: ...

    @abstractmethod
    def raw(self) -> list[str]:
        """Every message as it stands now, in the service's own writing."""

    @abstractmethod
    def refuse(self, *, for_good: bool) -> None: ...

    def hang(self) -> None:
        pytest.skip("it never waits for anybody")


class OnConsole(Rig):
    def __init__(self, undo: ExitStack) -> None:
        self.stream = io.StringIO()

    def channel(self) -> Channel:
        return ConsoleChannel("here", self.stream)

    def raw(self) -> list[str]:
        return [part for part in self.stream.getvalue().split("\n\n") if part.strip()]

    def refuse(self, *, for_good: bool) -> None:
        self.stream.close()
        if for_good:
            pytest.skip("a stream gives no reasons")


class OnSlack(Rig):
    secret = TOKEN

    def __init__(self, undo: ExitStack) -> None:
        self.server = undo.enter_context(SlackServer())

    def channel(self) -> Channel:
        return SlackChannel(
            "slack", TOKEN, "#pipeline-health", base_url=self.server.base_url, timeout=QUICK, pace=NO_PACE
        )

    def raw(self) -> list[str]:
        everything = [m for root in self.server.messages for m in (root, *root.replies)]
        return [m.text + json.dumps(m.blocks) for m in everything]

    def refuse(self, *, for_good: bool) -> None:
        fault = Fault(code="invalid_auth") if for_good else Fault(status=500)
        self.server.fault("chat.postMessage", fault, times=100)

    def hang(self) -> None:
        self.server.fault("chat.postMessage", Fault(hang=True), times=100)


class OnWebhook(OnSlack):
    secret = HOOK

    def channel(self) -> Channel:
        return WebhookChannel("hook", self.server.hook_url, timeout=QUICK, pace=NO_PACE)

    def refuse(self, *, for_good: bool) -> None:
        fault = Fault(status=404, code="no_service") if for_good else Fault(status=500)
        self.server.fault("webhook", fault, times=100)

    def hang(self) -> None:
        self.server.fault("webhook", Fault(hang=True), times=100)


class OnApprise(Rig):
    secret = "pa55phrase"

    def __init__(self, undo: ExitStack) -> None:
        self.sink = undo.enter_context(Sink())

    def channel(self) -> Channel:
        return AppriseChannel("mail", f"json://user:{self.secret}@{self.sink.address}/", timeout=QUICK)

    def raw(self) -> list[str]:
        return [f"{b['title']}\n{b['message']}" for b in (json.loads(r.body) for r in self.sink.received)]

    def refuse(self, *, for_good: bool) -> None:
        self.sink.status = 404 if for_good else 500

    def hang(self) -> None:
        self.sink.hangs = True


@pytest.fixture(params=[OnConsole, OnSlack, OnWebhook, OnApprise], ids=["console", "slack", "webhook", "apprise"])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with ExitStack() as undo:
        yield request.param(undo)


def count(rig: Rig, text: str) -> int:
    return sum(text in shown for shown in rig.raw())


def failure(channel: Channel, rig: Rig) -> DeliveryError:
    """The error of a send that fails, with nothing secret in it."""
    with pytest.raises(DeliveryError) as caught:
        channel.send(dispatch())
    error = caught.value
    assert rig.secret not in "".join(traceback.format_exception(error, chain=True)) + repr(error.remedy)
    return error


def test_a_post_arrives_and_its_receipt_can_be_stored(rig: Rig) -> None:
    """The receipt is JSON."""
    receipt = rig.channel().send(dispatch())
    assert json.loads(json.dumps(dict(receipt))) == dict(receipt)
    assert count(rig, "phase3 incomplete") == 1


def test_an_edit_of_what_was_posted_makes_no_second_message_however_often(rig: Rig) -> None:
    """It changes what stands there, or does nothing."""
    channel = rig.channel()
    root = channel.send(dispatch())
    before = len(rig.raw())
    for number in range(2):
        again = channel.send(
            dispatch(Action.EDIT, message("phase3 stalled"), key="k2", root=root, uncertain=bool(number))
        )
        assert json.loads(json.dumps(dict(again)))
    assert len(rig.raw()) == before
    assert count(rig, "phase3 stalled") == int("edit" in channel.can)


def test_a_reply_is_told_apart_from_other_incidents(rig: Rig) -> None:
    """In the thread of its message, or naming what it is about."""
    channel = rig.channel()
    root = channel.send(dispatch())
    channel.send(dispatch(Action.REPLY, message("Over: the failure"), key="k2", root=root))
    [reply] = [shown for shown in rig.raw() if "Over: the failure" in shown]
    if "thread" not in channel.can and isinstance(rig, OnWebhook | OnApprise):
        assert "About: phase3 incomplete" in reply


@pytest.mark.parametrize("action", [Action.EDIT, Action.REPLY])
def test_what_has_no_message_to_change_or_follow_stands_alone(rig: Rig, action: Action) -> None:
    """Its root message was given up."""
    rig.channel().send(dispatch(action, key="k2"))
    assert count(rig, "phase3 incomplete") == 1


def test_what_may_have_arrived_is_recognised_or_marked(rig: Rig) -> None:
    """Another process sent it and died; nobody knows whether it arrived. It did."""
    rig.channel().send(dispatch())
    channel = rig.channel()
    channel.send(dispatch(uncertain=True, attempt=2))
    marked = sum(any(mark in shown for mark in MARKS) for shown in rig.raw())
    assert (count(rig, "phase3 incomplete"), marked) == ((1, 0) if "recognise" in channel.can else (2, 1))


def test_all_of_a_long_message_arrives(rig: Rig) -> None:
    """Twenty facts of 1,400 characters: more than any one message of Slack's holds."""
    facts = tuple((f"fact {n}", f"begin{n}x " + "word " * 275 + f"end{n}x") for n in range(20))
    rig.channel().send(dispatch(shown=message(facts=facts)))
    everything = "\n".join(rig.raw())
    assert [w for n in range(20) for w in (f"begin{n}x", f"end{n}x") if w not in everything] == []


def test_a_log_line_cannot_page_anybody(rig: Rig) -> None:
    """What calls a channel or everybody, in a title and in a fact."""
    hostile = "<!channel> @everyone <@U123>"
    rig.channel().send(dispatch(shown=message(f"NameError {hostile}", facts=(("sample", hostile),))))
    everything = "".join(rig.raw())
    assert "NameError" in everything
    if isinstance(rig, OnSlack):
        assert "<!channel>" not in everything
        assert "<@U123>" not in everything
    if isinstance(rig, OnApprise):
        assert "@everyone" not in everything
        assert "<!channel>" not in everything


def test_a_refusal_that_may_pass_is_tried_again(rig: Rig) -> None:
    """Not permanent."""
    channel = rig.channel()
    rig.refuse(for_good=False)
    assert not failure(channel, rig).permanent


def test_a_refusal_that_will_not_pass_says_what_to_do(rig: Rig) -> None:
    """A dead webhook, a revoked token, an address that is gone: permanent, with a remedy."""
    channel = rig.channel()
    rig.refuse(for_good=True)
    error = failure(channel, rig)
    assert error.permanent
    assert error.remedy


def test_a_service_that_does_not_answer_is_not_waited_for_long(rig: Rig) -> None:
    """And whether the message arrived is then not known."""
    channel = rig.channel()
    rig.hang()
    begin = time.monotonic()
    error = failure(channel, rig)
    assert time.monotonic() - begin < 5
    assert (error.permanent, error.uncertain) == (False, True)


def test_what_can_be_deleted_is_and_the_rest_says_no(rig: Rig) -> None:
    """A message with its overflow."""
    channel = rig.channel()
    facts = tuple((f"fact {n}", "word " * 275) for n in range(20))
    receipt = channel.send(dispatch(shown=message(facts=facts)))
    assert channel.withdraw(receipt) is ("delete" in channel.can)
    assert (rig.raw() == []) is ("delete" in channel.can)


def test_a_webhook_says_what_it_cannot_do_while_more_may_come() -> None:
    """In the first message of an open incident; not in its last one."""
    with SlackServer() as server:
        channel = WebhookChannel("hook", server.hook_url, pace=NO_PACE)
        root = channel.send(dispatch())
        channel.send(dispatch(Action.REPLY, message("after 5 h"), key="k2", root=root))
        first, second = server.messages
    assert CANNOT in first.lines
    assert second.lines[0] == "About: phase3 incomplete"
    assert CANNOT not in second.lines


def test_a_webhook_that_refuses_the_blocks_gets_text() -> None:
    """`invalid_blocks` and `invalid_payload` alike; text that it refuses too is given up, not tried for ever."""
    with SlackServer() as server:
        channel = WebhookChannel("hook", server.hook_url, pace=NO_PACE)
        for code in ("invalid_blocks", "invalid_payload"):
            server.fault("webhook", Fault(status=400, code=code))
            channel.send(dispatch(key=code))
        assert [m.blocks for m in server.messages] == [[], []]
        server.fault("webhook", Fault(status=400, code="invalid_payload"), times=2)
        with pytest.raises(DeliveryError) as caught:
            channel.send(dispatch(key="k3"))
    assert caught.value.permanent


@pytest.mark.parametrize(
    ("fault", "permanent", "wait"),
    [
        (Fault(status=410, code="channel_is_archived"), True, None),
        (Fault(status=404, body="<html>not found</html>"), True, None),
        (Fault(status=403, code="action_prohibited"), True, None),
        (Fault(status=429, code="rate_limited", retry_after="30"), False, timedelta(seconds=30)),
        (Fault(status=200, body="<html>a captive portal</html>"), False, None),
    ],
)
def test_a_webhooks_refusals_are_told_apart(fault: Fault, permanent: bool, wait: timedelta | None) -> None:
    """By status and word; a page that is not Slack's is no delivery."""
    with SlackServer() as server:
        server.fault("webhook", fault, times=2)
        with pytest.raises(DeliveryError) as caught:
            WebhookChannel("hook", server.hook_url, pace=NO_PACE).send(dispatch())
    assert (caught.value.permanent, caught.value.retry_after) == (permanent, wait)


def test_no_channel_exceeds_one_message_a_second() -> None:
    """Against a server that refuses the second one: none is refused, whatever the sender does."""
    with SlackServer(limited=True) as server:
        for channel in (
            SlackChannel("slack", TOKEN, "#pipeline-health", base_url=server.base_url),
            WebhookChannel("hook", server.hook_url),
        ):
            time.sleep(1)
            for number in range(2):
                channel.send(replace(dispatch(), key=f"{channel.name}-{number}"))
        assert (len(server.messages), server.refused_for_speed) == (4, 0)


def test_an_apprise_url_that_means_nothing_is_refused_without_showing_it() -> None:
    """At the start, not at the first alert."""
    with pytest.raises(ValueError, match="not a URL that Apprise knows") as caught:
        AppriseChannel("mail", "nonsense://pa55phrase@host")
    assert "pa55phrase" not in str(caught.value)
