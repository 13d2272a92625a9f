"""From what the descriptions of a repository deploy to packages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from checks.preflight import deploying, requirements, scripts, services, shipping
from checks.preflight.deploying import Build, Deployment
from checks.preflight.describing import absent, broken, shown, with_entry
from checks.preflight.model import Package
from checks.preflight.packages import PLATFORM, python_of
from checks.preflight.scripts import Description
from checks.preflight.workspace import Listed


@dataclass(slots=True, kw_only=True)
class Told:
    """What a repository says of its deployments. ``functions`` and ``tried``: each with what the description was told
    for it; those tried count where nothing else says how it is deployed, and so with images. ``untold``: the script and
    the line where it deploys from a folder that cannot be told. ``problems``: what is to be said of functions of which
    nothing says how they are deployed.
    """

    functions: list[tuple[Deployment, str]] = field(default_factory=list)
    tried: list[tuple[Deployment, str]] = field(default_factory=list)
    images: dict[Path, list[Build]] = field(default_factory=dict)
    tried_images: dict[Path, list[Build]] = field(default_factory=dict)
    untold: dict[tuple[Path, int], None] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def builds(self, dockerfile: Path) -> Sequence[Build]:
        """The builds of a Dockerfile."""
        path = dockerfile.resolve()
        return self.images.get(path) or self.tried_images.get(path) or ()

    def as_deployed(self, found: Sequence[Package]) -> list[Package]:
        """The packages, functions that are deployed as they are deployed, and what is deployed besides."""
        made: dict[Path, list[Package]] = {}
        for items in (self.functions, self.tried):
            sure = frozenset(made)
            for item, told in items:
                package = _of_deployment(item, told)
                if package is None or package.root in sure:
                    continue
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
            _follow(told, description, root, listed, names)
        except (OSError, ValueError, RecursionError) as error:  # names that no file can have, brackets without end
            problem = str(error)
        if problem:
            told.problems.append(f"{shown(file)} cannot be read ({problem}); what it deploys is not known")
    known = {(item.script, item.line) for item, _ in (*told.functions, *told.tried) if "main.py" in item.files}
    told.problems += [
        f"{shown(script)}:{line} deploys from a folder that cannot be told"
        for script, line in told.untold
        if (script, line) not in known
    ]
    return told


def _follow(told: Told, description: Description, root: Path, listed: Listed, names: Iterable[str]) -> None:
    found = deploying.follow(description, root, listed)
    told.functions += [(item, _chosen(item)) for item in found.functions]
    for build in found.images:
        told.images.setdefault(build.dockerfile.resolve(), []).append(build)
    told.untold.update(dict.fromkeys(found.untold))
    if not found.functions and description.asks:
        for name in dict.fromkeys(names):
            more = deploying.follow(description, root, listed, name)
            told.tried += [(item, f" with {name} as its argument") for item in more.functions]
            for build in more.images:
                told.tried_images.setdefault(build.dockerfile.resolve(), []).append(build)


def _add(known: list[Package], package: Package) -> None:
    """One package more, or what is called in one of the same files."""
    for index, other in enumerate(known):
        if package.files == other.files:
            if package.handler and package.handler not in (other.handler, *other.further):
                known[index] = replace(other, further=(*other.further, package.handler))
            return
    known.append(package)


def _chosen(item: Deployment) -> str:
    return f" with {', '.join(item.chosen)}" if item.chosen else ""


def _of_deployment(item: Deployment, told: str) -> Package | None:
    """What a script deploys, named after the function; None if it is no Python function."""
    main = item.files.get("main.py")
    if main is None:
        return _without_main(item)
    lacks = "the script copies it, and it is not there"
    lacking = [(item.script, line, f"{_written(name)}: {lacks}") for line, name in item.absent]
    ignore = item.files.get(".gcloudignore")
    ignored = shipping.ignore_file(ignore) if ignore is not None else None
    files = {path: file for path, file in item.files.items() if ignored is None or not ignored.match_file(path)}
    home = main.resolve().parent
    declared = "requirements.txt" in files and "requirements.txt" not in item.written
    needed = tuple(requirements.of_file(files["requirements.txt"])) if declared else None
    version = re.search(r"python(\d)(\d+)", item.runtime or "")
    python, where = ((int(version[1]), int(version[2])), "the runtime it names") if version else python_of(home)
    copied = [_written(name) for name in item.copied if not _own(name, home)]
    also = f", with {', '.join(copied)}" if copied else ""
    package = Package(
        name=item.name or home.name,
        root=home,
        description=f"{shown(item.script)}:{item.line}{told} deploys {shown(home)}{also}",
        files=files,
        handler=item.entry or "",
        imported=services.handles_events(main),
        requirements=needed,
        implied=PLATFORM,
        python=python,
        python_from=where,
        origins=(item.script, home, *item.origins),
        problems=(*broken(item.broken), *absent(lacking)),
        notes=item.notes,
    )
    return with_entry(package, None)


def _own(name: str, home: Path) -> bool:
    """Whether what a script copies is the function's own folder, or lies in it."""
    return name.rstrip("/.*").endswith(home.name) or f"/{home.name}/" in name


def _written(name: str) -> str:
    """A path as it is best read: one that the script put together is seen from here."""
    return shown(Path(name)) if name.startswith("/") else name


def _without_main(item: Deployment) -> Package | None:
    """A Python function without the file that is loaded first, where the script does nothing that might make it."""
    code = [path for path in item.files if path.endswith(".py") and "/" not in path]
    if item.folder is None or item.notes or not code or not (item.runtime or "").startswith("python"):
        return None
    if b"GOOGLE_FUNCTION_SOURCE" in item.script.read_bytes():
        return None
    told = f"main.py: the script deploys {shown(item.folder)}, and there is none in it"
    return Package(
        name=item.name or item.folder.name,
        root=item.folder,
        description=f"{shown(item.script)}:{item.line} deploys {shown(item.folder)}",
        files=item.files,
        origins=(item.script, item.folder),
        problems=absent([(item.script, item.line, told)]),
    )
