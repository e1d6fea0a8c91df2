"""What an OPC UA status code means for control (NAMUR NE 107 thinking; OPC 10000-4 and -8).

The two severity bits alone are not enough: 'good' codes also mark values that somebody typed in,
overrode or simulates. A code that is not in these tables is bad: default deny.
"""

from __future__ import annotations

from typing import Final

from asyncua import ua
from asyncua.ua.status_codes import get_name_and_doc

from safety.words import Quality

_CODE_BITS: Final = 0xFFFF0000
_LIMIT_BITS: Final = 0x0300
_CONSTANT: Final = 0x0300
_INFO_TYPE_BITS: Final = 0x0C00
_INFO_IS_DATA_VALUE: Final = 0x0400
_SEMANTICS_CHANGED: Final = 0x4000
_STRUCTURE_CHANGED: Final = 0x8000

_CODES: Final = ua.StatusCodes

GOOD_FOR_CONTROL: Final = frozenset({_CODES.Good, _CODES.GoodCascade})

USABLE_WITH_DOUBT: Final[dict[int, str]] = {
    _CODES.GoodOverload: "the server samples late",
    _CODES.GoodSubNormal: "fewer good sensors than normal",
    _CODES.Uncertain: "uncertain, no reason given",
    _CODES.UncertainLastUsableValue: "last usable value, no longer updated",
    _CODES.UncertainNoCommunicationLastUsableValue: "last value before the device fell silent",
    _CODES.UncertainSensorNotAccurate: "sensor at one of its limits",
    _CODES.UncertainEngineeringUnitsExceeded: "outside the range defined for it",
    _CODES.UncertainSubNormal: "too few good sensors",
    _CODES.UncertainDataSubNormal: "too few good values",
    _CODES.UncertainSensorCalibration: "sensor calibration fault",
    _CODES.UncertainOverRange: "over range",
    _CODES.UncertainUnderRange: "under range",
}

NOT_A_MEASUREMENT: Final[dict[int, str]] = {
    _CODES.GoodLocalOverride: "overridden by hand",
    _CODES.GoodEdited: "edited or simulated, not from the real source",
    _CODES.GoodEdited_DependentValueChanged: "edited or simulated, not from the real source",
    _CODES.GoodEdited_DominantValueChanged: "edited or simulated, not from the real source",
    _CODES.GoodEdited_DominantValueChanged_DependentValueChanged: (
        "edited or simulated, not from the real source"
    ),
    _CODES.GoodFaultStateActive: "the device is in its fault state",
    _CODES.UncertainSimulatedValue: "simulated",
    _CODES.UncertainTransducerInManual: "transducer in manual",
    _CODES.UncertainSubstituteValue: "substituted by hand",
    _CODES.UncertainInitialValue: "initial value, never measured",
    _CODES.UncertainConfigurationError: "configuration error in the device",
    _CODES.UncertainDominantValueChanged: "its unit was changed in the device",
}


def quality_of(status: int) -> tuple[Quality, str]:
    """Return how far a value with this status code may be trusted, and why (NE 107).

    Args:
        status: the 32-bit status code as received, with its info bits.
    """
    code, name = status & _CODE_BITS, get_name_and_doc(status & _CODE_BITS)[0]
    if status & (_SEMANTICS_CHANGED | _STRUCTURE_CHANGED):
        return Quality.BAD, f"{name}: its unit, range or structure was changed in the server"
    if code in NOT_A_MEASUREMENT:
        return Quality.BAD, f"{name}: {NOT_A_MEASUREMENT[code]}"
    if code in USABLE_WITH_DOUBT:
        return Quality.UNCERTAIN, f"{name}: {USABLE_WITH_DOUBT[code]}"
    if code in GOOD_FOR_CONTROL:
        constant = (
            status & _INFO_TYPE_BITS == _INFO_IS_DATA_VALUE and status & _LIMIT_BITS == _CONSTANT
        )
        return (
            (Quality.UNCERTAIN, f"{name}: held constant by the device")
            if constant
            else (Quality.GOOD, "")
        )
    if code >> 30 == 2:  # the severity bits 10 say 'bad'
        return Quality.BAD, name
    return Quality.BAD, f"{name}: not a status we accept for control"
