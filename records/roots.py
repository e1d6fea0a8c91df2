"""Signed roots: rows of the chain that say, over a signature, what all rows before them were.

One stands after every `ROOT_EVERY` rows and after the row of a stop. Its body holds the root hash
of the tree over all earlier rows, the tree's frontier (so that a start goes on from here instead
of reading everything), and the signature of the engine's key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from records.canonical import canonical_json
from records.merkle import Tree
from records.record_key import RecordKey, is_signed, key_id
from records.row import Row

ROOT_EVERY = 512
"""Rows between two roots: at 4 s per row about half an hour."""

_FORMAT = "rheostat root 1"


def signed_text(size: int, root: str, utc: str, key: str) -> bytes:
    """Return what the key signs: the tree, the time, the key's id."""
    body = {"format": _FORMAT, "size": size, "root": root, "utc": utc, "key": key}
    return canonical_json(body).encode("ascii")


def root_body(tree: Tree, utc: str, key: RecordKey) -> dict[str, Any]:
    """Return the body of a root row over the tree of all rows before it."""
    root = tree.root()
    return {
        "size": tree.size,
        "root": root,
        "frontier": list(tree.frontier()),
        "key": key.id,
        "public_key": key.public,
        "signature": key.sign(signed_text(tree.size, root, utc, key.id)),
    }


def tree_at(body: Mapping[str, Any]) -> Tree:
    """Return the tree that a root row was made over; raises ValueError when it is not that."""
    tree = Tree(int(body["size"]), (bytes.fromhex(one) for one in body["frontier"]))
    if tree.root() != body["root"]:
        raise ValueError("its frontier does not give its root")
    return tree


class RootJudge:
    """Follows the chain row by row, grows the tree, and judges every root it meets.

    `listed` are the public keys that may sign, by id; when empty, every root speaks for itself.
    """

    def __init__(self, tree: Tree, listed: Mapping[str, str]) -> None:
        self.tree = tree
        self.last = tree.size
        self._listed = listed

    def fault(self, row: Row) -> str:
        """Take in `row`; say in words what is wrong with it, empty when nothing is."""
        fault = self._fault(row) if row.kind == "root" else ""
        self.tree.add(row.hash)
        return fault

    def _fault(self, row: Row) -> str:
        try:
            body = json.loads(row.body)
            size, root, public = body["size"], body["root"], body["public_key"]
            text = signed_text(size, root, row.utc, body["key"])
            signature, named = body["signature"], body["key"] == key_id(public)
        except (ValueError, LookupError, TypeError) as error:
            return f"row {row.seq} is no signed root: {error!r}"
        if not named or not is_signed(public, signature, text):
            return f"the signature of the root in row {row.seq} is not genuine"
        if self._listed and self._listed.get(body["key"]) != public:
            return f"the root in row {row.seq} is signed by {body['key']}, a key that is not listed"
        if (size, root) != (self.tree.size, self.tree.root()):
            return (
                f"rows {self.last + 1} to {row.seq - 1} are not those "
                f"over which the root in row {row.seq} was signed"
            )
        self.last = row.seq
        return ""
