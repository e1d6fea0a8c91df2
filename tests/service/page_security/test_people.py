"""One's own account and the admin's acts, through the page: each recorded with who did it."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.history.reviews import left_open, review_of
from tests.service.page_security.world import PASSWORD, World

NEW = "seven green lanterns hum"


def told(world: World) -> list[tuple[str, str, str]]:
    return [(one["what"], one["person"], one["who"]) for one in world.events("account")]


@pytest.mark.requirement("SEC-09")
@pytest.mark.requirement("SEC-16")
def test_a_password_that_was_seen_is_changed_at_the_next_sign_in_and_opens_nothing_before(
    world: World,
) -> None:
    ada, olga = world.sign_in("ada"), world.sign_in("olga")
    key = world.accounts.one("olga").public
    assert ada.post("/api/people/olga/renew").status_code == 200
    assert olga.get("/api/line").status_code == 401, "her sessions ended"
    given = {"person": "olga", "password": PASSWORD}
    due = olga.post("/api/session", json=given)
    assert (due.status_code, "another password" in due.text) == (409, True)
    for new, status in ((PASSWORD, 422), ("short", 422)):
        assert olga.post("/api/session", json={**given, "new": new}).status_code == status
        assert olga.get("/api/session").json()["person"] is None
    wrong = olga.post("/api/session", json={**given, "password": "wrong", "new": NEW})
    assert wrong.status_code == 401
    assert olga.post("/api/session", json={**given, "new": NEW}).status_code == 200
    assert olga.get("/api/session").json()["person"]["role"] == "operator"
    assert world.accounts.one("olga").public == key, "the register still fits"
    again = {"person": "olga", "password": NEW, "new": PASSWORD}
    assert olga.post("/api/session", json=again).status_code == 422, "only where it is due"
    assert told(world) == [
        ("renew", "olga", "Ada Roth"), ("password changed", "olga", "Olga Stern"),
    ]  # fmt: skip


@pytest.mark.requirement("SEC-07")
def test_an_admin_does_nothing_to_the_own_account(world: World) -> None:
    ada = world.sign_in("ada")
    for what in ("lock", "unlock", "reset", "renew"):
        assert ada.post(f"/api/people/ada/{what}").status_code == 409
    assert ada.post("/api/people/ada/role", json={"role": "engineer"}).status_code == 409
    assert world.accounts.one("ada").role == "admin"
    assert told(world) == []


@pytest.mark.requirement("SEC-07")
def test_a_role_given_by_an_admin_counts_only_while_the_register_does_not(
    tmp_path: Path, world: World
) -> None:
    world.sign_in("ada").post("/api/people/olga/role", json={"role": "engineer"})
    assert world.sign_in("olga").get("/api/session").json()["person"]["role"] == "operator"
    other = World(tmp_path / "s", auto="named")
    try:
        code = other.accounts.add("nora", "Nora New", "operator", 1.8e9)
        other.accounts.set_up("nora", code, PASSWORD, 1.8e9)
        ada, nora = other.sign_in("ada"), other.sign_in("nora")
        assert ada.post("/api/people/nora/role", json={"role": "auditor"}).status_code == 200
        assert nora.get("/api/session").json()["person"]["role"] == "auditor"
        rows = {one["person"]: one for one in ada.get("/api/people").json()}
        assert (rows["nora"]["counts_as"], rows["nora"]["registered"]) == ("auditor", False)
        assert "key: ed25519:" in rows["nora"]["entry"]
        assert told(other) == [("role auditor", "nora", "Ada Roth")]
    finally:
        other.close()


@pytest.mark.requirement("SEC-09")
def test_sessions_are_listed_and_ended(world: World) -> None:
    here, there, ada = world.sign_in("olga"), world.browser("10.9.0.1"), world.sign_in("ada")
    there.post("/api/session", json={"person": "olga", "password": PASSWORD})
    mine = here.get("/api/session/mine").json()
    assert [one["this"] for one in mine].count(True) == 1
    assert {one["person"] for one in mine} == {"olga"}
    listed = ada.get("/api/people/sessions").json()
    assert sorted(one["person"] for one in listed) == ["ada", "olga", "olga"]
    assert here.post("/api/session/end-others").status_code == 200
    assert there.get("/api/line").status_code == 401
    assert here.get("/api/line").status_code == 200
    identity = world.app.state.identity
    start = identity.now_s()
    identity.now_s = lambda: start + 16 * 60.0
    assert ada.get("/api/people/sessions").status_code == 401, "idle for too long"
    assert identity.sessions_of(None, "") == []


def test_a_page_without_accounts_says_where_the_first_is_made(world: World, tmp_path: Path) -> None:
    from service.page.app import build_app

    (tmp_path / "sealed.json").write_bytes((world.state / "sealed.json").read_bytes())
    fresh = world.browser()
    assert fresh.get("/api/session").json()["first"] is False
    world.app = build_app(tmp_path)
    assert world.browser().get("/api/session").json()["first"] is True


@pytest.mark.requirement("REC-12")
def test_a_review_covers_what_it_was_signed_for_and_no_more(world: World) -> None:
    quin = world.sign_in("quin")
    assert quin.get("/api/reviews").json() == []
    last = world.engine.rows("cycle")[-1].seq
    body = {"first": 1, "last": last, "why": "no finding", "password": PASSWORD}
    assert quin.post("/api/review", json=body).status_code == 200
    signed = quin.get("/api/reviews").json()
    keys = ("first", "last", "why", "name", "role")
    found = [tuple(one[key] for key in keys) for one in signed]
    assert found == [(1, last, "no finding", "Quin Vale", "qa-approver")]
    assert review_of({"records": [1, last]}, signed)["reviewed"]
    grown = review_of({"records": [1, last + 3]}, signed)
    assert (grown["reviewed"], grown["left"]) == (False, [(last + 1, last + 3)])
    assert grown["by"] == signed


@pytest.mark.requirement("REC-12")
@pytest.mark.parametrize(
    ("signed", "left"),
    [
        ([], [(10, 20)]),
        ([(1, 5)], [(10, 20)]),
        ([(30, 40)], [(10, 20)]),
        ([(1, 40)], []),
        ([(10, 20)], []),
        ([(10, 14), (16, 20)], [(15, 15)]),
        ([(12, 13), (12, 18)], [(10, 11), (19, 20)]),
        ([(10, 15), (12, 13), (14, 20)], []),
        ([(15, 40), (9, 10)], [(11, 14)]),
    ],
)
def test_the_records_no_review_covers_are_named(
    signed: list[tuple[int, int]], left: list[tuple[int, int]]
) -> None:
    assert left_open(10, 20, signed) == left
