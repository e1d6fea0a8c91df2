"""What is in force after a start, and how a running engine changes over or stays as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from records.chain import RecordError
from records.recorder import FileRecorder, MemoryRecorder
from safety.rules import LoopRules, loop_rules
from service.clock import utc_text
from service.limits_change import changes
from service.limits_change_over import ChangeOver, gate_echo
from service.limits_folder import LimitsFolder
from service.limits_keeper import SealKeeper, file_digest
from service.limits_keys import sign
from service.limits_proposal import Proposal, Seal, read_proposal
from service.limits_show import as_text, shown
from service.limits_words import ChangeRefusedError
from service.loop_runner import LoopRunner
from tests.service.signers import KEYS, NARROWER, change, commissioned, line, register
from tests.service.small_line import LOOP, SP, small_sealed

Row = tuple[str, Mapping[str, Any]]


def seals_of(rows: list[Row]) -> list[Mapping[str, Any]]:
    return [body for kind, body in rows if kind == "seal"]


def kinds_of(rows: list[Row]) -> list[str]:
    return [str(body.get("event", kind)) for kind, body in rows]


def start(
    place: Path, recorded: list[Mapping[str, Any]], given: Mapping[str, Any], *files: Path
) -> tuple[SealKeeper, list[Row]]:
    keeper = SealKeeper(place, given, files)
    rows = keeper.open(recorded, "root", utc_text(datetime.now(UTC)))
    keeper.folder.forget_waiting()  # as the engine does, once the rows are recorded
    return keeper, rows


def now_signed(place: Path, base: Seal, config: Mapping[str, Any], *people: str) -> Proposal:
    """Put a proposal made just now, and its signatures, into the folder."""
    now = datetime.now(UTC)
    proposal = change(
        base, config, utc=utc_text(now), expires=utc_text(now + timedelta(days=1)),
        line=base.proposal.line,
    )  # fmt: skip
    folder = LimitsFolder(place)
    folder.put(proposal)
    for name in people:
        folder.put_signature(sign(proposal, KEYS[name], name, register()[name], utc_text(now)))
    return proposal


def test_the_first_start_commissions_and_the_second_finds_it(tmp_path: Path) -> None:
    keeper, rows = start(tmp_path, [], line())
    assert kinds_of(rows) == ["seal"]
    assert keeper.seal.proposal.kind == "commissioning"
    again, more = start(tmp_path, seals_of(rows), line())
    assert more == []
    assert again.seal == keeper.seal
    assert again.notices() == []


@pytest.mark.requirement("SEC-06")
@pytest.mark.requirement("IL-20")
def test_an_edited_file_is_not_what_a_restart_runs(tmp_path: Path) -> None:
    _, rows = start(tmp_path, [], line())
    keeper, more = start(tmp_path, seals_of(rows), line(operating=NARROWER))
    assert kinds_of(more) == ["files-differ"]
    assert keeper.seal.config == line()
    assert "differ from version 1" in keeper.notices()[0]


def test_a_version_sealed_for_another_software_refuses_the_start(tmp_path: Path) -> None:
    old = line()
    del old["limits"]["setpoints"][SP]["rate"]
    _, rows = start(tmp_path, [], old)
    with pytest.raises(RecordError, match=r"does not fit this software.*rate.*Next:"):
        start(tmp_path, seals_of(rows), line())


def test_the_first_people_are_registered_by_a_start_and_nothing_else_is(tmp_path: Path) -> None:
    bare = small_sealed() | {"people": {}}
    _, rows = start(tmp_path, [], bare)
    keeper, more = start(tmp_path, seals_of(rows), bare | {"people": register()})
    assert (keeper.seal.proposal.kind, keeper.seal.proposal.version) == ("registration", 2)
    _, rows = start(tmp_path, [], bare)
    keeper, more = start(tmp_path, seals_of(rows), line(operating=NARROWER))
    assert kinds_of(more) == ["files-differ"]
    assert keeper.seal.config == bare


def test_a_register_with_people_is_not_replaced_by_a_file(tmp_path: Path) -> None:
    _, rows = start(tmp_path, [], line())
    other = line() | {"people": {"eve": register()["kim"], "eva": register()["lee"]}}
    keeper, more = start(tmp_path, seals_of(rows), other)
    assert kinds_of(more) == ["files-differ"]
    assert set(keeper.seal.people) == set(register())


def test_a_signed_change_that_waited_is_in_force_after_a_start(tmp_path: Path) -> None:
    keeper, rows = start(tmp_path, [], line())
    proposal = now_signed(tmp_path, keeper.seal, line(operating=NARROWER), "kim", "lee")
    keeper.folder.wait_for_start(proposal.sha256)
    after, more = start(tmp_path, seals_of(rows), line())
    assert kinds_of(more) == ["seal", "change-in-force", "files-differ"]
    assert after.seal.proposal == proposal
    assert after.folder.waiting == "", "once"
    last, none = start(tmp_path, seals_of([*rows, *more]), line(operating=NARROWER))
    assert none == []
    assert last.seal.proposal.version == 2


@pytest.mark.parametrize("people", [(), ("kim",), ("lee",)])
def test_an_unsigned_change_that_waited_is_refused_and_recorded(
    tmp_path: Path, people: tuple[str, ...]
) -> None:
    keeper, rows = start(tmp_path, [], line())
    proposal = now_signed(tmp_path, keeper.seal, line(operating=NARROWER), *people)
    keeper.folder.wait_for_start(proposal.sha256)
    after, more = start(tmp_path, seals_of(rows), line())
    assert kinds_of(more) == ["change-refused"]
    assert after.seal.proposal.version == 1


@pytest.mark.requirement("REC-05")
def test_one_byte_changed_in_a_proposals_file_is_refused(tmp_path: Path) -> None:
    keeper, _ = start(tmp_path, [], line())
    proposal = now_signed(tmp_path, keeper.seal, line(operating=NARROWER), "kim", "lee")
    path = next((tmp_path / "limits").glob("*.proposal.json"))
    path.chmod(0o640)
    path.write_text(path.read_text("ascii").replace("0.00025", "0.00024"), "ascii")
    with pytest.raises(ChangeRefusedError, match="its hash does not fit"):
        keeper.judge(proposal.sha256, datetime.now(UTC))
    with pytest.raises(ChangeRefusedError, match="there is no one proposal"):
        keeper.judge("0123456789", datetime.now(UTC))


@pytest.mark.parametrize(
    "garbage",
    [
        {},
        {"loops": 3},
        {"limits": [], "people": register()},
        {"people": [1, 2]},
        {**line(), "limits": {"setpoints": {SP: {"operating": "wide"}}}},
    ],
)
def test_a_proposal_of_garbage_is_refused_in_words(tmp_path: Path, garbage: Any) -> None:
    keeper, _ = start(tmp_path, [], line())
    proposal = now_signed(tmp_path, keeper.seal, garbage, "kim", "lee")
    with pytest.raises(ChangeRefusedError, match="RH-20"):
        keeper.judge(proposal.sha256, datetime.now(UTC))
    texts = [as_text(shown(one, line())) for one in changes(line(), garbage)]
    assert texts, "and it can be shown to a person all the same"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: [body],
        lambda body: {**body, "more": 1},
        lambda body: {**body, "format": "rheostat proposal 2"},
        lambda body: {**body, "version": True},
        lambda body: {**body, "reason": 3},
        lambda body: {**body, "kind": "decree"},
        lambda body: {**body, "config": None},
    ],
)
def test_what_is_not_exactly_a_proposal_is_none(spoil: Callable[[Any], Any]) -> None:
    body = change(commissioned(), line(operating=NARROWER)).body()
    assert read_proposal(body).body() == body
    with pytest.raises(ChangeRefusedError, match="RH-2001"):
        read_proposal(spoil(body))


def test_a_proposal_is_never_written_twice(tmp_path: Path) -> None:
    keeper, _ = start(tmp_path, [], line())
    proposal = now_signed(tmp_path, keeper.seal, line(operating=NARROWER), "kim")
    with pytest.raises(ChangeRefusedError, match="never written twice"):
        LimitsFolder(tmp_path).put(proposal)


@pytest.mark.parametrize(
    "spoil",
    [
        {"sha256": "0" * 64},
        {"signatures": []},
        {"proposal": {}},
        {"signatures": [{"person": "kim"}]},
    ],
)
def test_recorded_seals_that_were_tampered_with_refuse_the_start(
    tmp_path: Path, spoil: dict[str, Any]
) -> None:
    keeper, rows = start(tmp_path, [], line())
    proposal = now_signed(tmp_path, keeper.seal, line(operating=NARROWER), "kim", "lee")
    second = keeper.judge(proposal.sha256, datetime.now(UTC)).body()
    assert start(tmp_path, [*seals_of(rows), second], line())[0].seal.proposal == proposal
    with pytest.raises(RecordError, match="cannot be trusted"):
        start(tmp_path, [*seals_of(rows), {**second, **spoil}], line())
    with pytest.raises(RecordError, match="cannot be trusted"):
        start(tmp_path, [second], line())


def test_an_edit_while_running_is_told_once_and_forgotten_when_it_is_signed(tmp_path: Path) -> None:
    file = tmp_path / "limits.yaml"
    file.write_text("a", "ascii")
    keeper, _ = start(tmp_path, [], line(), file)
    assert keeper.look_at_files() == []
    file.write_text("b", "ascii")
    assert [event["event"] for event in keeper.look_at_files()] == ["file-edited"]
    assert keeper.look_at_files() == []
    assert "limits.yaml was edited" in keeper.notices()[0]
    files = {"limits.yaml": file_digest(file)}
    edited = change(keeper.seal, line(operating=NARROWER), files=files)
    asyncio.run(keeper.enforce(cast("FileRecorder", MemoryRecorder()), Seal(edited, ()), "now"))
    assert keeper.notices() == [], "what lies on the disk is what was signed"
    file.unlink()
    assert keeper.look_at_files()[0]["is"] == "missing"


class StandIn:
    """A loop runner and its solver in one, whose heir echoes what a test wants."""

    def __init__(self, echo: Mapping[str, Any] | OSError) -> None:
        self.solver = self.loop = self
        self.rules: LoopRules | None = None
        self.echo = echo
        self.disowned = 0

    async def prepare(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        if isinstance(self.echo, OSError):
            raise self.echo
        return {"echo": self.echo}

    async def disown(self) -> None:
        self.disowned += 1

    async def adopt(self, rules: LoopRules, *_: Mapping[str, str]) -> None:
        self.rules = rules


class NoDisk(MemoryRecorder):
    """Records events, but no seal."""

    async def append(self, kind: str, loop: str, utc: str, body: Mapping[str, Any]) -> int:
        if kind == "seal":
            raise RecordError("the disk is full")
        return await super().append(kind, loop, utc, body)


@pytest.mark.requirement("IL-20")
@pytest.mark.parametrize(
    ("echo", "recorder", "code"),
    [
        ({SP: NARROWER}, MemoryRecorder, ""),
        ({SP: [2e-4, 9e-4]}, MemoryRecorder, "RH-2022"),
        ({SP: [2.5e-4, 8.1e-4]}, MemoryRecorder, "RH-2022"),
        ({}, MemoryRecorder, "RH-2022"),
        (OSError("no model"), MemoryRecorder, "RH-2022"),
        ({SP: NARROWER}, NoDisk, "RH-2030"),
    ],
)
def test_nothing_changes_before_everything_stands(
    tmp_path: Path, echo: Any, recorder: type[MemoryRecorder], code: str
) -> None:
    keeper, _ = start(tmp_path, [], line())
    proposal = now_signed(tmp_path, keeper.seal, line(operating=NARROWER), "kim", "lee")
    told: list[Seal] = []
    runner, rows = StandIn(echo), recorder()
    runners = {LOOP: cast("LoopRunner", runner)}
    change_over = ChangeOver(keeper, runners, lambda _: {}, told.append)
    act = change_over.activate(
        cast("FileRecorder", rows), proposal.sha256, "kim", lambda: "2026-11-25T09:30:00.000Z"
    )
    if not code:
        proof = asyncio.run(act)["proof"][LOOP]
        assert proof["optimiser"] == {SP: NARROWER}
        assert proof["gate"][SP] == pytest.approx(NARROWER, abs=1e-7)
        assert [seal.proposal for seal in told] == [proposal]
        assert runner.rules is not None
        return
    with pytest.raises(ChangeRefusedError) as caught:
        asyncio.run(act)
    assert [refusal.code for refusal in caught.value.refusals] == [code]
    assert rows.bodies[-1]["event"] == "change-refused"
    assert (keeper.seal.proposal.version, runner.rules, told) == (1, None, [])
    assert runner.disowned == 1


@pytest.mark.requirement("IL-01")
def test_the_gates_echo_is_what_it_does_and_not_what_it_was_told() -> None:
    """A gate whose clamp is taken out echoes the equipment range: the proof can fail."""
    rules = loop_rules(line(operating=NARROWER), LOOP)
    assert gate_echo(rules)[SP] == pytest.approx(NARROWER, abs=1e-7)
    assert commissioned().config == line()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("safety.shape.nearest", lambda value, span: value)
        low, high = gate_echo(rules)[SP]
    assert not NARROWER[0] <= low <= high <= NARROWER[1]
