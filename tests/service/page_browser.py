"""A real headless Chromium on a page server of a made state directory, and what it saw."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

CHROMIUM = shutil.which("chromium")
PANEL = {"width": 1366, "height": 768}
"""The panel PC the screen is made for."""


class Seen:
    """One page of a browser, with everything it complained of and every host it asked."""

    def __init__(self, browser: Browser, address: str, language: str) -> None:
        self.address = address
        self.problems: list[str] = []
        self.hosts: set[str] = set()
        self.context = browser.new_context(viewport=dict(PANEL), locale="en-GB")  # type: ignore[arg-type]
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))
        key = "'rheostat.language'"
        script = f"localStorage.getItem({key}) ?? localStorage.setItem({key}, '{language}')"
        self.page.add_init_script(script)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(message.text)

    def go(self, route: str) -> Page:
        """Show one level; returns once it stands."""
        self.page.goto(f"{self.address}/{route}")
        self.page.locator("#view > *").first.wait_for()
        return self.page

    def overflow(self) -> tuple[int, int]:
        """Return how far the page scrolls down and sideways [px]."""
        down, side = self.page.evaluate(
            "[document.documentElement.scrollHeight - innerHeight,"
            " document.documentElement.scrollWidth - innerWidth]"
        )
        return int(down), int(side)

    def visible(self, text: str) -> bool:
        """Say whether `text` stands wholly inside the window, without scrolling."""
        found = self.page.get_by_text(text).first
        found.wait_for()
        box = found.bounding_box()
        return box is not None and 0 <= box["y"] and box["y"] + box["height"] <= PANEL["height"]


@contextmanager
def page_server(state: Path, port: int = 0) -> Iterator[str]:
    """Serve `state` by a page process of its own; gives its address."""
    page = subprocess.Popen(
        [sys.executable, "-m", "service.page", "--state", str(state), "--port", str(port)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert page.stdout is not None
    try:
        yield f"http://127.0.0.1:{json.loads(page.stdout.readline())['port']}"
    finally:
        page.terminate()
        page.wait(10)
        page.stdout.close()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Launch Debian's Chromium, headless."""
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            yield browser
        finally:
            browser.close()
