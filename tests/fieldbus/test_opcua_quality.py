"""Every status code of the standard, and every other: what it means for control (NE 107)."""

from __future__ import annotations

import pytest
from asyncua import ua
from hypothesis import given
from hypothesis import strategies as st

from fieldbus.opcua_quality import (
    GOOD_FOR_CONTROL,
    NOT_A_MEASUREMENT,
    USABLE_WITH_DOUBT,
    quality_of,
)
from safety.words import Quality

KNOWN = {name: code for name, code in vars(ua.StatusCodes).items() if isinstance(code, int)}


@pytest.mark.requirement("FS-09")
def test_no_status_of_the_standard_is_good_unless_it_is_listed() -> None:
    good = {name for name, code in KNOWN.items() if quality_of(code)[0] is Quality.GOOD}
    assert good == {"Good", "GoodCascade"}
    doubtful = {code for code in KNOWN.values() if quality_of(code)[0] is Quality.UNCERTAIN}
    assert doubtful == set(USABLE_WITH_DOUBT)


@pytest.mark.parametrize(
    ("name", "quality"),
    [
        ("Good", Quality.GOOD),
        ("GoodLocalOverride", Quality.BAD),
        ("GoodEdited", Quality.BAD),
        ("GoodEdited_DependentValueChanged", Quality.BAD),
        ("UncertainSimulatedValue", Quality.BAD),
        ("UncertainTransducerInManual", Quality.BAD),
        ("UncertainSubstituteValue", Quality.BAD),
        ("UncertainLastUsableValue", Quality.UNCERTAIN),
        ("UncertainSensorNotAccurate", Quality.UNCERTAIN),
        ("UncertainNoCommunicationLastUsableValue", Quality.UNCERTAIN),
        ("BadSensorFailure", Quality.BAD),
        ("BadOutOfService", Quality.BAD),
        ("BadWaitingForInitialData", Quality.BAD),
        ("GoodNoData", Quality.BAD),
        ("GoodCompletesAsynchronously", Quality.BAD),
    ],
)
@pytest.mark.requirement("FS-09")
def test_ne_107_table(name: str, quality: Quality) -> None:
    found, reason = quality_of(KNOWN[name])
    assert found is quality
    assert (name in reason) == (quality is not Quality.GOOD)


@given(st.integers(0, 2**32 - 1))
@pytest.mark.requirement("FS-09")
def test_an_unknown_code_is_never_usable(status: int) -> None:
    code = status & 0xFFFF0000
    if code not in GOOD_FOR_CONTROL | set(USABLE_WITH_DOUBT):
        assert quality_of(status)[0] is Quality.BAD


@given(st.sampled_from(sorted(KNOWN.values())), st.integers(0, 0xFFFF))
def test_info_bits_never_make_a_value_better(code: int, info: int) -> None:
    assert quality_of(code | info)[0] <= quality_of(code)[0]


def test_a_value_held_constant_is_doubtful_and_a_changed_meaning_is_bad() -> None:
    assert quality_of(0x0700)[0] is Quality.UNCERTAIN
    assert quality_of(0x0500)[0] is Quality.GOOD  # limited low: still the measurement
    assert quality_of(0x4000)[0] is Quality.BAD
    assert quality_of(0x8000)[0] is Quality.BAD


def test_the_tables_do_not_overlap() -> None:
    tables = (GOOD_FOR_CONTROL, set(USABLE_WITH_DOUBT), set(NOT_A_MEASUREMENT))
    assert sum(map(len, tables)) == len(set().union(*tables))
