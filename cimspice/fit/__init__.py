"""Models, their fits to tables, and the cards that keep them; it knows no family of circuits."""

from cimspice.fit.card import ModelCard
from cimspice.fit.curves import CurveSelection
from cimspice.fit.fit import Estimate, Fit, Residual
from cimspice.fit.measured import read_measured
from cimspice.fit.model import Model, model_class, register
from cimspice.fit.ranges import ModelRangeWarning, Range, Ranges
from cimspice.fit.table import SCHEMAS, TableSchema

__all__ = [
    "SCHEMAS",
    "CurveSelection",
    "Estimate",
    "Fit",
    "Model",
    "ModelCard",
    "ModelRangeWarning",
    "Range",
    "Ranges",
    "Residual",
    "TableSchema",
    "model_class",
    "read_measured",
    "register",
]
