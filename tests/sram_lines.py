"""Bit lines put together by hand, with smooth currents that depend on both lines."""

from __future__ import annotations

import numpy as np

from cimspice.sram.model.bit_line import BitLines
from cimspice.sram.model.build import BitLineFit, fitted_names
from cimspice.sram.model.currents import CellCurrents
from cimspice.sram.model.variation import CellVariation


def current_into_zero(own, other):
    """A (V): saturates, and is weaker where the other line has fallen."""
    return 20e-6 * np.tanh(3 * own) * (1 + 0.1 * own) * (1 - 0.2 * np.exp(-8 * other))


def current_into_one(own, other):
    """A: charges a line that has fallen."""
    return -30e-6 * np.exp(-10 * own) * (0.5 + 0.5 * other / 1.9)


def hand_made(**changes) -> BitLines:
    voltage = np.linspace(0.0, 1.9, 191)
    own, other = np.meshgrid(voltage, voltage, indexing="ij")
    values = {
        "supply_voltage": 1.8,
        "word_line_voltage": 1.2,
        "start_voltage": 1.82,
        "currents": CellCurrents(
            voltage, voltage, current_into_zero(own, other), current_into_one(own, other)
        ),
        "capacitance": 160e-15,
        "capacitance_slope": -8e-15,
        "capacitance_curvature": 3e-15,
        "coupling": 80e-15,
        "lift_zero": 0.14e-15,
        "lift_one": 0.06e-15,
        "resistance": 0.0,
        "leakage": 0.0,
        "unit_width": 60e-12,
        "width_correction": np.full(15, -20e-12),
        "correction_slope": 0.0,
        "correction_sensitivity": 0.0,
        "idle_time": 300e-12,
        "trip_voltage": 0.1,
        "variation": CellVariation.none(0.1),
    }
    return BitLines(**(values | changes))


def hand_made_fit(**changes) -> BitLineFit:
    """These bit lines as a fit would give them."""
    model = hand_made(**changes)
    names = len(fitted_names(model.largest_code))
    voltage = model.currents.voltage
    return BitLineFit(
        model=model,
        nominal=np.column_stack([voltage, model.currents.zero_alone(voltage)]),
        covariance=np.diag(np.geomspace(1e-34, 1e-30, names)),
        freedom=40,
        residual_rms=2e-5,
        full_scale=0.8,
        sensitivity_deviation=np.zeros(2),
    )


LINEAR = {"capacitance_slope": 0.0, "capacitance_curvature": 0.0, "lift_zero": 0.0, "lift_one": 0.0}
"""Lines whose charge is proportional to their voltage."""


def constant_currents(current: float = 20e-6) -> CellCurrents:
    voltage = np.linspace(0.0, 1.9, 20)
    flat = np.full((20, 20), current)
    return CellCurrents(voltage, voltage, flat, np.zeros((20, 20)))
