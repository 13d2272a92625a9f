"""Entries in any order -> the entries that belong together, in the order in which they were written.

A cheap look at the text decides whether an entry can have to do with a traceback; of the others only the neighbours
are kept (the line before a traceback tells who logged it). Memory is bounded: a group that grows too large is parsed
early, and so is the oldest group when there are too many.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from typing import Any

from checks.logs.entry import MAX_TEXT, Entry, entry_of, mapping, text_of
from checks.logs.triggers import any_of

# A line of a traceback, a line that names what is broken, that ties two tracebacks together, or that introduces one.
HINTS = (
    "rror",
    "Traceback",
    "xception",
    "No module",
    "is not defined",
    "has no attribute",
    "access submodule",
    "referenced before",
    "not associated",
    "cannot import",
    "ound: Table",
    "insertAll",
    "relative import",
    "cannot open shared object",
    'File "',
    ".py, line ",
    "ERROR",
    "WARNING",
    "CRITICAL",
    "ailed",
)
_hinted = any_of(HINTS)
STARTS = (" ", "\t", ">", "|", "\u2502", "\x1b", ":", "Traceback", "ERROR", "WARNING")  # also frequent hints
MAX_GROUP_ENTRIES = 4_000
MAX_GROUP_TEXT = 8_000_000
MAX_HELD_ENTRIES = 20_000
MAX_HELD_TEXT = 8_000_000
MAX_NEIGHBOURS = 5_000  # each a whole entry
MAX_SEEN = 43_000  # of each half; a dict of some more takes twice the memory
MAX_POOLED = 1_000_000  # characters
_MAX_PARTS = 1_000
GroupKey = tuple[str, str, str, str]


def is_interesting(text: str) -> bool:
    """Whether a text can be part of a failure."""
    return text.startswith(STARTS) or _hinted(text)


class Texts:
    """Texts that can be part of a failure, each held once: storms repeat the same few."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._size = 0

    def pooled(self, text: str) -> str | None:
        """The one that is held for all that are equal; None for a text that cannot be part of a failure."""
        known = self._known.get(text)
        if known is None and is_interesting(text):
            self._size += len(text)
            if self._size > MAX_POOLED:
                self._known.clear()
                self._size = len(text)
            self._known[text] = known = text
        return known


class _Group:
    __slots__ = ("entries", "size")

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.size = 0


class Stitcher:
    """Collects entries; calls ``done`` with each finished group, its entries in order of (time, insertId).

    Entries of one group share service, revision, instance, and execution (or trace).

    :param whole: keep what neighbours are made of, as it was kept of the entries that are given.
    """

    def __init__(self, done: Callable[[list[Entry]], None], *, whole: bool) -> None:
        self._done = done
        self._whole = whole
        self._groups: OrderedDict[GroupKey, _Group] = OrderedDict()
        self._neighbours: dict[tuple[Any, ...], Mapping[str, Any] | None] = {}
        self._held = self._held_text = 0
        self._seen: dict[int, None] = {}
        self._seen_before: dict[int, None] = {}
        self._parts: dict[str, dict[int, tuple[Mapping[str, Any], str]]] = {}
        self._parts_text = 0

    def pass_by(self, raw: Mapping[str, Any]) -> None:
        """Take note of an entry that cannot be part of a failure, in case that its neighbour is one."""
        place = _place_of(raw)
        if self._neighbours.get(place, raw) is None:  # the last one here was interesting (input may be newest first)
            del self._neighbours[place]
            entry = entry_of(raw, whole=self._whole)
            if entry is not None:
                self._hold(self._group(entry.group), entry)
        if len(self._neighbours) > MAX_NEIGHBOURS:
            self._neighbours.clear()
        self._neighbours[place] = raw

    def add(self, entry: Entry, raw: Mapping[str, Any]) -> None:
        """Take one entry that may be part of a failure. A repeated delivery of the same one is ignored."""
        split = raw.get("split")
        if isinstance(split, dict) and text_of(split.get("uid")):
            self._part(raw, entry.text, split)
            return
        place = _place_of(raw)
        before = self._neighbours.get(place)
        if before is not None:
            neighbour = entry_of(before, whole=self._whole)
            if neighbour is not None:
                self._hold(self._group(neighbour.group), neighbour)
        self._neighbours[place] = None
        self._place(entry)

    def finish(self) -> None:
        """No more entries will come."""
        for uid in list(self._parts):
            self._join(uid)
        while self._groups:
            self._release()

    def _group(self, key: GroupKey) -> _Group:
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group()
        return group

    def _place(self, entry: Entry) -> None:
        key = entry.group
        group = self._group(key)
        self._hold(group, entry)
        self._groups.move_to_end(key)
        if len(group.entries) > MAX_GROUP_ENTRIES or group.size > MAX_GROUP_TEXT:
            self._shed(group)
        while self._held > MAX_HELD_ENTRIES or self._held_text > MAX_HELD_TEXT or len(self._groups) > MAX_HELD_ENTRIES:
            self._release()

    def _hold(self, group: _Group, entry: Entry) -> None:
        identity = hash((entry.insert_id or entry.text, entry.nanos, entry.service))
        if identity in self._seen or identity in self._seen_before:
            return
        self._seen[identity] = None
        if len(self._seen) > MAX_SEEN:
            self._seen, self._seen_before = {}, self._seen
        group.entries.append(entry)
        group.size += len(entry.text)
        self._held += 1
        self._held_text += len(entry.text)

    def _release(self) -> None:
        _, group = self._groups.popitem(last=False)
        self._held -= len(group.entries)
        self._held_text -= group.size
        if group.entries:
            self._done(_ordered(group.entries))

    def _shed(self, group: _Group) -> None:
        """Parse most of a large group, and keep the end where more entries arrive, cut at its widest gap."""
        newest_first = group.entries[0].nanos > group.entries[-1].nanos
        ordered = _ordered(group.entries)
        quarter = max(2, len(ordered) // 4)
        edge = range(1, quarter) if newest_first else range(len(ordered) - quarter, len(ordered))
        cut = max(edge, key=lambda at: ordered[at].nanos - ordered[at - 1].nanos)
        parsed, kept = (ordered[cut:], ordered[:cut]) if newest_first else (ordered[:cut], ordered[cut:])
        self._held -= len(parsed)
        group.entries = kept[::-1] if newest_first else kept
        size = sum(len(entry.text) for entry in kept)
        self._held_text -= group.size - size
        group.size = size
        self._done(parsed)

    def _part(self, raw: Mapping[str, Any], text: str, split: Mapping[str, Any]) -> None:
        """A part of an entry that was too large (LogSplit): uid, index (0 is left out), totalSplits."""
        uid = text_of(split.get("uid"))
        index, total = split.get("index"), split.get("totalSplits")
        parts = self._parts.setdefault(uid, {})
        parts[index if isinstance(index, int) else 0] = (raw, text)
        self._parts_text += len(text)
        if (isinstance(total, int) and len(parts) >= total) or len(parts) >= _MAX_PARTS:
            self._join(uid)
        while len(self._parts) > _MAX_PARTS or (self._parts and self._parts_text > MAX_HELD_TEXT):
            self._join(next(iter(self._parts)))

    def _join(self, uid: str) -> None:
        parts = self._parts.pop(uid)
        self._parts_text = self._parts_text - sum(len(text) for _, text in parts.values()) if self._parts else 0
        text = "".join(parts[index][1] for index in sorted(parts))[:MAX_TEXT]
        entry = entry_of(parts[min(parts)][0], (text, False), whole=self._whole)
        if entry is not None:
            self._place(entry)


def _ordered(entries: list[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: (entry.nanos, entry.insert_id))


def of_instances(entries: Sequence[Any], instances: AbstractSet[str]) -> list[int]:
    """The numbers of those entries that these instances wrote."""
    if "" not in instances:
        with suppress(AttributeError, KeyError, TypeError):  # some entry is unusual
            return [
                number
                for number, raw in enumerate(entries)
                if ((labels := raw["labels"]).get("instanceId") or labels.get("instance_id")) in instances
            ]
    return [number for number, raw in enumerate(entries) if isinstance(raw, dict) and instance_of(raw) in instances]


def instance_of(raw: Mapping[str, Any]) -> str:
    """The instance that wrote an entry, as neighbours have it."""
    instance: str = _place_of(raw)[0]
    return instance


def _place_of(raw: Mapping[str, Any]) -> tuple[Any, ...]:
    """Roughly the group of an entry, without the cost of parsing it."""
    labels = mapping(raw.get("labels"))
    instance = labels.get("instanceId") or labels.get("instance_id")
    return (text_of(instance), text_of(labels.get("execution_id") or raw.get("trace")), text_of(raw.get("logName")))
