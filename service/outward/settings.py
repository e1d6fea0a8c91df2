"""How the outward server of one line is set up: its address, its identity, its users.

All of it stands in the folder `outward` of the state directory, which belongs to its process:
`outward.json` (address), `pki` (own certificate, trusted clients), `users.json` (Argon2id hashes).
SCADA systems sign in here, not people: what one may do is look, and acknowledge in its own name.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from service.people.secret import Cost, hash_password, is_password, weakness

_NAME = re.compile(r"[A-Za-z0-9._-]{1,40}")


class SettingsError(ValueError):
    """The outward server is not set up like that; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where it serves, and whether without signing and encryption (loopback only)."""

    endpoint: str = "opc.tcp://127.0.0.1:4841/rheostat"
    insecure: bool = False


def folder_of(state_dir: Path) -> Path:
    """Return the outward server's own folder."""
    return state_dir / "outward"


def is_set_up(state_dir: Path) -> bool:
    """Say whether this line has an outward server."""
    return (folder_of(state_dir) / "outward.json").exists()


def write_settings(state_dir: Path, settings: Settings) -> None:
    """Write the settings down.

    Raises SettingsError when the address is none, or insecure and not on loopback.
    """
    _judge(settings)
    folder_of(state_dir).mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(folder_of(state_dir) / "outward.json", json.dumps(asdict(settings), indent=1))


def read_settings(state_dir: Path) -> Settings:
    """Return the settings; raises SettingsError when there are none or they cannot be used."""
    path = folder_of(state_dir) / "outward.json"
    try:
        settings = Settings(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise SettingsError(
            f"{path} cannot be used: {error}. Next: ./rheostat outward init"
        ) from error
    _judge(settings)
    return settings


class Users:
    """Names and hashed passwords; read again at each sign-in, so a change counts at once."""

    def __init__(self, state_dir: Path, cost: Cost | None = None) -> None:
        self._path = folder_of(state_dir) / "users.json"
        self._cost = cost or Cost()
        self._nobody = hash_password("nobody", self._cost)

    def set(self, name: str, password: str) -> None:
        """Make a user, or give one another password; raises SettingsError for a bad one."""
        if not _NAME.fullmatch(name):
            raise SettingsError(f"{name!r} is no user name: letters, digits, '.', '_', '-', to 40")
        if weak := weakness(password, name):
            raise SettingsError(weak)
        known = self._read() | {name: hash_password(password, self._cost)}
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(self._path, json.dumps(known, indent=1))

    def remove(self, name: str) -> bool:
        """Let a user in no more; say whether there was one."""
        known = self._read()
        there = known.pop(name, None) is not None
        if there:
            _write(self._path, json.dumps(known, indent=1))
        return there

    def is_user(self, name: str, password: str) -> bool:
        """Say whether the password is the user's; takes as long for a name nobody has."""
        hashed = self._read().get(name)
        return is_password(password, hashed or self._nobody) and hashed is not None

    def _read(self) -> dict[str, str]:
        try:
            known = json.loads(self._path.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise SettingsError(f"{self._path} cannot be read: {error}") from error
        if not isinstance(known, dict):
            raise SettingsError(f"{self._path} holds no users")
        return {str(name): str(hashed) for name, hashed in known.items()}


def _judge(settings: Settings) -> None:
    address = urlsplit(settings.endpoint)
    if address.scheme != "opc.tcp" or not address.hostname or not address.port:
        raise SettingsError(f"{settings.endpoint!r} is no address: opc.tcp://HOST:PORT/PATH")
    if settings.insecure not in (True, False):
        raise SettingsError("'insecure' is true or false")
    if settings.insecure and address.hostname not in ("127.0.0.1", "localhost"):
        raise SettingsError(
            f"{settings.endpoint} is no loopback address, and nothing would be signed or encrypted"
        )


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(path.name + ".part")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
