"""The BigQuery client library without what it would like to have: half its import time, and some 60 MB of memory.

``google.cloud.bigquery`` 3.x imports pyarrow (and numpy with it), bigquery_storage, pandas and tqdm if they are
installed, for results as data frames, and opentelemetry, to be traced; other packages bring most of them along.
phasewatch reads some rows.
"""

from __future__ import annotations

import importlib
import sys
import threading

_NOT_NEEDED = (
    "pyarrow",
    "google.cloud.bigquery_storage_v1",
    "google.cloud.bigquery_storage",
    "pandas",
    "tqdm",
    "opentelemetry",
)
_LOCK = threading.Lock()


def import_bigquery() -> None:
    """Import ``google.cloud.bigquery``, if nobody has yet; call it before the import statement.

    What is left out here can be imported elsewhere afterwards.
    """
    with _LOCK:
        if "google.cloud.bigquery" in sys.modules:
            return
        hidden = [name for name in _NOT_NEEDED if name not in sys.modules]
        for name in hidden:
            # The documented way to make an import fail: docs.python.org/3/reference/import.html#the-module-cache
            sys.modules[name] = None  # type: ignore[assignment]
        try:
            importlib.import_module("google.cloud.bigquery")
        finally:
            for name in hidden:
                sys.modules.pop(name, None)
