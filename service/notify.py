"""Talking to whoever started us: systemd's notification protocol (sd_notify(3)), both ends of it.

One datagram holds lines of `KEY=value`. We use READY=1, STATUS=words, WATCHDOG=1 and STOPPING=1.
Without NOTIFY_SOCKET nobody listens, and nothing happens.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Mapping
from pathlib import Path

_CREDENTIALS = struct.Struct("3i")  # struct ucred of unix(7): process, user, group
_LONGEST = 4096


class Notifier:
    """Our end: says how we are to the address in NOTIFY_SOCKET."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.watchdog_s = int(environment.get("WATCHDOG_USEC", "0")) / 1e6
        """How long we may be silent [s]; 0 when nobody minds."""

    def say(self, **words: str) -> None:
        """Send each word as one `KEY=value`; a listener that is gone is no concern of ours."""
        if not self._address:
            return
        text = "\n".join(f"{key}={value.replace(chr(10), ' ')}" for key, value in words.items())
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.setblocking(False)  # a full queue must not stop the one who reports
            line.connect(self._address)
            line.send(text.encode()[:_LONGEST])


class NotifySocket:
    """The other end: hears one child, and nobody else who may know the address."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.setblocking(False)
        path.unlink(missing_ok=True)
        self._socket.bind(str(path))
        self.path = path

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._socket.fileno()

    def hear(self, pid: int) -> dict[str, str]:
        """Return what process `pid` has said since the last call; later words win."""
        words: dict[str, str] = {}
        while True:
            try:
                text, extra, _, _ = self._socket.recvmsg(
                    _LONGEST, socket.CMSG_SPACE(_CREDENTIALS.size)
                )
            except BlockingIOError:
                return words
            if _sender(extra) == pid:
                for line in text.decode("utf-8", "replace").splitlines():
                    key, _, value = line.partition("=")
                    words[key] = value

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()
        self.path.unlink(missing_ok=True)


def _sender(extra: list[tuple[int, int, bytes]]) -> int:
    for level, kind, data in extra:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            return int(_CREDENTIALS.unpack(data[: _CREDENTIALS.size])[0])
    return 0
