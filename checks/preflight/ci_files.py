"""What continuous integration runs, as parts for a shell: Cloud Build, GitHub workflows, GitLab, compose files.

Formats: https://cloud.google.com/build/docs/build-config-file-schema,
https://docs.github.com/actions/reference/workflow-syntax-for-github-actions, https://docs.gitlab.com/ci/yaml,
https://docs.docker.com/reference/compose-file/build. The files may hold anything: what has not the form that it should
have is passed over.
"""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from checks.preflight.scripts import Part

_Runs = tuple[tuple[Part, ...], ...]
_UNTOLD = "${UNTOLD}"  # a variable that nobody sets
_DEEPEST = 100  # nested in one another
_LONGEST = 4_000  # of a value
_MOST_RUNS = 200
_MOST_WAYS = 50  # of one job, by its matrix
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
# The command of an action: its words, with the inputs that it takes them from.
_ACTIONS = {
    "google-github-actions/deploy-cloud-functions": (
        ["gcloud", "functions", "deploy", "{name}"],
        {"runtime": "--runtime", "entry_point": "--entry-point", "source_dir": "--source"},
    ),
    "google-github-actions/deploy-cloudrun": (["gcloud", "run", "deploy", "{service}"], {"source": "--source"}),
    "docker/build-push-action": (["docker", "build", "{context}"], {"file": "--file"}),
}


class UnreadableError(Exception):
    """A file that should be YAML is none; the text says where."""


class _Text(str):
    """A word of a file, with the line where it begins."""

    __slots__ = ("line",)
    line: int


def runs(kind: str, text: str) -> _Runs:
    """The parts of each run that a file of that kind (``cloudbuild``, ``workflow``, ``gitlab``, ``compose``) describes.

    :raises UnreadableError: for a file that is no YAML.
    """
    data = _mapping(_loaded(text))
    found = {"cloudbuild": _cloudbuild, "gitlab": _gitlab, "compose": _compose}.get(kind, _workflow)(data)
    return tuple(tuple(parts) for parts in itertools.islice(found, _MOST_RUNS) if parts)


# -- YAML --------------------------------------------------------------------------------------------------------------


def _loaded(text: str) -> Any:
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
        value = _Text(event.value)
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
        container.update(_mapping(value))
    else:
        container[name] = value


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _words(value: Any) -> list[_Text]:
    """A list of words, or one word alone."""
    return [word for word in (value if isinstance(value, list) else [value]) if isinstance(word, _Text)]


def _variables(value: Any) -> dict[str, str]:
    """Names with their values, as a mapping or as ``NAME=value``; without those that are empty."""
    pairs = [word.partition("=")[::2] for word in _words(value)] if isinstance(value, list) else _mapping(value).items()
    return {name: str(text) for name, text in pairs if isinstance(text, str) and text}


def _quoted(words: list[str]) -> str:
    """Words as one command, with their variables."""
    plain = re.compile(r"[\w./:@%+,=-]+")
    return " ".join(word if plain.fullmatch(word) else '"' + re.sub(r'(["\\`])', r"\\\1", word) + '"' for word in words)


# -- Cloud Build -------------------------------------------------------------------------------------------------------


def _cloudbuild(data: Mapping[str, Any]) -> Iterator[list[Part]]:
    values = _variables(data.get("substitutions"))
    values = {name: _substituted(_substituted(text, values), values) for name, text in values.items()}
    values |= _variables(_mapping(data.get("options")).get("env"))
    steps = [_mapping(step) for step in _list(data.get("steps"))]
    yield [part for step in steps for part in _step(step, values)]


def _substituted(text: str, values: Mapping[str, str]) -> str:
    """A value that names others, as far as a value may be long."""
    made = re.sub(r"\$\{?(_\w+)\}?", lambda found: values.get(found[1], found[0])[:_LONGEST], text[:_LONGEST])
    return made[:_LONGEST]


def _step(step: Mapping[str, Any], values: Mapping[str, str]) -> Iterator[Part]:
    name, entry, args = (step.get("name") or ""), step.get("entrypoint"), _words(step.get("args"))
    folder = re.sub(r"^/workspace/?", "", str(step.get("dir") or "")) or "."
    values = {**values, **_variables(step.get("env"))}
    script = step.get("script")
    program = posixpath.basename(str(entry or "")) or re.sub(r"[:@].*", "", posixpath.basename(str(name)))
    if isinstance(script, _Text):
        yield Part(script.line, _in_workspace(script), folder, values)
        return
    if not args:
        return
    given = [re.sub(r"\$\$", "$", _in_workspace(word)) for word in args]
    line = args[0].line
    if program in ("bash", "sh") and len(args) > 1 and re.fullmatch(r"-\w*c", args[0]):
        yield Part(args[1].line, given[1], folder, values)
    elif entry or program in ("gcloud", "docker"):
        yield Part(line, _quoted([program, *given]), folder, values)
    elif program == "executor":  # of kaniko
        options = {word.partition("=")[0]: word.partition("=")[2].removeprefix("dir://") for word in given}
        file = options.get("--dockerfile") or options.get("-f")
        words = [*(["--file", file] if file else []), options.get("--context") or options.get("-c") or "."]
        yield Part(line, _quoted(["docker", "build", *words]), folder, values)
    else:
        yield Part(line, _quoted(given), folder, values)


def _in_workspace(text: str) -> str:
    """Paths below ``/workspace``, where the sources lie."""
    return re.sub(r"(?<![\w./])/workspace\b", "${WORKSPACE}", text)


# -- GitHub ------------------------------------------------------------------------------------------------------------


def _workflow(data: Mapping[str, Any]) -> Iterator[list[Part]]:
    events = _mapping(data.get("on"))
    inputs = {
        name: _mapping(item).get("default")
        for event in ("workflow_call", "workflow_dispatch")
        for name, item in _mapping(_mapping(events.get(event)).get("inputs")).items()
    }
    for job in _mapping(data.get("jobs")).values():
        steps = [_mapping(step) for step in _list(_mapping(job).get("steps"))]
        for way in _matrix(_mapping(_mapping(job).get("strategy")).get("matrix")):
            told = {"inputs": inputs, "matrix": way, "env": {}}
            for level in (data, _mapping(job)):
                _add(told, level.get("env"))
            folder = next(
                (f for level in (_mapping(job), data) if (f := _working(_mapping(level.get("defaults")).get("run")))),
                ".",
            )
            yield [part for step in steps for part in _job_step(step, told, folder)]


def _working(value: Any) -> str:
    return str(_mapping(value).get("working-directory") or "")


def _add(told: dict[str, Any], env: Any) -> None:
    told["env"] = {**told["env"], **{name: _expressed(text, told) for name, text in _variables(env).items()}}


def _job_step(step: Mapping[str, Any], told: Mapping[str, Any], folder: str) -> Iterator[Part]:
    told = dict(told)
    _add(told, step.get("env"))
    values = {name: text for name, text in told["env"].items() if _UNTOLD not in text}
    text, uses = step.get("run"), step.get("uses")
    if isinstance(text, _Text):
        yield Part(text.line, _expressed(text, told), _expressed(_working(step) or folder, told), values)
    elif isinstance(uses, _Text) and (action := _ACTIONS.get(uses.partition("@")[0])):
        given = {"context": ".", **_variables(step.get("with"))}
        given["context"] = re.sub(r"^\{\{defaultContext\}\}:?", "./", given["context"])
        words = [_expressed(word.format_map({"name": "", "service": "", **given}), told) for word in action[0]]
        for name, option in action[1].items():
            if name in given:
                words += [option, _expressed(given[name], told)]
        if "image" not in given:
            yield Part(uses.line, _quoted(words), ".", values)


def _expressed(text: str, told: Mapping[str, Any]) -> str:
    """A text with what its expressions say, as far as that can be told."""
    return _EXPRESSION.sub(lambda found: _value(found[1], told), text)


def _value(expression: str, told: Mapping[str, Any]) -> str:
    """What an expression says: of alternatives the first that can be told."""
    for way in expression.split("||"):
        name = way.strip().removeprefix("github.event.")
        if name == "github.workspace":
            return "${GITHUB_WORKSPACE}"
        if literal := re.fullmatch(r"'([^']*)'", name):
            return literal[1]
        value: Any = told
        for key in name.split("."):
            value = _mapping(value).get(key)
        if isinstance(value, str) and 0 < len(value) <= _LONGEST and _UNTOLD not in value:
            return value
    return _UNTOLD


def _matrix(matrix: Any) -> list[dict[str, Any]]:
    """The ways in which a job runs, each with what ``matrix`` holds then."""
    lists = {key: value for key, value in _mapping(matrix).items() if key not in ("include", "exclude")}
    names = [key for key, value in lists.items() if isinstance(value, list)]
    product = itertools.islice(itertools.product(*(lists[name] for name in names)), _MOST_WAYS)
    ways = [dict(zip(names, values, strict=True)) for values in product]
    more: list[dict[str, Any]] = []
    for item in [_mapping(one) for one in _list(_mapping(matrix).get("include"))[:_MOST_WAYS]]:
        fitting = [
            way for way in ways if way and all(way.get(key, item[key]) == item[key] for key in names if key in item)
        ]
        if fitting and any(key in item for key in names):
            for way in fitting:
                way.update(item)
        else:
            more.append(item)
    return [way for way in [*ways, *more] if way] or [{}]


# -- others ------------------------------------------------------------------------------------------------------------


def _gitlab(data: Mapping[str, Any]) -> Iterator[list[Part]]:
    shared = _words(data.get("before_script") or _mapping(data.get("default")).get("before_script"))
    for job in data.values():
        own = _words(_mapping(job).get("script"))
        if own:
            before = _words(_mapping(job).get("before_script")) or shared
            values = {**_variables(data.get("variables")), **_variables(_mapping(job).get("variables"))}
            text = "\n".join([*before, *own])
            yield [Part(own[0].line - len(before), text, ".", values)]


def _compose(data: Mapping[str, Any]) -> Iterator[list[Part]]:
    for service in _mapping(data.get("services")).values():
        build = _mapping(service).get("build")
        context = build if isinstance(build, _Text) else _mapping(build).get("context")
        file = _mapping(build).get("dockerfile")
        if isinstance(context, _Text):
            words = ["--file", posixpath.join(context, file)] if isinstance(file, _Text) else []
            yield [Part(context.line, _quoted(["docker", "build", *words, context]))]
