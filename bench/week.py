"""Queries and bytes of the sample's week on the local BigQuery, tick by tick; 17 January has no games.

    python bench/week.py [--every 60]

The local BigQuery reports no bytes. The last column is what Google would bill at least: 10 MB for each query and table.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from monitor.embedded import attach_or_start
from tests.conftest import PROJECT
from tests.support import week
from tests.support.pipelines import et


def main() -> None:
    """Run the week and print a line for each day."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--every", type=int, default=60, help="seconds between two ticks")
    every = timedelta(seconds=options.parse_args().every)
    with tempfile.TemporaryDirectory() as folder, attach_or_start(Path(folder), PROJECT) as emulator:
        found, _ = week.days(emulator.endpoint, et("2026-01-13 00:00"), et("2026-01-20 00:00"), every)
    total = 0
    print("date        ticks  asked nobody  queries                             reported   at least")
    for name, day in found.items():
        number = day.queries.total()
        total += number
        by_label = ", ".join(f"{count} {label}" for label, count in sorted(day.queries.items()))
        billed = "not" if day.bytes_billed is None else f"{day.bytes_billed:,}"
        print(f"{name}  {day.ticks:5}  {day.spared:12}  {by_label:35} {billed:>8}  {number * 10:5} MB")
    print(f"{total} queries in {len(found)} days, {total * 10 / 1024:.1f} GB at least")


if __name__ == "__main__":
    main()
