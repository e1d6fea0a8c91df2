"""Signed roots over the chain: the tree, the key, and what a rewritten history meets."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path
from typing import Any

import apsw
import pytest

from records.chain import RecordError, verify
from records.merkle import Tree
from records.reader import RecordReader
from records.record_key import is_signed, key_path, keys_path, listed_keys, record_key
from records.roots import signed_text, tree_at
from records.row import GENESIS, link_hash
from records.store import RecordStore
from tests.records.tampering import rechain, tamper


def tree_head(leaves: list[bytes]) -> bytes:
    """The tree of RFC 6962, written down as the standard defines it: recursively."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    half = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(b"\x01" + tree_head(leaves[:half]) + tree_head(leaves[half:])).digest()


def fill(path: Path, rows: int, root_every: int = 10) -> Path:
    """Write so many cycles, a root after every ten rows, and no stop."""
    store = RecordStore(path, root_every)
    for _ in range(rows):
        store.append("cycle", "coating", "now", {"state": {"n": 1}})
    store.close()
    return path


def roots(path: Path) -> list[dict[str, Any]]:
    reader = RecordReader(path)
    found = [entry.body for entry in reader.last_of_kind("root", 99)]
    reader.close()
    return found


def test_a_growing_tree_has_the_root_of_the_standard_at_every_size() -> None:
    tree, leaves = Tree(), list[bytes]()
    assert tree.root() == hashlib.sha256(b"").hexdigest()
    for number in range(70):
        leaf = hashlib.sha256(str(number).encode()).hexdigest()
        tree.add(leaf)
        leaves.append(bytes.fromhex(leaf))
        assert tree.root() == tree_head(leaves).hex()
        again = Tree(tree.size, (bytes.fromhex(one) for one in tree.frontier()))
        assert again.root() == tree.root()


def test_a_frontier_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="not the frontier of a tree of 3"):
        Tree(3, [b"\0" * 32])
    with pytest.raises(ValueError, match="does not give its root"):
        tree_at({"size": 1, "frontier": ["00" * 32], "root": "11" * 32})


def test_what_a_root_signs_is_spelt_as_the_reference_says() -> None:
    assert signed_text(3, "ab", "now", "cd") == (
        b'{"format":"rheostat root 1","key":"cd","root":"ab","size":3,"utc":"now"}'
    )


@pytest.mark.requirement("REC-13")
def test_a_root_stands_after_every_so_many_rows_and_after_a_stop(tmp_path: Path) -> None:
    path = fill(tmp_path / "records.sqlite", 35)
    assert [body["size"] for body in roots(path)] == [10, 21, 32]
    store = RecordStore(path, 10)
    store.append("stop", "", "now", {"why": "asked"})
    store.close()
    assert [body["size"] for body in roots(path)] == [10, 21, 32, 39]
    body = roots(path)[-1]
    text = signed_text(body["size"], body["root"], "now", body["key"])
    assert is_signed(body["public_key"], body["signature"], text)
    assert verify(path).ok


def test_a_store_that_was_opened_anew_goes_on_with_the_same_tree(tmp_path: Path) -> None:
    one, other = tmp_path / "one.sqlite", tmp_path / "other.sqlite"
    fill(one, 64, 16)
    key_path(other).write_bytes(key_path(one).read_bytes())
    key_path(other).chmod(0o600)
    for rows in (3, 20, 1, 40):
        fill(other, rows, 16)
    assert verify(other).ok
    assert [body["root"] for body in roots(one)] == [body["root"] for body in roots(other)]


@pytest.mark.requirement("REC-13")
def test_a_history_rewritten_with_all_its_hashes_meets_the_next_root(tmp_path: Path) -> None:
    path = fill(tmp_path / "records.sqlite", 35)
    rechain(path, 14, body='{"state":{"n":99}}')
    report = verify(path)
    assert not report.ok
    assert report.first_bad_seq == 22
    assert "rows 12 to 21 are not those" in report.text
    assert "signed" in report.text


@pytest.mark.requirement("REC-05")
def test_a_signature_from_another_root_does_not_fit(tmp_path: Path) -> None:
    path = fill(tmp_path / "records.sqlite", 35)
    first, second, _ = roots(path)
    forged = json.dumps({**second, "signature": first["signature"]}, sort_keys=True)
    rechain(path, 22, body=forged)
    report = verify(path)
    assert report.first_bad_seq == 22
    assert "not genuine" in report.text


@pytest.mark.requirement("REC-13")
def test_an_intruder_with_a_key_of_his_own_is_found_by_the_list(tmp_path: Path) -> None:
    path = fill(tmp_path / "records.sqlite", 35)
    (tmp_path / "forged").mkdir()
    other = fill(tmp_path / "forged" / "records.sqlite", 35)
    key = listed_keys(path)
    path.write_bytes(other.read_bytes())
    path.with_name("records.sqlite.head").unlink()
    report = verify(path)
    assert report.first_bad_seq == 11
    assert "a key that is not listed" in report.text
    assert key != listed_keys(other)
    with pytest.raises(RecordError, match="a key that is not listed"):
        RecordStore(path)


def test_a_start_begins_at_the_last_root_and_still_finds_a_cut_tail(tmp_path: Path) -> None:
    path = fill(tmp_path / "records.sqlite", 35)
    tamper(path, "UPDATE record SET body = '{}' WHERE seq = 3")
    RecordStore(path).close()  # what lies before the last root is the night's job
    assert verify(path).first_bad_seq == 3
    tamper(path, "DELETE FROM record WHERE seq > 36")
    with pytest.raises(RecordError, match="tail was cut off"):
        RecordStore(path)


@pytest.mark.parametrize("damage", ["signature", "root", "frontier", "size"])
def test_a_start_refuses_a_last_root_that_is_not_genuine(tmp_path: Path, damage: str) -> None:
    path = fill(tmp_path / "records.sqlite", 35)
    first, _, last = roots(path)
    rechain(path, 33, body=json.dumps({**last, damage: first[damage]}, sort_keys=True))
    with pytest.raises(RecordError, match=r"damaged: .*(signed root|not genuine)"):
        RecordStore(path)


def test_an_error_in_the_middle_does_not_lose_the_tree(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    store = RecordStore(path, 10)
    for number in range(35):
        store.append("cycle", "coating", "now", {"n": number})
        if number % 3 == 0:
            store.head = None  # as after an error: the file says where the chain ends
    store.close()
    assert len(roots(path)) == 3
    assert verify(path).ok


def test_a_row_that_landed_although_the_disk_said_no_is_taken_in(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    store = RecordStore(path, 5)
    first = store.append("cycle", "coating", "now", {})
    sealed = link_hash(2, "cycle", "coating", "now", first.hash, "{}")
    connection = apsw.Connection(str(path))
    connection.execute(
        "INSERT INTO record VALUES (2, 'cycle', 'coating', 'now', '{}', ?, ?)", (first.hash, sealed)
    ).fetchall()
    connection.close()
    store.head = None  # what an error leaves: the file says where the chain ends
    for _ in range(3):
        store.append("cycle", "coating", "now", {})
    store.close()
    assert [body["size"] for body in roots(path)] == [5]
    assert verify(path).ok


def test_a_root_that_cannot_be_written_does_not_fail_the_row_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "records.sqlite"
    store = RecordStore(path, 5)
    for number in range(4):
        store.append("cycle", "coating", "now", {"n": number})
    real = store._append

    def full(kind: str, *rest: str) -> Any:
        if kind == "root":
            raise RecordError("the disk is full")
        return real(kind, *rest)

    monkeypatch.setattr(store, "_append", full)
    assert store.append("cycle", "coating", "now", {}).seq == 5
    monkeypatch.undo()
    store.append("cycle", "coating", "now", {})
    store.close()
    assert [body["size"] for body in roots(path)] == [6]
    assert verify(path).ok


def test_nobody_but_the_store_makes_a_root(tmp_path: Path) -> None:
    store = RecordStore(tmp_path / "records.sqlite")
    with pytest.raises(ValueError, match="not a kind"):
        store.append("root", "", "now", {})
    store.close()


def test_the_key_is_made_once_for_its_owner_only_and_listed(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    key = record_key(path)
    assert stat.S_IMODE(key_path(path).stat().st_mode) == 0o600
    assert record_key(path).id == key.id
    assert key.id == hashlib.sha256(bytes.fromhex(key.public)).hexdigest()[:16]
    assert listed_keys(path) == {key.id: key.public}
    assert (tmp_path / "records.sqlite.pub").read_text("ascii") == f"{key.public}\n"
    assert key_path(path) == tmp_path / "records.sqlite.key"
    key_path(path).unlink()
    other = record_key(path)
    assert set(listed_keys(path)) == {key.id, other.id}


def test_a_list_of_keys_that_is_lost_or_garbled_lists_none(tmp_path: Path) -> None:
    path = tmp_path / "records.sqlite"
    assert listed_keys(path) == {}
    key = record_key(path)
    keys_path(path).write_bytes(f"{key.public}\n\xff".encode("latin-1"))
    assert listed_keys(path) == {}
    others = [key.public[:62], "z" * 64, f"{key.public}00"]
    keys_path(path).write_text("\n".join([*others, key.public]), "ascii")
    assert listed_keys(path) == {key.id: key.public}


def test_a_key_half_made_when_the_power_went_is_made_anew(tmp_path: Path) -> None:
    draft = tmp_path / "records.sqlite.key.new"
    draft.write_bytes(b"-----BEGIN PRIV")
    record_key(tmp_path / "records.sqlite")
    assert not draft.exists()


@pytest.mark.parametrize("trouble", ["open to others", "no key", "another kind of key"])
def test_a_key_that_cannot_be_trusted_refuses_the_start(tmp_path: Path, trouble: str) -> None:
    path = tmp_path / "records.sqlite"
    RecordStore(path).close()
    place = key_path(path)
    if trouble == "open to others":
        place.chmod(0o644)
    elif trouble == "no key":
        place.write_bytes(b"no key")
    else:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        place.write_bytes(
            X25519PrivateKey.generate().private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    with pytest.raises(RecordError, match=r"key .*Next:"):
        RecordStore(path)


def test_a_row_named_root_that_is_none_is_found(tmp_path: Path) -> None:
    path = fill(tmp_path / "records.sqlite", 3)
    reader = RecordReader(path)
    last = reader.since(2)[0]
    reader.close()
    sealed = link_hash(4, "root", "", "now", last.hash, "{}")
    connection = apsw.Connection(str(path))
    connection.execute(
        "INSERT INTO record VALUES (4, 'root', '', 'now', '{}', ?, ?)", (last.hash, sealed)
    ).fetchall()
    connection.close()
    assert "no signed root" in verify(path).text
    assert len(GENESIS) == 64
