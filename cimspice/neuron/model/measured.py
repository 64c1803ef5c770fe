"""Measured curves in the place of parts of the neuron's card: capacitance of the membrane, firing ramp."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cimspice.errors import TableError
from cimspice.fit.family_card import Card
from cimspice.fit.records import RangeRecord
from cimspice.neuron.model.card import neuron_card, neuron_of, unit_fan_in
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.model.ramp_law import fit_ramp
from cimspice.neuron.model.readout import ReadoutModel

FEWEST_POINTS = 5


def with_measured_capacitance(card: Card, table: pd.DataFrame) -> Card:
    """The card with a measured C(V) of the membrane without synapses.

    TableError if the voltages do not enclose V_switch to V0, or a capacitance is not within a factor of ten
    of the card's.

    Parameters
    ----------
    card
        Of a neuron.
    table
        Columns ``membrane_voltage`` (V) and ``capacitance`` (F); ``attrs["provenance"]`` says from which
        file. Between the voltages its ratio to the card's curve is interpolated, beyond them held.
    """
    model = neuron_of(card)
    voltage, measured = _curve(table, "membrane_voltage", "capacitance")
    known = np.interp(voltage, model.capacitance_voltage, model.capacitance)
    _check_enclosed(voltage, model, "measured capacitance")
    ratio = measured / known
    if not ((ratio > 0.1) & (ratio < 10)).all():
        worst = int(np.argmax(np.abs(np.log(np.maximum(ratio, 1e-300)))))
        raise TableError(
            f"the capacitance is {measured[worst]:.4g} F at {voltage[worst]:.4g} V, the card's is "
            f"{known[worst]:.4g} F",
            place="measured capacitance",
            remedy="check the column and its unit (--unit capacitance=fF); it is that of the membrane alone",
        )
    new = replace(model, capacitance=model.capacitance * np.interp(model.capacitance_voltage, voltage, ratio))
    return _replaced(card, new, "capacitance", {"membrane_voltage": _span(voltage)}, table)


def with_measured_ramp(card: Card, table: pd.DataFrame) -> Card:
    """The card with a measured trace of the firing membrane, for all fan-ins and fan-outs.

    The trace gives the ramp, and with it the spike times: the time that the ramp takes from each start
    voltage to the voltage at which the output spikes, in the place of the card's. Comparator and output
    logic stay. Beyond the measured voltages the card's ramp goes on.

    TableError if the membrane does not fall throughout, or the trace does not enclose V_switch to V0.

    Parameters
    ----------
    card
        Of a neuron.
    table
        Columns ``time`` (s, from any origin) and ``membrane_voltage`` (V), which falls;
        ``attrs["provenance"]`` says from which file.
    """
    model = neuron_of(card)
    time, voltage = _curve(table, "time", "membrane_voltage")
    if not (np.diff(voltage) < 0).all():
        rising = int(np.argmax(np.diff(voltage)))
        raise TableError(
            f"the membrane is at {voltage[rising]:.4g} V and then at {voltage[rising + 1]:.4g} V, at "
            f"{time[rising]:.4g} s",
            place="measured ramp",
            remedy="give the falling part of the trace alone, without noise that exceeds a step",
        )
    _check_enclosed(voltage[::-1], model, "measured ramp")
    readouts = {key: _with_ramp(readout, time, voltage) for key, readout in model.readouts.items()}
    switch = np.mean([fit_ramp(one, model.rest_voltage, model.phase)[1] for one in readouts.values()])
    new = replace(model, readouts=readouts, switch_voltage=float(switch))
    return _replaced(card, new, "readout", {"membrane_voltage": _span(voltage)}, table)


def _with_ramp(readout: ReadoutModel, time: np.ndarray, voltage: np.ndarray) -> ReadoutModel:
    old_time, old_voltage = readout.ramp_time, readout.ramp_voltage
    above, below = old_voltage > voltage[0], old_voltage < voltage[-1]

    def reached(volts: np.ndarray, times: np.ndarray, at: np.ndarray) -> np.ndarray:
        return np.interp(at, volts[::-1], times[::-1])

    def old(at: np.ndarray) -> np.ndarray:
        return reached(old_voltage, old_time, at)

    ends = old(np.array([voltage[0], voltage[-1]]))
    new_time = np.concatenate([
        old_time[above] - ends[0] + time[0], time, old_time[below] - ends[1] + time[-1]
    ])  # fmt: skip
    new_voltage = np.concatenate([old_voltage[above], voltage, old_voltage[below]])
    starts, switch = readout.start_voltage, np.array(readout.switch_voltage)
    longer = (reached(new_voltage, new_time, switch) - reached(new_voltage, new_time, starts)) - (
        old(switch) - old(starts)
    )
    spikes = readout.spike_time + np.where(starts > switch, longer, 0.0)
    return replace(
        readout,
        spike_time=np.maximum.accumulate(spikes),
        ramp_time=new_time - new_time[0],
        ramp_voltage=new_voltage,
    )


def _curve(table: pd.DataFrame, x: str, y: str) -> tuple[np.ndarray, np.ndarray]:
    """Points by rising x, repeats averaged."""
    means = table.groupby(x)[y].mean()
    if len(means) < FEWEST_POINTS:
        raise TableError(
            f"{len(means)} points", place=f"measured {y}", remedy=f"give {FEWEST_POINTS} or more"
        )
    return means.index.to_numpy(float), means.to_numpy(float)


def _check_enclosed(voltage: np.ndarray, model: NeuronModel, place: str) -> None:
    low, high = model.switch_voltage, model.rest_voltage
    if not voltage[0] <= low < high <= voltage[-1]:
        raise TableError(
            f"membrane voltages from {voltage[0]:.4g} to {voltage[-1]:.4g} V do not enclose "
            f"V_switch = {low:.4g} V and V0 = {high:g} V",
            place=place,
            remedy="measure over these voltages",
        )


def _span(values: np.ndarray) -> RangeRecord:
    return RangeRecord(low=float(values.min()), high=float(values.max()), unit="V")


def _replaced(
    card: Card, model: NeuronModel, name: str, ranges: Mapping[str, RangeRecord], table: pd.DataFrame
) -> Card:
    """The card of a model with one measured part; figures of the other parts follow."""
    new = neuron_card(model, unit_fan_in(card))
    parts: dict[str, Any] = {
        key: part.model_copy(update={"parameters": new.parts[key].parameters})
        for key, part in card.parts.items()
    }
    old = card.part(name)
    source = {
        **dict(table.attrs.get("provenance", {})),
        "rows": len(table),
        "the_rest": old.model_dump(mode="json", include={"origin", "source"}),
    }
    parts[name] = new.parts[name].model_copy(
        update={"origin": "measured", "source": source, "range": {**new.parts[name].range, **ranges}}
    )
    return card.model_copy(update={"parts": parts})
