"""The child process of ``monitor.embedded``: the local BigQuery server, and nothing of ours.

Run by path (``python -P embedded_child.py``), so that it needs no import path of its own. Arguments: data folder,
REST port (0: any free one), default project. It writes one line to its first standard output,
``{"port": N}``, once it answers; everything else goes to standard error, which the parent points at a log file.

Standard input is a pipe whose other end only the parent holds. It closes when the parent ends, however that happens
(``kill -9`` included), and then this process stops too.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

# How long an orderly stop may take once the parent is gone.
STOP_WITHIN_SECONDS = 10.0


def stop_with_parent() -> None:
    """Block until the parent's end of the pipe closes, then stop this process: in order first, by force at last."""
    with suppress(OSError):
        while os.read(0, 4096):
            pass
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(STOP_WITHIN_SECONDS)
    os._exit(1)


def install_spatial() -> None:
    """Put DuckDB's extension ``spatial``, which the server insists on, where DuckDB looks for it.

    The server itself would download it. One that is there already is left alone, whatever its origin: DuckDB refuses
    to install over an extension from elsewhere.
    """
    import duckdb
    import duckdb_extensions

    with duckdb.connect(":memory:") as connection:
        found = connection.execute(
            "SELECT installed FROM duckdb_extensions() WHERE extension_name = 'spatial'"
        ).fetchone()
        if not (found and found[0]):
            duckdb_extensions.import_extension("spatial", con=connection)


async def serve(data: Path, port: int, project: str, report: int) -> None:
    """Serve until SIGTERM or SIGINT. Writes the port to the file descriptor ``report`` once it answers."""
    from bqemulator.config import LogLevel, PersistenceMode, Settings
    from bqemulator.server import EmulatorServer

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = EmulatorServer(
        Settings(
            rest_host="127.0.0.1",
            rest_port=port,
            grpc_host="127.0.0.1",
            grpc_port=0,
            persistence_mode=PersistenceMode.PERSISTENT,
            data_dir=data,
            upload_staging_dir=data / "uploads",
            default_project_id=project,
            log_level=LogLevel.WARNING,  # INFO is a line per request, and the log is only rotated at the start
            enable_format_extensions=False,  # Avro, which it would download
            tracing_enabled=False,
            admin_enabled=False,
        )
    )
    await server.start()
    try:
        os.write(report, json.dumps({"port": server.rest_port}).encode() + b"\n")
        os.close(report)
        await stop.wait()
    finally:
        await server.stop()


def main(arguments: list[str]) -> None:
    """Start the server as the module's docstring says; returns after an orderly stop."""
    data, port, project = Path(arguments[0]), int(arguments[1]), arguments[2]
    report = os.dup(1)
    os.dup2(2, 1)  # the server prints to standard output before it has set up its log
    threading.Thread(target=stop_with_parent, daemon=True).start()
    install_spatial()
    asyncio.run(serve(data, port, project, report))


if __name__ == "__main__":
    main(sys.argv[1:])
