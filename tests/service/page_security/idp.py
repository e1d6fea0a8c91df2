"""A small OpenID Connect provider on loopback: real sockets, real signatures, and ways to lie."""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, Key

CLIENT = "rheostat-line-1"
KIM: Mapping[str, Any] = {
    "sub": "00u1", "name": "Kim Yuna", "preferred_username": "kim@plant.example",
    "groups": ["line-operators", "canteen"],
}  # fmt: skip
ROLES = {"line-operators": "operator", "line-engineers": "engineer"}

Sign = Callable[[Mapping[str, Any], Mapping[str, Any], Key], str]


def signed(header: Mapping[str, Any], claims: Mapping[str, Any], key: Key) -> str:
    return jwt.encode(dict(header), dict(claims), key, algorithms=["ES256"])


class Idp:
    """One provider. `person` signs in when asked; what `lie` changes is what its tokens say."""

    def __init__(self) -> None:
        self.person: dict[str, Any] = dict(KIM)
        self.lie: dict[str, Any] = {}
        self.sign: Sign = signed
        self.about: dict[str, Any] = {}
        self.secret = ""
        self.asked: list[dict[str, str]] = []
        self.codes: dict[str, dict[str, str]] = {}
        self.key: Key
        self.shown: list[Key] = []
        self.rotate()
        idp = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                return

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                if parts.path == "/authorize":
                    self.send_response(302)
                    self.send_header("Location", idp.authorised(parts.query))
                    self.end_headers()
                    return
                keys = [key.as_dict(private=False) for key in idp.shown]
                known = {
                    "/.well-known/openid-configuration": idp.discovery(), "/jwks": {"keys": keys},
                }  # fmt: skip
                self._say(known.get(parts.path, {}))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                self._say(idp.token(form, self.headers.get("Authorization", "")))

            def _say(self, answer: Mapping[str, Any]) -> None:
                body = json.dumps(answer).encode()
                self.send_response(400 if not answer or "error" in answer else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def settings(self, address: str = "http://localhost/") -> dict[str, Any]:
        """What `page: provider` of a line says about this provider."""
        return {
            "title": "Plant directory", "issuer": self.issuer, "client": CLIENT,
            "address": address, "claim": "groups", "scopes": [], "roles": dict(ROLES),
        }  # fmt: skip

    def rotate(self) -> None:
        """Sign with another key from now on, and show only that one."""
        self.key = ECKey.generate_key("P-256", {"kid": secrets.token_hex(4), "use": "sig"})
        self.shown = [self.key]

    def discovery(self) -> dict[str, Any]:
        found = {
            "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/jwks",
        }  # fmt: skip
        return found | self.about

    def authorised(self, query: str) -> str:
        """The person signs in: return where the browser goes with the code."""
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        self.asked.append(asked)
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, form: Mapping[str, str], authorization: str) -> dict[str, Any]:
        """Return the tokens of a code: once, to its own client, with the fitting verifier."""
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None:
            return {"error": "invalid_grant"}
        proof = base64.urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest())
        basic = base64.b64encode(f"{CLIENT}:{self.secret}".encode()).decode()
        if (
            proof.rstrip(b"=").decode() != asked["code_challenge"]
            or (form["client_id"], form["redirect_uri"]) != (CLIENT, asked["redirect_uri"])
            or (self.secret and authorization != f"Basic {basic}")
        ):
            return {"error": "invalid_grant"}
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "auth_time": now,
            "nonce": asked["nonce"], **self.person, **self.lie,
        }  # fmt: skip
        kept = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": "ES256", "kid": self.key.kid}
        return {"access_token": "x", "id_token": self.sign(header, kept, self.key)}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
