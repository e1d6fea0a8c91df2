"""Who may write: one engine at a time, on this machine and in the PLC.

On one machine the kernel decides: whoever holds a socket name made of the PLC's address writes to
it, and the name is free again when its process has ended, however it ended. Between machines the
PLC's owner word decides, where the tag table has one: an engine first writes its number there and
nothing else, and goes on only when a later reading still shows that number. A number of another
engine whose heartbeat moves is never overwritten.
"""

from __future__ import annotations

import hashlib
import secrets
import socket
from dataclasses import dataclass

from fieldbus.tags import Tag, Wire, integer_range


class HostLease:
    """The right to write to one PLC from this machine (an abstract Unix socket, Linux)."""

    def __init__(self, address: str) -> None:
        digest = hashlib.sha256(address.encode("utf-8")).hexdigest()
        self._name = f"\0rheostat-writer-{digest[:32]}"
        self._socket: socket.socket | None = None

    def held(self) -> bool:
        """Say whether we may write, and take the right when nobody has it."""
        if self._socket is not None:
            return True
        taken = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            taken.bind(self._name)
        except OSError:
            taken.close()
            return False
        self._socket = taken
        return True

    def release(self) -> None:
        """Let another engine have it."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


@dataclass(slots=True)
class Ownership:
    """The owner word of one loop, as this engine sees it.

    Args:
        word: the tag of the owner word, which we write.
        heartbeat: the tag of the heartbeat that whoever owns the loop keeps moving.
        lease_s: an owner whose heartbeat stood for so long [engine s] is gone.
        number: ours; never 0, which means that nobody has the loop.
    """

    word: Tag
    heartbeat: Tag
    lease_s: float
    number: int
    _owner: Wire = 0
    _beat: Wire = 0
    _since_s: float = 0.0

    def found(self, owner: Wire, beat: Wire, now_s: float) -> str:
        """Return 'ours', 'free' or, when another engine has the loop, who and since when."""
        if owner == self.number:
            return "ours"
        if owner == 0:
            return "free"
        if (owner, beat) != (self._owner, self._beat):
            self._owner, self._beat, self._since_s = owner, beat, now_s
        if now_s - self._since_s >= self.lease_s:
            return "free"
        return (
            f"engine {owner} has this loop; its heartbeat moved {now_s - self._since_s:.3g} s ago"
        )


def number_for(word: Tag) -> int:
    """Return a number for this engine that fits the owner word, by chance and never 0."""
    return 1 + secrets.randbelow(integer_range(word)[1])
