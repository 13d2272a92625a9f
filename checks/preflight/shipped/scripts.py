"""Files that describe a deployment, as text for a shell: scripts themselves, Makefiles, Cloud Build, workflows.

Each is brought into one form, what a shell would run in which folder; what that ships, ``deploying`` tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from checks.preflight.shipped.slips import Slip, repaired

_NAMED = re.compile(
    r"(?P<shell>.*\.sh)|(?P<make>(?:GNUm|[Mm])akefile|.*\.mk)|(?P<cloudbuild>.*cloud-?build.*\.(?:ya?ml|json))"
    r"|(?P<compose>(?:docker-)?compose.*\.ya?ml)|(?P<gitlab>\.gitlab-ci\.ya?ml)|(?P<skaffold>skaffold.*\.ya?ml)"
)
_SUFFIXES = (".sh", ".yaml", ".yml", ".json", "akefile", ".mk")
_CONCERNED = re.compile(rb"gcloud|docker|google-github-actions|build:|\.sh\b|uses:\s*['\"]?\./")
_MOST_BYTES = 1_000_000


class Part(NamedTuple):
    """Commands of one shell: where they begin in the file, in which folder (below where the description is started; a
    word of a shell), with which variables; ``file``: where they are written below the root, if not in the description.
    """

    line: int
    text: str
    folder: str = "."
    values: Mapping[str, str] = {}
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a file would run. Each of ``runs`` begins with the files as they lie in the repository. ``starts``: the
    folders in which it may be started. ``arguments``: it is told things by arguments, not by variables. ``problem``:
    why it could not be read. ``slips``: variables that nothing sets; what it runs is what is meant by them.
    """

    file: Path
    runs: tuple[tuple[Part, ...], ...] = ()
    starts: tuple[Path, ...] = field(default_factory=tuple)
    arguments: bool = False
    problem: str = ""
    slips: tuple[Slip, ...] = ()

    @property
    def asks(self) -> bool:
        """Whether it deploys functions or builds images and may be told which."""
        text = "".join(part.text + part.folder for parts in self.runs for part in parts)
        return (" deploy" in text or "docker" in text) and (
            "$1" in text or "${1" in text if self.arguments else "$" in text
        )


def named(folder: Path, names: Iterable[str]) -> list[Path]:
    """The files of a folder that by their names may describe a deployment."""
    return [folder / name for name in sorted(names) if name.endswith(_SUFFIXES) and _NAMED.fullmatch(name)]


def workflows(root: Path) -> list[Path]:
    """The workflows of a repository, in the one folder where they lie."""
    return sorted(path for path in (root / ".github" / "workflows").glob("*.y*ml") if path.is_file())


def concerns(file: Path) -> bool:
    """Whether a file speaks of deploying at all, by its bytes."""
    try:
        return _CONCERNED.search(file.read_bytes()[:_MOST_BYTES]) is not None
    except OSError:
        return False


def is_terraform_of_functions(file: Path) -> bool:
    """Whether a file of Terraform deploys functions."""
    try:
        return b"google_cloudfunctions" in file.read_bytes()[:_MOST_BYTES]
    except OSError:
        return False


def read(file: Path, root: Path, kind: str | None = None) -> Description:
    """What a file describes; ``kind``: what its name would say, if it has not that name."""
    try:
        content = file.read_bytes()
    except OSError as error:
        return Description(file=file, problem=error.strerror or "it cannot be opened")
    if len(content) > _MOST_BYTES:
        return Description(file=file, problem="it is larger than 1 MB")
    text = content.decode("utf-8", errors="replace").replace("\0", "")
    own, top = file.resolve().parent, root.resolve()
    if kind is None:
        kind = match.lastgroup if (match := _NAMED.fullmatch(file.name)) else "workflow"
    if kind == "shell":  # started in its own folder or at the root, most often; it may say so itself with cd
        meant, slips = repaired(text)
        return Description(file=file, runs=((Part(1, meant),),), starts=(top, own), arguments=True, slips=slips)
    if kind == "make":
        from checks.preflight.shipped import makefiles

        return Description(file=file, runs=makefiles.runs(text, own, top), starts=(own,))
    from checks.preflight.shipped import ci_files, ci_yaml

    def other(path: str) -> str | None:
        file = (top / path).resolve()
        inside = file.is_relative_to(top) and file.is_file() and file.stat().st_size <= _MOST_BYTES
        return file.read_text(encoding="utf-8", errors="replace").replace("\0", "") if inside else None

    starts = {"cloudbuild": (top, own), "compose": (own,), "skaffold": (own,)}.get(kind or "", (top,))
    try:
        runs = ci_files.runs(kind or "", text, other)
    except ci_yaml.UnreadableError as error:
        return Description(file=file, problem=str(error))
    return Description(file=file, runs=runs, starts=starts)
