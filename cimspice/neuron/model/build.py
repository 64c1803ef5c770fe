"""From the tables of a characterisation to the neuron's model."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cimspice.arrays import Array
from cimspice.errors import FitError, TableError
from cimspice.fit.conditions import NAMES
from cimspice.neuron.model.edges import EdgeModel
from cimspice.neuron.model.internal_node import InternalNodeModel
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.model.ramp_law import fit_ramp
from cimspice.neuron.model.readout import ReadoutModel
from cimspice.neuron.model.separable import SeparableTable
from cimspice.neuron.model.synapse_currents import Polarity, SynapseModel

POLARITIES: tuple[Polarity, ...] = ("n", "p")

COLUMNS = {
    "current": ("polarity", "program", "membrane_voltage", "current"),
    "idle": ("polarity", "program", "membrane_voltage", "current"),
    "capacitance": ("membrane_voltage", "neuron_capacitance", "n_capacitance", "p_capacitance"),
    "leakage": ("membrane_voltage", "current"),
    "injection": (
        "polarity",
        "fan_out",
        "program",
        "membrane_voltage",
        "edge",
        "delay",
        "charge",
        "driver_delay",
    ),
    "unselected": ("polarity", "fan_out", "membrane_voltage", "edge", "delay", "charge"),
    "reset": ("fan_in", "reset_step"),
    "readout": ("fan_in", "fan_out", "ramp_bias", "start_voltage", "spike_time", "spike_voltage"),
    "ramp": ("fan_in", "fan_out", "time", "membrane_voltage"),
}
"""Table → columns that :func:`neuron_model` reads, in SI units; ``program``: gate bias (V) or length (m)."""

OF_RESISTORS = {
    "internal_nodes": (
        "polarity",
        "program",
        "membrane_voltage",
        "near_capacitance",
        "far_capacitance",
        "rail",
    ),
    "comparator": ("fan_in", "fan_out", "slope", "crossing_voltage"),
}
"""The same of the tables that make it a model of resistor synapses; these have no unselected half."""


_LEAST_SLOPE, _LATEST = 0.5, 0.2
"""Spikes follow the membrane where they move by this share of what its ramp alone would do; share of the
phase by which they have to."""


def neuron_model(tables: Mapping[str, pd.DataFrame], *, phase: float, rest_voltage: float) -> NeuronModel:
    """Build the model.

    TableError if a table or a column is missing, a grid has holes, or tables mix corners or temperatures;
    FitError if the comparator is so slow that spikes do not follow the membrane early in the phase.

    Parameters
    ----------
    tables
        One frame per entry of :data:`COLUMNS`, all of one corner and temperature. For resistor synapses
        ``internal_nodes`` and ``comparator`` in place of ``unselected``.
    phase
        Length of a phase (s).
    rest_voltage
        V0 (V).
    """
    resistors = "internal_nodes" in tables
    needed = {**COLUMNS, **OF_RESISTORS} if resistors else COLUMNS
    for name, columns in needed.items():
        if name == "unselected" and resistors:
            continue
        missing = set(columns) - set(tables[name].columns) if name in tables else {"the whole table"}
        if missing:
            raise TableError(
                f"table {name!r} lacks {', '.join(sorted(missing))}", remedy="characterise the neuron again"
            )
    conditions = _one_condition(tables)
    capacitance = tables["capacitance"].sort_values("membrane_voltage")
    voltage = capacitance["membrane_voltage"].to_numpy()
    leakage = tables["leakage"].sort_values("membrane_voltage")
    injection = tables["injection"]
    loads = np.unique(injection["fan_out"].to_numpy(int)).tolist()
    fans = np.unique(tables["readout"][["fan_in", "fan_out"]].to_numpy(int), axis=0).tolist()
    readouts = {
        (fan_in, fan_out): _readout(
            _where(tables["readout"], fan_in=fan_in, fan_out=fan_out),
            _where(tables["ramp"], fan_in=fan_in, fan_out=fan_out),
            rest_voltage,
            _delay(_where(tables["comparator"], fan_in=fan_in, fan_out=fan_out)) if resistors else 0.0,
        )
        for fan_in, fan_out in fans
    }
    for readout in readouts.values():
        _check_comparator(readout, phase, conditions)
    reset = tables["reset"]
    synapses: dict[Polarity, SynapseModel] = {
        polarity: _synapse(
            polarity, tables, rest_voltage, voltage, capacitance[f"{polarity}_capacitance"].to_numpy()
        )
        for polarity in POLARITIES
    }
    return NeuronModel(
        phase=phase,
        rest_voltage=rest_voltage,
        switch_voltage=float(
            np.mean([fit_ramp(readout, rest_voltage, phase)[1] for readout in readouts.values()])
        ),
        synapses=synapses,
        edges={
            fan_out: {
                polarity: _resistor_edges(
                    _where(injection, polarity=polarity, fan_out=fan_out), synapses[polarity]
                )
                if resistors
                else edge_model(
                    _where(injection, polarity=polarity, fan_out=fan_out),
                    _where(tables["unselected"], polarity=polarity, fan_out=fan_out),
                )
                for polarity in POLARITIES
            }
            for fan_out in loads
        },
        driver_delay={
            fan_out: float(_where(injection, fan_out=fan_out)["driver_delay"].mean()) for fan_out in loads
        },
        capacitance_voltage=voltage,
        capacitance=capacitance["neuron_capacitance"].to_numpy(),
        leakage=np.interp(voltage, leakage["membrane_voltage"], leakage["current"]),
        reset_step=dict(zip(reset["fan_in"].astype(int), reset["reset_step"].astype(float), strict=True)),
        readouts=readouts,
        **conditions,
    )


def _one_condition(tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Corner and temperature of all tables, as far as these have them."""
    conditions = {}
    for column in NAMES:
        found = {value for frame in tables.values() if column in frame for value in frame[column].unique()}
        if len(found) > 1:
            raise TableError(
                f"the tables mix {column}s: {', '.join(sorted(map(str, found)))}",
                remedy="build one model for each of them",
            )
        if found:
            conditions[column] = found.pop()
    return conditions


def _where(frame: pd.DataFrame, **conditions: object) -> pd.DataFrame:
    """Rows in which every named column has the given value."""
    chosen = np.ones(len(frame), dtype=bool)
    for column, value in conditions.items():
        chosen &= (frame[column] == value).to_numpy()
    return frame[chosen]


def _grid(rows: pd.DataFrame, value: str, what: str) -> tuple[Array, Array, Array]:
    """Rows as a rectangle: programs, voltages, values (programs, voltages)."""
    table = rows.pivot_table(index="program", columns="membrane_voltage", values=value)
    if table.isna().to_numpy().any():
        raise TableError(f"the {what} table has holes in its grid of program and membrane voltage")
    return table.index.to_numpy(), table.columns.to_numpy(), table.to_numpy()


def _synapse(
    polarity: Polarity,
    tables: Mapping[str, pd.DataFrame],
    rest_voltage: float,
    voltage: Array,
    capacitance: Array,
) -> SynapseModel:
    program, membrane, current = _grid(_where(tables["current"], polarity=polarity), "current", "current")
    rest = np.array([np.interp(rest_voltage, membrane, row) for row in current])
    idle_program, idle_membrane, idle = _grid(
        _where(tables["idle"], polarity=polarity), "current", "idle current"
    )
    node = None
    if "internal_nodes" in tables:
        node = _internal_node(_where(tables["internal_nodes"], polarity=polarity))
    logarithmic = node is not None
    return SynapseModel(
        polarity,
        rest_voltage,
        SeparableTable(program, membrane, current, rest, logarithmic=logarithmic),
        SeparableTable(
            idle_program, idle_membrane, idle, np.full(len(idle_program), 1e-12), 1e-3, logarithmic
        ),
        voltage,
        capacitance,
        node,
    )


def _internal_node(rows: pd.DataFrame) -> InternalNodeModel:
    near = rows.groupby("program")["near_capacitance"].mean().sort_index()
    shortest = _where(rows, program=near.index[0]).sort_values("membrane_voltage")
    return InternalNodeModel(
        rail=float(rows["rail"].iloc[0]),
        program=near.index.to_numpy(),
        near=near.to_numpy(),
        voltage=shortest["membrane_voltage"].to_numpy(),
        selector=(shortest["far_capacitance"] - shortest["near_capacitance"]).to_numpy(),
    )


def _charges(part: pd.DataFrame, logarithmic: bool) -> SeparableTable:
    program, membrane, charge = _grid(part, "charge", "injected charge")
    return SeparableTable(program, membrane, charge, np.abs(charge).max(axis=1), 1e-4, logarithmic)


def edge_model(rows: pd.DataFrame, unselected: pd.DataFrame) -> EdgeModel:
    """From the rows of the tables ``injection`` and ``unselected`` of one polarity and one load."""
    off = rows[rows["edge"] == "off"]
    delays = np.sort(off["delay"].unique())
    unselected_off = unselected[unselected["edge"] == "off"].pivot_table(
        index="delay", columns="membrane_voltage", values="charge"
    )
    unselected_on = unselected[unselected["edge"] == "on"].sort_values("membrane_voltage")
    return EdgeModel(
        on_charge=_charges(rows[rows["edge"] == "on"], False),
        off_delay=delays,
        off_charge=tuple(_charges(off[off["delay"] == delay], False) for delay in delays),
        unselected_voltage=unselected_on["membrane_voltage"].to_numpy(),
        unselected_on_charge=unselected_on["charge"].to_numpy(),
        unselected_off_charge=unselected_off.to_numpy(),
    )


def _resistor_edges(rows: pd.DataFrame, synapse: SynapseModel) -> EdgeModel:
    """Edges without what charges the internal node: the emulator follows that itself."""
    assert synapse.internal_node is not None
    off = rows[rows["edge"] == "off"].copy()
    program, held = off["program"].to_numpy(), off["membrane_voltage"].to_numpy()
    rail = synapse.internal_node.rail
    reached = held + (rail - held) * np.exp(
        -off["delay"].to_numpy() / synapse.internal_node.time_constant(program, synapse.resistance(program))
    )
    off["charge"] += synapse.sign * synapse.internal_node.charge(program, np.array(rail), reached)
    delays, held = np.sort(off["delay"].unique()), np.sort(off["membrane_voltage"].unique())
    return EdgeModel(
        on_charge=_charges(rows[rows["edge"] == "on"], True),
        off_delay=delays,
        off_charge=tuple(_charges(off[off["delay"] == delay], True) for delay in delays),
        unselected_voltage=held,
        unselected_on_charge=np.zeros(len(held)),
        unselected_off_charge=np.zeros((len(delays), len(held))),
    )


def _delay(rows: pd.DataFrame) -> float:
    """Delay (s) of the comparator: the faster the membrane falls, the lower it is when the output spikes."""
    return -float(np.polyfit(rows["slope"], rows["crossing_voltage"], 1)[0])


def _check_comparator(readout: ReadoutModel, phase: float, conditions: Mapping[str, Any]) -> None:
    """FitError if spikes follow the membrane only late in the phase (s): the comparator lags its ramp."""
    volts, times = readout.start_voltage, readout.spike_time
    middle = (volts[:-1] + volts[1:]) / 2
    follows = np.diff(times) / np.diff(volts) > -_LEAST_SLOPE / readout.slope(middle)
    first = len(follows) - int(np.argmin(follows[::-1])) if not follows.all() else 0
    earliest = float(times[min(first, len(times) - 1)])
    if earliest > _LATEST * phase:
        raise FitError(
            f"the comparator is too slow at {' '.join(map(str, conditions.values()))} °C: spikes follow the "
            f"membrane only from {earliest * 1e9:.0f} of {phase * 1e9:.0f} ns on",
            remedy="use another corner or a higher temperature",
        )


def _readout(rows: pd.DataFrame, ramp: pd.DataFrame, rest_voltage: float, delay: float) -> ReadoutModel:
    rows, ramp = rows.sort_values("start_voltage"), ramp.sort_values("time")
    nearest = rows.iloc[(rows["start_voltage"] - rest_voltage).abs().argmin()]
    return ReadoutModel(
        start_voltage=rows["start_voltage"].to_numpy(),
        spike_time=np.maximum.accumulate(rows["spike_time"].to_numpy()),
        ramp_time=ramp["time"].to_numpy(),
        ramp_voltage=ramp["membrane_voltage"].to_numpy(),
        ramp_bias=float(rows["ramp_bias"].iloc[0]),
        switch_voltage=float(nearest["spike_voltage"]),
        delay=delay,
    )
