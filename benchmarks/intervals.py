"""Coverage of 95 % intervals: synthetic tables of known truth and noise, fitted, and one output of each.

    python benchmarks/intervals.py [--tables 2000] [--seed 0] [--only discharge ...] [--jobs 1] [--json]

Each table comes from a family's own equations with parameters drawn anew and normal noise; the library's own
fit makes a model of it, whose interval of one output either holds the output of the true parameters or not.

- ``spike_time``: currents of n- and p-synapses, every point read three times with 0.5 to 2 % noise, put into
  a neuron's card as measured curves; one neuron's output spike.
- ``spike_time_of_laws``: reversal potentials of both synapses and a ramp fitted to noisy curves; the spike of
  the reversal-potential neuron.
- ``discharge``: training reads of a 6T column with 10 to 500 µV noise (drawn on a logarithmic scale),
  ``fit_bit_lines``; ΔV_BL of a word.
- ``current``: read curves of a memory with 0.2 to 1 % noise, sinh law behind a resistance; one read current.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache
from itertools import repeat
from typing import Any

import numpy as np
import pandas as pd

from cimspice.fit.bands import Band, card_draws, why_not_counted
from cimspice.fit.card import ModelCard
from cimspice.fit.curves import RESET_VOLTAGE, VOLTAGE_SCALE, CurveSelection
from cimspice.fit.family_card import Card
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
from cimspice.sram.model.bit_line import BitLines
from cimspice.sram.model.build import BitLineFit, ColumnFacts, cell_tables, fit_bit_lines
from cimspice.sram.model.card import sram_card
from cimspice.sram.model.variation import CellVariation

Array = np.ndarray
Generator = np.random.Generator

PHASE, CAPACITANCE, SWITCH = 1e-6, 140e-15, 0.45
UNIT = CAPACITANCE * (RESET_VOLTAGE - SWITCH) / PHASE
"""Current (A) that takes a membrane from reset to the switch voltage in a phase."""


PROGRAM, VOLTAGE = np.linspace(0.2, 0.7, 6), np.round(np.linspace(0.2, 1.8, 17), 3)
"""Gate biases and membrane voltages (V) of measured curves."""
SIGNS: dict[Polarity, int] = {"n": 1, "p": -1}
FEWEST_DRAWS = 39
"""The smallest and the largest of so many enclose another one in exactly 95 %."""


def inside(band: Band, truth: float) -> bool:
    """Whether the interval of one output holds the truth."""
    low, high = band.interval
    return bool(low <= truth <= high)


def neuron(potentials: dict[Polarity, float], cubic: float) -> NeuronModel:
    """One neuron whose synapses have these reversal potentials and a cubic term, its other parts ideal."""
    grid, pair = np.array([-40.0, 0.0, 40.0, 80.0]), np.array([-9.0, 9.0])

    def flat(value: float) -> SeparableTable:
        return SeparableTable(pair, grid, np.full((2, 4), value), np.ones(2))

    still = EdgeModel(
        flat(0.0), np.array([1e-9, 1e-7]), (flat(0.0), flat(0.0)), grid, np.zeros(4), np.zeros((2, 4))
    )
    start = np.linspace(SWITCH, 1.6, 60)
    time_of = PHASE / (RESET_VOLTAGE - SWITCH)
    fall = np.linspace(1.75, 0.3, 60)
    readout = ReadoutModel(start, time_of * (start - SWITCH), time_of * (1.75 - fall), fall, 0.5, SWITCH)
    synapses: dict[Polarity, SynapseModel] = {}
    for name, e in potentials.items():
        size = UNIT * np.exp(8 * SIGNS[name] * (PROGRAM - 0.5))
        v = (RESET_VOLTAGE - VOLTAGE) / (RESET_VOLTAGE - SWITCH)
        table = SeparableTable(PROGRAM, VOLTAGE, size[:, None] * (1 - v / e + cubic * v**3), size)
        synapses[name] = SynapseModel(name, RESET_VOLTAGE, table, flat(0.0), grid, np.zeros(4))
    return NeuronModel(
        PHASE, RESET_VOLTAGE, SWITCH, synapses, {1: {"n": still, "p": still}}, {1: 0.0},
        grid, np.full(4, CAPACITANCE), np.zeros(4), {4: 0.0}, {(4, 0): readout},
    )  # fmt: skip


@cache
def simulated_card() -> Card:
    """A card in which measured curves take the place of all currents."""
    return neuron_card(neuron({name: 2.5 * sign for name, sign in SIGNS.items()}, 0.0), 4)


def spike_time(rng: Generator) -> bool | None:
    """Measured synapse curves in a neuron's card."""
    potentials: dict[Polarity, float] = {name: sign * rng.uniform(1.5, 4) for name, sign in SIGNS.items()}
    truth, polarity = neuron(potentials, rng.uniform(-0.03, 0.03)), np.array([[1, 1, -1, 1]])
    wanted, times = rng.uniform(0.25, 0.5, (1, 4)) * UNIT, PHASE * rng.uniform(0.0, 0.7, (1, 4))
    programs = {sign: truth.synapses[name].program_for(wanted) for name, sign in SIGNS.items()}
    gate = np.where(polarity > 0, programs[1], programs[-1])

    def spike(model: NeuronModel) -> Array:
        return NeuronLayer(model, polarity, gate)(times)[1][0]

    true = float(spike(truth)[0])
    if not 0.02 * PHASE < true < 0.98 * PHASE:  # it does not fire inside the phase: nothing is left open
        return None
    card, noise, points = simulated_card(), rng.uniform(0.005, 0.02), (len(PROGRAM), len(VOLTAGE), 3)
    for name, synapse in truth.synapses.items():
        readings = synapse.current.values[..., None] * (1 + noise * rng.standard_normal(points))
        columns = (PROGRAM[:, None, None], VOLTAGE[:, None], readings)
        names = ("gate_bias", "membrane_voltage", "current")
        table = pd.DataFrame(
            {
                column: np.broadcast_to(each, points).ravel()
                for column, each in zip(names, columns, strict=True)
            }
        )
        card = with_measured_current(card, name, table)
    return inside(
        spike_band(neuron_of(card), card, spike, seed=int(rng.integers(2**31)), count=FEWEST_DRAWS), true
    )


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
    models: list[Any] = [card.model() for card in cards]

    def emulate(number: int, model: Any) -> Array:
        n, p, ramp = (model if k == number else other for k, other in enumerate(models))
        return spike(n.reversal_coefficient, p.reversal_coefficient, ramp)

    deviations = np.sum(
        [card_draws(card, lambda model, k=k: emulate(k, model), rng) for k, card in enumerate(cards)], axis=0
    )
    return inside(Band(emulate(0, models[0]), deviations, (), {}), float(true[0]))


ROWS, LARGEST_CODE = 64, 6
READ_NOISE = 1e-5, 5e-4
"""Of a training read (V): the packaged fit of a simulated column leaves 16 µV."""
CLOSED_TIME = 4.3e-9
"""For which all rows stay closed in the read that gives the leakage (s)."""
FACTS = ColumnFacts(
    supply_voltage=1.8, word_line_voltage=1.2, rows=ROWS, resistance=100.0, coupling=40e-15,
    unit_width=150e-12, idle_time=300e-12,
)  # fmt: skip


def cell_current(own: Array, other: Array) -> Array:
    """Current (A) of a written-down cell into the side that stores 0."""
    return 20e-6 * np.tanh(3 * own) * (1 + 0.1 * own) * (1 - 0.2 * np.exp(-8 * other))


@cache
def column() -> dict[str, pd.DataFrame]:
    """Tables of a column but for its reads: cells that differ, and which rows each training read opens."""
    rng = np.random.default_rng(0)
    volts = np.round(np.linspace(0, 1.9, 96), 6)
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
    for many, reached in ((8, (3, 5, 6)), (16, (1, 3, 4, 5)), (32, (1, 2))):
        turns = np.arange(many) % 4
        for code in reached:
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
        capacitance=rng.uniform(180e-15, 240e-15),
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
    lost = lost + np.exp(rng.uniform(*np.log(READ_NOISE))) * rng.standard_normal(lost.shape)
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
    """Discharges (V) of both lines in the training reads, shape (reads, 2); the first is of closed rows."""
    tables = column()
    opened, cells = tables["opened"], tables["cells"]
    nominal = np.interp(cells["line_voltage"], lines.currents.voltage, lines.currents.alone)
    logs = cells.assign(log=np.log(cells["current"] / nominal))
    logs = logs.pivot_table(index="cell", columns="stored", values="log").to_numpy()
    known = np.vstack([logs, np.zeros(2)])  # the last one is nominal: -1
    place = opened.groupby("run").cumcount().to_numpy()
    codes, bits = np.zeros((2, opened["run"].max() + 1, place.max() + 1), int)
    positions, factors = np.ones(codes.shape), np.zeros((*codes.shape, 2))
    at = opened["run"].to_numpy(), place
    codes[at], bits[at] = opened["code"], opened["bit"]
    positions[at], factors[at] = (opened["row"] + 0.5) / ROWS, known[opened["cell"]]
    chip = Cells(factors, np.full(factors.shape, -1.0))
    lost = MultiRowRead(lines)(codes, bits, positions=positions, cells=chip).discharge
    closed = replace(lines, idle_time=CLOSED_TIME)
    lost[0] = MultiRowRead(closed)(codes[0], bits[0]).discharge
    return lost


def word(rng: Generator) -> Callable[[BitLines], Array]:
    """The discharge (V) of a bit line by a random word."""
    rows = int(rng.integers(2, 9))
    codes, bits = rng.integers(1, LARGEST_CODE + 1, rows), rng.integers(0, 2, rows)
    bits[0] = 0
    places = (np.sort(rng.choice(ROWS, rows, replace=False)) + 0.5) / ROWS
    return lambda lines: MultiRowRead(lines)(codes, bits, positions=places).discharge[:1]


def discharged(rng: Generator) -> bool:
    """A column fitted to noisy reads."""
    truth, fit = fitted_column(rng)
    read = word(rng)
    band = discharge_band(fit, sram_card(fit), read, seed=int(rng.integers(2**31)))
    return inside(band, float(read(truth)[0]))


def current(rng: Generator) -> bool | None:
    """The read law of a memory, with and without a series resistance."""
    volts, conductance = np.linspace(-1, 1, 41), rng.uniform(2e-6, 80e-6)
    series = float(rng.choice([0.0, rng.uniform(0, 0.2)])) / conductance
    law = SinhRead(conductance=conductance, curvature=rng.uniform(1, 4), series_resistance=series)
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
    "current": current,
}


def held(name: str, seed: int, number: int) -> tuple[bool, float]:
    """Whether the interval of one table's output holds the truth, and CPU time (s)."""
    rng, began = np.random.default_rng([seed, list(OUTPUTS).index(name), number]), time.process_time()
    found = None
    while found is None:  # one without an output is drawn again
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = OUTPUTS[name](rng)
    return found, time.process_time() - began


def coverage(name: str, tables: int, seed: int, jobs: int = 1) -> dict[str, float]:
    """Share of tables whose interval holds the truth."""
    if jobs == 1:
        found = [held(name, seed, number) for number in range(tables)]
    else:
        with ProcessPoolExecutor(jobs) as pool:
            found = list(pool.map(held, repeat(name), repeat(seed), range(tables), chunksize=20))
    covered, seconds = zip(*found, strict=True)
    return {
        "coverage": float(np.mean(covered)),
        "tables": tables,
        "seed": seed,
        "cpu_seconds": float(np.sum(seconds)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--tables", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=list(OUTPUTS), default=list(OUTPUTS))
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = {name: coverage(name, given.tables, given.seed, given.jobs) for name in given.only}
    if given.json:
        print(json.dumps(found))
        return
    for name, one in found.items():
        print(f"{name:28} {100 * one['coverage']:.2f} % of {one['tables']}, {one['cpu_seconds']:.0f} s CPU")


if __name__ == "__main__":
    main()
