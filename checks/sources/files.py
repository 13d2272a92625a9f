"""Log entries from files in a folder: tailed, with rotation, truncation and rewriting in mind.

The cursor has one state per file, under ``device:inode``: its name, where to go on
(``checks.exports.entries.EntryParser``), its size and modification time when last looked at, and fingerprints of what
was read. A file goes on where it was left only if what was read is still what it begins with; else it is read anew, and
the check that gets entries twice tells them by their insertId.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from checks.exports.compressed import BLOCK_BYTES, DamagedError, decompressed
from checks.exports.entries import MAX_ENTRY_BYTES, EntryParser, Malformed
from checks.model import Evidence, JsonValue, Window, utc
from checks.ports import LogBatch, SourceError

# Files with entries, also after rotation: app.log, app.log.1, app.jsonl-20260125.gz.
NAMES = re.compile(r"\.(json|jsonl|ndjson|log|txt)([.-][0-9][\w.-]*?)?(\.gz|\.zst)?$", re.IGNORECASE)
HEAD_BYTES = 256
TAIL_BYTES = 64
NOTED_MALFORMED = 5
_UTC_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")


@dataclass(slots=True, kw_only=True)
class _Reading:
    """What one ``read`` has gathered so far."""

    left: int
    entries: list[Mapping[str, Any]] = field(default_factory=list)
    malformed: int = 0
    files: int = 0
    read: int = 0
    notes: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    more: bool = False


class LogFiles:
    """The log source over a folder. Subfolders are not looked into.

    One ``read`` takes at most ``max_bytes_per_read`` (of uncompressed text); what is left is named in
    ``evidence.unseen`` and comes with the next one. An entry longer than ``max_line_bytes`` is skipped without being
    held, and counted as malformed. With ``received_by_until`` entries that were received after ``until`` are left out
    (for judging a past moment, with a cursor that is thrown away); without it ``read`` gives all there is.

    :raises ValueError: if the one bound leaves no room for the other.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes_per_read: int = 16 * 1024 * 1024,
        max_line_bytes: int = MAX_ENTRY_BYTES,
        received_by_until: bool = False,
    ) -> None:
        if max_bytes_per_read < 2 * max_line_bytes:
            raise ValueError("max_bytes_per_read must be at least twice max_line_bytes")
        self._folder = folder
        self._max_bytes_per_read = max_bytes_per_read
        self._max_line_bytes = max_line_bytes
        self._received_by_until = received_by_until

    def read(self, cursor: JsonValue, until: datetime) -> LogBatch:
        """What is new in the folder, sorted by time and insertId, as ``checks.ports.LogSource`` says.

        :raises SourceError: ``missing`` or ``forbidden`` if the folder cannot be listed.
        """
        known = cast("dict[str, dict[str, Any]]", cursor) if isinstance(cursor, dict) else {}
        reading = _Reading(left=self._max_bytes_per_read)
        states: dict[str, JsonValue] = {}
        for path, found in self._files(known, reading):
            key = f"{found.st_dev}:{found.st_ino}"
            if key in states:  # a second name of the same file
                continue
            reading.files += 1
            state = known.get(key)
            try:
                state = self._read_file(path, found, key, known, reading)
            except FileNotFoundError:
                pass  # renamed since it was listed: the next read finds it under its new name
            except OSError as error:
                reading.unseen.append(f"{_printable(path.name)} cannot be read: {error.strerror}")
            if state is not None:
                states[key] = state
        return self._batch(reading, states, until)

    def _batch(self, reading: _Reading, states: dict[str, JsonValue], until: datetime) -> LogBatch:
        entries = reading.entries
        counts = {
            "files": reading.files,
            "entries": len(entries),
            "malformed": reading.malformed,
            "bytes": reading.read,
        }
        if self._received_by_until:
            last = _sortable(utc(until).isoformat())
            entries = [e for e in entries if _sortable(e.get("receiveTimestamp") or e.get("timestamp")) <= last]
            counts |= {"entries": len(entries), "received_later": counts["entries"] - len(entries)}
        keyed = [(_sortable(e.get("timestamp")), str(e.get("insertId", "")), e) for e in entries]
        keyed.sort(key=lambda one: one[:2])
        return LogBatch(
            entries=[e for _, _, e in keyed],
            malformed=reading.malformed,
            cursor=states,
            evidence=Evidence(
                window=_window([key for key, _, _ in keyed if key]),
                counts=counts,
                unseen=tuple(reading.unseen),
                notes=tuple(reading.notes),
            ),
            more=reading.more,
        )

    def _files(self, known: Mapping[str, Any], reading: _Reading) -> list[tuple[Path, os.stat_result]]:
        """Regular files to look at, least recently changed first: what was rotated away before what replaced it.

        A file we know is one of ours under any name.
        """
        found = []
        try:
            with os.scandir(self._folder) as listing:
                for item in listing:
                    ours = NAMES.search(item.name) is not None
                    try:
                        status = item.stat()
                    except OSError as error:
                        if ours and item.is_symlink():
                            reading.unseen.append(f"{_printable(item.name)} cannot be read: {error.strerror}")
                        continue
                    if stat.S_ISREG(status.st_mode) and (ours or f"{status.st_dev}:{status.st_ino}" in known):
                        found.append((Path(item.path), status))
        except (FileNotFoundError, NotADirectoryError) as error:
            raise SourceError(
                f"the folder with log files does not exist: {self._folder}",
                kind="missing",
                remedy=f"create {self._folder}, or name another folder in the config",
            ) from error
        except OSError as error:
            raise SourceError(
                f"the folder with log files cannot be listed: {self._folder}: {error.strerror}",
                kind="forbidden",
                remedy=f"let this user read {self._folder}",
            ) from error
        return sorted(found, key=lambda one: (one[1].st_mtime_ns, one[0].name))

    def _read_file(
        self, path: Path, found: os.stat_result, key: str, known: Mapping[str, dict[str, Any]], reading: _Reading
    ) -> dict[str, Any]:
        """Read on in one file as far as the bound allows, and return its new state.

        :raises OSError: if it cannot be opened or read.
        """
        name = _printable(path.name)
        old = known.get(key)
        look = [found.st_size, found.st_mtime_ns]
        if old and old["done"] and old["look"] == look:
            return {**old, "name": name}
        state = _where_to_go_on(path, key, old, known)
        with path.open("rb") as raw:
            content = decompressed(raw)
            start = state["offset"] if state else 0
            head = _head_and_skip(content, start)
            parser = EntryParser(max_bytes=self._max_line_bytes, state=state)
            done = damaged = False
            while reading.left > 0:
                try:
                    block = content.read1(min(BLOCK_BYTES, reading.left))
                except DamagedError:
                    damaged = True
                    block = b""
                if not block:
                    done = True
                    break
                head += block[: HEAD_BYTES - len(head)]
                reading.left -= len(block)
                self._take(name, parser.feed(block), reading)
            end: int = parser.state["offset"]
            reading.read += end - start
            if damaged:
                reading.unseen.append(f"{name}: the compressed data end or break at line {parser.line}")
            reading.more |= not done
            if not done:
                reading.unseen.append(f"{name} is not read to its end; the rest comes with the next read")
            elif parser.in_array:
                reading.notes.append(f"{name}: an array that is not closed yet")
            return {
                "name": name,
                "look": look,
                "done": done,
                "parser": parser.state,
                "head": _digest(head[:end]),
                "tail": _digest(_tail(content, end)) if content is raw else None,
            }

    @staticmethod
    def _take(name: str, found: Iterator[Any], reading: _Reading) -> None:
        for one in found:
            if isinstance(one, Malformed):
                reading.malformed += 1
                if reading.malformed <= NOTED_MALFORMED:
                    reading.notes.append(f"{name}:{one.line} {one.reason}")
            else:
                reading.entries.append(one)


def _where_to_go_on(
    path: Path, key: str, old: Mapping[str, Any] | None, known: Mapping[str, dict[str, Any]]
) -> dict[str, Any] | None:
    """The parser state to go on with in a file that has changed or is new; None: from its beginning.

    A file that is new to us may be a copy of one that we know, made by a rotation that copies and truncates or by one
    that compresses: it goes on where that one was left.
    """
    if old is not None:
        candidates = [old]
    else:
        candidates = [
            state
            for other, state in known.items()
            if other != key and state["parser"]["offset"] > 0 and state["tail"] is not None
        ]
    for candidate in candidates:
        with path.open("rb") as raw, suppress(DamagedError):
            content = decompressed(raw)
            offset = candidate["parser"]["offset"]
            if content is raw and os.fstat(raw.fileno()).st_size < offset:
                continue
            head = _read_up_to(content, min(HEAD_BYTES, offset))
            if len(head) < min(HEAD_BYTES, offset) or _digest(head) != candidate["head"]:
                continue
            if candidate["tail"] is not None:
                _skip(content, max(0, offset - TAIL_BYTES - len(head)))
                # Where head and tail overlap, what is left of the tail lies in the head.
                rest = _read_up_to(content, offset - max(len(head), offset - TAIL_BYTES))
                if _digest((head + rest)[-min(TAIL_BYTES, offset) :]) != candidate["tail"]:
                    continue
            return dict(candidate["parser"])
    return None


def _head_and_skip(content: io.BufferedReader, offset: int) -> bytes:
    """Go to an offset; the content's first bytes as far as they lie before it."""
    head = _read_up_to(content, min(HEAD_BYTES, offset))
    _skip(content, offset - len(head))
    return head


def _read_up_to(content: io.BufferedReader, size: int) -> bytes:
    return content.read(size) if size > 0 else b""


def _skip(content: io.BufferedReader, size: int) -> None:
    """Move on; compressed content has to be read for that."""
    if content.seekable():
        content.seek(size, io.SEEK_CUR)
        return
    while size > 0 and (block := content.read(min(size, BLOCK_BYTES))):
        size -= len(block)


def _tail(content: io.BufferedReader, end: int) -> bytes:
    content.seek(max(0, end - TAIL_BYTES))
    return content.read(min(TAIL_BYTES, end))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def _printable(name: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in name)


def _sortable(time: object) -> str:
    """An RFC 3339 time as text that sorts: UTC, nine digits of a second. Empty for what is none."""
    if not isinstance(time, str):
        return ""
    if plain := _UTC_TIME.fullmatch(time):
        return f"{plain[1]}.{plain[2] or '':0<9}"
    try:
        moment = utc(datetime.fromisoformat(time))
    except (ValueError, OverflowError):
        return ""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "000"


def _window(times: list[str]) -> Window | None:
    """The span of sorted times, as ``_sortable`` gives them; None if there are none, or none that exist."""
    if not times:
        return None
    try:
        start, last = (datetime.fromisoformat(time).replace(tzinfo=UTC) for time in (times[0], times[-1]))
        return Window(start=start, end=last + timedelta(microseconds=1))
    except (ValueError, OverflowError):
        return None
