"""The twelve ISA-88 phases of a mixing batch, in their order. Data only: the PLC sequences them."""

from __future__ import annotations

from enum import IntEnum


class Phase(IntEnum):
    """What the mixer is doing; the number is what the PLC shows as `mixer.phase`."""

    INERT = 1  # nitrogen until the oxygen is gone
    CHARGE_SOLVENT = 2
    CHARGE_ADHESIVE = 3
    ADD_ENHANCER = 4
    ADD_API = 5  # recipe B: the powder premix with the cross-linker, which starts the gel clock
    DISPERSE = 6
    HOMOGENISE = 7
    TRIM = 8  # solvent only thins: approach the viscosity from above
    DEAERATE = 9
    SAMPLE_HOLD = 10
    TRANSFER = 11
    CLEAN = 12
