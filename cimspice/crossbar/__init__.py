"""Resistive crossbars with wires, solved exactly: linear arrays as one matrix, others by Newton steps."""

from typing import TYPE_CHECKING

from cimspice.lazy import lazy

if TYPE_CHECKING:
    from cimspice.crossbar.emulator import (
        CellLaw,
        Crossbar,
        CrossbarNonConvergence,
        CrossbarTooLarge,
        NonlinearCrossbar,
        SeriesCell,
        SinhCell,
        Solution,
        TwoTerminalCell,
        Wires,
    )
    from cimspice.crossbar.emulator.cell_errors import CellErrors
    from cimspice.crossbar.emulator.network_layers import tiled_layers, with_tiled_layers
    from cimspice.crossbar.emulator.tile_layer import IDEAL_WIRES, TiledLayer, TileWires
    from cimspice.crossbar.emulator.tile_programming import program_tile
    from cimspice.crossbar.family import card, characterise, check, layer, map, measured, simulate, validate
    from cimspice.crossbar.family import circuit as crossbar_circuit
    from cimspice.crossbar.mapping.compensation import calibrate_gains, compensate
    from cimspice.crossbar.mapping.conductances import ConductanceRange, MappedWeights, map_weights
    from cimspice.crossbar.model.card import tile_of
    from cimspice.crossbar.programming import Plan, resnet50, trained_network, vit_base
    from cimspice.crossbar.programming.bit_slices import BitSlices, quantise
    from cimspice.crossbar.programming.program import program
    from cimspice.crossbar.programming.sections import cut, restore
    from cimspice.crossbar.validation.array_programming import CircuitArray, program_array
    from cimspice.crossbar.validation.network import validate_crossbar
    from cimspice.crossbar.validation.one_transistor import access_spline, one_transistor_crossbar

__all__ = [
    "IDEAL_WIRES",
    "BitSlices",
    "CellErrors",
    "CellLaw",
    "CircuitArray",
    "ConductanceRange",
    "Crossbar",
    "CrossbarNonConvergence",
    "CrossbarTooLarge",
    "MappedWeights",
    "NonlinearCrossbar",
    "Plan",
    "SeriesCell",
    "SinhCell",
    "Solution",
    "TileWires",
    "TiledLayer",
    "TwoTerminalCell",
    "Wires",
    "access_spline",
    "calibrate_gains",
    "card",
    "characterise",
    "check",
    "compensate",
    "crossbar_circuit",
    "cut",
    "layer",
    "map",
    "map_weights",
    "measured",
    "one_transistor_crossbar",
    "program",
    "program_array",
    "program_tile",
    "quantise",
    "resnet50",
    "restore",
    "simulate",
    "tile_of",
    "tiled_layers",
    "trained_network",
    "validate",
    "validate_crossbar",
    "vit_base",
    "with_tiled_layers",
]
__getattr__, __dir__ = lazy(__name__)
