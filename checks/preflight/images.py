"""From a Dockerfile to the package in its image."""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from checks.preflight import dockerfile, requirements, shipping, starting
from checks.preflight.describing import DescriptionError, absent, broken, module_file, shown, with_entry
from checks.preflight.model import Finding, Package
from checks.preflight.provided import provider_of
from checks.preflight.starting import Start

_DEPTH = 6
_MAKES_FILES = re.compile(r"\b(?:git|curl|wget|unzip|tar|cp|mv|ln|make|touch|tee|cat|echo|sed|gsutil|gcloud)\b")
# Base images that bring no distributions: of what others bring nothing is known.
_PLAIN = re.compile(r"(?:^|/)(?:python|pypy|debian|ubuntu|alpine)(?:[:@][^/]*)?$|^$")
_PYTHON = re.compile(r"^(?:docker\.io/|(?:[\w.-]+/)*library/)?(?:python|pypy)(?:[:@][^/]*)?$")
# docker-library/python#954: images of Python bring setuptools, but for those of 3.12 and newer.
_IMPLIED = ("setuptools",)
_WITHOUT_SETUPTOOLS = (3, 12)
# Images of AWS Lambda hold its SDK, and are told the function to call (docs.aws.amazon.com/lambda, python-image.html).
_LAMBDA = re.compile(r"(?:^|/)lambda/python(?:[:@][^/]*)?$|(?:^|/)aws-lambda-python(?:[:@][^/]*)?$")


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
    own = shipping.docker_ignore_file(path.with_name(path.name + ".dockerignore"))
    ignored = own or shipping.docker_ignore_file(folder / ".dockerignore")
    shipped = shipping.gather(folder, ignored=ignored, follow=False)
    stage = dockerfile.build(text, shipped.files)
    begin = _start(stage)
    over = [item for item in stage.env.get("PYTHONPATH", "").split(":") if item.startswith("/")]
    base = _base(stage.workdir, over)
    files = {_below(path, base): file for path, file in sorted(stage.files.items())}
    search = [begin.folder or stage.workdir, *begin.search] if begin else [stage.workdir]
    search += [*over, *stage.projects]
    needed = _needed(stage, path, begin)
    version = re.match(r"(?:.*/)?python:(\d+)\.(\d+)", stage.base)
    package = Package(
        name=name or _image_name(path, root),
        root=folder,
        description=f"image of {shown(path)}, build context {shown(folder)}",
        files=files,
        search=tuple(dict.fromkeys(_below(item, base) for item in search)),
        requirements=needed,
        implied=_implied(stage.base, version),
        python=(int(version[1]), int(version[2])) if version else None,
        python_from=f"FROM {stage.base}" if version else "",
        origins=(path, *[folder / source for source in dockerfile.sources(text)]),
        problems=(*_absent(stage, path), *broken([(p, t) for p, t in shipped.broken if _copied(p, stage, folder)])),
    )
    entry = None
    if begin and begin.file:
        entry = _below(begin.file, base)
    elif begin and begin.module:
        found = [
            module_file(item, files, package.search, ran=begin.ran) for item in (begin.rather, begin.module) if item
        ]
        entry = next(filter(None, found), None)
    if begin and begin.name.isidentifier() and entry in files:
        package = replace(package, handler=begin.name)
    line = _command_line(text)
    if begin and entry not in files:
        package = replace(package, problems=(*package.problems, *_not_there(begin, stage, package, path, text)))
    if begin and begin.module:
        package = replace(package, entry_as="module" if begin.ran else "import")
    if begin and begin.program:
        package = replace(package, entry_as="import", program=(begin.program, path, line))
    return with_entry(package, entry if entry in files else None)


def _implied(base: str, version: re.Match[str] | None) -> tuple[str, ...]:
    """What the base image has installed."""
    old = version is not None and (int(version[1]), int(version[2])) < _WITHOUT_SETUPTOOLS
    return (*(_IMPLIED if old else ()), *(("boto3",) if _LAMBDA.search(base) else ()))


def _start(stage: dockerfile.Stage) -> Start | None:
    """What the image starts: its command, or what the script starts that it names."""
    words = [*stage.entrypoint, *stage.command]
    if "FLEX_TEMPLATE_PYTHON_PY_FILE" in stage.env:  # a Dataflow template: its launcher starts this
        words = ["python", stage.env["FLEX_TEMPLATE_PYTHON_PY_FILE"]]
    if _LAMBDA.search(stage.base) and len(words) == 1:
        module, _, name = words[0].replace("/", ".").rpartition(".")
        return Start(module=module, folder=stage.workdir, name=name)
    return starting.start(words, stage.workdir, stage.env, stage.programs)


def _base(workdir: str, over: Sequence[str]) -> str:
    """The folder from which paths in the image are seen: the working directory, or one above it that is searched."""
    return min([workdir, *[item for item in map(posixpath.normpath, over) if f"{workdir}/".startswith(f"{item}/")]])


def _needed(stage: dockerfile.Stage, path: Path, begin: Start | None) -> tuple[tuple[str, str], ...] | None:
    """The requirements that the image installs; None where that cannot be told: of one that installs nothing only if
    what it starts is known, as a script may do so.
    """
    if not _PLAIN.search(stage.base) or stage.untold:
        return None
    bare = begin and not stage.scripts and (_PYTHON.search(stage.base) or _LAMBDA.search(stage.base))
    if not stage.pip and not stage.required and not bare:
        return None
    needed = [(item, path.name) for item in stage.pip if not item.startswith((".", "/"))]
    wanted = stage.groups | {extra for item in stage.pip for extra in _extras(item)}
    for _, file in stage.required:
        if file.name not in requirements.PROJECT_FILES:
            needed += requirements.of_file(file)
        elif (lines := requirements.of_project(file.parent)) is not None:
            needed += requirements.with_extras(lines, wanted)
        else:
            return None
    return tuple(needed)


def _command_line(text: str) -> int:
    lines = [at for at, word, _ in dockerfile.instructions(text) if word in ("CMD", "ENTRYPOINT")]
    return max(lines, default=1)


def _not_there(begin: Start, stage: dockerfile.Stage, package: Package, path: Path, text: str) -> tuple[Finding, ...]:
    """What the command starts and the image does not hold, where only COPY and ADD may have brought it."""
    made = any(word == "RUN" and _MAKES_FILES.search(rest) for _, word, rest in dockerfile.instructions(text))
    started = begin.file or begin.module or ""
    top = started.partition(".")[0]
    brought = begin.file is None and (
        package.requirements is None
        or top in sys.stdlib_module_names
        or bool(provider_of(top))
        or any(re.match(rf"{top}\b", re.sub(r"[-_.]+", "_", name), re.IGNORECASE) for name, _ in package.requirements)
    )
    if made or brought or not stage.files or not _PLAIN.search(stage.base):
        return ()
    kind = "file" if begin.file else "module"
    told = f"{started}: the command starts it, and there is no such {kind} in the image"
    if begin.ran and module_file(started, package.files, package.search):
        told = f"{started}: python -m runs it, and the package has no __main__.py"
    elif begin.module:
        told += _meant(begin.module, begin.name, package)
    return absent([(path, _command_line(text), told)])


def _meant(module: str, name: str, package: Package) -> str:
    """The only module of the image with the same last name, as it is found on the search path."""
    last = module.rpartition(".")[2]
    found = set()
    for path in package.files:
        if posixpath.basename(path) == f"{last}.py":
            for folder in package.search:
                if not folder or path.startswith(f"{folder}/"):
                    below = path[len(folder) + 1 :] if folder else path
                    found.add(below.removesuffix(".py").replace("/", "."))
    called = f":{name}" if name else ""
    return f"; is {next(iter(found)) + called!r} meant?" if len(found) == 1 and module not in found else ""


def _absent(stage: dockerfile.Stage, path: Path) -> tuple[Finding, ...]:
    told = "COPY of it, and it is not in the build context: the image cannot be built"
    return absent([(path, line, f"{name}: {told}") for line, name in stage.absent])


def _context(path: Path, root: Path, names: Sequence[str]) -> Path:
    """The folder in which most of what is copied lies; of equals the nearest."""
    folders = [path.parent]
    while folders[-1].resolve() != root.resolve() and folders[-1].parent != folders[-1] and len(folders) < _DEPTH:
        folders.append(folders[-1].parent)
    plain = [name.lstrip("/") for name in names if not re.search(r"[*?\[$]", name) and name not in (".", "./")]
    if not plain:
        return path.parent
    return max(folders, key=lambda folder: sum((folder / name).exists() for name in plain))


def _extras(item: str) -> list[str]:
    """The extras of a folder that is installed: ``.[gcp,slack]``."""
    found = re.match(r"[./][^\[]*\[([^\]]*)\]", item)
    return [extra.strip() for extra in found[1].split(",")] if found else []


def _below(path: str, base: str) -> str:
    """A path in the image, seen from its working directory."""
    plain = posixpath.relpath(posixpath.join(base, path), base)
    return "" if plain == "." else plain


def _image_name(path: Path, root: Path) -> str:
    suffix = path.name.removeprefix("Dockerfile").removesuffix("Dockerfile").strip(".")
    folder = path.parent.resolve().name if path.parent.resolve() != root.resolve() else root.resolve().name
    return f"{folder}-{suffix}" if suffix else folder


def _copied(path: str, stage: dockerfile.Stage, folder: Path) -> bool:
    """Whether a symlink of the build context lies beside files that are in the image."""
    parent = posixpath.dirname(path)
    return any(file.is_relative_to(folder / parent) for file in stage.files.values())
