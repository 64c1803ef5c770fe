"""Characterisation of the resistor synapse: what differs from the MOSFET synapse's."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cimspice.neuron.characterisation.characterisation import Characterisation

LENGTHS = np.round(np.geomspace(12e-6, 3e-3, 18), 7)
"""Resistor lengths (m): at the sizes of ``resistor_circuit`` weights from 3 down to 0.015."""

TYPICAL_WEIGHT = 0.5
"""Weight of the synapse whose capacitance stands for those of a neuron nobody has programmed yet."""

HELD = (0.02, 0.25, 0.55, 0.85, 1.15, 1.45, 1.65, 1.76)
"""Membrane voltages (V) at which edges are measured: a resistor's currents bend nowhere."""

PROGRAM = {"resistor_length": "program"}


def resistor_tables(setup: Characterisation) -> dict[str, pd.DataFrame]:
    """``current, idle, capacitance, leakage, internal_nodes`` of the resistor synapse."""
    setup.begin("synapse currents")
    current = [
        setup.table("neuron_synapse", {"resistor_length": LENGTHS}, polarity=polarity, on=True)
        for polarity in ("n", "p")
    ]
    idle = [
        setup.table(
            "neuron_synapse", {"resistor_length": LENGTHS[[0, 5, 11, -1]]}, polarity=polarity, on=False
        )
        for polarity in ("n", "p")
    ]
    setup.begin("capacitance and leakage of the membrane")
    voltages = np.round(np.arange(-0.1, 1.901, 0.04), 6)
    capacitance = setup.table("neuron_capacitance", {"membrane_voltage": voltages})
    nodes = pd.concat([_internal_nodes(setup, "n", 0.0), _internal_nodes(setup, "p", setup.circuit.supply)])
    tables = {
        "current": pd.concat(current).rename(columns=PROGRAM),
        "idle": pd.concat(idle).rename(columns=PROGRAM),
        "capacitance": capacitance,
        "leakage": setup.table("neuron_discharger", firing=False),
        "internal_nodes": nodes.rename(columns=PROGRAM),
    }
    for polarity in ("n", "p"):
        capacitance[f"{polarity}_capacitance"] = _typical_capacitance(setup, tables, polarity) / 2
    return tables


def resistor_edges(
    setup: Characterisation, loads: Sequence[int], current: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """``injection`` for drivers of these numbers of neurons, at membranes that are held."""
    charges = []
    for load in loads:
        setup.begin(f"charge of the edges, driver of {load} neurons")
        charges += [
            setup.table(
                "neuron_injection",
                {"resistor_length": LENGTHS[[0, 2, 4, 6, 8, 10, 12, 15, 17]]},
                polarity=polarity,
                fan_out=int(load),
                ramp_slope=1.0,
                voltages=HELD,
                hold=40e-9,
            )
            for polarity in ("n", "p")
        ]
    return {"injection": pd.concat(charges).rename(columns=PROGRAM)}


def _internal_nodes(setup: Characterisation, polarity: str, rail: float) -> pd.DataFrame:
    """Both ends of every length at rest, and the shortest (where the selector stands out) over voltage."""
    ends = setup.table("neuron_internal_node", {"resistor_length": LENGTHS[1:]}, polarity=polarity,
                      membrane_voltage=setup.circuit.rest_voltage)  # fmt: skip
    voltages = np.round(np.arange(0.0, 1.801, 0.1), 6)
    shortest = setup.table("neuron_internal_node", {"membrane_voltage": voltages}, polarity=polarity,
                          resistor_length=float(LENGTHS[0]))  # fmt: skip
    return pd.concat([shortest, ends]).assign(rail=rail)


def _typical_capacitance(setup: Characterisation, tables: dict[str, pd.DataFrame], polarity: str) -> float:
    """Capacitance (F) of both ends of a synapse that carries :data:`TYPICAL_WEIGHT`."""
    circuit, capacitance = setup.circuit, tables["capacitance"]
    inside = capacitance["membrane_voltage"].between(0.43, circuit.rest_voltage)
    unit = capacitance["neuron_capacitance"][inside].mean() * (circuit.rest_voltage - 0.43) / circuit.phase
    rows = tables["current"]
    rows = rows[(rows["polarity"] == polarity) & np.isclose(rows["membrane_voltage"], circuit.rest_voltage)]
    rows = rows.sort_values("current")
    length = np.exp(
        np.interp(np.log(TYPICAL_WEIGHT * unit), np.log(rows["current"]), np.log(rows["program"]))
    )
    ends = tables["internal_nodes"][tables["internal_nodes"]["polarity"] == polarity]
    ends = ends.groupby("program")[["near_capacitance", "far_capacitance"]].mean().sum(axis=1)
    return float(np.interp(length, ends.index, ends))
