"""What continuous integration runs, as parts for a shell: Cloud Build, GitLab, compose, skaffold; workflows elsewhere.

Formats: https://cloud.google.com/build/docs/build-config-file-schema, https://docs.gitlab.com/ci/yaml,
https://docs.docker.com/reference/compose-file/build.
"""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from checks.preflight.shipped import workflows
from checks.preflight.shipped.ci_yaml import LONGEST, Text, listed, loaded, mapping, quoted, variables, words_of
from checks.preflight.shipped.scripts import Part

_MOST_RUNS = 200


def runs(kind: str, text: str, other: Callable[[str], str | None]) -> tuple[tuple[Part, ...], ...]:
    """The parts of each run that a file of that kind (``cloudbuild``, ``workflow``, ``gitlab``, ``compose``,
    ``skaffold``) describes. ``other``: the text of another file of the repository, by its path; None if there is none.

    :raises UnreadableError: for a file that is no YAML.
    """
    data = mapping(loaded(text))
    if kind == "workflow":
        found = workflows.jobs(data, other)
    else:
        found = {"cloudbuild": _cloudbuild, "gitlab": _gitlab, "compose": _compose, "skaffold": _skaffold}[kind](data)
    return tuple(tuple(parts) for parts in itertools.islice(found, _MOST_RUNS) if parts)


def _cloudbuild(data: Mapping[str, Any]) -> Iterator[list[Part]]:
    values = variables(data.get("substitutions"))
    values = {name: _substituted(_substituted(text, values), values) for name, text in values.items()}
    values |= variables(mapping(data.get("options")).get("env"))
    steps = [mapping(step) for step in listed(data.get("steps"))]
    yield [part for step in steps for part in _step(step, values)]


def _substituted(text: str, values: Mapping[str, str]) -> str:
    """A value that names others, as far as a value may be long."""
    made = re.sub(r"\$\{?(_\w+)\}?", lambda found: values.get(found[1], found[0])[:LONGEST], text[:LONGEST])
    return made[:LONGEST]


def _step(step: Mapping[str, Any], values: Mapping[str, str]) -> Iterator[Part]:
    name, entry, args = (step.get("name") or ""), step.get("entrypoint"), words_of(step.get("args"))
    folder = re.sub(r"^/workspace/?", "", str(step.get("dir") or "")) or "."
    values = {**values, **variables(step.get("env"))}
    script = step.get("script")
    program = posixpath.basename(str(entry or "")) or re.sub(r"[:@].*", "", posixpath.basename(str(name)))
    if isinstance(script, Text):
        yield Part(script.line, _in_workspace(script), folder, values)
        return
    if not args:
        return
    given = [re.sub(r"\$\$", "$", _in_workspace(word)) for word in args]
    line = args[0].line
    if program in ("bash", "sh") and len(args) > 1 and re.fullmatch(r"-\w*c", args[0]):
        yield Part(args[1].line, given[1], folder, values)
    elif entry or program in ("gcloud", "docker"):
        yield Part(line, quoted([program, *given]), folder, values)
    elif program == "executor":  # of kaniko
        options = {word.partition("=")[0]: word.partition("=")[2].removeprefix("dir://") for word in given}
        file = options.get("--dockerfile") or options.get("-f")
        words = [*(["--file", file] if file else []), options.get("--context") or options.get("-c") or "."]
        yield Part(line, quoted(["docker", "build", *words]), folder, values)
    else:
        yield Part(line, quoted(given), folder, values)


def _in_workspace(text: str) -> str:
    """Paths below ``/workspace``, where the sources lie."""
    return re.sub(r"(?<![\w./])/workspace\b", "${WORKSPACE}", text)


def _gitlab(data: Mapping[str, Any]) -> Iterator[list[Part]]:
    shared = words_of(data.get("before_script") or mapping(data.get("default")).get("before_script"))
    for job in data.values():
        own = words_of(mapping(job).get("script"))
        if own:
            before = words_of(mapping(job).get("before_script")) or shared
            values = {**variables(data.get("variables")), **variables(mapping(job).get("variables"))}
            text = "\n".join([*before, *own])
            yield [Part(own[0].line - len(before), text, ".", values)]


def _compose(data: Mapping[str, Any]) -> Iterator[list[Part]]:
    for service in mapping(data.get("services")).values():
        build = mapping(service).get("build")
        context = build if isinstance(build, Text) else mapping(build).get("context")
        file = mapping(build).get("dockerfile")
        if isinstance(context, Text):
            words = ["--file", posixpath.join(context, file)] if isinstance(file, Text) else []
            words += [f"--build-arg={name}={text}" for name, text in variables(mapping(build).get("args")).items()]
            yield [Part(context.line, quoted(["docker", "build", *words, context]))]


def _skaffold(data: Mapping[str, Any]) -> Iterator[list[Part]]:
    """https://skaffold.dev/docs/references/yaml: artifacts that are built by nothing else are by Docker."""
    for artifact in map(mapping, listed(mapping(data.get("build")).get("artifacts"))):
        docker, image = mapping(artifact.get("docker")), artifact.get("image")
        if isinstance(image, Text) and artifact.keys() <= {"image", "context", "docker", "sync", "requires", "hooks"}:
            context = str(artifact.get("context") or ".")
            words = ["--file", posixpath.join(context, str(docker.get("dockerfile") or "Dockerfile"))]
            words += [f"--build-arg={name}={text}" for name, text in variables(docker.get("buildArgs")).items()]
            yield [Part(image.line, quoted(["docker", "build", *words, context]))]
