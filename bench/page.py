"""The HTML report of 90 run dates, 6 phases, 50 processors in Debian's Chromium: size, and the longest task.

A task over 50 ms keeps a page from answering. Each page is opened in a renderer of its own, clicked, scrolled through
and walked over with the keyboard, by the browser's own input events. That is measured twice:

- with the Long Tasks API, as a user's browser would tell it: how many tasks of all rounds took over 50 ms;
- in the browser's trace of all tasks, on the clock and in processor time: on a machine that does other things as well,
  only the second is the page's own. Little is traced, so that tracing itself does not count.

An empty page is taken in turn.

    python bench/page.py [--rounds 5] [--width 1280]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from playwright.sync_api import Browser, Page, sync_playwright

from monitor.report import as_html
from tests.support.browser import ARGUMENTS, chromium
from tests.support.reports import large_report

EMPTY = "<!doctype html><html lang=en><title>empty</title><p>nothing</p></html>"
OBSERVE = """window.longTasks = [];
new PerformanceObserver((list) => longTasks.push(...list.getEntries().map((task) => task.duration)))
  .observe({type: "longtask", buffered: true});"""
CELL = """number => {
  const link = document.querySelectorAll(".grid a")[number];
  link?.scrollIntoView({block: "center"});
  const place = link?.getBoundingClientRect();
  return place ? [place.x + 9, place.y + 9] : null;
}"""
PAUSE_MS = 60


def main() -> None:
    """Render, use both ways, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--width", type=int, default=1280)
    options = parser.parse_args()
    html = as_html.render(large_report())
    print(f"size: {len(html.encode()):,} bytes")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        pages = {"report": html, "empty page": EMPTY}
        for label, text in pages.items():
            (Path(name) / f"{label}.html").write_text(text, encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        longest: dict[str, list[tuple[float, float]]] = {label: [] for label in pages}
        told: dict[str, list[float]] = {label: [] for label in pages}
        for _ in range(options.rounds):
            for label in pages:
                page = browser.new_page(viewport={"width": options.width, "height": 800})
                told[label] += _long_tasks(page, Path(name) / f"{label}.html")
                page = browser.new_page(viewport={"width": options.width, "height": 800})
                longest[label].append(_longest_task(browser, page, Path(name) / f"{label}.html"))
        browser.close()
    for label, tasks in longest.items():
        busy, clock = zip(*tasks, strict=True)
        print(f"{label}: over 50 ms by the Long Tasks API: {len(told[label])} in {options.rounds} visits", end="")
        print(f", {', '.join(f'{task:.0f}' for task in told[label])} ms" if told[label] else "")
        print(f"  longest task in the trace, {_spread(busy)} ms of processor time, {_spread(clock)} ms on the clock")


def _spread(values: tuple[float, ...]) -> str:
    return f"{statistics.median(values):.0f} (median; {min(values):.0f} to {max(values):.0f})"


def _long_tasks(page: Page, path: Path) -> list[float]:
    """Milliseconds of each task over 50 ms, from the page's beginning on."""
    page.add_init_script(OBSERVE)
    _use(page, path)
    tasks: list[float] = page.evaluate("window.longTasks")
    page.context.close()
    return tasks


def _longest_task(browser: Browser, page: Page, path: Path) -> tuple[float, float]:
    """Milliseconds of processor time and on the clock, of the page's main thread from the navigation on."""
    trace = path.with_name("trace.json")
    browser.start_tracing(page=page, path=trace, categories=["-*", "toplevel", "blink.user_timing"])
    _use(page, path)
    browser.stop_tracing()
    page.context.close()
    events = json.loads(trace.read_text(encoding="utf-8"))["traceEvents"]
    [begin] = [
        e for e in events
        if e["name"] == "navigationStart" and e["args"].get("data", {}).get("documentLoaderURL") == path.as_uri()
    ]  # fmt: skip
    tasks = [
        e for e in events
        if (e["pid"], e["tid"]) == (begin["pid"], begin["tid"]) and e["ts"] >= begin["ts"]
        and e.get("ph") == "X" and e["name"].endswith("RunTask")
    ]  # fmt: skip
    return max(e.get("tdur", 0) for e in tasks) / 1000, max(e["dur"] for e in tasks) / 1000


def _use(page: Page, path: Path) -> None:
    """Open it, choose cells far from each other, scroll from one end to the other, walk over the grid by arrows."""
    page.goto(path.as_uri(), wait_until="load")
    page.wait_for_timeout(5 * PAUSE_MS)
    for number in (0, 100, 300, 500):
        place = page.evaluate(CELL, number)
        if place:
            page.mouse.click(*place)
        page.wait_for_timeout(PAUSE_MS)
    for key in ("Escape", "ArrowUp", "ArrowRight", "Enter", "Escape", "Home"):
        page.keyboard.press(key)
        page.wait_for_timeout(PAUSE_MS)
    for _ in range(14):
        page.mouse.wheel(0, 600)
        page.wait_for_timeout(PAUSE_MS)


if __name__ == "__main__":
    main()
