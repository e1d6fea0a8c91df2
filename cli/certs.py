"""`./rheostat certs`: who we are to the PLCs, and which PLCs we believe."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from cyclopts import App, Parameter

from cli.places import STATES, shown
from cli.refusal import FINDINGS, OK, USAGE, RefusalError, say
from cli.words import Flag, Text

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from fieldbus.pki import Pki

HELP = """OPC UA certificates: ours, and those of the PLCs we trust.

They live in the folder pki of the line's state folder, and count from the next connection on.
docs/how-to/connect-a-plc.md goes through it step by step.
"""
LEAST_LETTERS = 8
T = TypeVar("T")

certs = App(name="certs", help=HELP)
Line = Annotated[str, Parameter(show_default=False)]
Host = Annotated[tuple[str, ...], Parameter(negative="", show_default=False)]


@certs.command
def make(
    *,
    host: Host = (),
    uri: Text = "",
    days: int = 730,
    line: Line = "line-1",
    state: Path | None = None,
) -> int:
    """Make our own key and certificate; the PLC must then be told to trust it.

    Parameters
    ----------
    host
        Name or address of this machine as the PLC sees it. Repeatable. Default: its host name.
    uri
        Our application URI. Default: made of host name and line.
    days
        How long it is valid.
    line
        Which line, by its id.
    state
        State folder of the line. Default: var/ and the line's id.
    """
    _days(days)
    hosts = list(host) or [socket.gethostname()]
    pki = _pki(line, state)
    ours = uri or f"urn:{hosts[0]}:rheostat:{line}"
    certificate = _or_refused(lambda: pki.make(ours, hosts, f"Rheostat {line}", days))
    print(_described("own", certificate))
    say(f"give {shown(pki.folder / 'own.der')} to whoever keeps the PLC, and have it trusted there")
    return OK


@certs.command(name="list")
def list_(*, line: Line = "line-1", state: Path | None = None, json: Flag = False) -> int:
    """List our certificate, the trusted and the refused ones; 1 when one has to be looked at.

    Parameters
    ----------
    line
        Which line, by its id.
    state
        State folder of the line. Default: var/ and the line's id.
    json
        Print them as JSON.
    """
    pki = _pki(line, state)
    rows: list[tuple[str, Certificate]] = []
    if (pki.folder / "own.der").exists():
        rows.append(("own", _or_refused(pki.own).certificate))
    if (pki.folder / "next.der").exists():
        rows.append(("next", _or_refused(lambda: pki.own("next")).certificate))
    rows += [("trusted", one) for _, one in _or_refused(pki.trusted)]
    rows += [("refused", one) for _, one in _or_refused(pki.rejected)]
    warnings = pki.warnings() if rows else []
    if json:
        import json as words

        answer = {"warnings": warnings, "certificates": [_as_json(*row) for row in rows]}
        print(words.dumps(answer, indent=2, ensure_ascii=False))
    else:
        print("\n".join(_described(*row) for row in rows))
        for text in warnings:
            say(f"rheostat: {text}")
        if not rows:
            say(f"no certificate in {shown(pki.folder)}. Begin with ./rheostat certs make")
    return FINDINGS if warnings else OK


@certs.command
def trust(
    which: str, /, *, line: Line = "line-1", state: Path | None = None, yes: Flag = False
) -> int:
    """Trust a PLC's certificate: a file, or a refused one by its fingerprint.

    Compare the fingerprint with the PLC's own screen first, letter by letter: whoever is trusted
    here can send readings, and gets our setpoints.

    Parameters
    ----------
    which
        A file (DER or PEM), or the first letters of a refused one's fingerprint.
    line
        Which line, by its id.
    state
        State folder of the line. Default: var/ and the line's id.
    yes
        You have compared the fingerprint; needed for a file.
    """
    from fieldbus.pki import read_certificate

    pki = _pki(line, state)
    path = Path(which)
    if path.is_file():
        certificate = _or_refused(lambda: read_certificate(path))
        if not yes:
            print(_described("not yet trusted", certificate))
            raise RefusalError(
                "nothing is trusted yet",
                "a file may have been swapped on its way; the PLC's own screen was not",
                f"compare the fingerprint there, then ./rheostat certs trust {which} --yes",
                FINDINGS,
            )
    else:
        certificate = _found(_or_refused(pki.rejected), which, "refused")[1]
    _or_refused(lambda: pki.accept(certificate))
    print(_described("trusted", certificate))
    return OK


@certs.command
def untrust(which: str, /, *, line: Line = "line-1", state: Path | None = None) -> int:
    """Trust a certificate no longer; a connection that stands is not cut by it.

    Parameters
    ----------
    which
        The first letters of its fingerprint.
    line
        Which line, by its id.
    state
        State folder of the line. Default: var/ and the line's id.
    """
    pki = _pki(line, state)
    path, certificate = _found(_or_refused(pki.trusted), which, "trusted")
    pki.reject(certificate)
    path.unlink()
    print(_described("refused", certificate))
    say("counts from the next connection on; to cut a standing one, restart the engine")
    return OK


@certs.command
def renew(
    *, use: Flag = False, days: int = 730, line: Line = "line-1", state: Path | None = None
) -> int:
    """Renew our certificate in two steps, so that no PLC loses us in between.

    Without --use: make the next one, with a new key, for the PLC to trust beside the old one.
    With --use: put it in use; the old one is kept.

    Parameters
    ----------
    use
        The PLCs trust the next one: use it from now on.
    days
        How long the next one is valid.
    line
        Which line, by its id.
    state
        State folder of the line. Default: var/ and the line's id.
    """
    from fieldbus.certificate import facts_of

    pki = _pki(line, state)
    if use:
        print(_described("own", _or_refused(pki.take_renewal)))
        say("in use from the next connection on")
        return OK
    _days(days)
    old = facts_of(_or_refused(pki.own).certificate)
    made = _or_refused(lambda: pki.make(old.uris[0], list(old.hosts), old.name, days, stem="next"))
    print(_described("next", made))
    say(f"have {shown(pki.folder / 'next.der')} trusted at every PLC, then certs renew --use")
    return OK


def _pki(line: str, state: Path | None) -> Pki:
    from fieldbus.pki import Pki

    return Pki((state or STATES / line) / "pki")


def _or_refused(work: Callable[[], T]) -> T:
    """Return what `work` returns; what is wrong with the folder becomes a refusal."""
    from fieldbus.pki import PkiError

    try:
        return work()
    except (PkiError, OSError) as error:
        raise RefusalError(
            str(error),
            "a secret or a trust list that is not in order protects nothing",
            "put it in order; ./rheostat certs list looks at all of it",
        ) from error


def _days(days: int) -> None:
    if not 1 <= days <= 3650:
        raise RefusalError(
            f"--days {days}: a certificate is valid for 1 to 3650 days",
            "one that never ends is never looked at again",
            "./rheostat certs --help",
            USAGE,
        )


def _found(
    known: list[tuple[Path, Certificate]], which: str, kind: str
) -> tuple[Path, Certificate]:
    from fieldbus.certificate import fingerprint_of

    letters = re.sub(r"[^0-9a-f]", "", which.lower())
    hits = [(path, one) for path, one in known if fingerprint_of(one).startswith(letters)]
    if len(letters) < LEAST_LETTERS or len(hits) != 1:
        raise RefusalError(
            f"no {kind} certificate has a fingerprint that begins with '{which}'"
            if len(letters) >= LEAST_LETTERS
            else f"'{which}' is neither a file nor {LEAST_LETTERS} letters of a fingerprint",
            "a certificate is named by what nobody can imitate",
            "./rheostat certs list shows the fingerprints",
            USAGE,
        )
    return hits[0]


def _described(kind: str, certificate: Certificate) -> str:
    from fieldbus.certificate import facts_of

    facts = facts_of(certificate)
    left = facts.days_left(datetime.now(UTC))
    until = f"until {facts.not_after:%Y-%m-%d} ({left} days)" if left >= 0 else (
        f"EXPIRED on {facts.not_after:%Y-%m-%d}"
    )  # fmt: skip
    return (
        f"{kind}: {facts.name}, {until}\n"
        f"    uri          {', '.join(facts.uris) or 'none: an authority'}\n"
        f"    hosts        {', '.join(facts.hosts) or 'none'}\n"
        f"    fingerprint  {facts.fingerprint}\n"
        f"    SHA-1        {facts.thumbprint}"
    )


def _as_json(kind: str, certificate: Certificate) -> dict[str, Any]:
    from fieldbus.certificate import facts_of

    facts = facts_of(certificate)
    return {
        "kind": kind,
        "name": facts.name,
        "uris": facts.uris,
        "hosts": facts.hosts,
        "not_before": facts.not_before.isoformat(),
        "not_after": facts.not_after.isoformat(),
        "days_left": facts.days_left(datetime.now(UTC)),
        "fingerprint": facts.fingerprint,
        "thumbprint": facts.thumbprint,
    }
