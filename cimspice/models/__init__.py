"""Behavioural models: equations of devices and circuits, their fits, and the cards that keep them."""

from cimspice.models.capacitance import ConstantCapacitance, MembraneCapacitance, SplineCapacitance
from cimspice.models.card import ModelCard
from cimspice.models.comparator import Comparator
from cimspice.models.current_dependent import CurrentDependentSynapse
from cimspice.models.curves import CurveSelection
from cimspice.models.ekv import EkvGateLaw
from cimspice.models.fit import Estimate, Fit, Residual
from cimspice.models.gate_law import GateLaw, PolynomialGateLaw
from cimspice.models.injection import InjectedCharge
from cimspice.models.measured import read_measured
from cimspice.models.model import Model, model_class, register
from cimspice.models.ramp import Ramp
from cimspice.models.ranges import ModelRangeWarning, Range, Ranges
from cimspice.models.reversal import ReversalFigures, reversal_figures
from cimspice.models.rram import RramDevice
from cimspice.models.synapse import ReversalSynapse, Synapse
from cimspice.models.table import SCHEMAS, TableSchema
from cimspice.models.voltage_dependent import VoltageDependentSynapse
from cimspice.models.write_cost import WriteCost

__all__ = [
    "SCHEMAS",
    "Comparator",
    "ConstantCapacitance",
    "CurrentDependentSynapse",
    "CurveSelection",
    "EkvGateLaw",
    "Estimate",
    "Fit",
    "GateLaw",
    "InjectedCharge",
    "MembraneCapacitance",
    "Model",
    "ModelCard",
    "ModelRangeWarning",
    "PolynomialGateLaw",
    "Ramp",
    "Range",
    "Ranges",
    "Residual",
    "ReversalFigures",
    "ReversalSynapse",
    "RramDevice",
    "SplineCapacitance",
    "Synapse",
    "TableSchema",
    "VoltageDependentSynapse",
    "WriteCost",
    "model_class",
    "read_measured",
    "register",
    "reversal_figures",
]
