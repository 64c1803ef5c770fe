"""Wires and layout of the SKY130 6T cell: what a cell adds to its bit lines and its word line.

The numbers are in ``pdk/sky130_wires.toml``, each with its source.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cimspice.resources import data_directory

_ATTOFARAD = 1e-18


@dataclass(frozen=True)
class CellWires:
    """What one 6T cell adds to the wires that cross it (ohm, F); without its transistors."""

    bit_line_resistance: float
    word_line_resistance: float
    """``bit_line_resistance``, ``word_line_resistance``: along the cell (ohm)."""
    bit_line_capacitance: float
    """Of one bit line to rails and layers that do not move (F)."""
    bit_line_coupling: float
    """Between the cell's two bit lines (F). Those of neighbouring columns have a supply rail between them."""
    word_line_capacitance: float
    """Of the strap and the poly beside the gates (F); without the gates."""


@lru_cache(maxsize=1)
def wire_facts() -> Mapping[str, Mapping[str, Any]]:
    """The file as it is: sections ``resistance``, ``capacitance``, ``cell``."""
    path = data_directory("pdk") / "sky130_wires.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def cell_wires() -> CellWires:
    """Per-cell resistance and capacitance of bit lines and word line from sheet values and layout."""
    facts = wire_facts()
    sheet, aF, cell = facts["resistance"], facts["capacitance"], facts["cell"]
    return CellWires(
        bit_line_resistance=sheet["metal1"] * cell["height"] / cell["bit_line_width"],
        word_line_resistance=sheet["metal2"] * cell["width"] / cell["word_line_strap_width"],
        bit_line_capacitance=_ATTOFARAD * _bit_line(aF, cell),
        bit_line_coupling=_ATTOFARAD * cell["height"] * _sidewall(aF, "metal1", cell["bit_line_spacing"]),
        word_line_capacitance=_ATTOFARAD * _word_line(aF, cell),
    )


def _sidewall(aF: Mapping[str, float], layer: str, spacing: float) -> float:
    """Between parallel wires of one layer, aF per um of length."""
    return aF[f"{layer}_sidewall"] / (spacing + aF[f"{layer}_sidewall_offset"])


def _bit_line(aF: Mapping[str, float], cell: Mapping[str, float]) -> float:
    height, width = cell["height"], cell["bit_line_width"]
    edges = 2 * cell["fringe_share"]
    below = height * (width * aF["metal1_diffusion_area"] + edges * aF["metal1_diffusion_fringe"])
    crossed = cell["metal2_cover"]
    above = crossed * (width * aF["metal2_metal1_area"] + edges * aF["metal1_metal2_fringe"])
    return below + above + height * _sidewall(aF, "metal1", cell["bit_line_rail_spacing"])


def _word_line(aF: Mapping[str, float], cell: Mapping[str, float]) -> float:
    """Strap over the two bit lines and between the ground rail and the next strap, and poly over field."""
    width, strap = cell["width"], cell["word_line_strap_width"]
    bit_lines = 2 * cell["bit_line_width"]
    crossing = bit_lines * (strap * aF["metal2_metal1_area"] + 2 * aF["metal2_metal1_fringe"])
    beside = _sidewall(aF, "metal2", cell["word_line_rail_spacing"])
    beside += _sidewall(aF, "metal2", cell["word_line_spacing"])
    poly = cell["word_line_poly_width"] * aF["poly_area"] + 2 * aF["poly_perimeter"]
    gates = 2 * 0.14  # the part of the stripes that is the access transistors' gates
    return crossing + width * beside + (cell["word_line_poly_stripes"] * width - gates) * poly
