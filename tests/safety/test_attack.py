"""The campaign against the gate: it finds nothing in ours, and something in every broken one."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from hil.broken_gates import BROKEN, broken
from hil.gate_campaign import Campaign, CampaignError, fuzz, resumed
from hil.gate_fuzz import Story, tell
from safety import gate

ROOT = Path(__file__).parents[2]
ORACLE = ("gate_oracle", "gate_oracle_table", "gate_oracle_senses", "gate_oracle_plan",
          "gate_oracle_ledger")  # fmt: skip
SEED = 1
SLICE = 3_000
"""Cycles of a segment a broken gate is given: most fall in the first."""


def _attacked(name: str, segments: int) -> Story:
    with broken(name):
        for number in range(segments):
            story = tell(SEED, number, SLICE)
            if story.escapes:
                return story
    return story


@pytest.mark.requirement("P1")
@pytest.mark.requirement("P2")
@pytest.mark.requirement("P3")
@pytest.mark.requirement("P4")
@pytest.mark.requirement("P7")
@pytest.mark.requirement("P9")
@pytest.mark.requirement("P12")
def test_nothing_escapes_ours_and_it_is_not_by_never_writing() -> None:
    stories = [tell(20, number, 2_500) for number in range(4)]
    assert [story.escapes for story in stories] == [[]] * 4
    closed = sum(story.modes["AUTO"] for story in stories)
    assert closed > 0.3 * sum(story.cycles for story in stories)
    fired = {rule for story in stories for rule in story.rules}
    assert fired >= {f"IL-{number:02d}" for number in range(1, 21)}


@pytest.mark.parametrize("name", BROKEN)
def test_every_broken_gate_is_found(name: str) -> None:
    story = _attacked(name, 12)
    assert story.escapes, f"{name} escaped the oracle for {12 * SLICE} cycles"


def test_there_are_enough_of_them_and_breaking_is_undone() -> None:
    assert len(BROKEN) >= 12
    before = vars(gate).copy()
    for name in BROKEN:
        with broken(name):
            pass
    assert vars(gate) == before


def test_the_same_seed_tells_the_same_story() -> None:
    assert tell(3, 5, 500).to_json() == tell(3, 5, 500).to_json()
    assert tell(3, 5, 500).to_json() != tell(3, 6, 500).to_json()


@pytest.mark.requirement("HIL-03")
def test_the_oracle_shares_no_code_with_the_gate() -> None:
    for name in ORACLE:
        tree = ast.parse((ROOT / "hil" / f"{name}.py").read_text("utf-8"))
        modules = [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
        modules += [a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names]
        ours = {m for m in modules if m.partition(".")[0] in ("safety", "hil", "service")}
        assert ours <= {f"hil.{other}" for other in ORACLE}, name


def test_an_interrupted_campaign_carries_on_and_counts_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hil.gate_campaign.SEGMENT", 40)
    monkeypatch.setattr("hil.gate_campaign.tell", lambda seed, number: tell(seed, number, 40))
    state = tmp_path / "state.json"
    fuzz(80, 5, 1, out=state)
    rest = fuzz(160, 5, 1, out=state)
    whole = fuzz(160, 5, 1)
    assert (rest.cycles, rest.segments, rest.modes, rest.rules) == (
        whole.cycles, whole.segments, whole.modes, whole.rules,
    )  # fmt: skip
    assert rest.played == 80
    with pytest.raises(CampaignError, match="belongs to seed 5"):
        resumed(state, 6, "")
    state.write_text("{}", "utf-8")
    with pytest.raises(CampaignError, match="no state"):
        resumed(state, 5, "")


def test_two_processes_count_what_one_counts() -> None:
    one: Campaign = fuzz(20_000, 9, 2, gate="raises")
    assert [escape["segment"] for escape in one.escapes] == [0, 1]
    assert one.cycles == 2
