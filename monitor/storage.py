"""Whether the folder of the state will be there tomorrow, and how full it is."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from checks.model import JsonValue

_MOUNTS = Path("/proc/self/mountinfo")
_IN_MEMORY = frozenset({"tmpfs", "ramfs", "devtmpfs"})
_ANONYMOUS_VOLUME = re.compile(r"/volumes/[0-9a-f]{64}/_data")
_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """What a folder lies on. ``lasts`` None: cannot be told from here. ``sentence`` says what is known and how surely.

    ``free_bytes`` None: not known.
    """

    kind: str
    lasts: bool | None
    sentence: str
    free_bytes: int | None = None

    def to_json(self) -> JsonValue:
        """As plain values."""
        return {"kind": self.kind, "lasts": self.lasts, "about": self.sentence, "free_bytes": self.free_bytes}


def look(path: Path) -> Storage:
    """What the nearest existing folder at or above ``path`` lies on."""
    folder = next((p for p in (path, *path.parents) if p.is_dir()), Path("/")).resolve()
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        mounts = ""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        free = None
    found = judge(folder, mounts)
    return Storage(kind=found.kind, lasts=found.lasts, sentence=found.sentence, free_bytes=free)


def judge(folder: Path, mounts: str) -> Storage:
    """The same, from the text of ``/proc/self/mountinfo`` (proc(5): root, mount point, then `-`, file system). Pure."""
    best: tuple[int, str, str] | None = None
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields, kind = before.split(), after.split(" ", 1)[0]
        if len(fields) < 5 or not kind:  # noqa: PLR2004 - the fifth is the mount point
            continue
        root, point = (_OCTAL.sub(lambda m: chr(int(m[1], 8)), f) for f in fields[3:5])
        # Of mounts on one point the last one is seen.
        if f"{folder}/".startswith(f"{point.rstrip('/')}/") and (best is None or len(point) >= best[0]):
            best = (len(point), root, kind)
    if best is None:
        return Storage(kind="unknown", lasts=None, sentence="what the state lies on cannot be told on this system")
    _, root, kind = best
    if kind in _IN_MEMORY:
        return Storage(kind=kind, lasts=False, sentence=f"in memory ({kind}): gone at the next restart; this is sure")
    if kind == "overlay":
        words = "in the container's own layer (overlay): gone when the container is replaced; sure in a container"
        return Storage(kind=kind, lasts=False, sentence=words)
    if "kubernetes.io~empty-dir" in root:
        words = "an emptyDir of Kubernetes: gone when the pod is replaced; this is sure"
        return Storage(kind="emptyDir", lasts=False, sentence=words)
    if _ANONYMOUS_VOLUME.search(root):
        words = f"an unnamed Docker volume ({kind}): lost with `docker run --rm` or a new container; give it a name"
        return Storage(kind="unnamed volume", lasts=None, sentence=words)
    words = f"on {kind}: lasts as far as can be told from inside; whether the disk itself is kept is not known here"
    return Storage(kind=kind, lasts=True, sentence=words)
