"""What a folder says of how it is served: as a function, by the line of a Procfile or of App Engine's ``app.yaml``."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from checks.preflight.model import Version
from checks.preflight.shipped import starting
from checks.preflight.shipped.starting import Start

FILES = frozenset({"main.py", "Procfile", "app.yaml"})  # a folder with one of these may be deployed from its source
# The arguments that Cloud Functions calls a function with: of Pub/Sub and storage, of HTTP, of CloudEvents.
_FUNCTION = re.compile(
    rb"^[^#\n]*\b(?:functions_framework|firebase_functions)\b"
    rb"|^(?:async )?def \w+\(\s*(?:_?(?:event|data)\b[^()]*,\s*_?context\b[^()]*"
    rb"|_?(?:request|cloud_?event)\b(?:\s*:[^,()]*)?)\)",
    re.MULTILINE,
)
_APPLICATION = re.compile(
    rb"^\w+\s*(?::[^=\n]*)?=\s*(?:\w+\.)?(?:Flask|FastAPI|Starlette|Quart|Sanic|Bottle)\(", re.MULTILINE
)
_RUNTIME = re.compile(r"^runtime:\s*[\"']?python(3)(\d+)", re.MULTILINE)


def handles_events(main: Path) -> bool:
    """Whether a ``main.py`` has what Cloud Functions calls, and makes no application of its own."""
    try:
        text = main.read_bytes()
    except OSError:
        return False
    return _FUNCTION.search(text) is not None and _APPLICATION.search(text) is None


def is_served(folder: Path, names: Collection[str]) -> bool:
    """Whether a folder is deployed as a service from its source."""
    return "Procfile" in names or ("app.yaml" in names and _RUNTIME.search(_text(folder / "app.yaml")) is not None)


def python_of(folder: Path) -> Version | None:
    """The version that ``app.yaml`` asks for."""
    found = _RUNTIME.search(_text(folder / "app.yaml"))
    return (int(found[1]), int(found[2])) if found else None


def python_of_firebase(place: Path, folder: Path) -> Version | None:
    """The version that a ``firebase.json`` asks for of a folder (firebase-tools, schema/firebase-config.json)."""
    try:
        tree = json.loads(_text(place / "firebase.json") or "null")
    except ValueError:
        return None
    told = tree.get("functions") if isinstance(tree, dict) else None
    for item in filter(None, told if isinstance(told, list) else [told]):
        said = item if isinstance(item, dict) else {}
        found = re.fullmatch(r"python(\d)(\d+)", str(said.get("runtime")))
        if found and (place / str(said.get("source", "functions"))).resolve() == folder.resolve():
            return int(found[1]), int(found[2])
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a service starts, and the file and line that say so."""

    begin: Start
    file: Path
    line: int


def start(files: Mapping[str, Path]) -> Said | None:
    """What the ``web`` line of a Procfile starts, or the ``entrypoint`` of ``app.yaml``.

    Without one App Engine has gunicorn import ``app`` of ``main.py`` (cloud.google.com, "The Python 3 runtime
    environment", application startup), unless all that is served are static files.
    """
    for name, line in (("Procfile", r"^web:(.*)$"), ("app.yaml", r"^entrypoint:(.*)$")):
        text = _text(files[name]) if name in files else ""
        found = re.search(line, text, re.MULTILINE)
        try:
            begin = starting.start(starting.words_of(found[1])) if found else None
        except ValueError:
            continue
        if begin is not None and found is not None:
            return Said(begin=begin, file=files[name], line=text.count("\n", 0, found.start()) + 1)
        if name == "app.yaml" and found is None and (runtime := _RUNTIME.search(text)):
            if re.search(r"^handlers:", text, re.MULTILINE) and "script:" not in text:
                continue
            usual = Start(module="main", name="app", server="gunicorn")
            return Said(begin=usual, file=files[name], line=text.count("\n", 0, runtime.start()) + 1)
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
