"""Debian's Chromium, driven by Playwright; no browser of Playwright's own is needed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def chromium() -> str:
    """The program's path. Without one the test is skipped aloud, and in CI it fails."""
    found = shutil.which("chromium")
    if found is None:
        reason = "NOT TESTED in a browser: Debian's chromium is not installed"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@dataclass
class Visit:
    """A page, and everything it did that a page of ours must not do."""

    page: Any
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class Browser:
    """One running browser; each visit has a context of its own."""

    def __init__(self, running: Any, folder: Path) -> None:
        self._running = running
        self._folder = folder
        self._pages = 0

    @contextmanager
    def visit(self, html: str, *, width: int = 1200, scheme: str = "light", scripts: bool = True) -> Iterator[Visit]:
        """Open the text as a file. No request but for the file itself, no error, no dialog may come of it."""
        self._pages += 1
        path = self._folder / f"page{self._pages}.html"
        path.write_text(html, encoding="utf-8")
        context = self._running.new_context(
            color_scheme=scheme, viewport={"width": width, "height": 800}, java_script_enabled=scripts
        )
        page = context.new_page()
        visit = Visit(page)
        page.on("request", lambda request: visit.requests.append(request.url))
        page.on("console", lambda message: visit.errors.append(message.text))
        page.on("pageerror", lambda error: visit.errors.append(str(error)))
        page.on("dialog", lambda dialog: visit.errors.append(f"dialog: {dialog.message}"))
        try:
            page.goto(path.as_uri())
            yield visit
            assert visit.requests == [path.as_uri()]
            assert visit.errors == []
        finally:
            context.close()
