"""Coverage of 95 % intervals: synthetic tables of known truth and stated noise, fitted, and one output of each.

    python benchmarks/intervals.py [--tables 2000] [--seed 0] [--only discharge ...] [--json]

Each table comes from a family's own equations with parameters drawn anew and normal noise; the library's own
fit makes a model of it, whose interval of one output either holds the output of the true parameters or not.

- ``spike_time``: currents of n- and p-synapses, every point read three times with 0.5 to 2 % noise, put into a
  neuron's card as measured curves; one neuron's output spike.
- ``spike_time_of_laws``: reversal potentials of both synapses and a ramp fitted to noisy curves; the spike of
  the reversal-potential neuron.
- ``discharge``: training reads of a 6T column with 0.1 to 0.5 mV noise, ``fit_bit_lines``; ΔV_BL of a word.
- ``discharge_of_measured_cell``: the cell's current read three times, put into the card of that column.
- ``current``: read curves of a memory with 0.2 to 1 % noise, sinh law behind a resistance; one read current.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd

from cimspice.fit.bands import Band, card_draws, why_not_counted
from cimspice.fit.card import ModelCard
from cimspice.fit.curves import RESET_VOLTAGE, VOLTAGE_SCALE, CurveSelection
from cimspice.neuron.emulator.bands import spike_band
from cimspice.neuron.emulator.layer import NeuronLayer
from cimspice.neuron.emulator.ramp import Ramp as FiringRamp
from cimspice.neuron.emulator.spiking_layer import SpikingLayer
from cimspice.neuron.model.card import neuron_card, neuron_of, with_measured_current
from cimspice.neuron.model.edges import EdgeModel
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.neuron.model.ramp import Ramp
from cimspice.neuron.model.readout import ReadoutModel
from cimspice.neuron.model.separable import SeparableTable
from cimspice.neuron.model.synapse import ReversalSynapse
from cimspice.neuron.model.synapse_currents import Polarity, SynapseModel
from cimspice.rram.model.read import SinhRead
from cimspice.sram.emulator.bands import discharge_band
from cimspice.sram.emulator.read import Cells, MultiRowRead
from cimspice.sram.model import card as sram_cards
from cimspice.sram.model.bit_line import BitLines
from cimspice.sram.model.build import BitLineFit, ColumnFacts, cell_tables, fit_bit_lines
from cimspice.sram.model.variation import CellVariation

Array = np.ndarray
Generator = np.random.Generator

PHASE, CAPACITANCE, SWITCH = 1e-6, 140e-15, 0.45
UNIT = CAPACITANCE * (RESET_VOLTAGE - SWITCH) / PHASE
"""Current (A) that takes a membrane from reset to the switch voltage in a phase."""


def inside(band: Band, truth: float) -> bool:
    """Whether the interval of one output holds the truth."""
    low, high = band.interval
    return bool(low <= truth <= high)


def synapse_law(program: Array, voltage: Array, sign: int, e: float, cubic: float) -> Array:
    """Magnitude (A) of a synapse's current: reversal potential ``e`` in units of V_th, and a cubic term."""
    v = (RESET_VOLTAGE - voltage) / (RESET_VOLTAGE - SWITCH)
    return UNIT * np.exp(sign * 8 * (program - 0.5)) * (1 - v / e + cubic * v**3)


def neuron(currents: dict[Polarity, Array], program: Array, voltage: Array) -> NeuronModel:
    """One neuron with these tables of currents, its other parts ideal."""
    grid, pair = np.array([-40.0, 0.0, 40.0, 80.0]), np.array([-9.0, 9.0])

    def flat(value: float) -> SeparableTable:
        return SeparableTable(pair, grid, np.full((2, 4), value), np.ones(2))

    still = EdgeModel(flat(0.0), np.array([1e-9, 1e-7]), (flat(0.0), flat(0.0)), grid, np.zeros(4), np.zeros((2, 4)))
    start = np.linspace(SWITCH, 1.6, 60)
    time_of = PHASE / (RESET_VOLTAGE - SWITCH)
    fall = np.linspace(1.75, 0.3, 60)
    readout = ReadoutModel(
        start, time_of * (start - SWITCH), time_of * (1.75 - fall), fall, 0.5, SWITCH
    )
    at_rest = int(np.argmin(np.abs(voltage - RESET_VOLTAGE)))
    synapses = {
        name: SynapseModel(
            name,
            RESET_VOLTAGE,
            SeparableTable(program, voltage, table, table[:, at_rest]),
            flat(0.0),
            grid,
            np.zeros(4),
        )
        for name, table in currents.items()
    }
    return NeuronModel(
        PHASE, RESET_VOLTAGE, SWITCH, synapses, {1: {"n": still, "p": still}}, {1: 0.0},
        grid, np.full(4, CAPACITANCE), np.zeros(4), {4: 0.0}, {(4, 0): readout},
    )  # fmt: skip


def spike_time(rng: Generator) -> bool | None:
    """Measured synapse curves in a neuron's card."""
    program, voltage = np.linspace(0.2, 0.7, 6), np.round(np.linspace(0.2, 1.8, 17), 3)
    signs: dict[Polarity, int] = {"n": 1, "p": -1}
    mesh = np.meshgrid(program, voltage, indexing="ij")
    laws: dict[Polarity, Array] = {
        name: synapse_law(*mesh, sign, sign * rng.uniform(1.5, 4), rng.uniform(-0.03, 0.03))
        for name, sign in signs.items()
    }
    truth = neuron(laws, program, voltage)
    card = neuron_card(neuron({name: law * 1.05 for name, law in laws.items()}, program, voltage), 4)
    noise = rng.uniform(0.005, 0.02)
    for name, law in laws.items():
        readings = np.repeat(law.ravel(), 3)
        table = pd.DataFrame(
            {
                "gate_bias": np.repeat(mesh[0].ravel(), 3),
                "membrane_voltage": np.repeat(mesh[1].ravel(), 3),
                "current": readings * (1 + noise * rng.standard_normal(readings.size)),
            }
        )
        card = with_measured_current(card, name, table)
    polarity = np.array([[1, 1, -1, 1]])
    wanted = rng.uniform(0.2, 0.5, (1, 4)) * UNIT
    gate = np.array(
        [truth.synapses["n" if s > 0 else "p"].program_for(i) for s, i in zip(polarity[0], wanted[0])]
    )[None]
    times = PHASE * rng.uniform(0.0, 0.7, (1, 4))

    def spike(model: NeuronModel) -> Array:
        return NeuronLayer(model, polarity, gate, step=2e-8)(times)[1][0]

    true = float(spike(truth)[0])
    if not 0.02 * PHASE < true < 0.98 * PHASE:  # it does not fire inside the phase: nothing is left open
        return None
    return inside(spike_band(neuron_of(card), card, spike, seed=int(rng.integers(2**31)), count=79), true)


def spike_time_of_laws(rng: Generator) -> bool | None:
    """Reversal potentials and ramp from fits."""
    voltage = np.linspace(0.43, 1.36, 20)
    moved = voltage - RESET_VOLTAGE
    slopes = rng.uniform(0.3, 0.7), rng.uniform(0.4, 0.9), rng.uniform(0.1, 0.5)
    noise, beta = rng.uniform(0.005, 0.02), slopes[2] * VOLTAGE_SCALE
    rate = -np.log1p(-beta) / beta / PHASE

    def noisy(current: Array) -> Array:
        return current * (1 + noise * rng.standard_normal(current.shape))

    cards = [
        ModelCard.from_fit(
            ReversalSynapse.fit(
                pd.DataFrame(
                    {
                        "polarity": polarity,
                        "gate_bias": 0.5,
                        "membrane_voltage": voltage,
                        "current": noisy(122e-9 * (1 + slope * sign * moved)),
                    }
                ),
                CurveSelection(polarity, order=None),
            )
        )
        for polarity, sign, slope in (("n", 1, slopes[0]), ("p", -1, slopes[1]))
    ]
    falling = CAPACITANCE * VOLTAGE_SCALE * rate * (1 + slopes[2] * moved)
    table = pd.DataFrame({"membrane_voltage": voltage, "current": noisy(falling)})
    cards.append(ModelCard.from_fit(Ramp.fit(table, membrane_capacitance=CAPACITANCE)))
    weights, times = rng.uniform(-0.3, 0.8, (1, 6)), rng.uniform(0.0, 0.8, (1, 6))

    def spike(n: float, p: float, ramp: Ramp) -> Array:
        layer = SpikingLayer(weights, 1 / (n * VOLTAGE_SCALE), -1 / (p * VOLTAGE_SCALE), FiringRamp(0.0))
        return ramp.time(1.0, layer.membrane(times))[0]

    true = spike(slopes[0], slopes[1], Ramp(rate=rate, reversal_coefficient=slopes[2]))
    if not 0.02 * PHASE < float(true[0]) < 0.98 * PHASE:
        return None
    models = [card.model() for card in cards]

    def emulate(number: int, model: object) -> Array:
        n, p, ramp = (model if k == number else other for k, other in enumerate(models))
        return spike(n.reversal_coefficient, p.reversal_coefficient, ramp)

    deviations = sum(
        card_draws(card, lambda model, k=k: emulate(k, model), rng) for k, card in enumerate(cards)
    )
    return inside(Band(emulate(0, models[0]), deviations, (), {}), float(true[0]))


ROWS, LARGEST_CODE = 64, 3
CLOSED_TIME = 4.3e-9
"""For which all rows stay closed in the read that gives the leakage (s)."""
FACTS = ColumnFacts(
    supply_voltage=1.8, word_line_voltage=1.2, rows=ROWS, resistance=100.0, coupling=40e-15,
    unit_width=60e-12, idle_time=300e-12,
)  # fmt: skip


def cell_current(own: Array, other: Array) -> Array:
    """Current (A) of a written-down cell into the side that stores 0."""
    return 20e-6 * np.tanh(3 * own) * (1 + 0.1 * own) * (1 - 0.2 * np.exp(-8 * other))


@cache
def column() -> dict[str, pd.DataFrame]:
    """Tables of a column but for its reads: cells that differ, and which rows each training read opens."""
    rng = np.random.default_rng(0)
    volts = np.round(np.linspace(0, 1.9, 39), 6)
    held = np.unique(np.append(np.round(np.linspace(0, 1.9, 20), 6), FACTS.supply_voltage))
    own, other = (mesh.ravel() for mesh in np.meshgrid(volts, held, indexing="ij"))
    currents = pd.DataFrame(
        {
            "line_voltage": own,
            "held_voltage": other,
            "bit_line_current": cell_current(own, other),
            "bit_line_bar_current": -30e-6 * np.exp(-10 * other) * (0.5 + 0.5 * own / 1.9),
            "state_margin": 1.0,
        }
    )
    count = 96
    index = pd.MultiIndex.from_product(
        [range(count), (0, 1), (1.8, 1.6, 1.4, 1.2)], names=["cell", "stored", "line_voltage"]
    )
    cells = index.to_frame(index=False)
    factor = np.exp(0.04 * rng.standard_normal((count, 2)))[cells["cell"], cells["stored"]]
    cells["current"] = np.interp(cells["line_voltage"], volts, cell_current(volts, np.array(1.8))) * factor
    trips = pd.DataFrame(
        {
            "cell": np.repeat(np.arange(-1, count), 2),
            "stored": np.tile([0, 1], count + 1),
            "trip_voltage": 0.4 + 0.03 * rng.standard_normal(2 * count + 2),
        }
    )
    names = [f"{name}_{side}" for side in ("left", "right") for name in ("pull_up", "pull_down", "pass")]
    shifts = pd.DataFrame(0.03 * rng.standard_normal((count, 6)), columns=names)
    patterns = [(4, np.zeros(4, int), np.zeros(4, int), -1)]
    patterns += [(4, np.full(4, code), np.zeros(4, int), -1) for code in range(1, LARGEST_CODE + 1)]
    for many in (8, 16, 32):
        turns = np.arange(many) % 4
        for code in range(1, LARGEST_CODE + 1):
            patterns += [
                (many, np.full(many, code), 0 * turns, -1),
                (many, np.full(many, code), turns % 2, -1),
                (many, np.where(turns, code, max(code // 2, 1)), turns // 3, -1),
            ]
    patterns += [
        (16, np.full(16, min(1 + first // 16, LARGEST_CODE)), np.arange(16) % 2, np.arange(first, first + 16))
        for first in range(0, count - 15, 16)
    ]
    opened = pd.concat(
        pd.DataFrame(
            {
                "run": run,
                "row": ((np.arange(many) + 0.5) * ROWS / many).astype(int),
                "code": codes,
                "bit": bits,
                "cell": cell,
            }
        )
        for run, (many, codes, bits, cell) in enumerate(patterns)
    )
    tables = {"currents": currents, "cells": cells, "trips": trips, "shifts": shifts}
    return {**tables, "opened": opened.reset_index(drop=True)}


def fitted_column(rng: Generator) -> tuple[BitLines, BitLineFit]:
    """A column of drawn parameters, and what ``fit_bit_lines`` makes of its noisy training reads."""
    tables = column()
    truth = BitLines(
        supply_voltage=FACTS.supply_voltage,
        word_line_voltage=FACTS.word_line_voltage,
        start_voltage=1.82,
        currents=cell_tables(tables["currents"]),
        capacitance=rng.uniform(200e-15, 300e-15),
        capacitance_slope=rng.uniform(-15e-15, 0),
        capacitance_curvature=rng.uniform(0, 5e-15),
        coupling=FACTS.coupling,
        lift_zero=rng.uniform(0.05e-15, 0.2e-15),
        lift_one=rng.uniform(0.02e-15, 0.1e-15),
        resistance=FACTS.resistance,
        leakage=rng.uniform(0, 3e-7),
        unit_width=FACTS.unit_width,
        width_correction=rng.uniform(-25e-12, -15e-12, LARGEST_CODE),
        correction_slope=rng.uniform(-3e-12, 3e-12),
        correction_sensitivity=rng.uniform(-5e-12, 0),
        idle_time=FACTS.idle_time,
        trip_voltage=0.4,
        variation=CellVariation.none(0.4),
    )
    lost = trained(truth)
    lost = lost + rng.uniform(1e-4, 5e-4) * rng.standard_normal(lost.shape)
    reads = pd.DataFrame(
        {
            "bit_line_discharge": lost[:, 0],
            "bit_line_bar_discharge": lost[:, 1],
            "idle_time": np.where(np.arange(len(lost)) == 0, CLOSED_TIME, FACTS.idle_time),
            "start_voltage": truth.start_voltage,
        }
    )
    return truth, fit_bit_lines({**tables, "reads": reads}, FACTS)


def trained(lines: BitLines) -> Array:
    """Discharges (V) of both lines in the training reads, shape (reads, 2)."""
    tables = column()
    opened, cells = tables["opened"], tables["cells"]
    nominal = np.interp(cells["line_voltage"], lines.currents.voltage, lines.currents.alone)
    logs = np.log(cells["current"] / nominal).groupby([cells["cell"], cells["stored"]]).mean().unstack()
    factors = np.vstack([logs.to_numpy(), np.zeros(2)])  # the last one is nominal: -1
    result = []
    for run, rows in opened.groupby("run"):
        held = Cells(factors[rows["cell"]], np.full((len(rows), 2), -1.0))
        model = replace(lines, idle_time=FACTS.idle_time if run else CLOSED_TIME)
        places = (rows["row"].to_numpy() + 0.5) / ROWS
        read = MultiRowRead(model)(rows["code"].to_numpy(), rows["bit"].to_numpy(), positions=places, cells=held)
        result.append(read.discharge)
    return np.array(result)


def word(rng: Generator) -> Callable[[BitLines], Array]:
    """The discharge (V) of a bit line by a random word."""
    rows = int(rng.integers(2, 16))
    codes, bits = rng.integers(1, LARGEST_CODE + 1, rows), rng.integers(0, 2, rows)
    bits[0] = 0
    places = (np.sort(rng.choice(ROWS, rows, replace=False)) + 0.5) / ROWS
    return lambda lines: MultiRowRead(lines)(codes, bits, positions=places).discharge[:1]


def discharged(rng: Generator) -> bool:
    """A column fitted to noisy reads."""
    truth, fit = fitted_column(rng)
    read = word(rng)
    band = discharge_band(fit, sram_cards.sram_card(fit), read, seed=int(rng.integers(2**31)))
    return inside(band, float(read(truth)[0]))


def discharged_of_measured(rng: Generator) -> bool:
    """The same with the cell's current measured: 15 % more than the card's, read three times."""
    truth, fit = fitted_column(rng)
    voltage = np.repeat(np.linspace(0.2, 1.9, 12), 3)
    real = replace(truth.currents, zero=1.15 * truth.currents.zero)
    current = real.zero_alone(voltage) * (1 + rng.uniform(0.005, 0.02) * rng.standard_normal(voltage.size))
    table = pd.DataFrame({"line_voltage": voltage, "current": current})
    card = sram_cards.with_measured_current(sram_cards.sram_card(fit), table)
    read = word(rng)
    band = discharge_band(sram_cards.sram_fit(card), card, read, seed=int(rng.integers(2**31)))
    return inside(band, float(read(replace(truth, currents=real))[0]))


def current(rng: Generator) -> bool | None:
    """The read law of a memory, with and without a series resistance."""
    volts, conductance = np.linspace(-1, 1, 41), rng.uniform(2e-6, 80e-6)
    series = float(rng.choice([0.0, rng.uniform(0, 0.2)])) / conductance
    law = SinhRead(
        conductance=conductance, curvature=rng.uniform(1, 4), series_resistance=series
    )
    clean = law.current(volts)
    noise = rng.uniform(0.002, 0.01) * np.abs(clean).max()
    fit = SinhRead.fit(
        pd.DataFrame({"voltage": volts, "current": clean + noise * rng.standard_normal(volts.size)})
    )
    card, at = ModelCard.from_fit(fit), rng.uniform(0.05, 1.0, 1)
    if why_not_counted(card):
        return False  # no interval
    deviations = card_draws(card, lambda model: model.current(at), rng)
    return inside(Band(fit.model.current(at), deviations, (), {}), float(law.current(at)[0]))


OUTPUTS: dict[str, Callable[[Generator], bool | None]] = {
    "spike_time": spike_time,
    "spike_time_of_laws": spike_time_of_laws,
    "discharge": discharged,
    "discharge_of_measured_cell": discharged_of_measured,
    "current": current,
}


def coverage(name: str, tables: int, seed: int) -> dict[str, float]:
    """Share of tables whose interval holds the truth; those without an output are drawn again."""
    rng = np.random.default_rng([seed, list(OUTPUTS).index(name)])
    began, held = time.process_time(), list[bool]()
    while len(held) < tables:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = OUTPUTS[name](rng)
        if found is not None:
            held.append(found)
    return {
        "coverage": float(np.mean(held)),
        "tables": tables,
        "seed": seed,
        "cpu_seconds": time.process_time() - began,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tables", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=list(OUTPUTS), default=list(OUTPUTS))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = {name: coverage(name, given.tables, given.seed) for name in given.only}
    if given.json:
        print(json.dumps(found))
        return
    for name, one in found.items():
        print(f"{name:28} {100 * one['coverage']:.2f} % of {one['tables']}, {one['cpu_seconds']:.0f} s CPU")


if __name__ == "__main__":
    main()
