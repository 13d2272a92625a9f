"""The HTML report of 90 run dates, 6 phases, 50 processors in Debian's Chromium: size, time to load, long tasks.

A task over 50 ms keeps the page from answering (the Long Tasks API's own limit). An empty page in the same browser is
taken in turn.

    python bench/page.py [--rounds 5]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from playwright.sync_api import Browser, sync_playwright

from monitor.report import as_html
from tests.support.browser import ARGUMENTS, chromium
from tests.support.reports import large_report

WATCH = """
window.longTasks = [];
new PerformanceObserver((list) => { for (const task of list.getEntries()) window.longTasks.push(task.duration); })
  .observe({type: 'longtask', buffered: true});
"""
EMPTY = "<!doctype html><html lang=en><title>empty</title><p>nothing</p></html>"


def main() -> None:
    """Render, load, click through, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    html = as_html.render(large_report())
    print(f"size: {len(html.encode()):,} bytes")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        pages = {"report": html, "empty page": EMPTY}
        for label, text in pages.items():
            (Path(name) / f"{label}.html").write_text(text, encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(ARGUMENTS))
        results: dict[str, list[tuple[float, list[float]]]] = {label: [] for label in pages}
        for _ in range(rounds):
            for label in pages:
                results[label].append(_load(browser, Path(name) / f"{label}.html"))
        browser.close()
    for label, measured in results.items():
        loads = [load for load, _ in measured]
        tasks = [task for _, long in measured for task in long]
        worst = f"{max(tasks):.0f} ms" if tasks else "none"
        print(
            f"{label}: loaded after {statistics.median(loads):.0f} ms (median of {rounds}); longest long task: {worst}"
        )


def _load(browser: Browser, path: Path) -> tuple[float, list[float]]:
    page = browser.new_page()
    page.add_init_script(WATCH)
    page.goto(path.as_uri(), wait_until="load")
    for number in (0, 100, 300, 500):
        links = page.locator(".grid a")
        if links.count() > number:
            links.nth(number).evaluate("link => link.click()")
    page.wait_for_timeout(200)
    load: float = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    long: list[float] = page.evaluate("window.longTasks")
    page.close()
    return load, long


if __name__ == "__main__":
    main()
