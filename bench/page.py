"""The HTML report of 90 run dates, 6 phases, 50 processors in Debian's Chromium: size, and the longest task.

A task over 50 ms keeps a page from answering (the Long Tasks API's own limit). Tasks are read from the browser's trace,
on the clock and in processor time: on a machine that does other things as well, only the second is the page's own. An
empty page is taken in turn.

    python bench/page.py [--rounds 5]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from playwright.sync_api import Browser, sync_playwright

from monitor.report import as_html
from tests.support.browser import ARGUMENTS, chromium
from tests.support.reports import large_report

EMPTY = "<!doctype html><html lang=en><title>empty</title><p>nothing</p></html>"


def main() -> None:
    """Render, load, click through, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    html = as_html.render(large_report())
    print(f"size: {len(html.encode()):,} bytes")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        pages = {"report": html, "empty page": EMPTY}
        for label, text in pages.items():
            (Path(name) / f"{label}.html").write_text(text, encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        longest: dict[str, list[tuple[float, float]]] = {label: [] for label in pages}
        for _ in range(rounds):
            for label in pages:
                longest[label].append(_longest_task(browser, Path(name), label))
        browser.close()
    for label, tasks in longest.items():
        busy, clock = (statistics.median(values) for values in zip(*tasks, strict=True))
        print(
            f"{label}: longest task {busy:.0f} ms of processor time, {clock:.0f} ms on the clock (medians of {rounds})"
        )


def _longest_task(browser: Browser, folder: Path, label: str) -> tuple[float, float]:
    """Milliseconds of processor time and on the clock, of the page's main thread, while it loads and is clicked."""
    page = browser.new_page()
    trace = folder / "trace.json"
    browser.start_tracing(page=page, path=trace)
    page.goto((folder / f"{label}.html").as_uri(), wait_until="load")
    for number in (0, 100, 300, 500):
        page.evaluate("number => document.querySelectorAll('.grid a')[number]?.click()", number)
        page.wait_for_timeout(50)
    browser.stop_tracing()
    page.close()
    events = json.loads(trace.read_text(encoding="utf-8"))["traceEvents"]
    main = {(e["pid"], e["tid"]) for e in events if e.get("args", {}).get("name") == "CrRendererMain"}
    tasks = [e for e in events if e.get("ph") == "X" and e["name"] == "RunTask" and (e["pid"], e["tid"]) in main]
    return max(e.get("tdur", 0) for e in tasks) / 1000, max(e["dur"] for e in tasks) / 1000


if __name__ == "__main__":
    main()
