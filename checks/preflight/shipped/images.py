"""From a Dockerfile to the package in its image."""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checks.preflight.model import Effect, Finding, Kind, Package
from checks.preflight.provided import provider_of
from checks.preflight.shipped import copying, dockerfile, requirements, scripted, shipping, starting
from checks.preflight.shipped.describing import DescriptionError, absent, broken, module_file, shown, with_entry
from checks.preflight.shipped.stages import SITE, Stage
from checks.preflight.shipped.starting import Start

if TYPE_CHECKING:
    from pathspec import PathSpec

    from checks.preflight.shipped.deploying import Build

_DEPTH = 6
_MAKES_FILES = re.compile(r"\b(?:git|curl|wget|unzip|tar|cp|mv|ln|make|touch|tee|cat|echo|sed|gsutil|gcloud)\b")
_INSTALLED = re.compile(r"\b(?:apt|apt-get|apk|yum|dnf)\b[^&;|]*")  # names of programs, which do nothing there
# Base images that bring no distributions: of what others bring nothing is known.
_PLAIN = re.compile(r"(?:^|/)(?:python|pypy|debian|ubuntu|alpine)(?:[:@][^/]*)?$|^$")
_PYTHON = re.compile(r"^(?:docker\.io/|(?:[\w.-]+/)*library/)?(?:python|pypy)(?:[:@][^/]*)?$")
# Images of AWS Lambda hold its SDK, and are told the function to call (docs.aws.amazon.com/lambda, python-image.html).
_LAMBDA = re.compile(r"(?:^|/)lambda/python(?:[:@][^/]*)?$|(?:^|/)aws-lambda-python(?:[:@][^/]*)?$")


def of_builds(path: Path, root: Path, builds: Sequence[Build]) -> list[Package]:
    """The images of a Dockerfile: those that differ by the arguments that it is built with.

    :raises DescriptionError: if the file cannot be read.
    """
    chosen: dict[str, list[Build]] = {}
    for build in builds:
        text = path.read_text(encoding="utf-8", errors="replace") if build.args else ""
        used = [value for name, value in build.args.items() if re.search(rf"\$\{{?{re.escape(name)}\b", text)]
        chosen.setdefault(" ".join(used), []).append(build)
    made: list[Package] = []
    for told, some in (chosen or {"": []}).items():
        package = of_dockerfile(path, root, builds=some)
        if all((package.files, package.entries) != (other.files, other.entries) for other in made):
            made.append(replace(package, name=f"{package.name} {told}".strip() if len(chosen) > 1 else package.name))
    return made


def of_dockerfile(
    path: Path,
    root: Path,
    *,
    context: Path | None = None,
    name: str | None = None,
    builds: Sequence[Build] = (),
) -> Package:
    """What a Dockerfile puts into its image.

    ``context`` is the build context; without one it is that of the ``builds`` in which most of what is copied lies, and
    without these the nearest folder for which that holds, from the file's own up to ``root``.

    :raises DescriptionError: if the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise DescriptionError(f"{path} cannot be read: {error.strerror}") from error
    sources = dockerfile.sources(text)
    build = _build(builds, sources) if context is None else None
    folder = context or (build.context if build else _context(path, root, sources))
    own = shipping.docker_ignore_file(path.with_name(path.name + ".dockerignore"))
    ignored = own or shipping.docker_ignore_file(folder / ".dockerignore")
    sent = shipping.uploaded(folder) if build and build.uploaded else None
    shipped = shipping.gather(folder, ignored=ignored, follow=False)
    laid = {below: file for below, file in (build.laid if build else {}).items() if not _left_out(below, ignored)}
    lying = {below: file for below, file in {**shipped.files, **laid}.items() if not _left_out(below, sent)}
    stage = dockerfile.build(text, lying, build.args if build else None)
    begin = _start(stage)
    over = [item for item in stage.env.get("PYTHONPATH", "").split(":") if item.startswith("/")]
    base = _base(stage.workdir, over)
    files = {_below(held, base): file for held, file in sorted(stage.files.items())}
    search = [begin.folder or stage.workdir, *begin.search] if begin else [stage.workdir]
    search += [*over, *stage.projects]
    needed = [(item, path.name) for item in stage.pip if not item.startswith((".", "/"))]
    besides = "" if _PLAIN.search(stage.base) else f"it is not known what the image {stage.base} brings"
    besides = besides or ("something is installed from a file that is not here" if stage.unfound else "")
    besides = besides or ("something is installed that cannot be read" if stage.untold else "")
    bare = begin and not stage.scripts and (_PYTHON.search(stage.base) or _LAMBDA.search(stage.base))
    wanted = stage.groups | {extra for item in stage.pip for extra in _extras(item)}
    for _, file in stage.required:
        if file.name not in requirements.PROJECT_FILES:
            needed += requirements.of_file(file)
        elif (lines := requirements.of_project(file.parent)) is not None:
            needed += requirements.with_extras(lines, wanted)
        else:
            besides = besides or f"{file.name} does not say what it needs"
    version = re.match(r"(?:.*/)?python:(\d+)\.(\d+)", stage.base)
    package = Package(
        name=name or _image_name(path, root),
        root=folder if folder.is_dir() else path.parent,
        description=f"image of {shown(path)}, build context {_where(folder)}{_as_built(build)}",
        files=files,
        search=tuple(dict.fromkeys(_below(item, base) for item in search)),
        last=(_below(begin.folder or "", base),) if begin and begin.last and begin.folder not in over else (),
        requirements=tuple(needed) if stage.pip or stage.required or bare else None,
        implied=("boto3",) if _LAMBDA.search(stage.base) else (),
        besides=besides,
        python=(int(version[1]), int(version[2])) if version else None,
        python_from=f"FROM {stage.base}" if version else "",
        base=base,
        origins=(path, *([build.script] if build else []), *[folder / source for source in sources]),
        filled=tuple((_below(place, base), said) for place, said in stage.filled),
        problems=(
            *(() if build and build.notes else (*_absent(stage, path), *_unfound(stage, path, text))),
            *broken([(p, t) for p, t in shipped.broken if _copied(p, stage, folder)]),
        ),
    )
    entry = None
    if begin and begin.file:
        entry = _below(begin.file, base)
    elif begin and begin.module:
        modules = filter(None, (begin.rather, begin.module))
        entry = next(filter(None, (module_file(m, files, package.search, ran=begin.ran) for m in modules)), None)
        package = replace(package, dotted=True)
    if begin and begin.name.isidentifier() and entry in files:
        package = replace(package, handler=begin.name)
    if begin and begin.server:
        lacking = _server(begin.server, package, path, text) if entry in files and not begin.unsure else ()
        package = replace(package, imported=True, problems=(*package.problems, *lacking))
    if begin and entry not in files and not begin.unsure:
        lacking = _not_there(begin, stage, path, text, package=package, context=shipped.files)
        package = replace(package, problems=(*package.problems, *lacking))
    return with_entry(package, entry if entry in files else None)


def _not_there(
    begin: Start,
    stage: Stage,
    path: Path,
    text: str,
    *,
    package: Package,
    context: Mapping[str, Path],
) -> tuple[Finding, ...]:
    """What the command starts and the image does not hold, where only COPY and ADD may have brought it. What lies in
    the build context is no base image's.
    """
    lines = dockerfile.instructions(text)
    started = begin.file or begin.module or ""
    top = started.partition(".")[0]
    installed = [part for held in package.files for part in held.removesuffix(".py").split("/")]
    beside = _below(begin.file, stage.workdir) if begin.file else module_file(started, context, ("",))
    forgotten = beside in context and context.get(beside or "") not in package.files.values()
    brought = begin.file is None and (
        bool(stage.projects and top in installed)
        or top in sys.stdlib_module_names
        or bool(provider_of(top) and not forgotten)
        or any(
            re.match(rf"{top}\b", re.sub(r"[-_.]+", "_", name), re.IGNORECASE) for name, _ in package.requirements or ()
        )
    )
    if stage.absent and not stage.files:
        return ()  # what its COPY lines name is nowhere, which is told of them
    left = module_file(started, stage.left, stage.editable, ran=begin.ran)
    if not left and not forgotten and (not stage.files or not _PLAIN.search(stage.base)):
        return ()
    if stage.filled or brought or _makes_files(lines, stage):
        return ()
    line = max((at for at, word, _ in lines if word in ("CMD", "ENTRYPOINT")), default=1)
    kind = "file" if begin.file else "module"
    told = f"{started}: the command starts it, and there is no such {kind} in the image"
    if begin.ran and module_file(started, package.files, package.search):
        told = f"{started}: python -m runs it, and the package has no __main__.py"
    elif left:
        told += f"; {left} is in another stage, installed there by its path: copy it, or install it without -e"
        told += " (uv sync --no-editable)"
    elif forgotten:
        told += f"; {beside} is in the build context and not copied"
    elif begin.module:
        told += _meant(begin.module, begin.name, package)
    return absent([(path, line, told)])


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


def _start(stage: Stage) -> Start | None:
    """What the image starts."""
    words = [*stage.entrypoint, *stage.command]
    if "FLEX_TEMPLATE_PYTHON_PY_FILE" in stage.env:  # a Dataflow template: its launcher starts this
        words = ["python", stage.env["FLEX_TEMPLATE_PYTHON_PY_FILE"]]
    if _LAMBDA.search(stage.base) and len(words) == 1:
        module, _, name = words[0].replace("/", ".").rpartition(".")
        return Start(module=module, folder=stage.workdir, name=name)
    return starting.start(words, stage.workdir, stage.env, stage.programs) or scripted.start(words, stage)


def _base(workdir: str, over: Sequence[str]) -> str:
    """The folder from which paths in the image are seen: the working directory, or one above it that is searched."""
    return min([workdir, *[item for item in map(posixpath.normpath, over) if f"{workdir}/".startswith(f"{item}/")]])


def _makes_files(lines: Sequence[tuple[int, str, str]], stage: Stage) -> bool:
    """Whether other than COPY and ADD of the build context may bring files into the image."""
    runs = [_INSTALLED.sub("", rest) for _, word, rest in lines if word == "RUN"]
    return "onbuild" in stage.base or any(map(_MAKES_FILES.search, runs))


def _unfound(stage: Stage, path: Path, text: str) -> tuple[Finding, ...]:
    """The requirements files that RUN lines install from, where only COPY may have brought them and did not."""
    lines = dockerfile.instructions(text)
    other = any(word == "ADD" or (word == "COPY" and "--from" in rest) for _, word, rest in lines)
    if stage.filled or other or stage.scripts or not _PLAIN.search(stage.base) or _makes_files(lines, stage):
        return ()
    runs = [rest for _, word, rest in lines if word == "RUN"]
    missed = {posixpath.basename(name) for _, name in stage.absent}  # told of the COPY that should have brought it
    found = []
    for line, file in [item for item in stage.unfound if posixpath.basename(item[1]) not in missed]:
        uses = rf"(?<![\w.-]){re.escape(posixpath.basename(file))}"
        named = sum(len(re.findall(uses, rest)) for rest in runs)
        if not re.search(r"\$|^/https?:", file) and named == len([1 for _, other in stage.unfound if other == file]):
            found.append(
                (path, line, f"{file}: RUN installs from it, and no COPY brings it: the image cannot be built")
            )
    told = "includes it, and no COPY brings it: the image cannot be built"
    found += [(file, at, f"{name}: {file.name} {told}") for file, at, name in stage.unbrought]
    return absent(found)


def _server(server: str, package: Package, path: Path, text: str) -> tuple[Finding, ...]:
    """The server that the command starts, where nothing can have installed it."""
    lines = dockerfile.instructions(text)
    other = rf"\b{server}|\b(?:poetry|pipenv|uv|conda|pdm|setup\.py|install \.)"
    if package.requirements is None or package.besides:
        return ()
    if any(word == "RUN" and re.search(other, rest) for _, word, rest in lines):
        return ()
    from checks.preflight import distributions

    wanted = [text for text, _ in package.requirements]
    provided = distributions.provided(wanted, (), package.python or sys.version_info[:2])
    if provided.has(server) or provided.private:
        return ()
    name = server.replace("_", "-")
    return (
        Finding(
            file=path.name,
            source=path,
            line=max(at for at, word, _ in lines if word in ("CMD", "ENTRYPOINT")),
            symbol=name,
            kind=Kind.UNDECLARED,
            effect=Effect.LOAD,
            message=f"the command starts {name}, which is not among the requirements",
            reachable_by=path.name,
        ),
    )


def _absent(stage: Stage, path: Path) -> tuple[Finding, ...]:
    told = "COPY of it, and it is not in the build context: the image cannot be built"
    return absent([(path, line, f"{name}: {told}") for line, name in stage.absent])


def _build(builds: Sequence[Build], names: Sequence[str]) -> Build | None:
    """The one with most of what is copied in its context; None if nothing of it lies in any, but for one that builds
    the folder with its Dockerfile: that is no other folder.
    """
    plain = _plain(names)

    def there(build: Build) -> int:
        return sum(
            (build.context / name).exists() or any(f"{path}/".startswith(f"{name}/") for path in build.laid)
            for name in plain
        )

    best = max(builds, key=lambda build: (there(build), build.whole), default=None)
    return best if best is not None and (not plain or best.whole or there(best)) else None


def _where(folder: Path) -> str:
    return shown(folder) if folder.is_dir() else "made for it"


def _as_built(build: Build | None) -> str:
    return f", as {shown(build.script)}:{build.line} builds it" if build else ""


def _left_out(path: str, ignored: PathSpec[Any] | None) -> bool:
    return ignored is not None and ignored.match_file(path)


def _plain(names: Sequence[str]) -> list[str]:
    """Of what is copied, the paths that can be looked for."""
    found = [copying.plain(name) for name in names if not re.search(r"[*?\[$]", name)]
    return [name for name in found if name != "."]


def _context(path: Path, root: Path, names: Sequence[str]) -> Path:
    """The folder in which most of what is copied lies; of equals the nearest."""
    folders = [path.parent]
    while folders[-1].resolve() != root.resolve() and folders[-1].parent != folders[-1] and len(folders) < _DEPTH:
        folders.append(folders[-1].parent)
    plain = _plain(names)
    if not plain:
        return path.parent
    return max(folders, key=lambda folder: sum((folder / name).exists() for name in plain))


def _extras(item: str) -> list[str]:
    """The extras of a folder that is installed: ``.[gcp,slack]``."""
    found = re.match(r"[./][^\[]*\[([^\]]*)\]", item)
    return [extra.strip() for extra in found[1].split(",")] if found else []


def _below(path: str, base: str) -> str:
    """A path in the image, seen from its working directory; what is installed lies in no certain place."""
    whole = posixpath.normpath(posixpath.join(base, path))
    if f"{whole}/".startswith(f"{SITE}/"):
        return whole.lstrip("/")
    plain = posixpath.relpath(whole, base)
    return "" if plain == "." else plain


def _image_name(path: Path, root: Path) -> str:
    suffix = path.name.removeprefix("Dockerfile").removesuffix("Dockerfile").strip(".")
    folder = path.parent.resolve().name if path.parent.resolve() != root.resolve() else root.resolve().name
    return f"{folder}-{suffix}" if suffix else folder


def _copied(path: str, stage: Stage, folder: Path) -> bool:
    """Whether a symlink of the build context lies beside files that are in the image."""
    parent = posixpath.dirname(path)
    return any(file.is_relative_to(folder / parent) for file in stage.files.values())
