"""people.yaml: who has which role, with which key they sign, and whether AUTO must be signed.

The register is part of the sealed state: it changes only by a signed change itself.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from service.config_desk import Desk, at, mapping
from service.config_words import Name, Shape, Versioned
from service.config_yaml import Path_
from service.limits_proposal import is_public_key
from service.people.roles import may

PersonId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9.-]*$", max_length=40)]


class Person(Shape):
    """One person: printed name, what they sign as, and their public key."""

    name: Name
    role: Literal["operator", "engineer", "qa-approver", "admin", "auditor"] = Field(
        description="an operator runs the loops, an engineer runs them and writes changes, a QA "
        "approver approves changes of others and reviews, an admin makes accounts, an auditor reads"
    )
    key: Annotated[str, Field(max_length=100)] = Field(
        description="the public key as './rheostat limits keys new' prints it: ed25519:..."
    )
    revoked: Name | None = Field(
        None, description="since when and why this key signs nothing any more"
    )


class People(Versioned):
    """people.yaml: the people whose signatures count."""

    auto: Literal["signed", "named"] = Field(
        description="signed: AUTO needs a registered person's signature. named: a name is enough, "
        "for commissioning only"
    )
    people: dict[PersonId, Person]


def seal_people(people: People | None) -> dict[str, Any]:
    """Return the sealed register: person to name, role, key and revocation."""
    if people is None:
        return {}
    return {name: person.model_dump() for name, person in people.people.items()}


def check_people(desk: Desk) -> None:
    """Judge the register: real keys, nobody in it twice, somebody who can sign what must be."""
    document = desk.people
    if document is None:
        return
    rows = [row for row in mapping(document, "people").values() if isinstance(row, dict)]
    runners = [row for row in rows if may(str(row.get("role")), "mode") and not row.get("revoked")]
    if at(document, "auto") == "signed" and not runners:
        document.report(
            "RH-1072", ("auto",), "AUTO must be signed, and nobody here could sign it",
            "register an operator or an engineer, or write 'auto: named' while commissioning",
        )  # fmt: skip
    seen: dict[str, str] = {}
    for person, row in mapping(document, "people").items():
        if not isinstance(row, dict):
            continue
        path: Path_ = ("people", person)
        key, name = row.get("key"), row.get("name")
        if isinstance(key, str) and not is_public_key(key):
            document.report(
                "RH-1070", (*path, "key"), "is not an Ed25519 public key",
                "copy the line that './rheostat limits keys new' printed",
            )  # fmt: skip
        for field, value in (("key", key), ("name", name)):
            folded = value.strip().casefold() if field == "name" and value else value
            if not isinstance(folded, str):
                continue
            other = seen.setdefault(f"{field} {folded}", person)
            if other != person:
                document.report(
                    "RH-1071", (*path, field), f"is also the {field} of `{other}`",
                    "one person, one entry, one key: give this one their own, or delete it",
                )  # fmt: skip
