"""The signals that come with the program. Each ``reason`` says why it is on or off.

The wordings are those that Cloud Run, Cloud Functions, BigQuery, the Google client libraries, gunicorn and Slack's
incoming webhooks write. The patterns are bounded: log text is hostile.
"""

from __future__ import annotations

from checks.logs.rules import SignalRule
from checks.model import Severity

_QUOTA = (
    r"\bquota exceeded(?: for |, |: [A-Z]|\.)|\bQuota exceeded"
    r"(?:[^\n]{0,80}exceeded quota for (?P<what>[^\n.,;]{1,80})|[^\n]{0,80}quota metric '(?P<metric>[^'\n]{1,120})')?"
    r"|(?i:exceeded (?:your |its |the )?(?:current |daily )?quota|\bquotaExceeded\b|\brateLimitExceeded\b)"
    r"|(?i:exceeded rate limits)|Quota '[^'\n]{1,80}' exceeded|Resource has been exhausted \(e\.g\. check quota\)"
    r"|\bHttpError 4(?:03|29) [^\n]{0,300}Rate Limit Exceeded"
    r"|\b429 (?:[A-Z]{3,6}|Too Many Requests for url:) https://[a-z.]{1,60}googleapis"
)
_DENIED = (
    r"(?:\b403 )?\bPermission '?(?P<permission>[a-z]{2,30}\.[A-Za-z]{2,40}\.[A-Za-z]{2,40})'? (?:was )?denied"
    r"|\b403 (?:[A-Z]+ https?://[^\n]{1,300}: )?(?:Access Denied: |(?:Missing or i|I)nsufficient |Permission )"
    r"|The caller does not have permission\b|Permission denied (?:while getting Drive credentials|on resource )"
    r"|Access Denied: (?:BigQuery|Project|Dataset|Table|Routine|View)\b"
    r"|does not have (?P<missing>[a-z]{2,30}\.[A-Za-z.]{3,80}) access"
    r"|StatusCode\.PERMISSION_DENIED|\bPERMISSION_DENIED[:\"']|\bPermissionDenied: "
    r"|\bNOT_AUTHORIZED: Not authorized to access|\bInsufficientPrivilege: permission denied for "
    r"|\b401 [^\n]{0,200}(?:invalid authentication credentials|Unauthorized for url: https://[a-z.]{1,60}googleapis)"
    r"|\bStatusCode\.UNAUTHENTICATED\b|\binvalid_grant\b"
)
_MEMORY = (
    r"was sent SIGKILL! Perhaps out of memory|\bOOMKilled\b|MemoryError: Unable to allocate "
    r"|(?i:memory limit (?:of (?P<limit>[0-9.]{1,10} ?[KMGi]{1,2}B?) )?exceeded)"
    r"|Exceeded (?:soft|hard) memory limit of "
    r"|container instance was found to be using too much memory|Container terminated on signal 9\b|Uncaught signal: 9\b"
)
_TIMEOUT = (
    r"WORKER TIMEOUT \(pid:[0-9]{1,9}\)|reached the maximum (?:request )?timeout"
    r"|Function execution took (?P<milliseconds>[0-9]{1,9}) ms(?:, f|\. F)inished with status: '?(?:load )?timeout\b"
)
_SQL = (
    r"Unrecognized name: (?P<name>[^\s;]{1,200})|Not found: Dataset (?P<dataset>[\w.:-]{1,200}\w)"
    r"|(?i:\bno such field\b)(?:: (?P<field>[\w.]{0,200}\w))?"
    r"|\bName (?P<column>\w{1,200}) not found inside |Not found: (?:Routine|Function|Model) "
    r"|Column name \w{1,200} is ambiguous"
    r"|Provided Schema does not match Table|has type \w{1,40} which cannot be inserted into column "
    r"|Inserted row has wrong column count|No matching signature for |\bUndefined(?:Column|Table): "
    r"|\bSyntax error: (?:Unexpected|Expected) [^\n]{0,200} at \[[0-9]{1,6}:"
)
_UNDELIVERED = (
    r"(?i)\bno SLACK_WEBHOOK_URL(?:_[A-Z]{1,30})?\b"
    r"|\bno (?:slack )?webhooks?(?: urls?)?(?: (?:is|was|were))? (?:configured|set|defined)"
    r"|\bSLACK[_ ]WEBHOOK(?:[_ ]URL)?(?:_[A-Z]{1,30})?(?: environment variable)?(?: is| was)?"
    r" (?:not (?:set|configured|found|defined|provided)|missing|empty|unset)\b"
    r"|\b(?P<answer>invalid_payload|no_service|no_active_hooks|channel_is_archived|invalid_blocks|msg_blocks_too_long)\b"
    r"|(?:slack[^\n]{0,200}|server responded with: \{'ok': False, 'error': )['\" :]"
    r"(?P<api>channel_not_found|not_in_channel|invalid_auth|not_authed|account_inactive|token_(?:revoked|expired)|missing_scope)\b"
    r"|\b(?P<refused>4[0-9]{2}) (?:Client )?Error[^\n]{0,100}hooks\.slack\.com"
    r"|hooks\.slack\.com[^\n]{0,200} HTTP/[0-9.]{1,3}\" (?P<http>4[0-9]{2})\b"
    r"|hooks\.slack\.com[^\n]{0,100}(?:Max retries exceeded|timed out)"
    r"|(?:slack|webhook)[^\n]{0,200}\b(?:status(?: code)?|http(?: error)?|returned|failed(?: with)?|error|code)"
    r"[ :=(]{1,3}(?:http |status |code |error ){0,2}(?P<status>4[0-9]{2})\b"
)

SHIPPED: tuple[SignalRule, ...] = (
    SignalRule(
        name="quota_exceeded",
        pattern=_QUOTA,
        severity=Severity.CRITICAL,
        reason="on: until the quota renews every further write is refused, and code often catches that and goes on",
        remedy="see which quota it is; write in batches instead of row by row, or ask for more",
    ),
    SignalRule(
        name="permission_denied",
        pattern=_DENIED,
        severity=Severity.CRITICAL,
        reason="on: Google refused the function's own call (403, 401); without a change it is refused for ever",
        remedy="grant the function's service account the permission that the text names",
    ),
    SignalRule(
        name="not_authenticated",
        pattern=r"The request was not (?:authenticated|authorized)",
        severity=Severity.WARNING,
        unless_later_success=True,
        reason="on: a caller (scheduler, Pub/Sub push) may have lost its right to start the function; strangers at a"
        " public address cause the same text, and then callers with the right still succeed",
        remedy="give the caller's service account the role run.invoker on this service",
    ),
    SignalRule(
        name="out_of_memory",
        pattern=_MEMORY,
        severity=Severity.CRITICAL,
        reason="on: SIGKILL leaves no traceback and no time to record anything: all that the instance did is lost",
        remedy="raise the memory limit of the function, or let it handle less at once",
    ),
    SignalRule(
        name="worker_timeout",
        pattern=_TIMEOUT,
        severity=Severity.WARNING,
        reason="on: the work was cut off half done, without an exception that code could report",
        remedy="raise the timeout of the function, or let it do less per call",
    ),
    SignalRule(
        name="sql_does_not_fit",
        pattern=_SQL,
        severity=Severity.CRITICAL,
        reason="on: a query or a row no longer fits its table; it fails every time until one of them is changed",
        remedy="compare the query or the row with the table's schema",
    ),
    SignalRule(
        name="alert_not_delivered",
        pattern=_UNDELIVERED,
        severity=Severity.WARNING,
        reason="on: the function wanted to tell somebody of trouble, and nobody was told",
        remedy="set or renew the function's webhook URL; invalid_payload is a mistake in its message",
    ),
    SignalRule(
        name="no_available_instance",
        pattern=r"aborted because there was no available instance",
        severity=Severity.WARNING,
        enabled=False,
        unless_later_success=True,
        reason="off: callers try again, and it is harmless many hundred times a day while a function scales up",
        remedy="raise the function's maximum of instances",
    ),
    SignalRule(
        name="concurrent_update",
        pattern=r"(?i)could not serialize access(?: to table (?P<table>[^\s;]{1,200}))?",
        severity=Severity.WARNING,
        enabled=False,
        unless_later_success=True,
        reason="off: BigQuery asks two writers of one table to take turns; clients try again",
        remedy="let one writer at a time change the table, or append instead of updating",
    ),
    SignalRule(
        name="container_exit",
        pattern=r"Container called exit\((?P<code>[1-9][0-9]{0,3})\)",
        severity=Severity.INFO,
        enabled=False,
        reason="off: it follows a failure that is reported by itself, with its cause",
    ),
    SignalRule(
        name="write_failed",
        pattern=r"(?i)\b(?P<what>[a-z]{1,30} )?(?:backup )?writes? failed\b(?:[^\n]{0,40} for (?P<row>[^\s:]{1,200}))?",
        severity=Severity.WARNING,
        enabled=False,
        reason="off: the code's own words around an exception; import and name errors in it are reported by themselves,"
        " and a backup that failed may not matter",
    ),
)
