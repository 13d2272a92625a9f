"""The words by which Python says that an import or a name is broken, in versions 2.7 to 3.13, and BigQuery that a
table is missing.

``defect_of`` reads the last line of a traceback (class and message); ``mentions`` reads lines that are none. Every
pattern is anchored or bounded: the text is hostile.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """What is broken: the class without its package, the missing name, the module concerned, and the kind of break.

    ``name`` and ``module`` are None where the message does not print them.
    """

    exception: str
    name: str | None
    module: str | None
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A pattern of the user's own, in RE2 syntax; what it matches is a signal, never a failure."""

    name: str
    pattern: Any  # re2's compiled pattern has no public type


_NAME = r"([^'\n]{1,300})"
_TABLE = r"`?((?:[a-z0-9.-]{1,80}:)?[a-zA-Z0-9_-]{1,80}[:.][\w.$*-]{1,400}[\w*])`?"
_HINT = r"(?:\.? ?(?:Or )?[Dd]id you [^?\n]{1,300}\?)*"


def _missing_module(found: re.Match[str]) -> Defect:
    quoted, plain = found.group(1), found.group(2)
    name = quoted or plain
    # Only Python 2 prints the name without quotes, and its class is ImportError.
    return Defect(
        exception="ModuleNotFoundError" if quoted else "ImportError", name=name, module=name, kind="missing-module"
    )


def _missing(name: str) -> Defect:
    return Defect(exception="ModuleNotFoundError", name=name, module=name, kind="missing-module")


def _module_attribute_of(found: re.Match[str]) -> Defect:
    return Defect(exception="AttributeError", name=found.group(1), module=found.group(2), kind="module-attribute")


def _missing_name(found: re.Match[str]) -> Defect:
    quoted, plain, partly, module = found.groups()
    known = module if module and not module.startswith("<") else None
    circular = bool(partly) or "circular import" in found.string[found.end() : found.end() + 60]
    kind = "circular-import" if circular else "missing-name"
    return Defect(exception="ImportError", name=quoted or plain, module=known, kind=kind)


def _module_attribute(found: re.Match[str]) -> Defect:
    module, name = found.groups()
    circular = "(most likely due to a circular import)" in found.string[found.end() : found.end() + 80]
    kind = "circular-import" if circular else "module-attribute"
    return Defect(exception="AttributeError", name=name, module=module, kind=kind)


def _plain(exception: str, kind: str) -> Callable[[re.Match[str]], Defect]:
    def build(found: re.Match[str]) -> Defect:
        name = next((group for group in found.groups() if group), None)
        return Defect(exception=exception, name=name, module=None, kind=kind)

    return build


def _submodule(found: re.Match[str]) -> Defect:
    return Defect(exception="AttributeError", name=found.group(1), module=found.group(2), kind="circular-import")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A wording: what is broken where it is found."""

    literal: str  # a plain piece of it, searched for first
    classes: frozenset[str]  # the classes that may carry it
    pattern: re.Pattern[str]
    build: Callable[[re.Match[str]], Defect]

    @property
    def kept_by_import(self) -> bool:
        """Whether an ImportError may carry it."""
        return "ImportError" in self.classes


def _phrase(literal: str, classes: str, pattern: str, build: Callable[[re.Match[str]], Defect]) -> Phrase:
    return Phrase(literal, frozenset(classes.split()), re.compile(pattern), build)


PHRASES = (
    _phrase(
        "No module named",
        "ModuleNotFoundError ImportError",
        rf"No module named (?:'{_NAME}'(?:; '[^'\n]{{1,300}}' is not a package)?"
        r"|([A-Za-z_][\w.]{0,300})(?=[\s)\]\"']*$))",
        _missing_module,
    ),
    _phrase(
        "is not defined",
        "NameError",
        rf"(?:global )?name '{_NAME}' is not defined{_HINT}",
        _plain("NameError", "undefined-name"),
    ),
    _phrase(
        "free variable",
        "NameError",
        rf"(?:cannot access )?free variable '{_NAME}' "
        r"(?:referenced before assignment|where it is not associated with a value) in enclosing scope",
        _plain("NameError", "free-variable"),
    ),
    _phrase(
        "local variable",
        "UnboundLocalError",
        rf"(?:cannot access )?local variable '{_NAME}' "
        r"(?:referenced before assignment|where it is not associated with a value)",
        _plain("UnboundLocalError", "unbound-local"),
    ),
    _phrase(
        "cannot import name",
        "ImportError ModuleNotFoundError",
        rf"cannot import name (?:'{_NAME}'|([A-Za-z_]\w{{0,200}})(?=[\s)\]\"']*$))"
        rf"(?: from (partially initialized module )?'{_NAME}')?(?: \([^()\n]{{1,500}}\)){{0,2}}{_HINT}",
        _missing_name,
    ),
    _phrase(
        "has no attribute",
        "AttributeError",
        rf"(?:partially initialized )?module '{_NAME}'(?: from '[^'\n]{{1,500}}')? has no attribute '{_NAME}'{_HINT}",
        _module_attribute,
    ),
    _phrase(
        "'module' object has no attribute",
        "AttributeError",
        rf"'module' object has no attribute '{_NAME}'",
        _plain("AttributeError", "module-attribute"),
    ),
    _phrase(
        "cannot access submodule",
        "AttributeError",
        rf"cannot access submodule '{_NAME}' of module '{_NAME}'",
        _submodule,
    ),
    _phrase(
        "relative import",
        "ImportError ValueError SystemError",
        r"(?:[Aa]ttempted relative import (?:with no known parent package|beyond top-?level package|in non-package)"
        r"|Parent module '[^'\n]{0,300}' not loaded, cannot perform relative import)",
        _plain("ImportError", "relative-import"),
    ),
    _phrase(
        "cannot open shared object",
        "ImportError",
        r"(?<!loading shared libraries: )\b([^\s/:()']{1,200}\.so(?:\.\d{1,5}){0,4}): "
        r"cannot open shared object file(?:: No such file or directory)?",
        _plain("ImportError", "native-library"),
    ),
    _phrase(
        "ound: Table",
        "NotFound BadRequest",
        r"(?:404 )?(?:(?:GET|POST|PUT|PATCH|DELETE) \S{1,2000}: )?(?:400 [^\n]{0,200}?)?"
        rf"[Nn]ot [Ff]ound: Table {_TABLE}",
        _plain("NotFound", "bq-table-not-found"),
    ),
    _phrase(  # uvicorn and flask, of the application that they are to serve
        "Could not import",
        "ModuleNotFoundError",
        r"Error(?: loading ASGI app\.|:) Could not import (?:module )?[\"']([\w.]{1,300})[\"']",
        lambda found: _missing(found.group(1)),
    ),
    _phrase(
        "not found in module",
        "AttributeError",
        r"Error loading ASGI app\. Attribute \"([^\"\n]{1,200})\" not found in module \"([^\"\n]{1,300})\"",
        _module_attribute_of,
    ),
    _phrase(
        "insertAll",
        "NotFound",
        rf"404 POST \S{{1,2000}}/insertAll\S{{0,200}}: Table {_TABLE} not found",
        _plain("NotFound", "bq-table-not-found"),
    ),
)
_SHARED_OBJECT = re.compile(r"(?:^|[\s/(])([^\s/:()']{1,200}\.(?:so(?:\.\d{1,5}){0,4}|pyd|dll|dylib))(?=$|[:\s)])")
_NATIVE_WORDS = ("DLL load failed", "dynamic module does not define", "undefined symbol", "GLIBC")
# What is said in a traceback only: of a module that is not there, and of what unpickling looks for in a module.
_WANTED = re.compile(
    r"(?:[Mm]issing (?:optional )?dependency|spec not found for the module|Standard library module) '([^'\n]{1,300})'"
    r"|import of '?([\w.]{1,300})'? halted"
)
_UNPICKLED = re.compile(rf"Can't get attribute '{_NAME}' on <module '{_NAME}'")
_BARE = {"NameError": "undefined-name", "UnboundLocalError": "unbound-local"}  # ``raise NameError``
SYNTAX_TEXT = re.compile(r" \(([\w./-]{1,300}\.py), line \d{1,7}\)")  # how ``str()`` of a SyntaxError ends
SYNTAX = frozenset(("SyntaxError", "IndentationError", "TabError"))
WATCHED = frozenset().union(*(phrase.classes for phrase in PHRASES)) | SYNTAX
SHUTDOWN_NOISE = "Python is likely shutting down"

_BUILTIN_PACKAGES = ("", "builtins", "exceptions")


def last_name(qualified: str) -> tuple[str, str]:
    """A class as it is printed, split into package (may be empty) and name."""
    package, _, name = qualified.rpartition(".")
    return package, name


def is_watched(qualified: str) -> bool:
    """Whether a printed class can be a failure: a builtin under its own name, or Google's NotFound and BadRequest.

    ``pkg.NameError`` is a class that happens to have this name.
    """
    package, name = last_name(qualified)
    if name in {"NotFound", "BadRequest"}:
        return not package or package.startswith("google.")
    return name in WATCHED and package in _BUILTIN_PACKAGES


@lru_cache(maxsize=512)
def defect_of(qualified: str, message: str, *, in_traceback: bool, syntax_file: str | None = None) -> Defect | None:
    """What the last line of a traceback says is broken; None if it is no concern of ours.

    :param qualified: the class as printed, package included.
    :param in_traceback: frames or a header were printed before it: then also a message of unknown wording counts as a
        broken import.
    :param syntax_file: the file printed without a function, where there is one: code that cannot be parsed.
    """
    if not is_watched(qualified) or SHUTDOWN_NOISE in message:
        return None
    _, exception = last_name(qualified)
    if exception in SYNTAX:
        # What is evaluated (<string>, <unknown>) is data; a piece of a file is <fstring> in Python 3.6 to 3.8.
        parsed_file = syntax_file is not None and (not syntax_file.startswith("<") or syntax_file == "<fstring>")
        lost = syntax_file is None and not in_traceback
        cut = lost and (exception != "SyntaxError" or SYNTAX_TEXT.search(message[-400:]) is not None)
        return Defect(exception=exception, name=None, module=None, kind="syntax") if parsed_file or cut else None
    for phrase in PHRASES:
        if exception in phrase.classes and phrase.literal in message:
            found = phrase.pattern.match(message)
            if found:
                defect = phrase.build(found)
                return Defect(exception=exception, name=defect.name, module=defect.module, kind=defect.kind)
    if exception in {"ImportError", "ModuleNotFoundError"}:
        return _other_import(exception, message, in_traceback=in_traceback)
    return _in_traceback(exception, message) if in_traceback else None


def _in_traceback(exception: str, message: str) -> Defect | None:
    unpickled = _UNPICKLED.match(message) if exception == "AttributeError" else None
    if unpickled:
        return _module_attribute_of(unpickled)
    bare = not message and exception in _BARE
    return Defect(exception=exception, name=None, module=None, kind=_BARE[exception]) if bare else None


def _other_import(exception: str, message: str, *, in_traceback: bool) -> Defect | None:
    library = _SHARED_OBJECT.search(message[:2000])
    if library or any(words in message for words in _NATIVE_WORDS):
        name = library.group(1) if library else None
        return Defect(exception=exception, name=name, module=None, kind="native-library")
    wanted = _WANTED.search(message[:2000])
    if wanted:
        name = wanted.group(1) or wanted.group(2)
        return Defect(exception=exception, name=name, module=name, kind="missing-module")
    for phrase in PHRASES:  # the message of the import that failed first, in the code's own words
        found = phrase.pattern.search(message[:2000]) if phrase.kept_by_import and phrase.literal in message else None
        if found:
            inner = phrase.build(found)
            return Defect(exception=exception, name=inner.name, module=inner.module, kind=inner.kind)
    if not in_traceback:
        return None
    return Defect(exception=exception, name=None, module=None, kind="missing-module")


@lru_cache(maxsize=512)
def said(message: str) -> tuple[str, str | None] | None:
    """The (kind, name) that a message speaks of, whatever class carries it; None for any other message."""
    for phrase in PHRASES:
        if phrase.literal in message:
            found = phrase.pattern.search(message[:4000])
            if found:
                defect = phrase.build(found)
                return defect.kind, canonical(defect.kind, defect.name)
    return None


def canonical(kind: str, name: str | None) -> str | None:
    """A name in the spelling that fingerprints use: ``project:dataset.table`` is ``project.dataset.table``."""
    return name.replace(":", ".") if kind == "bq-table-not-found" and name else name


def compile_signatures(patterns: Mapping[str, str]) -> tuple[Signature, ...]:
    """Patterns of the user's own, by name, ready to be searched for.

    :raises ValueError: naming the pattern that RE2 does not accept, with RE2's message.
    """
    if not patterns:
        return ()
    import re2  # a scan does without, if there are none

    compiled = []
    options = re2.Options()
    options.log_errors = False  # RE2 would write to stderr by itself
    for name, pattern in patterns.items():
        try:
            compiled.append(Signature(name=name, pattern=re2.compile(pattern, options)))
        except re2.error as error:
            raise ValueError(f"signature {name!r} is not a valid RE2 pattern: {error}") from None
    return tuple(compiled)
