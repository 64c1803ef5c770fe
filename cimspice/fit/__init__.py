"""Models, their fits to tables, and the cards that keep them; it knows no family of circuits."""

from cimspice.fit.card import ModelCard
from cimspice.fit.curves import CurveSelection
from cimspice.fit.family_card import Card, CardConditions, Part
from cimspice.fit.fit import Estimate, Fit, Residual
from cimspice.fit.least_squares import solve_linear
from cimspice.fit.measured import read_measured
from cimspice.fit.model import Model, model_class, register
from cimspice.fit.named import recipe
from cimspice.fit.ranges import ModelRangeWarning, Range, Ranges
from cimspice.fit.table import SCHEMAS, Column, TableSchema

__all__ = [
    "SCHEMAS",
    "Card",
    "CardConditions",
    "Column",
    "CurveSelection",
    "Estimate",
    "Fit",
    "Model",
    "ModelCard",
    "ModelRangeWarning",
    "Part",
    "Range",
    "Ranges",
    "Residual",
    "TableSchema",
    "model_class",
    "read_measured",
    "recipe",
    "register",
    "solve_linear",
]
