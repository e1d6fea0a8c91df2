"""`./rheostat outward`: let SCADA see a line by OPC UA."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from cyclopts import App, Parameter

from cli.limits_place import new_passphrase, state_of_line
from cli.places import ROOT, shown
from cli.refusal import OK, RefusalError, say
from cli.words import Flag

HELP = """Let SCADA see a line: our own OPC UA server, read-only, with alarms.

docs/how-to/see-it-in-scada.md goes through it step by step.
"""
Host = Annotated[tuple[str, ...], Parameter(negative="", show_default=False)]

outward = App(name="outward", help=HELP)


@outward.command
def init(
    *,
    endpoint: str = "opc.tcp://127.0.0.1:4841/rheostat",
    host: Host = (),
    days: int = 730,
    insecure: Flag = False,
    state: Path | None = None,
) -> int:
    """Set the server up: its address, its key and its certificate.

    Parameters
    ----------
    endpoint
        Where it listens: this machine's loopback, until you name another address.
    host
        Name or address of this machine as SCADA sees it. Repeatable. Default: that of the endpoint.
    days
        How long the certificate is valid.
    insecure
        Without signing, encryption and users; loopback only, for a bench.
    state
        State folder of the line; default: the only one here.
    """
    from fieldbus.pki import Pki, PkiError
    from service.outward.settings import Settings, SettingsError, folder_of, write_settings

    place = state_of_line(state)
    pki = Pki(folder_of(place) / "pki")
    try:
        write_settings(place, Settings(endpoint, insecure))
        if not insecure and not (pki.folder / "own.der").exists():
            hosts = list(host) or [urlsplit(endpoint).hostname or ""]
            uri = f"urn:{hosts[0]}:rheostat:{place.name}:outward"
            pki.make(uri, hosts, f"Rheostat {place.name} outward", days, server=True)
    except (SettingsError, PkiError, OSError, ValueError) as error:
        raise _refused(error) from error
    say(f"set up in {shown(folder_of(place))}; `service run` starts it from now on")
    if not insecure:
        say(f"next: have {shown(pki.folder / 'own.der')} trusted in SCADA, then "
            "./rheostat outward trust FILE and ./rheostat outward user NAME")  # fmt: skip
    return OK


@outward.command
def user(
    name: str,
    /,
    *,
    remove: Flag = False,
    password_file: Path | None = None,
    state: Path | None = None,
) -> int:
    """Let a SCADA system in under a name, give it another password, or let it in no more.

    Its acknowledgements carry this name in the records.

    Parameters
    ----------
    name
        The user's name.
    remove
        Let this user in no more.
    password_file
        File with the password; default: asked for, twice.
    state
        State folder of the line; default: the only one here.
    """
    from service.outward.settings import SettingsError, Users

    users = Users(state_of_line(state))
    try:
        if remove:
            say(f"{name} is let in no more" if users.remove(name) else f"there was no user {name}")
            return OK
        users.set(name, new_passphrase(password_file, Path(name)))
    except (SettingsError, OSError) as error:
        raise _refused(error) from error
    say(f"{name} may look and acknowledge, from the next sign-in on")
    return OK


@outward.command
def trust(file: Path, /, *, state: Path | None = None) -> int:
    """Trust the certificate of a SCADA client; compare its fingerprint with SCADA's screen first.

    Parameters
    ----------
    file
        The certificate, DER or PEM; refused ones lie in the folder `rejected` of the server's pki.
    state
        State folder of the line; default: the only one here.
    """
    from fieldbus.certificate import fingerprint_of
    from fieldbus.pki import Pki, PkiError, read_certificate
    from service.outward.settings import folder_of

    try:
        certificate = read_certificate(file)
        Pki(folder_of(state_of_line(state)) / "pki").accept(certificate)
    except (PkiError, OSError) as error:
        raise _refused(error) from error
    print(f"trusted: {fingerprint_of(certificate)}")
    return OK


@outward.command
def run(*, state: Path | None = None) -> None:
    """Serve one line until Ctrl-C; `service run` does it as well.

    Parameters
    ----------
    state
        State folder of the line; default: the only one here.
    """
    place = state_of_line(state)
    command = [sys.executable, "-m", "service.outward", "--state", str(place)]
    os.execve(command[0], command, {**os.environ, "PYTHONPATH": str(ROOT)})


def _refused(error: Exception) -> RefusalError:
    return RefusalError(
        f"the outward server: {error}",
        "whoever sees a line from outside must be known, and what they see be genuine",
        "./rheostat outward --help",
    )
