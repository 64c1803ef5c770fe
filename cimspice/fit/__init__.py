"""Behavioural models: equations of devices and circuits, their fits, and the cards that keep them."""

from cimspice.fit.card import ModelCard
from cimspice.fit.curves import CurveSelection
from cimspice.fit.fit import Estimate, Fit, Residual
from cimspice.fit.measured import read_measured
from cimspice.fit.model import Model, model_class, register
from cimspice.fit.ranges import ModelRangeWarning, Range, Ranges
from cimspice.fit.table import SCHEMAS, TableSchema
from cimspice.neuron.model.capacitance import ConstantCapacitance, MembraneCapacitance, SplineCapacitance
from cimspice.neuron.model.comparator import Comparator
from cimspice.neuron.model.current_dependent import CurrentDependentSynapse
from cimspice.neuron.model.ekv import EkvGateLaw
from cimspice.neuron.model.gate_law import GateLaw, PolynomialGateLaw
from cimspice.neuron.model.injection import InjectedCharge
from cimspice.neuron.model.ramp import Ramp
from cimspice.neuron.model.reversal import ReversalFigures, reversal_figures
from cimspice.neuron.model.synapse import ReversalSynapse, Synapse
from cimspice.neuron.model.voltage_dependent import VoltageDependentSynapse
from cimspice.rram.model.device import RramDevice
from cimspice.rram.model.write_cost import WriteCost

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
