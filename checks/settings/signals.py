"""The signals' part of ``config.yaml``: patterns of the user's own, and changes to those that come with the program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from checks.fields import Duration, at_least, at_most
from checks.logs.rules import Rate, SignalRule
from checks.logs.shipped_signals import SHIPPED
from checks.mistakes import FromEnvironment, Mistake, Section, kind_of, nearest, quoted
from checks.model import Severity

MAX_PATTERN = 1_000
MAX_SIGNALS = 100
_SHIPPED = {rule.name: rule for rule in SHIPPED}


def _pattern(value: object) -> str:
    """Text that RE2 takes as a pattern. RE2 is only loaded where there is one."""
    import re2

    if not isinstance(value, str):
        raise Mistake(message=f"expected a pattern, found {kind_of(value)}", hint="put it in single quotes").error()
    if not 1 <= len(value) <= MAX_PATTERN:
        raise Mistake(message=f"a pattern has 1 to {MAX_PATTERN:,} characters, not {len(value):,}").error()
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(str(value), options)
    except (re2.error, UnicodeEncodeError) as error:
        # RE2's message holds a piece of the pattern.
        said = "" if isinstance(value, FromEnvironment) else f": {_words_of(error)}"
        hint = "the syntax is RE2's, without look-around and back-references"
        raise Mistake(message=f"not a pattern that RE2 accepts{said}", hint=hint).error() from None
    if compiled.search("") is not None:
        raise Mistake(message="this pattern is in every text", hint="something in it must not be optional").error()
    return str(value)


def _words_of(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(error)


Pattern = Annotated[
    str, BeforeValidator(_pattern), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_PATTERN})
]
Within = Annotated[Duration, at_least(timedelta(minutes=1)), at_most(timedelta(hours=24))]
Text = Annotated[str, Field(min_length=1, max_length=500)]


class RateSettings(Section):
    """A minimum rate."""

    count: int = Field(ge=1, le=1_000_000, description="how many matches in one function it takes")
    within: Within = Field(description="in what time, 1m to 24h")


class SignalSettings(Section):
    """One signal. For one that comes with the program, what is left out stays as it is shipped."""

    pattern: Pattern | None = Field(
        default=None, description="what to look for, in RE2's syntax; named groups are captured and shown"
    )
    severity: Annotated[Severity, Field(strict=False)] | None = Field(
        default=None, description="info is for the digest only; warning if left out"
    )
    enabled: bool | None = Field(default=None, description="whether it is looked for; true if left out")
    at_least: RateSettings | None = Field(
        default=None, description="the minimum rate below which it is harmless; none if left out"
    )
    unless_later_success: bool | None = Field(
        default=None, description="harmless if a later run of the same function succeeded; false if left out"
    )
    reason: Text | None = Field(default=None, description="why it is watched, shown to people")
    remedy: Text | None = Field(default=None, description="what to do about it, shown to people")

    def to_rule(self, name: str) -> SignalRule:
        """The signal meant: the shipped one of this name with what is said here, or one of the user's own."""
        shipped = _SHIPPED.get(name) or SignalRule(name=name, pattern=self.pattern or "", severity=Severity.WARNING)
        said: dict[str, Any] = {
            key: value for key in self.model_fields_set if (value := getattr(self, key)) is not None
        }
        if self.at_least is not None:
            said["at_least"] = Rate(count=self.at_least.count, within=self.at_least.within)
        return replace(shipped, **said)


def signal_mistakes(raw: object) -> Iterator[Mistake]:
    """Signals that are neither shipped nor have a pattern of their own, and too many of them."""
    if not isinstance(raw, Mapping):
        return
    if len(raw) > MAX_SIGNALS:
        yield Mistake(message=f"at most {MAX_SIGNALS} signals")
    for name, given in raw.items():
        if not isinstance(given, Mapping) or given.get("pattern") is not None or name in _SHIPPED:
            continue
        near = nearest(str(name), _SHIPPED)
        hint = f"did you mean {quoted(near)}?" if near else "write pattern: 'the text to look for'"
        yield Mistake(message="a signal of your own needs a pattern", hint=hint, at=(name,), at_key=True)


def rules(signals: Mapping[str, SignalSettings]) -> tuple[SignalRule, ...]:
    """All signals: the shipped ones with the changes to them, then the user's own."""
    own = tuple(given.to_rule(name) for name, given in signals.items() if name not in _SHIPPED)
    return (*(signals[s.name].to_rule(s.name) if s.name in signals else s for s in SHIPPED), *own)
