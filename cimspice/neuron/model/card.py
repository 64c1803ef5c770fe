"""The neuron's card: its tables part by part, and the figures that follow from them with their intervals."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cimspice.errors import CimspiceError, ParameterError, TableError
from cimspice.fit.family_card import REMEDY, Card, CardConditions, Part, encode
from cimspice.fit.records import ParameterRecord, RangeRecord
from cimspice.fit.repeats import MeanNoise, mean_noise
from cimspice.neuron.model.edges import EdgeModel
from cimspice.neuron.model.internal_node import InternalNodeModel
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.model.ramp_law import ramp_half_widths
from cimspice.neuron.model.readout import ReadoutModel
from cimspice.neuron.model.reversal import potential, potential_half_width
from cimspice.neuron.model.separable import SeparableTable
from cimspice.neuron.model.simplify import (
    coefficient_half_width,
    ramp_beta,
    reversal_coefficient,
)
from cimspice.neuron.model.synapse_currents import Polarity, SynapseModel

FAMILY = "neuron"
SET = "set, not measured"
EXACT = "from one simulation: its error is not known"
FEWEST_VOLTAGES = 5

_KINDS = {kind.__name__: kind for kind in (EdgeModel, ReadoutModel, SeparableTable, InternalNodeModel)}
_POLARITIES: tuple[Polarity, ...] = ("n", "p")


def neuron_card(
    model: NeuronModel,
    fan_in: int | None = None,
    *,
    sources: Mapping[str, Mapping[str, Any]] | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Card:
    """The card of a model.

    Parameters
    ----------
    model
        The model.
    fan_in
        Inputs of the neuron whose unit current the figures are taken at; default: those of the first
        read-out.
    sources
        Part → where its numbers come from.
    provenance
        PDK, simulator, code, circuit: anything that JSON can hold.
    """
    fan_in = next(iter(model.readouts))[0] if fan_in is None else fan_in
    parts = {
        "circuit": Part(
            origin="assumed",
            parameters={
                "phase": _exact(model.phase, "s", SET),
                "rest_voltage": _exact(model.rest_voltage, "V", SET),
                "unit_fan_in": _exact(fan_in, "1", SET),
            },
            data=encode({"phase": model.phase, "rest_voltage": model.rest_voltage, "unit_fan_in": fan_in}),
        ),
        **{f"synapse_{name}": _synapse(model, name, fan_in) for name in _POLARITIES},
        "readout": _readout(model),
        "capacitance": _capacitance(model, fan_in),
        "leakage": _leakage(model),
        "edges": _edges(model),
        "reset": _reset(model),
    }
    return Card(
        family=FAMILY,
        conditions=CardConditions(corner=model.corner, temperature=model.temperature),
        provenance=dict(provenance or {}),
        parts={
            name: part.model_copy(update={"source": dict((sources or {}).get(name, {}))})
            for name, part in parts.items()
        },
    )


def neuron_of(card: Card) -> NeuronModel:
    """The model that a card holds.

    CimspiceError if it holds none, or a figure that does not follow from its data.
    """
    parts = {
        name: card.decoded(name, _KINDS) for name in ("circuit", "readout", "capacitance", "leakage", "edges")
    }
    try:
        circuit, loads, idle = parts["circuit"], parts["capacitance"], parts["leakage"]
        model = NeuronModel(
            phase=circuit["phase"],
            rest_voltage=circuit["rest_voltage"],
            switch_voltage=parts["readout"]["switch_voltage"],
            synapses={
                name: SynapseModel(
                    name,
                    circuit["rest_voltage"],
                    _of(card.decoded(f"synapse_{name}", _KINDS), SeparableTable),
                    _of(idle[name], SeparableTable),
                    *loads[name],
                )
                for name in _POLARITIES
            },
            edges=parts["edges"]["edges"],
            driver_delay=parts["edges"]["driver_delay"],
            capacitance_voltage=loads["voltage"],
            capacitance=loads["membrane"],
            leakage=idle["membrane"],
            reset_step=card.decoded("reset", _KINDS),
            readouts=parts["readout"]["readouts"],
            corner=card.conditions.corner,
            temperature=card.conditions.temperature,
        )
        expected = neuron_card(model, circuit["unit_fan_in"])
    except CimspiceError:
        raise
    except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError) as error:
        raise ParameterError(
            f"the parts do not make a neuron: {error!r}"[:300], place="card of neuron", remedy=REMEDY
        ) from None
    for name, part in expected.parts.items():
        _check_figures(name, card.part(name).parameters, part.parameters)
    return model


def unit_fan_in(card: Card) -> int:
    """Inputs of the neuron whose unit current the figures are taken at."""
    return card.decoded("circuit", _KINDS)["unit_fan_in"]


def with_measured_current(card: Card, polarity: Polarity, table: pd.DataFrame) -> Card:
    """The card with measured curves in the place of the current of one polarity.

    TableError if the curves are no grid, do not enclose V0 and the unit current, or their current at V0 is
    not positive or does not rise or fall with the gate bias throughout.

    Parameters
    ----------
    card
        Of a neuron with MOSFET synapses.
    polarity
        ``"n"`` or ``"p"``.
    table
        Columns ``gate_bias`` (V), ``membrane_voltage`` (V) and ``current`` (A), every gate bias at the same
        membrane voltages; ``attrs["provenance"]`` says from which file.
    """
    model = neuron_of(card)
    old = model.synapses[polarity]
    if old.internal_node is not None:
        raise TableError(
            "the card is of resistor synapses", place="--card", remedy="measured curves are over a gate bias"
        )
    grid = table.pivot_table(index="gate_bias", columns="membrane_voltage", values="current")
    place = f"measured curves of the {polarity}-synapse"
    if grid.isna().to_numpy().any():
        (row, column) = np.argwhere(grid.isna().to_numpy())[0]
        raise TableError(
            f"gate bias {grid.index[row]:g} V was not measured at {grid.columns[column]:g} V",
            place=place,
            remedy="measure every gate bias at the same membrane voltages",
        )
    voltage, rest = grid.columns.to_numpy(float), model.rest_voltage
    if len(voltage) < FEWEST_VOLTAGES or len(grid) < 2 or not voltage[0] <= rest <= voltage[-1]:
        raise TableError(
            f"{len(grid)} gate biases at {len(voltage)} membrane voltages from {voltage[0]:g} to "
            f"{voltage[-1]:g} V",
            place=place,
            remedy=f"give 2 gate biases or more, at {FEWEST_VOLTAGES} membrane voltages or more that enclose "
            f"V0 = {rest:g} V",
        )
    current = grid.to_numpy()
    at_rest = np.array([np.interp(rest, voltage, row) for row in current])
    steps = np.diff(at_rest) * -old.sign
    if not (at_rest > 0).all() or not (steps > 0).all():
        worst = int(np.argmin(at_rest)) if not (at_rest > 0).all() else int(np.argmin(steps))
        raise TableError(
            f"the current at V0 is {at_rest[worst]:.4g} A at gate bias {grid.index[worst]:g} V",
            place=place,
            remedy="give magnitudes that change one way with the gate bias; leave out biases of mere noise",
        )
    fan_in = unit_fan_in(card)
    if not at_rest.min() <= model.unit_current(fan_in) <= at_rest.max():
        raise TableError(
            f"currents at V0 from {at_rest.min():.4g} to {at_rest.max():.4g} A do not enclose the unit "
            f"current, {model.unit_current(fan_in):.4g} A",
            place=place,
            remedy="measure at more gate biases",
        )
    data = SeparableTable(grid.index.to_numpy(float), voltage, current, at_rest)
    new = neuron_card(_with_current(model, polarity, data), fan_in).part(f"synapse_{polarity}")
    source = dict(table.attrs.get("provenance", {}))
    known = mean_noise(table, ["gate_bias", "membrane_voltage"], "current")
    noise = None if known is None else encode(MeanNoise(voltage, known[0].unstack().to_numpy(), known[1]))
    changes = {"origin": "measured", "source": source, "noise": noise}
    return card.replaced(f"synapse_{polarity}", new.model_copy(update=changes))


def _with_current(model: NeuronModel, polarity: Polarity, table: SeparableTable) -> NeuronModel:
    synapse = replace(model.synapses[polarity], current=table)
    return replace(model, synapses={**model.synapses, polarity: synapse})


def _synapse(model: NeuronModel, name: Polarity, fan_in: int) -> Part:
    synapse = model.synapses[name]
    return Part(
        origin="simulated",
        range={
            "program": _span(synapse.current.program, "V" if synapse.internal_node is None else "m"),
            "membrane_voltage": _span(synapse.current.x, "V"),
            "current_at_reset": _span(synapse.rest_current, "A"),
        },
        parameters=reversal(model, name, model.unit_current(fan_in)),
        data=encode(synapse.current),
    )


def reversal(model: NeuronModel, name: Polarity, current: float) -> dict[str, ParameterRecord]:
    """λ and E of one polarity at a current (A) at V0: what is printed, trained with and validated."""
    synapse = model.synapses[name]
    coefficient, width = reversal_coefficient(synapse, current), coefficient_half_width(synapse, current)
    spread = potential_half_width(
        name, (coefficient, width), (model.threshold_voltage, switch_half_width(model))
    )
    reason = (
        "the unit current lies outside the table, or too few voltages in the window"
        if width == math.inf
        else ""
    )
    return {
        "reversal_coefficient": _within(coefficient, width, "1/V", reason),
        "reversal_potential": _within(
            potential(name, coefficient, model.threshold_voltage), spread, "1", reason
        ),
    }


def switch_half_width(model: NeuronModel) -> float:
    """Half-width (V) of the 95 % interval of V_switch, the mean over all read-outs."""
    widths = [
        ramp_half_widths(readout, model.rest_voltage, model.phase)[1] for readout in model.readouts.values()
    ]
    return math.hypot(*widths) / len(widths)


def _readout(model: NeuronModel) -> Part:
    width = switch_half_width(model)
    first = next(iter(model.readouts.values()))
    starts = np.concatenate([readout.start_voltage for readout in model.readouts.values()])
    return Part(
        origin="simulated",
        range={"start_voltage": _span(starts, "V")},
        parameters={
            "switch_voltage": _within(model.switch_voltage, width, "V"),
            "voltage_scale": _within(model.threshold_voltage, width, "V"),
            "ramp_beta": _within(
                ramp_beta(model), ramp_half_widths(first, model.rest_voltage, model.phase)[0], "1"
            ),
            **{
                f"ramp_bias_{fan_in}_{fan_out}": _exact(
                    readout.ramp_bias, "V", "found: an untouched membrane fires at the phase's end"
                )
                for (fan_in, fan_out), readout in model.readouts.items()
            },
        },
        data=encode({"switch_voltage": model.switch_voltage, "readouts": dict(model.readouts)}),
    )


def _capacitance(model: NeuronModel, fan_in: int) -> Part:
    loads = {
        name: (synapse.capacitance_voltage, synapse.capacitance, synapse.internal_node)
        for name, synapse in model.synapses.items()
    }
    return Part(
        origin="simulated",
        range={"membrane_voltage": _span(model.capacitance_voltage, "V")},
        parameters={
            "membrane_capacitance": _exact(model.mean_capacitance(fan_in), "F"),
            "unit_current": _exact(model.unit_current(fan_in), "A"),
        },
        data=encode({"voltage": model.capacitance_voltage, "membrane": model.capacitance, **loads}),
    )


def _leakage(model: NeuronModel) -> Part:
    idle = {name: synapse.idle_current for name, synapse in model.synapses.items()}
    return Part(
        origin="simulated",
        range={"membrane_voltage": _span(model.capacitance_voltage, "V")},
        parameters={"leakage_at_reset": _exact(float(model.leakage_at(model.rest_voltage)), "A")},
        data=encode({"membrane": model.leakage, **idle}),
    )


def _edges(model: NeuronModel) -> Part:
    every = [edge for both in model.edges.values() for edge in both.values()]
    voltages = np.concatenate([edge.on_charge.x for edge in every])
    return Part(
        origin="simulated",
        range={
            "membrane_voltage": _span(voltages, "V"),
            "delay": _span(np.concatenate([edge.off_delay for edge in every]), "s"),
            "fan_out": _span(np.array(list(model.edges), float), "1"),
        },
        parameters={
            f"driver_delay_{load}": _exact(delay, "s") for load, delay in model.driver_delay.items()
        },
        data=encode({
            "edges": {load: dict(both) for load, both in model.edges.items()},
            "driver_delay": dict(model.driver_delay),
        }),
    )  # fmt: skip


def _reset(model: NeuronModel) -> Part:
    return Part(
        origin="simulated",
        range={"fan_in": _span(np.array(list(model.reset_step), float), "1")},
        parameters={f"reset_step_{fan_in}": _exact(step, "V") for fan_in, step in model.reset_step.items()},
        data=encode(dict(model.reset_step)),
    )


def _exact(value: float, unit: str, reason: str = EXACT) -> ParameterRecord:
    return ParameterRecord(value=float(value), unit=unit, reason=reason)


def _within(value: float, half_width: float, unit: str, reason: str = "") -> ParameterRecord:
    if reason:
        return ParameterRecord(value=value, unit=unit, identifiable=False, reason=reason)
    return ParameterRecord(value=value, unit=unit, interval=(value - half_width, value + half_width))


def _span(values: np.ndarray, unit: str) -> RangeRecord:
    return RangeRecord(low=float(np.min(values)), high=float(np.max(values)), unit=unit)


def _of(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"a {kind.__name__} is needed, not {value!r}"[:200])
    return value


def _check_figures(
    name: str, found: Mapping[str, ParameterRecord], expected: Mapping[str, ParameterRecord]
) -> None:
    """ParameterError where figures are not those of the data, with which the emulator computes."""
    for key, record in expected.items():
        given = found.get(key)
        if (
            given is None
            or given.unit != record.unit
            or not math.isclose(given.value, record.value, rel_tol=1e-9)
        ):
            stated = "missing" if given is None else f"{given.value:.10g} {given.unit}"
            raise ParameterError(
                f"{key} is {stated}; its data say {record.value:.10g} {record.unit}"[:300],
                place=f"part {name!r} of the card",
                remedy="figures follow from the data: replace those with cimspice fit ... --card, "
                "or characterise again",
            )
