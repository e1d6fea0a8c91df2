"""Every way a change must not come into force, and the one way it may."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safety.rules import loop_rules
from service.clock import utc_text
from service.limits_change import changes, refusal_of
from service.limits_judge import fault_in_history, judge_change
from service.limits_proposal import Proposal, Seal, Signature
from service.limits_words import WHY_REFUSED
from tests.service.signers import (
    KEYS,
    NARROWER,
    NOW,
    change,
    commissioned,
    line,
    register,
    signed,
)
from tests.service.small_line import LOOP, SP, small_sealed


def codes(
    proposal: Proposal, signatures: Sequence[Signature], base: Seal | None = None
) -> set[str]:
    """The codes of everything that stands against a change; each with words."""
    refusals = judge_change(proposal, signatures, base or commissioned(), NOW)
    for refusal in refusals:
        assert refusal.what
        assert refusal.next
        assert WHY_REFUSED[refusal.code]
    return {refusal.code for refusal in refusals}


@pytest.mark.requirement("GMP-12")
@pytest.mark.requirement("REC-07")
def test_a_narrower_range_with_two_signatures_passes() -> None:
    proposal = change(commissioned(), line(operating=NARROWER))
    assert codes(proposal, signed(proposal, "kim", "lee")) == set()


@pytest.mark.requirement("REC-07")
@pytest.mark.requirement("SEC-11")
@pytest.mark.parametrize(
    ("signers", "due"),
    [
        ((), {"RH-2010"}),
        (("kim",), {"RH-2010"}),
        (("lee",), {"RH-2010"}),
        (("kim", "kim"), {"RH-2011"}),
        (("kim", "park"), {"RH-2014"}),
        (("kim", "choi"), {"RH-2013"}),
        (("kim", "stranger"), {"RH-2012"}),
        (("park", "lee"), {"RH-2010"}),
    ],
)
def test_fewer_or_other_signatures_are_refused(signers: tuple[str, ...], due: set[str]) -> None:
    proposal = change(commissioned(), line(operating=NARROWER))
    assert codes(proposal, signed(proposal, *signers)) == due


@pytest.mark.requirement("REC-07")
def test_a_qa_approver_cannot_write_a_change_and_nobody_signs_in_another_role() -> None:
    proposal = change(commissioned(), line(operating=NARROWER), author="lee")
    assert "RH-2014" in codes(proposal, signed(proposal, "lee", "kim"))
    config = line()
    config["people"]["choi"]["revoked"] = None
    base = commissioned(config)
    proposal = change(base, {**line(operating=NARROWER), "people": config["people"]}, author="lee")
    assert codes(proposal, signed(proposal, "lee", "choi"), base) == {"RH-2014"}
    proposal = change(commissioned(), line(operating=NARROWER))
    as_qa = [*signed(proposal, "kim"), *signed(proposal, "park", role="qa-approver")]
    assert "RH-2014" in codes(proposal, as_qa), "the register says what somebody is"


@pytest.mark.requirement("REC-05")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", 3), ("base", "0" * 64), ("author", "park"), ("reason", "another"),
        ("expires", utc_text(NOW + timedelta(days=3))), ("line", "test-2"),
        ("config", line(operating=[2.5e-4, 8.0000001e-4])), ("files", {"limits.yaml": "0"}),
    ],
)  # fmt: skip
def test_one_byte_changed_after_signing_is_refused(field: str, value: Any) -> None:
    proposal = change(commissioned(), line(operating=NARROWER))
    signatures = signed(proposal, "kim", "lee")
    assert "RH-2015" in codes(replace(proposal, **{field: value}), signatures)


@pytest.mark.requirement("REC-05")
@given(st.integers(0, 63), st.integers(1, 255))
def test_any_flipped_byte_of_a_signature_is_found(place: int, flip: int) -> None:
    proposal = change(commissioned(), line(operating=NARROWER))
    kim, lee = signed(proposal, "kim", "lee")
    raw = bytearray.fromhex(lee.bytes_hex)
    raw[place] ^= flip
    assert "RH-2015" in codes(proposal, [kim, replace(lee, bytes_hex=raw.hex())])


@pytest.mark.requirement("REC-05")
@pytest.mark.parametrize(
    "spoiled", [{"meaning": "seen"}, {"utc": "soon"}, {"bytes_hex": "zz"}, {"name": "Choi Yuna"}]
)
def test_a_signature_says_who_when_and_what_it_means(spoiled: dict[str, str]) -> None:
    proposal = change(commissioned(), line(operating=NARROWER))
    kim, lee = signed(proposal, "kim", "lee")
    assert "RH-2015" in codes(proposal, [kim, replace(lee, **spoiled)])


@pytest.mark.requirement("REC-05")
def test_a_signature_cannot_be_transplanted() -> None:
    first = change(commissioned(), line(operating=NARROWER))
    second = change(commissioned(), line(operating=[2.5e-4, 8.5e-4]))
    moved = [replace(one, proposal=second.sha256) for one in signed(first, "kim", "lee")]
    assert "RH-2015" in codes(second, moved)
    assert "RH-2015" in codes(second, signed(first, "kim", "lee"))


@pytest.mark.parametrize(
    ("field", "value", "due"),
    [
        ("expires", utc_text(NOW - timedelta(seconds=1)), "RH-2005"),
        ("expires", "", "RH-2005"),
        ("expires", utc_text(NOW + timedelta(days=40)), "RH-2005"),
        ("utc", utc_text(NOW + timedelta(hours=1)), "RH-2005"),
        ("version", 1, "RH-2004"),
        ("version", 3, "RH-2003"),
        ("base", "1" * 64, "RH-2003"),
        ("line", "line-9", "RH-2002"),
        ("kind", "registration", "RH-2001"),
        ("reason", " ", "RH-2007"),
    ],
)
def test_old_foreign_and_unreasoned_proposals_are_refused(field: str, value: Any, due: str) -> None:
    proposal = replace(change(commissioned(), line(operating=NARROWER)), **{field: value})
    assert due in codes(proposal, signed(proposal, "kim", "lee"))


@pytest.mark.requirement("SEC-06")
def test_rolling_back_needs_a_new_proposal() -> None:
    first = commissioned()
    second = change(first, line(operating=NARROWER))
    sealed = Seal(second, signed(second, "kim", "lee"))
    third = change(sealed, line(operating=[2.6e-4, 8e-4]))
    now = Seal(third, signed(third, "kim", "lee"))
    assert codes(second, sealed.signatures, now) == {"RH-2004"}
    back = change(now, line(operating=NARROWER))
    assert codes(back, signed(back, "kim", "lee"), now) == set()


@pytest.mark.requirement("GMP-12")
@pytest.mark.parametrize(
    "limits",
    [
        {"proven": [1e-4, 9.5e-4]},
        {"equipment": [1e-4, 1.1e-3]},
        {"rate": 2e-6},
        {"resolution": 1e-8},
        {"tolerance": 1e-5},
    ],
)
def test_only_the_innermost_range_moves(limits: dict[str, Any]) -> None:
    proposal = change(commissioned(), line(**limits))
    refusals = judge_change(proposal, signed(proposal, "kim", "lee"), commissioned(), NOW)
    assert [refusal.code for refusal in refusals] == ["RH-2020"]
    assert f"limits.setpoints.{SP}.{next(iter(limits))}" in refusals[0].what


@pytest.mark.requirement("GMP-12")
@pytest.mark.parametrize(
    "operating", [[0.5e-4, 8e-4], [2e-4, 2e-3], [8e-4, 2e-4], [3e-4, 3e-4], [float("nan"), 8e-4]]
)
def test_a_range_outside_the_proven_one_or_upside_down_is_refused(operating: list[float]) -> None:
    proposal = change(commissioned(), line(operating=operating))
    assert "RH-2021" in codes(proposal, signed(proposal, "kim", "lee"))


def test_everything_else_in_the_configuration_stays() -> None:
    """Default deny: of all values of a line, only those of the table may be signed for."""
    base = line()
    movable = {"operating", "validity"}
    for path in changes({}, base):
        if path.place[0] in ("recipe", "people") or "controller" in path.place:
            continue
        refusal = refusal_of(path)
        assert (refusal is None) == (path.place[-1] in movable), path.path


def test_a_change_of_nothing_and_a_register_of_nobody_are_refused() -> None:
    proposal = change(commissioned(), line())
    assert codes(proposal, signed(proposal, "kim", "lee")) == {"RH-2006"}
    lonely = line(operating=NARROWER)
    lonely["people"] = {"kim": register()["kim"]}
    proposal = change(commissioned(), lonely)
    assert codes(proposal, signed(proposal, "kim", "lee")) == {"RH-2023"}


@pytest.mark.requirement("SEC-11")
@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"key": register()["kim"]["key"]}, "name or the key of somebody else"),
        ({"name": "kim yuna "}, "name or the key of somebody else"),
        ({"key": "ed25519:AAAA"}, "not an Ed25519 public key"),
        ({"role": "boss"}, "no known role"),
        ({"revoked": True}, "revoked without words"),
        ({"more": "x"}, "other fields"),
    ],
)
def test_a_register_in_which_one_person_could_be_two_is_refused(
    entry: dict[str, Any], words: str
) -> None:
    config = line()
    config["people"]["lee"] = register()["lee"] | entry
    proposal = change(commissioned(), config)
    refusals = judge_change(proposal, signed(proposal, "kim", "lee"), commissioned(), NOW)
    assert [refusal.code for refusal in refusals] == ["RH-2021"]
    assert words in refusals[0].what


def test_a_new_register_counts_from_the_next_change_on() -> None:
    config = line()
    config["people"]["lee"] = register()["lee"] | {"revoked": "2026-11-25: has left"}
    config["people"]["choi"] = register()["choi"] | {"revoked": None}
    first = commissioned()
    proposal = change(first, config)
    assert codes(proposal, signed(proposal, "kim", "lee")) == set()
    now = Seal(proposal, signed(proposal, "kim", "lee"))
    config = line(operating=NARROWER) | {"people": config["people"]}
    proposal = change(now, config)
    assert codes(proposal, signed(proposal, "kim", "lee"), now) == {"RH-2013"}
    assert codes(proposal, signed(proposal, "kim", "choi"), now) == set()


def test_a_history_is_followed_signature_by_signature() -> None:
    first = commissioned()
    second = change(first, line(operating=NARROWER))
    good = Seal(second, signed(second, "kim", "lee"))
    assert fault_in_history([first, good]) == ""
    assert "signed" in fault_in_history([first, Seal(second, signed(second, "kim"))])
    assert "does not follow" in fault_in_history([good])
    assert "does not follow" in fault_in_history([first, Seal(replace(second, base="0" * 64), ())])
    skipped = replace(second, version=3)
    assert "out of order" in fault_in_history([first, Seal(skipped, signed(skipped, "kim", "lee"))])
    grabbed = replace(second, kind="registration")
    assert "should have signed" in fault_in_history([first, Seal(grabbed, ())])
    again = replace(second, kind="commissioning")
    assert "only the first" in fault_in_history([first, Seal(again, ())])


def test_the_first_people_may_be_registered_and_only_they() -> None:
    bare = small_sealed() | {"people": {}}
    first = commissioned(bare)
    people = change(first, bare | {"people": register()}, kind="registration")
    assert fault_in_history([first, Seal(people, ())]) == ""
    more = change(first, line(operating=NARROWER), kind="registration")
    assert "should have signed" in fault_in_history([first, Seal(more, ())])


def test_the_gate_runs_with_what_is_let_through() -> None:
    assert loop_rules(line(operating=NARROWER), LOOP).limits() == {SP: tuple(NARROWER)}
    assert set(KEYS) > set(register())
