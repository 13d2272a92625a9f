"""Without the garbage collector for a while."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """While very many objects are made of which nothing is garbage before the end: for every few hundred new ones the
    collector would look through all there are. May be nested, and used in several threads: the first to end switches it
    on again for all.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
