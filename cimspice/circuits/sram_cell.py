"""One 6T SRAM cell of SKY130's special devices: its noise margins, and a read onto floating bit lines."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
import pandas as pd

from cimspice.circuits.bench import Bench, register
from cimspice.netlist import NetlistParameters, quantity
from cimspice.spice import Dc, Tran, Waveforms


class ButterflyParameters(NetlistParameters):
    """Conditions of a noise margin: word line at 0 V is hold, at the supply is read."""

    supply_voltage: Annotated[float, quantity("V", gt=0, le=2.5)] = 1.8
    word_line_voltage: Annotated[float, quantity("V", ge=0, le=2.5)] = 1.8
    points: Annotated[int, quantity("1", ge=10, le=10_000, description="intervals of the sweep")] = 180


class ReadParameters(NetlistParameters):
    """A read pulse on the word line, and what the bit lines weigh."""

    supply_voltage: Annotated[float, quantity("V", gt=0, le=2.5)] = 1.8
    word_line_voltage: Annotated[float, quantity("V", gt=0, le=2.5)] = 1.8
    word_line_delay: Annotated[float, quantity("s", ge=0, le=1e-3)] = 1e-9
    word_line_edge: Annotated[float, quantity("s", gt=0, le=1e-6)] = 50e-12
    word_line_width: Annotated[float, quantity("s", gt=0, le=1e-3, description="between the edges")] = 10e-9
    bit_line_capacitance: Annotated[float, quantity("F", gt=0, le=1e-9)] = 500e-15
    duration: Annotated[float, quantity("s", gt=0, le=1e-3, description="of the transient")] = 20e-9
    time_step: Annotated[float, quantity("s", gt=0, le=1e-6, description="largest time step")] = 20e-12


def static_noise_margin(input_voltage: np.ndarray, left: np.ndarray, right: np.ndarray) -> float:
    """Side of the largest square in the smaller lobe of a butterfly (V); negative if there is but one lobe.

    Both curves are turned by 45 degrees, where a square's diagonal is the vertical distance between them.

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
    distance = np.interp(across, *first) - np.interp(across, *second)
    return float(min(np.max(distance), np.max(-distance)) / np.sqrt(2.0))


def _turned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A falling curve in axes turned by 45 degrees, its abscissa rising."""
    across, along = (x - y) / np.sqrt(2.0), (x + y) / np.sqrt(2.0)
    order = np.argsort(across)
    return across[order], along[order]


@register
class CellNoiseMargin(Bench):
    """Static noise margin from the butterfly of both halves."""

    name: ClassVar[str] = "sram_noise_margin"
    title: ClassVar[str] = "static noise margin of a 6T SRAM cell"
    template: ClassVar[str] = "sram/cell_butterfly"
    Parameters: ClassVar[type[NetlistParameters]] = ButterflyParameters
    columns: ClassVar[dict[str, str]] = {"noise_margin": "V"}
    altered: ClassVar[dict[str, str]] = {"word_line_voltage": "vword_line"}

    def analysis(self, parameters: ButterflyParameters) -> Dc:
        stop = parameters.supply_voltage
        return Dc("vinput", 0.0, stop, stop / parameters.points, save=("left", "right"))

    def measure(self, parameters: ButterflyParameters, waveforms: Waveforms) -> pd.DataFrame:
        margin = static_noise_margin(waveforms.axis, waveforms["left"], waveforms["right"])
        return pd.DataFrame({"noise_margin": [margin]})


@register
class CellRead(Bench):
    """How far one word-line pulse discharges the bit line, and how far the stored 0 rises meanwhile."""

    name: ClassVar[str] = "sram_read"
    title: ClassVar[str] = "read of a 6T SRAM cell onto floating bit lines"
    template: ClassVar[str] = "sram/cell_read"
    Parameters: ClassVar[type[NetlistParameters]] = ReadParameters
    columns: ClassVar[dict[str, str]] = {"bit_line_swing": "V", "cell_node_peak": "V"}

    def analysis(self, parameters: ReadParameters) -> Tran:
        saved = ("bit_line", "bit_line_bar", "left", "right")
        step = parameters.time_step
        return Tran(step, parameters.duration, max_step=step, save=saved)

    def measure(self, parameters: ReadParameters, waveforms: Waveforms) -> pd.DataFrame:
        swing = waveforms["bit_line_bar"][-1] - waveforms["bit_line"][-1]
        return pd.DataFrame({"bit_line_swing": [swing], "cell_node_peak": [np.max(waveforms["left"])]})
