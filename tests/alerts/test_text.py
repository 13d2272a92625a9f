"""Cleaning, redaction and cutting of text that came from logs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.messages.text import clean, is_quoted, redact, shorten

PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQ==\n-----END PRIVATE KEY-----"

# What a log line says, and what may leave the process.
SECRETS = {
    "slack bot token": ("using xoxb-12345-67890-AbCdEf now", "using xoxb-*** now"),
    "slack app token": ("xapp-1-A0B1-12345-abcdef", "xapp-***"),
    "slack rotated token": ("xoxe.xoxb-1-MI0zLTEtNjY4", "xoxe.xoxb-***"),
    "slack webhook": (
        "POST https://hooks.slack.com/services/T000/B000/XXXX failed",
        "POST https://hooks.slack.com/services/*** failed",
    ),
    "bearer": ("sent 'Bearer abc.def-123' there", "sent 'Bearer ***' there"),
    "authorization header": ("Authorization: Basic dXNlcjpwYXNz\nHost: x", "Authorization: Basic ***\nHost: x"),
    "authorization in a dict": (
        "{'Authorization': 'Bearer abcdef', 'Host': 'x'}",
        "{'Authorization': 'Bearer ***', 'Host': 'x'}",
    ),
    "cookie": ("Cookie: sid=1; theme=dark\nnext", "Cookie: ***\nnext"),
    "google api key": ("key AIzaSyA1234567890abcdefghijklmno end", "key AIza*** end"),
    "google access token": ("got ya29.a0AfH6SMBx_y-z end", "got ya29.*** end"),
    "aws key id": ("AKIAIOSFODNN7EXAMPLE used", "AKIA*** used"),
    "aws secret": (
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "aws_secret_access_key = ***",
    ),
    "github": ("clone with ghp_0123456789abcdef0123456789abcdef0123", "clone with ghp_***"),
    "jwt": ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl end", "jwt *** end"),
    "pem": (f"key is\n{PEM}\nthe end", "key is\n***\nthe end"),
    "pem inside json": (
        '{"private_key": "' + PEM.replace("\n", "\\n") + '\\n", "client_email": "a@b"}',
        '{"private_key": "***", "client_email": "a@b"}',
    ),
    "pem cut off": ("-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEAx1y2\nMIIEpAIBAAKC== and then", "*** and then"),
    "two pems": (f"{PEM} and {PEM}", "*** and ***"),
    "password=": ("login(password=hunter2, user=me)", "login(password=***, user=me)"),
    "password in quotes with blanks": ("password: 'correct horse' user: me", "password: '***' user: me"),
    "password with an escaped quote": (r'{"password": "a\"b", "user": "me"}', '{"password": "***", "user": "me"}'),
    "escaped json": (r'"{\"api_key\": \"abc\", \"n\": 1}"', r'"{\"api_key\": \"***\", \"n\": 1}"'),
    "environment": ("SLACK_BOT_TOKEN=abc DB_PWD=def PGPASSWORD=ghi", "SLACK_BOT_TOKEN=*** DB_PWD=*** PGPASSWORD=***"),
    "subscript": ('os.environ["API_KEY"] = "abc"', 'os.environ["API_KEY"] = "***"'),
    "option": ("psql --db-password hunter2 -h x", "psql --db-password *** -h x"),
    "url with password": ("postgresql://me:p@ss@db:5432/x", "postgresql://me:***@db:5432/x"),
    "url with token": ("https://abcdef@github.com/x", "https://***@github.com/x"),
    "signed url": (
        "https://s/x?X-Goog-Algorithm=A&X-Goog-Signature=abc&X-Goog-Date=1",
        "https://s/x?X-Goog-Algorithm=A&X-Goog-Signature=***&X-Goog-Date=1",
    ),
    "query parameter": ("GET /v1?key=abc&page=2", "GET /v1?key=***&page=2"),
}

# What only looks like a secret, and must stay readable.
INNOCENT = [
    "NameError: name 'F' is not defined",
    "KeyError: 'API_KEY'",
    "max_tokens=512 token_count: 7 next tokens: 3",
    "token=None password=''",
    "google.auth.exceptions.DefaultCredentialsError: Your default credentials were not found.",
    "https://console.cloud.google.com/logs/query;query=x?project=nba-props-platform",
    "the x-api-token was accepted at 12:30",
    "sk-learn task-2026-01-25-backfill desk-top",
    "mail me@example.com about nba_orchestration.phase_completions",
]


@pytest.mark.parametrize(("raw", "shown"), SECRETS.values(), ids=SECRETS)
def test_secret_is_masked_and_its_context_stays(raw: str, shown: str) -> None:
    """Each form of a secret is replaced, and what surrounds it is unchanged."""
    assert redact(raw) == shown


@pytest.mark.parametrize(("raw", "shown"), SECRETS.values(), ids=SECRETS)
def test_redaction_is_idempotent(raw: str, shown: str) -> None:
    """Redacting what is already redacted changes nothing."""
    assert redact(shown) == shown


@pytest.mark.parametrize("text", INNOCENT)
def test_what_is_no_secret_stays(text: str) -> None:
    """Ordinary log text is left alone."""
    assert redact(text) == text


def test_missing_end_of_one_key_does_not_uncover_others() -> None:
    """A key whose last line is missing ends where its letters end; other text around stays."""
    cut = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n"
    assert redact(f"{PEM}\nfirst\n{cut}\nsecond\n{cut}") == "***\nfirst\n***\n\nsecond\n***\n"


@pytest.mark.parametrize(
    "unit",
    [
        "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "eyJ-", "eyJhbGciOiJIUzI1NiJ9.", "://", "://a:b",
        "@", "password=", 'password="', 'token:\\\\"', "\\", "bearer ", "--a-", "\x1b]", "\x9d", "\x1b[", "xoxb-",
        "?key=", "cookie:", " ", "a", "\x1b", "-----BEGIN PRIVATE KEY-----\\n", "authorization: ", "AKIA",
    ],
)  # fmt: skip
def test_hostile_repetition_takes_linear_time(unit: str) -> None:
    """Half a million characters of what each pattern begins with: quadratic work would run into the test's timeout."""
    redact(clean(unit * (500_000 // len(unit))))


@given(st.text())
def test_nothing_invisible_survives_cleaning(text: str) -> None:
    """Whatever comes in: no control character but the newline, and it can be encoded."""
    cleaned = clean(text)
    cleaned.encode()
    assert [c for c in cleaned if c != "\n" and not c.isprintable() and c < "\xa0"] == []
    assert clean(cleaned) == cleaned


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;not closed: KeyError", "0;not closed: KeyError"),
        ("\x9b31mred", "red"),
        ("a\x00b\x07c\x08d\x7f", "abcd"),
        ("one\r\ntwo\rthree\u2028four\n", "one\ntwo\nthree\nfour\n"),
        ("\tindented", "    indented"),
        ("safe\u202egnp.exe", "safegnp.exe"),
        ("pass\u200bword", "password"),
        ("half \ud83d of a pair", "half \ufffd of a pair"),
        ("naïve 東京 ✅", "naïve 東京 ✅"),
    ],
)
def test_cleaning(raw: str, shown: str) -> None:
    """Escapes, controls and invisible characters go; line ends, letters and signs of all scripts stay."""
    assert clean(raw) == shown


def test_secret_hidden_by_an_invisible_character_is_found_after_cleaning() -> None:
    """The documented order: clean, then redact."""
    assert redact(clean("pass\u200bword=hunter2 Bea\x00rer abcdefgh")) == "password=*** Bearer ***"


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("abcd", 1, "…"),
        ("ab cd", 4, "ab…"),
        ("a\ud83d\ude00b", 3, "a…"),
        ("", 1, ""),
    ],
)
def test_shortening(text: str, limit: int, shown: str) -> None:
    """The result fits the limit with its ellipsis, and no surrogate pair is cut in two."""
    assert shorten(text, limit) == shown


def test_shortening_to_nothing_is_refused() -> None:
    """A limit below 1 is a programming error, not an empty text."""
    with pytest.raises(ValueError, match="0 characters"):
        shorten("abc", 0)


@pytest.mark.parametrize(
    ("label", "text", "quoted"),
    [
        ("Log", "NameError: name 'F' is not defined", True),
        ("Cause", "Traceback (most recent call last):\n  File x", True),
        ("Cause", "table missing\nsince Monday", False),
        ("Since", "Mon 26 Jan 07:00 EST", False),
    ],
)
def test_quoted_machine_text_is_told_from_prose(label: str, text: str, quoted: bool) -> None:
    """Samples and tracebacks are shown as they stand."""
    assert is_quoted(label, text) is quoted
