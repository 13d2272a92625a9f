"""From files to facts: what is known by content comes from the cache, the rest from ruff and worker processes.

The workers run under the target's interpreter where there is one on this machine, so that what compiles there is what
compiles here; else under our own, which is said.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from checks.preflight import ruff
from checks.preflight.cache import Answer, Cache
from checks.preflight.digests import digest_of, digests_of
from checks.preflight.library import Library
from checks.preflight.model import Facts, Version, facts_from
from checks.preflight.workers import work

_OLDEST = (3, 8)  # that the worker runs under
_MOST_WORKERS = 8
_FILES_WORTH_A_WORKER = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A Python on this machine, asked for its version and folders without its site packages and start-up files."""

    command: str
    version: Version
    stdlib: Path
    purelib: Path
    prefix: Path


_QUESTION = (
    "import json,sys,sysconfig;p=sysconfig.get_paths();"
    "print(json.dumps([list(sys.version_info[:2]),p['stdlib'],p['purelib'],sys.prefix]))"
)


def interpreter(command: str) -> Interpreter | None:
    """The Python behind a command; None if there is none."""
    try:
        asked = subprocess.run([command, "-I", "-S", "-c", _QUESTION], capture_output=True, timeout=20, check=True)
        version, stdlib, purelib, prefix = json.loads(asked.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    if tuple(version) < _OLDEST:
        return None
    return Interpreter(
        command=command,
        version=(version[0], version[1]),
        stdlib=Path(stdlib),
        purelib=Path(purelib),
        prefix=Path(prefix),
    )


def for_target(target: Version) -> Interpreter | None:
    """The interpreter of that version: our own if it is of it, ``python3.x`` on the path, or one that pyenv keeps."""
    if target == sys.version_info[:2]:
        paths = sysconfig.get_paths()
        return Interpreter(
            command=sys.executable,
            version=target,
            stdlib=Path(paths["stdlib"]),
            purelib=Path(paths["purelib"]),
            prefix=Path(sys.prefix),
        )
    version = "{}.{}".format(*target)
    kept = Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser() / "versions"
    for command in (shutil.which(f"python{version}"), *sorted(kept.glob(f"{version}.*/bin/python"))):
        found = interpreter(str(command)) if command else None
        if found is not None and found.version == target:
            return found
    return None


class Extractor:
    """Reads files for one target version. Not for several threads."""

    def __init__(
        self,
        target: Version,
        *,
        python: Interpreter | None,
        cache: Path | None,
        progress: Callable[[int, int], None] = lambda _done, _of: None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._clock = clock
        self.target = target
        self.python = python
        self._command = python.command if python else sys.executable
        self._ruff = ruff.program()
        self._progress = progress
        self._known: dict[Path, Facts] = {}
        self._digests: dict[Path, str] = {}
        self._outside: dict[Path, Facts | None] = {}
        self._texts: dict[Path, bytes] = {}
        self._at_hand: dict[str, object] = {}
        self.blind: str | None = None
        if self._ruff is None:
            self.blind = "ruff is not installed: nobody looked for undefined names; install phasewatch[preflight]"
        version = python.version if python else sys.version_info[:2]
        maker = f"{_code()} {version} {target} {ruff.identity(self._ruff) if self._ruff else None}"
        self._cache = Cache(cache, maker)
        self.library = Library(python.command if python else None, self._cache)

    def read(self, files: Sequence[Path]) -> Mapping[Path, Facts]:
        """The facts of these files, by the path asked for; each is read once in a lifetime of this object."""
        wanted = [file for file in dict.fromkeys(files) if file not in self._known]
        digests, unread = digests_of(wanted, self._cache, now=self._clock())
        self._known.update(unread)
        self._digests.update(digests)
        found = self._cache.get(set(digests.values()), facts_from)
        missing: dict[str, Path] = {}
        for file, digest in digests.items():
            if digest not in found:
                missing.setdefault(digest, file)
        if missing:
            fresh = self._fresh(list(missing.values()))
            found.update({digest: fresh[file][1] for digest, file in missing.items()})
            # An answer without ruff's share would be remembered as complete.
            if self.blind is None:
                self._cache.put({d: fresh[file][0] for d, file in missing.items() if not found[d].unread})
        for file, digest in digests.items():
            self._known[file] = found[digest]
        return {file: self._known[file] for file in files}

    def outside(self, file: Path) -> Facts | None:
        """The facts of a file outside the packages, of which only its names matter: read here and now, without ruff."""
        if file not in self._outside:
            text = self.text(file)
            found = self.remembered(f"names-{digest_of(text)}", lambda: self._names_of(text), facts_from)
            self._outside[file] = found if found.error is None else None
        return self._outside[file]

    def _names_of(self, text: bytes) -> dict[str, Any]:
        from checks.preflight import worker  # most often these are known

        return worker.names_of(text, self.target)

    def digest(self, file: Path) -> str:
        """What stands for the content of a file."""
        return self._digests.get(file) or digest_of(self.text(file))

    def remembered(self, key: str, make: Callable[[], Any], decode: Callable[[str], Answer]) -> Answer:
        """What follows from some content by itself, made once in the lifetime of the cache. ``key`` says of what, and
        from the digest of which; ``make`` gives what JSON can hold, ``decode`` takes the JSON.
        """
        if key in self._at_hand:
            return cast("Answer", self._at_hand[key])
        found = self._cache.get([key], decode)
        if key not in found:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                made = json.dumps(make())
            self._cache.put({key: made})
            found[key] = decode(made)
        return found[key]

    def those_remembered(self, keys: Collection[str]) -> Collection[str]:
        """Which of these were made before, all JSON: see ``remembered``. They are at hand from then on."""
        self._at_hand.update(self._cache.get(keys, json.loads))
        return self._at_hand.keys()

    def ahead(self, wanted: Mapping[Path, Sequence[str]]) -> Callable[[], Mapping[Path, str]]:
        """Begin to look up where files use these dotted paths, in a process beside this one (``uses``); the JSON for
        each file, once all are there.
        """
        answers: dict[Path, str] = {}
        requests = [(file, {"paths": list(paths)}) for file, paths in wanted.items()]
        asked = (self._command, self.target, requests, 1, answers.__setitem__)
        thread = threading.Thread(target=work, args=asked)
        thread.start()

        def wait() -> Mapping[Path, str]:
            thread.join()
            return answers

        return wait

    def text(self, file: Path) -> bytes:
        """The text of a file outside the packages; empty if it cannot be read."""
        if file not in self._texts:
            try:
                self._texts[file] = file.read_bytes()
            except OSError:
                self._texts[file] = b""
        return self._texts[file]

    def close(self) -> None:
        """Let go of the cache, and of the interpreter that was asked for its library."""
        self.library.close()
        self._cache.close()

    def _fresh(self, files: list[Path]) -> dict[Path, tuple[str, Facts]]:
        """What the workers say of these files, as JSON and decoded."""
        hits: dict[str, list[list[Any]]] = {}
        if self._ruff is not None:
            hits, failed = ruff.hits(self._ruff, files, self.target)
            for name, reason in failed.items():
                hits[os.path.abspath(name)] = [ruff.DOUBT]  # noqa: PTH100 - as ruff names it
                self.blind = f"undefined names were not looked for in {os.path.relpath(name)}: {reason}"
        # What nobody looked at may not compile.
        seen = self._ruff is not None and self.python is not None and ruff.judges_syntax(self._ruff, self.target)
        other = [] if seen else [ruff.DOUBT]
        requests = [(file, hits.get(os.path.abspath(file), other)) for file in files]  # noqa: PTH100 - as ruff names it
        count = min(_MOST_WORKERS, os.cpu_count() or 1, 1 + len(files) // _FILES_WORTH_A_WORKER)
        answers: dict[Path, tuple[str, Facts]] = {}
        guard = threading.Lock()

        def answered(file: Path, facts: str) -> None:
            with guard:
                answers[file] = facts, facts_from(facts)
                self._progress(len(answers), len(files))

        requests.sort(key=lambda request: _size(request[0]), reverse=True)  # the last ones should not take long
        work(self._command, self.target, requests, count, answered)
        return answers


def _size(file: Path) -> int:
    try:
        return os.stat(file).st_size  # noqa: PTH116 - thousands of times
    except OSError:  # which the worker tells
        return 0


@cache
def _code() -> str:
    """What tells the code that reads files, here and in the workers, from any other: its facts may differ."""
    texts = [file.read_bytes() for file in sorted(Path(__file__).parent.glob("*.py"))]
    return f"{sys.hexversion:x}-{digest_of(b''.join(texts))}"
