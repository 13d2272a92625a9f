"""The BigQuery client library without what it would like to have: half its import time, and some 60 MB of memory.

``google.cloud.bigquery`` 3.x imports pyarrow (and numpy with it), bigquery_storage, pandas and tqdm if they are
installed, for results as data frames, and opentelemetry, to be traced; other packages bring most of them along.
phasewatch reads some rows.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType

_NOT_NEEDED = frozenset(
    {
        "pyarrow",
        "google.cloud.bigquery_storage_v1",
        "google.cloud.bigquery_storage",
        "pandas",
        "tqdm",
        "opentelemetry",
    }
)
_LOCK = threading.Lock()


class _Hidden(MetaPathFinder):
    """What is not needed is not found by the thread that made this; other threads may be importing it just now."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()

    def find_spec(self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None, /) -> None:
        """Leave all else to the other finders."""
        if name in _NOT_NEEDED and threading.get_ident() == self._thread:
            raise ModuleNotFoundError(f"{name} is left out", name=name)


def import_bigquery() -> None:
    """Import ``google.cloud.bigquery``, if nobody has yet; call it before the import statement.

    What is left out here can be imported elsewhere meanwhile and afterwards.
    """
    with _LOCK:
        if "google.cloud.bigquery" in sys.modules:
            return
        hidden = _Hidden()
        sys.meta_path.insert(0, hidden)
        try:
            importlib.import_module("google.cloud.bigquery")
        finally:
            sys.meta_path.remove(hidden)
