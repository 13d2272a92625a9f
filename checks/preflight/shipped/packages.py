"""From what lies on the disk to packages: one folder, a function's folder, an image; and looking for them."""

from __future__ import annotations

import os
import posixpath
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from checks.preflight.model import Package, Version
from checks.preflight.shipped import projects, requirements, services, shipping
from checks.preflight.shipped.describing import DescriptionError, broken, shown, with_entry

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

    from checks.preflight.shipped.deployed import Told

# What the buildpacks install although nobody declares it: for services, for functions.
SERVER = ("gunicorn",)
PLATFORM = ("functions-framework", *SERVER)
_SKIPPED = frozenset({"node_modules", "site-packages", "venv", "env", "build", "dist", "tests", "test", "docs"})
_DEPTH = 6
_DOCKERFILE = re.compile(r"(?:.+\.)?Dockerfile(?:[._-].+(?<!\.dockerignore))?")
_NAMESPACES = 4  # folders between an installed package and what it is installed into


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """A file or folder of the repository and where it lies in the package."""

    origin: Path
    to: str


def of_folder(folder: Path, *, entry: str | None = None, name: str | None = None, follow: bool = True) -> Package:
    """One folder, as it lies there.

    :raises DescriptionError: if there is no such folder, or the entry point is not in it.
    """
    if not folder.is_dir():
        raise DescriptionError(f"{folder} is no folder")
    try:
        shipped = shipping.gather(folder, ignored=_cloud_ignores(folder), follow=follow)
    except shipping.TooManyFilesError as error:
        raise DescriptionError(str(error)) from error
    files = shipped.files
    if not any(path.endswith(".py") for path in files):
        raise DescriptionError(f"{folder} holds no Python file: there is nothing to look at")
    handles = "main.py" in files and services.handles_events(files["main.py"])
    served = services.is_served(folder, files)
    function = "main.py" in files and (handles or "requirements.txt" in files)
    if "__init__.py" in files and not (function or served):
        return _import_package(folder, files, entry=entry, name=name)
    count = len(shipped.links)
    linked = f"{count} symlink{'s' if count > 1 else ''} followed" if count else "no symlinks"
    kind = "service folder" if served else "function folder" if function else "folder"
    needed, origins = _declared(folder, files)
    python, told = python_of(folder)
    own = "" if function or not projects.is_project(files) else projects.home(files)
    package = Package(
        name=name or folder.resolve().name,
        root=folder,
        description=f"{kind} {shown(folder)}, {linked}",
        files=files,
        search=tuple(dict.fromkeys(("", own))),
        requirements=needed if function or served or needed is None else (*needed, *requirements.beside(folder)),
        implied=SERVER if served else PLATFORM if function else (),
        imported=handles,
        last=("",) if handles and not served else (),
        compiled=handles and not served,
        installed=any(".dist-info/" in path for path in files),
        python=python,
        python_from=told,
        origins=(folder, *shipped.links.values(), *origins),
        roots=_roots(shipped.links),
        filled=tuple(shipped.unread),
        problems=broken(shipped.broken),
    )
    return with_entry(package, entry)


def _import_package(folder: Path, files: Mapping[str, Path], *, entry: str | None, name: str | None) -> Package:
    """A folder that is an import package itself: it is imported under its own name."""
    own = folder.resolve().name
    needed, told, python = None, "", None
    metadata, dotted = _metadata_of(folder.resolve())
    if metadata is not None:
        needed = tuple(requirements.of_metadata(metadata))
        told = f", requirements from {metadata.parent.name}/METADATA"
    else:
        for place in (folder, folder.resolve().parent):
            lines = requirements.of_project(place)
            needed = (*lines, *requirements.beside(place)) if lines is not None else _declared(place, {})[0]
            if needed is not None:
                told = f", requirements from {shown(place)}"
                break
        python, _ = python_of(folder.resolve().parent)
    package = Package(
        name=name or own,
        root=folder,
        description=f"import package {shown(folder)}{told}",
        files={f"{dotted}/{path}": file for path, file in files.items()},
        requirements=needed,
        python=python,
        origins=(folder,),
    )
    package = with_entry(package, f"{dotted}/{entry}" if entry in files else entry)
    return package if package.entry_known else replace(package, entries=(f"{dotted}/__init__.py",))


def described(
    name: str,
    source: Path,
    *,
    copies: Sequence[Copied] = (),
    exclude: Sequence[str] = (),
    follow: bool = True,
    entry: str | None = None,
    required: Path | None = None,
    python: Version | None = None,
) -> Package:
    """A package as the configuration describes it: a folder, and what is copied over it.

    :raises DescriptionError: naming what does not exist.
    """
    ignored = shipping.ignore_file(source / ".gcloudignore", always=tuple(exclude))
    files: dict[str, Path] = {}
    links_to_nowhere: list[tuple[str, str]] = []
    origins, links = [source], dict[str, Path]()
    for copied in (Copied(origin=source, to=""), *copies):
        if not copied.origin.exists():
            raise DescriptionError(f"package {name}: {copied.origin} does not exist")
        if copied.origin.is_file():
            to = copied.to or copied.origin.name
            files[posixpath.join(to, copied.origin.name) if to.endswith("/") else to] = copied.origin
        else:
            shipped = shipping.gather(copied.origin, ignored=ignored, follow=follow)
            files.update({posixpath.normpath(posixpath.join(copied.to, p)): f for p, f in shipped.files.items()})
            links_to_nowhere += [
                (posixpath.normpath(posixpath.join(copied.to, path)), target) for path, target in shipped.broken
            ]
            origins += shipped.links.values()
            links |= {posixpath.normpath(posixpath.join(copied.to, p)): f for p, f in shipped.links.items()}
            if copied.to:
                links[posixpath.normpath(copied.to)] = copied.origin.resolve()
        origins.append(copied.origin)
    if required is not None:
        try:
            needed: tuple[tuple[str, str], ...] | None = tuple(requirements.of_file(required))
        except OSError as error:
            raise DescriptionError(f"package {name}: {required} cannot be read: {error.strerror}") from error
    else:
        needed, _ = _declared(source, files)
    told = f", {len(copies)} copied over it" if copies else ""
    found, where = (python, "the configuration") if python else python_of(source)
    handles = "main.py" in files and "Procfile" not in files and services.handles_events(files["main.py"])
    package = Package(
        name=name,
        root=source,
        description=f"configuration: folder {shown(source)}{told}, symlinks {'followed' if follow else 'kept'}",
        files=dict(sorted(files.items())),
        requirements=needed,
        implied=PLATFORM if "main.py" in files and needed is not None else (),
        imported=handles,
        last=("",) if handles else (),
        compiled=handles,
        python=found,
        python_from=where,
        origins=tuple(dict.fromkeys([*origins, *([required] if required else [])])),
        roots=_roots(links),
        problems=broken([item for item in links_to_nowhere if item[0] not in files]),
    )
    return with_entry(package, entry)


def discover(root: Path) -> list[Package]:
    """Function folders and images below a folder; the folder itself if there is none of them."""
    from checks.preflight.shipped import images, neighbours

    looked, terraform, told = _looked(root)
    found: list[Package] = []
    started: set[Path] = set()  # by images, also of folders above
    for folder, names in looked:
        made = []
        for name in sorted(filter(_DOCKERFILE.fullmatch, names)):
            built = images.of_builds(folder / name, root, told.builds(folder / name) if told else ())
            made += [item for item in built if item.problems or any(path.endswith(".py") for path in item.files)]
        shipped = {file for package in made for file in package.files.values()}
        started |= {package.files[file] for package in made if package.entry_known for file in package.entries}
        main = folder / "main.py" if "main.py" in names else None
        failed = any(package.problems and main not in package.files.values() for package in made)  # an image of this
        function = main and not failed and ("requirements.txt" in names or services.handles_events(main))
        if main not in shipped | started and (function or (not made and services.is_served(folder, names))):
            made.append(of_folder(folder))  # an image beside it is of something else
        found += made
    found = told.as_deployed(found) if told else found
    found = neighbours.heeded(found, root, terraform)
    return _told_apart(found, root) if found else [of_folder(root)]


def as_deployed(package: Package, root: Path) -> Package:
    """A function's folder as the repository says that it is deployed, if it does; else as it lies there."""
    if not package.entry_known or package.root.resolve() == root.resolve() or not (root / ".git").exists():
        return package
    from checks.preflight.shipped import neighbours

    _, terraform, told = _looked(root)
    own = package.root.resolve()
    made = told.as_deployed([package]) if told else [package]
    made = neighbours.heeded(made, root, terraform)
    same = next((item for item in made if item.root.resolve() == own), package)
    if same.description != package.description:
        return same
    for item in made:
        home = item.root.resolve()
        if home in own.parents and f"{own.relative_to(home).as_posix()}/{package.entries[0]}" in item.files:
            note = f"{item.description}, with this folder in it; here it is looked at by itself"
            return replace(same, notes=(*same.notes, note))
    return same


def as_built(dockerfile: Path, root: Path) -> Package:
    """The image of a Dockerfile as the repository says that it is built, if it does.

    :raises DescriptionError: if the file cannot be read.
    """
    from checks.preflight.shipped import images

    told = _looked(root)[2] if (root / ".git").exists() else None
    return images.of_dockerfile(dockerfile, root, builds=told.builds(dockerfile) if told else ())


def _looked(root: Path) -> tuple[list[tuple[Path, frozenset[str]]], list[Path], Told | None]:
    """The folders that may be packages, with the names in them; files of Terraform; and what is said of deploying
    packages, if anything is.
    """
    from checks.preflight.shipped import scripts

    found, files, terraform = [], scripts.workflows(root), list[Path]()
    for folder, names in _folders(root):
        terraform += [folder / name for name in sorted(names) if name.endswith(".tf")]
        files += scripts.named(folder, names)
        if not names.isdisjoint(services.FILES) or any(map(_DOCKERFILE.fullmatch, names)):
            found.append((folder, names))
    files = [file for file in files if scripts.concerns(file)]
    functions = [file for file in terraform if scripts.is_terraform_of_functions(file)]
    if not files and not functions:
        return found, terraform, None
    from checks.preflight.shipped import deployed  # most repositories say nothing

    told = deployed.read(files, root, [folder.resolve().name for folder, _ in found])
    if functions:
        told.problems.append(
            f"{shown(functions[0])} deploys functions, and Terraform is not read: if it ships more than lies in a"
            " folder, describe that in the configuration (preflight.packages)"
        )
    return found, terraform, told


def _told_apart(found: list[Package], root: Path) -> list[Package]:
    """Packages of the same name get their folders' paths as names, and an image beside a function its kind."""
    names = Counter(package.name for package in found)
    paths = [
        replace(package, name=os.path.relpath(package.root, root)) if names[package.name] > 1 else package
        for package in found
    ]
    names = Counter(package.name for package in paths)
    return [
        replace(package, name=f"{package.name} (image)")
        if names[package.name] > 1 and package.description.startswith("image ")
        else package
        for package in paths
    ]


def _folders(root: Path) -> Iterator[tuple[Path, frozenset[str]]]:
    waiting = [(root, 0)]
    while waiting:
        folder, depth = waiting.pop()
        try:
            items = sorted(os.scandir(folder), key=lambda item: item.name)
        except OSError:
            continue
        yield folder, frozenset(item.name for item in items)
        for item in reversed(items):
            if item.is_dir(follow_symlinks=False) and depth < _DEPTH:
                hidden = item.name.startswith(".") or item.name in _SKIPPED or item.name.endswith(".egg-info")
                if not hidden and not shipping.is_environment(item.path):
                    waiting.append((Path(item.path), depth + 1))


# -- what a folder says of itself --------------------------------------------------------------------------------------


def _declared(folder: Path, files: Mapping[str, Path]) -> tuple[tuple[tuple[str, str], ...] | None, list[Path]]:
    path = files.get("requirements.txt") or folder / "requirements.txt"
    if path.is_file():
        return tuple(requirements.of_file(path)), [path]
    lines = requirements.of_project(folder)
    return (None, []) if lines is None else (tuple(lines), [folder / name for name in requirements.PROJECT_FILES])


def _metadata_of(folder: Path) -> tuple[Path | None, str]:
    """The METADATA of the distribution that an installed import package belongs to, and its path from where that lies
    (``google/cloud/storage``); without one its name.
    """
    for place in folder.parents[:_NAMESPACES]:
        path = folder.relative_to(place).as_posix()
        for info in sorted(place.glob("*.dist-info")):
            listed = info / "top_level.txt"
            record = info / "RECORD"
            try:
                if listed.is_file() and place == folder.parent:
                    own = folder.name in listed.read_text(encoding="utf-8").split()
                else:
                    own = record.is_file() and f"{path}/__init__.py," in record.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                continue
            if own and (info / "METADATA").is_file():
                return info / "METADATA", path
    return None, folder.name


def python_of(folder: Path) -> tuple[Version | None, str]:
    """The version of Python that a folder or one above it names, and where."""
    for place in (folder, *folder.resolve().parents[:3]):
        try:
            text = (place / ".python-version").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            text = ""
        found = re.match(r"\s*(\d+)\.(\d+)", text)
        if found:
            return (int(found[1]), int(found[2])), ".python-version"
        for version, told in (
            (services.python_of(place), "app.yaml"),
            (services.python_of_firebase(place, folder), "firebase.json"),
            (requirements.python_of_pyproject(place / "pyproject.toml"), "requires-python"),
        ):
            if version is not None:
                return version, told
        if (place / ".git").exists():
            break
    return None, ""


def _cloud_ignores(folder: Path) -> GitIgnoreSpec | None:
    if (folder / ".gcloudignore").is_file():
        return shipping.ignore_file(folder / ".gcloudignore")
    return None


def _roots(links: Mapping[str, Path]) -> tuple[Path, ...]:
    """Where the trees begin that symlinks lead into: for ``shared/utils`` to ``/repo/shared/utils`` it is ``/repo``."""
    found: dict[Path, None] = {}
    for path, real in links.items():
        parts = Path(path).parts
        if real.parts[-len(parts) :] == parts:
            found[real.parents[len(parts) - 1]] = None
    return tuple(found)
