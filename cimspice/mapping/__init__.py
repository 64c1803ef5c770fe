"""Trained weights to what is programmed into a circuit, and back."""

from cimspice.mapping.bit_slices import BitSlices, quantise
from cimspice.mapping.conductances import ConductanceRange, MappedWeights, map_weights
from cimspice.mapping.spiking import LayerMapping, map_layer, realised_weights
from cimspice.mapping.sram import row_codes, store_words, stored_words
from cimspice.mapping.sram_format import WordFormat
from cimspice.mapping.tiles import Tiling

__all__ = [
    "BitSlices",
    "ConductanceRange",
    "LayerMapping",
    "MappedWeights",
    "Tiling",
    "WordFormat",
    "map_layer",
    "map_weights",
    "quantise",
    "realised_weights",
    "row_codes",
    "store_words",
    "stored_words",
]
