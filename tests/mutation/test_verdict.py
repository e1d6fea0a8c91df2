"""What the hunt says at its end: a survivor that is not listed, with a reason, is a finding."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.mutation.__main__ import MOST_EQUIVALENT, _report, _result
from tests.mutation.hunt import Outcome
from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.notebook import Notebook

PATH = "safety/vote.py"


@cache
def _mutants() -> list[Mutant]:
    return list(mutants_of(PATH))


def _one() -> Mutant:
    return _mutants()[0]


def _said(listed: list[dict[str, str]], **outcome: str) -> dict[str, Any]:
    """What is said when all are killed but the first, of which came `outcome`."""
    book = Notebook(Path("nowhere"), {one.key: Outcome("killed", "t") for one in _mutants()})
    if outcome:
        book.found[_one().key] = Outcome(**outcome)
    return _result([PATH], _mutants(), book, {"mutant": listed})


def _entry(one: Mutant, reason: str = "nobody can tell") -> dict[str, str]:
    return {"module": PATH, "function": one.function, "was": one.was, "becomes": one.becomes,
            "reason": reason}  # fmt: skip


@pytest.mark.parametrize("result", ["survived", "no-test", "error"])
def test_what_lives_and_is_not_listed_is_open(result: str) -> None:
    said = _said([], result=result)
    assert [one["what"] for one in said["open"]] == [_one().as_text()]
    assert f"{result}: {PATH}:{_one().first}" in _report(said)


def test_what_is_listed_with_a_reason_is_excused() -> None:
    said = _said([_entry(_one())], result="survived")
    assert (said["open"], said["wrong_list"]) == ([], [])
    assert said["equivalent"] == [f"{PATH} {_one().function}"]


def test_a_list_without_reasons_too_long_or_out_of_date_is_wrong() -> None:
    assert "no reason" in _said([_entry(_one(), " ")], result="survived")["wrong_list"][0]
    assert "killed, or no longer there" in _said([_entry(_one())])["wrong_list"][0]
    too_many = [_entry(one) for one in _mutants()[: MOST_EQUIVALENT + 1]]
    assert f"more than {MOST_EQUIVALENT}" in _said(too_many, result="survived")["wrong_list"][-1]


def test_sentences_are_not_mutated_and_words_are() -> None:
    changes = [one.becomes for one in _mutants() if one.function == "_sample"]
    assert not any("XX, they disagreeXX" in text for text in changes)
    assert any("XX" in one.becomes for one in mutants_of("records/row.py"))
