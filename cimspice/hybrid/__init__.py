"""Columns read by comparators in place of converters, with scale factors added digitally (HCiM)."""

from typing import TYPE_CHECKING

from cimspice.lazy import lazy

if TYPE_CHECKING:
    from cimspice.hybrid.emulator.chips import Spread
    from cimspice.hybrid.emulator.circuit import HybridCircuit
    from cimspice.hybrid.emulator.column_read import ColumnReader, ColumnReading
    from cimspice.hybrid.emulator.columns import Design, Deviations
    from cimspice.hybrid.family import card, characterise, layer, map, packaged_card, simulate
    from cimspice.hybrid.family import circuit as hybrid_circuit
    from cimspice.hybrid.mapping.slices import FORMATS, WeightFormat, scale_factors, stored_bits
    from cimspice.hybrid.model.card import ColumnModel, column_model
    from cimspice.hybrid.model.column import Column
    from cimspice.hybrid.model.readout import Binary, Converter, Ideal, Ternary
    from cimspice.hybrid.training.network import ColumnNetwork
    from cimspice.hybrid.training.study import ReadOutStudy, quantised, study
    from cimspice.hybrid.training.train import Schedule, shares_right, train
    from cimspice.hybrid.validation.chips import ChipStudy, study_chips
    from cimspice.hybrid.validation.digits import DigitComparison, compare_digits
    from cimspice.hybrid.validation.reads import ReadComparison, compare_reads

__all__ = [
    "FORMATS",
    "Binary",
    "ChipStudy",
    "Column",
    "ColumnModel",
    "ColumnNetwork",
    "ColumnReader",
    "ColumnReading",
    "Converter",
    "Design",
    "Deviations",
    "DigitComparison",
    "HybridCircuit",
    "Ideal",
    "ReadComparison",
    "ReadOutStudy",
    "Schedule",
    "Spread",
    "Ternary",
    "WeightFormat",
    "card",
    "characterise",
    "column_model",
    "compare_digits",
    "compare_reads",
    "hybrid_circuit",
    "layer",
    "map",
    "packaged_card",
    "quantised",
    "scale_factors",
    "shares_right",
    "simulate",
    "stored_bits",
    "study",
    "study_chips",
    "train",
]
__getattr__, __dir__ = lazy(__name__)
