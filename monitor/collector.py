"""Python's cyclic garbage collector, kept out of the way of a command's start and end.

Imports make objects that stay. The collector looks through them every 700 new ones, through all of them again at times,
and once more at the end of the process: a quarter of the processor time of a report, of which nothing comes.
"""

from __future__ import annotations

import atexit
import gc

_USUAL = gc.get_threshold()
# A report makes 140,000 objects that the collector knows of; garbage in cycles can be some 20 MB before it is found.
_SELDOM = 200_000


def spare() -> None:
    """Look for cycles seldom, and not at all at the end of the process."""
    gc.set_threshold(_SELDOM, *_USUAL[1:])
    atexit.register(gc.freeze)


def settle() -> None:
    """For a process that lives on: what is there now stays, and what comes is looked through as usual."""
    gc.freeze()
    gc.set_threshold(*_USUAL)
