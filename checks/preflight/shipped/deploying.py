"""What descriptions of a deployment put into Cloud Functions and images, with the copying before it.

They are read, not run: ``gcloud functions deploy --source``, ``docker build``; ``cp``, ``rsync``, ``mkdir``, ``ln -s``,
``touch``, ``rm``, ``mv`` on folders that can be told. What else they do to these files is said in the notes.
"""

from __future__ import annotations

import difflib
import posixpath
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

from checks.preflight.shipped import buildpacks, docker_commands, scripts, starting
from checks.preflight.shipped.scripts import Description, Part
from checks.preflight.shipped.shell import Command, Place
from checks.preflight.shipped.shell_values import UNKNOWN, UNTOLD
from checks.preflight.shipped.shell_words import statements
from checks.preflight.shipped.workspace import Listed, Workspace, within

_WORKSPACE = ("WORKSPACE", "GITHUB_WORKSPACE", "CI_PROJECT_DIR")  # where CI has the repository
_LIKE = 0.85  # of difflib: most slips in names of some length are
# Options of gcloud without a value, after which a word that cannot be told is no value; so is one after another word.
_SWITCHES = frozenset({"--quiet", "-q", "--gen2", "--no-gen2", "--allow-unauthenticated", "--no-allow-unauthenticated"})
_MOST_WAYS = 60  # through one script, for the branches that an argument chooses


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One ``gcloud ... deploy``: the files by their path below its source, symlinks that lead nowhere there, and what
    the script did that could not be followed. ``kind``: function, service or job; ``env``: variables of its build;
    ``command``: what is started, if it is told. ``folder``: the source, if it lies in the repository; ``copied``: what
    came from elsewhere, as written in the script; ``absent``: what it copies and is not there, with the line;
    ``filled``: where something is copied to that cannot be told, and what is to be said of it; ``written``: files with
    contents of its own; ``chosen``: the branches that it took; ``missed``: the source, if it is nowhere, and the path
    below the root that is meant; ``ignores``: the ignore files of which the first that is there counts.
    """

    script: Path
    line: int
    name: str | None
    kind: str
    entry: str | None
    runtime: str | None
    env: Mapping[str, str]
    command: tuple[str, ...]
    files: dict[str, Path]
    folder: Path | None
    copied: tuple[str, ...] = ()
    broken: tuple[tuple[str, str], ...] = ()
    origins: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    filled: tuple[tuple[str, str], ...] = ()
    absent: tuple[tuple[int, str], ...] = ()
    written: frozenset[str] = frozenset()
    chosen: tuple[str, ...] = ()
    missed: tuple[Path, str] | None = None
    ignores: tuple[str, ...] = ()

    @property
    def main(self) -> str:
        """The path of the file that is loaded first."""
        if self.kind == "function":
            return posixpath.normpath(self.env.get("GOOGLE_FUNCTION_SOURCE") or "main.py")
        return "main.py" if "main.py" in self.files or "app.py" not in self.files else "app.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One ``docker build``: the Dockerfile, the folder that is its build context, what was laid into that before by the
    path below it, its arguments, and what was done there that is not followed. ``uploaded``: to Cloud Build, without
    what gcloud leaves out. ``whole``: a folder is built by the Dockerfile in it.
    """

    script: Path
    line: int
    dockerfile: Path
    context: Path
    laid: dict[str, Path] = field(default_factory=dict)
    args: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    uploaded: bool = False
    whole: bool = False


@dataclass(slots=True)
class Deployed:
    """What a description deploys and builds; ``untold``: where it deploys from a folder that cannot be told."""

    functions: list[Deployment] = field(default_factory=list)
    images: list[Build] = field(default_factory=list)
    untold: list[tuple[Path, int]] = field(default_factory=list)


def follow(description: Description, root: Path, listed: Listed, argument: str | None = None) -> Deployed:
    """What is deployed from folders that can be told. ``argument``: what it is told that has to be told something: the
    first argument of a script, a variable that has no value.
    """
    found = Deployed()
    for parts in description.runs:
        own = description.file.resolve().parent
        runs = [(start, _Run(description, root, start, argument, listed).all(parts)) for start in description.starts]
        _, best = max(runs, key=lambda run: _weight(run[1], own=run[0] == own))
        found.functions += best.functions
        found.images += best.images
        found.untold += best.untold
    most: dict[object, Deployment] = {}
    for item in found.functions:  # a target of a Makefile also counts with what is made before it by another one
        key = (item.script, item.line, item.name, item.files.get(item.main))
        if key not in most or len(item.files) > len(most[key].files):
            most[key] = item
    lines = Counter((item.script, item.line) for item in most.values())  # where only one is made, nothing was chosen
    found.functions = [
        replace(item, chosen=()) if lines[item.script, item.line] == 1 else item for item in most.values()
    ]
    return found


def _weight(found: Deployed, *, own: bool) -> tuple[int, bool, int]:
    """How much a description can be believed to be started in that folder: what it names is there; of several folders
    its ``own`` one is meant.
    """
    there = sum(item.main in item.files for item in found.functions)
    there += len(found.images)
    return there, own and there > 0, sum(len(item.files) for item in found.functions)


class _Run:
    """A description, started in one folder."""

    def __init__(self, description: Description, root: Path, start: Path, argument: str | None, listed: Listed) -> None:
        self._file, self._root, self._start, self._listed = description.file, root, str(start), listed
        self._argument = {"1": argument} if description.arguments and argument is not None else {}
        self._unset = None if description.arguments else argument
        self._work = self._fresh({})
        self._found = Deployed()
        self._nested = False

    def _fresh(self, choices: Mapping[Place, int]) -> Workspace:
        return Workspace(self._file, self._root, self._start, self._listed, unset=self._unset, choices=choices)

    def all(self, parts: Sequence[Part]) -> Deployed:
        """What it deploys, for each way that unknown words may choose."""
        ways, seen = list[Mapping[Place, int]]([{}]), set[Place]()
        for choices in ways:  # it grows: each branch is taken once, with the first one elsewhere
            self._work = self._fresh(choices)
            self._through(parts, self._start)
            for place, (count, _) in self._work.shell.taken.items():
                more = [] if place in seen else [{**choices, place: which} for which in range(1, count)]
                ways += more[: _MOST_WAYS - len(ways)]
                seen.add(place)
        return self._found

    def _through(self, parts: Sequence[Part], start: str) -> None:
        """Each part in a shell of its own; what they lay somewhere stays there."""
        shell = self._work.shell
        kept = shell.script
        for part in parts:
            shell.folder = start
            shell.script = posixpath.join(self._work.root, part.file) if part.file else kept
            shell.values = {**dict.fromkeys(_WORKSPACE, start), **part.values, **self._argument}
            folder = shell.word(part.folder)
            if folder is None:
                continue
            shell.folder = shell.path(folder)
            body = [replace(found, line=part.line - 1 + found.line) for found in statements(part.text)]
            for command in shell.run(body):
                self._command(command)
        shell.script = kept

    # -- commands ------------------------------------------------------------------------------------------------------

    def _command(self, command: Command) -> None:
        words = list(command.words)
        while words and words[0] in ("sudo", "command", "exec", "time"):
            words.pop(0)
        name = posixpath.basename(words[0] or "") if words else ""
        if name == "gcloud":
            self._gcloud(command, words)
            return
        if name in ("docker", "podman") and (given := docker_commands.build(words)) is not None:
            self._build(command, *given)
        if name == "gsutil" and "cp" in words:
            self._work.send(words[words.index("cp") + 1 :])
        self._work.follow(command, name, words)

    def _gcloud(self, command: Command, words: list[str | None]) -> None:
        plain = [word for word in words if word is not None and not word.startswith("-")]
        options = _options(words)
        if "submit" in plain and "builds" in plain[:3]:
            sent, tagged, config = docker_commands.submitted(words)
            if tagged:
                self._build(command, None, sent, uploaded=True)
            elif config is not None and sent is not None:
                self._submit(config, sent, options.get("substitutions") or "")
            return
        if plain[1:3] == ["storage", "cp"]:
            self._work.send(words[words.index("cp") + 1 :])
        if "deploy" not in plain[:4] or not {"functions", "run"} & set(plain[:3]):
            return
        if "run" in plain[:3] and "source" not in options:
            return  # an image, described elsewhere
        source = options.get("source", ".")
        source = self._work.sent.get(source or "", source)
        if source is None or "://" in source or (not posixpath.isabs(source) and within(command.folder, UNTOLD)):
            self._found.untold.append((self._work.script, command.line))
        if source is None or "://" in source:
            return  # not here, or from where cannot be told
        folder = self._work.shell.path(source) if "source" in options else command.folder
        if "run" in plain[:3] and self._work.exists(posixpath.join(folder, "Dockerfile"), "-f"):
            self._build(command, None, folder, uploaded=True)
        else:
            self._found.functions.append(self._deployment(command, words, options, folder))

    def _submit(self, config: str, sent: str, given: str) -> None:
        """``gcloud builds submit``: the steps of a file, in the folder that is sent, with these substitutions."""
        shell = self._work.shell
        file, start = Path(shell.path(config)), shell.path(sent)
        if self._nested or not within(str(file), self._work.root) or not file.is_file():
            return
        values = dict(item.split("=", 1) for item in given.split(",") if "=" in item)
        kept = shell.script, shell.folder, shell.values
        self._nested, shell.script = True, str(file)
        for parts in scripts.read(file, self._root, "cloudbuild").runs:
            self._through([part._replace(values={**part.values, **values}) for part in parts], start)
        self._nested = False
        shell.script, shell.folder, shell.values = kept

    def _build(self, command: Command, dockerfile: str | None, context: str | None, *, uploaded: bool = False) -> None:
        """``docker build``, or what comes to the same."""
        if context is None or "://" in context or context == "-":
            return
        folder = self._work.shell.path(context)
        path = posixpath.join(folder, "Dockerfile") if dockerfile is None else self._work.shell.path(dockerfile)
        file = self._work.tree.files.get(path, Path(path))
        laid = {path[len(folder) + 1 :]: file for path, file in self._work.tree.files.items() if within(path, folder)}
        if not file.is_file() or not (laid or (within(folder, self._work.root) and Path(folder).is_dir())):
            return
        notes = tuple(dict.fromkeys(said for place, said in self._work.tree.notes if within(place, folder)))
        self._found.images.append(
            Build(
                script=self._work.script,
                line=command.line,
                dockerfile=file,
                context=Path(folder),
                laid=laid,
                args=docker_commands.arguments(command.words),
                notes=notes,
                uploaded=uploaded,
                whole=uploaded and dockerfile is None,
            )
        )

    def _deployment(
        self, command: Command, words: list[str | None], options: dict[str, str | None], folder: str
    ) -> Deployment:
        files, links = self._work.below(folder, follow=True)
        lacking = []
        for path, towards in links.items():
            goal = posixpath.normpath(posixpath.join(folder, posixpath.dirname(path), towards))
            found, _ = self._work.below(goal, follow=True)
            if found:
                files |= {posixpath.join(path, below) if below else path: file for below, file in found.items()}
            else:
                lacking.append((path, towards))
        after = words[words.index("deploy") + 1 :]
        name = next((word for word in after[:1] if word is None or not word.startswith("-")), None)
        env = buildpacks.environment(options)
        entry = options.get("entry-point") or options.get("function") or env.get("GOOGLE_FUNCTION_TARGET")
        kind = "function" if "functions" in words[:4] or entry else "job" if "jobs" in words[:4] else "service"
        real = Path(folder)
        return Deployment(
            script=self._work.script,
            line=command.line,
            name=name,
            kind=kind,
            entry="" if entry is None and ("entry-point" in options or _goes_on(words)) else entry,
            runtime=options.get("runtime") or options.get("base-image"),
            env=env,
            ignores=self._ignores(folder, options),
            command=("?",) if _goes_on(words) else _started(options, env),
            files=dict(sorted(files.items())),
            folder=real if real.is_dir() else None,
            copied=tuple(dict.fromkeys(text for goal, text in self._work.tree.copied if within(goal, folder))),
            broken=tuple(lacking),
            origins=tuple(dict.fromkeys(path for goal, path in self._work.tree.origins if within(goal, folder))),
            notes=tuple(dict.fromkeys(said for place, said in self._work.tree.notes if within(place, folder))),
            filled=tuple(
                (place[len(folder) + 1 :], said) for place, said in self._work.tree.filled if within(place, folder)
            ),
            absent=tuple((line, written) for goal, line, written in self._work.tree.absent if within(goal, folder)),
            written=frozenset(path[len(folder) + 1 :] for path in self._work.tree.written if within(path, folder)),
            chosen=tuple(name for _, name in self._work.shell.taken.values() if not name.startswith("not ")),
            missed=(real, meant) if (meant := "" if files or real.exists() else self._missed(folder)) else None,
        )

    def _ignores(self, folder: str, options: Mapping[str, str | None]) -> tuple[str, ...]:
        if folder in self._work.sent.values():
            return ()
        given = options.get("ignore-file")
        return (".gcloudignore", ".gitignore") if given is None else (given,)

    def _missed(self, folder: str) -> str:
        """The path below the root that is meant by a folder that is nowhere: the same one, where it is below the
        script's own folder, of a script that was moved; or a function's beside it, of nearly the same name.
        """
        own = str(self._work.script.resolve().parent)
        below = folder[len(own) + 1 :] if within(folder, own) and own != self._work.root else ""
        if below and Path(self._work.root, below).is_dir():
            return below
        parent, name = posixpath.split(folder)
        if not within(parent, self._work.root) or any(within(place, folder) for place, _ in self._work.tree.notes):
            return ""
        others = [main.parent.name for main in sorted(Path(parent).glob("*/main.py"))]
        others = [one for one in others if one not in name and name not in one]  # none of which it is a built variant
        near = difflib.get_close_matches(name, others, 1, cutoff=_LIKE)
        return posixpath.relpath(posixpath.join(parent, near[0]), self._work.root) if near else ""


def _goes_on(words: Sequence[str | None]) -> bool:
    """Whether there may be more options than can be told: ``"$@"``, ``$FLAGS``."""
    for before, word in pairwise(words):
        option = before is not None and before.startswith("--") and "=" not in before and before not in _SWITCHES
        if word is None and not option and before != "deploy":
            return True
    return False


def _started(options: Mapping[str, str | None], env: Mapping[str, str]) -> tuple[str, ...]:
    """The command that a service or a job is told to start; a word that starts nothing if it cannot be told."""
    if "command" in options:
        told = [options["command"] or "?", *filter(None, [options.get("args")])]
        return tuple(word for item in told for word in item.split(","))
    try:
        return tuple(starting.words_of(env.get("GOOGLE_ENTRYPOINT", "")))
    except ValueError:
        return ("?",)


def _options(words: Sequence[str | None]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for word, following in zip(words, [*words[1:], None], strict=True):
        if word is not None and word.startswith("--"):
            name, sign, value = word[2:].partition("=")
            found[name] = (None if value == UNKNOWN else value) if sign else following
    return found
