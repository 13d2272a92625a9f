"""The files of a repository as a description of a deployment finds and lays them: copies, links, what it removes."""

from __future__ import annotations

import fnmatch
import os
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from checks.preflight.shipped import shipping
from checks.preflight.shipped.shell import Command, Place, Shell
from checks.preflight.shipped.shell_values import MADE

_EMPTY = Path(os.devnull)  # what ``touch`` makes
_VALUED = frozenset({"--exclude", "--include", "--filter", "--files-from", "--exclude-from", "-e", "--rsh"})
_MOST_LAID = 100_000  # files; a copy of copies is no deployment
_FILLING = frozenset(
    {"sed", "find", "tar", "unzip", "pip", "pip3", "python", "python3", "git", "perl", "envsubst", "uv", "poetry"}
)

# What lies in folders, as it has been listed already: by their paths, with links followed or not.
Listed = dict[tuple[str, bool], shipping.Shipped]


@dataclass(slots=True)
class Tree:
    """Files that the script laid somewhere, by absolute path; links; where what came from; what is not followed;
    ``filled``: where something is copied to of which it cannot be told what it is.
    """

    files: dict[str, Path] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    links: dict[str, str] = field(default_factory=dict)
    copied: list[tuple[str, str]] = field(default_factory=list)
    origins: list[tuple[str, Path]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    filled: list[tuple[str, str]] = field(default_factory=list)
    absent: list[tuple[str, int, str]] = field(default_factory=list)
    written: set[str] = field(default_factory=set)


class Workspace:
    """What a shell finds and changes, without changing it. All paths are absolute."""

    def __init__(
        self, file: Path, root: Path, start: str, listed: Listed, *, unset: str | None, choices: Mapping[Place, int]
    ) -> None:
        self.tree = Tree()
        self.sent: dict[str, str] = {}
        self._listed = listed
        self._laid = 0
        self.root = str(root.resolve())
        self._file = file
        self.shell = Shell(
            script=str(file.resolve()),
            root=self.root,
            exists=self.exists,
            read=self._read,
            folder=start,
            unset=unset,
            choices=choices,
        )

    @property
    def script(self) -> Path:
        """The script that is being read: the description itself, or one that it starts."""
        return self._file if self.shell.script == str(self._file.resolve()) else Path(self.shell.script)

    def _read(self, path: str) -> str | None:
        file = self.tree.files.get(path, Path(path))
        try:
            return file.read_text(encoding="utf-8", errors="replace") if within(str(file), self.root) else None
        except (OSError, ValueError):
            return None

    # -- files there would be ------------------------------------------------------------------------------------------

    def exists(self, path: str, sign: str) -> bool:
        """Whether there would be a file (``-f``), a folder (``-d``), either (``-e``)."""
        if path in self.tree.files:
            return sign != "-d"
        if path in self.tree.folders or any(within(file, path) for file in self.tree.files):
            return sign in ("-d", "-e")
        if path.startswith(MADE) and "/" not in path[1:]:
            return sign in ("-d", "-e")
        if self._gone(path):
            return False
        real = Path(path)
        return real.is_dir() if sign == "-d" else real.is_file() if sign == "-f" else real.exists()

    def below(self, path: str, *, follow: bool) -> tuple[dict[str, Path], dict[str, str]]:
        """The files below a folder (or the file itself, as the empty path), laid there or real; and symlinks kept as
        they are.
        """
        files: dict[str, Path] = {}
        links: dict[str, str] = {}
        real = Path(path)
        if real.is_file():
            files[""] = real
        elif real.is_dir() and real != Path(real.anchor):
            if (path, follow) not in self._listed:
                self._listed[path, follow] = shipping.gather(real, follow=follow)
            shipped = self._listed[path, follow]
            files |= shipped.files
            links |= dict(shipped.broken)
        files = {below: file for below, file in files.items() if not self._gone(posixpath.join(path, below))}
        laid = {file: real for file, real in self.tree.files.items() if within(file, path)}
        files |= {file[len(path) :].lstrip("/"): real for file, real in laid.items()}
        links |= {link[len(path) :].lstrip("/"): to for link, to in self.tree.links.items() if within(link, path)}
        return files, links

    def _gone(self, path: str) -> bool:
        return any(within(path.rstrip("/"), gone) for gone in self.tree.removed)

    # -- commands ------------------------------------------------------------------------------------------------------

    def follow(self, command: Command, name: str, words: list[str | None]) -> None:
        """What a command does to files; ``name`` of it, and its words."""
        if name in ("cp", "rsync", "mkdir", "ln", "touch", "rm", "mv", "zip"):
            getattr(self, f"_{name}")(command, words[1:])
        elif name in _FILLING:
            self._note(command, words, f"runs {name}")
        for path in command.writes:
            said = f"{self.script.name}:{command.line} writes {posixpath.basename(path)}, which is not looked at"
            self.tree.notes.append((path, said))
            self.tree.written.add(path)

    def _note(self, command: Command, words: Sequence[str | None], what: str) -> None:
        """Remember what is not followed, for each folder that the command names."""
        for word in words[1:]:
            if word is not None and "/" in word and not word.startswith("-"):
                said = f"{self.script.name}:{command.line} {what} there, which is not followed"
                self.tree.notes.append((self.shell.path(word), said))

    def _cp(self, command: Command, words: list[str | None]) -> None:
        flags = "".join(word[1:] for word in words if word and word.startswith("-") and not word.startswith("--"))
        long = {word for word in words if word and word.startswith("--")}
        named = [word for word in words if word is None or not word.startswith("-")]
        self._copy(command, named, follow="L" in flags or "--dereference" in long, contents=False, exclude=[])

    def _mv(self, command: Command, words: list[str | None]) -> None:
        named = [word for word in words if word is None or not word.startswith("-")]
        self._copy(command, named, follow=False, contents=False, exclude=[])
        self._rm(command, list(named[:-1]))

    def _rsync(self, command: Command, words: list[str | None]) -> None:
        flags, exclude, named = "", list[str](), list[str | None]()
        at = 0
        while at < len(words):
            word = words[at]
            if (word is not None and word.startswith("--")) or word == "-e":
                option, _, value = word.partition("=")
                if not value and option in _VALUED:
                    at += 1
                    value = (words[at] if at < len(words) else None) or ""
                if option == "--exclude":
                    exclude.append(value)
                elif option in ("--copy-links", "--copy-unsafe-links"):
                    flags += "L"
                elif option in _VALUED - {"-e", "--rsh"}:
                    self._note(command, words, f"leaves files out by {option}")
            elif word is not None and word.startswith("-"):
                flags += word[1:]
            else:
                named.append(word)
            at += 1
        self._copy(command, named, follow="L" in flags, contents=True, exclude=exclude)

    def _copy(
        self, command: Command, named: list[str | None], *, follow: bool, contents: bool, exclude: list[str]
    ) -> None:
        """``contents``: a source with a slash at its end means what is in it, as rsync takes it."""
        if len(named) < 2 or named[-1] is None:  # noqa: PLR2004 - from, to
            return
        target = self.shell.path(named[-1])
        into = named[-1].endswith("/") or len(named) > 2 or self.exists(target, "-d")  # noqa: PLR2004
        for source in named[:-1]:
            if source is None:
                said = f"{self.script.name}:{command.line} copies something that cannot be told there"
                self.tree.notes.append((target, said))
                self.tree.filled.append((target, said))
                continue
            for path, inside in self._sources(source, contents=contents):
                if not command.writes and self._lacks(path):
                    self.tree.absent.append((target, command.line, source))
                own = posixpath.basename(path)
                goal = target if inside or not (into or contents) else posixpath.join(target, own)
                self._lay(path, goal, source, follow=follow, exclude=exclude)

    def _lacks(self, path: str) -> bool:
        """Whether code is asked for that is nowhere: not what a build makes, or what is kept out of the repository."""
        name = posixpath.basename(path)
        code = name.endswith(".py") or "." not in name
        return code and within(path, self.root) and not self.exists(path, "-e") and not self._gone(path)

    def _sources(self, source: str, *, contents: bool) -> Iterator[tuple[str, bool]]:
        """The paths that a word means, and whether what lies in them is meant."""
        path = self.shell.path(source)
        if any(sign in source for sign in "*?["):
            folder, pattern = posixpath.split(path)
            names = {file[len(folder) + 1 :].split("/")[0] for file in self.tree.files if within(file, folder)}
            if Path(folder).is_dir():
                names |= {item.name for item in Path(folder).glob(pattern) if not item.name.startswith(".")}
            for name in sorted(fnmatch.filter(names, pattern)):
                yield posixpath.join(folder, name), False
        elif source.endswith("/.") or source in (".", "./"):
            yield path, True
        else:
            yield path, contents and source.endswith("/")

    def _lay(self, path: str, goal: str, written: str, *, follow: bool, exclude: list[str]) -> None:
        if not follow and not written.endswith("/") and Path(path).is_symlink():
            files, links = dict[str, Path](), {"": os.readlink(path)}  # noqa: PTH115 - as it is written
        else:
            files, links = self.below(path, follow=follow)
        self._laid += len(files)
        if self._laid > _MOST_LAID:
            return
        ignored = shipping.patterns(exclude)
        for below, file in files.items():
            if ignored is not None and below and ignored.match_file(below):
                continue
            where = posixpath.join(goal, below) if below else goal
            self.tree.files[where] = file
            self.tree.links.pop(where, None)
        for below, towards in links.items():
            if ignored is None or not ignored.match_file(below):
                self.tree.links[posixpath.join(goal, below) if below else goal] = towards
        self.tree.folders.add(posixpath.dirname(goal) if "" in {**files, **links} else goal)
        self.tree.copied.append((goal, written))
        self.tree.origins.append((goal, Path(path)))

    def _zip(self, _command: Command, words: list[str | None]) -> None:
        """An archive counts as a folder with what it holds: https://infozip.sourceforge.net/doc/zip.html."""
        at = words.index("-x") if "-x" in words else len(words)
        left_out = [word for word in words[at + 1 :] if word]
        named = [word for word in words[:at] if word is None or not word.startswith("-")]
        if not named or named[0] is None:
            return
        archive = self.shell.path(named[0] if "." in posixpath.basename(named[0]) else f"{named[0]}.zip")
        self.tree.folders.add(archive)
        for word in named[1:]:
            for path, _ in self._sources(word, contents=False) if word is not None else ():
                stored = posixpath.relpath(path, self.shell.folder).removeprefix("../")
                for below, file in self.below(path, follow=True)[0].items():
                    held = posixpath.normpath(posixpath.join(stored, below))
                    if not any(fnmatch.fnmatch(held, pattern) for pattern in left_out):
                        self.tree.files[posixpath.join(archive, held)] = file
                self.tree.copied += [(archive, word)] if word and path != self.shell.folder else []
                self.tree.origins.append((archive, Path(path)))

    def send(self, words: Sequence[str | None]) -> None:
        """Remember which archive lies where in Cloud Storage: ``cp FILE gs://BUCKET/OBJECT``."""
        named = [word for word in words if word is None or not word.startswith("-")]
        for word in named[:-1]:
            target = named[-1] or ""
            if word and self.shell.path(word) in self.tree.folders and target.startswith("gs://"):
                own = posixpath.basename(word) if target.endswith("/") else ""
                self.sent[target + own] = self.shell.path(word)

    def _mkdir(self, _command: Command, words: list[str | None]) -> None:
        self.tree.folders |= {self.shell.path(word) for word in words if word and not word.startswith("-")}

    def _touch(self, _command: Command, words: list[str | None]) -> None:
        for word in words:
            path = self.shell.path(word) if word and not word.startswith("-") else None
            if path is not None and not self.exists(path, "-f"):
                self.tree.files[path] = _EMPTY

    def _ln(self, command: Command, words: list[str | None]) -> None:
        named = [word for word in words if word is None or not word.startswith("-")]
        if len(named) == 2 and named[0] is not None and named[1] is not None:  # noqa: PLR2004 - from, to
            link = self.shell.path(named[1])
            link = posixpath.join(link, posixpath.basename(named[0])) if self.exists(link, "-d") else link
            towards = posixpath.normpath(posixpath.join(posixpath.dirname(link), named[0]))
            self._lay(towards, link, named[0], follow=True, exclude=[])
        else:
            self._note(command, words, "makes links")

    def _rm(self, _command: Command, words: list[str | None]) -> None:
        for word in words:
            if word is None or word.startswith("-"):
                continue
            for path, _ in self._sources(word, contents=False):
                for file in [f for f in (*self.tree.files, *self.tree.links) if f == path or within(f, path)]:
                    self.tree.files.pop(file, None)
                    self.tree.links.pop(file, None)
                self.tree.folders.discard(path)
                self.tree.removed.add(path)


def within(path: str, folder: str) -> bool:
    """Whether a path is the folder or lies below it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")
