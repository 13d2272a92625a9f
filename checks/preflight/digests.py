"""The digest of each file's content. A file is read only where the disk says that it may not be what it was.

What the disk says: size, times of the last change of content and of anything (which nobody can set), inode, device. As
git does with its index (git-scm.com/docs/racy-git), it is not believed of a file that had just changed when it was
read: one more change within the same tick of the clock would not show.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from checks.preflight.cache import Cache
from checks.preflight.model import Facts

LARGEST = 5_000_000  # bytes of one source file
_TICK = 2_000_000_000  # ns: FAT's, the coarsest there is


def digests_of(files: Sequence[Path], cache: Cache, *, now: int) -> tuple[dict[Path, str], dict[Path, Facts]]:
    """The digest of each file's content, and what is to be said of those that cannot be read. ``now``: in nanoseconds
    since 1970, before anything is read.
    """
    here = os.getcwd()  # noqa: PTH109 - joined as text, thousands of times
    paths = {file: os.fsencode(os.path.join(here, file)) for file in files}  # noqa: PTH118
    known = cache.digests(paths.values())
    found: dict[Path, str] = {}
    unread: dict[Path, Facts] = {}
    news: list[tuple[bytes, str, str]] = []
    for file, path in paths.items():
        try:
            state, digest = known.get(path, ("", ""))
            if not digest or state != _state(os.stat(path)):  # noqa: PTH116
                digest, state = _read(path, now)
                if state:
                    news.append((path, state, digest))
        except OSError as error:
            unread[file] = _unread(f"cannot be read: {error.strerror}")
            continue
        if digest:
            found[file] = digest
        else:
            unread[file] = _unread(f"larger than {LARGEST // 10**6} MB")
    cache.put_digests(news)
    return found, unread


def digest_of(content: bytes) -> str:
    """What stands for a content."""
    return hashlib.sha256(content, usedforsecurity=False).hexdigest()[:32]  # most processors have it built in


def _read(path: bytes, now: int) -> tuple[str, str]:
    """The digest of a file's content, empty if that is too large; and its state, empty if it is not to be believed."""
    with open(path, "rb", buffering=0) as opened:  # noqa: PTH123 - twice as fast as a path, thousands of times
        about = os.fstat(opened.fileno())
        if about.st_size > LARGEST:
            return "", ""
        old = max(about.st_mtime_ns, about.st_ctime_ns) < now - _TICK
        return digest_of(opened.readall()), _state(about) if old else ""


def _state(about: os.stat_result) -> str:
    return f"{about.st_size} {about.st_mtime_ns} {about.st_ctime_ns} {about.st_ino} {about.st_dev}"


def _unread(reason: str) -> Facts:
    return Facts(error=(1, reason), unread=True)
