"""Static noise margin of a 6T SRAM cell, from the butterfly of its two halves cut open."""

from dataclasses import replace
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd

from cimspice.bench.bench import Bench, register
from cimspice.netlist import NetlistParameters, quantity
from cimspice.spice import Dc, Sweep, Waveforms
from cimspice.sram.circuit.cell import LineVoltage, SramCell, Supply


class ButterflyParameters(NetlistParameters):
    """Conditions of a noise margin: word line at 0 V is hold, at the supply is read."""

    cell: SramCell = SramCell()
    supply_voltage: Supply = 1.8
    word_line_voltage: LineVoltage = 1.8
    points: Annotated[int, quantity("1", ge=10, le=10_000, description="intervals of the sweep")] = 180


class HoldReadParameters(ButterflyParameters):
    """As :class:`ButterflyParameters`; the word line's voltage is that of a read."""

    word_line_voltage: Annotated[float, quantity("V", gt=0, le=2.5)] = 1.8


def lobes(input_voltage: np.ndarray, left: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """Sides of the largest squares in the two lobes of a butterfly (V), by the rotated-square method.

    The first lobe is that of the state in which ``left`` is 1, the second that in which ``right`` is. Both
    curves are turned by 45 degrees, where a square's diagonal is the vertical distance between them.
    Zero or negative: the curves leave no lobe, and the state does not exist.

    Parameters
    ----------
    input_voltage, left, right
        Swept input and both inverters' outputs (V), shape (points,).

    References
    ----------
    Seevinck, List, Lohstroh, IEEE J. Solid-State Circuits 22 (1987) 748.
    """
    first = _turned(input_voltage, left)
    second = _turned(right, input_voltage)
    across = np.unique(np.concatenate([first[0], second[0]]))
    across = across[(across >= max(first[0][0], second[0][0])) & (across <= min(first[0][-1], second[0][-1]))]
    distance = (np.interp(across, *first) - np.interp(across, *second)) / np.sqrt(2.0)
    return _largest((across, distance), (across, -distance))


def lobes_by_search(input_voltage: np.ndarray, left: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """As :func:`lobes`, by direct search: no rotation, no distance, squares put onto the curves.

    A square of the first lobe stands with its lower left corner on one curve, at each of 4,001 heights, and
    grows, by bisection, until its upper right corner meets the other; and so, mirrored, in the second lobe.
    """
    heights = np.linspace(input_voltage[0], input_voltage[-1], 4001)
    span = float(input_voltage[-1] - input_voltage[0])

    def grown(lower: np.ndarray, upper: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        corner = np.interp(heights, input_voltage, lower)
        low, high = np.full_like(heights, -span), np.full_like(heights, span)
        for _ in range(26):  # 1.8 V / 2**25: 54 nV
            side = (low + high) / 2
            fits = np.interp(corner + side, input_voltage, upper, right=-np.inf) >= heights + side
            low, high = np.where(fits, side, low), np.where(fits, high, side)
        return corner, low

    corner, first = grown(right, left)
    _, second = grown(left, right)
    return _largest((corner - heights, first), (heights - np.interp(heights, input_voltage, left), second))


def _turned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A falling curve in axes turned by 45 degrees, its abscissa rising."""
    across, along = (x - y) / np.sqrt(2.0), (x + y) / np.sqrt(2.0)
    order = np.argsort(across)
    return across[order], along[order]


def _largest(
    first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray]
) -> tuple[float, float]:
    """Largest squares of the two lobes, from (abscissa across the diagonal, side) of squares of each kind.

    The first lobe lies before the metastable point and the second after it, so the plane is divided where the
    smaller of the two largest squares is largest. Without the division, slivers behind the stable points, and
    the two sides of a circuit with one stable point, would pass for lobes.
    """
    across, side = _rising(*first)
    before = np.concatenate([[-np.inf], np.maximum.accumulate(side)])
    beyond, other = _rising(*second)
    after = np.concatenate([np.maximum.accumulate(other[::-1])[::-1], [-np.inf]])
    division = np.union1d(across, beyond)
    one = before[np.searchsorted(across, division, side="right")]
    two = after[np.searchsorted(beyond, division, side="left")]
    smaller = np.minimum(one, two)
    best = np.flatnonzero(smaller == smaller.max())  # a whole range of divisions, as a rule
    chosen = best[np.argmax(np.maximum(one[best], two[best]))]
    return float(one[chosen]), float(two[chosen])


def _rising(across: np.ndarray, side: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(across, kind="stable")
    return across[order], side[order]


def _sweep(parameters: ButterflyParameters) -> Dc:
    stop = parameters.supply_voltage
    return Dc("vinput", 0.0, stop, stop / parameters.points, save=("left", "right"))


def _margins(input_voltage: np.ndarray, left: np.ndarray, right: np.ndarray) -> dict[str, float]:
    first, second = lobes(input_voltage, left, right)
    searched = min(lobes_by_search(input_voltage, left, right))
    return {
        "noise_margin_left": first,
        "noise_margin_right": second,
        "noise_margin": min(first, second),
        "search_difference": searched - min(first, second),
    }


@register
class CellNoiseMargin(Bench):
    """Static noise margin at one word-line voltage.

    ``noise_margin_left`` is the square in the lobe where ``left`` stores 1, ``noise_margin`` the smaller of
    both; ``search_difference`` what a direct search of the largest square finds in excess of it.
    """

    name: ClassVar[str] = "sram_noise_margin"
    title: ClassVar[str] = "static noise margin of a 6T SRAM cell"
    template: ClassVar[str] = "sram/cell_butterfly"
    Parameters: ClassVar[type[NetlistParameters]] = ButterflyParameters
    columns: ClassVar[dict[str, str]] = {
        "noise_margin_left": "V",
        "noise_margin_right": "V",
        "noise_margin": "V",
        "search_difference": "V",
    }
    altered: ClassVar[dict[str, str]] = {"supply_voltage": "vsupply", "word_line_voltage": "vword_line"}

    def analysis(self, parameters: ButterflyParameters) -> Dc:
        return _sweep(parameters)

    def measure(self, parameters: ButterflyParameters, waveforms: Waveforms) -> pd.DataFrame:
        return pd.DataFrame([_margins(waveforms.axis, waveforms["left"], waveforms["right"])])


@register
class HoldAndReadMargin(CellNoiseMargin):
    """Static noise margins of one cell in hold and in read, in one simulation; columns as of
    :class:`CellNoiseMargin`."""

    name: ClassVar[str] = "sram_snm"
    title: ClassVar[str] = "static noise margins of a 6T SRAM cell, hold and read"
    Parameters: ClassVar[type[NetlistParameters]] = HoldReadParameters
    columns: ClassVar[dict[str, str]] = {
        f"{mode}_{name}": unit for mode in ("hold", "read") for name, unit in CellNoiseMargin.columns.items()
    }

    def analysis(self, parameters: HoldReadParameters) -> Dc:
        hold_and_read = Sweep("vword_line", 0.0, parameters.word_line_voltage, parameters.word_line_voltage)
        return replace(_sweep(parameters), outer=hold_and_read)

    def measure(self, parameters: HoldReadParameters, waveforms: Waveforms) -> pd.DataFrame:
        curves = [np.split(waveforms[name], 2) for name in (waveforms.axis_name or "", "left", "right")]
        row: dict[str, float] = {}
        for mode, curve in zip(("hold", "read"), zip(*curves, strict=True), strict=True):
            row |= {f"{mode}_{name}": value for name, value in _margins(*curve).items()}
        return pd.DataFrame([row])
