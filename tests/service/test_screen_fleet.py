"""Level 0 in a real headless Chromium: several lines of one PostgreSQL server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from records.store import RecordStore
from service.clock import utc_text
from service.history.follower import URL, carry_all
from service.history.postgres import Postgres
from tests.service.history.world import make_records, programs, server
from tests.service.page_browser import CHROMIUM, Seen, chromium, page_server
from tests.service.page_world import commissioned, make_state
from tests.service.test_page import Desk

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium (apt-get install it)"),
    pytest.mark.skipif(programs() is None, reason="needs PostgreSQL (apt-get install postgresql)"),
]
ALARM = {
    "event": "alarm", "alarm": "coating.target", "loop": "coating", "priority": "high",
    "title": "Off target", "from": "NORM", "to": "UNACK", "text": "",
}  # fmt: skip


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Browser, str, str]]:
    """Three lines: this one, which runs; one that is silent since yesterday; one never heard."""
    folder, now, bin_ = tmp_path_factory.mktemp("fleet"), datetime.now(UTC), programs()
    assert bin_ is not None
    here = folder / "line-1"
    sealed = make_state(here, 60, loops=("coating", "profile", "mixing"), ends=now, hasty=40)
    commissioned(here, sealed, utc_text(now))
    records = RecordStore(here / "records.sqlite")
    records.append("event", "coating", utc_text(now), ALARM)
    records.close()
    make_records(folder / "line-2", start=now - timedelta(hours=20), cycles=300)
    with server(bin_) as url, pytest.MonkeyPatch.context() as patch:
        for name in ("line-1", "line-2"):
            follow(url, name, folder / name)
        Postgres(url, "line-3").close()
        patch.setenv(URL, url)
        desk = Desk(here)
        with page_server(here) as address, chromium() as browser:
            yield browser, address, url
        desk.close()


def freshen(url: str) -> None:
    """Move this line's cycles on, so that the last one is now, however slow the machine is."""
    schema, now_ms = '"rheostat_line-1".cycle', round(time.time() * 1000)
    moved = f"UPDATE {schema} SET t_ms = t_ms + %s - (SELECT MAX(t_ms) FROM {schema})"
    with psycopg.connect(url) as connection:
        connection.execute(moved.encode(), (now_ms,))


def follow(url: str, line: str, state: Path) -> None:
    store = Postgres(url, line)
    carry_all(state, store)
    store.close()


@pytest.mark.parametrize(
    ("language", "texts"),
    [("en", ("Lines: 3 · unknown: 2 · with an alarm: 1", "Unknown: not heard",
             "Unknown: no cycle recorded yet", "Off target")),
     ("ko", ("라인: 3 · 알 수 없음: 2 · 경보 있음: 1", "알 수 없음: 수신 없음",
             "알 수 없음: 기록된 주기 없음", "목표 이탈"))],
)  # fmt: skip
def test_the_lines_of_a_server_are_seen_at_a_glance(
    shown: tuple[Browser, str, str], language: str, texts: tuple[str, ...]
) -> None:
    browser, address, url = shown
    seen = Seen(browser, address, language)
    page = seen.go("#/")
    freshen(url)
    page.locator("nav a[data-level=fleet]").click()
    page.locator(".fleet tbody").nth(2).wait_for()
    for text in texts:
        assert text in page.locator("#view").inner_text()
    groups = page.locator(".fleet tbody")
    assert groups.nth(0).locator(".mode").all_inner_texts() == ["AUTO", "AUTO", "AUTO"]
    assert groups.nth(1).locator(".mode").count() == 0  # its last mode is not what it is in now
    assert groups.nth(1).locator("tr.stale").count() == 1
    assert seen.overflow()[1] <= 0
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert seen.problems == []
    seen.context.close()
