"""Signing in by an identity provider: OpenID Connect's code flow with PKCE, and what it may say.

The provider says who somebody is; which role that gives is a table of the sealed configuration, and
whoever is in no group of it gets nothing. Every sign-in asks the person anew (`prompt=login`) and
believes no sign-in older than five minutes: the panel is shared. An ID token counts only when it is
signed by a key of the provider, with an algorithm listed here, for this line, for this browser's
question, now. Requirements SEC-07, SEC-09.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import re
import ssl
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet

from service.people.secret import new_token

ALGORITHMS = ("RS256", "PS256", "ES256")
"""What an ID token may be signed with: nothing with a shared secret, and never nothing."""
FRESH_S = 300.0
"""How long ago the person may have signed in at the provider."""
LEEWAY_S = 60
PATIENCE_S = 600.0
"""How long a question waits for the person at the provider."""
_MOST_WAITING = 200
_KNOWN_FOR_S = 3600.0
_LARGEST = 256 * 1024
_TIMEOUT_S = 5.0


class ProviderError(Exception):
    """The provider's answer opens nothing; the text says why, for the audit trail."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whom the provider vouches for: `subject` is theirs for good, `role` what the table gives."""

    subject: str
    id: str
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Question:
    """One person on the way to the provider and back. `browser` is known to their browser only."""

    state: str
    nonce: str
    verifier: str
    browser: str
    asked_s: float


class Provider:
    """One provider, as the configuration in force names it. Times are Unix seconds."""

    def __init__(self, settings: Mapping[str, Any], secret: str = "") -> None:
        """`settings` is `page: provider` of the sealed configuration.

        Raises ProviderError for an address over which nobody should be believed.
        """
        self.settings = settings
        self._secret = secret
        self._client = str(settings["client"])
        self._issuer = believable(str(settings["issuer"]))
        self._back = believable(str(settings["address"]))
        self._waiting: dict[str, Question] = {}
        self._found: tuple[float, Mapping[str, Any], KeySet] | None = None

    async def ask(self, now_s: float) -> tuple[str, Question]:
        """Return the address at which a person signs in, and the question they carry there."""
        about, _ = await self._about()
        question = Question(new_token(), new_token(), new_token(), new_token(), now_s)
        old = [key for key, one in self._waiting.items() if now_s - one.asked_s > PATIENCE_S]
        for key in old:
            del self._waiting[key]
        if len(self._waiting) >= _MOST_WAITING:
            raise ProviderError("too many people are on their way to the provider")
        self._waiting[question.state] = question
        words = {
            "response_type": "code", "client_id": self._client, "redirect_uri": self._back,
            "scope": "openid profile " + " ".join(self.settings.get("scopes", ())),
            "state": question.state, "nonce": question.nonce, "prompt": "login", "max_age": "0",
            "code_challenge": create_s256_code_challenge(question.verifier),
            "code_challenge_method": "S256",
        }  # fmt: skip
        where = str(about["authorization_endpoint"])
        return f"{where}{'&' if '?' in where else '?'}{urlencode(words)}", question

    async def answer(self, state: str, code: str, browser: str, now_s: float) -> Visitor:
        """Return whom the provider's answer vouches for; each question is answered once.

        Raises ProviderError.
        """
        question = self._waiting.pop(state, None)
        if question is None or now_s - question.asked_s > PATIENCE_S:
            raise ProviderError("the answer fits no question, or came twice or too late")
        if not browser or browser != question.browser:
            raise ProviderError("the answer came by another browser than the question")
        claims = await self._claims(await self._token(code, question), question, now_s)
        return self._visitor(claims)

    async def _token(self, code: str, question: Question) -> str:
        about, _ = await self._about()
        given = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self._back,
            "code_verifier": question.verifier, "client_id": self._client,
        }  # fmt: skip
        auth = (quote(self._client), quote(self._secret)) if self._secret else None
        answer = await _fetched("POST", str(about["token_endpoint"]), given, auth)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise ProviderError("the provider gave no ID token")
        return token

    async def _claims(self, token: str, question: Question, now_s: float) -> Mapping[str, Any]:
        try:
            header = jws.extract_compact(token.encode()).headers()
            found = jwt.decode(token, await self._key_for(header), algorithms=ALGORITHMS)
            token_claims = CodeIDToken(
                found.claims, found.header,
                {"iss": {"essential": True, "value": self._issuer},
                 "aud": {"essential": True, "value": self._client},
                 "nonce": {"essential": True, "value": question.nonce}},
                {"client_id": self._client, "nonce": question.nonce},
            )  # fmt: skip
            token_claims.validate(now=int(now_s), leeway=LEEWAY_S)
            claims: dict[str, Any] = dict(token_claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise ProviderError(f"the ID token does not stand: {_why(error)}") from error
        at_s = claims.get("auth_time")
        if isinstance(at_s, bool) or not isinstance(at_s, int | float):
            raise ProviderError("the ID token does not say when the person signed in")
        if not -LEEWAY_S <= now_s - at_s <= FRESH_S:
            raise ProviderError("the person did not sign in at the provider just now")
        return claims

    def _visitor(self, claims: Mapping[str, Any]) -> Visitor:
        held = claims.get(str(self.settings["claim"]), [])
        groups = [held] if isinstance(held, str) else held if isinstance(held, list) else []
        table: Mapping[str, str] = self.settings["roles"]
        roles = sorted({table[group] for group in groups if isinstance(group, str)
                        and group in table})  # fmt: skip
        subject = str(claims["sub"])
        if len(roles) != 1:
            gives = "no role" if not roles else f"more than one role ({', '.join(roles)})"
            raise ProviderError(f"what the provider says about {subject} gives {gives} here")
        called = str(claims.get("preferred_username") or claims.get("email") or "")
        name = str(claims.get("name") or called or subject).strip()
        return Visitor(f"{self._issuer} {subject}", short_name(called, subject), name, roles[0])

    async def _key_for(self, header: Mapping[str, Any]) -> Key:
        """Return the one key of the provider that a token's header names.

        A provider changes its keys: one that nobody knows is a reason to look once more.
        """
        for fresh in (False, True):
            _, keys = await self._about(fresh=fresh)
            fitting = [key for key in keys.keys if key.get("use", "sig") == "sig"
                       and header.get("kid") == key.get("kid")]  # fmt: skip
            if len(fitting) == 1:
                return fitting[0]
        raise ProviderError("the ID token is signed with a key that is not the provider's")

    async def _about(self, *, fresh: bool = False) -> tuple[Mapping[str, Any], KeySet]:
        """Return what the provider says about itself, and its keys; at most an hour old."""
        if self._found and not fresh and time.monotonic() - self._found[0] < _KNOWN_FOR_S:
            return self._found[1:]
        where = self._issuer.rstrip("/") + "/.well-known/openid-configuration"
        about = await _fetched("GET", where)
        if about.get("issuer") != self._issuer:
            raise ProviderError(f"{where} speaks for another issuer")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            believable(str(about.get(name, "")))
        try:
            keys = KeySet.import_key_set(await _fetched("GET", str(about["jwks_uri"])))  # type: ignore[arg-type]
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise ProviderError(f"the provider's keys cannot be read: {_why(error)}") from error
        self._found = (time.monotonic(), about, keys)
        return about, keys


def believable(address: str) -> str:
    """Return an address over which a provider is believed: https, or http on this machine.

    Raises ProviderError.
    """
    parts = urlsplit(address)
    here = parts.hostname == "localhost" or _is_loopback(parts.hostname or "")
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and here)):
        return address
    raise ProviderError(f"{address[:100]!r} is neither https nor on this machine")


def secret_in(path: Path) -> str:
    """Return the client's secret; '' where there is none.

    Raises ProviderError when others than the page's user may read it.
    """
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise ProviderError(f"{path} can be read by others. Next: chmod 600 {path}")
        return path.read_text("utf-8").strip()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise ProviderError(f"{path} cannot be read: {error}") from error


def short_name(called: str, subject: str) -> str:
    """Return a short name for a visitor: what they are called, or a mark made of the subject."""
    bare = re.sub(r"[^a-z0-9.-]", "", called.split("@")[0].casefold())[:32].lstrip(".-0123456789")
    return bare or f"p{mark_of(subject)}"


def mark_of(subject: str) -> str:
    """Return eight letters and digits that belong to a subject."""
    return sha256(subject.encode()).hexdigest()[:8]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()


async def _fetched(
    method: str, where: str, form: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return the JSON object at an address: no redirect, no proxy, no more than 256 KiB."""
    body = b""
    try:
        async with (
            asyncio.timeout(3 * _TIMEOUT_S),
            httpx.AsyncClient(verify=_trust(), timeout=_TIMEOUT_S, trust_env=False) as client,
            client.stream(
                method, where, data=form, auth=auth or httpx.USE_CLIENT_DEFAULT,
                headers={"Accept": "application/json"},
            ) as answer,
        ):  # fmt: skip
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > _LARGEST:
                    raise ProviderError(f"{where} answers with too much")
        if answer.status_code != 200:
            raise ProviderError(f"{where} answers {answer.status_code}")
        found = json.loads(body)
    except (httpx.HTTPError, TimeoutError, ValueError) as error:
        raise ProviderError(f"{where} does not answer: {_why(error)}") from error
    if not isinstance(found, dict):
        raise ProviderError(f"{where} answers with something else than an object")
    return found


def _why(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip()[:120]
