"""The part of the Logging query language that is sent, evaluated strictly: what is not known here is refused.

Precedence as documented: NOT binds tightest, then OR, then AND; a space between two terms is AND. A field that an entry
does not have never matches a comparison. ``=`` and ``:`` compare without case, ``=~`` with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import re2

from checks.logs.entry import nanos_of

Predicate = Callable[["Record"], bool]
SEVERITIES = {
    name: number * 100
    for number, name in enumerate(
        ("DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY")
    )
}
_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<op>>=|<=|!=|=~|[()=:<>.-])|(?P<word>[A-Za-z_][\w/]*|\d[\w.:+-]*))"""
)
_TEXT_FIELDS = ("textPayload", "logName", "insertId", "trace", "spanId")
_TREES = ("resource", "labels", "jsonPayload", "protoPayload", "httpRequest")
_NUMBERS = (("httpRequest", "status"),)


class QueryError(Exception):
    """The service would answer INVALID_ARGUMENT."""


@dataclass(kw_only=True)
class Record:
    """An entry as the service keeps it: its JSON, its protobuf bytes, its times, and when queries see it."""

    raw: dict[str, Any]
    packed: bytes
    timestamp: int
    received: int
    visible: int

    @cached_property
    def everything(self) -> str:
        """All texts in it, lower case."""
        return "\n".join(_texts(self.raw)).lower()

    def get(self, path: tuple[str, ...]) -> Any:
        """A field; None where there is none."""
        value: Any = self.raw
        for step in path:
            if not isinstance(value, dict):
                return None
            value = value.get(step)
        return value


@dataclass(kw_only=True)
class Query:
    """A compiled filter. ``bounds``: what the top level demands of the two times, in nanoseconds, [least, most]."""

    matches: Predicate
    bounds: dict[str, list[int]] = field(default_factory=dict)


def compile_query(text: str) -> Query:
    """A filter that can be evaluated.

    :raises QueryError: for whatever this subset does not know.
    """
    if len(text) > 20_000:
        raise QueryError("the filter is longer than 20000 characters")
    if not text.strip():
        return Query(matches=lambda record: True)
    return _Parser(text).query()


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at = 0
        text = text.rstrip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if not found or found.lastgroup is None:
                raise QueryError(f"unexpected text at {at}: {text[at : at + 20]!r}")
            self._tokens.append((found.lastgroup, found[found.lastgroup]))
            at = found.end()
        self._at = 0
        self._depth = 0
        self._bounds: dict[str, list[int]] = {}

    def query(self) -> Query:
        matches = self._and()
        if self._at < len(self._tokens):
            raise QueryError(f"unexpected {self._peek()[1]!r}")
        return Query(matches=matches, bounds=self._bounds)

    def _peek(self, ahead: int = 0) -> tuple[str, str]:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else ("end", "")

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self._at += 1
        return token

    def _expect(self, text: str) -> None:
        if self._next()[1] != text:
            raise QueryError(f"{text!r} expected")

    def _and(self) -> Predicate:
        terms = [self._or()]
        while self._peek()[1] not in ("", ")"):
            if self._peek() == ("word", "AND"):
                self._next()
            terms.append(self._or())
        return terms[0] if len(terms) == 1 else (lambda record: all(term(record) for term in terms))

    def _or(self) -> Predicate:
        start = self._at
        terms = [self._not()]
        while self._peek() == ("word", "OR"):
            self._next()
            terms.append(self._not())
        if len(terms) > 1:
            if self._depth == 0:
                self._unbound(start)
            return lambda record: any(term(record) for term in terms)
        return terms[0]

    def _unbound(self, start: int) -> None:
        names = {text for _, text in self._tokens[start : self._at]}
        for name in names & set(self._bounds):
            del self._bounds[name]

    def _not(self) -> Predicate:
        if self._peek() in (("word", "NOT"), ("op", "-")):
            self._next()
            self._depth += 1
            inner = self._not()
            self._depth -= 1
            return lambda record: not inner(record)
        return self._primary()

    def _primary(self) -> Predicate:
        kind, text = self._peek()
        if text == "(" and kind == "op":
            self._next()
            self._depth += 1
            inner = self._and()
            self._depth -= 1
            self._expect(")")
            return inner
        if kind == "string":
            self._next()
            wanted = _unquoted(text).lower()
            return lambda record: wanted in record.everything
        if kind != "word" or text in ("AND", "OR", "NOT"):
            raise QueryError(f"a comparison expected, found {text!r}")
        return self._comparison()

    def _comparison(self) -> Predicate:
        path = [self._next()[1]]
        while self._peek() == ("op", "."):
            self._next()
            kind, text = self._next()
            if kind not in ("word", "string"):
                raise QueryError(f"a field expected after '.', found {text!r}")
            path.append(_unquoted(text) if kind == "string" else text)
        kind, operator = self._next()
        if kind != "op" or operator not in ("=", "!=", ":", "=~", "<", "<=", ">", ">="):
            raise QueryError(f"an operator expected after {'.'.join(path)}, found {operator!r}")
        if self._peek() == ("op", "("):
            return self._values(tuple(path), operator)
        return self._compare(tuple(path), operator, self._value())

    def _values(self, path: tuple[str, ...], operator: str) -> Predicate:
        self._next()
        terms = [self._compare(path, operator, self._value())]
        while self._peek() == ("word", "OR"):
            self._next()
            terms.append(self._compare(path, operator, self._value()))
        self._expect(")")
        return lambda record: any(term(record) for term in terms)

    def _value(self) -> str:
        kind, text = self._next()
        if kind == "string":
            return _unquoted(text)
        if kind != "word" or text in ("AND", "OR", "NOT"):
            raise QueryError(f"a value expected, found {text!r}")
        return text

    def _compare(self, path: tuple[str, ...], operator: str, value: str) -> Predicate:
        if path in (("timestamp",), ("receiveTimestamp",)):
            return self._time(path[0], operator, value)
        if path == ("severity",):
            if value.upper() not in SEVERITIES or operator in (":", "=~"):
                raise QueryError(f"severity {operator} {value!r}")
            return _ordered(
                lambda record: SEVERITIES[str(record.raw.get("severity", "DEFAULT"))],
                operator,
                SEVERITIES[value.upper()],
            )
        if path in _NUMBERS:
            if not value.isdigit() or operator in (":", "=~"):
                raise QueryError(f"{'.'.join(path)} {operator} {value!r}")
            return _ordered(lambda record: record.get(path), operator, int(value))
        if not ((len(path) == 1 and path[0] in _TEXT_FIELDS) or (len(path) > 1 and path[0] in _TREES)):
            raise QueryError(f"unknown field {'.'.join(path)}")
        return _text(path, operator, value)

    def _time(self, name: str, operator: str, value: str) -> Predicate:
        moment = nanos_of(value)
        if moment is None or operator in (":", "=~"):
            raise QueryError(f"{name} {operator} {value!r}")
        if self._depth == 0 and operator in ("<", "<=", ">", ">="):
            bounds = self._bounds.setdefault(name, [-(10**30), 10**30])
            if operator[0] == ">":
                bounds[0] = max(bounds[0], moment)
            else:
                bounds[1] = min(bounds[1], moment)
        if name == "timestamp":
            return _ordered(lambda record: record.timestamp, operator, moment)
        return _ordered(lambda record: record.received, operator, moment)


def _ordered(read: Callable[[Record], int | None], operator: str, wanted: int) -> Predicate:
    compare: dict[str, Callable[[int], bool]] = {
        "=": lambda value: value == wanted,
        "!=": lambda value: value != wanted,
        "<": lambda value: value < wanted,
        "<=": lambda value: value <= wanted,
        ">": lambda value: value > wanted,
        ">=": lambda value: value >= wanted,
    }
    holds = compare[operator]

    def matches(record: Record) -> bool:
        value = read(record)
        return value is not None and holds(value)

    return matches


def _text(path: tuple[str, ...], operator: str, value: str) -> Predicate:
    wanted = value.lower()
    if operator == "=~":
        try:
            pattern = re2.compile(value)
        except re2.error as error:
            raise QueryError(f"not an RE2 pattern: {value!r}") from error
        holds: Callable[[str], bool] = lambda text: pattern.search(text) is not None  # noqa: E731
    elif operator == "=":
        holds = lambda text: text.lower() == wanted  # noqa: E731
    elif operator == "!=":
        holds = lambda text: text.lower() != wanted  # noqa: E731
    elif operator == ":":
        holds = lambda text: wanted in text.lower()  # noqa: E731
    else:
        raise QueryError(f"{'.'.join(path)} {operator} is not known here")

    def matches(record: Record) -> bool:
        found = record.get(path)
        return isinstance(found, (str, int, float)) and holds(str(found))

    return matches


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "r": "\r"}.get(found[1], found[1]), text[1:-1])
