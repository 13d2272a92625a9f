"""What ``phasewatch scan`` found, as text that people read."""

from __future__ import annotations

import itertools
import sys
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from alerts.messages.text import clean, redact
from checks.model import stamp
from monitor.commands import common

if TYPE_CHECKING:
    from datetime import datetime

    from checks.logs.failures import ScanResult
    from checks.logs.faults import Failure
    from checks.logs.signals import Signal

LAST_LINES = 6
_MAX_MESSAGE = 200


def render(result: ScanResult, entries: int, malformed: int) -> str:
    """Failures by service, signals, and one line that sums up. Log text in it is cleaned and redacted."""
    lines: list[str] = []
    for service, failures in itertools.groupby(result.failures, key=lambda failure: failure.service):
        lines += [_style(service, bold=True, underline=True), ""]
        for failure in failures:
            lines += [*_failure(failure), ""]
    if result.signals:
        lines += [_style("signals", bold=True, underline=True), ""]
        for signal in result.signals:
            lines += [*_signal(signal), ""]
    lines.append(_summary(result, entries, malformed))
    return "\n".join(lines) + "\n"


def _failure(failure: Failure) -> Iterator[str]:
    said = _safe(failure.message)
    yield from _folded(f"{failure.exception}: {said}" if said else failure.exception, "  ", fg="red", bold=True)
    if failure.file is None:
        yield "    logged without a traceback"
    else:
        function = f" in {failure.function}" if failure.function else ""
        yield from _folded(_safe(f"{failure.file}:{failure.line}{function}"), "    ")
    how = "caught and logged" if failure.handled else "crash"
    yield from _folded(f"{_times(failure.count)}, {how}; {_span(failure.first_seen, failure.last_seen)}", "    ")
    if failure.revision:
        yield from _folded(f"revision {_safe(failure.revision)}", "    ")
    for line in redact(clean(failure.sample)).splitlines()[-LAST_LINES:]:
        yield from _folded(line, "    | ", dim=True)


def _signal(signal: Signal) -> Iterator[str]:
    yield from _folded(f"{_safe(signal.signature)} in {signal.service}", "  ", fg="yellow", bold=True)
    yield from _folded(f"{_times(signal.count)}; {_span(signal.first_seen, signal.last_seen)}", "    ")
    if signal.revision:
        yield from _folded(f"revision {_safe(signal.revision)}", "    ")
    yield from _folded(_safe(signal.sample), "    | ", dim=True)


def _folded(text: str, indent: str, **how: object) -> Iterator[str]:
    """A line, on a terminal as several where it is too narrow; elsewhere lines are for other programs, too."""
    lines = [indent + text]
    if sys.stdout.isatty():
        indent += text[: len(text) - len(text.lstrip())]
        lines = textwrap.wrap(
            text.lstrip(),
            common.width_of_terminal(),
            initial_indent=indent,
            subsequent_indent=indent + "  ",
            break_long_words=False,  # a path stays one that can be copied
            break_on_hyphens=False,
        )
    for line in lines:
        yield _style(line, **how)


def _summary(result: ScanResult, entries: int, malformed: int) -> str:
    found = len(result.failures)
    services = len({failure.service for failure in result.failures})
    words = f"{_number(found, 'failure')} in {_number(services, 'service')}; " if found else "no failures; "
    if result.signals:
        words += f"{_number(len(result.signals), 'signal')}; "
    words += f"{_number(entries, 'entry', 'entries')} read"
    if malformed:
        words += f", {malformed:,} malformed"
    return _style(words, fg="red" if found else "green", bold=True)


def _safe(text: str) -> str:
    return " ".join(redact(clean(text)).split())[:_MAX_MESSAGE]


def _number(count: int, one: str, many: str | None = None) -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _span(first: datetime, last: datetime) -> str:
    """Both times in UTC, to the second; one where they are the same."""
    ends = [stamp(at.replace(microsecond=0)) for at in (first, last)]
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def _style(text: str, **how: object) -> str:
    return click.style(text, **how) if common.coloured(sys.stdout) else text  # type: ignore[arg-type]  # click's own keywords
