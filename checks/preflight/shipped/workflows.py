"""What GitHub's workflows run, as parts for a shell: jobs for each way of their matrix, actions, workflows they call.

Format: https://docs.github.com/actions/reference/workflow-syntax-for-github-actions
"""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from checks.preflight.shipped.ci_yaml import LONGEST, Text, UnreadableError, listed, loaded, mapping, quoted, variables
from checks.preflight.shipped.scripts import Part

_UNTOLD = "${UNTOLD}"  # a variable that nobody sets
_MOST_WAYS = 50  # of one job, by its matrix
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
# The command of an action: its words, with the inputs that it takes them from.
_ACTIONS = {
    "google-github-actions/deploy-cloud-functions": (
        ["gcloud", "functions", "deploy", "{name}", "--ignore-file=.gcloudignore"],  # the only one that it looks for
        {"runtime": "--runtime", "entry_point": "--entry-point", "source_dir": "--source"},
    ),
    "google-github-actions/deploy-cloudrun": (["gcloud", "run", "deploy", "{service}"], {"source": "--source"}),
    "docker/build-push-action": (["docker", "build", "{context}"], {"file": "--file"}),
}


def jobs(data: Mapping[str, Any], other: Callable[[str], str | None]) -> Iterator[list[Part]]:
    """The parts of each job, for each way of its matrix. ``other``: the text of another file of the repository."""
    return _Workflows(other).jobs(data, {}, ())


class _Workflows:
    """Goes through a workflow and what it calls, each file read once; ``within``: the files that call one another."""

    def __init__(self, other: Callable[[str], str | None]) -> None:
        self._other = other
        self._known: dict[str, Mapping[str, Any] | None] = {}

    def _file(self, path: str, within: tuple[str, ...]) -> Mapping[str, Any] | None:
        """Another file; None if there is none, or it calls itself."""
        if path not in self._known:
            text = self._other(path)
            try:
                self._known[path] = None if text is None else mapping(loaded(text))
            except UnreadableError:  # a workflow is named where it is looked at by itself
                self._known[path] = None
        return None if path in within else self._known[path]

    def jobs(self, data: Mapping[str, Any], given: Mapping[str, str], within: tuple[str, ...]) -> Iterator[list[Part]]:
        """Each, with the inputs that it is given."""
        events = mapping(data.get("on"))
        defaults = _defaults(mapping(events.get("workflow_dispatch"))) | _defaults(mapping(events.get("workflow_call")))
        for job in map(mapping, mapping(data.get("jobs")).values()):
            levels = [mapping(mapping(level.get("defaults")).get("run")) for level in (job, data)]
            folder = next(filter(None, map(_working, levels)), ".")
            for way in _matrix(mapping(job.get("strategy")).get("matrix")):
                told = {"inputs": {**defaults, **given}, "matrix": way, "env": {}}
                for level in (data, job):
                    _add(told, level.get("env"))
                path = _local(job.get("uses"))
                if path is not None and (called := self._file(path, within)) is not None:
                    yield from self.jobs(called, _inputs(job, told), (*within, path))
                yield list(self._steps(job.get("steps"), told, folder, within))

    def _steps(self, steps: Any, told: Mapping[str, Any], folder: str, within: tuple[str, ...]) -> Iterator[Part]:
        for step in map(mapping, listed(steps)):
            for part in self._step(step, dict(told), folder, within):
                yield part._replace(file=part.file or "".join(within[-1:]))

    def _step(
        self, step: Mapping[str, Any], told: dict[str, Any], folder: str, within: tuple[str, ...]
    ) -> Iterator[Part]:
        _add(told, step.get("env"))
        values = {name: text for name, text in told["env"].items() if _UNTOLD not in text}
        text, uses = step.get("run"), step.get("uses")
        if isinstance(text, Text):
            yield Part(text.line, _expressed(text, told), _expressed(_working(step) or folder, told), values)
        elif (path := _local(uses)) is not None:
            for file in (f"{path}/action.yml", f"{path}/action.yaml"):
                if (called := self._file(file, within)) is not None:
                    inner = {**told, "inputs": {**_defaults(called), **_inputs(step, told)}}
                    yield from self._steps(mapping(called.get("runs")).get("steps"), inner, ".", (*within, file))
        elif isinstance(uses, Text) and (action := _ACTIONS.get(uses.partition("@")[0])):
            given = {name: _expressed(word, told) for name, word in variables(step.get("with")).items()}
            given["context"] = re.sub(r"^\{\{defaultContext\}\}:?", "./", given.get("context", "."))
            words = [word.format_map({"name": "", "service": "", **given}) for word in action[0]]
            for name, option in action[1].items():
                words += [option, given[name]] if name in given else []
            words[2:2] = ["jobs"] if "job" in given and "run" in words else []
            if "image" not in given:
                flags = " ".join(given.get("flags", "").split())
                yield Part(uses.line, f"{quoted(words)} {flags}", ".", values)


def _defaults(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: mapping(item).get("default") for name, item in mapping(data.get("inputs")).items()}


def _local(uses: Any) -> str | None:
    """The path of a workflow or an action of this repository."""
    return posixpath.normpath(uses) if isinstance(uses, str) and uses.startswith("./") else None


def _inputs(caller: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, str]:
    given = {name: _expressed(text, told) for name, text in variables(caller.get("with")).items()}
    return {name: text for name, text in given.items() if _UNTOLD not in text}


def _working(value: Any) -> str:
    return str(mapping(value).get("working-directory") or "")


def _add(told: dict[str, Any], env: Any) -> None:
    told["env"] = {**told["env"], **{name: _expressed(text, told) for name, text in variables(env).items()}}


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
            value = mapping(value).get(key)
        if isinstance(value, str) and 0 < len(value) <= LONGEST and _UNTOLD not in value:
            return value
    return _UNTOLD


def _matrix(matrix: Any) -> list[dict[str, Any]]:
    """The ways in which a job runs, each with what ``matrix`` holds then."""
    lists = {key: value for key, value in mapping(matrix).items() if key not in ("include", "exclude")}
    names = [key for key, value in lists.items() if isinstance(value, list)]
    product = itertools.islice(itertools.product(*(lists[name] for name in names)), _MOST_WAYS)
    ways = [dict(zip(names, values, strict=True)) for values in product]
    more: list[dict[str, Any]] = []
    for item in [mapping(one) for one in listed(mapping(matrix).get("include"))[:_MOST_WAYS]]:
        fitting = [
            way for way in ways if way and all(way.get(key, item[key]) == item[key] for key in names if key in item)
        ]
        if fitting and any(key in item for key in names):
            for way in fitting:
                way.update(item)
        else:
            more.append(item)
    return [way for way in [*ways, *more] if way] or [{}]
