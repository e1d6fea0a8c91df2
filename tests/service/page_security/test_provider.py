"""Signing in by a real OpenID Connect provider on loopback, and by one that lies."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OctKey

from service.page.identity import COOKIE
from service.page.provider import BROWSER, REFUSED
from service.people.provider import (
    PATIENCE_S,
    ProviderError,
    believable,
    mark_of,
    secret_in,
    short_name,
)
from tests.service.page_security.idp import Idp
from tests.service.page_security.world import PASSWORD, Browser, World
from tests.service.small_line import LOOP

BEGIN, BACK = "/api/session/provider", "/api/session/provider/back"


@pytest.fixture
def idp(world: World) -> Iterator[Idp]:
    """The line's provider; `world` believes it."""
    idp = Idp()
    world.app.state.identity.sealed()["page"]["provider"] = idp.settings()
    yield idp
    idp.close()


def carried(browser: Browser) -> dict[str, str]:
    """Go to the provider, sign in there, and return what the browser brings back."""
    url = browser.post(BEGIN).json()["url"]
    where = httpx.get(url, verify=False).headers["location"]
    return {name: values[0] for name, values in parse_qs(urlsplit(where).query).items()}


def visit(world: World, address: str = "10.8.0.1") -> tuple[Browser, httpx.Response]:
    browser = world.browser(address)
    return browser, browser.post(BACK, json=carried(browser))


def person(browser: Browser) -> Any:
    return browser.get("/api/session").json()["person"]


@pytest.mark.requirement("SEC-09")
def test_a_person_of_the_provider_comes_in_with_the_role_of_the_group(
    world: World, idp: Idp
) -> None:
    browser, answer = visit(world)
    assert answer.status_code == 200, answer.text
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith(COOKIE))
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    asked = idp.asked[-1]
    assert (asked["prompt"], asked["max_age"], asked["code_challenge_method"]) == (
        "login", "0", "S256",
    )  # fmt: skip
    account = world.accounts.one("kim")
    assert (account.name, account.role, account.state) == ("Kim Yuna", "operator", "active")
    assert person(browser)["role"] == "unregistered", "the register does not know this key"
    told = [(one["what"], one["person"]) for one in world.events("account")]
    assert told == [(f"added as operator by {idp.issuer}", "kim")]
    idp.person["groups"] = ["line-engineers"]
    visit(world)
    assert world.accounts.one("kim").role == "engineer", "the provider says it anew every time"
    assert len([one for one in world.accounts.all() if one.subject]) == 1


@pytest.mark.requirement("REC-06")
@pytest.mark.requirement("SEC-07")
def test_signing_takes_the_persons_own_key_and_the_register_and_the_provider_agree(
    world: World, idp: Idp
) -> None:
    browser, _ = visit(world)
    assert browser.post("/api/session/key", json={"password": "short"}).status_code == 422
    made = browser.post("/api/session/key", json={"password": PASSWORD})
    assert "key: ed25519:" in made.json()["entry"]
    assert browser.post("/api/session/key", json={"password": PASSWORD}).status_code == 422
    account = world.accounts.one("kim")
    entry = {"name": "Kim Yuna", "role": "operator", "key": account.public, "revoked": None}
    world.people["kim"] = entry
    world.app.state.identity.sealed()["people"]["kim"] = entry
    world.sealed["people"]["kim"] = entry
    assert person(browser) == {
        "id": "kim", "name": "Kim Yuna", "role": "operator", "provider": True, "key": True,
    }  # fmt: skip
    auto = {"loop": LOOP, "mode": "AUTO", "why": "batch 7 begins"}
    assert browser.post("/api/mode", json=auto).status_code == 401, "signed in is not signed"
    signed = browser.post("/api/mode", json={**auto, "password": PASSWORD})
    assert signed.status_code == 200, signed.text
    assert world.engine.rows("signature")[-1].body["person"] == "kim"
    by_password = world.browser("10.8.0.9").post(
        "/api/session", json={"person": "kim", "password": PASSWORD}
    )
    assert by_password.status_code == 401, "who left the company has no second door"
    idp.person["groups"] = ["line-engineers"]
    other, _ = visit(world)
    assert person(other)["role"] == "unregistered", "the register says operator"


def none_at_all(header: Mapping[str, Any], claims: Mapping[str, Any], _: Key) -> str:
    parts = ({**header, "alg": "none"}, claims)
    text = (base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in parts)
    return ".".join((*text, ""))


def with_the_public_key(header: Mapping[str, Any], claims: Mapping[str, Any], key: Key) -> str:
    secret = OctKey.import_key(json.dumps(key.as_dict(private=False)))
    return jwt.encode({**header, "alg": "HS256"}, dict(claims), secret, algorithms=["HS256"])


def by_a_stranger(header: Mapping[str, Any], claims: Mapping[str, Any], _: Key) -> str:
    return jwt.encode(dict(header), dict(claims), ECKey.generate_key("P-256"), algorithms=["ES256"])


def by_a_key_nobody_knows(_: Mapping[str, Any], claims: Mapping[str, Any], key: Key) -> str:
    return jwt.encode({"alg": "ES256", "kid": "other"}, dict(claims), key, algorithms=["ES256"])


def without_a_kid(_: Mapping[str, Any], claims: Mapping[str, Any], key: Key) -> str:
    return jwt.encode({"alg": "ES256"}, dict(claims), key, algorithms=["ES256"])


def touched(header: Mapping[str, Any], claims: Mapping[str, Any], key: Key) -> str:
    head, _, mark = jwt.encode(dict(header), dict(claims), key, algorithms=["ES256"]).split(".")
    changed = json.dumps({**claims, "groups": ["line-engineers"]}).encode()
    return f"{head}.{base64.urlsafe_b64encode(changed).rstrip(b'=').decode()}.{mark}"


NOW = int(time.time())
LIES: list[tuple[str, dict[str, Any], Any, str]] = [
    ("for another client", {"aud": "canteen"}, None, "aud"),
    ("for two, and for the other", {"aud": ["rheostat-line-1", "canteen"], "azp": "canteen"},
     None, "azp"),
    ("for nobody", {"aud": None}, None, "aud"),
    ("by another issuer", {"iss": "https://evil.example"}, None, "iss"),
    ("to another question", {"nonce": "x" * 43}, None, "nonce"),
    ("to no question", {"nonce": None}, None, "nonce"),
    ("expired", {"exp": NOW - 3600}, None, "expired"),
    ("without an end", {"exp": None}, None, "exp"),
    ("from the future", {"iat": NOW + 7200}, None, "future"),
    ("about nobody", {"sub": None}, None, "sub"),
    ("signed in this morning", {"auth_time": NOW - 7200}, None, "just now"),
    ("signed in tomorrow", {"auth_time": NOW + 7200}, None, "just now"),
    ("signed in who knows when", {"auth_time": None}, None, "does not say when"),
    ("signed in, yes", {"auth_time": True}, None, "does not say when"),
    ("in no group", {"groups": []}, None, "no role"),
    ("in groups of another kind", {"groups": {"line-operators": 1}}, None, "no role"),
    ("in the canteen only", {"groups": ["canteen", 7, None]}, None, "no role"),
    ("in two roles", {"groups": ["line-operators", "line-engineers"]}, None, "more than one"),
    ("alg none", {}, none_at_all, "does not stand"),
    ("HS256 with the public key", {}, with_the_public_key, "does not stand"),
    ("by a stranger's key", {}, by_a_stranger, "does not stand"),
    ("by a key nobody knows", {}, by_a_key_nobody_knows, "not the provider's"),
    ("without a kid", {}, without_a_kid, "not the provider's"),
    ("claims touched", {}, touched, "does not stand"),
    ("no token", {}, lambda *_: "", "does not stand"),
    ("no text", {}, lambda *_: 7, "no ID token"),
]  # fmt: skip


@pytest.mark.requirement("SEC-09")
@pytest.mark.requirement("SEC-16")
def test_whatever_a_token_lies_about_nobody_comes_in_and_it_is_recorded(
    world: World, idp: Idp
) -> None:
    honest = idp.sign
    for number, (what, lie, sign, _) in enumerate(LIES):
        idp.lie, idp.sign = lie, sign or honest
        browser, answer = visit(world, f"10.8.1.{number}")
        assert (what, answer.status_code, answer.json()["text"]) == (what, 401, REFUSED)
        assert (what, person(browser)) == (what, None)
        assert COOKIE not in browser.cookies
    assert [one for one in world.accounts.all() if one.subject] == []
    refused = world.events("refused")
    assert len(refused) == len(LIES)
    for (what, _, _, why), event in zip(LIES, refused, strict=True):
        assert why in event["why"], (what, event["why"])


@pytest.mark.requirement("SEC-08")
@pytest.mark.requirement("SEC-09")
def test_an_answer_counts_once_and_only_in_the_browser_that_asked(world: World, idp: Idp) -> None:
    browser = world.browser("10.8.2.1")
    given = carried(browser)
    attacker = world.browser("10.8.2.2")
    carried(attacker)  # with a question of its own, and so a cookie of its own
    assert attacker.post(BACK, json=given).status_code == 401, "sign-in CSRF"
    assert browser.post(BACK, json=given).status_code == 401, "the question is used up"
    again = carried(browser)
    assert browser.post(BACK, json=again).status_code == 200
    assert browser.post(BACK, json=again).status_code == 401, "replayed"
    assert browser.post(BACK, json={**again, "state": "x"}).status_code == 401
    bare = world.browser("10.8.2.3")
    assert bare.post(BACK, json=carried(browser)).status_code == 401, "without the cookie"


@pytest.mark.requirement("SEC-09")
def test_a_stolen_code_fits_no_other_question(world: World, idp: Idp) -> None:
    victim, attacker = world.browser("10.8.3.1"), world.browser("10.8.3.2")
    stolen, own = carried(victim), carried(attacker)
    answer = attacker.post(BACK, json={"state": own["state"], "code": stolen["code"]})
    assert answer.status_code == 401, "the verifier of the question is not the code's"
    assert person(attacker) is None


def test_who_takes_too_long_at_the_provider_begins_again(world: World, idp: Idp) -> None:
    identity = world.app.state.identity
    start = identity.now_s()
    browser = world.browser("10.8.4.1")
    given = carried(browser)
    identity.now_s = lambda: start + PATIENCE_S + 1.0
    assert browser.post(BACK, json=given).status_code == 401


@pytest.mark.requirement("SEC-09")
def test_a_new_key_of_the_provider_is_looked_up_and_the_old_one_is_worth_nothing(
    world: World, idp: Idp
) -> None:
    assert visit(world)[1].status_code == 200
    old = idp.key
    idp.rotate()
    assert visit(world)[1].status_code == 200
    idp.sign = lambda _, claims, __: jwt.encode(
        {"alg": "ES256", "kid": old.kid}, dict(claims), old, algorithms=["ES256"]
    )
    assert visit(world)[1].status_code == 401


@pytest.mark.requirement("SEC-09")
def test_session_fixation_by_way_of_the_provider(world: World, idp: Idp) -> None:
    browser = world.browser("10.8.5.1")
    browser.cookies.set(COOKIE, "planted-by-an-attacker", domain="localhost.local")
    assert browser.post(BACK, json=carried(browser)).status_code == 200
    attacker = world.browser()
    attacker.cookies.set(COOKIE, "planted-by-an-attacker")
    assert person(attacker) is None
    assert BROWSER not in browser.cookies


@pytest.mark.requirement("SEC-07")
def test_nobody_grows_into_somebody_elses_account_and_a_locked_one_stays_locked(
    world: World, idp: Idp
) -> None:
    idp.person |= {"preferred_username": "olga", "sub": "evil", "groups": ["line-engineers"]}
    browser, answer = visit(world)
    assert answer.status_code == 200
    assert person(browser)["id"].startswith("olga.")
    assert person(browser)["role"] == "unregistered"
    assert world.accounts.one("olga").role == "operator"
    world.accounts.lock(person(browser)["id"])
    assert person(browser) is None
    assert visit(world)[1].status_code == 401
    world.accounts.unlock(next(one.id for one in world.accounts.all() if one.subject))
    assert visit(world)[1].status_code == 200


@pytest.mark.requirement("SEC-07")
@pytest.mark.parametrize(
    "about",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://10.0.0.1/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": ""},
        {"jwks_uri": "http://127.0.0.1:9/none"},
        {"padding": "x" * 300_000},
    ],
)
def test_a_provider_that_points_elsewhere_is_not_believed(
    world: World, idp: Idp, about: dict[str, Any]
) -> None:
    idp.about = about
    assert world.browser("10.8.6.1").post(BEGIN).status_code == 503
    assert [one["action"] for one in world.events("refused")] == ["provider"]


def test_a_line_without_a_provider_has_no_such_door(world: World) -> None:
    browser = world.browser("10.8.7.1")
    assert browser.get("/api/session").json()["provider"] is None
    assert browser.post(BEGIN).status_code == 404
    assert browser.post(BACK, json={"state": "x", "code": "y"}).status_code == 404


@pytest.mark.requirement("SEC-09")
def test_the_clients_secret_is_sent_and_read_only_from_a_file_nobody_else_reads(
    world: World, idp: Idp
) -> None:
    idp.secret = "between-line-and-provider"
    assert visit(world)[1].status_code == 401
    path = world.state / "page" / "provider.secret"
    path.write_text(f"{idp.secret}\n", "utf-8")
    path.chmod(0o640)
    with pytest.raises(ProviderError, match="chmod 600"):
        secret_in(path)
    path.chmod(0o600)
    page = world.app.state.identity.sealed()["page"]
    page["provider"] = {**page["provider"], "title": "another seal: the file is read anew"}
    assert visit(world)[1].status_code == 200


@pytest.mark.requirement("SEC-07")
@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("https://id.plant.example", True), ("http://127.0.0.1:8080", True),
        ("http://localhost:8080", True), ("http://[::1]:8080", True),
        ("http://id.plant.example", False), ("http://10.0.0.1", False),
        ("http://127.0.0.1.evil.example", False), ("http://localhost.evil.example", False),
        ("https://", False), ("ftp://127.0.0.1", False), ("", False),
    ],
)  # fmt: skip
def test_plain_http_is_believed_on_this_machine_only(address: str, good: bool) -> None:
    if good:
        assert believable(address) == address
    else:
        with pytest.raises(ProviderError, match="neither https"):
            believable(address)


@pytest.mark.parametrize(
    ("called", "short"),
    [
        ("kim@plant.example", "kim"), ("Kim.Yuna", "kim.yuna"), ("7of9", "of9"),
        ("김유나", f"p{mark_of('22')}"), ("", f"p{mark_of('22')}"), ("a" * 90, "a" * 32),
    ],
)  # fmt: skip
def test_a_short_name_is_made_of_what_somebody_is_called(called: str, short: str) -> None:
    assert short_name(called, "22") == short
