"""The C source of one shape's search and of its check: sizes, scales, stage functions, our own C.

Two libraries from two sources. The search is built for speed: scaled stage functions and slopes,
arithmetic reordered freely. The check is built for trust: the model itself in SI units, strict
arithmetic, and not one function of the search.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import casadi as ca
import numpy as np

from controller.compiled import Sampled
from controller.problem import UNIT_SHARE, Shape
from controller.stage_functions import native_functions, sizes_of
from controller.transcription import SLACK_CURVATURE, Scaling, discrete_map
from plant_models.control_model import Vector

_NATIVE: Final = Path(__file__).resolve().parent / "native"
SEARCH: Final = ("rows.c", "stage_qp.c", "optimality.c", "search.c")
"""What the search is made of, in the order it is compiled."""
_LANE: Final = 4  # numbers the processor handles at once: rows of matrices are filled up to it


def search_source(shape: Shape) -> tuple[list[Sampled], str]:
    """The stage functions to generate, and the C text that follows them."""
    size = sizes_of(shape)
    width = -(-size.zeta // _LANE) * _LANE
    ahead, slopes = native_functions(shape, width)
    z, v = np.full(size.nx, 0.1), np.full(size.nu, 0.1)
    given = [shape.model.nominal_vector(shape.model.disturbances)] * 2
    text = _header(shape) + _definitions({"LANE": _LANE, "LD": width})
    text += _masks(size.nx, size.zeta, width)
    own = "".join((_NATIVE / name).read_text("utf-8") for name in SEARCH)
    return [Sampled(ahead, [z, v, *given]), Sampled(slopes, [z, v, z, *given])], text + own


def check_source(shape: Shape) -> tuple[list[Sampled], str]:
    """The model in SI to generate, and the C text that follows it."""
    model = shape.model
    groups = (model.states, shape.mvs, model.disturbances)
    symbols = [ca.SX.sym("v", len(names)) for names in groups]
    point = [model.nominal_vector(names) for names in groups]
    ends = discrete_map(model, shape.period_s)(*symbols)
    advance = ca.Function("model_advance", symbols, [ca.densify(ends)])
    look = ca.Function("model_look", symbols, [ca.densify(model.measure(*symbols))])
    text = _header(shape)
    text += _definitions({"UNIT_SHARE": UNIT_SHARE, "OUTPUTS": len(model.outputs)})
    text += _row("int", "CV_OUTPUT", [model.outputs.index(tag) for tag in shape.cvs])
    own = (_NATIVE / "check.c").read_text("utf-8")
    return [Sampled(advance, point), Sampled(look, point)], text + own


def _header(shape: Shape) -> str:
    """Sizes and scales, the same for both libraries."""
    size, scaling = sizes_of(shape), Scaling(shape)
    sizes = {
        "NX": size.nx,
        "NU": size.nu,
        "NY": size.ny,
        "NL": size.nl,
        "NP": size.np,
        "NZ": size.zeta,
        "SOFT": max(size.nl, 1),  # C has no rows of nothing
        "SLACK_CURVATURE": SLACK_CURVATURE,
    }
    scales: dict[str, Sequence[float] | Vector] = {
        "X_CENTRE": scaling.x_centre,
        "X_SCALE": scaling.x_scale,
        "U_CENTRE": scaling.u_centre,
        "U_SCALE": scaling.u_scale,
        "Y_UNIT": scaling.y_unit,
        "LIMIT_SIGN": [1.0 if limit.side == "low" else -1.0 for limit in shape.limits],
    }
    rows = "".join(_row("double", name, values) for name, values in scales.items())
    of_limits = [shape.cvs.index(limit.tag) for limit in shape.limits]
    text = "#include <math.h>\n#include <string.h>\n"
    return text + _definitions(sizes) + rows + _row("int", "LIMIT_CV", of_limits)


def _masks(nx: int, zeta: int, width: int) -> str:
    """Rows that pick states, positions, or one number."""
    states = [float(i < nx) for i in range(width)]
    positions = [float(nx <= i < zeta) for i in range(width)]
    units = ", ".join(f"{{[{i}] = 1.0}}" for i in range(zeta))
    masks = {"STATES": states, "POSITIONS": positions, "ALL": [1.0] * width}
    text = "".join(_row("double", name, mask) for name, mask in masks.items())
    return f"{text}static const double UNIT[][{width}] = {{{units}}};\n"


def _definitions(values: Mapping[str, float]) -> str:
    return "".join(f"#define {name} {value!r}\n" for name, value in values.items())


def _row(kind: str, name: str, values: Sequence[float] | Vector) -> str:
    """A constant row; hexadecimal, so that not a bit is lost."""
    words = [str(v) if kind == "int" else float(v).hex() for v in values] or ["0"]
    return f"static const {kind} {name}[] = {{{', '.join(words)}}};\n"
