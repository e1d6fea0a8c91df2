"""Accounts from the command line: a code for one person, never a password; each act is reported."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cli.app import answer
from records.store import RecordStore
from service.limits_keeper import SealKeeper
from service.people.accounts import Accounts, SignInRefusedError
from service.people.reports import Reports
from service.people.secret import Cost
from service.people.sessions import Sessions
from service.people.store import PeopleStore
from tests.service.signers import line

UTC = "2026-11-25T09:30:00.000Z"
PASSWORD = "violet otter reads maps"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A commissioned line whose engine does not run."""
    store = RecordStore(tmp_path / "records.sqlite")
    for kind, body in SealKeeper(tmp_path, line(), []).open([], "root", UTC):
        store.append(kind, "", UTC, body)
    store.close()
    return tmp_path


def say(state: Path, *words: str) -> int:
    return answer(["people", *words, "--state", str(state)])


def set_up(state: Path, code: str, person: str = "nora") -> None:
    Accounts(PeopleStore(state), Cost(1, 64, 1)).set_up(person, code, PASSWORD, time.time())


def code_in(text: str) -> str:
    found = re.search(r"[A-Z0-9]{5}(?:-[A-Z0-9]{5}){3}", text)
    assert found is not None
    return found[0]


@pytest.mark.requirement("SEC-09")
def test_a_person_is_added_sets_up_is_listed_locked_and_reset(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert say(state, "add", "nora", "--name", "Nora New", "--role", "operator") == 0
    said = capsys.readouterr()
    code = code_in(said.out)
    assert "people.yaml" in said.err
    set_up(state, code)
    assert say(state, "list", "--entries") == 0
    entries = capsys.readouterr().out
    assert "role: operator" in entries
    assert "key: ed25519:" in entries
    assert say(state, "lock", "nora") == 0
    accounts = Accounts(PeopleStore(state), Cost(1, 64, 1))
    with pytest.raises(SignInRefusedError):
        accounts.signed_in("nora", PASSWORD, time.time())
    assert say(state, "unlock", "nora") == 0
    assert accounts.signed_in("nora", PASSWORD, time.time()).id == "nora"
    capsys.readouterr()
    assert say(state, "list", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["state"], row["registered"], row["waits"]) == ("active", False, False)
    assert say(state, "reset", "nora") == 0
    set_up(state, code_in(capsys.readouterr().out))


@pytest.mark.requirement("SEC-16")
def test_what_was_done_waits_for_an_engine_to_record_it(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    say(state, "add", "nora", "--name", "Nora New", "--role", "operator")
    say(state, "lock", "nora")
    told: list[str] = []

    def engine(message: Mapping[str, Any]) -> dict[str, bool]:
        told.append(f"{message['do']} {message['person']} {message['what']}")
        return {"ok": True}

    assert Reports(PeopleStore(state)).pass_on(engine) == 0
    assert told == ["account nora added as operator", "account nora locked"]
    assert "no engine runs" in capsys.readouterr().err


def test_a_second_account_of_a_name_and_an_unknown_one_are_refused_in_words(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    say(state, "add", "nora", "--name", "Nora New", "--role", "operator")
    assert say(state, "add", "nora", "--name", "Nora Other", "--role", "admin") == 3
    assert say(state, "lock", "nobody") == 3
    said = capsys.readouterr().err
    assert "already" in said
    assert "./rheostat people list" in said


def test_sessions_are_listed_and_ended(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Sessions(PeopleStore(state)).begin("nora", time.time())
    assert say(state, "sessions") == 0
    assert "nora" in capsys.readouterr().out
    assert say(state, "sessions", "--end", "nora") == 0
    assert "1 session(s)" in capsys.readouterr().out
