"""The web as a row of cells: what the die lays down is carried by metres, not by seconds.

Cell 0 is being coated now; cell i > 0 starts `fill + (i-1) cell` metres downstream of the die.
A stopped web stops its cells, so the delay to the gauge is length over speed by construction.

symbol        meaning                                            unit
dry           mean dry coat weight of a cell                     kg/m2
profile       local over mean coat weight across the web         1
solvent       solvent per solids in each layer, surface first    1
bare          some of the cell passed a lifted die (a splice)    -
temp          web temperature                                    K
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LAYERS = 4  # nodes through the coat, surface first
LANES = 24  # positions across the web
SPARE_CELLS = 4


def mean_of_layers(solvent: Array) -> float:
    """Mean through the coat of one cell: a tenth of the time of numpy's for so few, same bits."""
    a, b, c, d = solvent.tolist()
    return float((a + b + c + d) / LAYERS)


def spread_of(lanes: Array) -> float:
    """Standard deviation across the web: numpy's own `std` without its detours, same bits."""
    apart = lanes - np.add.reduce(lanes) / len(lanes)
    return math.sqrt(np.add.reduce(apart * apart) / len(lanes))


class Web:
    """Cells from the die to just behind the gauge."""

    def __init__(self, length_m: float, cell_m: float, width_m: float, temp_k: float) -> None:
        """An empty web of `length_m` at `temp_k`."""
        count = round(length_m / cell_m) + SPARE_CELLS
        self.cell_m = cell_m
        self.width_m = width_m
        self.count = count
        self.fill_m = 0.0
        self.length_m = 0.0
        self.dry: Array = np.zeros(count)
        self.profile: Array = np.ones((count, LANES))
        self.layers: Array = np.zeros(
            (LAYERS, count)
        )  # a row for each layer: oven's work is by row
        self.temp: Array = np.ones(count) * temp_k
        self.bare: NDArray[np.bool_] = np.ones(count, dtype=np.bool_)  # not coated all along
        self.left_kg = 0.0
        self._open_bare = False
        self.centres: Array = (np.arange(count, dtype=np.float64) - 0.5) * cell_m
        self._open_solids_kg_m = 0.0  # on the cell being coated, per width
        self._open_solvent_kg_m = 0.0

    @property
    def solvent(self) -> Array:
        """The layers' numbers, a row for each cell; writing here writes there."""
        return self.layers.T

    def lay(
        self, metres: float, solids_kg: float, solvent_kg: float, profile: Array, temp_k: float
    ) -> bool:
        """Move the web by `metres` (less than a cell) and lay mass on it.

        Returns True when a cell was finished.
        """
        self.length_m += metres
        self._open_bare = self._open_bare or (metres > 0.0 and solids_kg <= 0.0)
        solids, solvent = solids_kg / self.width_m, solvent_kg / self.width_m
        room = self.cell_m - self.fill_m
        if metres < room:
            self.fill_m += metres
            self._open_solids_kg_m += solids
            self._open_solvent_kg_m += solvent
            return False
        share = room / metres
        self._open_solids_kg_m += share * solids
        self._open_solvent_kg_m += share * solvent
        self._close(profile, temp_k)
        self._open_solids_kg_m = (1.0 - share) * solids
        self._open_solvent_kg_m = (1.0 - share) * solvent
        self.fill_m = metres - room
        self._open_bare = solids_kg <= 0.0
        return True

    def _close(self, profile: Array, temp_k: float) -> None:
        """Finish cell 0 and move every cell one place downstream."""
        self.left_kg += float(self.dry[-1]) * self.cell_m * self.width_m
        for row in (self.dry, self.profile, self.solvent, self.temp, self.bare):
            row[2:] = row[1:-1]
        solids, solvent = self._open_solids_kg_m, self._open_solvent_kg_m
        self.dry[1] = solids / self.cell_m
        self.profile[1] = profile
        self.solvent[1] = solvent / solids if solids > 1e-9 else 0.0
        self.temp[1] = temp_k
        self.bare[1] = self._open_bare

    def positions_m(self) -> Array:
        """Distance of every cell's centre from the die [m]."""
        return self.centres + self.fill_m

    def index_at(self, metres: float) -> int:
        """The cell that passes a point `metres` behind the die."""
        index = int((metres - self.fill_m) / self.cell_m) + 1
        return min(max(index, 1), self.count - 1)

    def solids_on_web_kg(self) -> float:
        """Solids on all cells, the open one included [kg]."""
        closed = float(self.dry[1:].sum()) * self.cell_m
        return (closed + self._open_solids_kg_m) * self.width_m
