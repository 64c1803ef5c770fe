"""Wires of a resistive array in SKY130: what a memory cell adds to its bit line and its source line.

Sheet values and the cell's layout are in ``pdk/sky130_wires.toml``, each with its source.
"""

from dataclasses import dataclass
from functools import lru_cache

from cimspice.pdk.wires import wire_facts

_ATTOFARAD = 1e-18


@dataclass(frozen=True)
class ArrayWires:
    """One segment of either line (ohm, F), without the transistor's own capacitances.

    The bit line is metal2 over metal1; the source line is metal1 over diffusion. Both have a neighbour of
    their own layer on each side. The capacitance of a line is all of it, neighbours held; parts of it are the
    coupling to each neighbour, and to the line of the other kind where they cross.
    """

    bit_line_resistance: float
    source_line_resistance: float
    bit_line_capacitance: float
    source_line_capacitance: float
    bit_line_coupling: float
    source_line_coupling: float
    crossing_capacitance: float


@lru_cache(maxsize=1)
def array_wires() -> ArrayWires:
    """Segments of the array whose cell is the section ``memory_cell`` of the file."""
    facts = wire_facts()
    sheet, aF, cell = facts["resistance"], facts["capacitance"], facts["memory_cell"]
    width, height = cell["width"], cell["height"]
    bit, source = cell["bit_line_width"], cell["source_line_width"]
    share = 2 * facts["cell"]["fringe_share"]
    below_bit = bit * aF["metal2_metal1_area"] + share * aF["metal2_metal1_fringe"]
    beside_bit = aF["metal2_sidewall"] / (height - bit + aF["metal2_sidewall_offset"])
    below_source = source * aF["metal1_diffusion_area"] + share * aF["metal1_diffusion_fringe"]
    beside_source = aF["metal1_sidewall"] / (width - source + aF["metal1_sidewall_offset"])
    crossing = bit * (source * aF["metal2_metal1_area"] + share * aF["metal1_metal2_fringe"])
    return ArrayWires(
        bit_line_resistance=sheet["metal2"] * width / bit,
        source_line_resistance=sheet["metal1"] * height / source,
        bit_line_capacitance=_ATTOFARAD * width * (below_bit + 2 * beside_bit),
        source_line_capacitance=_ATTOFARAD * (height * (below_source + 2 * beside_source) + crossing),
        bit_line_coupling=_ATTOFARAD * width * beside_bit,
        source_line_coupling=_ATTOFARAD * height * beside_source,
        crossing_capacitance=_ATTOFARAD * crossing,
    )
