from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import casadi as ca
import numpy as np
import pytest

from controller import compiled as module
from controller.compiled import Sampled, compiled, default_cache

X = ca.SX.sym("x", 2)
CUBE = Sampled(ca.Function("cube", [X], [X**3 + ca.sin(X)]), [np.array([0.5, 2.0])])


def value(found: module.Compiled) -> float:
    return float(found.functions[0](np.array([2.0, 2.0]))[0])


def files(cache: Path) -> list[Path]:
    return sorted(cache.iterdir())


def test_machine_code_is_kept_and_used_again(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = compiled([CUBE], cache)
    assert first.note == ""
    assert first.functions[0].class_name() == "External"
    assert value(first) == pytest.approx(8.0 + np.sin(2.0))
    (kept,) = files(cache)
    made = kept.stat().st_mtime_ns
    assert compiled([CUBE], cache, compiler="no-such-compiler").note == ""
    assert kept.stat().st_mtime_ns == made
    assert cache.stat().st_mode & 0o777 == 0o700


def test_without_a_compiler_the_interpreter_works_and_says_so(tmp_path: Path) -> None:
    found = compiled([CUBE], tmp_path, compiler="no-such-compiler")
    assert found.functions == (CUBE.function,)
    assert "no C compiler called 'no-such-compiler'" in found.note


def test_a_compiler_that_fails_is_only_a_note(tmp_path: Path) -> None:
    found = compiled([CUBE], tmp_path, compiler="false")
    assert found.functions == (CUBE.function,)
    assert "failed" in found.note
    assert files(tmp_path) == []


def test_a_cache_that_cannot_be_made_is_only_a_note() -> None:
    found = compiled([CUBE], Path("/proc/rheostat"))  # nobody may write there, not even root
    assert found.functions == (CUBE.function,)
    assert "interpreter" in found.note


def test_a_filled_cache_may_be_read_only(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    compiled([CUBE], cache)
    cache.chmod(0o500)
    assert compiled([CUBE], cache).note == ""
    cache.chmod(0o700)


@pytest.mark.parametrize("damage", ["cut", "altered", "emptied"])
def test_a_damaged_library_is_never_loaded(tmp_path: Path, damage: str) -> None:
    cache = tmp_path / "cache"
    compiled([CUBE], cache)
    (kept,) = files(cache)
    good = kept.read_bytes()
    altered = bytearray(good)
    altered[len(good) // 2] ^= 0xFF
    # a new file, as a crash or another programme would leave it: the old one may still be in use
    kept.unlink()
    kept.write_bytes({"cut": good[:4000], "altered": bytes(altered), "emptied": b""}[damage])
    assert compiled([CUBE], cache, compiler="no-such-compiler").note != ""
    again = compiled([CUBE], cache)
    assert again.note == ""
    assert value(again) == pytest.approx(8.0 + np.sin(2.0))
    assert kept.read_bytes() == good


def test_a_cache_where_others_may_write_is_not_trusted(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    compiled([CUBE], cache)
    cache.chmod(0o777)
    assert "others may write" in compiled([CUBE], cache).note


def test_a_library_that_computes_otherwise_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Sampled(ca.Function("cube", [X], [X**3 + ca.cos(X)]), CUBE.inputs)
    compiled([other], tmp_path / "cache")
    (wrong,) = files(tmp_path / "cache")
    monkeypatch.setattr(module, "_library", lambda *_: wrong)
    found = compiled([CUBE], tmp_path / "cache")
    assert "computes otherwise" in found.note
    assert found.functions == (CUBE.function,)


def test_several_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: compiled([CUBE], cache), range(3)))
    assert [each.note for each in found] == ["", "", ""]
    assert {path.suffix for path in files(cache)} == {".so"}


def test_the_cache_is_where_the_user_keeps_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert default_cache() == Path("/somewhere/rheostat/compiled")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_cache().parts[-3:] == (".cache", "rheostat", "compiled")
