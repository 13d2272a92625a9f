"""Which files of a folder are shipped: symlinks, and what ignore files leave out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec, PathSpec

# Never part of a deployment, whatever an ignore file says.
_NEVER = frozenset({".git", ".hg", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"})
_MOST_FILES = 200_000


class TooManyFilesError(Exception):
    """More files than any package has: the wrong folder."""


@dataclass(slots=True, kw_only=True)
class Shipped:
    """Files by their path in the package, symlinks that lead nowhere (path in the package, where it points), and the
    others with what they lead to. ``unread``: folders that may not be looked into, with what is to be said of them.
    """

    files: dict[str, Path] = field(default_factory=dict)
    broken: list[tuple[str, str]] = field(default_factory=list)
    links: dict[str, Path] = field(default_factory=dict)
    unread: list[tuple[str, str]] = field(default_factory=list)


def gather(folder: Path, *, ignored: PathSpec[Any] | None = None, follow: bool = True) -> Shipped:
    """The files below a folder, in order. With ``follow`` a symlink is what it points to, as uploading takes it;
    without it a link out of the folder leads nowhere, as in an image.

    :raises TooManyFilesError: for a folder that cannot be a package.
    """
    found = Shipped()
    for path, file in _walk(folder, "", ignored, found, frozenset({os.path.realpath(folder)}), folder, follow):
        found.files[path] = file
        if len(found.files) > _MOST_FILES:
            raise TooManyFilesError(f"{folder} holds more than {_MOST_FILES} files")
    return found


def _walk(  # noqa: PLR0917 - one recursive step
    folder: Path,
    prefix: str,
    ignored: PathSpec[Any] | None,
    found: Shipped,
    above: frozenset[str],
    top: Path,
    follow: bool,
) -> Iterator[tuple[str, Path]]:
    try:
        items = sorted(os.scandir(folder), key=lambda item: item.name)
    except OSError as error:
        found.unread.append((prefix.rstrip("/"), f"{folder} cannot be read: {error.strerror}"))
        return
    for item in items:
        path = f"{prefix}{item.name}"
        is_dir = _is_dir(item)
        if item.name in _NEVER or (ignored is not None and _left_out(ignored, path, is_dir=is_dir)):
            continue
        if item.is_symlink():
            link = Path(item.path)
            if not _exists(item.path) or not (follow or _inside(item.path, top)):
                found.broken.append((path, str(link.readlink())))
                continue
            found.links[path] = link.resolve()
        if is_dir:
            real = os.path.realpath(item.path)
            if real in above or is_environment(item.path) or item.name == "node_modules":
                continue
            yield from _walk(Path(item.path), f"{path}/", ignored, found, above | {real}, top, follow)
        elif item.is_file():
            yield path, Path(item.path)


def _left_out(ignored: PathSpec[Any], path: str, *, is_dir: bool) -> bool:
    """Whether a file is ignored, or a folder with all that is in it: Docker takes single files of one back."""
    if not is_dir:
        return bool(ignored.match_file(path))
    from pathspec import GitIgnoreSpec

    takes_back = not isinstance(ignored, GitIgnoreSpec) and any(
        pattern.include is False for pattern in ignored.patterns
    )
    return bool(ignored.match_file(f"{path}/")) and not takes_back


def _is_dir(item: os.DirEntry[str]) -> bool:
    """Whether it is a folder, or leads to one; a link that leads to itself does not."""
    try:
        return item.is_dir()
    except OSError:
        return False


def is_environment(folder: str) -> bool:
    """Whether a folder is a virtual environment."""
    return _exists(f"{folder}/pyvenv.cfg")


def _exists(path: str) -> bool:
    return os.path.exists(path)  # noqa: PTH110 - that of pathlib raises in a folder that may not be read


def _inside(link: str, top: Path) -> bool:
    return Path(os.path.realpath(link)).is_relative_to(os.path.realpath(top))


def ignore_file(path: Path, *, always: tuple[str, ...] = ()) -> GitIgnoreSpec | None:
    """The patterns of a ``.gitignore``, ``.gcloudignore`` or ``.dockerignore``; None if there is no such file and
    nothing to ignore always. ``#!include:`` lines are followed, as gcloud does.
    """
    return patterns([*always, *_lines(path, 0)])


def uploaded(folder: Path) -> GitIgnoreSpec | None:
    """What gcloud leaves out of a folder that it sends: what ``.gcloudignore`` names, without one ``.gitignore``.

    cloud.google.com/sdk/gcloud/reference/topic/gcloudignore; only the files in the folder itself count.
    """
    names = [name for name in (".gcloudignore", ".gitignore") if (folder / name).is_file()]
    return ignore_file(folder / names[0]) if names else None


def docker_ignore_file(path: Path) -> PathSpec[Any] | None:
    """The patterns of a ``.dockerignore``; None if there is no such file.

    Unlike those of git they start at the build context, and what lies in an ignored folder can be taken back:
    docs.docker.com/build/concepts/context/#dockerignore-files.
    """
    return docker_patterns([line.strip() for line in _lines(path, 0) if line.strip() and not line.startswith("#")])


def docker_patterns(lines: Sequence[str]) -> PathSpec[Any] | None:
    """Patterns as Docker reads them, as one test of paths; None for none."""
    if not lines:
        return None
    from pathspec import PathSpec

    plain = [(line[:1] == "!", line.removeprefix("!").strip().strip("/")) for line in lines]
    return PathSpec.from_lines("gitignore", [f"{'!' if back else ''}/{name}" for back, name in plain])


def left_out(folder: Path, file: Path) -> str:
    """Which ignore file of a folder leaves a file of it out, for a message; empty if none does."""
    if not file.is_relative_to(folder):
        return ""
    below = file.relative_to(folder).as_posix()
    sent = ".gcloudignore" if (folder / ".gcloudignore").is_file() else ".gitignore"
    for name, read in ((sent, ignore_file), (".dockerignore", docker_ignore_file)):
        ignored = read(folder / name)
        if ignored is not None and ignored.match_file(below):
            return f", which {name} leaves out,"
    return ""


def patterns(lines: Sequence[str]) -> GitIgnoreSpec | None:
    """Lines of an ignore file as one test of paths; None for none."""
    if not lines:
        return None
    from pathspec import GitIgnoreSpec  # most folders have nothing to ignore

    return GitIgnoreSpec.from_lines(lines)


def _lines(path: Path, depth: int) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith("#!include:") and depth == 0:
            lines += _lines(path.parent / line.removeprefix("#!include:").strip(), depth + 1)
        else:
            lines.append(line)
    return lines
