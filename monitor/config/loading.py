"""``config.yaml``: loaded strictly, with the exact place of every mistake; shown; described for editors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from checks.mistakes import Location, Mistake, mistakes_of
from monitor.config.problems import ConfigError, Problem, dotted
from monitor.config.settings import Config
from monitor.config.yaml_places import Document, Unreadable, parse

__all__ = ["Config", "ConfigError", "Problem", "load", "schema", "show"]


def load(path: Path, env: Mapping[str, str]) -> Config:
    """The configuration in the file, with variables of ``env`` put in and relative paths below the file's folder.

    :raises ConfigError: holding all mistakes, each with its place.
    """
    file = str(path)
    try:
        document = parse(_text(path), env)
    except Unreadable as error:
        raise ConfigError(file, [error.problem]) from None
    if not isinstance(document.tree, dict):
        if document.tree is None:
            message, hint = "the file holds no setting", "start from the config.yaml that comes with phasewatch"
        else:
            message, hint = "expected settings (key: value) at the top", None
        raise ConfigError(file, [*document.problems, _problem(document, Mistake(message=message, hint=hint))])
    problems = list(document.problems)
    try:
        config = Config.model_validate(document.tree, context={"folder": path.absolute().parent})
    except ValidationError as error:
        # What could not be made was reported already; that it does not fit either is no news.
        mistakes = [mistake for mistake in mistakes_of(error) if mistake.at not in document.unset]
        problems += [_problem(document, mistake) for mistake in mistakes]
    if problems:
        raise ConfigError(file, problems)
    return config


def _text(path: Path) -> str:
    """The file's text.

    :raises Unreadable: if there is none.
    """

    def unreadable(message: str, hint: str | None) -> Unreadable:
        return Unreadable(Problem(path="", line=None, column=None, message=message, hint=hint))

    try:
        content = path.read_bytes()
    except FileNotFoundError:
        hint = "copy the config.yaml that comes with phasewatch, or name another file with --config"
        raise unreadable("there is no such file", hint) from None
    except IsADirectoryError:
        raise unreadable("this is a folder", f"name the file in it: --config {path / 'config.yaml'}") from None
    except OSError as error:
        raise unreadable(f"cannot be read: {error.strerror}", None) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
        message = "not UTF-8 text from here on"
        problem = Problem(path="", line=line, column=column, message=message, hint="save the file as UTF-8")
        raise Unreadable(problem) from None


def _problem(document: Document, mistake: Mistake) -> Problem:
    """The mistake with its place in the file, and with the variables that its value came from."""
    place = document.place(mistake.at, key=mistake.at_key)
    named: Location = mistake.at[:-1] if mistake.unnamed else mistake.at
    variables = () if mistake.at_key else document.variables.get(mistake.at, ())
    origin = ", ".join(f"${{{name}}}" for name in variables)
    message = f"{mistake.message} (from {origin})" if origin and "${" not in mistake.message else mistake.message
    return Problem(path=dotted(named), line=place.line, column=place.column, message=message, hint=mistake.hint)


def show(config: Config) -> str:
    """The settings in force as YAML, defaults included, secrets as ``***`` (empty ones as empty)."""
    tree = _escaped(config.model_dump(mode="json", by_alias=True, exclude_none=True))
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=120)


def _escaped(value: Any) -> Any:
    """A plain ``${`` as it has to be written, so that what is shown can be loaded."""
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    return value.replace("${", "$${") if isinstance(value, str) else value


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the file for editors. A variable may stand for any scalar, as in the file."""
    from monitor.config import schema

    return schema.schema()
