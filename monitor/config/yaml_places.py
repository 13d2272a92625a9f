"""YAML with the place of every value, and with environment variables put in.

The tree is made of dict, list, str, int, float, bool, date and None. Scalars are typed by the rules of YAML 1.2's core
schema plus ISO dates, so that ``09:00`` is text (YAML 1.1 makes it 540) and so is ``no``. Keys are always text.

``${NAME}`` and ``${NAME:-default}`` are put into values before they are typed, so that a plain scalar may become a
number while a quoted one stays text; the default also stands in for an empty variable, as in a shell. ``$${`` is a
plain ``${``. Because this happens after parsing, no variable can change the structure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import yaml

from checks.mistakes import FromEnvironment, Location
from monitor.config.problems import Problem, dotted

_PLAIN = "plain"
_STR, _MAP, _SEQ = (f"tag:yaml.org,2002:{kind}" for kind in ("str", "map", "seq"))
_MERGE = "<<"
_MOST_NODES = 100_000
_VARIABLE = re.compile(r"\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})?")
_WORDS: Mapping[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}

_UNCLOSED = "that is not closed, or a comma missing"
_ONE = "one file holds one configuration; remove the --- line"
_LINES = "check the indentation, and put text that contains ': ' in quotes"
# Part of PyYAML's words, ours, and the remedy.
_SYNTAX: tuple[tuple[str, str, str | None], ...] = (
    ("'\\t'", "a tab where YAML allows none", "indent with spaces"),
    ("mapping values are not allowed", "a colon where no key can be", _LINES),
    ("undefined alias", "an alias (*name) without its anchor (&name)", "put text that starts with * in quotes"),
    ("second occurrence", "the same anchor (&name) twice", None),
    ("could not find expected ':'", "a key without its colon", None),
    ("found unexpected end of stream", "a quote that is not closed", None),
    ("but found another document", "a second document", _ONE),
    ("expected ',' or '}'", f"a {{ {_UNCLOSED}", None),
    ("expected ',' or ']'", f"a [ {_UNCLOSED}", None),
    ("expected <block end>", "the indentation does not fit the lines above", None),
    ("cannot start any token", "a character that cannot start a value", "put the value in quotes"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is written; both count from 1."""

    line: int
    column: int


class Unreadable(Exception):  # noqa: N818 - not an error of ours: it carries the problem to be reported
    """The text is not YAML that can be understood; there is one problem, and no tree."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


@dataclass(slots=True)
class Document:
    """The tree, where each part of it is written, and what was wrong with it.

    ``variables`` names, per value, the environment variables that are in it; ``unset`` holds the places of values that
    could not be made.
    """

    tree: Any = None
    problems: list[Problem] = field(default_factory=list)
    variables: dict[Location, tuple[str, ...]] = field(default_factory=dict)
    unset: set[Location] = field(default_factory=set)
    _values: dict[Location, Place] = field(default_factory=dict)
    _keys: dict[Location, Place] = field(default_factory=dict)

    def place(self, location: Location, *, key: bool = False) -> Place:
        """Where the value (or its key) is written; for what is not written, where the nearest part around it is."""
        if key and location in self._keys:
            return self._keys[location]
        while location and location not in self._values:
            location = location[:-1]
        return self._values.get(location, Place(1, 1))

    def report(self, location: Location, message: str, hint: str | None = None, *, at: Place | None = None) -> None:
        """Add a problem, by default where the value is written."""
        place = at or self.place(location)
        self.problems.append(
            Problem(path=dotted(location), line=place.line, column=place.column, message=message, hint=hint)
        )


def parse(text: str, env: Mapping[str, str]) -> Document:
    """The document in the text, with variables of ``env`` put in.

    :raises Unreadable: if the text is not YAML at all. Other mistakes are in ``problems``.
    """
    try:
        node = _composed(text)
    except yaml.YAMLError as error:
        raise Unreadable(_syntax(error, text)) from None
    except RecursionError:
        raise Unreadable(_whole("nested too deeply")) from None
    document = Document()
    if node is not None:
        try:
            document.tree = _Builder(document, env).value(node, ())
        except RecursionError:
            raise Unreadable(_whole("nested too deeply, or an alias that contains itself")) from None
    return document


def _whole(message: str) -> Problem:
    return Problem(path="", line=1, column=1, message=message)


class _Marks:
    """Of a loader that composes nodes only: plain scalars are marked as such, and typed after variables were put in."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        """The tag of a node that has none written."""
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else _STR
        return super().resolve(kind, value, implicit)  # type: ignore[misc]  # the loader's


class _Loader(_Marks, yaml.SafeLoader):
    """PyYAML's own: its words for what is wrong are the ones we know."""


class _QuickLoader(_Marks, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # made at run time
    """libyaml's, where PyYAML has it: twenty times as fast."""


def _composed(text: str) -> Any:
    """The root node; None for an empty document.

    :raises yaml.YAMLError, RecursionError: as PyYAML's own loader does.
    """
    try:
        return _QuickLoader(text).get_single_node()
    except yaml.YAMLError:
        return _Loader(text).get_single_node()


class _Builder:
    """Turns nodes into values, and writes down where they stand."""

    def __init__(self, document: Document, env: Mapping[str, str]) -> None:
        self._document = document
        self._env = env
        self._nodes = 0

    def value(self, node: yaml.Node, at: Location) -> Any:
        """The value of a node; None where it could not be made, with a problem reported."""
        self._nodes += 1
        if self._nodes > _MOST_NODES:  # a few aliases of aliases can stand for billions of values
            raise Unreadable(_whole(f"more than {_MOST_NODES} values"))
        document = self._document
        document._values[at] = _place(node)  # noqa: SLF001 - this class fills it
        if isinstance(node, yaml.MappingNode) and node.tag == _MAP:
            return self._mapping(node, at)
        if isinstance(node, yaml.SequenceNode) and node.tag == _SEQ:
            return [self.value(item, (*at, index)) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and node.tag in (_PLAIN, _STR):
            return self._scalar(node, at)
        document.report(at, "tags are not supported here", "remove the word that starts with !")
        document.unset.add(at)
        return None

    def _mapping(self, node: yaml.MappingNode, at: Location) -> dict[str, Any]:
        made: dict[str, Any] = {}
        lines: dict[str, int] = {}
        merged: list[yaml.Node] = []
        for key_node, value_node in node.value:
            if key_node.tag == _PLAIN and key_node.value == _MERGE:
                merged.append(value_node)
            elif not isinstance(key_node, yaml.ScalarNode):
                self._document.report(at, "a key must be one word", at=_place(key_node))
            elif key_node.value in made:
                message = f"duplicate key, first written on line {lines[key_node.value]}"
                self._document.report((*at, key_node.value), message, at=_place(key_node))
            else:
                key = key_node.value
                lines[key] = _place(key_node).line
                self._document._keys[*at, key] = _place(key_node)  # noqa: SLF001 - this class fills it
                made[key] = self.value(value_node, (*at, key))
        for source in merged:
            self._merge(made, source, at)
        return made

    def _merge(self, made: dict[str, Any], source: yaml.Node, at: Location) -> None:
        """``<<: *base``: the base's entries that are not written here; of several bases the first one counts."""
        for base in source.value if isinstance(source, yaml.SequenceNode) else [source]:
            if not isinstance(base, yaml.MappingNode):
                self._document.report(at, "<< takes a mapping, or a list of mappings", at=_place(base))
                continue
            for key_node, value_node in base.value:
                if isinstance(key_node, yaml.ScalarNode) and key_node.value == _MERGE:
                    self._merge(made, value_node, at)
                elif isinstance(key_node, yaml.ScalarNode) and key_node.value not in made:
                    self._document._keys[*at, key_node.value] = _place(key_node)  # noqa: SLF001 - this class fills it
                    made[key_node.value] = self.value(value_node, (*at, key_node.value))

    def _scalar(self, node: yaml.ScalarNode, at: Location) -> Any:
        if "${" not in node.value:
            return _typed(node.value) if node.tag == _PLAIN else node.value
        variables: list[str] = []
        missing: list[tuple[str, str]] = []

        def put_in(found: re.Match[str]) -> str:
            name, default = found[1], found[2]
            if found[0] == "$${":
                return "${"
            if name is None:
                missing.append(("${ without a variable", "write ${NAME}, ${NAME:-default}, or $${ for a plain ${"))
                return ""
            variables.append(name)
            value = self._env.get(name)
            if value is None and default is None:
                hint = f"set it, or write ${{{name}:-}} to switch this off"
                missing.append((f"the environment variable {name} is not set", hint))
            return value or default or ""

        text = _VARIABLE.sub(put_in, node.value)
        for message, hint in missing:
            self._document.report(at, message, hint)
        if missing:
            self._document.unset.add(at)
            return FromEnvironment("", tuple(variables))
        if variables:
            self._document.variables[at] = tuple(dict.fromkeys(variables))
        value = _typed(text) if node.tag == _PLAIN else text
        return (
            FromEnvironment(value, tuple(dict.fromkeys(variables))) if variables and isinstance(value, str) else value
        )


def _typed(text: str) -> Any:
    """A plain scalar's value."""
    if text in _WORDS:
        return _WORDS[text]
    if re.fullmatch(r"[-+]?[0-9]{1,18}", text):
        return int(text)
    if re.fullmatch(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", text):
        return float(text)
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            return text
    return text


def _place(node: yaml.Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)


def _syntax(error: yaml.YAMLError, text: str) -> Problem:
    """What PyYAML says, without any text of the file: what stands where a token should may be a secret."""
    if isinstance(error, yaml.reader.ReaderError):
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        message = f"a character that YAML does not allow (U+{error.character:04X})"
        return Problem(path="", line=line, column=column, message=message)
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return _whole("not YAML")
    line, column = error.problem_mark.line + 1, error.problem_mark.column + 1
    words = error.problem or ""
    message, hint = next(
        ((said, hint) for sign, said, hint in _SYNTAX if sign in words), ("not YAML at this place", None)
    )
    written = text.split("\n")[line - 1 : line]
    if hint is None and any("${" in part for part in written):
        hint = 'inside {...} and [...] put "${NAME}" in quotes'
    return Problem(path="", line=line, column=column, message=message, hint=hint)
