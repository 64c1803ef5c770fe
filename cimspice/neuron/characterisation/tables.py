"""The characterisation of one spiking neuron: every table its model is built from, ramp bias included."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from cimspice.campaign.run import store_context
from cimspice.campaign.store import Store
from cimspice.errors import ParameterError, SimulationError
from cimspice.neuron.characterisation.characterisation import Characterisation
from cimspice.neuron.characterisation.resistor import resistor_edges, resistor_tables
from cimspice.neuron.circuit.circuit import NeuronCircuit
from cimspice.neuron.model.build import POLARITIES
from cimspice.neuron.model.synapse_currents import Polarity
from cimspice.pdk import Conditions
from cimspice.progress import OnProgress, silent
from cimspice.spice import Pool

GATE_BIAS: dict[Literal["n", "p"], np.ndarray] = {
    "n": np.round(np.arange(0.15, 1.0501, 0.025), 6),
    "p": np.round(np.arange(1.65, 0.6999, -0.025), 6),
}
"""Gate biases (V) tried; those that give a current between `SMALLEST` and `LARGEST` at V0 are kept."""
SMALLEST, LARGEST = 1e-10, 4e-6
SWITCH = 0.43
"""Membrane voltage (V) near which the comparator switches at tt: a start for the search of the ramp bias."""
STARTS = (0.05, 0.2, 0.3, 0.36, 0.4, 0.42, 0.43, 0.435, 0.44, 0.445, 0.45, 0.46, 0.48, 0.5, 0.54, 0.6, 0.7,
          0.8, 0.95, 1.1, 1.2, 1.3, 1.4)  # fmt: skip
"""Membrane voltages (V) from which firing is simulated at tt; moved with the comparator's threshold."""


def characterise_neuron(
    circuit: NeuronCircuit,
    fans: Sequence[tuple[int, int]],
    *,
    loads: Sequence[int] = (),
    conditions: Conditions = Conditions(),  # noqa: B008 - it is frozen
    workers: int | None = None,
    store: Store | Path | str | None = None,
    progress: OnProgress = silent,
) -> dict[str, pd.DataFrame]:
    """Every table of the neuron under one condition.

    ParameterError if no layer drives anything; SimulationError if a point fails, or no ramp bias brings an
    empty membrane to the end of its phase.

    Parameters
    ----------
    circuit
        Sizes, supplies and timing.
    fans
        (fan-in, fan-out) of the layers the model is for; fan-out 0 for outputs that drive nothing.
    loads
        Further numbers of neurons that a spike line drives: that of the first layer, above all.
    conditions
        Corner and temperature.
    workers, store
        As for ``run_campaign``. What the store has is not run again.
    progress
        Called as steps go on.

    Returns
    -------
    dict
        ``current, idle, capacitance, leakage, injection, unselected, reset, readout, ramp``: frames in SI
        units, with ``program`` for the gate bias (V) or the resistor's length (m). Of resistors,
        which have no unselected half, ``internal_nodes`` and ``comparator`` in place of ``unselected``.
    """
    driven = sorted({*loads, *(fan_out for _, fan_out in fans if fan_out)})
    if not fans or not driven:
        raise ParameterError(
            f"layers with (fan-in, fan-out) {list(fans)} and loads {list(loads)} name no driven neurons",
            place="characterise_neuron",
            remedy="give loads=[number of neurons of the first layer]",
        )
    with ExitStack() as stack:
        kept = stack.enter_context(store_context(store))
        engine = stack.enter_context(Pool(workers=workers))
        setup = Characterisation(circuit, conditions, engine, kept, progress)
        if circuit.synapse == "resistor":
            tables = resistor_tables(setup)
            tables |= resistor_edges(setup, driven, tables["current"])
        else:
            tables = _static_tables(setup)
            tables |= edge_tables(setup, driven, _programs(tables["current"]))
        return tables | _firing_tables(setup, fans, tables)


def _spread(values: np.ndarray, count: int) -> np.ndarray:
    """About ``count`` of the values, the first and the last among them."""
    return np.unique(values[np.round(np.linspace(0, len(values) - 1, count)).astype(int)])


def _static_tables(setup: Characterisation) -> dict[str, pd.DataFrame]:
    setup.begin("synapse currents")
    on, idle = [], []
    for polarity, biases in GATE_BIAS.items():
        rows = setup.table("neuron_synapse", {"gate_bias": biases}, polarity=polarity, on=True)
        at_rest = rows[np.isclose(rows["membrane_voltage"], setup.circuit.rest_voltage)]
        chosen = at_rest["gate_bias"][at_rest["current"].between(SMALLEST, LARGEST)]
        on.append(rows[rows["gate_bias"].isin(chosen)])
        leaking = setup.table(
            "neuron_synapse",
            {"gate_bias": np.unique([setup.circuit.unselected_bias(polarity), *_spread(np.sort(chosen), 7)])},
            polarity=polarity,
            on=False,
        )
        idle.append(leaking)
    setup.begin("capacitance and leakage of the membrane")
    capacitance = setup.table(
        "neuron_capacitance", {"membrane_voltage": np.round(np.arange(-0.1, 1.901, 0.04), 6)}
    )
    leakage = setup.table("neuron_discharger", firing=False)
    program = {"gate_bias": "program"}
    return {
        "current": pd.concat(on).rename(columns=program),
        "idle": pd.concat(idle).rename(columns=program),
        "capacitance": capacitance,
        "leakage": leakage,
    }


def _programs(current: pd.DataFrame) -> dict[Polarity, np.ndarray]:
    """Gate biases (V) of a table of currents, by polarity."""
    return {
        polarity: np.sort(current["program"][current["polarity"] == polarity].unique())
        for polarity in POLARITIES
    }


def edge_tables(
    setup: Characterisation, loads: Sequence[int], programs: Mapping[Polarity, np.ndarray], **wires: float
) -> dict[str, pd.DataFrame]:
    """Tables ``injection`` and ``unselected`` for drivers of so many neurons, at some of the programs (V).

    ``wires``: further parameters of the bench ``neuron_injection``.
    """
    charges, unselected = [], []
    for load in loads:
        setup.begin(f"charge of the edges, driver of {load} neurons")
        for polarity in POLARITIES:
            chosen = _spread(programs[polarity], 10)
            common = {"polarity": polarity, "fan_out": int(load), **wires}
            charges.append(setup.table("neuron_injection", {"gate_bias": chosen}, **common))
            unselected.append(
                setup.table("neuron_injection", gate_bias=setup.circuit.unselected_bias(polarity), **common)
            )
    return {
        "injection": pd.concat(charges).rename(columns={"gate_bias": "program"}),
        "unselected": pd.concat(unselected),
    }


def _firing_tables(
    setup: Characterisation, fans: Sequence[tuple[int, int]], tables: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    resets = []
    rest, phase = setup.circuit.rest_voltage, setup.circuit.phase
    for fan_in in sorted({fan_in for fan_in, _ in fans}):
        setup.begin(f"reset, fan-in {fan_in}")
        resets.append(setup.table("neuron_reset", None, **_attached(setup, fan_in, tables)))
    reset = pd.concat(resets)
    readouts, ramps, comparators = [], [], []
    for fan_in, fan_out in fans:
        setup.begin(f"read-out, fan-in {fan_in}, fan-out {fan_out}")
        step = float(reset["reset_step"][reset["fan_in"] == fan_in].iloc[0])
        loads = {**_attached(setup, fan_in, tables), "fan_out": fan_out}
        bias, switch = _ramp_bias(setup, loads, tables, rest + step)
        starts = [start + (switch - 0.438) * (start > 0.32) * (start < 0.9) for start in STARTS]
        starts = np.round([start for start in starts if start < rest + 0.101], 4)
        readouts.append(
            setup.table(
                "neuron_readout", {"start_voltage": starts}, ramp_bias=bias, length=1.6 * phase, **loads
            )
        )
        # from above every membrane that fires within the phase to well below the comparator's threshold
        ramps.append(
            setup.table(
                "neuron_ramp",
                start_voltage=round(rest + 0.45, 6),
                ramp_bias=bias,
                length=phase * round(1 + 0.61 / (rest - SWITCH), 2),
                **loads,
            )
        )
        if setup.circuit.synapse == "resistor":
            # every neuron's ramp has a slope of its own
            slopes = np.round((rest - SWITCH) / phase * np.array([0.9, 1.0, 1.1]))
            comparison = setup.table("neuron_comparator", {"slope": slopes}, ramp_bias=bias, fan_out=fan_out)
            comparators.append(comparison.assign(fan_in=fan_in))
    firing = {"reset": reset, "readout": pd.concat(readouts), "ramp": pd.concat(ramps)}
    return firing | ({"comparator": pd.concat(comparators)} if comparators else {})


def _attached(setup: Characterisation, fan_in: int, tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Parameters that put the synapses of one neuron on its membrane; resistors as the capacitance of typical
    ones, because every neuron has others."""
    if setup.circuit.synapse == "mosfet":
        return {"fan_in": fan_in}
    per_input = tables["capacitance"][["n_capacitance", "p_capacitance"]].iloc[0].sum()
    return {"fan_in": fan_in, "extra_capacitance": float(fan_in * per_input)}


def _ramp_bias(
    setup: Characterisation, loads: Mapping[str, Any], tables: Mapping[str, pd.DataFrame], start: float
) -> tuple[float, float]:
    """Discharger's gate bias (V) with which a membrane that stayed at rest fires at the end of its phase, and
    the voltage at which it does."""
    phase = setup.circuit.phase
    capacitance = tables["capacitance"]
    total = (capacitance["neuron_capacitance"]
             + loads["fan_in"] * (capacitance["n_capacitance"] + capacitance["p_capacitance"]))  # fmt: skip
    fall = setup.circuit.rest_voltage - SWITCH
    middle = setup.circuit.rest_voltage - fall / 2
    wanted = float(np.interp(middle, capacitance["membrane_voltage"], total)) * fall / phase
    sweep = setup.table(
        "neuron_discharger", {"ramp_bias": np.round(np.arange(0.35, 0.9001, 0.05), 6)}, firing=True
    )
    nearest = sweep["membrane_voltage"].iloc[(sweep["membrane_voltage"] - middle).abs().argmin()]
    law = sweep[np.isclose(sweep["membrane_voltage"], nearest)].sort_values("ramp_bias")
    bias = float(np.interp(np.log(wanted), np.log(law["current"]), law["ramp_bias"]))
    slope = float(np.interp(bias, law["ramp_bias"], np.gradient(np.log(law["current"]), law["ramp_bias"])))
    before: tuple[float, float] | None = None
    for _ in range(10):
        bias = round(bias, 7)
        row = setup.table(
            "neuron_readout",
            None,
            start_voltage=round(start, 7),
            ramp_bias=bias,
            length=3 * phase,
            **loads,
        ).iloc[0]
        error = float(np.log(row["spike_time"] / phase))
        if abs(error) < 2e-5:
            return bias, float(row["spike_voltage"])
        if before is not None and before[0] != bias:
            slope = (before[1] - error) / (bias - before[0])
        before = bias, error
        bias += error / slope
    raise SimulationError(
        f"no ramp bias brings an empty membrane to {phase:g} s", place=f"fan-in {loads['fan_in']}",
        remedy="resize the discharger, the membrane or the phase",
    )  # fmt: skip
