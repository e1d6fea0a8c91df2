from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cli import test as verb
from cli.app import answer


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, int]], list[list[str]]]:
    def pretend(codes: dict[str, int]) -> list[list[str]]:
        seen: list[list[str]] = []

        def call(what: str, command: list[str]) -> int:
            seen.append([what, *command[1:]])
            return codes.get(what, 0)

        monkeypatch.setattr(verb, "_call", call)
        return seen

    return pretend


def test_everything_is_run_and_pytest_comes_last(calls: Any) -> None:
    seen = calls({})
    assert answer(["test"]) == 0
    assert [call[0] for call in seen] == ["ruff check", "ruff format", "layers", "mypy", "pytest"]
    assert "-n" in seen[-1]
    assert seen[-1][-2:] == ["-p", "tests.branches"]


def test_a_failed_check_does_not_hide_the_tests(calls: Any) -> None:
    seen = calls({"mypy": 1})
    assert answer(["test"]) == 1
    assert seen[-1][0] == "pytest"


def test_failed_tests_are_findings(calls: Any) -> None:
    calls({"pytest": 1})
    assert answer(["test"]) == 1


def test_words_are_passed_on_to_pytest(calls: Any) -> None:
    seen = calls({})
    assert answer(["test", "tests/safety", "-k", "box", "-x"]) == 0
    assert [call[0] for call in seen] == ["pytest"]
    assert seen[0][-4:] == ["tests/safety", "-k", "box", "-x"]


def test_quick_leaves_out_what_is_slow(calls: Any) -> None:
    seen = calls({})
    assert answer(["test", "--quick"]) == 0
    assert "mypy" not in [call[0] for call in seen]
    assert seen[-1][-2:] == ["-m", "not slow"]
