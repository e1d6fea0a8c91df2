"""From the sealed configuration to what a loop shall do: CVs with targets and limits, MVs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.problem import SoftLimit

REST_WEIGHT = 1.0e-2
"""How weakly an MV is drawn to its rest value: it decides only what nothing else decides."""


@dataclass(frozen=True, slots=True)
class CvSpec:
    """One controlled variable as configured (SI); `target` None means limits only."""

    tag: str
    target: float | None
    low: float | None
    high: float | None
    weight: float
    rank: int


@dataclass(frozen=True, slots=True)
class MvSpec:
    """One manipulated variable as configured (SI)."""

    tag: str
    move_weight: float
    rest: float | None


@dataclass(frozen=True, slots=True)
class LoopSpec:
    """All a controller needs of one loop's configuration."""

    loop: str
    period_s: float
    horizon: int
    bad_cycles: int
    cvs: tuple[CvSpec, ...]
    mvs: tuple[MvSpec, ...]
    controller: Mapping[str, Any]
    recipe: Mapping[str, Any]
    economic: Mapping[str, Any] = field(default_factory=dict)

    @property
    def soft_limits(self) -> tuple[SoftLimit, ...]:
        """Every soft limit that is configured."""
        return tuple(
            SoftLimit(cv.tag, side)
            for cv in self.cvs
            for side, value in (("low", cv.low), ("high", cv.high))
            if value is not None
        )

    @property
    def targets(self) -> dict[str, float]:
        """The targets in force."""
        return {cv.tag: cv.target for cv in self.cvs if cv.target is not None}

    def overrides(self, table: str) -> dict[str, float]:
        """Parameter overrides under `controller: <table>:` (SI), empty when there are none."""
        return {path: float(value) for path, value in (self.controller.get(table) or {}).items()}


def loop_spec(loop: str, sealed: Mapping[str, Any]) -> LoopSpec:
    """Read the part of a sealed configuration that the controller of `loop` needs."""
    body = sealed["loops"][loop]
    controller = body["controller"]
    targets = sealed["recipe"]["targets"]
    return LoopSpec(
        loop=loop,
        period_s=float(body["period"]),
        horizon=int(controller["horizon"]),
        bad_cycles=int(controller["bad_cycles"]),
        cvs=tuple(
            CvSpec(
                tag=tag,
                target=_target(cv.get("target"), targets, tag),
                low=_open(cv.get("low")),
                high=_open(cv.get("high")),
                weight=float(cv["weight"]),
                rank=int(cv["rank"]),
            )
            for tag, cv in controller["cvs"].items()
        ),
        mvs=tuple(
            MvSpec(tag, float(mv["move_weight"]), _open(mv.get("rest")))
            for tag, mv in controller["mvs"].items()
        ),
        controller=controller,
        recipe=sealed["recipe"],
        economic=controller.get("economic") or {},
    )


def _open(value: float | None) -> float | None:
    return None if value is None else float(value)


def _target(value: float | str | None, targets: Mapping[str, float], tag: str) -> float | None:
    return float(targets[tag]) if value == "recipe" else _open(value)  # type: ignore[arg-type]
