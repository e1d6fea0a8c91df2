"""The screen's texts: every one is in the catalogue, every one is in Korean."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "service" / "page" / "static"


def test_the_catalogue_is_complete_and_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "catalogue.py"), "--check"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_text_a_script_translates_is_in_the_browsers_catalogue() -> None:
    """Found by another way than the extractor's."""
    korean = json.loads((STATIC / "locales" / "ko.json").read_text("utf-8"))
    used = {
        text
        for path in STATIC.glob("*.js")
        for text in re.findall(r'(?<![\w.])t\("((?:[^"\\]|\\.)*)"', path.read_text("utf-8"))
    }
    assert len(used) > 80
    assert used - set(korean) == set()


def test_numbers_and_units_go_through_a_translation_untouched() -> None:
    korean = json.loads((STATIC / "locales" / "ko.json").read_text("utf-8"))
    for english, text in korean.items():
        assert re.findall(r"\{\w+\}", english) != [] or "{" not in text
        for number in re.findall(r"\d+", english):
            assert number in text, f"{english!r} lost {number}"
