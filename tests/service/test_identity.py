"""What the hash of the software is made of: whatever decides, interpreted or compiled."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.identity import hash_of_sources, hashes_of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "controller" / "native"
    folder.mkdir(parents=True)
    for name in ("a.py", "native/b.c", "native/b.h"):
        (tmp_path / "controller" / name).write_text("one", "ascii")
    (tmp_path / "lock").write_text("one", "ascii")
    return tmp_path


def hash_now(root: Path) -> str:
    return hash_of_sources(root, ("controller",), extra=("lock",))


@pytest.mark.parametrize(
    "name", ["controller/a.py", "controller/native/b.c", "controller/native/b.h", "lock"]
)
def test_every_source_counts(root: Path, name: str) -> None:
    before = hash_now(root)
    (root / name).write_text("two", "ascii")
    assert hash_now(root) != before


@pytest.mark.parametrize("suffix", [".py", ".c", ".h"])
def test_a_new_name_counts_and_a_by_product_does_not(root: Path, suffix: str) -> None:
    before = hash_now(root)
    (root / "controller" / "__pycache__").mkdir()
    (root / "controller" / "__pycache__" / "a.pyc").write_text("two", "ascii")
    assert hash_now(root) == before
    old = next((root / "controller").rglob(f"*{suffix}"))
    old.rename(old.with_name(f"z{suffix}"))
    assert hash_now(root) != before


def test_the_three_hashes_of_this_software_differ_and_stand_still() -> None:
    hashes = hashes_of({"a": 1})
    assert len(set(hashes.values())) == 3
    assert hashes_of({"a": 1}) == hashes
    assert hashes_of({"a": 2})["config"] != hashes["config"]
