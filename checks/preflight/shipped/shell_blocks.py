"""Where the compound commands of a shell script begin and end: functions, loops, ``if``, ``case``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from checks.preflight.shipped.shell_words import Statement

_OPEN, _CLOSE = frozenset({"for", "while", "until", "select", "if", "case"}), frozenset({"done", "fi", "esac"})


def end_of(body: Sequence[Statement], at: int) -> int:
    """Where what begins here ends."""
    depth = 0
    for index in range(at, len(body)):
        depth += _level(body[index])
        if depth == 0:
            return index
    return len(body) - 1


def function_body(body: Sequence[Statement]) -> list[Statement]:
    """The commands of a function: without its head and its braces."""
    found = []
    for index, statement in enumerate(body):
        words = statement.words
        if index == 0:
            words = words[2:] if words[0] == "function" else words[1:]
        words = tuple(word for position, word in enumerate(words) if position or word not in ("{", "}"))
        if words:
            found.append(replace(statement, words=words))
    return found


def if_branches(body: Sequence[Statement]) -> list[tuple[Statement | None, list[Statement]]]:
    """The conditions of an ``if``, None for ``else``, each with its commands; ``body``: all of it, to ``fi``."""
    found: list[tuple[Statement | None, list[Statement]]] = [(body[0], [])]
    depth = 0
    for statement in body[1:-1]:
        if depth == 0 and statement.words[0] in ("elif", "else"):
            more = statement.words[1:]
            found.append((statement if statement.words[0] == "elif" else None, []))
            if statement.words[0] == "else" and more:
                found[-1][1].append(Statement(statement.line, more))
            continue
        depth += _level(statement)
        found[-1][1].append(statement)
    return found


def case_branches(body: Sequence[Statement]) -> Iterator[tuple[str, list[Statement]]]:
    """The patterns of a ``case`` as they are written, each with its commands; ``body``: all of it, to ``esac``."""
    patterns, commands, depth, heading = list(body[0].words[3:]), list[Statement](), 0, True
    for statement in body[1:]:
        if heading and statement.words == (")",):
            heading = False
        elif heading:
            patterns += [word for word in statement.words if word != "("]
        elif depth == 0 and statement.words in ((";;",), ("esac",)):
            yield from [(pattern, commands) for pattern in patterns]
            patterns, commands, heading = [], [], True
        else:
            depth += _level(statement)
            commands.append(statement)


def _level(statement: Statement) -> int:
    words = [word for word in statement.words[:2] if word not in ("then", "do", "else")]
    return 1 if words and words[0] in _OPEN else -1 if words and words[0] in _CLOSE else 0
