"""YAML as files of continuous integration are written in it: words with their lines, and whatever else there is.

The files may hold anything: what has not the form that it should have is passed over.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

LONGEST = 4_000  # characters of a value
_DEEPEST = 100  # nested in one another


class UnreadableError(Exception):
    """A file that should be YAML is none; the text says where."""


class Text(str):
    """A word of a file, with the line where it begins."""

    __slots__ = ("line",)
    line: int


def loaded(text: str) -> Any:
    """Mappings, lists and words of the first document. From events, as what makes trees of them runs out of stack."""
    top: list[Any] = []
    within: list[tuple[Any, list[str]]] = [(top, [])]  # what is open, a mapping with the key whose value is awaited
    anchors: dict[str | None, Any] = {}
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            if isinstance(event, yaml.DocumentEndEvent):
                break
            if isinstance(event, yaml.CollectionEndEvent):
                within.pop()
            elif isinstance(event, yaml.NodeEvent):
                value = _made(event, anchors)
                _put(*within[-1], value)
                if isinstance(event, yaml.CollectionStartEvent):
                    within.append((value, []))
            if len(within) > _DEEPEST:
                raise UnreadableError("it is nested too deeply")
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UnreadableError(f"line {line}: {error.problem}") from error
    except yaml.YAMLError as error:
        raise UnreadableError("it is no YAML") from error
    return top[0] if top else None


def _made(event: Any, anchors: dict[str | None, Any]) -> Any:
    if isinstance(event, yaml.AliasEvent):
        return anchors.get(event.anchor)
    value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
    if isinstance(event, yaml.ScalarEvent):
        value = Text(event.value)
        line = event.start_mark.line if event.start_mark else 0
        value.line = line + (2 if event.style in ("|", ">") else 1)
    if event.anchor:
        anchors[event.anchor] = value
    return value


def _put(container: Any, key: list[str], value: Any) -> None:
    if isinstance(container, list):
        container.append(value)
    elif not key:
        key.append(value if isinstance(value, str) else "")
    elif (name := key.pop()) == "<<":
        container.update(mapping(value))
    else:
        container[name] = value


def mapping(value: Any) -> dict[str, Any]:
    """The value, if it is a mapping; an empty one else."""
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> list[Any]:
    """The value, if it is a list; an empty one else."""
    return value if isinstance(value, list) else []


def words_of(value: Any) -> list[Text]:
    """A list of words, or one word alone."""
    return [word for word in (value if isinstance(value, list) else [value]) if isinstance(word, Text)]


def variables(value: Any) -> dict[str, str]:
    """Names with their values, as a mapping or as ``NAME=value``; without those that are empty."""
    pairs = (
        [word.partition("=")[::2] for word in words_of(value)] if isinstance(value, list) else mapping(value).items()
    )
    return {name: str(text) for name, text in pairs if isinstance(text, str) and text}


def quoted(words: list[str]) -> str:
    """Words as one command, with their variables."""
    plain = re.compile(r"[\w./:@%+,=-]+")
    return " ".join(word if plain.fullmatch(word) else '"' + re.sub(r'(["\\`])', r"\\\1", word) + '"' for word in words)
