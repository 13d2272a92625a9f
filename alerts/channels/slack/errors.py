"""What Slack's refusals mean for delivery: try again, change something first, or send it differently. Pure.

The codes are those of docs.slack.dev/reference/methods/chat.postMessage, chat.update and conversations.history.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus

from alerts.ports import DeliveryError
from checks.model import JsonValue

_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SCOPES = re.compile(r"[a-z.,:_]{1,200}")
# A number that no service means; also keeps timedelta from overflowing.
_LONGEST_WAIT = 86_400

_CREDENTIALS = "Set a valid bot token (xoxb-...) of the app: Slack, your app, OAuth & Permissions."
_POLICY = "A workspace administrator must allow the app to post there, or choose another channel."

# Trying again cannot help until a person does what the sentence says.
_REMEDIES: Mapping[str, str] = {
    "invalid_auth": _CREDENTIALS,
    "not_authed": _CREDENTIALS,
    "token_expired": _CREDENTIALS,
    "token_revoked": _CREDENTIALS,
    "account_inactive": "The app was removed from the workspace: install it again and set its new bot token.",
    "not_allowed_token_type": _CREDENTIALS,
    "channel_not_found": "Correct the channel's name or ID; a private channel needs /invite @app in {channel} first.",
    "not_in_channel": "Write /invite @app in {channel}.",
    "is_archived": "{channel} is archived: unarchive it or choose another channel.",
    "no_permission": _POLICY,
    "access_denied": _POLICY,
    "accesslimited": _POLICY,
    "ekm_access_denied": _POLICY,
    "enterprise_is_restricted": _POLICY,
    "org_login_required": _POLICY,
    "team_access_not_granted": _POLICY,
    "posting_to_general_channel_denied": _POLICY,
    "restricted_action": _POLICY,
    "restricted_action_non_threadable_channel": _POLICY,
    "restricted_action_read_only_channel": _POLICY,
    "restricted_action_thread_only_channel": _POLICY,
    "two_factor_setup_required": "The owner of the token must set up two-factor authentication.",
    "missing_scope": "Add the scope {scopes} to the app's bot token and install the app again.",
}
# "It's possible some aspect of the operation succeeded before the error was raised."
_HALF_DONE = frozenset({"internal_error", "fatal_error", "service_unavailable"})
_RATE_LIMITED = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})

# The blocks, or all of it, are not to Slack's liking: mere text may be.
UNFIT = frozenset({
    "invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "invalid_attachments",
    "too_many_attachments", "attachment_payload_limit_exceeded", "metadata_too_large", "invalid_metadata_format",
    "invalid_metadata_schema", "metadata_must_be_sent_from_app", "invalid_payload",
})  # fmt: skip
# The message or thread to act on is gone, or closed to us.
GONE = frozenset({
    "message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found", "cannot_reply_to_message",
    "restricted_action_thread_locked",
})  # fmt: skip


UNSENDABLE = "Slack takes this message in no form: `phasewatch outbox` shows it, and sends it again or drops it."

_GONE_HOOK = "The webhook is gone or switched off: make a new one (Slack, your app, Incoming Webhooks), set its URL."
# docs.slack.dev/messaging/sending-messages-using-incoming-webhooks, "Handling errors"; the answer is the bare word.
_HOOK_REMEDIES: Mapping[str, str] = {
    "no_service": _GONE_HOOK,
    "no_service_id": _GONE_HOOK,
    "no_active_hooks": _GONE_HOOK,
    "no_team": _GONE_HOOK,
    "team_disabled": _GONE_HOOK,
    "invalid_token": _GONE_HOOK,
    "channel_not_found": "The webhook's channel is gone: make a new webhook for another channel.",
    "channel_is_archived": "The webhook's channel is archived: unarchive it, or make a webhook for another channel.",
    "action_prohibited": _POLICY,
    "posting_to_general_channel_denied": _POLICY,
}


class RefusalError(DeliveryError):
    """Slack answered ``ok: false``. ``code`` is its word for why."""

    def __init__(
        self,
        message: str,
        *,
        code: str,
        permanent: bool = False,
        retry_after: timedelta | None = None,
        uncertain: bool = False,
        remedy: str | None = None,
    ) -> None:
        super().__init__(message, permanent=permanent, retry_after=retry_after, uncertain=uncertain, remedy=remedy)
        self.code = code


def from_answer(method: str, status: int, headers: Mapping[str, str], answer: JsonValue, channel: str) -> DeliveryError:
    """The error for an HTTP answer that is not a success.

    ``answer`` is the decoded body; one that is not Slack's (a proxy's page) says nothing, so the status decides. No
    text of the answer but its code and scopes reaches the error. A code that is not known here may pass: it is retried.
    """
    fields = answer if isinstance(answer, dict) else {}
    word = fields.get("error")
    code = word if isinstance(word, str) and _CODE.fullmatch(word) else None
    if status == HTTPStatus.TOO_MANY_REQUESTS or code in _RATE_LIMITED:
        return RefusalError(
            f"Slack's {method}: too many requests", code=code or "ratelimited", retry_after=_retry_after(headers)
        )
    failed = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if code is None or failed:
        # After a 5xx or a garbled answer nobody knows whether the request took effect.
        uncertain = failed or status == HTTPStatus.OK
        remedy = None if uncertain else "Check the Slack base URL and the proxy: that was not Slack's answer."
        return DeliveryError(
            f"Slack's {method}: HTTP {status} without a usable answer", uncertain=uncertain, remedy=remedy
        )
    needed = fields.get("needed")
    scopes = needed if isinstance(needed, str) and _SCOPES.fullmatch(needed) else "that its documentation names"
    remedy = _REMEDIES.get(code)
    detail = f" (needs {scopes})" if code == "missing_scope" else ""
    return RefusalError(
        f"Slack's {method} in {channel}: {code}{detail}",
        code=code,
        permanent=remedy is not None,
        uncertain=code in _HALF_DONE,
        remedy=None if remedy is None else remedy.format(channel=channel, scopes=scopes),
    )


def from_webhook(status: int, headers: Mapping[str, str], body: str) -> DeliveryError | None:
    """The error for a webhook's answer; None for its ``ok``. Of its text only a word that Slack uses is shown."""
    word = body.strip()
    if status == HTTPStatus.OK and word == "ok":
        return None
    code = word if _CODE.fullmatch(word) else None
    if status == HTTPStatus.TOO_MANY_REQUESTS or code in _RATE_LIMITED:
        return RefusalError(
            "the webhook: too many requests", code=code or "ratelimited", retry_after=_retry_after(headers)
        )
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE) or code in _HOOK_REMEDIES:
        remedy = _HOOK_REMEDIES.get(code or "", _GONE_HOOK)
        return RefusalError(
            f"the webhook: {code or f'HTTP {status}'}", code=code or "no_service", permanent=True, remedy=remedy
        )
    if code is None or status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.OK:
        uncertain = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.OK
        return DeliveryError(f"the webhook: HTTP {status} without a usable answer", uncertain=uncertain)
    return RefusalError(f"the webhook: {code}", code=code)


def _retry_after(headers: Mapping[str, str]) -> timedelta | None:
    for name, value in headers.items():
        if name.lower() == "retry-after" and value.strip().isascii() and value.strip().isdigit():
            return timedelta(seconds=min(int(value.strip()[:9]), _LONGEST_WAIT))
    return None
