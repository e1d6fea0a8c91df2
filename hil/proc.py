"""What the kernel says about a process: its TCP connections and the libraries it has mapped.

The demo shows these as evidence, because they do not depend on what the process says of itself.
Linux only (/proc).
"""

from __future__ import annotations

import socket
import struct
from pathlib import Path

ESTABLISHED = "01"


def tcp_connections(pid: int) -> list[tuple[str, str]]:
    """Return (local, remote) of every established IPv4 TCP connection of process `pid`."""
    wanted = set()
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(handle.readlink())
        except OSError:
            continue  # the descriptor was closed meanwhile
        if target.startswith("socket:["):
            wanted.add(target[8:-1])
    found = []
    for line in Path(f"/proc/{pid}/net/tcp").read_text("ascii").splitlines()[1:]:
        local, remote, state, inode = (line.split()[i] for i in (1, 2, 3, 9))
        if state == ESTABLISHED and inode in wanted:
            found.append((_address(local), _address(remote)))
    return sorted(found)


def mapped(pid: int, names: tuple[str, ...]) -> list[str]:
    """Return which of the libraries `names` process `pid` has mapped into its memory."""
    maps = Path(f"/proc/{pid}/maps").read_text("utf-8", errors="replace")
    files = {line.split(None, 5)[5] for line in maps.splitlines() if len(line.split(None, 5)) == 6}
    return sorted({name for name in names for file in files if f"/{name}" in file})


def _address(text: str) -> str:
    host, port = text.split(":")
    return f"{socket.inet_ntoa(struct.pack('<L', int(host, 16)))}:{int(port, 16)}"
