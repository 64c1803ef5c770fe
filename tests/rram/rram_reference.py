"""Independent solutions: the published equations in their own units and constants, integrated by scipy.

Nothing here comes from cimspice. Lengths in nm, voltages in V, temperatures in K. Two things are not in the
papers and are written down here as docs/rram.md states them: the smooth ends tanh(distance/0.005), distances
as shares of the range, and, for the filament model, barriers that do not fall below zero. Gaps beyond the
range are those of pristine cells, where the net velocity of both hops is never towards a larger gap.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import exp, log1p, sinh, tanh

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

K = 1.380649e-23 / 1.602176634e-19
ROOM = 273.15


def _zero(function: Callable[[float], float], low: float, high: float, accuracy: float) -> float:
    return brentq(function, low, high, xtol=accuracy, rtol=1e-14)  # pyright: ignore[reportReturnType] (a number unless full_output)


def _floor(barrier: float) -> float:
    return max(barrier, 0.0) + 0.01 * log1p(exp(-abs(barrier) / 0.01))


def skywater(v: float, y: np.ndarray, ambient: float) -> list[float]:
    """Filament thickness in nm and temperature in K."""
    filament, temperature = y
    field = (16.5 - 1.25 * (5.0 - filament) ** 3) * (0.25 / 5.0) * v
    kt = K * temperature
    grow = exp(-_floor(1.501 - field) / kt)
    shrink = exp(-_floor(1.5 + field) / kt)
    if filament < 3.3 and shrink > grow:
        shrink = grow
    grow *= tanh((4.9 - filament) / 1.6 / 0.005)
    shrink *= tanh(abs(filament - 3.3) / 1.6 / 0.005)
    heating = abs(v * skywater_current(v, filament)) / 3.1825e-16
    return [150e9 * (grow - shrink), heating - (temperature - ambient) / 0.23e-9]


def skywater_current(v: float, filament: float) -> float:
    return 61.4e-6 * exp(-(5.0 - filament) / (5.0 - 4.7249)) * sinh(v / 0.43)


def skywater_published(v: float, y: np.ndarray, ambient: float) -> list[float]:
    """As the PDK's Verilog-A has it: hard ends, barriers without a floor."""
    filament, temperature = y
    field = (16.5 - 1.25 * (5.0 - filament) ** 3) * (0.25 / 5.0) * v
    kt = K * temperature
    speed = 150e9 * (exp(-(1.501 - field) / kt) - exp(-(1.5 + field) / kt))
    if (filament >= 4.9 and speed > 0) or (filament <= 3.3 and speed < 0):
        speed = 0.0
    heating = abs(v * skywater_current(v, filament)) / 3.1825e-16
    return [speed, heating - (temperature - ambient) / 0.23e-9]


def stanford_pku(v: float, y: np.ndarray, ambient: float) -> list[float]:
    """Gap in nm."""
    (gap,) = y
    gamma = 16.0 - 0.8 * gap**3
    gamma *= 0.5 * (1 + tanh((gamma * abs(v) / 12e-9 - 1.4e9) / 2e7))
    kt = K * (ambient + 2.1e3 * abs(v * stanford_pku_current(v, gap)))
    hop = gamma * (0.25 / 12.0) * v / kt
    closing = exp(hop) * tanh((gap - 0.2) / 1.5 / 0.005)
    opening = exp(-abs(hop) if gap > 1.7 else -hop) * tanh(abs(1.7 - gap) / 1.5 / 0.005)
    return [-10e9 * exp(-0.6 / kt) * (closing - opening) / 2]


def stanford_pku_current(v: float, gap: float) -> float:
    return 1e-3 * exp(-gap / 0.25) * sinh(v / 0.25)


def vteam(v: float, y: np.ndarray, ambient: float) -> list[float]:
    """w in nm: 0 conducts best. The paper's voltage is -v."""
    (w,), u = y, -v
    if u > 0.02:
        return [5e-4 * 1e9 * (u / 0.02 - 1) * tanh((3.0 - w) / 3.0 / 0.005)]
    if u < -0.2:
        return [-10 * 1e9 * (u / -0.2 - 1) ** 3 * tanh(w / 3.0 / 0.005)]
    return [0.0]


def vteam_current(v: float, w: float) -> float:
    return v / (50.0 + (1000.0 - 50.0) * w / 3.0)


def yakopcic(v: float, y: np.ndarray, ambient: float) -> list[float]:
    (x,) = y
    if v > 0.65:
        f = 1.0 if x < 0.3 else exp(-1.0 * (x - 0.3)) * ((0.3 - x) / (1 - 0.3) + 1)
        return [4000 * (exp(v) - exp(0.65)) * f]
    if v < -0.56:
        f = 1.0 if x > 1 - 0.5 else exp(5.0 * (x + 0.5 - 1)) * x / (1 - 0.5)
        return [-4000 * (exp(-v) - exp(0.56)) * f]
    return [0.0]


def yakopcic_current(v: float, x: float) -> float:
    return 0.17 * x * sinh(0.05 * v)


def memdiode(v: float, y: np.ndarray, ambient: float) -> list[float]:
    (x,) = y
    return [(1 - x) / (1.796e6 * exp(-v / 0.0899)) - x / (132 * exp(v / 0.1905))]


def memdiode_current(v: float, x: float) -> float:
    size, slope, resistance = 1.8e-6 + (1.23e-3 - 1.8e-6) * x, 3.0 + 0.8 * x, 117.0 + 139.0 * x

    def excess(i: float) -> float:
        u = slope * (v - resistance * i)
        return i - size * (exp(0.308 * u) - exp(-0.692 * u))

    limit = abs(v) / resistance + 1e-30
    return _zero(excess, -limit, limit, 1e-18)


RATES: dict[str, Callable] = {
    "skywater": skywater, "stanford_pku": stanford_pku, "vteam": vteam, "yakopcic": yakopcic,
    "memdiode": memdiode,
}  # fmt: skip
CURRENTS: dict[str, Callable] = {
    "skywater": skywater_current, "stanford_pku": stanford_pku_current, "vteam": vteam_current,
    "yakopcic": yakopcic_current, "memdiode": memdiode_current,
}  # fmt: skip
ENDS = {"skywater": (3.3, 4.9), "stanford_pku": (1.7, 0.2), "vteam": (3.0, 0.0)}
"""Own variable at the most resistive and at the most conductive end; 0 and 1 for the others."""


def own(model: str, state: float) -> float:
    """The model's own variable of a normalised state."""
    low, high = ENDS.get(model, (0.0, 1.0))
    return low + (high - low) * state


def normalised(model: str, variable: float) -> float:
    low, high = ENDS.get(model, (0.0, 1.0))
    return (variable - low) / (high - low)


def solve(
    model: str,
    state: float,
    corners: list[tuple[float, float]],
    series: float,
    celsius: float,
    rates: Callable | None = None,
    method: str = "LSODA",
) -> float:
    """Normalised state after a piecewise linear voltage through ``corners`` (s, V) behind ``series`` ohm."""
    law, current = rates or RATES[model], CURRENTS[model]
    ambient = celsius + ROOM
    y = np.array([own(model, state)] + ([ambient] if model == "skywater" else []))
    for (t0, v0), (t1, v1) in pairwise(corners):

        def right(t, z, t0=t0, t1=t1, v0=v0, v1=v1):
            supply = v0 + (v1 - v0) * (t - t0) / (t1 - t0)
            v = supply
            if series > 0 and supply != 0:
                v = _zero(
                    lambda u: u + series * current(u, z[0]) - supply,
                    min(supply, 0.0),
                    max(supply, 0.0),
                    1e-15,
                )
            return law(v, z, ambient)

        done = solve_ivp(right, (t0, t1), y, method=method, rtol=1e-8, atol=[1e-9, 1e-5][: y.size])
        assert done.success, done.message
        y = done.y[:, -1]
    return normalised(model, y[0])
