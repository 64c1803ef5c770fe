"""Columns read by comparators in place of converters, with scale factors added digitally (HCiM)."""

from typing import TYPE_CHECKING

from cimspice.lazy import lazy

if TYPE_CHECKING:
    from cimspice.hybrid.characterisation import ColumnConditions, characterised_reader
    from cimspice.hybrid.emulator.chips import Spread
    from cimspice.hybrid.emulator.column_read import ColumnReader, ColumnReading
    from cimspice.hybrid.emulator.columns import Design, Deviations
    from cimspice.hybrid.mapping.slices import FORMATS, WeightFormat, scale_factors, stored_bits
    from cimspice.hybrid.model.column import Column
    from cimspice.hybrid.model.readout import Binary, Converter, Ideal, Ternary
    from cimspice.hybrid.training.network import ColumnNetwork
    from cimspice.hybrid.training.study import ReadOutStudy, quantised, study
    from cimspice.hybrid.training.train import Schedule, shares_right, train
    from cimspice.hybrid.validation.chips import ChipStudy, study_chips
    from cimspice.hybrid.validation.reads import ReadComparison, compare_reads

__all__ = [
    "FORMATS",
    "Binary",
    "ChipStudy",
    "Column",
    "ColumnConditions",
    "ColumnNetwork",
    "ColumnReader",
    "ColumnReading",
    "Converter",
    "Design",
    "Deviations",
    "Ideal",
    "ReadComparison",
    "ReadOutStudy",
    "Schedule",
    "Spread",
    "Ternary",
    "WeightFormat",
    "characterised_reader",
    "compare_reads",
    "quantised",
    "scale_factors",
    "shares_right",
    "stored_bits",
    "study",
    "study_chips",
    "train",
]
__getattr__, __dir__ = lazy(__name__)
