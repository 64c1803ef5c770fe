"""The paper's law of the firing ramp, fitted to a measured read-out."""

import numpy as np
from scipy import special
from scipy.optimize import OptimizeResult, least_squares

from cimspice.arrays import Array
from cimspice.fit.least_squares import CONFIDENCE
from cimspice.neuron.model.readout import ReadoutModel


def spike_fraction(v: Array, beta: float) -> Array:
    """Output spike as a fraction of the phase for dv/dt = α (1 − β v), a ramp that takes a phase from v =
    0 to 1:
    t = [ln(1 − β) − ln(1 − β v)] / ln(1 − β), and 1 − v for β = 0 (Sakemi et al., arXiv 2412.09010)."""
    if beta == 0:
        return 1 - v
    return (np.log1p(-beta) - np.log1p(-beta * v)) / np.log1p(-beta)


def fit_ramp(readout: ReadoutModel, rest_voltage: float, phase: float) -> tuple[float, float]:
    """β and the effective V_switch (V), by least squares on spike times from 0.1 V above the comparator's
    threshold
    to V0.

    The effective V_switch is where the law reaches t = 0. It lies below the voltage at which the output
    spikes, because the comparator's delay and the step of the clock's edge are in it.
    """
    beta, switch = _fitted(readout, rest_voltage, phase).x
    return float(beta), float(switch)


def ramp_half_widths(readout: ReadoutModel, rest_voltage: float, phase: float) -> tuple[float, float]:
    """Half-widths of the 95 % intervals of :func:`fit_ramp`, from what the law leaves of the spike times."""
    fit = _fitted(readout, rest_voltage, phase)
    freedom = len(fit.fun) - len(fit.x)
    covariance = np.linalg.inv(fit.jac.T @ fit.jac) * (fit.fun @ fit.fun) / freedom
    beta, switch = special.stdtrit(freedom, 0.5 + CONFIDENCE / 2) * np.sqrt(np.diagonal(covariance))
    return float(beta), float(switch)


def _fitted(readout: ReadoutModel, rest_voltage: float, phase: float) -> OptimizeResult:
    voltage = np.linspace(readout.switch_voltage + 0.1, rest_voltage, 50)
    wanted = readout.time(voltage) / phase

    def residual(parameters: Array) -> Array:
        beta, switch = parameters
        return spike_fraction((rest_voltage - voltage) / (rest_voltage - switch), beta) - wanted

    start = np.array([0.15, readout.switch_voltage])
    bounds = ([1e-4, 0.0], [0.95, rest_voltage - 0.2])
    return least_squares(residual, np.clip(start, bounds[0], bounds[1]), bounds=bounds, x_scale=[0.1, 0.1])
