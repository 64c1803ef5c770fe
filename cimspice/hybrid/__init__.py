"""Columns read by comparators in place of converters, with scale factors added digitally (HCiM)."""

from typing import TYPE_CHECKING

from cimspice.lazy import lazy

if TYPE_CHECKING:
    from cimspice.hybrid.emulator.columns import Design, Deviations
    from cimspice.hybrid.mapping.slices import FORMATS, WeightFormat, scale_factors, stored_bits
    from cimspice.hybrid.model.readout import Binary, Converter, Ideal, Ternary
    from cimspice.hybrid.training.network import ColumnNetwork
    from cimspice.hybrid.training.study import ReadOutStudy, quantised, study
    from cimspice.hybrid.training.train import Schedule, shares_right, train

__all__ = [
    "FORMATS",
    "Binary",
    "ColumnNetwork",
    "Converter",
    "Design",
    "Deviations",
    "Ideal",
    "ReadOutStudy",
    "Schedule",
    "Ternary",
    "WeightFormat",
    "quantised",
    "scale_factors",
    "shares_right",
    "stored_bits",
    "study",
    "train",
]
__getattr__, __dir__ = lazy(__name__)
