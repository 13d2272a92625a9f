"""The processes that read files (``worker``): they share one list of requests, and who is free takes the next one."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from checks.preflight.model import Version

_HOME = Path(__file__).resolve().parents[2]
_START = "import sys; sys.path.insert(0, {!r}); from checks.preflight.worker import main; main()"
_TICKET = "{:9} {:15} {:9}\n"  # the number of a request, where it stands, its length
_TRIES = 10  # processes in a row that answer nothing: it is not the files
_DIED = json.dumps({"error": [1, "the process that read this file died, or took longer than a minute"], "unread": True})

Request = tuple[Path, Any]
Answered = Callable[[Path, str], None]


def work(command: str, target: Version, requests: Sequence[Request], count: int, answered: Answered) -> None:
    """Have the requests answered in so many processes, one call for each, from several threads. A file that ends its
    process is passed over.
    """
    import tempfile  # where nothing is to be read, start-up counts

    requested = [json.dumps([os.fspath(file), asked]) for file, asked in requests]
    tickets, place = [], 0
    for number, request in enumerate(requested):  # of ASCII characters alone
        tickets.append(_TICKET.format(number, place, len(request)))
        place += len(request)
    open_ = set(range(len(requests)))

    def answer(number: int, facts: str) -> None:
        open_.discard(number)
        answered(requests[number][0], facts)

    with tempfile.TemporaryFile() as shared:
        shared.write("".join([*requested, *tickets]).encode())
        shared.flush()
        # Its position is one for all processes, and reading moves it in one step (POSIX, "Thread Interactions with
        # Regular File Operations"; Linux since 3.14): each ticket is drawn once.
        os.lseek(shared.fileno(), place, os.SEEK_SET)
        threads = [threading.Thread(target=_attend, args=(command, target, shared, answer)) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for number in sorted(open_):
        answer(number, _DIED)


def _attend(command: str, target: Version, shared: IO[bytes], answer: Callable[[int, str], None]) -> None:
    """One process after another, until one has ended because nothing is left."""
    arguments = [
        "-I",
        "-S",
        "-c",
        _START.format(str(_HOME)),
        "{}.{}".format(*target),
        str(len(_TICKET.format(0, 0, 0))),
    ]
    in_vain = 0
    while in_vain < _TRIES:
        in_vain += 1
        try:
            started = subprocess.Popen(  # noqa: S603 - an interpreter that the caller found
                [command, *arguments],
                stdin=shared,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"PYTHONDONTWRITEBYTECODE": "1"},
            )
        except OSError:
            return  # it is not there any more: nothing is answered
        with started as process:
            for line in process.stdout or ():
                number, _, facts = line.partition(b" ")
                if number.isdigit() and line.endswith(b"\n"):  # else it died meanwhile
                    answer(int(number), facts.decode())
                    in_vain = 0
        if process.returncode == 0:
            return
