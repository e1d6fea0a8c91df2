"""What an attacker tries at the page, a test for each (docs/reference/page-security.md)."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.page.guard import LARGEST_BODY
from service.page.identity import COOKIE
from service.people.accounts import FIRST_WAIT_S, TRIES, WRONG
from tests.service.page_security.world import PASSWORD, World
from tests.service.small_line import LOOP

OFF = {"loop": LOOP, "mode": "OFF"}
SCRIPT = "<script>alert(1)</script>"


def changing(world: World) -> list[str]:
    """Return every path at which something can be changed."""
    names = {"{sha256}": "ab" * 32, "{person}": "olga", "{what}": "lock"}
    found = []
    for path, methods in world.app.openapi()["paths"].items():
        if set(methods) & {"post", "put", "delete"}:
            for name, value in names.items():
                path = path.replace(name, value)
            found.append(path)
    return found


@pytest.mark.requirement("SEC-08")
def test_csrf_and_rebinding(world: World) -> None:
    """With a session that may do everything here, and still nothing passes."""
    for who in ("ada", "emil"):
        token = str(world.sign_in(who).cookies[COOKIE])
        for number, headers in enumerate((
            {"X-Rheostat": ""},
            {"Origin": "http://evil.example"},
            {"Origin": "null"},
            {"Host": "evil.example"},
            {"Host": "evil.example", "Origin": "http://evil.example"},  # DNS rebinding
        )):  # fmt: skip
            browser = world.browser(f"10.7.0.{number}")  # a flood would be refused for itself
            browser.cookies.set(COOKIE, token)
            for path in changing(world):
                answer = browser.post(path, json=OFF, headers=headers)
                assert (path, answer.status_code) == (path, 403), headers
    assert world.engine.rows("request") == []


@pytest.mark.requirement("SEC-08")
def test_no_get_changes_anything(world: World) -> None:
    emil = world.sign_in("emil")
    for path in changing(world):
        if path != "/api/session" and path != "/api/people":
            assert (path, emil.get(path).status_code) == (path, 405)


@pytest.mark.requirement("SEC-08")
def test_clickjacking_and_foreign_content_are_forbidden_on_every_kind_of_answer(
    world: World,
) -> None:
    nobody = world.browser()
    answers = {
        200: nobody.get("/"), 401: nobody.get("/api/line"), 404: nobody.get("/nothing"),
        405: nobody.get("/api/mode"), 422: nobody.post("/api/session", json={}),
        413: nobody.post("/api/session", content=b"x" * (LARGEST_BODY + 1)),
        403: nobody.post("/api/session", json={}, headers={"X-Rheostat": ""}),
    }  # fmt: skip
    answers[-1] = nobody.get("/static/main.js")
    for status, answer in answers.items():
        assert status in (answer.status_code, -1)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.requirement("SEC-09")
def test_session_fixation(world: World) -> None:
    victim = world.browser()
    victim.cookies.set(COOKIE, "planted-by-an-attacker", domain="localhost.local")
    signed = victim.post("/api/session", json={"person": "olga", "password": PASSWORD})
    assert signed.status_code == 200
    cookie = signed.headers["set-cookie"]
    assert "planted" not in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    attacker = world.browser()
    attacker.cookies.set(COOKIE, "planted-by-an-attacker")
    assert attacker.get("/api/session").json()["person"] is None


@pytest.mark.requirement("SEC-09")
def test_a_session_of_before_is_worth_nothing_after_a_new_sign_in_or_a_sign_out(
    world: World,
) -> None:
    olga = world.sign_in("olga")
    stolen = world.browser()
    stolen.cookies.set(COOKIE, str(olga.cookies[COOKIE]))
    assert stolen.get("/api/session").json()["person"]["id"] == "olga"
    olga.post("/api/session", json={"person": "olga", "password": PASSWORD})
    assert stolen.get("/api/session").json()["person"] is None
    stolen.cookies.clear()
    stolen.cookies.set(COOKIE, str(olga.cookies[COOKIE]))
    olga.post("/api/session/end")
    assert stolen.get("/api/session").json()["person"] is None


@pytest.mark.requirement("SEC-09")
def test_an_idle_session_ends_and_looking_on_is_no_touch(world: World) -> None:
    identity = world.app.state.identity
    start = identity.now_s()
    olga = world.sign_in("olga")
    for minutes in (7, 14):
        identity.now_s = lambda at=start + 60.0 * minutes: at
        assert olga.get("/api/line").status_code == 200
    identity.now_s = lambda: start + 60.0 * 16
    assert olga.get("/api/line").status_code == 401


@pytest.mark.requirement("REC-06")
@pytest.mark.requirement("SEC-16")
def test_brute_force(world: World) -> None:
    """From ever new addresses, so that the account is what stops it."""
    wrong = {"person": "olga", "password": "wrong wrong wrong"}
    for number in range(TRIES):
        answer = world.browser(f"10.1.0.{number}").post("/api/session", json=wrong)
        assert (answer.status_code, answer.json()["text"]) == (401, WRONG)
    right = world.browser("10.1.1.1").post("/api/session", json=wrong | {"password": PASSWORD})
    assert (right.status_code, right.json()["text"]) == (401, WRONG)
    identity = world.app.state.identity
    start = identity.now_s()
    identity.now_s = lambda: start + FIRST_WAIT_S + 1.0
    assert world.sign_in("olga").get("/api/session").json()["person"]["id"] == "olga"
    refused = world.events("refused")
    assert len(refused) == TRIES + 1
    assert {one["who"] for one in refused} == {"olga"}
    assert "waits" in refused[-1]["why"]


@pytest.mark.requirement("SEC-15")
def test_guessing_many_names_from_one_address(world: World) -> None:
    browser = world.browser("10.2.0.1")
    told = [
        browser.post("/api/session", json={"person": f"user{n}", "password": "x"}).status_code
        for n in range(14)
    ]
    assert told[:10] == [401] * 10
    assert set(told[10:]) == {429}
    assert world.sign_in("olga").get("/api/line").status_code == 200, "nobody else is kept out"


@pytest.mark.requirement("SEC-15")
def test_a_flood_of_changes_from_one_address(world: World) -> None:
    browser = world.browser("10.3.0.1")
    told = [browser.post("/api/session/touch").status_code for _ in range(130)]
    assert told[0] == 200
    assert told[-1] == 429
    assert world.browser("10.3.0.2").post("/api/mode", json=OFF).status_code == 200


@pytest.mark.requirement("SEC-15")
def test_oversized_bodies_with_and_without_a_length(world: World) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(LARGEST_BODY // 1000 + 5):
            yield b"x" * 1000

    browser = world.browser()
    for content in (b"x" * (LARGEST_BODY + 1), endless()):
        answer = browser.post(
            "/api/mode", content=content, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 413
    assert world.engine.rows("request") == []


@pytest.mark.requirement("SEC-07")
def test_path_traversal_in_files(world: World) -> None:
    emil = world.sign_in("emil")
    for path in (
        "/static/../app.py", "/static/..%2f..%2fapp.py", "/static/%2e%2e/app.py",
        "/static/....//app.py", "/static//etc/passwd", "/static/..%5capp.py", "/../sealed.json",
        "/static/%2e%2e/%2e%2e/%2e%2e/pyproject.toml", "/static/main.js%00.html",
    ):  # fmt: skip
        answer = emil.get(path)
        assert answer.status_code in (400, 404), path
        assert "import" not in answer.text


@pytest.mark.requirement("SEC-07")
def test_path_traversal_in_every_parameter(world: World) -> None:
    ada, emil = world.sign_in("ada"), world.sign_in("emil")
    bad = ("..%2f..%2fx", "%2e%2e", "x%00", "*", "a/../b", "%2fetc%2fpasswd", "A" * 70, "ab%0a")
    for name in bad:
        for browser, path in (
            (ada, f"/api/people/{name}/lock"),
            (emil, f"/api/limits/{name}/activate"),
            (emil, f"/api/limits/{name}/sign"),
        ):
            answer = browser.post(path, json={"password": "x"})
            assert answer.status_code in (404, 405, 409, 422), answer.text
    assert world.engine.rows("signature") == []


@pytest.mark.requirement("SEC-08")
def test_xss_is_stored_as_text_and_answered_as_json_only(world: World) -> None:
    ada = world.sign_in("ada")
    made = ada.post("/api/people", json={"person": "eve", "name": SCRIPT, "role": "auditor"})
    assert made.status_code == 200
    listed = ada.get("/api/people")
    assert SCRIPT in [one["name"] for one in listed.json()]
    refused = world.browser().post("/api/mode", json=OFF | {"mode": SCRIPT})
    missing = world.browser().get(f"/api/{SCRIPT}")
    asked = world.sign_in("olga").post("/api/mode", json=OFF | {"why": SCRIPT})
    for answer in (made, listed, refused, missing, asked):
        assert answer.headers["content-type"] == "application/json"
    assert world.engine.rows("request")[-1].body["why"] == SCRIPT


@pytest.mark.requirement("SEC-14")
def test_log_injection(world: World, caplog: pytest.LogCaptureFixture) -> None:
    forged = "kim\n2026-11-28 root: signed in\x1b[31m\u202e"
    caplog.set_level(logging.DEBUG)
    for path, body in (
        ("/api/session", {"person": forged, "password": "x"}),
        ("/api/session/set-up", {"person": forged, "code": forged, "password": forged}),
    ):
        assert world.browser().post(path, json=body).status_code == 401
    bad = world.browser().post("/api/mode", json=OFF | {"who": "a\nb", "why": forged})
    assert bad.status_code == 409
    lines = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)
    for event in world.events("refused"):
        assert all(str(text).isprintable() for text in event.values())
    assert world.engine.rows("request") == []


@pytest.mark.requirement("SEC-14")
def test_no_secret_is_logged_recorded_or_echoed(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "turquoise kettle 77 sings"
    code = world.sign_in("ada").post(
        "/api/people", json={"person": "eve", "name": "Eve", "role": "operator"}
    ).json()["code"]  # fmt: skip
    nobody = world.browser("10.4.0.1")
    given: list[tuple[str, Any]] = [
        ("/api/session/set-up", {"person": "eve", "code": "wrong-" + secret, "password": secret}),
        ("/api/session/set-up", {"person": "eve", "code": code, "password": secret}),
        ("/api/session", {"person": "eve", "password": secret + "!"}),
        ("/api/session", {"person": "eve", "password": [secret]}),
        ("/api/session", {"person": "eve", "password": secret}),
        ("/api/mode", OFF | {"mode": "SHADOW", "password": secret}),
    ]
    for path, body in given:
        assert secret not in nobody.post(path, json=body).text
    world.events("refused")
    token = str(nobody.cookies[COOKIE])
    logged = "\n".join(record.getMessage() for record in caplog.records)
    for file in world.state.rglob("*"):
        held = file.read_bytes() if file.is_file() else b""
        for hidden in (secret, token, code):
            assert hidden.encode() not in held, file
            assert hidden not in logged


@pytest.mark.requirement("SEC-16")
@pytest.mark.requirement("SEC-11")
def test_each_kind_of_refusal_is_recorded_once_with_who_and_why(world: World) -> None:
    aude, nobody = world.sign_in("aude"), world.browser("10.5.0.1")
    aude.post("/api/mode", json=OFF | {"mode": "AUTO"})
    nobody.post("/api/mode", json=OFF | {"mode": "SHADOW"})
    nobody.post("/api/mode", json=OFF, headers={"Origin": "http://evil.example"})
    nobody.post("/api/session", json={"person": "olga", "password": "x"})
    nobody.get("/api/line")
    told = [(one["who"], one["action"]) for one in world.events("refused")]
    assert told == [
        ("aude", "mode"), ("not signed in", "mode"), ("not signed in", "off"), ("olga", "sign-in"),
    ]  # fmt: skip
