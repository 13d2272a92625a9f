"""What an image starts by a shell script of the build context: read, not run."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import replace

from checks.preflight.shipped import starting
from checks.preflight.shipped.stages import Stage
from checks.preflight.shipped.starting import Start

_BEFORE = re.compile(r"(?:.*/)?(?:exec|tini|dumb-init|sh|bash|ash|dash)|-.*")  # what may stand before the script
_IDLE = frozenset({"echo", "printf", "if", "elif", "while", "until", "for", "case", "export", "pip", "function"})
_PLACES = ("/usr/local/bin", "/usr/bin", "/bin")  # where a program may lie that is named without a folder
_MAKES = re.compile(r"\b(?:pip|poetry|uv|conda|git|curl|wget|gsutil|gcloud|source|activate)\b|\bcd\b.*\$")
_LARGE = 64_000


def start(words: Sequence[str], stage: Stage) -> Start | None:
    """What the script starts that the command names; a script that is not in the image, by its path."""
    at = next((index for index, word in enumerate(words) if not _BEFORE.fullmatch(word)), None)
    if at is None or "-c" in words[:at] or "$" in words[at]:
        return None
    word = words[at]
    places = (stage.workdir, *_PLACES) if "/" not in word else (stage.workdir,)
    paths = [posixpath.normpath(posixpath.join(place, word)) for place in places]
    path = next((path for path in paths if path in stage.files), None)
    if path is None:
        lacking = "/" in word and word.endswith(".sh")
        return Start(file=paths[0], folder=posixpath.dirname(paths[0])) if lacking else None
    try:
        with stage.files[path].open("rb") as opened:
            text = opened.read(_LARGE).decode("utf-8", errors="replace")
    except OSError:
        return None
    if text.startswith("#!") and not re.match(r"#!.*\b(?:ba|da|a)?sh\b", text):
        return None
    begin = _of_text(text, words[at + 1 :], stage)
    return replace(begin, unsure=bool(_MAKES.search(text))) if begin else None


def _of_text(text: str, arguments: Sequence[str], stage: Stage) -> Start | None:
    """What takes the script's place, else what it starts last; None where a condition decides."""
    found: list[tuple[bool, bool, Start]] = []
    workdir = stage.workdir
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        try:
            words = starting.words_of(line) if not line.lstrip().startswith("#") else []
        except ValueError:
            continue  # goes on in the next
        words = [part for word in words for part in (arguments if word in ("$@", "$*") else [word])]
        while words and words[0] in ("then", "else", "do"):
            words = words[1:]
        if not words or words[0] in _IDLE:
            continue
        if words[0] == "cd" and len(words) == 2 and "$" not in words[1]:  # noqa: PLR2004
            workdir = posixpath.normpath(posixpath.join(workdir, words[1]))
        elif (begin := starting.start(words, workdir, stage.env, stage.programs)) is not None:
            found.append(("exec" in words, line[:1].isspace(), begin))
    found = [item for item in found if item[0]] or found
    if not found or (found[-1][1] and len({begin for *_, begin in found}) > 1):
        return None
    return found[-1][2]
