"""Why a change of the sealed configuration is refused: stable codes, and words for each case."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

WHY_REFUSED: dict[str, str] = {
    "RH-2001": "a proposal is what two people signed, to the last byte, or it is nothing",
    "RH-2002": "limits that were proven on one line prove nothing on another",
    "RH-2003": "what was reviewed was the difference to another version than the one in force",
    "RH-2004": "an old signature must not bring old limits back behind everybody's back",
    "RH-2005": "people sign for what they know today; plants and batches move on",
    "RH-2006": "a change that changes nothing would only wear out the signatures",
    "RH-2007": "a change nobody gave a reason for cannot be judged by anybody later",
    "RH-2010": "one key alone must never be able to change what reaches the plant",
    "RH-2011": "whoever wrote a change does not see its mistakes",
    "RH-2012": "a signature of somebody who is not registered here is a signature of nobody",
    "RH-2013": "a revoked key may be in anybody's hands",
    "RH-2014": "writing a change and approving it are two jobs, and each needs the person for it",
    "RH-2015": "a signature that does not fit its text was made for another one",
    "RH-2020": "an engineer moves the innermost range only; everything around it rests on evidence "
    "that a signature cannot replace",
    "RH-2021": "the gate would not run with these limits",
    "RH-2022": "limits that the optimiser does not hold are not in force, whatever a file says",
    "RH-2023": "with nobody left to sign, nothing could ever be changed again",
    "RH-2030": "nothing comes into force that is not in the records first",
}
"""Why each kind of refusal matters: one sentence per stable code."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why a change does not come into force, and what to do about it."""

    code: str
    what: str
    next: str

    def as_text(self) -> str:
        """Return the lines a terminal shows."""
        return f"{self.code} {self.what}\n    why:  {WHY_REFUSED[self.code]}\n    next: {self.next}"

    def as_json(self) -> dict[str, str]:
        """Return the same as plain data."""
        return {**asdict(self), "why": WHY_REFUSED[self.code]}


class ChangeRefusedError(Exception):
    """A change is refused; `refusals` says why, everything at once."""

    def __init__(self, refusals: Iterable[Refusal]) -> None:
        """Keep `refusals`; the message is their text."""
        self.refusals = tuple(refusals)
        super().__init__("\n".join(refusal.as_text() for refusal in self.refusals))
