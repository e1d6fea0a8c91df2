"""One browser at the signed line's page, which one person after the other sits down at."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.service.page_browser import Seen
from tests.service.page_security.world import PASSWORD, World


class Screen:
    """The signed line's page, opened by one person after the other."""

    def __init__(self, world: World, seen: Seen) -> None:
        self.world, self.seen, self.page = world, seen, seen.page

    def sign_in(self, person: str) -> Page:
        """Sign out whoever is there, and in as `person`."""
        self.sign_out()
        self.give_password(person, PASSWORD)
        self.page.locator("#person", has_text="·").wait_for()
        return self.page

    def sign_out(self) -> None:
        """Sign out whoever is there."""
        if self.page.locator("#person", has_text="·").count():
            self.page.locator("#person").click()
            self.page.get_by_role("button", name="Sign out", exact=True).click()
            self.page.get_by_text("Sign in to see this line.").wait_for()

    def give_password(self, person: str, password: str) -> None:
        """Give name and password at the door."""
        self.page.get_by_role("button", name="Sign in").first.click()
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_label("Name for signing in").fill(person)
        dialog.get_by_label("Password").fill(password)
        dialog.get_by_role("button", name="Sign in").click()

    def show(self, route: str) -> None:
        """Show one level; returns once it stands."""
        self.page.evaluate(f"location.hash = '{route}'")
        self.page.locator("#view > *").first.wait_for()
