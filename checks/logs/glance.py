"""Many entries at a glance: which of them have to be looked at one by one, and who wrote the rest.

Nearly all entries say nothing of concern. To find that out of each by itself takes ten times as long as to find it out
of some hundred together: every step here is one operation on all of them, and they are few enough to stay in the
processor's cache from the first step to the last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import re2
from ahocorasick_rs import BytesAhoCorasick, MatchKind

from checks.logs.activity import RUN_WORDS
from checks.logs.entry import nanos_of
from checks.logs.payload import payload_text
from checks.logs.stitch import HINTS, STARTS
from checks.logs.triggers import encodable

_AT_ONCE = 512
_BETWEEN = "\0"  # stands before each text
# What an entry has to be looked at for: a part of a failure, the end of a run, a record that was delivered as text.
_WORDS = (*HINTS, *RUN_WORDS, *(_BETWEEN + start for start in (*STARTS, "{")))
_words = BytesAhoCorasick([word.encode() for word in _WORDS], matchkind=MatchKind.LeftmostFirst)
_TIMES = re2.compile(rb"(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z\x00)*")
_TO_SECOND = len("2026-01-26T09:07:04")

# What the labels of a resource say of the service and the revision, whatever it is.
Writer = tuple[Any, Any]


@dataclass(frozen=True, slots=True)
class Glance:
    """Some entries, and what was seen of them. Entries are told by their numbers here.

    :ivar texts: what each says; ``said``: all that, as UTF-8, a NUL before each.
    :ivar telling: those that may tell of a failure or a run, and what is no object; ascending.
    :ivar apart: of these, what the revisions have to look at: requests, audit records.
    :ivar writers: who wrote the others; None if that cannot be said of all at once.
    :ivar since: no entry of these writers is older (nanoseconds since 1970).
    """

    entries: Sequence[Any]
    texts: Sequence[str]
    said: bytes
    telling: Sequence[int]
    apart: Sequence[int]
    writers: frozenset[Writer] | None
    since: int


def glances(entries: Sequence[Any]) -> Iterator[Glance]:
    """All entries, some hundred in each."""
    for start in range(0, len(entries), _AT_ONCE):
        yield _glance(entries[start : start + _AT_ONCE])


def _glance(entries: Sequence[Any]) -> Glance:
    if {*map(type, entries)} != {dict}:
        every = range(len(entries))
        return Glance(entries, ("",) * len(entries), b"", every, every, None, 0)
    texts, joined = _texts(entries)
    apart = [n for n, raw in enumerate(entries) if "httpRequest" in raw or "protoPayload" in raw or "split" in raw]
    telling = set(apart)
    if joined.count(_BETWEEN) != len(entries):  # a pattern may ask for one, and here it would not find it
        telling.update(n for n, text in enumerate(texts) if _BETWEEN in text)
        joined = "".join([_BETWEEN + text.replace(_BETWEEN, " ") for text in texts])
    said = encodable(joined).encode()
    number, before = -1, 0
    for _, _, end in _words.find_matches_as_indexes(said):
        number += said.count(b"\0", before, end - 1)
        before = end - 1
        telling.add(number)
    left = set(apart)
    rest = [raw for n, raw in enumerate(entries) if n not in left] if left else entries
    writers, since = _writers(rest)
    return Glance(entries, texts, said, sorted(telling), apart, writers, since)


def _texts(entries: Sequence[dict[str, Any]]) -> tuple[Sequence[str], str]:
    texts: list[Any] = [raw.get("textPayload") for raw in entries]
    try:
        return texts, _BETWEEN + _BETWEEN.join(texts)
    except TypeError:  # not all are text
        said = [payload_text(raw)[0] for raw in entries]
        return said, _BETWEEN + _BETWEEN.join(said)


def _writers(entries: Sequence[dict[str, Any]]) -> tuple[frozenset[Writer] | None, int]:
    """Who wrote these entries, and a time before which none was written; None where not all are as they usually are."""
    try:
        found = {
            (labels.get("service_name"), labels.get("revision_name"))
            for labels in [raw["resource"]["labels"] for raw in entries]
        }
        times = [raw["timestamp"] for raw in entries]
        usual = _TIMES.fullmatch("\0".join([*times, ""]).encode())
    except (AttributeError, KeyError, TypeError, UnicodeEncodeError):
        return None, 0
    since = nanos_of(min(times)[:_TO_SECOND] + "Z") if times else 0
    return (None, 0) if usual is None or since is None else (frozenset(found), since)


def writer_of(raw: dict[str, Any]) -> Writer:
    """Who wrote an entry of a glance that has writers."""
    labels = raw["resource"]["labels"]
    return labels.get("service_name"), labels.get("revision_name")
