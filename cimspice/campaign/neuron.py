"""The characterisation of one spiking neuron: every table its model is built from, ramp bias included."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cimspice.campaign.run import run_campaign, store_context
from cimspice.campaign.runner import Engine
from cimspice.campaign.specification import parse_specification
from cimspice.campaign.store import Store
from cimspice.circuits.neuron.circuit import NeuronCircuit
from cimspice.errors import ParameterError, SimulationError
from cimspice.spice import Pool

GATE_BIAS = {
    "n": np.round(np.arange(0.15, 1.0501, 0.025), 6),
    "p": np.round(np.arange(1.65, 0.6999, -0.025), 6),
}
"""Gate biases (V) tried; those that give a current between `SMALLEST` and `LARGEST` at V0 are kept."""
SMALLEST, LARGEST = 1e-10, 4e-6
STARTS = (0.05, 0.2, 0.3, 0.36, 0.4, 0.42, 0.43, 0.435, 0.44, 0.445, 0.45, 0.46, 0.48, 0.5, 0.54, 0.6, 0.7,
          0.8, 0.95, 1.1, 1.2, 1.3, 1.4)  # fmt: skip
"""Membrane voltages (V) from which firing is simulated at tt; moved with the comparator's threshold."""


@dataclass
class _Desk:
    """What every step of the characterisation needs."""

    circuit: NeuronCircuit
    corner: str
    temperature: float
    engine: Engine
    store: Store
    told: Callable[[str], object]

    def table(self, bench: str, sweep: Mapping[str, Any] | None = None, **fixed: Any) -> pd.DataFrame:
        """Table of one bench under this desk's conditions, from the store where it is there already."""
        axes = {name: np.asarray(values).tolist() for name, values in (sweep or {}).items()}
        specification = parse_specification(
            {
                "campaign": {"bench": bench},
                "parameters": {"circuit": self.circuit.model_dump(mode="json"), **fixed},
                "sweep": {**axes, "corners": [self.corner], "temperatures": [self.temperature]},
            },
            source=f"characterisation of the neuron, {bench}",
        )
        result = run_campaign(specification, store=self.store, engine=nullcontext(self.engine))
        if result.failed:
            point, record = result.failures[0]
            raise SimulationError(
                f"{result.failed} of {result.points} points of {bench} failed; the first: "
                f"{record.error}: {record.message}",
                place=f"{point.given}, {self.corner}, {self.temperature:g} °C",
                remedy="see the message; finished points are kept, a second run tries the others again",
            )
        return result.table


def characterise_neuron(
    circuit: NeuronCircuit,
    fans: Sequence[tuple[int, int]],
    *,
    loads: Sequence[int] = (),
    corner: str = "tt",
    temperature: float = 27.0,
    workers: int | None = None,
    store: Store | Path | str | None = None,
    told: Callable[[str], object] = lambda _: None,
) -> dict[str, pd.DataFrame]:
    """Every table of the neuron under one condition.

    Parameters
    ----------
    circuit
        Sizes, supplies and timing.
    fans
        (fan-in, fan-out) of the layers the model is for; fan-out 0 for outputs that drive nothing.
    loads
        Further numbers of neurons that a spike line drives: that of the first layer, above all.
    corner, temperature
        Corner, degrees Celsius.
    workers, store
        As for ``run_campaign``. What the store has is not run again.
    told
        Called with one line of text as each step begins.

    Returns
    -------
    dict
        ``current, idle, capacitance, leakage, injection, parked, reset, readout, ramp``: frames in SI units,
        with ``program`` for the gate bias (V).

    Raises
    ------
    SimulationError
        If a point fails, or no ramp bias brings an empty membrane to the end of its phase.
    """
    if circuit.synapse != "mosfet":
        raise ParameterError("only the MOSFET synapse is characterised here", place="circuit.synapse")
    with ExitStack() as stack:
        kept = stack.enter_context(store_context(store))
        engine = stack.enter_context(Pool(workers=workers))
        desk = _Desk(circuit, corner, temperature, engine, kept, told)
        tables = _static_tables(desk)
        tables |= _edge_tables(desk, sorted({*loads, *(fan_out for _, fan_out in fans if fan_out)}), tables["current"])
        return tables | _firing_tables(desk, fans, tables)


def _static_tables(desk: _Desk) -> dict[str, pd.DataFrame]:
    desk.told("synapse currents")
    on, idle = [], []
    for polarity, biases in GATE_BIAS.items():
        rows = desk.table("neuron_synapse", {"gate_bias": biases}, polarity=polarity, on=True)
        at_rest = rows[np.isclose(rows["membrane_voltage"], desk.circuit.rest_voltage)]
        chosen = at_rest["gate_bias"][at_rest["current"].between(SMALLEST, LARGEST)]
        on.append(rows[rows["gate_bias"].isin(chosen)])
        leaking = desk.table(
            "neuron_synapse",
            {"gate_bias": np.sort(chosen)[:: max(1, len(chosen) // 6)]},
            polarity=polarity,
            on=False,
        )
        idle.append(leaking)
    desk.told("capacitance and leakage of the membrane")
    capacitance = desk.table(
        "neuron_capacitance", {"membrane_voltage": np.round(np.arange(-0.1, 1.901, 0.04), 6)}
    )
    leakage = desk.table("neuron_discharger", firing=False)
    program = {"gate_bias": "program"}
    return {
        "current": pd.concat(on).rename(columns=program),
        "idle": pd.concat(idle).rename(columns=program),
        "capacitance": capacitance,
        "leakage": leakage,
    }


def _edge_tables(desk: _Desk, loads: Sequence[int], current: pd.DataFrame) -> dict[str, pd.DataFrame]:
    charges, parked = [], []
    for load in loads:
        desk.told(f"charge of the edges, driver of {load} neurons")
        for polarity in ("n", "p"):
            programs = np.sort(current["program"][current["polarity"] == polarity].unique())
            chosen = np.unique(programs[np.round(np.linspace(0, len(programs) - 1, 10)).astype(int)])
            common = {"polarity": polarity, "fan_out": int(load)}
            charges.append(desk.table("neuron_injection", {"gate_bias": chosen}, **common))
            parked.append(
                desk.table("neuron_injection", gate_bias=desk.circuit.parked_bias(polarity), **common)
            )
    return {
        "injection": pd.concat(charges).rename(columns={"gate_bias": "program"}),
        "parked": pd.concat(parked),
    }


def _firing_tables(
    desk: _Desk, fans: Sequence[tuple[int, int]], tables: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    resets = []
    for fan_in in sorted({fan_in for fan_in, _ in fans}):
        desk.told(f"reset, fan-in {fan_in}")
        resets.append(desk.table("neuron_reset", fan_in=fan_in))
    reset = pd.concat(resets)
    readouts, ramps = [], []
    for fan_in, fan_out in fans:
        desk.told(f"read-out, fan-in {fan_in}, fan-out {fan_out}")
        step = float(reset["reset_step"][reset["fan_in"] == fan_in].iloc[0])
        loads = {"fan_in": fan_in, "fan_out": fan_out}
        bias, switch = _ramp_bias(desk, loads, tables, desk.circuit.rest_voltage + step)
        phase = desk.circuit.phase
        starts = np.round([start + (switch - 0.438) * (start > 0.32) * (start < 0.9) for start in STARTS], 4)
        readouts.append(
            desk.table(
                "neuron_readout", {"start_voltage": starts}, ramp_bias=bias, length=1.6 * phase, **loads
            )
        )
        ramps.append(
            desk.table("neuron_ramp", start_voltage=1.75, ramp_bias=bias, length=1.7 * phase, **loads)
        )
    return {"reset": reset, "readout": pd.concat(readouts), "ramp": pd.concat(ramps)}


def _ramp_bias(
    desk: _Desk, loads: Mapping[str, int], tables: Mapping[str, pd.DataFrame], start: float
) -> tuple[float, float]:
    """Discharger's gate bias (V) with which a membrane that stayed at rest fires at the end of its phase, and
    the voltage at which it does."""
    phase = desk.circuit.phase
    capacitance = tables["capacitance"]
    total = (capacitance["neuron_capacitance"]
             + loads["fan_in"] * (capacitance["n_capacitance"] + capacitance["p_capacitance"]))  # fmt: skip
    middle = desk.circuit.rest_voltage - 0.435
    wanted = float(np.interp(middle, capacitance["membrane_voltage"], total)) * 0.87 / phase
    sweep = desk.table(
        "neuron_discharger", {"ramp_bias": np.round(np.arange(0.35, 0.9001, 0.05), 6)}, firing=True
    )
    law = sweep[np.isclose(sweep["membrane_voltage"], 0.86)].sort_values("ramp_bias")
    bias = float(np.interp(np.log(wanted), np.log(law["current"]), law["ramp_bias"]))
    slope = float(np.interp(bias, law["ramp_bias"], np.gradient(np.log(law["current"]), law["ramp_bias"])))
    before: tuple[float, float] | None = None
    for _ in range(10):
        bias = round(bias, 7)
        row = desk.table(
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
