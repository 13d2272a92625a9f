"""Mistakes in settings: each with its place in the tree of settings, all of them at once, in plain words.

Every section of ``config.yaml`` is a ``Section``. What pydantic finds wrong is put into words here, so that no caller
has to know its error types, and no message shows a value that came from the environment.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, ValidationInfo, model_validator
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

Location = tuple[str | int, ...]
_KIND = "mistake"
_LONGEST_SHOWN = 60


class FromEnvironment(str):
    """Text that came, at least in part, from environment variables. Messages show the variables in its place."""

    __slots__ = ("variables",)
    variables: tuple[str, ...]

    def __new__(cls, text: str, variables: tuple[str, ...]) -> Self:
        """The text, and the names of the variables it was made of."""
        made = super().__new__(cls, text)
        made.variables = variables
        return made

    def __repr__(self) -> str:
        return "'" + "".join(f"${{{name}}}" for name in self.variables) + "'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One mistake. ``at`` is its place below the section that reports it.

    ``at_key``: the key itself is wrong, not its value. ``unnamed``: the last step of ``at`` is only for the place, and
    is not shown (an item that people know by its list's name; a key that may hold a secret).
    """

    message: str
    hint: str | None = None
    at: Location = ()
    at_key: bool = False
    unnamed: bool = False

    def error(self) -> PydanticCustomError:
        """What a validator of a single value raises; pydantic adds the place."""
        extra = {"message": self.message, "hint": self.hint, "at_key": self.at_key, "unnamed": self.unnamed}
        return PydanticCustomError(_KIND, "{message}", extra)


def refuse(mistakes: Iterable[Mistake]) -> None:
    """Raise all of them as one error of pydantic's, each at its place; do nothing if there are none.

    :raises pydantic.ValidationError: holding the mistakes; read them back with ``mistakes_of``.
    """
    details: list[InitErrorDetails] = [{"type": m.error(), "loc": m.at, "input": None} for m in mistakes]
    if details:
        raise ValidationError.from_exception_data("settings", details, hide_input=True)


def mistakes_of(error: ValidationError) -> list[Mistake]:
    """What pydantic found, in plain words."""
    return [_plain(details) for details in error.errors(include_url=False)]


def quoted(value: object) -> str:
    """A value for a message: in quotes, one short line; a value from the environment as ``'${NAME}'``."""
    shown = repr(value)
    return shown if len(shown) <= _LONGEST_SHOWN else shown[: _LONGEST_SHOWN - 4] + "...'"


def unknown(what: str, value: object, known: Iterable[str]) -> Mistake:
    """A name that stands for nothing, with the nearest that does, or all there are."""
    options = tuple(dict.fromkeys(known))
    near = nearest(str(value), options)
    if near is not None:
        hint = f"did you mean {quoted(near)}?"
    elif options:
        hint = "known: " + ", ".join(quoted(option) for option in options)
    else:
        hint = "there is none to name"
    return Mistake(message=f"unknown {what} {quoted(value)}", hint=hint)


def nearest(word: str, options: Iterable[str]) -> str | None:
    """The option most like the word, whatever its case; None if none is like it."""
    by_lower = {option.lower(): option for option in options}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1)
    return by_lower[found[0]] if found else None


class Section(BaseModel):
    """A mapping in ``config.yaml``: strict, frozen, without unknown keys; reports all its mistakes at once.

    A key without a value (``checks:`` and nothing below) means its default. The folder that relative paths start from
    is handed down in pydantic's validation context as ``folder``.

    A section that may be left out has the default ``{}``, validated as if it were written: an instance as the default
    would be built when the module is imported, whether anybody needs it or not.
    """

    model_config = ConfigDict(defer_build=True, strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)

    @classmethod
    def examine(cls, raw: dict[str, Any], folder: Path | None) -> Iterator[Mistake]:  # noqa: ARG003 - for subclasses
        """Mistakes between several values of the section, seen before any of them is judged alone.

        ``raw`` is what was written, of any type, and a copy: values may be filled in. Runs even if other things are
        wrong, so that nothing has to be found in a second round.
        """
        yield from ()

    def contradictions(self) -> Iterator[Mistake]:
        """Mistakes between values that are right one by one."""
        yield from ()

    @model_validator(mode="wrap")
    @classmethod
    def _all_at_once(cls, data: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo) -> Self:
        """Collect what ``examine``, pydantic and ``contradictions`` find, and raise it together."""
        if isinstance(data, cls):
            return data
        if data is not None and not isinstance(data, Mapping):
            raise Mistake(message=f"expected a mapping (key: value), found {kind_of(data)}").error()
        given = dict(data or {})
        optional = {field.alias or name for name, field in cls.model_fields.items() if not field.is_required()}
        raw = {key: value for key, value in given.items() if value is not None or key not in optional}
        found = list(cls._unknown_keys(raw))
        found += cls.examine(raw, (info.context or {}).get("folder"))
        section = None
        try:
            section = handler(raw)
        except ValidationError as error:
            found += [cls._described(_plain(one), one) for one in error.errors(include_url=False) if _is_news(one)]
        else:
            found += section.contradictions()
        refuse(found)
        if section is None:
            raise AssertionError("a section that did not validate has mistakes")
        return section

    @classmethod
    def _unknown_keys(cls, raw: Mapping[str, Any]) -> Iterator[Mistake]:
        known = [field.alias or name for name, field in cls.model_fields.items()]
        for key in raw:
            if key in known:
                continue
            if ":" in key:
                # What follows the colon may be a token: `{token:xoxb-...}` is one key without a value to YAML.
                first = key.partition(":")[0]
                message = f"no space after the colon of {quoted(first)}"
                yield Mistake(message=message, hint=f"write {first}: value", at=(key,), at_key=True, unnamed=True)
            else:
                yield replace(unknown("key", key, known), at=(key,), at_key=True)

    @classmethod
    def _described(cls, mistake: Mistake, details: ErrorDetails) -> Mistake:
        """A missing key of this section, with what it is for."""
        if details["type"] != "missing" or len(details["loc"]) != 1:
            return mistake
        key = details["loc"][0]
        field = next(field for name, field in cls.model_fields.items() if (field.alias or name) == key)
        return replace(mistake, hint=field.description)


def kind_of(value: object) -> str:
    """What kind of value it is, in words; never the value itself."""
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "true or false"),
        (int, "a whole number"),
        (float, "a number"),
        (str, "text"),
        (date, "a date"),
        ((list, tuple), "a list"),
        (Mapping, "a mapping"),
    )
    return next((words for kind, words in kinds if isinstance(value, kind)), "nothing")


def _is_news(details: ErrorDetails) -> bool:
    """Not for unknown keys, which were found already, and lists that are short only because their items are wrong."""
    return details["type"] != "extra_forbidden" and not (details["type"] == "too_short" and details["input"])


def _plain(details: ErrorDetails) -> Mistake:
    """One error of pydantic's as a mistake."""
    at = details["loc"]
    context = details.get("ctx", {})
    if details["type"] == _KIND:
        return Mistake(
            message=context["message"],
            hint=context["hint"],
            at=at,
            at_key=context["at_key"],
            unnamed=context["unnamed"],
        )
    words = _WORDS.get(details["type"])
    mistake = words(details["input"], context) if words else Mistake(message="this value does not fit here")
    if at and at[-1] == "[key]":
        return replace(mistake, at=at[:-1], at_key=True)
    return replace(mistake, at=at)


def _expected(what: str, value: object, hint: str | None = None) -> Mistake:
    return Mistake(message=f"expected {what}, found {kind_of(value)}", hint=hint)


def _text(value: object, _context: Mapping[str, Any]) -> Mistake:
    if value is None:
        return _expected("text", value, "a value that starts with # must stand in quotes")
    if isinstance(value, bool | int | float | date):
        return _expected("text", value, "put it in quotes")
    return _expected("text", value)


def _whole_number(value: object, _context: Mapping[str, Any]) -> Mistake:
    quotes = isinstance(value, str) and value.strip().isdecimal()
    return _expected("a whole number", value, "write it without quotes" if quotes else None)


def _true_or_false(value: object, _context: Mapping[str, Any]) -> Mistake:
    return _expected("true or false", value, "write true or false, without quotes")


def _list(value: object, _context: Mapping[str, Any]) -> Mistake:
    return _expected("a list", value, "write [first, second]")


def _choice(value: object, context: Mapping[str, Any]) -> Mistake:
    if not isinstance(value, str):
        return _expected(str(context["expected"]), value)
    return Mistake(message=f"expected {context['expected']}, not {quoted(value)}")


_WORDS: Mapping[str, Callable[[object, Mapping[str, Any]], Mistake]] = {
    "missing": lambda _value, _context: Mistake(message="missing"),
    "string_type": _text,
    "int_type": _whole_number,
    "bool_type": _true_or_false,
    "tuple_type": _list,
    "mapping_type": lambda value, _context: _expected("a mapping (key: value)", value),
    "dict_type": lambda value, _context: _expected("a mapping (key: value)", value),
    "literal_error": _choice,
    "enum": _choice,
    "greater_than_equal": lambda _value, context: Mistake(message=f"must be at least {context['ge']}"),
    "less_than_equal": lambda _value, context: Mistake(message=f"must be at most {context['le']}"),
    "too_short": lambda _value, _context: Mistake(message="must not be empty"),
    "string_too_short": lambda _value, _context: Mistake(message="must not be empty"),
    "string_too_long": lambda _value, context: Mistake(message=f"must be at most {context['max_length']} characters"),
}
