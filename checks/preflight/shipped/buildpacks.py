"""How Google's buildpacks install and start what is deployed from its source: functions, services of Cloud Run.

As github.com/GoogleCloudPlatform/buildpacks has it (cmd/python, pkg/python): functions-framework loads a function, and
looks in its folder last (functions_framework/_function_registry.py, load_function_module); the build of a function runs
``python3 -m compileall -f -q .``; a service without a command is ``gunicorn main:app``.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from checks.preflight.model import Package, Version
from checks.preflight.shipped import requirements, starting
from checks.preflight.shipped.describing import module_file, with_entry
from checks.preflight.shipped.starting import Start

_PYPROJECT = (3, 13)  # the first version for which pyproject.toml is read (pkg/python/pyproject.go, IsPyprojectEnabled)
_OTHERS = frozenset({"project.toml", "package.json", "go.mod", "pom.xml", "build.gradle", "Gemfile", "composer.json"})
_PROGRAMS = frozenset({"gradio", "streamlit"})  # with them a service may be started as a program


def environment(options: Mapping[str, str | None]) -> dict[str, str]:
    """The variables that a deploying command sets for the build: ``--set-build-env-vars=A=b,C=d`` (with another sign in
    front than the comma: ``^:^A=b:C=d``).
    """
    found: dict[str, str] = {}
    for option in ("set-build-env-vars", "update-build-env-vars"):
        text, sign = options.get(option) or "", ","
        if chosen := re.match(r"\^(.+?)\^", text):
            text, sign = text[chosen.end() :], chosen[1]
        found |= dict(item.split("=", 1) for item in text.split(sign) if "=" in item)
    return found


def version(runtime: str | None, env: Mapping[str, str]) -> Version | None:
    """The version of Python that a runtime (``python312``) or the build's variables name."""
    told = env.get("GOOGLE_PYTHON_VERSION") or env.get("GOOGLE_RUNTIME_VERSION") or ""
    named = re.search(r"python(\d)(\d+)", runtime or "") or re.match(r"(\d)\.(\d+)", told)
    return (int(named[1]), int(named[2])) if named else None


def needed(files: Mapping[str, Path], python: Version | None) -> tuple[tuple[requirements.Line, ...] | None, str]:
    """What is installed of what a folder declares, besides what the platform brings, with what is to be said of it.
    None if that cannot be told. To what ``pyproject.toml`` names, functions-framework is not added.
    """
    if "requirements.txt" in files:
        return tuple(requirements.of_file(files["requirements.txt"])), ""
    if "pyproject.toml" not in files:
        return (), "there is no requirements.txt: nothing is installed but what the platform brings"
    if python is None:
        return None, ""
    if python < _PYPROJECT:
        return (), "there is no requirements.txt, and pyproject.toml is read from Python 3.13 on: nothing is installed"
    lines = requirements.of_project(files["pyproject.toml"].parent)
    return (None if lines is None else tuple(requirements.with_extras(lines, ()))), ""


def as_function(package: Package, file: str) -> Package:
    """The package as functions-framework loads that file of it."""
    folder = posixpath.dirname(file)
    made = replace(package, imported=True, search=(folder,), last=(folder,), compiled=True)
    return replace(made, entries=(file,), entry_known=True) if file in package.files else with_entry(made, None)


def as_service(package: Package, command: Sequence[str]) -> Package:
    """The package as its buildpack starts it: by the command that was given, by a Procfile, as ``main:app``."""
    begin = starting.start(command) if command else None
    if begin is None and (command or "Procfile" in package.files):
        return with_entry(package, None)
    begin = begin or _usual(package)
    if begin is None:
        return with_entry(package, None)
    search = begin.path
    file = begin.file or module_file(begin.module or "", package.files, search, ran=begin.ran)
    if file is None or file not in package.files:
        return with_entry(package, None)
    handler, notes = begin.name if begin.name.isidentifier() else "", package.notes
    if not command and not names(package.files[file], "app"):
        notes = (*notes, f"no command and no Procfile: it is started as gunicorn {begin.module}:app")
    made = replace(package, entries=(file,), entry_known=True, imported=bool(begin.server), handler=handler)
    return replace(made, search=search, notes=notes)


def names(file: Path, word: str) -> bool:
    """Whether a word stands in a file."""
    return re.search(rf"\b{re.escape(word)}\b".encode(), file.read_bytes()) is not None


def _usual(package: Package) -> Start | None:
    """What is started where nothing says it (cmd/python/missing_entrypoint)."""
    asked = {re.split(r"[^\w-]", text, maxsplit=1)[0].lower() for text, _ in package.requirements or ()}
    module = next((name for name in ("main", "app") if f"{name}.py" in package.files), None)
    if module is None or package.requirements is None or asked & _PROGRAMS or _is_other(package.files):
        return None
    return Start(module=module, name="app", server="gunicorn")


def _is_other(files: Collection[str]) -> bool:
    """Whether a folder may be built as something else than Python, or starts what its project says."""
    return not _OTHERS.isdisjoint(files) or ("pyproject.toml" in files and "requirements.txt" not in files)
