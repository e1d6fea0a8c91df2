"""From the door to an identity provider and back, in a real headless Chromium."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.page_browser import CHROMIUM, Seen, chromium, page_server
from tests.service.page_security.idp import Idp
from tests.service.page_security.world import PASSWORD, World

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Debian's chromium (apt-get install chromium)"
)


@pytest.fixture
def idp() -> Iterator[Idp]:
    idp = Idp()
    yield idp
    idp.close()


@pytest.mark.requirement("SEC-09")
def test_a_person_comes_in_from_the_provider_and_makes_a_signing_key(
    tmp_path: Path, idp: Idp
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    home = f"http://localhost:{port}"
    world = World(tmp_path / "s", provider=idp.settings(f"{home}/"))
    try:
        with page_server(world.state, port), chromium() as browser:
            seen = Seen(browser, home, "en")
            page = seen.page
            page.goto(home)
            idp.lie = {"nonce": "another"}
            page.get_by_role("button", name="Plant directory").click()
            page.locator("#message", has_text="opens nothing here").wait_for()
            assert page.url == f"{home}/", "neither code nor state stays in the address line"
            idp.lie = {}
            page.get_by_role("button", name="Plant directory").click()
            page.locator("#person", has_text="Kim Yuna").click()
            assert page.url == f"{home}/#/account/me"
            page.get_by_text("You may look only").wait_for()
            page.get_by_role("button", name="Make my signing key").click()
            dialog = page.get_by_role("dialog")
            dialog.get_by_label("New password").fill(PASSWORD)
            dialog.get_by_label("The same password again").fill(PASSWORD)
            dialog.get_by_role("button", name="Confirm").click()
            entry = page.locator(".entry").inner_text()
            assert world.accounts.one("kim").public in entry
            dialog.get_by_role("button", name="Done").click()
            page.get_by_role("button", name="Change the signing password").wait_for()
            assert seen.hosts == {home.split("//")[1], idp.issuer.split("//")[1]}
    finally:
        world.close()
