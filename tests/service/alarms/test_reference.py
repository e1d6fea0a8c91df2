"""The list of alarms in the documentation is the one in force."""

from __future__ import annotations

from pathlib import Path

from service.alarms.reference import reference


def test_the_reference_page_is_the_catalogue() -> None:
    page = Path(__file__).parents[3] / "docs/reference/alarms.md"
    assert page.read_text("utf-8") == reference(), (
        "run: python -m service.alarms.reference > docs/reference/alarms.md"
    )
