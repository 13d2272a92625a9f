"""Lines in which code logged no more than ``str(exc)``: which of them name a failure, and which only look like it.

Every pattern is anchored or bounded: the text is hostile.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from checks.logs import carriers
from checks.logs.entry import LEVELS
from checks.logs.signatures import (
    PHRASES,
    SYNTAX,
    SYNTAX_TEXT,
    WATCHED,
    Defect,
    Phrase,
    defect_of,
    is_watched,
    last_name,
)

_SYNTAX_FIRST = re.compile(r"(?:\*{3} (?:Sorry: )?)?(SyntaxError|IndentationError|TabError): ")  # as py_compile says it
_CLASS_BEFORE = re.compile(r"(?<![\w.])([A-Za-z_][\w.]{0,200})(?:: ?|\(([\"']))$")
_LIKE_EXCEPTION = re.compile(r"[A-Z]\w{0,100}(?:Error|Exception|Warning|NotFound|Interrupt|Exit|Fault|Failure)$")
_TEST_NAMES = re.compile(r"::|(?<![A-Za-z])test_\w")
_COMPILER_PLACE = re.compile(r":\d{1,7}:\d{1,7}: ?$")
_SMELL = re.compile(
    r"(?i)fail|error|exception|could ?n[o']t|can ?n[o']t|unable|crash|abort|broken|problem|fatal|missing|invalid|refus|"
    r"reject|warn|cannot|traceback|fehler|erreur|\b[ée]chec|impossib|errore\b|fall[oó]\b|falha|ошибк|错误|失敗|失败|エラー"
)
# ``error="..."``, ``e.args``, a printed result (``{'status': 'error', 'message': ...``), BigQuery's list of errors.
_LOGFMT_BEFORE = re.compile(
    r"\b(?:e|err|error|exc|exception|msg|message|reason)=[\"']$|: \([\"']$|'reason': 'notFound'.{0,80}'message': [\"']$"
    r"|\{.{0,300}[\"'](?:error|exception|exc|error_?message)[\"']: [\"']$"
    r"|\{.{0,200}[\"'](?:error|failed|failure)[\"'], [\"'](?:message|msg|reason|detail)[\"']: [\"']$"
)
_RESULT_AFTER = re.compile(r"[\"'](?:, [\"'].{0,400})?\}[)\]]?$")
# ``Column name 'x' is not defined`` is not Python's.
_OTHER_NAME = re.compile(
    r"(?i)(?<![\w.])(?!(?:because|since|as|with|error|exception|that|failed|failure|raised|got|is|was|reason|message|says|"
    r"due to|by)$)[a-z]{2,40}$"
)
_TABLE_WORDS = ("ound: Table", "insertAll")
_INTERPRETER = re.compile(r"(?:/\S{1,200}/)?python[\d.]{0,10}: ")  # ``python -m`` of what is not there
_OPENERS = (":", "-", "(", "[", "=", ">", "|", ";", ",", "\u2013", "\u2014")
_MAX_BEFORE = 400
REPORTED_LEVEL = LEVELS["ERROR"]


@lru_cache(maxsize=512)
def mentions_of(line: str, level: int | None) -> Sequence[tuple[Defect, str]]:
    """What a line of log text says is broken, and the words before it, when code logged no more than ``str(exc)``.
    A line may name several (``both writes failed: ...``).

    At ERROR and above the words may stand anywhere; below nothing is reported. Where no level is known they must end
    the line and follow words of failure (``Failed to write: name 'x' is not defined``) or stand alone. Text in quotes,
    test names, and messages of a class that is not watched are not failures.
    """
    if level is not None and level < REPORTED_LEVEL:
        return []
    mentions = []
    named = False
    for phrase in PHRASES:
        found = phrase.pattern.search(line) if phrase.literal in line else None
        named = named or found is not None
        defect = found and _accepted(line, found, phrase, level)
        if found and defect:
            mentions.append((defect, line[: found.start()]))
    other = None
    if not named:
        other = _mentioned_syntax(line, level) if ".py, line " in line else _mentioned_class(line)
    return [other] if other else mentions


def _accepted(  # noqa: C901, PLR0911, PLR0912 - one return for each reason not to believe a line
    line: str, found: re.Match[str], phrase: Phrase, level: int | None
) -> Defect | None:
    start, end, defect = found.start(), found.end(), phrase.build(found)
    before = line[max(0, start - _MAX_BEFORE) : start]
    if _TEST_NAMES.search(before) or _COMPILER_PLACE.search(before):
        return None
    printed = _CLASS_BEFORE.search(before)
    if printed:
        package, name = last_name(printed.group(1))
        if is_watched(printed.group(1)) and name in phrase.classes:
            defect = Defect(exception=name, name=defect.name, module=defect.module, kind=defect.kind)
            before = before[: printed.start()]
        elif (_LIKE_EXCEPTION.match(name) and (package or name not in {"Error", "Exception"})) or printed.group(2):
            return None
    quoted = before.endswith(('"', "'", "`"))
    if quoted:
        if not _LOGFMT_BEFORE.search(before):
            return None  # somebody quotes it
        before = before[:-1]
    rest = line[end : end + 2]
    if rest[:1].isalnum() or rest[:1] in {"_", "?"}:
        return None
    lead = before.rstrip()
    if phrase.literal == "No module named" and _INTERPRETER.fullmatch(before):
        exception = "ImportError" if "python2" in before else "ModuleNotFoundError"
        return Defect(exception=exception, name=defect.name, module=defect.module, kind=defect.kind)
    if phrase.literal not in _TABLE_WORDS and _is_quoted(line, lead, phrase):
        return None
    if level is not None or not lead:
        whole = level is not None or not line[end:].strip(" .)]}\"'>,;")
        return defect if whole or phrase.literal in _TABLE_WORDS else None
    if not (printed or lead.endswith(_OPENERS)) or not _SMELL.search(before):
        return None
    if phrase.literal in _TABLE_WORDS:
        return defect
    if (quoted and _RESULT_AFTER.fullmatch(line[end:])) or (
        printed and printed[2] and line[end : end + 1] == printed[2]
    ):
        return defect  # in a result, or ``repr()`` of the exception
    return defect if not line[end:].strip(" .)]}\"'>,;") or line[end : end + 2] == " (" else None


def _is_quoted(line: str, lead: str, phrase: Phrase) -> bool:
    """Whether the words are those of a template or a shell, of an answer from elsewhere, or of the message of an
    exception that is not watched.
    """
    if phrase.literal == "is not defined" and _OTHER_NAME.search(lead):
        return True
    name = last_name(line.partition(": ")[0])[1]
    other = name not in {"Error", "Exception"} and _LIKE_EXCEPTION.match(name) is not None and name not in WATCHED
    return other or carriers.is_answer(lead)


def _mentioned_syntax(line: str, level: int | None) -> tuple[Defect, str] | None:
    """``str()`` of a SyntaxError ends in ``(main.py, line 4)``. Where no level is known, its class stands first."""
    found = SYNTAX_TEXT.search(line)
    printed = _SYNTAX_FIRST.match(line)
    if not found or not (level or printed) or line[found.end() :].strip(" .)"):
        return None
    named = printed[1] if printed else next((name for name in SYNTAX if f"{name}: " in line), "SyntaxError")
    if "indent" in line and named == "SyntaxError":
        named = "IndentationError"
    return Defect(exception=named, name=None, module=None, kind="syntax"), line[: found.start()]


def _mentioned_class(line: str) -> tuple[Defect, str] | None:
    """``ImportError: libX.so.1: cannot open shared object file``: the class is printed, the wording is the loader's."""
    at = line.find("ImportError: ")
    if at < 0 or (at and (line[at - 1].isalnum() or line[at - 1] in "_.'\"")):
        return None
    defect = defect_of("ImportError", line[at + 13 :], in_traceback=False)
    return (defect, line[:at]) if defect else None
