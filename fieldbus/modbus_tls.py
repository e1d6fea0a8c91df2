"""Modbus inside TLS (Modbus/TCP Security): who we are to the device, and whether it is the one.

The trust list is the one of OPC UA, with the same rules and the same way to look at what was
refused and trust it: so TLS itself only proves that the device holds the key of the certificate it
shows, and that certificate is judged here before the first request.
"""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from fieldbus.certificate import device_faults_of, fingerprint_of
from fieldbus.link import RefusedError
from fieldbus.pki import Pki, PkiError
from fieldbus.sources import Source


def tls_context(pki: Pki | None) -> ssl.SSLContext:
    """Return a context for TLS 1.2 or newer that shows our own certificate.

    Raises:
        RefusedError: our own side is not in order.
    """
    if pki is None:
        raise RefusedError("no folder for certificates was given; not connecting without")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False  # see judge_device: nothing is sent before it
    context.verify_mode = ssl.CERT_NONE
    try:
        own = pki.own()
        with tempfile.NamedTemporaryFile("wb", suffix=".pem") as shown:
            shown.write(own.certificate.public_bytes(Encoding.PEM))
            shown.flush()
            context.load_cert_chain(shown.name, pki.folder / "own.key")
    except (PkiError, OSError) as error:
        raise RefusedError(str(error)) from error
    return context


def judge_device(transport: asyncio.BaseTransport, source: Source, pki: Pki | None) -> None:
    """Judge the certificate of a device we have just connected to.

    Raises:
        RefusedError: it is not the one, with every reason in words.
    """
    inside: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
    shown = inside.getpeercert(binary_form=True) if inside is not None else None
    if not shown or pki is None:
        raise RefusedError("the device shows no certificate")
    try:
        certificate = x509.load_der_x509_certificate(shown)
        faults = device_faults_of(certificate, pki.trust(), source.host, datetime.now(UTC))
    except (PkiError, ValueError) as error:
        raise RefusedError(f"the device's certificate cannot be judged: {error}") from error
    if faults:
        pki.reject(certificate)
        print_ = fingerprint_of(certificate)[:16]
        raise RefusedError(f"the device's certificate {print_} is refused: {'; '.join(faults)}")
