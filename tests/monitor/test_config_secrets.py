"""Secrets in config.yaml: read from variables and files, and never shown."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

from alerts.secret import Secret
from monitor.config.loading import schema, show
from tests.support.config import GOOD, changed, loaded, said

TOKEN = "xoxb-very-secret-token"
SECRETS = {"TOKEN": TOKEN, "WEB": "web-secret-token", "DB": "db-secret-pass"}
WITH_SECRETS = GOOD.replace("${TOKEN:-}", "${TOKEN}") + (
    'server: {token: "${WEB}"}\nstate: {url: "postgresql://me:${DB}@db.internal/w?sslpassword=${DB}"}\n'
)


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    """Not by repr, str, YAML, JSON or the schema; the values themselves are there."""
    config = loaded(tmp_path, WITH_SECRETS, **SECRETS)
    slack = config.alerts.channels["slack"]
    assert slack.kind == "slack"
    assert [slack.token.reveal(), config.server.token.reveal()] == [TOKEN, "web-secret-token"]
    assert (
        config.state.url.reveal() == "postgresql+psycopg://me:db-secret-pass@db.internal/w?sslpassword=db-secret-pass"
    )
    shown = yaml.safe_load(show(config))
    assert shown["alerts"]["channels"]["slack"]["token"] == "***"
    assert shown["server"]["token"] == "***"
    assert shown["state"]["url"] == "postgresql+psycopg://me:***@db.internal/w?***"
    everything = [show(config), repr(config), str(config), config.model_dump_json(), json.dumps(schema())]
    everything += [f"{slack.token} {slack.token!r} {config.state.url}"]
    assert [secret for secret in SECRETS.values() if any(secret in text for text in everything)] == []


def test_an_empty_secret_shows_as_empty(tmp_path: Path) -> None:
    """So that one sees what is switched off."""
    assert yaml.safe_load(show(loaded(tmp_path, GOOD)))["alerts"]["channels"]["slack"]["token"] == ""
    assert not Secret(" \n")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("mode: ${S}", "config.yaml:1:7: mode: expected 'embedded' or 'gcp', not '${S}'"),
        (
            "server:\n  port: ${S}",
            "config.yaml:2:9: server.port: expected a whole number, found text (from ${S})",
        ),
        (
            'alerts: {channels: {console: {}}, routes: [{to: ["${S}"]}]}',
            "config.yaml:1:50: alerts.routes[0].to: unknown channel '${S}'; known: 'console'",
        ),
        (
            'state: {url: "postgres://u:12/${S}@h/d"}',
            (
                "config.yaml:1:14: state.url: a special character in the password ends it too early (from ${S}); "
                "write @ / ? # in it as %40 %2F %3F %23"
            ),
        ),
        (
            'alerts: {channels: {slack: {channel: c, token: "${S} ${S}"}}}',
            (
                "config.yaml:1:48: alerts.channels.slack.token: "
                "blanks, line breaks or control characters inside a secret (from ${S})"
            ),
        ),
        (
            "alerts: {channels: {slack: {token:s3cret-value, channel: c}}}",
            "config.yaml:1:29: alerts.channels.slack: no space after the colon of 'token'; write token: value",
        ),
        (
            "alerts: {channels: {slack: {channel: c, token: *s3cret-value}}}",
            "config.yaml:1:48: an alias (*name) without its anchor (&name); put text that starts with * in quotes",
        ),
        (
            'alerts: {channels: {slack: {channel: c, token: "s3cret-value}}}',
            "config.yaml:1:64: a quote that is not closed",
        ),
    ],
)
def test_no_message_shows_a_secret(tmp_path: Path, text: str, line: str) -> None:
    """Neither what a variable holds nor what stands where a secret should."""
    assert said(tmp_path, text, S="s3cret-value") == [line]


def test_names_from_variables_are_not_shown_as_suggestions(tmp_path: Path) -> None:
    """A wrong reference may be near a name that came from a variable."""
    text = changed("name: phase2", 'name: "${P}"')
    assert said(tmp_path, text, P="phase-2") == [
        "config.yaml:11:17: pipelines[0].phases[1].after: unknown phase 'phase2'; did you mean '${P}'?"
    ]


def secret_file(folder: Path, content: bytes, mode: int) -> Path:
    file = folder / "token"
    file.write_bytes(content)
    file.chmod(mode)
    return file


BY_FILE = "alerts: {channels: {slack: {channel: c, token_file: token}}}\n"


def test_a_secret_is_read_from_its_file(tmp_path: Path) -> None:
    """Relative to the configuration, without the line break at its end."""
    secret_file(tmp_path, b"xoxb-from-file\n", 0o600)
    slack = loaded(tmp_path, BY_FILE).alerts.channels["slack"]
    assert slack.kind == "slack"
    assert (slack.token.reveal(), slack.token_file) == ("xoxb-from-file", tmp_path / "token")


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        (None, 0, "cannot read the file: No such file or directory"),
        (b" \n", 0o600, "the file is empty"),
        (b"s3cret-value", 0o644, "others may read or change the file; chmod 600 it"),
        (b"s3cret-value", 0o620, "others may read or change the file; chmod 600 it"),
        (b"\xff\xfe", 0o600, "the file is not UTF-8 text"),
        (b"x" * 70000, 0o600, "the file is too large for a secret"),
    ],
)
def test_a_secret_file_that_will_not_do_is_refused(
    tmp_path: Path, content: bytes | None, mode: int, message: str
) -> None:
    """Unreadable, empty, open to others, or no text."""
    if content is not None:
        secret_file(tmp_path, content, mode)
    assert said(tmp_path, BY_FILE) == [f"config.yaml:1:53: alerts.channels.slack.token_file: {message}"]


def test_a_named_pipe_does_not_hang_the_start(tmp_path: Path) -> None:
    """Nobody may ever write to it."""
    os.mkfifo(tmp_path / "token", 0o600)
    assert said(tmp_path, BY_FILE) == ["config.yaml:1:53: alerts.channels.slack.token_file: not a regular file"]


def test_a_secret_is_given_once(tmp_path: Path) -> None:
    """Two sources would leave open which one counts."""
    secret_file(tmp_path, b"x", 0o600)
    assert said(tmp_path, BY_FILE.replace("channel: c", "channel: c, token: y")) == [
        "config.yaml:1:63: alerts.channels.slack.token_file: both token and token_file; keep one of them"
    ]
