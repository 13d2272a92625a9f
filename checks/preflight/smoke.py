"""Import the entry module for real, in a process of its own: the one part of preflight that runs the package's code.

The package is laid out in a temporary folder as it will be deployed and imported there with a clean environment, a time
limit for the whole process group, and without network: in a network namespace where this user may make one, else with
an audit hook that refuses sockets of the Internet (which code that means to get around it can do).
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from checks.preflight.model import Effect, Finding, Kind, Package
from checks.preflight.resolve import Resolver

SECONDS = 60
_LONGEST = 200_000  # characters kept of what it prints
_CODE = """
import sys
if sys.argv[1] == "hook":
    def _refuse(event, args):
        if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.bind"):
            address = args[-1] if event == "socket.connect" else None
            if not isinstance(address, (str, bytes)):
                raise PermissionError("no network during phasewatch preflight --import: " + event)
    sys.addaudithook(_refuse)
if sys.argv[2] == "first":
    sys.path[:0] = sys.argv[4:]
else:
    sys.path[:1] = []  # the working directory
    sys.path += sys.argv[4:]
del sys.argv[1:3]
import importlib
importlib.import_module(sys.argv.pop(1))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoke:
    """What came of it. ``finding`` None: it imported. ``how``: with which interpreter, and how the network was kept
    away. ``unsure``: why it could not be tried.
    """

    how: str
    finding: Finding | None = None
    unsure: str | None = None


def smoke(package: Package, command: str, *, seconds: int = SECONDS) -> Smoke:
    """Import the entry module of a package with the interpreter ``command``."""
    module = _module(package)
    if module is None:
        return Smoke(how="", unsure="no entry point is known: name it with --entry")
    if package.filled:  # what it lacks here may well be there
        return Smoke(how="", unsure=package.filled[0][1])
    entry = package.entries[0]
    with tempfile.TemporaryDirectory(prefix="preflight-") as folder:
        root = Path(folder, "package")
        _lay_out(package, root)
        home = Path(folder, "home")
        home.mkdir()
        namespace = _namespace()
        how = f"{command}, {'in a network namespace of its own' if namespace else 'sockets refused by an audit hook'}"
        search = [str(root / part) for part in package.search]
        place = "last" if package.last else "first"
        call = [*namespace, command, "-B", "-c", _CODE, "none" if namespace else "hook", place, module, *search]
        code, said = _run(call, root, home, seconds)
    if code is None:
        message = f"importing {module} took longer than {seconds} s"
    elif code == 0:
        return Smoke(how=how)
    else:
        message = f"importing {module} failed: {_last_line(said) or f'exit code {code}'}"
    file, line = _place(said, str(root), package) or (entry, 1)
    finding = Finding(
        file=file,
        source=package.files.get(file),
        line=line,
        symbol=module,
        kind=Kind.SMOKE,
        effect=Effect.LOAD,
        message=message,
        reachable_by=entry if file == entry else f"{entry} -> {file}:{line}",
    )
    return Smoke(how=how, finding=finding)


def _module(package: Package) -> str | None:
    if not package.entry_known:
        return None
    resolver = Resolver(package.files, package.search, (3, 0), provided=None, environment=None)
    return resolver.name_of(package.entries[0])


def _lay_out(package: Package, root: Path) -> None:
    for path, file in package.files.items():
        goal = root / path
        goal.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, goal)


def _namespace() -> list[str]:
    """The command before the command that takes the network away; empty if this user may not."""
    program = shutil.which("unshare")
    if program is None:
        return []
    command = [program, "--map-root-user", "--net", "--"]
    try:
        tried = subprocess.run([*command, "true"], capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError):
        return []
    return command if tried.returncode == 0 else []


def _run(command: list[str], root: Path, home: Path, seconds: int) -> tuple[int | None, str]:
    """The exit code (None: out of time) and the end of what it printed."""
    env = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "PYTHONNOUSERSITE": "1",
        "NO_GCE_CHECK": "true",  # Google's clients would ask the metadata server who they are
    }
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command, cwd=root, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
        try:
            code: int | None = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0, os.SEEK_END)
        output.seek(max(0, output.tell() - _LONGEST))
        return code, output.read().decode("utf-8", "replace")


def _last_line(text: str) -> str:
    return next((line.strip()[:500] for line in reversed(text.splitlines()) if line.strip()), "")


def _place(text: str, root: str, package: Package) -> tuple[str, int] | None:
    """The last frame of the traceback that lies in the package."""
    for found in reversed(re.findall(r'File "([^"]+)", line (\d+)', text)):
        path = found[0].removeprefix(root + "/")
        if path != found[0] and path in package.files:
            return path, int(found[1])
    return None
