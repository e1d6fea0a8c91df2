"""What the kernel says about a process: its TCP connections and the libraries it has mapped.

The demo shows these as evidence, because they do not depend on what the process says of itself.
Linux only (/proc).
"""

from __future__ import annotations

import socket
import struct
from pathlib import Path

ESTABLISHED, LISTENING = "01", "0A"


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


def listener(port: int) -> list[str]:
    """Return the command line of our process that listens on IPv4 TCP `port`, or nothing."""
    sockets = set()
    for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]:
        local, state, inode = (line.split()[i] for i in (1, 3, 9))
        if state == LISTENING and int(local.split(":")[1], 16) == port:
            sockets.add(f"socket:[{inode}]")
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(handle.readlink()) in sockets for handle in (process / "fd").iterdir()):
                words = (process / "cmdline").read_bytes().split(b"\0")
                return [word.decode(errors="replace") for word in words if word]
        except OSError:
            continue  # gone meanwhile, or somebody else's
    return []


def mapped(pid: int, names: tuple[str, ...]) -> list[str]:
    """Return which of the libraries `names` process `pid` has mapped into its memory."""
    maps = Path(f"/proc/{pid}/maps").read_text("utf-8", errors="replace")
    files = {line.split(None, 5)[5] for line in maps.splitlines() if len(line.split(None, 5)) == 6}
    return sorted({name for name in names for file in files if f"/{name}" in file})


def _address(text: str) -> str:
    host, port = text.split(":")
    return f"{socket.inet_ntoa(struct.pack('<L', int(host, 16)))}:{int(port, 16)}"
