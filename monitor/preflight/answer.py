"""From options and configuration to the packages that preflight looks at, and its answer."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from checks.preflight import passing
from checks.preflight.examine import Examiner
from checks.preflight.extract import Interpreter, interpreter
from checks.preflight.model import Effect, Package, PackageReport, Version
from checks.preflight.shipped import packages, requirements
from checks.preflight.shipped.describing import DescriptionError, with_entry

if TYPE_CHECKING:
    from checks.settings.preflight import PackageSettings, PreflightSettings

_GIT_SECONDS = 30


class PreflightError(Exception):
    """What was asked for cannot be looked at: a sentence for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was asked for. ``names``: packages of the configuration or found on disk; all if empty."""

    root: Path
    names: Sequence[str] = ()
    folders: Sequence[Path] = ()
    entry: str | None = None
    required: Path | None = None
    target: Version | None = None
    python: str | None = None
    changed_since: str | None = None
    cached: Path | None = None


def version_of(text: str) -> Version:
    """``3.11`` as numbers."""
    major, _, minor = text.partition(".")
    return int(major), int(minor)


def environment(python: str | None) -> Interpreter | None:
    """The interpreter given with ``--python``: a program, or the folder of a virtual environment.

    :raises PreflightError: if there is none.
    """
    if python is None:
        return None
    path = Path(python)
    command = str(path / "bin" / "python") if path.is_dir() else python
    found = interpreter(command)
    if found is None:
        raise PreflightError(f"{command} is no Python that starts; give an interpreter or the folder of an environment")
    return found


def chosen(wanted: Wanted, settings: PreflightSettings | None) -> list[Package]:
    """The packages that were asked for.

    :raises PreflightError: if one does not exist, or cannot be told from its description.
    """
    try:
        found = _all(wanted, settings)
    except DescriptionError as error:
        raise PreflightError(str(error)) from error
    if wanted.names:
        by_name = {package.name: package for package in found}
        unknown = [name for name in wanted.names if name not in by_name]
        if unknown:
            raise PreflightError(f"no package {unknown[0]!r}; there are: {', '.join(sorted(by_name)) or 'none'}")
        found = [by_name[name] for name in wanted.names]
    if wanted.required is not None:
        try:
            lines = tuple(requirements.of_file(wanted.required))
        except OSError as error:
            raise PreflightError(f"{wanted.required} cannot be read: {error.strerror}") from error
        found = [replace(package, requirements=lines, installed=False) for package in found]
    if wanted.changed_since is not None:
        changed = _changed(wanted.root, wanted.changed_since)
        found = [package for package in found if _concerned(package, changed)]
    return found


def _all(wanted: Wanted, settings: PreflightSettings | None) -> list[Package]:
    if wanted.folders:
        made = []
        for folder in wanted.folders:
            if folder.is_file() and "dockerfile" in folder.name.lower():
                package = _with_code(packages.as_built(folder, wanted.root))
                made.append(with_entry(package, wanted.entry) if wanted.entry else package)
            else:
                if folder.is_file():
                    raise PreflightError(f"{folder} is a file: --package takes folders and Dockerfiles, --entry a file")
                package = packages.of_folder(folder, entry=wanted.entry)
                made.append(package if wanted.entry else packages.as_deployed(package, wanted.root))
        return made
    if settings is not None and settings.packages:
        return [_described(item, wanted.root) for item in settings.packages]
    return packages.discover(wanted.root)


def _with_code(image: Package) -> Package:
    """:raises PreflightError: for an image in which there would be nothing to look at, and so nothing wrong."""
    if image.problems or any(path.endswith(".py") for path in image.files):
        return image
    raise PreflightError(
        f"{image.description}: no Python file comes into it by its COPY lines, so that nothing can be said of it;"
        " is this the build context? (preflight.packages[].context names another)"
    )


def _described(item: PackageSettings, root: Path) -> Package:
    if item.dockerfile is not None:
        from checks.preflight.shipped import images

        package = _with_code(images.of_dockerfile(item.dockerfile, root, context=item.context, name=item.name))
        package = with_entry(package, item.entry) if item.entry else package
        return replace(package, python=version_of(item.python)) if item.python else package
    if item.source is None:
        raise AssertionError("the settings were judged")
    return packages.described(
        item.name,
        item.source,
        copies=[packages.Copied(origin=copied.from_, to=copied.to) for copied in item.copy_],
        exclude=item.exclude,
        follow=item.symlinks == "follow",
        entry=item.entry,
        required=item.requirements,
        python=version_of(item.python) if item.python else None,
    )


def examine(
    wanted: Wanted,
    settings: PreflightSettings | None,
    found: Sequence[Package],
    *,
    today: date,
    progress: Callable[[str, int, int], None],
) -> tuple[list[PackageReport], str | None]:
    """The reports, comments heeded; and why nobody looked for names, if so."""
    target = wanted.target or (version_of(settings.python) if settings and settings.python else None)
    name = ""

    def step(done: int, of: int) -> None:
        progress(name, done, of)

    with Examiner(
        wanted.root,
        python=target,
        environment=environment(wanted.python),
        cached=wanted.cached,
        rules=settings.to_rules() if settings else (),
        today=today,
        progress=step,
    ) as examiner:
        reports = []
        for package in found:
            name = package.name
            reports.append(passing.heed_comments(examiner.examine(package)))
        reports = [_own(report, found) for report in reports]
        return reports if wanted.folders else _without_parts(reports), examiner.blind


def _without_parts(reports: Sequence[PackageReport]) -> list[PackageReport]:
    """Without folders that were only taken for functions, and are parts of a package that is deployed: loaded by it."""
    parts: dict[Path, str] = {}
    for report in reports:
        package = report.package
        if package.entry_known and not _is_guessed(package):
            loaded = [path for path in report.ways if path.endswith("/main.py") and path not in package.entries]
            parts |= {package.files[path].resolve().parent: package.name for path in loaded if path in package.files}
    whole = [report.package for report in reports]
    gone = [package for package in whole if _is_guessed(package) and package.root.resolve() in parts]
    answer = []
    for report in reports:
        if report.package in gone:
            continue
        names = [package.name for package in gone if parts[package.root.resolve()] == report.package.name]
        told = f"parts of it, not looked at by themselves: {', '.join(names)}"
        answer.append(replace(report, notes=(*report.notes, told)) if names else report)
    return answer


def _is_guessed(package: Package) -> bool:
    """Whether nothing says that it is deployed but what lies in its folder."""
    return package.description.startswith("function folder ")


def _own(report: PackageReport, found: Sequence[Package]) -> PackageReport:
    """Without what cannot happen in folders that are packages of their own: it was looked for from the wrong place."""
    root = report.package.root.resolve()
    inner = [other for other in (package.root.resolve() for package in found) if root in other.parents]
    if not inner:
        return report
    kept = [f for f in report.findings if f.effect is not Effect.NEVER or not _lies_in(f.source, inner)]
    return replace(report, findings=kept)


def _lies_in(file: Path | None, folders: Sequence[Path]) -> bool:
    return file is not None and any(folder in file.resolve().parents for folder in folders)


def with_smoke(reports: Sequence[PackageReport], python: str | None) -> list[PackageReport]:
    """Import the entry modules for real; what fails comes first, what could not be tried is a note."""
    from checks.preflight.smoke import smoke

    chosen = environment(python)
    answer = []
    for report in reports:
        tried = smoke(report.package, chosen.command if chosen else sys.executable)
        note = f"--import with {tried.how}" if tried.unsure is None else f"--import was not tried: {tried.unsure}"
        if chosen is None and tried.unsure is None:
            note += "; what is installed beside phasewatch may differ from what is deployed (--python)"
        first = () if tried.finding is None else (tried.finding,)
        notes = (report.notes[0], note, *report.notes[1:])
        answer.append(replace(report, findings=(*first, *report.findings), notes=notes))
    return answer


def root_of(folder: Path) -> Path:
    """The repository that a folder lies in; the folder itself if in none."""
    for place in (folder, *folder.parents):
        if (place / ".git").exists():
            return place
    return folder


def cache_file(env: dict[str, str]) -> Path:
    """Where facts of files are kept: the user's cache folder (XDG)."""
    base = env.get("XDG_CACHE_HOME") or str(Path("~/.cache").expanduser())
    return Path(base) / "phasewatch" / "preflight.db"


def fails(reports: Sequence[PackageReport], worst: Effect) -> bool:
    """Whether anything is at least as bad as that."""
    return any(finding.effect.rank <= worst.rank for report in reports for finding in report.findings)


def _changed(root: Path, revision: str) -> list[Path]:
    """Files that differ from a revision, untracked and deleted ones among them.

    :raises PreflightError: if git cannot tell.
    """
    if revision.startswith("-"):
        raise PreflightError(f"{revision!r} is no revision")
    top = root_of(root.resolve())
    if not (top / ".git").exists():
        raise PreflightError(f"{root} lies in no git repository, which --changed-since asks; leave it out")
    found: list[str] = []
    for command in (
        ["git", "diff", "--name-only", "-z", revision, "--"],
        ["git", "ls-files", "--others", "--exclude-standard", "--full-name", "-z"],
    ):
        try:
            asked = subprocess.run(command, cwd=root, capture_output=True, timeout=_GIT_SECONDS, check=False)  # noqa: S603 - git, with a revision that is no option
        except FileNotFoundError as error:
            raise PreflightError("there is no program git, which --changed-since asks") from error
        except (OSError, subprocess.SubprocessError) as error:
            raise PreflightError(f"git does not answer: {error}") from error
        if asked.returncode:
            said = asked.stderr.decode("utf-8", "replace").strip().splitlines()
            told = f"git does not know {revision!r}: {said[0] if said else 'no reason given'}"
            shallow = (top / ".git" / "shallow").exists()
            fetch = "this clone is shallow: fetch the history (git fetch --unshallow, fetch-depth: 0)"
            raise PreflightError(f"{told}; {fetch if shallow else 'is it fetched? (git fetch)'}")
        found += asked.stdout.decode("utf-8", "surrogateescape").split("\0")
    return [Path(os.path.normpath(top / name)) for name in found if name]


def _concerned(package: Package, changed: Sequence[Path]) -> bool:
    files = {file.resolve() for file in package.files.values()}
    origins = [origin.resolve() for origin in package.origins]
    return any(path in files or any(path == o or path.is_relative_to(o) for o in origins) for path in changed)
