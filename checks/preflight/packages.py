"""From what lies on the disk to packages: one folder, a function's folder, an image; and looking for them."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pathspec import GitIgnoreSpec

from checks.preflight import dockerfile, requirements, shipping
from checks.preflight.model import Effect, Finding, Kind, Package, Version

# What the buildpack of Cloud Functions installs although nobody declares it.
_PLATFORM = ("functions-framework", "gunicorn")
_SKIPPED = frozenset({"node_modules", "site-packages", "venv", "env", "build", "dist", "tests", "test", "docs"})
_ENTRY_FILES = ("main.py", "app.py", "__main__.py")
_DEPTH = 6


class DescriptionError(Exception):
    """A package is described in a way that cannot be followed."""


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
        raise DescriptionError(f"{folder} holds no Python file")
    function = "main.py" in files and _is_function(files["main.py"], frozenset(files))
    if "__init__.py" in files and not function:
        return _import_package(folder, files, entry=entry, name=name)
    linked = f"{len(shipped.links)} symlinks followed" if shipped.links else "no symlinks"
    kind = "function folder" if function else "folder"
    needed, origins = _declared(folder, files)
    python, told = _python_of(folder)
    package = Package(
        name=name or folder.resolve().name,
        root=folder,
        description=f"{kind} {_shown(folder)}, {linked}",
        files=files,
        requirements=needed if function or needed is None else (*needed, *requirements.beside(folder)),
        implied=_PLATFORM if function and needed is not None else (),
        installed=any(".dist-info/" in path for path in files),
        python=python,
        python_from=told,
        origins=(folder, *shipped.links.values(), *origins),
        roots=_roots(shipped.links),
        problems=_broken(shipped.broken),
    )
    return with_entry(package, entry)


def _import_package(folder: Path, files: Mapping[str, Path], *, entry: str | None, name: str | None) -> Package:
    """A folder that is an import package itself: it is imported under its own name."""
    own = folder.resolve().name
    needed, told, python = None, "", None
    metadata = _metadata_of(folder.resolve())
    if metadata is not None:
        needed = tuple(requirements.of_metadata(metadata))
        told = f", requirements from {metadata.parent.name}/METADATA"
    else:
        for place in (folder, folder.resolve().parent):
            needed, _ = _declared(place, {})
            if needed is not None:
                told = f", requirements from {_shown(place)}"
                break
        python, _ = _python_of(folder.resolve().parent)
    package = Package(
        name=name or own,
        root=folder,
        description=f"import package {_shown(folder)}{told}",
        files={f"{own}/{path}": file for path, file in files.items()},
        requirements=needed,
        python=python,
        origins=(folder,),
    )
    return with_entry(package, entry)


def of_dockerfile(path: Path, root: Path, *, context: Path | None = None, name: str | None = None) -> Package:
    """What a Dockerfile puts into its image.

    ``context`` is the build context; without one it is the nearest folder, from the file's own up to ``root``, in which
    everything lies that it copies.

    :raises DescriptionError: if the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise DescriptionError(f"{path} cannot be read: {error.strerror}") from error
    folder = context or _context(path, root, dockerfile.sources(text))
    ignored = shipping.ignore_file(path.with_name(path.name + ".dockerignore")) or shipping.ignore_file(
        folder / ".dockerignore"
    )
    shipped = shipping.gather(folder, ignored=ignored, follow=False)
    stage = dockerfile.build(text, shipped.files)
    begin = dockerfile.start(stage)
    base = stage.workdir.strip("/")
    files = _relative(stage.files, base)
    search = [_below(begin.folder, base) if begin and begin.folder else ""]
    search += [_below(item, base) for item in stage.env.get("PYTHONPATH", "").split(":") if item.startswith("/")]
    needed: list[tuple[str, str]] = [(item, path.name) for item in stage.pip if not item.startswith(".")]
    for _, file in stage.required:
        needed += requirements.of_file(file)
    for item in stage.pip:
        if item.startswith(".") and "pyproject.toml" in files:
            needed += requirements.of_pyproject(files["pyproject.toml"]) or []
    version = re.match(r"(?:.*/)?python:(\d+)\.(\d+)", stage.base)
    package = Package(
        name=name or _image_name(path, root),
        root=folder,
        description=f"image of {_shown(path)}, build context {_shown(folder)}",
        files=files,
        search=tuple(dict.fromkeys(search)),
        requirements=tuple(needed) if stage.pip or stage.required else None,
        python=(int(version[1]), int(version[2])) if version else None,
        python_from=f"FROM {stage.base}" if version else "",
        origins=(path, *[folder / source for source in dockerfile.sources(text)]),
        problems=(*_absent(stage, path), *_broken([(p, t) for p, t in shipped.broken if _copied(p, stage, folder)])),
    )
    entry = None
    if begin and begin.file:
        entry = _below(begin.file, base)
    elif begin and begin.module:
        entry = _module_file(begin.module, files, package.search)
    return with_entry(package, entry if entry in files else None)


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
    broken: list[tuple[str, str]] = []
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
            broken += [(posixpath.normpath(posixpath.join(copied.to, path)), target) for path, target in shipped.broken]
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
    found, where = (python, "the configuration") if python else _python_of(source)
    package = Package(
        name=name,
        root=source,
        description=f"configuration: folder {_shown(source)}{told}, symlinks {'followed' if follow else 'kept'}",
        files=dict(sorted(files.items())),
        requirements=needed,
        implied=_PLATFORM if "main.py" in files and needed is not None else (),
        python=found,
        python_from=where,
        origins=tuple(dict.fromkeys([*origins, *([required] if required else [])])),
        roots=_roots(links),
        problems=_broken([item for item in broken if item[0] not in files]),
    )
    return with_entry(package, entry)


def with_entry(package: Package, entry: str | None) -> Package:
    """The package with its entry point: the file named, or the usual one if it is there.

    :raises DescriptionError: for a file that is not shipped.
    """
    if entry is not None:
        file = entry if entry in package.files else _module_file(entry, package.files, package.search)
        if file is None:
            raise DescriptionError(f"the entry point {entry} is not among the files of {package.name}")
        return replace(package, entries=(file,), entry_known=True, search=_with_own_folder(package, file))
    found = [name for name in _ENTRY_FILES if name in package.files][:1]
    if found:
        return replace(package, entries=tuple(found), entry_known=True)
    tops = sorted(
        f
        for f in package.files
        if f.endswith(".py") and ("/" not in f or (f.count("/") == 1 and f.endswith("/__init__.py")))
    )
    return replace(package, entries=tuple(tops), entry_known=False)


def _with_own_folder(package: Package, file: str) -> tuple[str, ...]:
    """The search path with the folder of a program: the first place that Python looks in."""
    folder = posixpath.dirname(file)
    known = folder in package.search or f"{folder}/__init__.py" in package.files
    return package.search if known else (*package.search, folder)


def discover(root: Path) -> list[Package]:
    """Function folders and images below a folder; the folder itself if there is none of them."""
    found: list[Package] = []
    for folder, names in _folders(root):
        images = sorted(
            n for n in names if n == "Dockerfile" or n.startswith("Dockerfile.") or n.endswith(".Dockerfile")
        )
        made = []
        for name in images:
            package = of_dockerfile(folder / name, root)
            if any(path.endswith(".py") for path in package.files):
                made.append(package)
        if not made and "main.py" in names and _is_function(folder / "main.py", names):
            made.append(of_folder(folder))
        found += made
    return _told_apart(found, root) if found else [of_folder(root)]


def _told_apart(found: list[Package], root: Path) -> list[Package]:
    """Packages of the same name get their folders' paths as names."""
    names = [package.name for package in found]
    return [
        replace(package, name=os.path.relpath(package.root, root)) if names.count(package.name) > 1 else package
        for package in found
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
                if not hidden and not (Path(item.path) / "pyvenv.cfg").exists():
                    waiting.append((Path(item.path), depth + 1))


def _is_function(main: Path, names: frozenset[str]) -> bool:
    if "requirements.txt" in names:
        return True
    try:
        return b"functions_framework" in main.read_bytes()
    except OSError:
        return False


# -- what a folder says of itself --------------------------------------------------------------------------------------


def _declared(folder: Path, files: Mapping[str, Path]) -> tuple[tuple[tuple[str, str], ...] | None, list[Path]]:
    path = files.get("requirements.txt") or folder / "requirements.txt"
    if path.is_file():
        return tuple(requirements.of_file(path)), [path]
    lines = requirements.of_pyproject(folder / "pyproject.toml")
    return (None, []) if lines is None else (tuple(lines), [folder / "pyproject.toml"])


def _metadata_of(folder: Path) -> Path | None:
    """The METADATA of the distribution that an installed import package belongs to."""
    for info in sorted(folder.parent.glob("*.dist-info")):
        listed = info / "top_level.txt"
        record = info / "RECORD"
        try:
            if listed.is_file():
                own = folder.name in listed.read_text(encoding="utf-8").split()
            else:
                own = record.is_file() and f"{folder.name}/__init__.py," in record.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if own and (info / "METADATA").is_file():
            return info / "METADATA"
    return None


def _python_of(folder: Path) -> tuple[Version | None, str]:
    for place in (folder, *folder.resolve().parents[:3]):
        try:
            text = (place / ".python-version").read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            text = ""
        found = re.match(r"\s*(\d+)\.(\d+)", text)
        if found:
            return (int(found[1]), int(found[2])), ".python-version"
        version = requirements.python_of_pyproject(place / "pyproject.toml")
        if version is not None:
            return version, "requires-python"
        if (place / ".git").exists():
            break
    return None, ""


def _cloud_ignores(folder: Path) -> GitIgnoreSpec | None:
    if (folder / ".gcloudignore").is_file():
        return shipping.ignore_file(folder / ".gcloudignore")
    return None


def _broken(links: Sequence[tuple[str, str]]) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            file=path,
            source=None,
            line=1,
            symbol=path,
            kind=Kind.MISSING_FILE,
            effect=Effect.LOAD,
            message=f"the symlink {path} leads nowhere in the package ({target}): it is not shipped",
            reachable_by=path,
        )
        for path, target in links
    )


def _absent(stage: dockerfile.Stage, path: Path) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            file=path.name,
            source=path,
            line=line,
            symbol=name,
            kind=Kind.MISSING_FILE,
            effect=Effect.LOAD,
            message=f"COPY {name}: there is no such file in the build context, the image cannot be built",
            reachable_by=path.name,
        )
        for line, name in stage.absent
    )


def _roots(links: Mapping[str, Path]) -> tuple[Path, ...]:
    """Where the trees begin that symlinks lead into: for ``shared/utils`` to ``/repo/shared/utils`` it is ``/repo``."""
    found: dict[Path, None] = {}
    for path, real in links.items():
        parts = Path(path).parts
        if real.parts[-len(parts) :] == parts:
            found[real.parents[len(parts) - 1]] = None
    return tuple(found)


# -- images ------------------------------------------------------------------------------------------------------------


def _context(path: Path, root: Path, names: Sequence[str]) -> Path:
    """The folder in which most of what is copied lies; of equals the nearest."""
    folders = [path.parent]
    while folders[-1].resolve() != root.resolve() and folders[-1].parent != folders[-1] and len(folders) < _DEPTH:
        folders.append(folders[-1].parent)
    plain = [name.lstrip("/") for name in names if not re.search(r"[*?\[$]", name) and name not in (".", "./")]
    if not plain:
        return path.parent
    return max(folders, key=lambda folder: sum((folder / name).exists() for name in plain))


def _relative(files: Mapping[str, Path], base: str) -> dict[str, Path]:
    return {_below(path, base): file for path, file in sorted(files.items())}


def _below(path: str, base: str) -> str:
    """A path in the image, seen from its working directory if it lies below it."""
    plain = posixpath.normpath(path).strip("/")
    if base and (plain == base or plain.startswith(base + "/")):
        return plain[len(base) + 1 :]
    return plain if plain != "." else ""


def _module_file(name: str, files: Mapping[str, Path], search: Sequence[str]) -> str | None:
    base = name.partition(":")[0].replace(".", "/")
    for folder in search:
        for shape in (f"{base}.py", f"{base}/__main__.py", f"{base}/__init__.py"):
            path = posixpath.join(folder, shape)
            if path in files:
                return path
    return None


def _image_name(path: Path, root: Path) -> str:
    suffix = path.name.removeprefix("Dockerfile").removesuffix("Dockerfile").strip(".")
    folder = path.parent.resolve().name if path.parent.resolve() != root.resolve() else root.resolve().name
    return f"{folder}-{suffix}" if suffix else folder


def _copied(path: str, stage: dockerfile.Stage, folder: Path) -> bool:
    """Whether a symlink of the build context lies beside files that are in the image."""
    parent = posixpath.dirname(path)
    return any(file.is_relative_to(folder / parent) for file in stage.files.values())


def _shown(path: Path) -> str:
    here = os.path.relpath(path)
    return str(path) if here.startswith("..") else here
