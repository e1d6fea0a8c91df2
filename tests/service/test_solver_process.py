"""A solver that is late, hangs, dies or babbles costs one proposal and nothing else."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from controller.plan import PlanRequest
from service.solver_child import leashed
from service.solver_process import SolverProcess

AMPLE_S = 20.0  # a deadline no healthy answer misses, even on a busy machine


def question(misbehave: str = "") -> PlanRequest:
    values: dict[str, float | int | bool | str] = {"misbehave": misbehave}
    return PlanRequest("coating", 1, 10.0, values, {}, {"sp": 2.0}, {"sp": (0.0, 9.0)}, {}, True)


@asynccontextmanager
async def solver(*arguments: str) -> AsyncIterator[SolverProcess]:
    """Yield a solver whose worker and spare stand, and end its children whatever happens."""
    process = SolverProcess("coating", {}, leashed("tests.service.fake_worker", *arguments))
    process.start()
    if not arguments:
        await process.ready()
    try:
        yield process
    finally:
        await process.close()


def story(tell: Callable[[], Awaitable[None]]) -> None:
    """Run one story in a fresh event loop."""

    async def told() -> None:
        await tell()

    asyncio.run(told())


def gone(pid: int) -> bool:
    """Say whether no such process is left, a zombie included."""
    return not Path(f"/proc/{pid}").exists()


async def until(fact: Callable[[], bool]) -> None:
    """Wait for a fact; the test's own time-out is the pytest run's."""
    for _ in range(4000):
        if fact():
            return
        await asyncio.sleep(0.005)
    pytest.fail("it did not come true within 20 s")


def test_a_question_is_answered_by_a_child_with_one_thread() -> None:
    async def tell() -> None:
        async with solver() as process:
            plan = await process.plan(question(), AMPLE_S)
            assert plan.status == "solved"
            assert plan.proposal is not None
            assert plan.proposal.setpoints == {"sp": pytest.approx(2.002)}
            assert plan.proposal.made_s == 10.0
            assert int(plan.estimate["pid"]) == process.pids[0] != os.getpid()
            assert plan.notes == ["threads 1"]

    story(tell)


@pytest.mark.requirement("GMP-06")
@pytest.mark.parametrize(
    ("misbehave", "status"),
    [("hang", "late"), ("die", "dead"), ("garble", "garbled")],
)
def test_a_bad_child_costs_one_proposal_and_the_spare_answers_next(
    misbehave: str, status: str
) -> None:
    async def tell() -> None:
        async with solver() as process:
            worker, spare = process.pids
            plan = await process.plan(question(misbehave), 0.1 if status == "late" else AMPLE_S)
            assert plan.proposal is None
            assert plan.status == status
            assert plan.notes
            plan = await process.plan(question(), AMPLE_S)
            assert plan.status == "solved"
            assert int(plan.estimate["pid"]) == spare
            await until(lambda: gone(worker))
            await process.ready()
            assert len(process.pids) == 2, "a new spare was built"
            assert worker not in process.pids

    story(tell)


def test_whoever_takes_over_has_heard_every_question() -> None:
    async def tell() -> None:
        async with solver() as process:
            for number in range(1, 6):
                plan = await process.plan(question(), AMPLE_S)
                assert plan.estimate["heard"] == number
            os.kill(process.pids[0], signal.SIGKILL)
            await until(lambda: len(process.pids) == 1)
            assert (await process.plan(question(), AMPLE_S)).estimate["heard"] == 6, "the spare"
            await process.ready()
            os.kill(process.pids[0], signal.SIGKILL)
            await until(lambda: len(process.pids) == 1)
            assert (await process.plan(question(), AMPLE_S)).estimate["heard"] == 7, "a new one"

    story(tell)


def test_the_last_worker_may_finish_late_and_answers_the_next_question(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = tmp_path / "go"

    async def tell() -> None:
        async with solver() as process:
            monkeypatch.setattr(process, "start", lambda: None)  # no spare comes to its help
            worker, spare = process.pids
            os.kill(spare, signal.SIGKILL)
            await until(lambda: process.pids == [worker])
            plan = await process.plan(question(str(go)), 0.1)
            assert (plan.status, plan.proposal) == ("late", None)
            plan = await process.plan(question(), AMPLE_S)
            assert (plan.status, plan.notes) == (
                "late",
                ("still busy with an earlier question, and no spare",),
            )
            overdue = process._active.overdue if process._active else None
            assert overdue is not None
            go.touch()
            await asyncio.wait({overdue}, timeout=AMPLE_S)
            plan = await process.plan(question(), AMPLE_S)
            assert (plan.status, plan.estimate["pid"]) == ("solved", worker)

    story(tell)


def test_a_child_killed_between_two_cycles_is_replaced_without_losing_one() -> None:
    async def tell() -> None:
        async with solver() as process:
            worker, spare = process.pids
            os.kill(worker, signal.SIGKILL)
            await until(lambda: process.pids == [spare])
            plan = await process.plan(question(), AMPLE_S)
            assert plan.status == "solved"
            assert int(plan.estimate["pid"]) == spare
            assert process.counts["dead"] == 1

    story(tell)


def test_a_stopped_child_is_late_and_then_gone() -> None:
    async def tell() -> None:
        async with solver() as process:
            worker = process.pids[0]
            os.kill(worker, signal.SIGSTOP)
            plan = await process.plan(question(), 0.1)
            assert plan.status == "late"
            await until(lambda: gone(worker))

    story(tell)


def test_both_children_gone_means_no_proposal_until_one_is_rebuilt() -> None:
    async def tell() -> None:
        async with solver() as process:
            for pid in process.pids:
                os.kill(pid, signal.SIGKILL)
            await until(lambda: process.pids == [])
            assert (await process.plan(question(), AMPLE_S)).status == "starting"
            await process.ready()
            assert (await process.plan(question(), AMPLE_S)).status == "solved"

    story(tell)


def test_questions_never_queue(tmp_path: Path) -> None:
    go = tmp_path / "go"

    async def tell() -> None:
        async with solver() as process:
            first = asyncio.create_task(process.plan(question(str(go)), AMPLE_S))
            await asyncio.sleep(0.05)
            assert (await process.plan(question(), AMPLE_S)).status == "busy"
            go.touch()
            assert (await first).status == "solved"

    story(tell)


def test_an_answer_to_a_withdrawn_question_never_meets_the_next_one() -> None:
    async def tell() -> None:
        async with solver() as process:
            worker, spare = process.pids
            first = asyncio.create_task(process.plan(question("hang"), AMPLE_S))
            await asyncio.sleep(0.05)
            first.cancel()
            await asyncio.wait({first})
            plan = await process.plan(question(), AMPLE_S)
            assert int(plan.estimate["pid"]) == spare
            await until(lambda: gone(worker))

    story(tell)


def test_a_worker_that_refuses_says_why_and_is_tried_again() -> None:
    async def tell() -> None:
        async with solver("refuse") as process:
            await until(lambda: process.counts["failed"] >= 2)
            plan = await process.plan(question(), AMPLE_S)
            assert plan.status == "starting"
            assert "no model for this loop" in plan.notes[0]

    story(tell)


def test_closing_leaves_no_child() -> None:
    pids: list[int] = []

    async def tell() -> None:
        async with solver() as process:
            pids.extend(process.pids)
            os.kill(pids[0], signal.SIGSTOP)

    story(tell)
    assert len(pids) == 2
    assert all(gone(pid) for pid in pids)


def test_children_die_with_a_parent_that_was_killed() -> None:
    """Also one that is stopped, which would never see its pipe close."""
    parent = subprocess.Popen(
        [sys.executable, "-m", "tests.service.doomed_parent"], stdout=subprocess.PIPE, text=True
    )
    with parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 2
        os.kill(pids[0], signal.SIGSTOP)
        parent.kill()

    async def tell() -> None:
        # Whoever adopts them may be slow to reap: a zombie is dead enough.
        await until(lambda: all(gone(pid) or is_zombie(pid) for pid in pids))

    story(tell)


def is_zombie(pid: int) -> bool:
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text("ascii")
    except OSError:
        return True


def test_the_leash_refuses_to_run_for_a_parent_that_is_gone() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "service.leash", "1", "tests.service.fake_worker"],
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "parent process is gone" in done.stderr


def test_an_heir_stands_before_it_inherits_and_knows_everything_then() -> None:
    async def tell() -> None:
        async with solver() as process:
            before = process.pids
            for _ in range(3):
                await process.plan(question(), AMPLE_S)
            facts = await process.prepare({"new": True})
            assert facts["ready"] is True
            assert process.pids == before, "nothing has changed yet"
            await process.plan(question(), AMPLE_S)
            process.inherit()
            plan = await process.plan(question(), AMPLE_S)
            assert int(plan.estimate["pid"]) not in before
            assert plan.estimate["heard"] == 5, "no bump: it has heard all that was asked"
            await until(lambda: all(gone(pid) for pid in before))
            await process.ready()
            assert len(process.pids) == 2

    story(tell)


def test_an_heir_nobody_wants_ends_and_one_that_is_built_too_late_is_not_used() -> None:
    async def tell() -> None:
        async with solver() as process:
            before = process.pids
            await process.prepare({})
            await process.disown()
            process.inherit()
            assert process.pids == before
            os.kill(before[0], signal.SIGKILL)
            await until(lambda: len(process.pids) == 1)
            await process.plan(question(), AMPLE_S)  # a new spare of the old kind is being built
            await process.prepare({"new": True})
            process.inherit()
            await process.ready()
            assert len(process.pids) == 2
            assert not set(before) & set(process.pids)

    story(tell)
