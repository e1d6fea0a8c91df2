from __future__ import annotations

import math
import subprocess
from pathlib import Path

import pytest

from tests.hil.plc.rig import HOME
from tests.hil.plc.structured_text import Block, Library, StructuredTextError


def block(body: str, declared: str = "") -> Block:
    return Library(
        "FUNCTION_BLOCK One VAR_INPUT X : REAL; N : DINT; B : BOOL; END_VAR "
        "VAR_OUTPUT Y : REAL; M : DINT; Q : BOOL; A : ARRAY [0..2] OF REAL; END_VAR "
        f"VAR I : DINT; {declared} END_VAR {body} END_FUNCTION_BLOCK"
    ).make("One")


def test_a_real_has_32_bits_after_every_operation() -> None:
    assert block("Y := X + 1.0;").scan(X=16777216.0)["Y"] == 16777216.0
    assert block("Y := X * 10.0 / 10.0;").scan(X=1e38)["Y"] == math.inf


def test_no_comparison_of_a_nan_is_true_except_unequal() -> None:
    for sign in ("<", ">", "<=", ">=", "="):
        assert block(f"Q := X {sign} X;").scan(X=math.nan)["Q"] is False
    assert block("Q := X <> X;").scan(X=math.nan)["Q"] is True


def test_operators_bind_as_the_standard_says() -> None:
    assert block("M := 2 + 3 * 4 - 1;").scan()["M"] == 13
    assert block("Q := B OR N > 1 AND NOT B;").scan(N=2, B=False)["Q"] is True
    assert block("Q := B OR B AND B;").scan(B=True)["Q"] is True
    assert block("M := - 3 + 5;").scan()["M"] == 2


def test_memory_stays_and_a_for_counts_to_its_end() -> None:
    one = block("Y := Y + 1.0; FOR I := 0 TO 2 DO A[I] := Y; END_FOR;")
    one.scan()
    assert one.scan()["A"] == [2.0, 2.0, 2.0]


def test_if_takes_the_first_arm_that_is_true() -> None:
    one = block("IF N > 2 THEN M := 1; ELSIF N > 1 THEN M := 2; ELSE M := 3; END_IF;")
    assert [one.scan(N=n)["M"] for n in (3, 2, 1)] == [1, 2, 3]


@pytest.mark.parametrize(
    "body",
    [
        "Y := N;", "M := X;", "Q := N;", "Y := 1;", "Q := B > B;", "X := 1.0;", "Z := 1.0;",
        "Y := 1.0", "IF N THEN M := 1; END_IF;", "Y := SQRT(X);", "M := 3 / 2;", "Y := A;",
        "WHILE B DO M := 1; END_WHILE;", "M := M + TRUE;", "A := X;",
    ],
)  # fmt: skip
def test_what_is_not_of_the_subset_is_refused(body: str) -> None:
    with pytest.raises(StructuredTextError):
        block(body)


def test_what_a_plc_must_not_do_is_refused_when_it_happens() -> None:
    with pytest.raises(StructuredTextError, match="outside its array"):
        block("A[N] := 1.0;").scan(N=3)
    with pytest.raises(StructuredTextError, match="does not fit"):
        block("M := N + 1;").scan(N=2**31 - 1)
    with pytest.raises(StructuredTextError, match="takes REAL"):
        block("Y := X;").scan(X=1)


@pytest.mark.slow
def test_a_parser_of_somebody_else_reads_the_text(tmp_path: Path) -> None:
    """blark knows the grammar of a maker's dialect; it shares nothing with our interpreter."""
    blark = Path(__file__).resolve().parents[3] / "var" / "interop" / "blark" / "bin" / "blark"
    if not blark.exists():
        pytest.skip("blark is not here: install it with .ci/interop")
    text = (HOME / "rheostat.st").read_text("utf-8")
    for name, source, code in (
        ("sound.st", text, 0),
        ("spoiled.st", text.replace("END_IF", "END", 1), 1),
    ):
        (tmp_path / name).write_text(source, "utf-8")
        done = subprocess.run(
            [blark, "parse", tmp_path / name], capture_output=True, check=False, timeout=120
        )
        assert done.returncode == code, done.stderr.decode()[-500:]
