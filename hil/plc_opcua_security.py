"""The bench's OPC UA PLC as a secured server: whom it lets in.

It judges clients by rules of its own: only a certificate that lies in its trust folder, byte for
byte, and only the one user with the one password.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from asyncua import Server, ua
from asyncua.common.utils import ServiceError
from asyncua.crypto.permission_rules import User, UserRole
from cryptography import x509

from fieldbus.pki import Pki
from hil.bench_identity import PLC


async def protect(server: Server, source: Mapping[str, Any], pki: Pki) -> None:
    """Make the server serve as its source's `security` says; call after init, before start.

    An open endpoint stays for asking what there is (other clients need it): it opens no session.
    """
    security, own = source["security"], pki.own()
    server.set_security_policy(
        [
            ua.SecurityPolicyType.NoSecurity,
            ua.SecurityPolicyType[f"{security['policy']}_SignAndEncrypt"],
        ]
    )
    await server.set_application_uri(security["server_uri"])
    await server.load_certificate(str(pki.folder / "own.der"))
    await server.load_private_key(own.key_pem, format="pem")
    user = security.get("user")
    token = ua.UserNameIdentityToken if user else ua.AnonymousIdentityToken
    server.set_identity_tokens([token])
    server.iserver.user_manager = _Doorman(user, pki.login(PLC, user).password if user else "")
    server.set_certificate_validator(_Guest(pki))


class _Guest:
    """Lets in clients whose certificate lies in the PLC's trust folder."""

    def __init__(self, pki: Pki) -> None:
        self._pki = pki

    async def __call__(self, certificate: x509.Certificate, _description: object) -> None:
        if certificate not in [one for _, one in self._pki.trusted()]:
            self._pki.reject(certificate)
            raise ServiceError(ua.StatusCodes.BadCertificateUntrusted)


class _Doorman:
    """Lets in one user, and nobody on an open channel."""

    def __init__(self, user: str | None, password: str) -> None:
        self._user = user
        self._password = password

    def get_user(
        self,
        _server: object,
        username: str | None = None,
        password: str | None = None,
        certificate: bytes | None = None,
    ) -> User | None:
        """Return the user, or None when there is none."""
        known = self._user is None or (
            username == self._user
            and hmac.compare_digest((password or "").encode(), self._password.encode())
        )
        return User(UserRole.User) if known and certificate else None
