"""What deploy scripts put into a Cloud Function: ``gcloud functions deploy --source`` and the copying before it.

The script is read, not run: ``cp``, ``rsync``, ``mkdir``, ``ln -s``, ``touch``, ``rm``, ``mv`` on folders that can be
told. What else it does to the files that it deploys is said in the notes.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from checks.preflight import shipping
from checks.preflight.shell import MADE, UNKNOWN, Command, Shell
from checks.preflight.shell_words import statements

_EMPTY = Path(os.devnull)  # what ``touch`` makes
_VALUED = frozenset({"--exclude", "--include", "--filter", "--files-from", "--exclude-from", "-e", "--rsh"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One ``gcloud ... deploy``: the files by their path below its source, symlinks that lead nowhere there, and what
    the script did that could not be followed. ``folder``: the source, if it lies in the repository; ``copied``: what
    came from elsewhere, as written in the script; ``absent``: what it copies and is not there, with the line.
    """

    script: Path
    line: int
    name: str | None
    entry: str | None
    runtime: str | None
    files: dict[str, Path]
    folder: Path | None
    copied: tuple[str, ...] = ()
    broken: tuple[tuple[str, str], ...] = ()
    origins: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    absent: tuple[tuple[int, str], ...] = ()


def deployments(script: Path, root: Path, argument: str | None = None) -> list[Deployment]:
    """What a script deploys from folders that can be told; empty for one that deploys nothing. ``argument``: its first
    one.
    """
    try:
        text = script.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    if "gcloud" not in text or " deploy" not in text:
        return []
    # A script is started in its own folder or at the root, most often; it may say so itself with cd.
    starts = [root.resolve(), script.resolve().parent]
    runs = [_Run(script, root, start, argument).deployed(text) for start in starts]
    return max(runs, key=lambda found: sum(len(item.files) for item in found))


@dataclass(slots=True)
class _Tree:
    """Files that the script laid somewhere, by absolute path; links; where what came from; what is not followed."""

    files: dict[str, Path] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    links: dict[str, str] = field(default_factory=dict)
    copied: list[tuple[str, str]] = field(default_factory=list)
    origins: list[tuple[str, Path]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    absent: list[tuple[str, int, str]] = field(default_factory=list)


class _Run:
    """One script, from one folder."""

    def __init__(self, script: Path, root: Path, start: Path, argument: str | None) -> None:
        self._script = script
        self._tree = _Tree()
        self._root = str(root.resolve())
        self._shell = Shell(
            script=str(script.resolve()), root=str(root.resolve()), exists=self._exists, folder=str(start)
        )
        if argument is not None:
            self._shell.values["1"] = argument

    def deployed(self, text: str) -> list[Deployment]:
        """What it deploys, each with the files as they lie at that moment."""
        found = []
        for command in self._shell.run(statements(text)):
            made = self._command(command)
            if made is not None:
                found.append(made)
        return found

    # -- files there would be ------------------------------------------------------------------------------------------

    def _exists(self, path: str, sign: str) -> bool:
        if path in self._tree.files:
            return sign != "-d"
        if path in self._tree.folders or any(_within(file, path) for file in self._tree.files):
            return sign in ("-d", "-e")
        if path.startswith(MADE) and "/" not in path[1:]:
            return sign in ("-d", "-e")
        if self._gone(path):
            return False
        real = Path(path)
        return real.is_dir() if sign == "-d" else real.is_file() if sign == "-f" else real.exists()

    def _below(self, path: str, *, follow: bool) -> tuple[dict[str, Path], dict[str, str]]:
        """The files below a folder (or the file itself, as the empty path), laid there or real; and symlinks kept as
        they are.
        """
        files: dict[str, Path] = {}
        links: dict[str, str] = {}
        real = Path(path)
        if real.is_file():
            files[""] = real
        elif real.is_dir() and real != Path(real.anchor):
            shipped = shipping.gather(real, follow=follow)
            files |= shipped.files
            links |= dict(shipped.broken)
        files = {below: file for below, file in files.items() if not self._gone(posixpath.join(path, below))}
        laid = {file: real for file, real in self._tree.files.items() if _within(file, path)}
        files |= {file[len(path) :].lstrip("/"): real for file, real in laid.items()}
        links |= {link[len(path) :].lstrip("/"): to for link, to in self._tree.links.items() if _within(link, path)}
        return files, links

    def _gone(self, path: str) -> bool:
        return any(_within(path.rstrip("/"), gone) for gone in self._tree.removed)

    # -- commands ------------------------------------------------------------------------------------------------------

    def _command(self, command: Command) -> Deployment | None:
        words = list(command.words)
        while words and words[0] in ("sudo", "command", "exec", "time"):
            words.pop(0)
        name = posixpath.basename(words[0] or "") if words else ""
        if name == "gcloud":
            return self._deploy(command, words)
        if name in ("cp", "rsync", "mkdir", "ln", "touch", "rm", "mv"):
            getattr(self, f"_{name}")(command, words[1:])
        elif name in ("sed", "find", "tar", "unzip", "pip", "pip3", "python", "python3", "git", "perl", "envsubst"):
            self._note(command, words, f"runs {name}")
        for path in command.writes:
            said = f"{self._script.name}:{command.line} writes {posixpath.basename(path)}, which is not looked at"
            self._tree.notes.append((path, said))
        return None

    def _note(self, command: Command, words: Sequence[str | None], what: str) -> None:
        """Remember what is not followed, for each folder that the command names."""
        for word in words[1:]:
            if word is not None and "/" in word and not word.startswith("-"):
                said = f"{self._script.name}:{command.line} {what} there, which is not followed"
                self._tree.notes.append((self._shell.path(word), said))

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
        target = self._shell.path(named[-1])
        into = named[-1].endswith("/") or len(named) > 2 or self._exists(target, "-d")  # noqa: PLR2004
        for source in named[:-1]:
            if source is None:
                said = f"{self._script.name}:{command.line} copies something that cannot be told there"
                self._tree.notes.append((target, said))
                continue
            for path, inside in self._sources(source, contents=contents):
                if not command.writes and self._lacks(path):
                    self._tree.absent.append((target, command.line, source))
                own = posixpath.basename(path)
                goal = target if inside or not (into or contents) else posixpath.join(target, own)
                self._lay(path, goal, source, follow=follow, exclude=exclude)

    def _lacks(self, path: str) -> bool:
        """Whether code is asked for that is nowhere: not what a build makes, or what is kept out of the repository."""
        name = posixpath.basename(path)
        code = name.endswith(".py") or "." not in name
        return code and _within(path, self._root) and not self._exists(path, "-e") and not self._gone(path)

    def _sources(self, source: str, *, contents: bool) -> Iterator[tuple[str, bool]]:
        """The paths that a word means, and whether what lies in them is meant."""
        path = self._shell.path(source)
        if any(sign in source for sign in "*?["):
            folder, pattern = posixpath.split(path)
            names = {file[len(folder) + 1 :].split("/")[0] for file in self._tree.files if _within(file, folder)}
            if Path(folder).is_dir():
                names |= {item.name for item in Path(folder).glob(pattern) if not item.name.startswith(".")}
            import fnmatch

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
            files, links = self._below(path, follow=follow)
        ignored = shipping.patterns(exclude)
        for below, file in files.items():
            if ignored is not None and below and ignored.match_file(below):
                continue
            where = posixpath.join(goal, below) if below else goal
            self._tree.files[where] = file
            self._tree.links.pop(where, None)
        for below, towards in links.items():
            if ignored is None or not ignored.match_file(below):
                self._tree.links[posixpath.join(goal, below) if below else goal] = towards
        self._tree.folders.add(posixpath.dirname(goal) if "" in {**files, **links} else goal)
        self._tree.copied.append((goal, written))
        self._tree.origins.append((goal, Path(path)))

    def _mkdir(self, _command: Command, words: list[str | None]) -> None:
        self._tree.folders |= {self._shell.path(word) for word in words if word and not word.startswith("-")}

    def _touch(self, _command: Command, words: list[str | None]) -> None:
        for word in words:
            path = self._shell.path(word) if word and not word.startswith("-") else None
            if path is not None and not self._exists(path, "-f"):
                self._tree.files[path] = _EMPTY

    def _ln(self, command: Command, words: list[str | None]) -> None:
        named = [word for word in words if word is None or not word.startswith("-")]
        if len(named) == 2 and named[0] is not None and named[1] is not None:  # noqa: PLR2004 - from, to
            link = self._shell.path(named[1])
            link = posixpath.join(link, posixpath.basename(named[0])) if self._exists(link, "-d") else link
            towards = posixpath.normpath(posixpath.join(posixpath.dirname(link), named[0]))
            self._lay(towards, link, named[0], follow=True, exclude=[])
        else:
            self._note(command, words, "makes links")

    def _rm(self, _command: Command, words: list[str | None]) -> None:
        for word in words:
            if word is None or word.startswith("-"):
                continue
            for path, _ in self._sources(word, contents=False):
                for file in [f for f in (*self._tree.files, *self._tree.links) if f == path or _within(f, path)]:
                    self._tree.files.pop(file, None)
                    self._tree.links.pop(file, None)
                self._tree.folders.discard(path)
                self._tree.removed.add(path)

    def _deploy(self, command: Command, words: list[str | None]) -> Deployment | None:
        plain = [word for word in words if word is not None and not word.startswith("-")]
        if "deploy" not in plain[:4] or not {"functions", "run"} & set(plain[:3]):
            return None
        options = _options(words)
        if "run" in plain[:3] and "source" not in options:
            return None  # an image, described elsewhere
        source = options.get("source", ".")
        if source is None or source.startswith("gs://"):
            return None  # not here, or from where cannot be told
        folder = self._shell.path(source) if "source" in options else command.folder
        files, links = self._below(folder, follow=True)
        lacking = []
        for path, towards in links.items():
            goal = posixpath.normpath(posixpath.join(folder, posixpath.dirname(path), towards))
            found, _ = self._below(goal, follow=True)
            if found:
                files |= {posixpath.join(path, below) if below else path: file for below, file in found.items()}
            else:
                lacking.append((path, towards))
        after = words[words.index("deploy") + 1 :]
        name = next((word for word in after[:1] if word is None or not word.startswith("-")), None)
        real = Path(folder)
        return Deployment(
            script=self._script,
            line=command.line,
            name=name,
            entry=options.get("entry-point") or options.get("function"),
            runtime=options.get("runtime") or options.get("base-image"),
            files=dict(sorted(files.items())),
            folder=real if real.is_dir() else None,
            copied=tuple(dict.fromkeys(text for goal, text in self._tree.copied if _within(goal, folder))),
            broken=tuple(lacking),
            origins=tuple(dict.fromkeys(path for goal, path in self._tree.origins if _within(goal, folder))),
            notes=tuple(dict.fromkeys(said for place, said in self._tree.notes if _within(place, folder))),
            absent=tuple((line, written) for goal, line, written in self._tree.absent if _within(goal, folder)),
        )


def _options(words: Sequence[str | None]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for word, following in zip(words, [*words[1:], None], strict=True):
        if word is not None and word.startswith("--"):
            name, sign, value = word[2:].partition("=")
            found[name] = (None if value == UNKNOWN else value) if sign else following
    return found


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
