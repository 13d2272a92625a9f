"""The embedded BigQuery: one local server per ``var/`` folder, run as a supervised child process.

Only one process can hold the server's data. Whoever holds ``var/embedded.lock`` (flock) runs the server and writes
``{"pid", "owner", "port", "endpoint"}`` into it: the server's pid, the pid of the process that runs it, and where it
answers. Others attach to that endpoint. The child inherits the lock, so that the lock is free only once the data is.
The port is kept over restarts, so that clients go on.
"""

from __future__ import annotations

import fcntl
import http.client
import importlib.util
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

CHILD = Path(__file__).with_name("embedded_child.py")
READY_WITHIN = timedelta(seconds=60)
STOP_WITHIN_SECONDS = 10.0
LOG_LIMIT_BYTES = 1_000_000
LONGEST_BACKOFF_SECONDS = 60.0
MISSING_EXTRA_REMEDY = 'run `make install`, or `pip install "phasewatch[embedded]"`'


class EmulatorError(Exception):
    """The local BigQuery is not there. ``remedy`` is what a person can do about it, a sentence; None: not known."""

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.remedy = remedy


class _PortTakenError(EmulatorError):
    """Another program listens where the server did before."""


class Emulator:
    """The local BigQuery of one ``var/`` folder: ours (``owned``), or that of another process.

    Its methods may be called from any thread.
    """

    def __init__(self, var: Path, project: str, *, ready_within: timedelta, progress: Callable[[str], None]) -> None:
        self.project = project
        self.endpoint = ""
        self._var = var
        self._lock_path = var / "embedded.lock"
        self._log_path = var / "bigquery.log"
        self._data = var / "bigquery"
        self._ready_within = ready_within.total_seconds()
        self._progress = progress
        self._guard = threading.RLock()
        self._lock: int | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._backoff = 0.0
        self._started = 0.0

    @property
    def owned(self) -> bool:
        """Whether this process runs the server; otherwise it merely uses it."""
        return self._lock is not None

    @property
    def pid(self) -> int | None:
        """The server's process id while we run it."""
        return self._child.pid if self._child else None

    def open(self) -> None:
        """Attach to the server that another process runs, or start our own and wait until it answers.

        :raises EmulatorError: if neither works within the time given.
        """
        with self._guard:
            try:
                for folder in (self._data, self._var):
                    folder.mkdir(parents=True, exist_ok=True)
                self._log_path.touch()
            except OSError as error:
                raise EmulatorError(
                    f"cannot write {self._var}: {error.strerror}", remedy=f"make {self._var} a folder you may write to"
                ) from error
            deadline = time.monotonic() + self._ready_within
            while not self._acquire():
                found = self._read_lock()
                if _alive(found.get("owner")) and _answers(found.get("endpoint"), self.project):
                    self.endpoint = str(found["endpoint"])
                    return
                if time.monotonic() > deadline:
                    owner = found.get("owner", "unknown")
                    raise EmulatorError(
                        f"another process (pid {owner}) holds {self._lock_path}, and its BigQuery does not answer",
                        remedy=f"stop process {owner}, then try again",
                    )
                time.sleep(0.1)
            port = self._read_lock().get("port")
            try:
                try:
                    self._start(port if isinstance(port, int) else 0)
                except _PortTakenError:
                    self._start(0)
            except BaseException:
                self.stop()
                raise

    def ensure_alive(self) -> str | None:
        """Start the server again, on the same port, if it has died, or if the process that ran it is gone.

        Returns a sentence that says what was done, None if nothing had to be. Restarts in quick succession wait
        longer each time, up to a minute.

        :raises EmulatorError: if it is down: it did not start, or it is too early to try again.
        """
        with self._guard:
            if self._lock is None:
                if not self._acquire():
                    self._check_attached()
                    return None
                self._child = None
                what = "the process that ran the local BigQuery is gone; this one has started it again"
            elif self._child is not None and self._child.poll() is None:
                return None
            else:
                code = f" (exit code {self._child.returncode})" if self._child else ""
                what = f"the local BigQuery had stopped{code} and was started again"
            since = time.monotonic() - self._started
            if since > LONGEST_BACKOFF_SECONDS:
                self._backoff = 0.0
            elif since < self._backoff:
                raise EmulatorError(
                    f"the local BigQuery keeps stopping; next attempt in {self._backoff - since:.0f} s",
                    remedy=f"see {self._log_path}",
                )
            self._backoff = min(max(1.0, self._backoff * 2), LONGEST_BACKOFF_SECONDS)
            try:
                self._start(urlsplit(self.endpoint).port or 0)
            finally:
                self._started = time.monotonic()
            return what

    def stop(self) -> None:
        """Stop the server if it is ours, in order if it lets itself; the lock is free afterwards."""
        with self._guard:
            if self._lock is None:
                return
            self._write_lock(endpoint=None)
            self._end_child()
            os.close(self._lock)
            self._lock = None

    # -- the child ------------------------------------------------------------------------------------------------

    def _start(self, port: int) -> None:
        """Run the server and wait until it answers. Port 0: any free one. We hold the lock."""
        for module in ("bqemulator", "duckdb_extensions"):
            if importlib.util.find_spec(module) is None:
                raise EmulatorError(
                    f"the embedded mode needs the package {module}, which is not installed",
                    remedy=MISSING_EXTRA_REMEDY,
                )
        if self._lock is None:
            raise AssertionError("start without the lock")
        self._end_child()
        if self._log_path.exists() and self._log_path.stat().st_size > LOG_LIMIT_BYTES:
            self._log_path.replace(self._log_path.with_suffix(".log.1"))
        self._progress(f"starting the local BigQuery, its data in {self._data}")
        with self._log_path.open("ab") as log:
            log_start = log.tell()
            # In a session of its own: Ctrl-C in the terminal is for us, and we stop the child when we are done with it.
            self._child = subprocess.Popen(  # noqa: S603 - our own file, run by our own interpreter
                [sys.executable, "-P", str(CHILD), str(self._data.resolve()), str(port), self.project],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                pass_fds=(self._lock,),
                start_new_session=True,
                cwd=self._data,
                env=_child_environment(self._data),
            )
        listening = self._wait_until_ready(self._child)
        if listening is None:
            self._end_child()
            raise _why_it_failed(_tail(self._log_path, log_start), self._log_path, self._data, port)
        self.endpoint = f"http://127.0.0.1:{listening}"
        self._write_lock(endpoint=self.endpoint)

    def _wait_until_ready(self, child: subprocess.Popen[bytes]) -> int | None:
        """The port, once the server answers on it; None if the child ended or took too long."""
        if child.stdout is None:
            raise AssertionError("no pipe from the child")
        started = time.monotonic()
        line, told = b"", started
        while not line.endswith(b"\n"):
            if time.monotonic() - started > self._ready_within:
                return None
            if time.monotonic() - told > 5:  # noqa: PLR2004 - seconds between two signs of life
                told = time.monotonic()
                self._progress(f"still starting the local BigQuery ({told - started:.0f} s)")
            if select.select([child.stdout], [], [], 0.2)[0]:
                block = os.read(child.stdout.fileno(), 4096)
                if not block:
                    return None
                line += block
        port = int(json.loads(line)["port"])
        while not _answers(f"http://127.0.0.1:{port}", self.project):
            if child.poll() is not None or time.monotonic() - started > self._ready_within:
                return None
            time.sleep(0.05)
        return port

    def _end_child(self) -> None:
        child = self._child
        if child is None:
            return
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(STOP_WITHIN_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()
        self._child = None

    # -- the lock -------------------------------------------------------------------------------------------------

    def _acquire(self) -> bool:
        """Take the lock if it is free. It stays ours until ``stop``."""
        lock = os.open(self._lock_path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        self._lock = lock
        return True

    def _read_lock(self) -> dict[str, Any]:
        with suppress(OSError, ValueError):
            found = json.loads(self._lock_path.read_text(encoding="utf-8"))
            if isinstance(found, dict):
                return found
        return {}

    def _write_lock(self, *, endpoint: str | None) -> None:
        if self._lock is None:
            raise AssertionError("writing a lock we do not hold")
        found = {
            "pid": self.pid if endpoint else None,
            "owner": os.getpid() if endpoint else None,
            "port": urlsplit(self.endpoint).port,
            "endpoint": endpoint,
        }
        # In place: a new file under this name would not carry the lock.
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, json.dumps(found).encode() + b"\n", 0)

    def _check_attached(self) -> None:
        """For a server of another process: it may move to another port only when its old one was taken."""
        endpoint = self._read_lock().get("endpoint")
        if endpoint and endpoint != self.endpoint:
            raise EmulatorError(
                f"the local BigQuery has moved from {self.endpoint} to {endpoint}", remedy="start this command again"
            )


@contextmanager
def attach_or_start(
    var: Path,
    project: str,
    *,
    ready_within: timedelta = READY_WITHIN,
    progress: Callable[[str], None] = lambda _: None,
) -> Iterator[Emulator]:
    """The local BigQuery of ``var``: attached to where another process runs it, else our own, stopped at the end.

    ``progress`` is told in sentences what is waited for.

    :raises EmulatorError: if it is not to be had within ``ready_within``.
    """
    emulator = Emulator(var, project, ready_within=ready_within, progress=progress)
    emulator.open()
    try:
        yield emulator
    finally:
        emulator.stop()


def _answers(endpoint: object, project: str) -> bool:
    """Whether a real request to the server is answered."""
    if not isinstance(endpoint, str):
        return False
    parts = urlsplit(endpoint)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", f"/bigquery/v2/projects/{project}/datasets?maxResults=1")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _alive(pid: object) -> bool:
    if not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _child_environment(data: Path) -> dict[str, str]:
    """Our environment without settings meant for another emulator, and with a home that can be written.

    DuckDB keeps its extensions (80 MB) below ``$HOME/.duckdb``; where that cannot be, they go beside the data.
    """
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BQEMU_", "OTEL_")) and name != "BIGQUERY_EMULATOR_HOST"
    }
    home = Path(environment.get("HOME", ""))
    place = next((p for p in (home / ".duckdb/extensions", home / ".duckdb", home) if p.exists()), None)
    if not home.is_absolute() or place is None or not os.access(place, os.W_OK | os.X_OK):
        own = (data / "home").resolve()
        own.mkdir(exist_ok=True)
        environment["HOME"] = str(own)
    return environment


def _tail(path: Path, start: int) -> str:
    """The last lines that were written to a log since ``start``, bounded."""
    with path.open("rb") as log:
        log.seek(max(start, path.stat().st_size - 4000))
        lines = log.read().decode("utf-8", "replace").splitlines()
    return "\n".join(line[:400] for line in lines if "sql.translator.init" not in line)[-2000:]


def _why_it_failed(tail: str, log: Path, data: Path, port: int) -> EmulatorError:
    """The error for a server that did not come up, from what it left in its log."""
    lowered = tail.lower()
    if port and "address already in use" in lowered:
        return _PortTakenError(
            f"port {port}, where the local BigQuery answered before, is taken by another program",
            remedy="start this command again",
        )
    if "could not set lock on file" in lowered:
        return EmulatorError(
            f"another program has the data of the local BigQuery open: {data}/bqemulator.duckdb",
            remedy=f"close it (`fuser {data}/bqemulator.duckdb` names it), then try again",
        )
    if any(sign in lowered for sign in ("not a valid duckdb database", "corrupt", "serialization error", "checksum")):
        return EmulatorError(
            f"the data of the local BigQuery cannot be read: {data}/bqemulator.duckdb is damaged or of another version",
            remedy=f"move {data} away and start again with an empty one, then record what is needed anew",
        )
    return EmulatorError(
        f"the local BigQuery did not start; the end of {log} says:\n{tail or '(nothing)'}", remedy=f"see {log}"
    )
