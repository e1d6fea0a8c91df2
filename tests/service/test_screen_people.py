"""People's own sheets in a real Chromium: account, admin, sessions, the review of the trail."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from service.history.batches import batch_list
from service.history.day_files import DayFiles
from service.history.follower import carry_all, history_folder
from tests.service.history.world import make_records
from tests.service.page_browser import CHROMIUM, Seen, chromium, page_server
from tests.service.page_security.world import PASSWORD, World
from tests.service.screen_people import Screen

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Debian's chromium (apt-get install chromium)"
)
NEW = "seven green lanterns hum"
SHEETS = {
    "#/account/me": ("May", "권한"),
    "#/account/people": ("Counts as", "인정되는 역할"),
    "#/account/sessions": ("Last touch", "마지막 조작"),
    "#/records/trail": ("Review by batch", "배치별 검토"),
}


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    """The signed line; its history knows batch 7, and its records go on for long enough."""
    world = World(tmp_path_factory.mktemp("people") / "s")
    _, last = with_batch(world.state, tmp_path_factory.mktemp("batch"))
    while world.engine.rows("cycle")[-1].seq < last:
        world.engine.cycle()
    with page_server(world.state) as address, chromium() as browser:
        seen = Seen(browser, address.replace("127.0.0.1", "localhost"), "en")
        seen.go("")
        yield Screen(world, seen)
    world.close()


def with_batch(state: Path, other: Path) -> tuple[int, int]:
    """Let the history of `state` know batch 7; return the first and last of its records."""
    make_records(other, cycles=3)
    store = DayFiles(history_folder(state), write=True)
    carry_all(other, store)
    (batch,) = batch_list(store)
    store.close()
    return batch["records"][0], batch["records"][1]


@pytest.mark.requirement("SEC-09")
def test_an_admin_makes_an_account_and_its_person_sets_it_up(screen: Screen) -> None:
    page = screen.sign_in("ada")
    screen.show("#/account/people")
    page.get_by_role("button", name="Make an account").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name for signing in").fill("nora")
    dialog.get_by_label("Name as it is printed").fill("Nora New")
    dialog.get_by_label("Role").select_option("engineer")
    dialog.get_by_role("button", name="Confirm").click()
    code = page.locator("dialog .code").inner_text()
    assert re.fullmatch(r"[A-Z0-9]{5}(-[A-Z0-9]{5}){3}", code)
    dialog.get_by_role("button", name="Done").click()
    row = page.locator("tr", has_text="Nora New")
    row.get_by_text("invited").wait_for()
    assert screen.world.accounts.set_up("nora", code, PASSWORD, 0.0).role == "engineer"
    screen.show("#/account/sessions")
    screen.show("#/account/people")
    row.get_by_text("not registered").click()
    row.get_by_text("key: ed25519:").wait_for()
    assert "unregistered" in row.inner_text()
    row.get_by_role("button", name="Lock: nora").click()
    dialog.get_by_role("button", name="Lock").click()
    row.get_by_text("△ locked").wait_for()
    own = page.locator("tr", has_text="Ada Roth")
    assert own.get_by_role("button").count() == 0, "nothing is offered for the own account"


@pytest.mark.requirement("SEC-09")
def test_a_password_somebody_saw_is_changed_before_anything_opens(screen: Screen) -> None:
    page = screen.sign_in("ada")
    screen.show("#/account/people")
    page.get_by_role("button", name="Ask for another password: aude").click()
    page.get_by_role("dialog").get_by_role("button", name="Ask for another password").click()
    page.locator("tr", has_text="Aude Lind").get_by_text("△ renew").wait_for()
    screen.sign_out()
    screen.give_password("aude", PASSWORD)
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("New password").fill(NEW)
    dialog.get_by_label("The same password again").fill(NEW)
    dialog.get_by_role("button", name="Confirm").click()
    page.locator("#person", has_text="Aude Lind").wait_for()
    page.locator("#person").click()
    page.get_by_role("button", name="Change the password").click()
    dialog.get_by_label("The password as it is").fill(NEW)
    dialog.get_by_label("New password").fill(PASSWORD)
    dialog.get_by_label("The same password again").fill(PASSWORD)
    dialog.get_by_role("button", name="Confirm").click()
    page.get_by_text("Sign in to see this line.").wait_for()


@pytest.mark.requirement("REC-12")
def test_quality_reviews_a_batch_and_it_is_flagged_until_then(screen: Screen) -> None:
    page = screen.sign_in("quin")
    screen.show("#/records/trail")
    batch = page.locator(".batches tbody tr")
    batch.get_by_text("△ not reviewed").wait_for()
    batch.get_by_role("link", name="Look").click()
    head = page.locator("h2", has_text=re.compile(r"Records \d+ to \d+"))
    head.wait_for()
    first, last = re.findall(r"\d+", head.inner_text())
    assert page.url.endswith(f"#/records/trail/{first}-{last}")
    page.get_by_role("link", name="All records").click()
    batch.get_by_role("button", name="Sign a review: 7").click()
    dialog = page.get_by_role("dialog")
    assert dialog.get_by_label("First record").input_value() == first
    assert dialog.get_by_label("Last record").input_value() == last
    dialog.get_by_label("What the review found").fill("one hold, explained")
    dialog.get_by_label("Password, as your signature").fill(PASSWORD)
    dialog.get_by_role("button", name="Sign").click()
    batch.get_by_text("✓ reviewed · Quin Vale").wait_for()
    assert batch.get_by_role("button").count() == 0
    meaning = screen.world.engine.rows("signature")[-1].body["meaning"]
    assert meaning == f"I have reviewed the records {first} to {last}: one hold, explained"


@pytest.mark.requirement("GMP-01")
def test_a_lot_is_entered_by_one_person_and_checked_by_another(screen: Screen) -> None:
    page = screen.sign_in("olga")
    screen.show("#/records/exports")
    page.get_by_role("link", name="Lots: 7").click()
    page.get_by_text("No lot entered yet").wait_for()
    for lot in ("A-2231", "A-2213"):
        page.get_by_role("button", name="Enter a lot").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Material, as on the label").fill("acrylic <b>adhesive</b>")
        dialog.get_by_label("Lot, as on the label").fill(lot)
        dialog.get_by_role("button", name="Enter").click()
        page.locator("tr", has_text=lot).get_by_text("△ not checked").wait_for()
    assert page.get_by_role("button", name=re.compile("^Check: ")).count() == 0, "her own"
    page.get_by_role("button", name=re.compile("^Strike: .*A-2213")).click()
    dialog.get_by_label("Why it is wrong").fill("digits swapped")
    dialog.get_by_role("button", name="Strike").click()
    page.locator("tr", has_text="A-2213").get_by_text("digits swapped").wait_for()
    screen.sign_in("emil")
    screen.show("#/records/exports/7")
    page.get_by_role("button", name=re.compile("^Check: .*A-2231")).click()
    dialog.get_by_label("Password, as your signature").fill(PASSWORD)
    dialog.get_by_role("button", name="Sign").click()
    page.locator("tr", has_text="A-2231").get_by_text("✓ Emil Berg").wait_for()
    meaning = screen.world.engine.rows("signature")[-1].body["meaning"]
    assert meaning == (
        "I have checked lot A-2231 of acrylic <b>adhesive</b> for batch 7 against its label"
    )
    report = page.context.request.get(f"{screen.seen.address}/api/batches/7/report").text()
    assert "Material lots" in report
    assert "acrylic &lt;b&gt;adhesive" in report
    assert "struck by Olga Stern" in report


def test_the_sheets_stand_in_both_languages_and_axe_finds_nothing(screen: Screen) -> None:
    page = screen.sign_in("ada")
    for language in ("en", "ko"):
        if language == "ko":
            page.locator("#language").click()
            page.locator("html[lang=ko]").wait_for()
        for route, texts in SHEETS.items():
            screen.seen.go(route)
            page.get_by_text(texts[language == "ko"], exact=True).first.wait_for()
            assert screen.seen.overflow()[1] <= 0, f"{route} is too wide"
            if language == "en":
                found = Axe().run(page)
                assert found.violations_count == 0, f"{route}: {found.generate_report()}"
    assert screen.seen.hosts == {screen.seen.address.split("//")[1]}
