"""A person's signature under a record: bound to it, and never without name, time and meaning."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from records.act import Act, act_of, fault_of_act, sign_act

KEY = Ed25519PrivateKey.generate()
PUBLIC = "ed25519:" + base64.b64encode(KEY.public_key().public_bytes_raw()).decode()
PEOPLE: dict[str, Any] = {
    "kim": {"name": "Kim Example", "role": "qa-approver", "key": PUBLIC, "revoked": None}
}
ACT = Act(17, "ab" * 32, "kim", "Kim Example", "qa-approver", "reviewed", "2026-11-25T00:00:00Z")


@pytest.mark.requirement("REC-05")
def test_a_signature_stands_for_its_record_and_no_other() -> None:
    signed = sign_act(ACT, KEY)
    assert fault_of_act(signed, ACT.hash, PEOPLE) == ""
    assert act_of(signed.body()) == signed
    assert "another record" in fault_of_act(signed, "cd" * 32, PEOPLE)
    moved = replace(signed, hash="cd" * 32)
    assert "not genuine" in fault_of_act(moved, "cd" * 32, PEOPLE)


@pytest.mark.requirement("REC-05")
@pytest.mark.parametrize("field", ["record", "meaning", "utc", "bytes_hex"])
def test_a_changed_part_is_not_genuine(field: str) -> None:
    signed = sign_act(ACT, KEY)
    body = signed.body()
    body[field] = 18 if field == "record" else "0" + str(body[field])[1:] + "x"
    assert "not genuine" in fault_of_act(act_of(body), ACT.hash, PEOPLE)


@pytest.mark.requirement("REC-04")
def test_it_shows_printed_name_time_and_meaning_and_is_never_without() -> None:
    text = sign_act(ACT, KEY).as_text()
    assert all(part in text for part in ("Kim Example", "2026-11-25T00:00:00Z", "reviewed"))
    for part in ("name", "utc", "meaning"):
        with pytest.raises(ValueError, match=f"{part} is empty"):
            sign_act(act_of({**ACT.body(), part: " "}), KEY)


def test_only_registered_people_with_a_living_key_count() -> None:
    signed = sign_act(ACT, KEY)
    assert "not registered" in fault_of_act(signed, ACT.hash, {})
    renamed = {"kim": {**PEOPLE["kim"], "name": "Someone Else"}}
    assert "not registered" in fault_of_act(signed, ACT.hash, renamed)
    revoked = {"kim": {**PEOPLE["kim"], "revoked": "2026-11-01, lost"}}
    assert "revoked" in fault_of_act(signed, ACT.hash, revoked)


@pytest.mark.parametrize("damage", [{"record": "17"}, {"record": True}, {"name": 3}, {"utc": None}])
def test_a_body_that_is_no_signature_is_refused(damage: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no signature"):
        act_of({**ACT.body(), **damage})
