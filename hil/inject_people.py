"""Faults of people: a request again, a reset with the cause standing, a second engine."""

from __future__ import annotations

from controller.factory import build_controller
from hil.fault_solver import FaultyPlanner
from hil.fault_world import FaultWorld
from hil.inject_plc import foreign_setpoint
from hil.injection import Injection
from hil.light_recorder import LightRecorder
from records.row import RecordError
from records.store import RecordStore
from safety.words import Request, RequestedMode
from service.cycle import loop_context


def replayed_request(world: FaultWorld) -> Injection:
    """Somebody takes the loop to OFF; two cycles later the AUTO request of before comes again."""

    def begin() -> None:
        loop = world.runner.loop
        old = loop.request
        loop.request = Request(RequestedMode.OFF, "Kim", False, old.number + 1)

        def again() -> None:
            loop.request = old
            world.note("replayed")

        world.end_at(world.line.time_s + 2.0 * world.period_s, again)

    return Injection(begin)


def trip(world: FaultWorld, tag: str, amount: float, resets: bool = False) -> Injection:
    """A setpoint in use is put outside the equipment's range, and put back at the end.

    With `resets` a person resets the trip twice while its cause stands.
    """
    moved = foreign_setpoint(world, tag, amount)

    def put_back() -> None:
        moved.end()
        world.line.stations[world.plc].program.active[tag] -= amount

    def begin() -> None:
        moved.begin()
        for cycles in (3, 5) if resets else ():
            at_s = world.line.time_s + cycles * world.period_s
            world.ask_at(at_s, RequestedMode.AUTO, reset=True)

    return Injection(begin, put_back)


def second_engine(world: FaultWorld, beat: float = 0.5) -> Injection:
    """Another engine, with records of its own, is started on the same line and asked for AUTO.

    Its cycles begin the share `beat` of a period after those of the first one.
    """

    def begin() -> None:
        planner = FaultyPlanner(build_controller(world.loop, world.sealed), world)
        context = loop_context(
            world.sealed, world.loop, world.line.port, planner, LightRecorder(), world.clock, {}
        )
        context.request = Request(RequestedMode.AUTO, "Lee", False, 1)
        first_beat_s = (world.line.time_s // world.period_s + 1.0) * world.period_s
        world.neighbours.append([first_beat_s + beat * world.period_s, context])

    return Injection(begin)


def second_on_the_records(world: FaultWorld) -> Injection:
    """A second engine is started in the same state folder."""

    def begin() -> None:
        try:
            RecordStore(world.folder / "records.sqlite").close()
        except RecordError as refusal:
            world.note(f"refused: {refusal}")
        else:
            world.note("a second writer was let in")

    return Injection(begin)


def nameless_request(world: FaultWorld) -> Injection:
    """A request for AUTO without a name stands in the place of the person's."""

    def begin() -> None:
        loop = world.runner.loop
        loop.request = Request(RequestedMode.AUTO, " ", False, loop.request.number + 1)

    return Injection(begin)


def calibration_ends(world: FaultWorld, days: float, left_s: float = 0.0) -> Injection:
    """So many days go by on the calendar; then a person takes the loop to OFF and asks anew.

    `left_s` are the seconds that the last of these days has still to go.
    """

    def begin() -> None:
        now_s = world.line.time_s if left_s else 0.0
        world.clock.step_s += 86400.0 * days - left_s - now_s
        world.ask_at(world.line.time_s + world.period_s, RequestedMode.OFF)
        world.ask_at(world.line.time_s + 3.0 * world.period_s, RequestedMode.AUTO)

    return Injection(begin)
