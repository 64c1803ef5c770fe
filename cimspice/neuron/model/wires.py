"""Wires of a layer of spiking neurons: what a cell, one synapse's place, adds to the lines that cross it.

The floorplan is the section ``neuron_layer`` of ``pdk/sky130_wires.toml``: rows are inputs (two rails, spike
line, complement, supplied and driven from one end), columns are membranes, with their neurons at one end.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np

from cimspice.arrays import checked_number
from cimspice.errors import ParameterError
from cimspice.neuron.model.edges import EdgeModel
from cimspice.neuron.model.synapse_currents import Polarity
from cimspice.pdk.wires import wire_facts

_ATTOFARAD = 1e-18


@dataclass(frozen=True)
class LayerWires:
    """Resistances (ohm) and capacitances (F) along one cell, without its transistors.

    The capacitance of a line is all of it, other lines held; coupling and crossing are parts of it. Membranes
    at either edge of a layer have a line that does not move beside them.

    Raises
    ------
    ParameterError
        If one is negative, or parts are more than the whole.
    """

    rail_resistance: float
    """Of the ground rail and of the supply rail."""
    rail_capacitance: float
    spike_resistance: float
    spike_capacitance: float
    """``spike_resistance``, ``spike_capacitance``: of the spike line and of its complement."""
    membrane_resistance: float
    membrane_capacitance: float
    membrane_coupling: float
    """Between a membrane and the next one, on either side."""
    crossing_capacitance: float
    """Between a membrane and each of the two spike lines."""

    def __post_init__(self) -> None:
        for field in fields(self):
            checked_number(field.name, getattr(self, field.name), low=0, place="LayerWires")
        parts = 2 * self.membrane_coupling + 2 * self.crossing_capacitance
        if parts > self.membrane_capacitance or self.crossing_capacitance > self.spike_capacitance:
            raise ParameterError(
                f"coupling and crossings are {parts:.4g} F of a membrane's {self.membrane_capacitance:.4g} F",
                place="LayerWires",
                remedy="give capacitances of whole lines, of which coupling and crossing are parts",
            )


@lru_cache(maxsize=1)
def floorplan_wires() -> LayerWires:
    """The wires of the floorplan."""
    facts = wire_facts()
    sheet, aF, plan = facts["resistance"], facts["nominal_capacitance"], facts["neuron_layer"]
    height, length, share = plan["row_height"], plan["column_width"], plan["fringe_share"]
    line, membrane = plan["row_line_width"], plan["membrane_width"]
    crossing = line * membrane * aF["metal2_metal1_area"] + 2 * share * (
        line * aF["metal2_metal1_fringe"] + membrane * aF["metal1_metal2_fringe"]
    )
    coupling = height * aF["metal2_sidewall"] / (length - membrane + aF["metal2_sidewall_offset"])
    over_field = (height - 4 * line) * (membrane * aF["metal2_area"] + 2 * aF["metal2_fringe"])
    beside = aF["metal1_sidewall"] / (plan["row_line_spacing"] + aF["metal1_sidewall_offset"])
    row_line = length * (line * aF["metal1_area"] + 2 * share * aF["metal1_fringe"] + 2 * beside) + crossing
    return LayerWires(
        rail_resistance=sheet["metal1"] * length / line,
        rail_capacitance=_ATTOFARAD * row_line,
        spike_resistance=sheet["metal1"] * length / line,
        spike_capacitance=_ATTOFARAD * row_line,
        membrane_resistance=sheet["metal2"] * height / membrane,
        membrane_capacitance=_ATTOFARAD * (over_field + 4 * crossing + 2 * coupling),
        membrane_coupling=_ATTOFARAD * coupling,
        crossing_capacitance=_ATTOFARAD * crossing,
    )


@dataclass(frozen=True, eq=False)
class Wiring:
    """Wires of a network's layers, and the edges of spikes as they make them.

    A line's capacitance slows its driver, and a slower edge leaves another charge on the membrane. So does
    the resistance of the rail through which a switch's own charge flows off: all synapses of a row are
    switched at once, so to the one at place j of n (from 1) a rail of R a cell is R Σ_k min(j, k).
    """

    wires: LayerWires
    edges: Mapping[int, tuple[Mapping[Polarity, EdgeModel], ...]]
    """Neurons that a line drives → edges at rail resistances from none to that of the row's end, in equal
    steps."""
    output_delay: Mapping[int, float]
    """Same keys, and 0 → delay (s) that a line's capacitance adds to its driver's."""


def rail_share(neurons: int) -> np.ndarray:
    """Σ_k min(j, k) of every place of a row over that of its last one, (neurons,)."""
    place = np.arange(1, neurons + 1)
    return place * (2 * neurons + 1 - place) / (neurons * (neurons + 1))


def end_resistance(wires: LayerWires, neurons: int) -> float:
    """R Σ_k min(n, k) (Ω) of the last synapse of a row."""
    return wires.rail_resistance * neurons * (neurons + 1) / 2
