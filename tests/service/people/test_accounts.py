"""An account begins with a one-time code, waits after wrong passwords, and holds its own key."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from service.limits_keys import public_text
from service.people.accounts import (
    CODE_LIVES_S,
    FIRST_WAIT_S,
    TRIES,
    WRONG,
    Accounts,
    PeopleError,
    SignInRefusedError,
)
from service.people.secret import Cost, weakness
from service.people.sessions import Sessions
from service.people.store import PeopleStore

CHEAP = Cost(1, 64, 1)
NOW_S = 1_795_000_000.0
GOOD, BETTER = "violet otter reads maps", "seven kettles under snow"


@pytest.fixture
def store(tmp_path: Path) -> PeopleStore:
    return PeopleStore(tmp_path)


@pytest.fixture
def accounts(store: PeopleStore) -> Accounts:
    return Accounts(store, CHEAP)


def set_up(accounts: Accounts, id_: str = "kim") -> None:
    code = accounts.add(id_, f"{id_.title()} Yuna", "engineer", NOW_S)
    accounts.set_up(id_, code, GOOD, NOW_S + 60.0)


@pytest.mark.requirement("SEC-09")
def test_an_account_begins_with_a_code_and_a_password_of_its_persons_own(
    accounts: Accounts,
) -> None:
    code = accounts.add("kim", "Kim Yuna", "engineer", NOW_S)
    for nothing in ("", code, GOOD):
        with pytest.raises(SignInRefusedError):
            accounts.signed_in("kim", nothing, NOW_S)
    account = accounts.set_up("kim", code, GOOD, NOW_S + 60.0)
    assert (account.state, account.role) == ("active", "engineer")
    assert account.public.startswith("ed25519:")
    assert accounts.signed_in("kim", GOOD, NOW_S + 61.0).id == "kim"
    with pytest.raises(SignInRefusedError):
        accounts.set_up("kim", code, BETTER, NOW_S + 62.0)


@pytest.mark.requirement("SEC-09")
def test_a_code_is_good_for_a_day(accounts: Accounts) -> None:
    code = accounts.add("kim", "Kim Yuna", "engineer", NOW_S)
    with pytest.raises(SignInRefusedError) as refused:
        accounts.set_up("kim", code, GOOD, NOW_S + CODE_LIVES_S + 1.0)
    assert "older than a day" in refused.value.why


@pytest.mark.requirement("REC-06")
def test_one_name_is_one_persons_for_good(accounts: Accounts) -> None:
    accounts.add("kim", "Kim Yuna", "engineer", NOW_S)
    with pytest.raises(PeopleError, match="already"):
        accounts.add("kim", "Kim Other", "operator", NOW_S)


@pytest.mark.parametrize(
    ("id_", "name", "role"),
    [("Kim", "Kim", "operator"), ("../kim", "Kim", "operator"), ("kim", " ", "operator"),
     ("kim", "Kim\nroot", "operator"), ("kim", "Kim", "boss")],
)  # fmt: skip
def test_an_account_of_nobody_is_not_made(
    accounts: Accounts, id_: str, name: str, role: str
) -> None:
    with pytest.raises(PeopleError):
        accounts.add(id_, name, role, NOW_S)
    assert accounts.all() == []


@pytest.mark.requirement("REC-06")
@pytest.mark.requirement("SEC-09")
def test_the_fifth_wrong_password_makes_the_account_wait_and_each_further_one_longer(
    accounts: Accounts,
) -> None:
    set_up(accounts)
    now_s = NOW_S + 100.0
    for _ in range(TRIES):
        with pytest.raises(SignInRefusedError):
            accounts.signed_in("kim", "wrong", now_s)
    with pytest.raises(SignInRefusedError, match="wrong") as refused:
        accounts.signed_in("kim", GOOD, now_s + FIRST_WAIT_S - 1.0)
    assert "waits" in refused.value.why
    now_s += FIRST_WAIT_S + 1.0
    with pytest.raises(SignInRefusedError):
        accounts.signed_in("kim", "wrong", now_s)
    assert accounts.one("kim").wait_until_s == pytest.approx(now_s + 2.0 * FIRST_WAIT_S)
    assert accounts.signed_in("kim", GOOD, now_s + 2.0 * FIRST_WAIT_S).id == "kim"
    assert accounts.one("kim").failures == 0


@pytest.mark.requirement("REC-06")
def test_wrong_passwords_at_a_signature_count_as_well(accounts: Accounts) -> None:
    set_up(accounts)
    for _ in range(TRIES):
        with pytest.raises(SignInRefusedError):
            accounts.key_of("kim", "wrong", NOW_S + 100.0)
    with pytest.raises(SignInRefusedError):
        accounts.key_of("kim", GOOD, NOW_S + 101.0)


def test_every_way_to_fail_says_the_same(accounts: Accounts) -> None:
    set_up(accounts)
    accounts.add("lee", "Lee Minho", "operator", NOW_S)
    set_up(accounts, "park")
    accounts.lock("park")
    texts = set()
    for id_ in ("kim", "lee", "park", "stranger"):
        with pytest.raises(SignInRefusedError) as refused:
            accounts.signed_in(id_, "wrong", NOW_S + 100.0)
        texts.add(str(refused.value))
    assert texts == {WRONG}


@pytest.mark.requirement("REC-06")
def test_the_key_opens_with_the_password_only_and_moves_to_a_new_one(accounts: Accounts) -> None:
    set_up(accounts)
    key = accounts.key_of("kim", GOOD, NOW_S + 100.0)
    assert public_text(key.public_key()) == accounts.one("kim").public
    accounts.change_password("kim", GOOD, BETTER, NOW_S + 101.0)
    with pytest.raises(SignInRefusedError):
        accounts.key_of("kim", GOOD, NOW_S + 102.0)
    same = accounts.key_of("kim", BETTER, NOW_S + 103.0)
    assert same.private_bytes_raw() == key.private_bytes_raw()
    with pytest.raises(PeopleError):
        accounts.change_password("kim", BETTER, "short", NOW_S + 104.0)


def test_a_key_moved_to_another_account_opens_for_nobody(
    accounts: Accounts, store: PeopleStore
) -> None:
    set_up(accounts)
    set_up(accounts, "lee")
    store.run("UPDATE account SET box = (SELECT box FROM account WHERE id = 'kim')")
    with pytest.raises(SignInRefusedError):
        accounts.key_of("lee", GOOD, NOW_S + 100.0)


@pytest.mark.parametrize(
    "weak", ["short", "aaaaaaaaaaaaaaaa", "password1234", "KimYunaKimYuna12", "x" * 129, "kim" * 9]
)
def test_a_password_everybody_would_try_is_refused(weak: str) -> None:
    assert weakness(weak, "kim", "Kim", "Yuna")
    assert not weakness(GOOD, "kim", "Kim", "Yuna")


def test_a_weak_password_does_not_use_the_code_up(accounts: Accounts) -> None:
    code = accounts.add("kim", "Kim Yuna", "engineer", NOW_S)
    with pytest.raises(PeopleError, match="characters"):
        accounts.set_up("kim", code, "short", NOW_S)
    accounts.set_up("kim", code, GOOD, NOW_S)


@pytest.mark.parametrize("how", ["lock", "reset", "password"])
def test_lock_reset_and_password_change_end_every_session(
    accounts: Accounts, store: PeopleStore, how: str
) -> None:
    set_up(accounts)
    sessions = Sessions(store)
    token = sessions.begin("kim", NOW_S)
    assert sessions.of(token, NOW_S, 900.0, 9000.0) is not None
    if how == "lock":
        accounts.lock("kim")
    elif how == "reset":
        accounts.reset("kim", NOW_S)
    else:
        accounts.change_password("kim", GOOD, BETTER, NOW_S)
    assert sessions.of(token, NOW_S, 900.0, 9000.0) is None


def test_a_locked_account_opens_again_where_it_was(accounts: Accounts) -> None:
    set_up(accounts)
    accounts.lock("kim")
    with pytest.raises(SignInRefusedError):
        accounts.signed_in("kim", GOOD, NOW_S)
    accounts.unlock("kim")
    assert accounts.signed_in("kim", GOOD, NOW_S).state == "active"
    accounts.add("lee", "Lee Minho", "operator", NOW_S)
    accounts.lock("lee")
    accounts.unlock("lee")
    assert accounts.one("lee").state == "invited"


@pytest.mark.requirement("SEC-14")
def test_nothing_secret_stands_in_the_file_and_only_its_owner_reads_it(
    accounts: Accounts, store: PeopleStore
) -> None:
    code = accounts.add("kim", "Kim Yuna", "engineer", NOW_S)
    token = Sessions(store).begin("kim", NOW_S)
    accounts.set_up("kim", code, GOOD, NOW_S)
    key = accounts.key_of("kim", GOOD, NOW_S)
    store.run("PRAGMA wal_checkpoint(TRUNCATE)")
    held = store.path.read_bytes()
    for secret in (code, token, GOOD, key.private_bytes_raw().hex()):
        assert secret.encode() not in held
    assert key.private_bytes_raw() not in held
    assert b"$argon2id$" in held
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
