"""The neuron's response to threshold shifts, each transistor shifted alone in its own bench."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cimspice.arrays import Array
from cimspice.bench.bench import bench
from cimspice.campaign.run import store_context
from cimspice.errors import ParameterError
from cimspice.neuron.characterisation.card import Conditions
from cimspice.neuron.characterisation.characterisation import Characterisation
from cimspice.neuron.model.mismatch import RAMP, MismatchModel
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.model.synapse_currents import Polarity
from cimspice.pdk import threshold_sigmas
from cimspice.progress import OnProgress, silent
from cimspice.spice import Pool

COMPARATOR = ("sense_n", "sense_p")
DELAYING = (*COMPARATOR, "firstn", "firstp", "secondn", "secondp")
"""Transistors that delay the spike; spikes that come at once those of the comparator alone. Left out, with
the delay by a standard deviation of each at tt, 27 °C: sense_gate and ramp_select, 19 and 12 ps, and the
driver's, up to 6 ps; and all selectors, of which 20 mV change the unit current by less than 0.01 %."""
RESET = ("reset_n", "reset_p")
_FLOOR, _ANCHOR = -0.12, 0.18
_STARTS = (_FLOOR, 0.04, 0.08, _ANCHOR, 0.33, 0.58, 0.88)
"""From V_switch (V): where the ramp's responses are taken; those of the others at two of them."""
_HELD = (0.02, 0.3, 0.6, 0.9, 1.2, 1.5, 1.76)
"""Membrane voltages (V) at which those of unselected halves are."""
_FAR = 2.0  # standard deviations: how far transistors are shifted
_WINDOW = {"membrane_start": 0.45, "membrane_stop": 1.35, "membrane_step": 0.15}


def characterised_mismatch(
    conditions: Conditions, model: NeuronModel, progress: OnProgress = silent
) -> MismatchModel:
    """The responses under these conditions; of the read-out those with the model's first fan-in and fan-out.

    ParameterError for resistor synapses, whose weight is no transistor.
    """
    if conditions.synapse != "mosfet":
        raise ParameterError(
            "mismatch of resistor synapses", place="--synapse", remedy="chips are drawn with MOSFET synapses"
        )
    with store_context(conditions.store) as store, Pool(workers=conditions.workers) as engine:
        setup = Characterisation(conditions.circuit, conditions, engine, store, progress)
        setup.begin("characterise: threshold shifts")
        return _responses(setup, model)


def _responses(setup: Characterisation, model: NeuronModel) -> MismatchModel:
    (fan_in, fan_out), readout = next(iter(model.readouts.items()))
    one = {"fan_in": fan_in, "ramp_bias": readout.ramp_bias}
    fired = {**one, "fan_out": fan_out, "length": 1.6 * model.phase}
    starts = np.round(model.switch_voltage + np.array(_STARTS), 4)
    floor_start, anchor = float(starts[0]), float(starts[_STARTS.index(_ANCHOR)])

    def fire(names: Sequence[str], starts: Array | float) -> _Shifted:
        transistors = [[f"xneuron.x{name}"] for name in names]
        sweep = {"start_voltage": np.atleast_1d(starts)}
        return _Shifted.run(setup, "neuron_readout", transistors, sweep, **fired)

    ramp = fire([RAMP], starts).response("spike_time", lambda time, nominal: np.log(time / nominal))
    delay, floor = (
        {
            name: (float(a), float(b))
            for name, a, b in zip(names, *fire(names, start).response("spike_time")[:, 0], strict=True)
        }
        for names, start in ((DELAYING, anchor), (COMPARATOR, floor_start))
    )
    moved = _Shifted.run(setup, "neuron_reset", [[f"xneuron.x{name}"] for name in RESET], **one)
    halves: tuple[Polarity, ...] = ("n", "p")
    return MismatchModel(
        gain={half: _gain(setup, model, half) for half in halves},
        unselected_voltage=np.array(_HELD),
        unselected={half: _unselected(setup, model, half) for half in halves},
        start_voltage=starts,
        ramp=ramp[:, :, 0],
        anchor=anchor,
        delay=delay,
        floor=floor,
        reset={
            name: float(slope) for name, slope in zip(RESET, moved.response("reset_step")[0, 0], strict=True)
        },
    )


@dataclass(frozen=True)
class _Shifted:
    """Points of a bench, each nominal and with single transistors shifted up and down."""

    table: pd.DataFrame
    shifts: Array
    """How far each is shifted (V), (transistors,)."""

    @classmethod
    def run(
        cls,
        setup: Characterisation,
        name: str,
        transistors: Sequence[Sequence[str]],
        sweep: Mapping[str, Any] | None = None,
        **fixed: Any,
    ) -> _Shifted:
        """``transistors``: those of an entry are alike and shifted together; the rest as of a table."""
        circuit = bench(name)
        given = {"circuit": setup.circuit.model_dump(mode="json"), **fixed}
        sigmas = threshold_sigmas(circuit.netlist(circuit.Parameters.parse(given, place=name)).text)
        far = [_FAR * sigmas[alike[0]] for alike in transistors]
        each = zip(transistors, far, strict=True)
        samples = [{}, *(dict.fromkeys(alike, sign * size) for alike, size in each for sign in (1, -1))]
        table = setup.table(name, sweep, {"samples": len(samples), "shifts": samples}, **fixed)
        return cls(table, np.array(far))

    def response(self, column: str, change: Callable[[Array, Array], Array] = np.subtract) -> Array:
        """Linear (per V) and quadratic (per V²) response of the change of a column from its nominal value,
        (2, points, transistors), of benches with one row."""
        values = self.table[column].to_numpy().reshape(-1, 1 + 2 * len(self.shifts))
        up, down = (change(values[:, first::2], values[:, :1]) for first in (1, 2))
        return np.stack([(up - down) / (2 * self.shifts), (up + down) / (2 * self.shifts**2)])


def _unselected(setup: Characterisation, model: NeuronModel, polarity: Polarity) -> Array:
    """Charges of a half without a weight over its memory transistor's shift, (2, 1 + delays, points), with
    the model's first load of a driver."""
    # a twin that is never switched is subtracted: both are shifted
    every = [f"xsynapse_{state}{k}.xmemory" for state in ("on", "off") for k in range(len(_HELD))]
    shifted = _Shifted.run(
        setup,
        "neuron_injection",
        [every],
        polarity=polarity,
        gate_bias=setup.circuit.unselected_bias(polarity),
        fan_out=next(iter(model.edges)),
        voltages=list(_HELD),
    )
    table = shifted.table.sort_values(["sample", "delay", "membrane_voltage"])
    charges = table["charge"].to_numpy().reshape(3, -1, len(_HELD))
    (far,) = shifted.shifts
    up, down = charges[1:] - charges[0]
    return np.stack([(up - down) / (2 * far), (up + down) / (2 * far**2)])


def _gain(setup: Characterisation, model: NeuronModel, polarity: Polarity) -> tuple[float, float]:
    """Of the current over a shift, beyond what the same shift of the gate bias gives: the mean over the
    window of the membrane's voltage, at the unit current."""
    synapse, fan_in = model.synapses[polarity], next(iter(model.readouts))[0]
    bias = round(float(synapse.program_for(np.array(model.unit_current(fan_in)))), 6)
    given = {"polarity": polarity, **_WINDOW}
    shifted = _Shifted.run(setup, "neuron_synapse", [["xsynapse.xmemory"]], gate_bias=bias, **given)
    far = float(shifted.shifts[0])
    moved = setup.table("neuron_synapse", {"gate_bias": [bias - far, bias + far]}, **given)
    by_shift = shifted.table["current"].to_numpy().reshape(3, -1)[1:]
    by_bias = moved["current"].to_numpy().reshape(2, -1)
    up, down = np.log(by_shift / by_bias).mean(axis=1)
    return float((up - down) / (2 * far)), float((up + down) / (2 * far**2))
