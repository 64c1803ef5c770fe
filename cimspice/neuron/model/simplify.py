"""Simpler models from the full one, a term at a time: what the error budget is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy import special
from scipy.interpolate import PchipInterpolator

from cimspice.arrays import Array
from cimspice.fit.least_squares import CONFIDENCE
from cimspice.neuron.model.edges import EdgeModel
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.model.ramp_law import fit_ramp, spike_fraction
from cimspice.neuron.model.readout import ReadoutModel
from cimspice.neuron.model.reversal import potential
from cimspice.neuron.model.separable import SeparableTable
from cimspice.neuron.model.synapse_currents import Polarity, SynapseModel
from cimspice.neuron.model.wires import Wiring

WINDOW = (0.43, 1.36)
"""Membrane voltages (V) over which the straight line I(V) is fitted, as in the paper."""


@dataclass(frozen=True)
class Terms:
    """Which terms a model keeps."""

    current: Literal["ideal", "constant", "program", "table"] = "table"
    """``"ideal"``: constant current (E = ∞). ``"constant"``: one E per sign, at the unit current (the
    paper's). ``"program"``: E per current. ``"table"``: as measured."""
    readout: Literal["straight", "reversal", "table"] = "table"
    """``"straight"``: ideal ramp. ``"reversal"``: a ramp with its own E. ``"table"``: as measured."""
    capacitance: bool = True
    """Keep the membrane capacitance's dependence on voltage, and of resistors which ones a neuron has, with
    their lag; otherwise its mean, with resistors of typical length."""
    edges: bool = True
    """Keep the charges of the spikes' edges, the driver's delay and the step at the end of reset."""
    leakage: bool = True
    """Keep the leakage of the membrane and of synapses that are off."""
    rails: bool = True
    lines: bool = True
    coupling: bool = True
    """``rails``, ``lines``, ``coupling``: of a network with wires, keep the resistance of rails, the edges
    and delays that lines with wires have, and the coupling of membranes."""


def simplify(model: NeuronModel, terms: Terms) -> NeuronModel:
    """The model without the terms that are left out; everything stays calibrated on characterisation
    alone."""
    simpler = replace(
        model,
        synapses={name: _synapse(model, name, terms) for name in model.synapses},
        capacitance=model.capacitance if terms.capacitance else _mean(model, model.capacitance),
        leakage=model.leakage if terms.leakage else np.zeros_like(model.leakage),
    )
    if not terms.edges:
        simpler = replace(
            simpler,
            edges={
                load: {name: _without(edge) for name, edge in both.items()}
                for load, both in model.edges.items()
            },
            driver_delay=dict.fromkeys(model.driver_delay, 0.0),
            reset_step=dict.fromkeys(model.reset_step, 0.0),
        )
    if terms.readout != "table":
        beta = {"straight": 0.0, "reversal": ramp_beta(model)}[terms.readout]
        simpler = replace(
            simpler, readouts={key: _ramp(model, readout, beta) for key, readout in model.readouts.items()}
        )
    return simpler


def simplify_wires(wires: Wiring, model: NeuronModel, terms: Terms) -> Wiring:
    """The wires without the terms that are left out, for a model that is simplified likewise."""
    lines = wires.wires
    if not terms.rails:
        lines = replace(lines, rail_resistance=0.0)
        wires = replace(wires, edges={load: measured[:1] for load, measured in wires.edges.items()})
    if not terms.coupling:
        lines = replace(lines, membrane_coupling=0.0)
    if not (terms.lines and terms.edges):
        wires = replace(
            wires,
            edges={load: (model.edges[load],) for load in wires.edges},
            output_delay=dict.fromkeys(wires.output_delay, 0.0),
        )
    return replace(wires, wires=lines)


def scaled(model: NeuronModel, scale: Mapping[Polarity, float]) -> NeuronModel:
    """The model with every current of a polarity multiplied by a factor (the paper's α⁺ and α⁻)."""
    synapses = {
        name: replace(
            synapse,
            current=replace(
                synapse.current,
                values=synapse.current.values * scale[name],
                scale=synapse.current.scale * scale[name],
            ),
        )
        for name, synapse in model.synapses.items()
    }
    return replace(model, synapses=synapses)


def reversal_slopes(synapse: SynapseModel, window: tuple[float, float] = WINDOW) -> Array:
    """λ (1/V) of I = I0 (1 ± λ (V − V0)) for every program of the table, shape (programs,).

    Least squares over the window, or as much of it as the table covers, I0 and λ free; positive where |I|
    grows away from the synapse's own rail.
    """
    slope, at_rest = np.polyfit(*_window(synapse, window), 1)
    return slope / at_rest


def slope_half_widths(synapse: SynapseModel, window: tuple[float, float] = WINDOW) -> Array:
    """Half-widths (1/V) of the 95 % intervals of :func:`reversal_slopes`, (programs,), from what the straight
    line leaves at the table's own voltages."""
    distance, current = _window(synapse, window)
    design = np.column_stack([distance, np.ones_like(distance)])
    (slope, at_rest), residuals, *_ = np.linalg.lstsq(design, current, rcond=None)
    table = synapse.current.x
    points = int(np.sum((table >= window[0] - 1e-9) & (table <= window[1] + 1e-9)))
    if points < 3:
        return np.full(len(slope), np.inf)
    # points between those of the table say nothing more
    inverse = np.linalg.inv(design.T @ design) * len(distance) / points
    ratio = slope / at_rest
    gradient = np.stack([1 / at_rest, -ratio / at_rest])
    deviation = np.sqrt(
        residuals / len(distance) * points / (points - 2)
        * np.einsum("ik,ij,jk->k", gradient, inverse, gradient)
    )  # fmt: skip
    return special.stdtrit(points - 2, 0.5 + CONFIDENCE / 2) * deviation


def _window(synapse: SynapseModel, window: tuple[float, float]) -> tuple[Array, Array]:
    """How far the membrane has moved (V) at 94 voltages of the window, and the currents (A) there, (94,
    programs)."""
    table = synapse.current.x
    voltage = np.linspace(max(window[0], table[0]), min(window[1], table[-1]), 94)
    current = synapse.current(synapse.current.program[:, None], voltage[None, :])
    return -synapse.sign * (voltage - synapse.rest_voltage), current.T


def ramp_beta(model: NeuronModel) -> float:
    """β of the firing ramp, dv/dt = α (1 − β v)."""
    return fit_ramp(next(iter(model.readouts.values())), model.rest_voltage, model.phase)[0]


def reversal_coefficient(synapse: SynapseModel, current: float) -> float:
    """λ (1/V) at one current (A) at V0: linear in the current's logarithm between the table's programs."""
    return _at_current(synapse, reversal_slopes(synapse), current)


def coefficient_half_width(synapse: SynapseModel, current: float) -> float:
    """Half-width (1/V) of the 95 % interval of :func:`reversal_coefficient`: what the straight lines leave,
    and how far the interpolation between programs is from a smooth one."""
    order = np.argsort(synapse.rest_current)
    logarithm = np.log(synapse.rest_current[order])
    if not logarithm[0] <= np.log(current) <= logarithm[-1]:
        return float("inf")
    slopes = reversal_slopes(synapse)
    smooth = float(PchipInterpolator(logarithm, slopes[order])(np.log(current)))
    fitted = _at_current(synapse, slope_half_widths(synapse), current)
    return float(fitted + abs(smooth - _at_current(synapse, slopes, current)))


def _at_current(synapse: SynapseModel, values: Array, current: float) -> float:
    order = np.argsort(synapse.rest_current)
    return float(np.interp(np.log(current), np.log(synapse.rest_current[order]), values[order]))


def reversal_potentials(model: NeuronModel, unit_current: float) -> tuple[float, float]:
    """E⁺ and E⁻ = ±1/(λ V_th) at one current (A)."""
    plus, minus = (
        potential(name, reversal_coefficient(model.synapses[name], unit_current), model.threshold_voltage)
        for name in ("n", "p")
    )
    return plus, minus


def _mean(model: NeuronModel, capacitance: Array) -> Array:
    inside = (model.capacitance_voltage >= model.switch_voltage) & (
        model.capacitance_voltage <= model.rest_voltage
    )
    return np.full_like(capacitance, capacitance[inside].mean())


def _synapse(model: NeuronModel, name: Polarity, terms: Terms) -> SynapseModel:
    synapse = model.synapses[name]
    table, rest = synapse.current, synapse.rest_current
    if terms.current != "table":
        slopes = reversal_slopes(synapse)
        if terms.current == "ideal":
            slopes = np.zeros_like(slopes)
        elif terms.current == "constant":
            unit = model.unit_current(next(iter(model.readouts))[0])
            order = np.argsort(rest)
            slopes = np.full_like(slopes, np.interp(np.log(unit), np.log(rest[order]), slopes[order]))
        distance = -synapse.sign * (table.x - synapse.rest_voltage)
        straight = rest[:, None] * (1 + slopes[:, None] * distance[None, :])
        table = replace(table, values=straight, scale=rest)
    idle = synapse.idle_current
    if not terms.leakage:
        idle = replace(idle, values=np.zeros_like(idle.values))
    capacitance = synapse.capacitance if terms.capacitance else _mean(model, synapse.capacitance)
    node = synapse.internal_node if terms.capacitance else None
    return replace(synapse, current=table, idle_current=idle, capacitance=capacitance, internal_node=node)


def _without(edge: EdgeModel) -> EdgeModel:
    def empty(table: SeparableTable) -> SeparableTable:
        return replace(table, values=np.zeros_like(table.values))

    return EdgeModel(
        on_charge=empty(edge.on_charge),
        off_delay=edge.off_delay,
        off_charge=tuple(empty(table) for table in edge.off_charge),
        unselected_voltage=edge.unselected_voltage,
        unselected_on_charge=np.zeros_like(edge.unselected_on_charge),
        unselected_off_charge=np.zeros_like(edge.unselected_off_charge),
    )


def _ramp(model: NeuronModel, readout: ReadoutModel, beta: float) -> ReadoutModel:
    """The ramp's law as a read-out, clipped at v = 1."""
    voltage = np.linspace(model.switch_voltage, model.rest_voltage + 0.5, 400)
    time = model.phase * spike_fraction((model.rest_voltage - voltage) / model.threshold_voltage, beta)
    return ReadoutModel(
        start_voltage=voltage,
        spike_time=time,
        ramp_time=(time[-1] - time)[::-1],
        ramp_voltage=voltage[::-1],
        ramp_bias=readout.ramp_bias,
        switch_voltage=model.switch_voltage,
    )
