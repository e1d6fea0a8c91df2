"""Our mixing estimators beside do-mpc's: same model, same data, same run, in turn.

The data come from the filter's own model with random walks and noise of the sizes the filters are
told, so the true states are known and no filter has a better model, better noise or another start
than another; our alert for new lots is switched off, so that all have the same walks. Told per
lane: time of a whole cycle with a full window, and the error against the truth: of the viscosity at
25 C, and of all states, each over its founding spread. Late laboratory samples are left out,
because do-mpc cannot take them at their own time.

Without them nothing tells a new lot from a fouled viscometer and a rubbing seal but how probable
each is. Within one plant that mistake hardly changes, so a plant is one sample of the error and not
a hundred: over ten plants two filters that are equally good differ by a fifth either way. Hence
many plants, and with each ratio of errors its 95 % interval (bootstrap over plants, Efron 1979).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.dompc_estimators import READS, DompcEkf, DompcMhe
from benchmarks.figures import Stopwatch, Verdict
from controller.kalman import Belief
from controller.mixing_channels import CHANNELS, LAB, READ, WALKERS, filter_functions
from controller.mixing_estimator import MixingEstimator, founding_spread
from controller.mixing_mhe import LENGTH, MixingMhe
from controller.mixing_settings import MIXING_SETTINGS
from controller.plan import PlanRequest
from plant_models.control_model import Vector
from plant_models.mixing_control import control_model
from plant_models.parameters import Parameters

PERIOD_S = 20.0
WARM = 10  # cycles of each plant that are not counted: starts
LEAST = LENGTH + 10  # cycles of each plant; only those with a full window are timed
PLANTS = 60
RESAMPLES = 2000
SAME_WALKS = {"alert.level": 1e9}  # nothing jumps here, and do-mpc cannot be told of jumps
LIMIT_MS = {"ekf": 0.3, "mhe": 1.0}
PEER = {"ekf": "do-mpc ekf", "mhe": "do-mpc mhe"}


class _Truth:
    """The model itself, walking at random."""

    def __init__(self, seed: int) -> None:
        self.model, self.settings = control_model(), Parameters(MIXING_SETTINGS, SAME_WALKS)
        self.step, self.look = filter_functions(self.model, PERIOD_S)
        self.rng = np.random.default_rng(seed)
        self.unit = founding_spread(self.settings)
        rest = [self.model.nominal[name] for name in WALKERS]
        z = np.array([*self.model.nominal_vector(self.model.states), *rest])
        offsets = 0.5 * self.unit * self.rng.standard_normal(len(z))
        offsets[: len(self.model.states)] = 0.0
        self.z = z + offsets
        self.z[-1] = abs(self.z[-1])
        self.ambient_k = self.model.nominal["mixer.ambient_temp"]
        self.u = self.model.nominal_vector(self.model.inputs)
        self.noise = np.array([self.settings[key] for _, key in READ.values()])

    def cycle(self, k: int, Q: Vector) -> Vector:
        """Let one period pass; return the readings in the order of READS."""
        self.u = self.model.nominal_vector(self.model.inputs)
        self.u[0] *= 1.0 + 0.2 * np.sign(np.sin(k / 17.0))
        self.u[1] += 2.0 * np.sin(k / 29.0)
        ahead = np.asarray(self.step(self.z, self.u, self.ambient_k)[0], dtype=float).ravel()
        self.z = ahead + np.linalg.cholesky(Q) @ self.rng.standard_normal(len(ahead))
        self.z[-1] = abs(self.z[-1])
        told = self.told(self.z)
        seen = np.array([told[CHANNELS.index(channel)] for channel in READS])
        shown: Vector = seen + self.noise * self.rng.standard_normal(len(seen))
        return shown

    def told(self, z: Vector) -> Vector:
        """All channels at a state."""
        return np.asarray(self.look(z, self.u, self.ambient_k)[0], dtype=float).ravel()

    def request(self, k: int, y: Vector) -> PlanRequest:
        """The same readings as the engine would bring them."""
        values: dict[str, float | int | bool | str] = {
            "mixer.batch": 1,
            "mixer.ambient_temp": self.ambient_k,
        }
        for tag, (channel, _) in READ.items():
            read = float(y[READS.index(channel)])
            values[tag] = float(np.exp(read)) if channel.startswith("ln ") else read
        applied = dict(zip(self.model.inputs, (float(v) for v in self.u), strict=True))
        return PlanRequest(
            "mixing", k, (k + 1) * PERIOD_S, values, {}, applied, {}, {}, closed=True
        )


def run(cycles: int, seed: int, plants: int = PLANTS) -> dict[str, Any]:
    """Race the four estimators over `plants`; return figures by lane, and verdicts."""
    lanes: dict[str, _Lane] = {}
    peers: dict[str, DompcEkf | DompcMhe] = {}
    for draw in range(plants):
        _race(_Truth(seed + draw), max(LEAST, cycles // plants), lanes, peers)
    told: dict[str, Any] = {
        name: {
            **lane.watch.told(),
            "viscosity_rmse_percent": 100.0 * _rms(np.array(lane.viscosity)),
            "state_rmse": _rms(np.array(lane.states)),
        }
        for name, lane in lanes.items()
    }
    for name, peer in PEER.items():
        low, high = _interval(lanes[name], lanes[peer], plants)
        told[name]["viscosity_rmse_over_peer"] = {"low": low, "high": high}
    return {**told, "plants": plants, "verdicts": [line.to_json() for line in _verdicts(told)]}


@dataclass(slots=True)
class _Lane:
    """One estimator over all plants."""

    watch: Stopwatch = field(default_factory=Stopwatch)
    viscosity: list[float] = field(default_factory=list)
    states: list[Vector] = field(default_factory=list)


def _race(
    truth: _Truth,
    cycles: int,
    lanes: dict[str, _Lane],
    peers: dict[str, DompcEkf | DompcMhe],
) -> None:
    """Let every estimator see one plant, cycle by cycle in a turning order."""
    ours = {
        "ekf": MixingEstimator(truth.model, truth.settings, PERIOD_S, bad_cycles=12),
        "mhe": MixingMhe(truth.model, truth.settings, PERIOD_S, bad_cycles=12),
    }
    Q = ours["ekf"].walks(alert=False)
    first = truth.cycle(0, Q)
    for estimator in ours.values():
        estimator.update(truth.request(0, first), 1)
    if not peers:
        peers |= _peers(truth, Q, ours["ekf"].belief)
    for peer in peers.values():
        peer.begin(ours["ekf"].belief)
    names = [*ours, *peers]
    for k in range(1, cycles + 1):
        y = truth.cycle(k, Q)
        request = truth.request(k, y)  # what the engine hands over; do-mpc is handed arrays
        right = truth.told(truth.z)[CHANNELS.index(LAB)]
        for i in range(len(names)):
            name = names[(k + i) % len(names)]
            lane = lanes.setdefault(name, _Lane())
            watch = lane.watch if k > LENGTH else nullcontext()
            if name in ours:
                with watch:
                    estimate = ours[name].update(request, 1)
                z = np.array([estimate.shown[state] for state in (*truth.model.states, *WALKERS)])
            else:
                with watch:
                    z = peers[name].step(truth.u, truth.ambient_k, y)
            if k > WARM:
                lane.states.append((z - truth.z) / truth.unit)
                lane.viscosity.append(float(truth.told(z)[CHANNELS.index(LAB)] - right))


def _interval(lane: _Lane, peer: _Lane, plants: int) -> tuple[float, float]:
    """Between which two numbers the ratio of viscosity errors lies, with 95 %."""
    a, b = (np.square(one.viscosity).reshape(plants, -1).mean(axis=1) for one in (lane, peer))
    drawn = np.random.default_rng(1).integers(0, plants, (RESAMPLES, plants))
    ratios = np.sqrt(a[drawn].mean(axis=1) / b[drawn].mean(axis=1))
    low, high = np.quantile(ratios, [0.025, 0.975])
    return float(low), float(high)


def _peers(truth: _Truth, Q: Vector, start: Belief) -> dict[str, DompcEkf | DompcMhe]:
    step, look, unit, noise = truth.step, truth.look, truth.unit, truth.noise
    return {
        "do-mpc ekf": DompcEkf(step, look, unit, Q, noise),
        "do-mpc mhe": DompcMhe(step, look, unit, Q, noise, arrival=start.P, length=LENGTH),
    }


def _verdicts(told: Mapping[str, Any]) -> list[Verdict]:
    lines = []
    for name, limit in LIMIT_MS.items():
        ours, peer = told[name], told[PEER[name]]
        share = ours["viscosity_rmse_percent"] / peer["viscosity_rmse_percent"]
        faster = peer["cpu_ms"]["median"] / ours["cpu_ms"]["median"]
        lines += [
            Verdict(f"{name}: median processor time [ms]", ours["cpu_ms"]["median"], "<=", limit),
            Verdict(f"{name}: viscosity error over {PEER[name]}'s", share, "<=", 1.0),
            Verdict(f"{name}: times faster than {PEER[name]}, median", faster, ">=", 1.0),
        ]
    return lines


def _rms(values: Vector) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
