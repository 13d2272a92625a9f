"""From what the descriptions of a repository deploy to packages."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from checks.preflight.model import Effect, Finding, Kind, Package
from checks.preflight.shipped import buildpacks, deploying, scripts, shipping
from checks.preflight.shipped.deploying import Build, Deployed, Deployment
from checks.preflight.shipped.describing import absent, broken, shown, with_entry
from checks.preflight.shipped.packages import PLATFORM, SERVER, python_of
from checks.preflight.shipped.scripts import Description
from checks.preflight.shipped.slips import Slip
from checks.preflight.shipped.workspace import Listed

# Folders of descriptions that are no longer used, most likely.
_OLD = re.compile(r"(?:^|/)[_.]?(?:archived?|archives|attic|backups?|deprecated|obsolete|old)(?:/|$)", re.IGNORECASE)
_WRITES = re.compile(rb"requirements|\bexport\b.*-o|VENDOR")
_ABOVE = 3  # folders in which a .gitignore may speak of a function's files


@dataclass(slots=True)
class _Said:
    """Functions with what a description was told for them, and builds by their Dockerfiles."""

    functions: list[tuple[Deployment, str]] = field(default_factory=list)
    images: dict[Path, list[Build]] = field(default_factory=dict)

    def add(self, found: Deployed, told: str = "") -> None:
        for item in found.functions:
            self.functions.append((item, told or (f" with {', '.join(item.chosen)}" if item.chosen else "")))
        for build in found.images:
            self.images.setdefault(build.dockerfile.resolve(), []).append(build)


@dataclass(slots=True)
class Told:
    """What a repository says of its deployments. What was ``tried`` (an old description, one that was told the names of
    folders in turn) counts where nothing else says how something is deployed. ``untold``: script and line where it is
    deployed from a folder that cannot be told. ``slips``: of each script. ``problems``: what is to be said of
    functions of which nothing is said.
    """

    sure: _Said = field(default_factory=_Said)
    tried: _Said = field(default_factory=_Said)
    slips: dict[Path, Sequence[Slip]] = field(default_factory=dict)
    untold: dict[tuple[Path, int], None] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def builds(self, dockerfile: Path) -> Sequence[Build]:
        """The builds of a Dockerfile."""
        path = dockerfile.resolve()
        return self.sure.images.get(path) or self.tried.images.get(path) or ()

    def as_deployed(self, found: Sequence[Package]) -> list[Package]:
        """The packages, functions that are deployed as they are deployed, and what is deployed besides."""
        made: dict[Path, list[Package]] = {}
        for said in (self.sure, self.tried):
            known = frozenset(made)
            for item, told in said.functions:
                package = _of_deployment(item, told, sure=said is self.sure)
                if package is None or package.root in known:
                    continue
                slips = _slips(item.script, self.slips.get(item.script, ()))
                package = replace(package, problems=(*slips, *package.problems))
                _add(made.setdefault(package.root, []), package)
        answer: list[Package] = []
        for package in found:
            if package.description.startswith("image "):  # beside a function it is of something else
                answer.append(package)
                continue
            notes = (*package.notes, *self.problems) if "main.py" in package.files else package.notes
            answer += made.pop(package.root.resolve(), [replace(package, notes=notes)])
        return [*answer, *[package for rest in made.values() for package in rest]]


def read(files: Sequence[Path], root: Path, names: Iterable[str]) -> Told:
    """What these files say. ``names``: of the folders that may be functions, for a description of all of them that is
    told which one: then each is tried.
    """
    told, listed = Told(), Listed()
    for file in files:
        try:
            description = scripts.read(file, root)
            problem = description.problem
            told.slips[file] = description.slips
            _follow(told, description, root, listed, names)
        except (OSError, ValueError, RecursionError) as error:  # names that no file can have, brackets without end
            problem = str(error)
        if problem:
            told.problems.append(f"{shown(file)} cannot be read ({problem}); what it deploys is not known")
    functions = (*told.sure.functions, *told.tried.functions)
    known = {(item.script, item.line) for item, _ in functions if item.main in item.files}
    told.problems += [
        f"{shown(script)}:{line} deploys from a folder that cannot be told"
        for script, line in told.untold
        if (script, line) not in known
    ]
    return told


def _follow(told: Told, description: Description, root: Path, listed: Listed, names: Iterable[str]) -> None:
    found = deploying.follow(description, root, listed)
    old = _OLD.search(os.path.relpath(description.file.parent, root))
    (told.tried if old else told.sure).add(found)
    told.untold.update(dict.fromkeys(found.untold))
    if not found.functions and description.asks:
        for name in dict.fromkeys(names):
            told.tried.add(deploying.follow(description, root, listed, name), f" with {name} as its argument")


def _add(known: list[Package], package: Package) -> None:
    """One package more, or what is called in one of the same files."""
    for index, other in enumerate(known):
        if package.files == other.files:
            if package.handler and package.handler not in (other.handler, *dict(other.further)):
                who = f"{package.name} ({package.description.partition(' ')[0]})"
                known[index] = replace(other, further=(*other.further, (package.handler, who)))
            return
    known.append(package)


def _of_deployment(item: Deployment, told: str, *, sure: bool) -> Package | None:
    """What a script deploys, named after the function; None if it is no Python function. ``sure``: that is its name."""
    main = item.files.get(item.main)
    if main is None:
        return _without_main(item)
    gone = "the script copies it, and it is not there"
    lacking = [(item.script, line, f"{_written(name)}: {gone}") for line, name in item.absent]
    ignore = next((item.files[name] for name in item.ignores if name in item.files), None)
    ignored = shipping.ignore_file(ignore) if ignore is not None else None
    files = {path: file for path, file in item.files.items() if ignored is None or not ignored.match_file(path)}
    home = main.resolve().parents[item.main.count("/")]
    version = buildpacks.version(item.runtime, item.env)
    python, where = (version, "the runtime it names") if version else python_of(home)
    needed, lacks = (None, "") if _may_write(item, home) else buildpacks.needed(files, python)
    copied = [_written(name) for name in item.copied if not _own(name, home)]
    also = f", with {', '.join(copied)}" if copied else ""
    package = Package(
        name=item.name or home.name,
        root=home,
        description=f"{shown(item.script)}:{item.line}{told} deploys {shown(home)}{also}",
        files=files,
        handler=item.entry or (_called(item) if sure else ""),
        requirements=needed,
        implied=SERVER if item.kind != "function" else () if needed and "requirements.txt" not in files else PLATFORM,
        python=python,
        python_from=where,
        origins=(item.script, home, *item.origins),
        problems=(*broken(item.broken), *absent(lacking)),
        notes=(*item.notes, *filter(None, [lacks, _nameless(item), _ignored(ignore, set(item.files) - set(files))])),
        filled=item.filled,
    )
    if item.kind == "function":
        return buildpacks.as_function(package, item.main)
    if item.kind == "service" and item.written.isdisjoint({"Dockerfile", "Procfile"}):
        return buildpacks.as_service(package, item.command)
    return with_entry(package, None)


def _may_write(item: Deployment, home: Path) -> bool:
    """Whether the requirements that are deployed may be other ones than lie there, or than are not there: the script or
    what git is to ignore speaks of them.
    """
    if "requirements.txt" in item.files or item.notes or item.filled or "requirements.in" in item.files:
        return "requirements.txt" not in item.files or "requirements.txt" in item.written
    ignoring = [folder / ".gitignore" for folder in (home, *home.parents[:_ABOVE])]
    texts = [file.read_bytes() for file in (item.script, *ignoring) if file.is_file()]
    return any(map(_WRITES.search, texts))


def _called(item: Deployment) -> str:
    """What is called in the main file where nothing tells it: what has the function's name.
    cloud.google.com/sdk/gcloud/reference/functions/deploy, --entry-point.
    """
    named = item.entry is None and item.kind == "function" and item.name is not None and item.name.isidentifier()
    return item.name or "" if named else ""


def _ignored(ignore: Path | None, paths: Iterable[str]) -> str:
    """That gcloud leaves code out as git does, which is seldom meant."""
    tops = sorted({path.partition("/")[0] for path in paths if path.endswith(".py")})
    if ignore is None or ignore.name != ".gitignore" or not tops:
        return ""
    return f"gcloud leaves out {', '.join(tops)}: without a .gcloudignore it goes by {shown(ignore)}"


def _nameless(item: Deployment) -> str:
    """That a function's name says what is called, where that may surprise."""
    if item.kind != "function" or item.entry is not None or not item.name:
        return ""
    if buildpacks.names(item.files[item.main], item.name):
        return ""
    told = f"{shown(item.script)}:{item.line} has no --entry-point: a new function calls what has its own name"
    return told if item.name.isidentifier() else f"{told}, and no function can have the name {item.name!r}"


def _slips(script: Path, slips: Sequence[Slip]) -> Iterable[Finding]:
    for line, name, meant in slips:
        yield Finding(
            file=script.name,
            source=script,
            line=line,
            symbol=name,
            kind=Kind.UNDEFINED,
            effect=Effect.LOAD,
            message=f"the script sets no variable {name!r}; is {meant!r} meant? What it deploys is told as if it were",
            reachable_by=script.name,
        )


def _own(name: str, home: Path) -> bool:
    """Whether what a script copies is the function's own folder, or lies in it."""
    return name.rstrip("/.*").endswith(home.name) or f"/{home.name}/" in name


def _written(name: str) -> str:
    """A path as it is best read: one that the script put together is seen from here."""
    return shown(Path(name)) if name.startswith("/") else name


def _without_main(item: Deployment) -> Package | None:
    """A folder that is nowhere, or a Python function without the file that is loaded first, where the script does
    nothing that might make it.
    """
    if item.missed:
        folder, meant = item.missed
        told = f"{shown(folder)}: the script deploys it, and there is no such folder; is {meant} of the root meant?"
        return Package(
            name=item.name or folder.name,
            root=folder,
            description=f"{shown(item.script)}:{item.line} deploys {shown(folder)}",
            files={},
            origins=(item.script,),
            problems=absent([(item.script, item.line, told)]),
        )
    if item.kind != "function":
        return None
    code = [path for path in item.files if path.endswith(".py") and "/" not in path]
    if item.folder is None or item.notes or not code or not (item.runtime or "").startswith("python"):
        return None
    if item.main == "main.py" and b"GOOGLE_FUNCTION_SOURCE" in item.script.read_bytes():
        return None
    told = f"{item.main}: the script deploys {shown(item.folder)}, and there is none in it"
    return Package(
        name=item.name or item.folder.name,
        root=item.folder,
        description=f"{shown(item.script)}:{item.line} deploys {shown(item.folder)}",
        files=item.files,
        origins=(item.script, item.folder),
        problems=absent([(item.script, item.line, told)]),
    )
