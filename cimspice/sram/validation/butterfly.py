"""Butterfly curves of the 6T cell, as waveforms for a figure."""

from dataclasses import dataclass

from cimspice.arrays import Array
from cimspice.spice import simulate
from cimspice.sram.circuit.noise_margin import ButterflyParameters, CellNoiseMargin, lobes, lobes_by_search


@dataclass(frozen=True, eq=False)
class Butterfly:
    """One cell cut open."""

    input_voltage: Array
    left: Array
    right: Array
    """``input_voltage``, ``left``, ``right``: swept input and both halves' outputs (V), shape (points,)."""
    noise_margin: float
    """Side of the smaller lobe's square (V), by the rotated-square method."""
    searched: float
    """The same by direct search of the largest square (V)."""


def butterfly(
    word_line_voltage: float,
    *,
    supply_voltage: float = 1.8,
    corner: str = "tt",
    temperature: float = 27.0,
) -> Butterfly:
    """Simulate one butterfly: word line at 0 V is hold, anything above a read."""
    bench = CellNoiseMargin()
    parameters = ButterflyParameters(supply_voltage=supply_voltage, word_line_voltage=word_line_voltage)
    waves = simulate(
        bench.netlist(parameters),
        bench.analysis(parameters),
        corner=corner,
        temperature=temperature,
        options=bench.options(parameters),
        flat=bench.flat,
    )
    curves = waves.axis, waves["left"], waves["right"]
    return Butterfly(*curves, min(lobes(*curves)), min(lobes_by_search(*curves)))
