"""Accuracy against energy of a read, column by column: read-out, number of scale factors, threshold, pulse,
size of the comparator.

Accuracies are of networks that are trained on chips drawn with the comparator's own offset and noise and with
the cells' spread; lines add up exactly. A converter's comparator has that offset and noise as well, its
capacitors no mismatch. Energies are those of :mod:`cimspice.hybrid.energy`, each digital part on the codes of
its own network (columns that differ in pulse and comparator alone share sums, each with its own shares of
codes), the array on reads of the first one. Binary's digital part is ternary's, which sees two
strobes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cimspice.hybrid.characterisation import ColumnConditions
from cimspice.hybrid.choices import FRONT, STEPS, Choice
from cimspice.hybrid.circuit.accumulator import SumTiming
from cimspice.hybrid.circuit.comparator_noise import REFERENCE
from cimspice.hybrid.column_blocks import (
    comparator_reads,
    converter_reads,
    digital_part,
    plain_reads,
    stored_size,
    unit_of,
)
from cimspice.hybrid.emulator.chips import Spread
from cimspice.hybrid.family import packaged_card
from cimspice.hybrid.model.card import ArrayLines, column_model
from cimspice.hybrid.model.readout import Converter
from cimspice.hybrid.training.front import Found, Reading, layers_read, only, train_readings
from cimspice.hybrid.training.train import READ_OUT, Schedule
from cimspice.hybrid.validation.reads import drawn_reads, trained
from cimspice.progress import OnProgress, in_stage, silent
from cimspice.sram.validation.periphery import packaged_table
from cimspice.training.means import mean_with_interval

READS, OFFSETS = 6, 100
"""Reads of the array that are simulated, and comparators of each size with mismatch."""
REST = Converter(4, STEPS[4])
"""Reads the layer that loses most where the others are read by comparators."""


@dataclass(frozen=True, eq=False)
class Point:
    """A column, or two of a network."""

    choice: Choice | None
    """None where layers differ."""
    blocks: dict[str, float]
    """Energy of a column read (J)."""
    time: float
    """From one read to the next (s)."""
    accuracy: dict[str, Any]
    nominal: dict[str, Any]
    """``accuracy``, ``nominal``: on chips and on a nominal chip, with intervals."""
    spread: Spread
    scale_factors: int
    zeros: float | None
    """Share of ternary and binary codes that are 0."""

    @property
    def energy(self) -> float:
        return sum(self.blocks.values())

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        one = self.choice
        own = {} if one is None else {"input_width": one.input_width, "pulse": one.pulse}
        return {
            "readout": None if one is None else str(one.readout),
            **own,
            "energy": self.energy,
            "blocks": self.blocks,
            "time": self.time,
            "accuracy": self.accuracy,
            "accuracy_nominal": self.nominal,
            "offset_sigma_cells": self.spread.offset,
            "noise_sigma_cells": self.spread.noise,
            "scale_factors": self.scale_factors,
            "zeros": self.zeros,
        }


@dataclass(frozen=True, eq=False)
class Front:
    """All columns of a network."""

    name: str
    ideal: dict[str, Any]
    """Accuracy with ideal sums."""
    points: dict[str, Point]
    sensitivity: dict[str, dict[str, Any]]
    """What a network loses where one layer alone is read by comparators, most first."""
    seeds: int

    @property
    def best(self) -> list[str]:
        """Columns that no other beats in energy and accuracy, cheapest first."""
        found: list[str] = []
        for key in sorted(self.points, key=lambda key: self.points[key].energy):
            right = self.points[key].accuracy["value"]
            if not found or right > self.points[found[-1]].accuracy["value"]:
                found.append(key)
        return found

    def facts(self) -> dict[str, Any]:
        """What ``cimspice train hybrid --front --json`` prints of it."""
        return {
            "accuracy_ideal": self.ideal,
            "columns": {key: one.facts() for key, one in self.points.items()},
            "front": self.best,
            "sensitivity": self.sensitivity,
            "seeds": self.seeds,
        }


def front(
    name: str = "digits-64",
    *,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    choices: Mapping[str, Choice] = FRONT,
    schedule: Schedule = READ_OUT,
    jobs: int = 1,
    progress: OnProgress = silent,
) -> Front:
    """Train a network through each read-out, simulate what the store lacks of their columns, and sum up.

    SimulationError if a circuit fails or a sum of the digital part is not the emulator's; ParameterError for
    an unknown network.

    Parameters
    ----------
    name, seeds, schedule
        Of the network, its splits and their trainings.
    choices
        Columns by name, the first one ternary: its layers' sensitivity is found.
    jobs, progress
        Worker processes; progress.
    """
    conditions = ColumnConditions(workers=jobs)
    rows = conditions.column.weights
    first_name, first = next(iter(choices.items()))
    network, built = trained(name, first.design(rows), seeds[0], schedule)
    cells, inputs = drawn_reads(network, built.x_test, READS, seeds[0])
    array, unit = plain_reads(conditions, cells, inputs, progress)
    spreads = {
        key: _spread(conditions, choice, unit_of(conditions, cells, inputs, choice, progress), progress)
        for key, choice in choices.items()
    }
    readings = {key: Reading(choice.design(rows), spreads[key]) for key, choice in choices.items()}
    layers = layers_read(name)
    alone = {f"{layer} alone": only(readings[first_name], layer) for layer in layers}
    given: dict[str, Any] = {"schedule": schedule, "jobs": jobs, "progress": progress}
    ideal, found = train_readings(name, {**readings, **alone}, seeds, **given)
    lost = {layer: ideal - found[f"{layer} alone"].chips for layer in layers}
    order = sorted(layers, key=lambda layer: -lost[layer].mean())
    points, drawn = {}, {}
    for key, choice in choices.items():
        one = found[key]
        sums = drawn.setdefault(choice.design(rows), one.drawn)
        if isinstance(choice.readout, Converter):
            parts = converter_reads(conditions, choice.readout.bits, array, sums, unit, progress)
            blocks, time = parts[0], parts[2]
        else:
            size = stored_size(readings[key].design)
            digital, _ = digital_part(conditions, sums, size, one.activity, progress)
            blocks = {**comparator_reads(conditions, cells, inputs, choice, progress), **digital}
            time = SumTiming().period
        points[key] = _point(choice, blocks, time, one, spreads[key])
    if len(layers) > 1:
        points |= _mixed(name, points, readings, order[0], seeds, given)
    sensitivity = {layer: mean_with_interval(lost[layer]) for layer in order}
    return Front(name, mean_with_interval(ideal), points, sensitivity, len(seeds))


def _mixed(
    name: str,
    points: Mapping[str, Point],
    readings: Mapping[str, Reading],
    sensitive: str,
    seeds: Sequence[int],
    given: Mapping[str, Any],
) -> dict[str, Point]:
    """The layer that loses most read by a converter, the others by comparators; energy is the mean of a
    network's reads. Nothing where no column has such a converter."""
    (first, reading), rest = next(iter(readings.items())), f"{REST.bits} bits"
    if rest not in points:
        return {}
    layers = tuple(name for name in layers_read(name) if name != sensitive)
    mixed = replace(reading, layers=layers, others=readings[rest].design)
    key = f"{first}, {sensitive} by {rest}"
    found = train_readings(name, {key: mixed}, seeds, **given)[1][key]
    every = sum(found.reads.values())
    share = found.reads[sensitive] / every
    parts = {points[first]: 1 - share, points[rest]: share}
    names = dict.fromkeys(block for one in parts for block in one.blocks)
    blocks = {block: sum(part * one.blocks.get(block, 0.0) for one, part in parts.items()) for block in names}
    time = sum(part * one.time for one, part in parts.items())
    return {key: _point(None, blocks, time, found, reading.spread)}


def _point(
    choice: Choice | None, blocks: dict[str, float], time: float, found: Found, spread: Spread
) -> Point:
    return Point(
        choice,
        blocks,
        time,
        mean_with_interval(found.chips),
        mean_with_interval(found.nominal),
        spread,
        found.scale_factors,
        found.activity["codes_of_0"] if choice is not None and choice.readout.scaled else None,
    )


def _spread(conditions: ColumnConditions, choice: Choice, unit: float, progress: OnProgress) -> Spread:
    """Of the comparators of this size, in units (V) of this pulse, and of the card's cells."""
    lines = column_model(packaged_card()).lines
    assert isinstance(lines, ArrayLines)
    wanted = [f"input_width={choice.input_width!r}"]
    offset, noise = (
        packaged_table(
            f"hybrid_comparator_{which}", [*wanted, *more], workers=conditions.workers,
            store=conditions.store, progress=in_stage(f"{which} of comparators", progress),
        )[which].to_numpy(float)
        for which, more in (("offset", [f"monte_carlo.samples={OFFSETS}"]), ("noise", []))
    )  # fmt: skip
    thermal = float(noise[0]) * np.sqrt((conditions.temperature + 273.15) / REFERENCE)
    return Spread(
        float(offset.std(ddof=1)) / unit,
        lines.fit.model.variation.current_deviation,
        float(np.hypot(thermal, lines.noise)) / unit,
    )
