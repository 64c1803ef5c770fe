"""The same inputs through the emulator and through ngspice: errors, and what each term earns."""

from cimspice.validation.budget import LADDER, BudgetRow, ErrorBudget, Rung, find_rung
from cimspice.validation.circuit import CircuitRun, run_circuit, trace_circuit
from cimspice.validation.compare import Comparison
from cimspice.validation.neuron import (
    Conditions,
    IrisValidation,
    NeuronValidation,
    characterised_model,
    validate_iris,
    validate_random,
)
from cimspice.validation.report import neuron_figures, report

__all__ = [
    "LADDER",
    "BudgetRow",
    "CircuitRun",
    "Comparison",
    "Conditions",
    "ErrorBudget",
    "IrisValidation",
    "NeuronValidation",
    "Rung",
    "characterised_model",
    "find_rung",
    "neuron_figures",
    "report",
    "run_circuit",
    "trace_circuit",
    "validate_iris",
    "validate_random",
]
