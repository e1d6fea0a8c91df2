"""What the configuration in force asks of people: pure functions, for engine and page alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.people.roles import may


def must_be_signed(people: Mapping[str, Mapping[str, Any]]) -> bool:
    """Say whether the register in force holds anybody who could sign a reset."""
    return any(
        may(str(entry["role"]), "reset") and not entry.get("revoked") for entry in people.values()
    )


def auto_is_signed(sealed: Mapping[str, Any]) -> bool:
    """Say whether AUTO needs a signature on this line.

    A configuration sealed before the question was asked is a signed one as soon as its register
    holds anybody who could sign.
    """
    word = sealed.get("auto")
    return word != "named" if word else must_be_signed(sealed.get("people", {}))
