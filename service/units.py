"""What systemd is given for one line: the units, accounts and folders, as files to be written.

The templates in `service/systemd/` hold what is the same for every line. What is special to one
(its configuration, how long its engine may be silent, where its PLCs are) comes as drop-ins beside
them, so that a unit changes only with the program.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from service.vitals import watchdog_s

_HERE = Path(__file__).parent / "systemd"
_ROOT = Path(__file__).resolve().parent.parent
_SYSTEM = PurePosixPath("/etc/systemd/system")
_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")  # what may stand in a unit's name as it is
PROCESSES = ("engine", "page", "history", "outward")


class UnitError(ValueError):
    """A line cannot be put into units; the text says why and what to change."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A line as it will be installed."""

    sealed: Mapping[str, Any]
    config: Path
    page_port: int = 8470
    followers: tuple[str, ...] = ("page",)

    @property
    def line(self) -> str:
        """Return the line's id, which is the instance name of every unit."""
        return str(self.sealed["line"]["id"])


def state_dir_of(line: str) -> Path:
    """Return where an installed line keeps its state."""
    return Path("/var/lib/rheostat") / line


def files(what: Installed) -> dict[PurePosixPath, str]:
    """Return every file of the installation and its text.

    Raises UnitError when a PLC's address cannot be told, or the line's id is no unit name.
    """
    if not _NAME.fullmatch(what.line):
        raise UnitError(
            f"the line's id {what.line!r} cannot be part of a unit's name. "
            "Next: use letters, digits, '-' and '_' in line.id"
        )
    return {**_shared(), **_special(what)}


def own_files(line: str) -> list[PurePosixPath]:
    """Return the files that belong to this line alone: what an uninstallation takes away."""
    return [*_dropins(line), _tmpfiles(line)]


def shared_files() -> list[PurePosixPath]:
    """Return the files that all lines of a machine share."""
    return list(_shared())


def plc_addresses(sealed: Mapping[str, Any]) -> list[str]:
    """Return the IP addresses the engine has to reach, each once.

    Raises UnitError when a name cannot be resolved: a firewall by address needs the address.
    """
    hosts = {_host(source) for source in sealed["sources"].values()} - {""}
    return sorted({address for host in hosts for address in _resolved(host)})


def _provider_addresses(sealed: Mapping[str, Any]) -> list[str]:
    """Return the IP addresses of the identity provider, which the page asks who somebody is."""
    provider = sealed.get("page", {}).get("provider")
    host = urlsplit(provider["issuer"]).hostname if provider else None
    return sorted(set(_resolved(host))) if host else []


def _shared() -> dict[PurePosixPath, str]:
    units = sorted([*_HERE.glob("*.service"), *_HERE.glob("*.target")])
    down = _filled(_HERE / "down.service.in")  # systemd tells why only where one unit asks for it
    return {
        **{_SYSTEM / path.name: _filled(path) for path in units},
        **{
            _SYSTEM / f"rheostat-down-{name}@.service": down.replace("@PROCESS@", name)
            for name in PROCESSES
        },
        PurePosixPath("/etc/sysusers.d/rheostat.conf"): _filled(_HERE / "sysusers.conf"),
    }


def _special(what: Installed) -> dict[PurePosixPath, str]:
    engine, page, target = _dropins(what.line)
    folders = _filled(_HERE / "tmpfiles.conf").replace("@LINE@", what.line)
    wants = " ".join(f"rheostat-{name}@%i.service" for name in what.followers)
    return {
        engine: _of_engine(what),
        page: _section(
            "Service",
            "ExecStart=",
            f"ExecStart={sys.executable} -m service.page --state {state_dir_of(what.line)} "
            f"--port {what.page_port}",
            *(f"IPAddressAllow={address}" for address in _provider_addresses(what.sealed)),
        ),
        target: _section("Unit", "Wants=", f"Wants=rheostat-engine@%i.service {wants}".rstrip()),
        _tmpfiles(what.line): folders,
    }


def _of_engine(what: Installed) -> str:
    addresses = plc_addresses(what.sealed)
    devices = _devices(what.sealed)
    return _section(
        "Service",
        "ExecStart=",
        f"ExecStart={sys.executable} -m service.run {what.config} {state_dir_of(what.line)}",
        f"WatchdogSec={watchdog_s(what.sealed):g}",
        *(f"IPAddressAllow={address}" for address in addresses),
        *(("PrivateDevices=no", "SupplementaryGroups=dialout") if devices else ()),
        *(f"DeviceAllow={device} rw" for device in devices),
    )


def _section(name: str, *lines: str) -> str:
    head = (
        "# Written by ./rheostat service install; for changes of your own add another file here.\n"
    )
    return head + "\n".join([f"[{name}]", *lines]) + "\n"


def _dropins(line: str) -> list[PurePosixPath]:
    names = [f"rheostat-engine@{line}.service", f"rheostat-page@{line}.service"]
    return [_SYSTEM / f"{name}.d/10-line.conf" for name in [*names, f"rheostat@{line}.target"]]


def _tmpfiles(line: str) -> PurePosixPath:
    return PurePosixPath(f"/etc/tmpfiles.d/rheostat-{line}.conf")


def _filled(path: Path) -> str:
    text = path.read_text("utf-8")
    return text.replace("@PYTHON@", sys.executable).replace("@ROOT@", str(_ROOT))


def _host(source: Mapping[str, Any]) -> str:
    if source["protocol"] == "opcua":
        return urlsplit(str(source["endpoint"])).hostname or ""
    return str(source.get("host", ""))


def _devices(sealed: Mapping[str, Any]) -> list[str]:
    return sorted({str(s["device"]) for s in sealed["sources"].values() if "device" in s})


def _resolved(host: str) -> Iterable[str]:
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    try:
        return sorted({str(row[4][0]) for row in socket.getaddrinfo(host, None)})
    except OSError as error:
        raise UnitError(
            f"the address of the PLC {host} cannot be found: {error}. The engine may reach its "
            "PLCs only, and that is said by address. Next: write its IP address into line.yaml"
        ) from error
