"""The HTML report in a real browser: keyboard, narrow screen, both colour schemes, hostile text, printing."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from monitor.report import as_html, as_json
from monitor.report.as_html import SIGNS
from tests.support.browser import ARGUMENTS, Browser, chromium
from tests.support.reports import NOON, hostile, large_report, sample_report

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
NASTY = (
    "<script>document.title='owned'</script>",
    "</script><script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=\'owned\'">',
    "{{ 7 * 7 }} ${7*7}",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    path = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield Browser(running, tmp_path_factory.mktemp("pages"))
        running.close()


def test_the_verdict_comes_first_and_every_state_is_a_word(browser: Browser) -> None:
    """Not by colour alone: a sign and the word in each cell, as in the JSON report."""
    report = sample_report()
    [pipeline] = as_json.to_json(report)["pipelines"]  # type: ignore[misc]
    with browser.visit(as_html.render(report)) as visit:
        page = visit.page
        assert page.locator("h1").inner_text() == report.verdict[0]
        assert page.locator(".verdict .status").inner_text().startswith(f"{SIGNS[report.status]} FAILING")
        told = {}
        dates = [cell.get_attribute("data-date") for cell in page.locator(".grid thead th[data-date]").all()]
        for row in page.locator(".grid tbody tr").all():
            name = row.locator("th").inner_text()
            for day, cell in zip(dates, row.locator("td").all(), strict=True):
                sign, _, word = cell.inner_text().strip().partition(" ")
                told[name, day] = (sign, word.strip().replace(" ", "_"))
        assert told == {(p["phase"], p["run_date"]): (SIGNS[p["state"]], p["state"]) for p in pipeline["phases"]}


def test_a_click_shows_the_timeline_with_every_processor(browser: Browser) -> None:
    """Times in the pipeline's zone and in UTC, lateness in words; the trouble is shown without a click."""
    with browser.visit(as_html.render(sample_report())) as visit:
        page = visit.page
        detail = page.locator(".detail")
        assert detail.locator("h3").inner_text().startswith("phase3 of 2026-01-14: stalled, due Thu")
        page.locator(".grid tbody tr", has_text="phase2").locator("a").nth(2).click()
        assert detail.locator("h3").inner_text().startswith("phase2 of 2026-01-14: complete")
        rows = [
            [cell.inner_text() for cell in row.locator("td").all()] for row in detail.locator("table tbody tr").all()
        ]
        phases = sample_report().pipelines[0].phases
        [phase] = [p for p in phases if (p.day.phase, p.day.run_date.day) == ("phase2", 14)]
        expected = {processor.name: processor for processor in phase.processors}
        assert {row[0]: row[1] for row in rows} == {
            name: "critical" if p.critical else "optional" for name, p in expected.items()
        }
        for name, _, when, against in rows:
            assert f"({expected[name].done_at:%H:%M} UTC)" in when
            assert against == "in time"
        assert detail.locator("svg circle.done").count() >= len(rows)


def test_the_keyboard_is_enough(browser: Browser) -> None:
    """Skip link, arrows over the grid, Enter to open, Escape back to where one was."""
    with browser.visit(as_html.render(sample_report())) as visit:
        page = visit.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the phases"
        page.locator(".grid tbody a").first.focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowRight")
        assert page.evaluate("document.activeElement.dataset.c") == "1,1"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.className") == "detail"
        assert page.locator(".detail h3").inner_text().startswith("phase3 of 2026-01-13")
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.dataset.c") == "1,1"


def test_a_screen_reader_finds_its_way(browser: Browser) -> None:
    """Landmarks, headings in order, header cells with a scope, regions that scroll have a name."""
    with browser.visit(as_html.render(sample_report())) as visit:
        page = visit.page
        for landmark in ("header", "nav", "main", "footer"):
            assert page.locator(f"body > {landmark}").count() == 1
        levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(h => +h.tagName[1])")
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
        assert page.locator("th:not([scope])").count() == 0
        assert page.locator("[role=region]:not([aria-label])").count() == 0
        assert page.locator("html").get_attribute("lang") == "en"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_colour_schemes_can_be_read(browser: Browser, scheme: str) -> None:
    """WCAG 2.2, 1.4.3: at least 4.5 to 1 between each text of the page and what is behind it."""
    with browser.visit(as_html.render(sample_report()), scheme=scheme) as visit:
        worst = visit.page.evaluate(CONTRAST)
        assert worst["ratio"] >= 4.5, worst


def test_a_phone_shows_it_without_scrolling_the_page_sideways(browser: Browser) -> None:
    """Wide tables scroll within themselves."""
    with browser.visit(as_html.render(sample_report(days=4)), width=360) as visit:
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 360
        assert visit.page.locator("h1").is_visible()


def test_hostile_text_is_only_text(browser: Browser) -> None:
    """Markup, script ends, template marks, marks that turn the direction of reading, ten thousand characters."""
    from playwright.sync_api import expect

    long = "x" * 10_000
    turned = "name \u202e'gnp.exe'\u202c \u200fis not defined"
    report = sample_report(logs=[hostile(text) for text in (*NASTY, long, turned)])
    with browser.visit(as_html.render(report), width=360) as visit:
        page = visit.page
        assert "owned" not in page.title()
        # What is out of sight is not laid out yet.
        page.locator("#failures .scroll").scroll_into_view_if_needed()
        for text in (*NASTY, long):
            expect(page.locator("#failures")).to_contain_text(text, use_inner_text=True)
        content = page.content()
        assert not any(mark in content for mark in "\u202e\u202c\u200f")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.evaluate("document.querySelectorAll('img').length") == 0


def test_it_prints(browser: Browser) -> None:
    """Nothing that only a screen can use; the timeline is there."""
    with browser.visit(as_html.render(sample_report())) as visit:
        visit.page.emulate_media(media="print")
        assert not visit.page.locator("nav").is_visible()
        assert visit.page.locator(".detail svg").is_visible()
        assert visit.page.pdf()[:5] == b"%PDF-"


def test_ninety_dates_of_six_phases_stay_small_and_whole(browser: Browser) -> None:
    """Below 500 kB, and every cell can be opened."""
    report = large_report()
    html = as_html.render(report)
    assert len(html.encode()) < 500_000
    with browser.visit(html) as visit:
        page = visit.page
        assert page.locator(".grid tbody a").count() == 90 * 6
        page.locator(".grid tbody a").first.click()
        assert page.locator(".detail table tbody tr").count() == 50


def test_many_dates_are_weeks_under_each_other_the_latest_first(browser: Browser) -> None:
    """Every date once; arrows go from week to week; what was chosen opens below its week; Tab finds one cell only."""
    with browser.visit(as_html.render(large_report())) as visit:
        page = visit.page
        weeks = page.evaluate(WEEKS)
        assert weeks[0][-1] == "2026-03-31"
        assert all(1 <= len(week) <= 7 for week in weeks)
        assert [day for week in reversed(weeks) for day in week] == [
            (date(2026, 1, 1) + timedelta(days=n)).isoformat() for n in range(90)
        ]
        page.locator('.grid a[data-c="2,83"]').focus()
        page.keyboard.press("ArrowLeft")
        assert page.evaluate("document.activeElement.dataset.c") == "2,82"
        page.keyboard.press("Enter")
        detail = page.locator(".detail")
        assert detail.locator("h3").inner_text().startswith("phase3 of 2026-03-24")
        assert page.locator(".scroll:has([data-date='2026-03-24']) + .detail").count() == 1
        [stop] = page.locator(".grid a[tabindex='0']").all()
        assert stop.get_attribute("data-c") == "2,82"


def test_times_are_the_zones_own_on_both_sides_of_a_clock_change(browser: Browser) -> None:
    """New York's clocks went forward on 8 March 2026 at 2 o'clock; a run of the 7th is completed after that."""
    report = large_report()
    [pipeline] = report.pipelines
    expected = {
        (phase.day.run_date, processor.name): processor.done_at
        for phase in pipeline.phases
        if phase.day.phase == "phase1" and phase.day.run_date in (date(2026, 3, 6), date(2026, 3, 7))
        for processor in phase.processors
    }
    with browser.visit(as_html.render(report)) as visit:
        page = visit.page
        shown = {}
        for column, day in ((64, date(2026, 3, 6)), (65, date(2026, 3, 7))):
            page.locator(f'.grid a[data-c="0,{column}"]').click()
            rows = page.evaluate(
                "[...document.querySelectorAll('.detail tbody tr')].map(r => [...r.children].map(c => c.textContent))"
            )
            shown |= {(day, name): when for name, _, when, _ in rows}
        assert shown == {
            key: f"{at.astimezone(pipeline.zone):%a} {at.astimezone(pipeline.zone).day} "
            f"{at.astimezone(pipeline.zone):%b, %H:%M} ({at:%H:%M} UTC)"
            for key, at in expected.items()
            if at is not None
        }


def test_without_scripts_every_state_is_there(browser: Browser) -> None:
    """Only the timelines need them."""
    from playwright.sync_api import expect

    report = large_report()
    with browser.visit(as_html.render(report), scripts=False) as visit:
        page = visit.page
        told = page.locator(".grid tbody a").all_text_contents()
        assert len(told) == 90 * 6
        assert page.locator("noscript").inner_text().startswith("The timelines need JavaScript")
        page.locator(".grid").last.scroll_into_view_if_needed()
        first = page.locator(".grid").last.locator("a").first
        expect(first).to_have_text("✔ complete", use_inner_text=True)


def test_the_page_allows_itself_nothing(tmp_path: Path) -> None:
    """Its policy names the hashes of its own script and style and nothing else; its data are plain JSON."""
    html = as_html.render(sample_report(NOON))
    policy = html.split('http-equiv="Content-Security-Policy" content="')[1].split('"')[0].replace("&#39;", "'")
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    data = json.loads(html.split('id="data">')[1].split("</script>")[0])
    assert [p["zone"] for p in data["pipelines"]] == ["America/New_York"]


# The run dates of each table.
WEEKS = """[...document.querySelectorAll('.grid')].map(
  (grid) => [...grid.querySelectorAll('[data-date]')].map((head) => head.dataset.date))"""

# The least contrast of any text with the first opaque background behind it.
CONTRAST = """() => {
  const parse = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return {rgb: n.slice(0, 3), a: n[3] ?? 1}; };
  const light = (rgb) => { const [r, g, b] = rgb.map((v) => { v /= 255;
    return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
  const behind = (node) => { for (let n = node; n; n = n.parentElement) {
    const c = parse(getComputedStyle(n).backgroundColor); if (c.a === 1) return c.rgb; }
    return matchMedia('(prefers-color-scheme: dark)').matches ? [0, 0, 0] : [255, 255, 255]; };
  let worst = {ratio: 99};
  for (const node of document.querySelectorAll('body *:not(script):not(style):not(title)')) {
    if (![...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim())) continue;
    if (!node.checkVisibility()) continue;
    const style = getComputedStyle(node);
    const ink = parse(node instanceof SVGElement ? style.fill : style.color).rgb;
    const [a, b] = [light(ink), light(behind(node))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < worst.ratio) worst = {ratio, text: node.textContent.slice(0, 40), tag: node.tagName};
  }
  return worst;
}"""
