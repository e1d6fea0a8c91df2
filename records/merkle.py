"""The Merkle tree over the record chain, hashed as RFC 6962 does (section 2.1).

A leaf is the hash of one row, a node the hash of two subtrees; a prefix byte keeps the two apart,
so no node can pose as a leaf. A growing tree needs only its frontier: the roots of its perfect
subtrees, largest first, at most one per bit of its size.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence


def leaf_hash(row_hash: str) -> bytes:
    """Return the leaf of a row whose hash is `row_hash` (64 hex digits)."""
    return hashlib.sha256(b"\x00" + bytes.fromhex(row_hash)).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the node above two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A growing tree, kept as its frontier."""

    def __init__(self, size: int = 0, frontier: Iterable[bytes] = ()) -> None:
        """Go on from a tree of `size` leaves; raises ValueError when the two do not fit."""
        self.size = size
        self._frontier = list(frontier)
        if len(self._frontier) != size.bit_count() or any(len(one) != 32 for one in self._frontier):
            raise ValueError(f"this is not the frontier of a tree of {size} leaves")

    def add(self, row_hash: str) -> None:
        """Append the leaf of one more row."""
        node, size = leaf_hash(row_hash), self.size
        while size & 1:
            node = node_hash(self._frontier.pop(), node)
            size >>= 1
        self._frontier.append(node)
        self.size += 1

    def root(self) -> str:
        """Return the root hash (hex); of an empty tree the hash of nothing."""
        if not self._frontier:
            return hashlib.sha256(b"").hexdigest()
        node = self._frontier[-1]
        for left in reversed(self._frontier[:-1]):
            node = node_hash(left, node)
        return node.hex()

    def frontier(self) -> Sequence[str]:
        """Return the roots of the perfect subtrees (hex), largest first."""
        return [one.hex() for one in self._frontier]
