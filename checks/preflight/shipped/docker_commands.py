"""The Dockerfile and the build context that ``docker build`` and ``gcloud builds submit`` are given."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from checks.preflight.shipped.shell_values import UNKNOWN

# Options without a value; every other one that is not written with "=" takes the word behind it.
_FLAGS = frozenset(
    {"--no-cache", "--pull", "--push", "--load", "-q", "--quiet", "--squash", "--rm", "--force-rm", "--compress"}
)
_SUBMIT_FLAGS = frozenset({"--async", "--no-source", "--no-cache", "--quiet", "-q", "--suppress-logs"})


def build(words: Sequence[str | None]) -> tuple[str | None, str | None] | None:
    """The Dockerfile (None: the one in the context) and the context (None: it cannot be told) of ``docker build``,
    ``docker buildx build``, ``docker image build``; None for another command.
    """
    verbs = list(words[1:3])
    if verbs[:1] == ["build"]:
        rest = words[2:]
    elif verbs in (["buildx", "build"], ["image", "build"]):
        rest = words[3:]
    else:
        return None
    options, named = _parted(rest, _FLAGS)
    file = options.get("--file", options.get("-f", ""))
    if file is None:
        return None, None
    return file or None, named[-1] if named else None


def arguments(words: Sequence[str | None]) -> dict[str, str]:
    """The build arguments that a command gives (``--build-arg NAME=value``), as far as they can be told."""
    given = [after for word, after in pairwise(words) if word == "--build-arg"]
    given += [word.removeprefix("--build-arg=") for word in words if word and word.startswith("--build-arg=")]
    return dict(item.split("=", 1) for item in given if item and "=" in item and UNKNOWN not in item)


def submitted(words: Sequence[str | None]) -> tuple[str | None, bool, str | None]:
    """Of ``gcloud builds submit``: the folder that it sends (None: it cannot be told), whether an image is made of that
    as it is (``--tag``), and the file with the steps (None for an image, or if it cannot be told).
    """
    options, named = _parted(words[words.index("submit") + 1 :], _SUBMIT_FLAGS)
    sent = named[0] if named else "."
    if "--tag" in options or "-t" in options:
        return sent, True, None
    default = f"{sent.rstrip('/')}/cloudbuild.yaml" if sent is not None else None
    return sent, False, options.get("--config", default)


def _parted(words: Sequence[str | None], flags: frozenset[str]) -> tuple[dict[str, str | None], list[str | None]]:
    """Options with their values, and the other words."""
    options, named = dict[str, str | None](), list[str | None]()
    at = 0
    while at < len(words):
        word = words[at]
        if word is not None and word.startswith("-") and word != "-":
            name, sign, value = word.partition("=")
            if not sign and name not in flags:
                at += 1
                options[name] = words[at] if at < len(words) else None
            else:
                options[name] = value
        else:
            named.append(word)
        at += 1
    return options, named
