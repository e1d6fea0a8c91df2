"""A session is the server's, new at every sign-in, and ends by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.people.sessions import Sessions
from service.people.store import PeopleStore

NOW_S, IDLE_S, LONGEST_S = 1_795_000_000.0, 900.0, 43_200.0


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    return Sessions(PeopleStore(tmp_path))


def lives(sessions: Sessions, token: str, now_s: float) -> bool:
    return sessions.of(token, now_s, IDLE_S, LONGEST_S) is not None


@pytest.mark.requirement("SEC-09")
def test_a_session_ends_without_a_touch_and_after_its_longest_time(sessions: Sessions) -> None:
    token = sessions.begin("kim", NOW_S)
    assert lives(sessions, token, NOW_S + IDLE_S - 1.0)
    assert not lives(sessions, token, NOW_S + IDLE_S)
    assert not lives(sessions, token, NOW_S), "what is over does not come back"
    token = sessions.begin("kim", NOW_S)
    now_s = NOW_S
    while now_s < NOW_S + LONGEST_S - IDLE_S:
        now_s += IDLE_S / 2.0
        assert lives(sessions, token, now_s)
        sessions.touch(token, now_s)
    assert not lives(sessions, token, NOW_S + LONGEST_S)


@pytest.mark.requirement("SEC-08")
def test_a_planted_token_is_worth_nothing_and_the_old_one_ends_at_a_sign_in(
    sessions: Sessions,
) -> None:
    assert not lives(sessions, "planted", NOW_S)
    before = sessions.begin("kim", NOW_S)
    after = sessions.begin("kim", NOW_S + 1.0, instead_of=before)
    assert before != after
    assert not lives(sessions, before, NOW_S + 2.0)
    assert lives(sessions, after, NOW_S + 2.0)


def test_all_sessions_of_a_person_end_together_and_nobody_elses(sessions: Sessions) -> None:
    kims = [sessions.begin("kim", NOW_S) for _ in range(3)]
    lees = sessions.begin("lee", NOW_S)
    assert sessions.end_all("kim") == 3
    assert not any(lives(sessions, token, NOW_S) for token in kims)
    assert lives(sessions, lees, NOW_S)
    assert [one.person for one in sessions.all()] == ["lee"]


def test_a_clock_set_back_does_not_lengthen_a_session(sessions: Sessions) -> None:
    token = sessions.begin("kim", NOW_S)
    assert not lives(sessions, token, NOW_S - 3600.0)
