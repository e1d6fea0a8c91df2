"""How an OPC UA connection gets signed, encrypted and proved, or does not come about.

asyncua leaves most of it to whoever uses it: its client takes any self-signed server, never looks
at the host name, and does what a list of endpoints says that came over an open line. So that list
only serves to find the server's certificate and to word a refusal. What counts is judged by our
own rules: the certificate before anything secret leaves us, and the server's own account of itself
once more inside the signed session. There is no way down to less than was configured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from asyncua import Client, ua
from asyncua.crypto import security_policies
from asyncua.crypto.uacrypto import CertProperties
from asyncua.ua.status_codes import get_name_and_doc
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from fieldbus.certificate import Expected, endpoint_fault, faults_of, fingerprint_of
from fieldbus.link import LoginRefusedError, RefusedError
from fieldbus.pki import Own, Pki, PkiError, parsed_certificate
from fieldbus.sources import Source
from fieldbus.tags import WiringError

POLICIES: Final[Mapping[str, Any]] = {
    "Aes256Sha256RsaPss": security_policies.SecurityPolicyAes256Sha256RsaPss,
    "Aes128Sha256RsaOaep": security_policies.SecurityPolicyAes128Sha256RsaOaep,
    "Basic256Sha256": security_policies.SecurityPolicyBasic256Sha256,
}
_ENCRYPTED: Final = ua.MessageSecurityMode.SignAndEncrypt
_ABOUT_THE_USER: Final = ("UserAccessDenied", "IdentityToken", "UserSignature")
_ABOUT_OUR_CERTIFICATE: Final = ("Certificate", "SecurityChecks", "ApplicationSignature")


async def connect(client: Client, source: Source, pki: Pki | None) -> None:
    """Connect as configured, or not at all.

    Raises:
        RefusedError: for security's sake, with the reason in words.
    """
    if source.insecure and not source.policy:
        client.application_uri = "urn:rheostat:engine"
        await client.connect()
        return
    if source.policy not in POLICIES:
        raise WiringError(
            f"source {source.name}: the configuration names no security for {source.endpoint}, and "
            "does not say 'insecure: true' either. Not connecting"
        )
    if pki is None:
        raise RefusedError("no folder for certificates was given; not connecting without")
    try:
        own = pki.own()
        if source.user:
            login = pki.login(source.name, source.user)
            client.set_user(login.user)
            client.set_password(login.password)
    except PkiError as error:
        raise RefusedError(str(error)) from error
    if datetime.now(UTC) > own.certificate.not_valid_after_utc:
        raise RefusedError("our own certificate has expired: ./rheostat certs renew")
    certificate = await _certificate_of(source, pki)
    _judge(certificate, source, pki)
    client.application_uri = own.uri
    await client.set_security(
        POLICIES[source.policy],
        CertProperties(own.certificate.public_bytes(Encoding.DER), "der"),
        CertProperties(own.key_pem, "pem"),
        server_certificate=CertProperties(certificate.public_bytes(Encoding.DER), "der"),
        mode=_ENCRYPTED,
    )
    proof = _Proof(client, source, certificate)
    try:
        await client.connect()
    except RefusedError:
        raise
    except TimeoutError as error:
        raise RefusedError(
            "the server shows its certificate, but does not answer when spoken to in secret: does "
            f"it hold the key? Or is {source.timeout_s:g} s too short for it?"
        ) from error
    except Exception as error:  # whatever the library makes of it, here it means 'no'
        raise (_refusal(error, source, own) or error) from error
    if not proof.given:
        raise RefusedError("the library connected without asking who the server is")


class _Proof:
    """Judges the server's own account of itself, which came signed, before we log in."""

    def __init__(self, client: Client, source: Source, certificate: x509.Certificate) -> None:
        self.given = False
        self._source = source
        self._certificate = certificate
        self._create = client.create_session
        client.create_session = self._create_session

    async def _create_session(self) -> Any:  # noqa: ANN401 - the library's answer
        answer = await self._create()
        endpoint = chosen(answer.ServerEndpoints, self._source)
        if endpoint.Server.ApplicationUri != self._source.server_uri:
            raise RefusedError(
                f"the server says it is {endpoint.Server.ApplicationUri}, not "
                f"{self._source.server_uri}"
            )
        fault = endpoint_fault(endpoint.EndpointUrl, self._source.endpoint, self._certificate)
        if fault:
            raise RefusedError(f"this is another server than was meant: {fault}")
        kinds = {token.TokenType for token in endpoint.UserIdentityTokens or []}
        due = ua.UserTokenType.UserName if self._source.user else ua.UserTokenType.Anonymous
        if due not in kinds:
            what = "no users with passwords" if self._source.user else "nobody without a user"
            raise RefusedError(f"the server lets in {what} on this endpoint")
        self.given = True
        return answer


def chosen(endpoints: Sequence[Any], source: Source) -> Any:  # noqa: ANN401 - the library's type
    """Return the endpoint with the configured policy, signed and encrypted.

    Raises:
        RefusedError: there is none; nothing less is taken.
    """
    uri = POLICIES[source.policy].URI
    for endpoint in endpoints or []:
        if endpoint.SecurityMode == _ENCRYPTED and endpoint.SecurityPolicyUri == uri:
            return endpoint
    offered = sorted(
        f"{str(one.SecurityPolicyUri).rpartition('#')[2]} ({one.SecurityMode.name.rstrip('_')})"
        for one in endpoints or []
    )
    raise RefusedError(
        f"the server does not offer {source.policy} signed and encrypted, only "
        f"{', '.join(offered) or 'nothing'}; not going on with less"
    )


async def _certificate_of(source: Source, pki: Pki) -> x509.Certificate:
    """Return the certificate the server shows, or the one we know it by if it shows none."""
    asking = Client(source.endpoint, timeout=source.timeout_s)
    try:
        endpoints = await asking.connect_and_get_server_endpoints()
    except (TimeoutError, ConnectionRefusedError):
        raise
    except (ua.UaError, OSError, AssertionError) as error:
        return _known(source, pki, error)
    shown = chosen(endpoints, source).ServerCertificate
    if not shown:
        raise RefusedError("the server shows no certificate")
    try:
        return parsed_certificate(shown, "what the server shows")
    except PkiError as error:
        raise RefusedError(str(error)) from error


def _known(source: Source, pki: Pki, error: Exception) -> x509.Certificate:
    """Return the trusted certificate of a server that says nothing on an open line."""
    expected = _expected(source)
    try:
        trust = pki.trust()
    except PkiError as fault:
        raise RefusedError(str(fault)) from fault
    now = datetime.now(UTC)
    for certificate in trust.certificates:
        if not faults_of(certificate, trust, expected, now):
            return certificate
    raise RefusedError(
        f"the server shows its certificate to nobody ({type(error).__name__}), and no trusted one "
        f"belongs to {expected.uri} at {expected.host}: ask for its file, ./rheostat certs trust"
    ) from error


def _judge(certificate: x509.Certificate, source: Source, pki: Pki) -> None:
    try:
        faults = faults_of(certificate, pki.trust(), _expected(source), datetime.now(UTC))
    except PkiError as error:
        raise RefusedError(str(error)) from error
    if faults:
        pki.reject(certificate)
        print_ = fingerprint_of(certificate)[:16]
        raise RefusedError(f"the server's certificate {print_} is refused: {'; '.join(faults)}")


def _expected(source: Source) -> Expected:
    return Expected(source.server_uri, urlsplit(source.endpoint).hostname or "")


def _refusal(error: Exception, source: Source, own: Own) -> RefusedError | None:
    """Say what the server did not like about us, as far as it tells; None for other troubles."""
    code = getattr(error, "code", None)
    name = get_name_and_doc(code)[0] if isinstance(code, int) else type(error).__name__
    ours = fingerprint_of(own.certificate)[:16]
    if any(word in name for word in _ABOUT_THE_USER):
        user = source.user or "(none)"
        return LoginRefusedError(f"the server refuses the user {user} ({name})")
    if any(word in name for word in _ABOUT_OUR_CERTIFICATE):
        return RefusedError(
            f"the server refuses our certificate {ours} ({name}): make it trusted there"
        )
    if isinstance(error, (AssertionError, ConnectionError)):
        return RefusedError(
            "the server broke off the handshake; often it does not trust our certificate "
            f"{ours} yet"
        )
    if isinstance(code, int) and "Security" not in name:
        return None
    return RefusedError(f"the secure connection failed: {' '.join(str(error).split()) or name}")
