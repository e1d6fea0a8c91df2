"""The list of attacks names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "page-security.md"


def test_every_test_the_list_names_exists() -> None:
    text = PAGE.read_text("utf-8")
    sources = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", text))
    assert len(named) >= 25
    assert {name for name in named if f"def {name}(" not in sources} == set()
    attacks = (ROOT / "tests/service/page_security/test_attacks.py").read_text("utf-8")
    assert set(re.findall(r"def (test_\w+)\(", attacks)) <= named, "an attack the list forgot"
