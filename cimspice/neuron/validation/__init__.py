"""The same inputs through the emulator and through ngspice: errors, and how much each term removes."""

from cimspice.neuron.characterisation.card import Conditions, characterised_model
from cimspice.neuron.validation.budget import LADDER, Ablation, BudgetRow, ErrorBudget, find_ablation
from cimspice.neuron.validation.circuit import CircuitRun, run_circuit, trace_circuit
from cimspice.neuron.validation.compare import Comparison
from cimspice.neuron.validation.mapped import Mapping, Programmed, calibrated, programmed
from cimspice.neuron.validation.network import NeuronValidation, validate
from cimspice.neuron.validation.report import neuron_figures, report_of
from cimspice.neuron.validation.tasks import IrisValidation, validate_iris, validate_random

__all__ = [
    "LADDER",
    "Ablation",
    "BudgetRow",
    "CircuitRun",
    "Comparison",
    "Conditions",
    "ErrorBudget",
    "IrisValidation",
    "Mapping",
    "NeuronValidation",
    "Programmed",
    "calibrated",
    "characterised_model",
    "find_ablation",
    "neuron_figures",
    "programmed",
    "report_of",
    "run_circuit",
    "trace_circuit",
    "validate",
    "validate_iris",
    "validate_random",
]
