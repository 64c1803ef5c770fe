"""Coverage and tightness of certificates where the truth is known: 95 % bounds from a few runs, many times.

    python benchmarks/certificate.py [--repetitions 200] [--seed 0] [--json]

A network 784-256-10 on scikit-learn's digits, enlarged, on 408 crossbar tiles of 32 × 32. The emulator solves
the tiles with their wires; in the place of the circuit stands another emulator that errs in a known way,
evaluated for all inputs, so that what a certificate says of a draw can be held against the truth:

- ``wires``: every resistance 10 % larger, an error that all tiles share;
- ``cells``: conductances of ± 1 %, an error that is random from cell to cell, four chips in turn;
- ``both``: the two, and noise that is drawn for every read;
- ``cubic``: cells whose current has a cubic term, of which the emulator knows nothing and which is unlike
  what its control, ideal wires, leaves out. What no switch of the emulator resembles is bounded less well:
  it is printed, and not part of the figures asked for.

Decisions hardly differ there. They are compared where some do: with the emulator without wires in the
circuit's place (``simpler``), and with cells of ± 15 % (``coarse``); 400 of 897 inputs run.

Coverage is the share of draws whose bound is at least the truth; tightness the mean of bound over truth. The
figures without a case are the worst of the first three, and of the two.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from cimspice.crossbar import ConductanceRange, Crossbar
from cimspice.crossbar.mapping.conductances import difference, map_weights
from cimspice.crossbar.mapping.tiles import Tiling
from cimspice.network.certificate import Stratum, accuracy_interval, flip_bound, paired_draw
from cimspice.network.output_error import draw_samples, draw_tiles, tiles_bound, whole_inputs_bound

Array = np.ndarray
CONFIDENCE = 0.95
INPUTS, WHOLE_RUNS, READS, FLIP_RUNS = 400, 50, 1000, 400
ASKED = ("wires", "cells", "both")
CHIPS = 4
DECIDED = ("simpler", "coarse")
CELLS = ConductanceRange(levels=64)
READ_VOLTAGE, SEGMENT, TERMINAL = 0.2, 5.0, 100.0
NOISE = 0.3
"""Of every read, relative to the rms error of the tiles."""
CUBIC = 0.9
"""Of i = g (v + k v³), 1/V²: that of sinh cells of 2.32 /V."""


@dataclass(frozen=True, eq=False)
class Layer:
    """Arrays of a layer's tiles, and what they add to its sums."""

    tiling: Tiling
    arrays: list[Crossbar]
    scale: float
    unit: float
    cubic: float = 0.0

    @cached_property
    def outputs(self) -> list[slice]:
        """Of each tile."""
        return [slice(columns.start // 2, columns.stop // 2) for _, columns in self.tiling.places]

    @cached_property
    def inputs(self) -> list[slice]:
        """Of each tile."""
        return [rows for rows, _ in self.tiling.places]

    def parts(self, x: Array) -> list[Array]:
        """Weighted sums of each tile (inputs, outputs of the tile)."""
        volts = READ_VOLTAGE * np.minimum(x / self.scale, 1.0)
        volts = volts + self.cubic * volts**3
        factor = self.unit * self.scale / READ_VOLTAGE
        pairs = zip(self.arrays, self.tiling.inputs(volts), strict=True)
        return [factor * difference(array.currents(v)) for array, v in pairs]

    def summed(self, parts: list[Array]) -> Array:
        total = np.zeros((len(parts[0]), self.tiling.columns // 2))
        for place, part in zip(self.outputs, parts, strict=True):
            total[:, place] += part
        return total


@dataclass(frozen=True, eq=False)
class Emulator:
    """Two layers, rectified in between."""

    layers: tuple[Layer, Layer]
    biases: tuple[Array, Array]

    def __call__(self, x: Array) -> Array:
        return self.run(x)[1]

    def run(self, x: Array) -> tuple[Array, Array]:
        """What the second layer receives, and the outputs."""
        first, second = self.layers
        hidden = np.maximum(first.summed(first.parts(x)) + self.biases[0], 0.0)
        return hidden, second.summed(second.parts(hidden)) + self.biases[1]

    def parts(self, x: Array, hidden: Array) -> list[Array]:
        """Sums of every tile for given inputs of both layers."""
        return [*self.layers[0].parts(x), *self.layers[1].parts(hidden)]


@dataclass(frozen=True, eq=False)
class DigitTiles:
    """`cimspice.network.output_error.Tiles` of the emulator, for all inputs or those `at` some places."""

    emulator: Emulator
    x: Array
    hidden: Array
    sums: list[Array]
    controls: list[Array]

    @cached_property
    def _to_output(self) -> Array:
        """Outputs per hidden value (hidden, outputs), of the emulator's own second layer."""
        layer = self.emulator.layers[1]
        return layer.summed(layer.parts(layer.scale * np.eye(layer.tiling.rows))) / layer.scale

    def at(self, samples: Array) -> DigitTiles:
        sums, controls = ([part[samples] for part in parts] for parts in (self.sums, self.controls))
        return DigitTiles(self.emulator, self.x[samples], self.hidden[samples], sums, controls)

    def signal(self) -> Array:
        everything = np.arange(len(self.x))
        return np.array(
            [
                np.sqrt(np.sum(self.at_output(tile, everything, sums) ** 2, axis=1))
                for tile, sums in enumerate(self.sums)
            ]
        )

    def inputs(self, tile: int) -> Array:
        first, second = self.emulator.layers
        count = len(first.arrays)
        if tile < count:
            return self.x[:, first.inputs[tile]]
        return self.hidden[:, second.inputs[tile - count]]

    def control(self, tile: int) -> Array:
        return self.controls[tile]

    def at_output(self, tile: int, places: Array, errors: Array) -> Array:
        first, second = self.emulator.layers
        if tile >= len(first.arrays):
            found = np.zeros((len(places), second.tiling.columns // 2))
            found[:, second.outputs[tile - len(first.arrays)]] = errors
            return found
        place = first.outputs[tile]
        hidden = self.hidden[places, place]
        return (errors * ((hidden > 0) & (hidden < second.scale))) @ self._to_output[place]


@dataclass(frozen=True, eq=False)
class Case:
    """An emulator in the circuit's place: its outputs, and its tiles' errors for the emulator's inputs."""

    outputs: Array
    errors: list[Array]
    noise: float = 0.0


def digits() -> tuple[Array, Array, Array, Array]:
    """Digits of 28 × 28 in [0, 1]: to train on with labels, and others with theirs."""
    from scipy.ndimage import zoom
    from sklearn.datasets import load_digits

    pixels, labels = map(np.asarray, load_digits(return_X_y=True))
    images = np.array([zoom(one.reshape(8, 8) / 16.0, 3.5, order=1) for one in pixels])
    images = np.clip(images, 0.0, 1.0).reshape(len(pixels), -1)
    order = np.random.default_rng(0).permutation(len(images))
    train, rest = order[:900], order[900:]
    return images[train], labels[train], images[rest], labels[rest]


def emulators(seed: int) -> tuple[dict[str, list[Emulator]], Array, Array]:
    """The emulator, a simpler one and those in the circuit's place, of errors that are random several chips;
    inputs and labels."""
    from sklearn.neural_network import MLPClassifier

    x_train, y_train, x, labels = digits()
    trained = MLPClassifier((256,), max_iter=25, random_state=0).fit(x_train, y_train)
    weights = [w.T for w in trained.coefs_]
    biases = (trained.intercepts_[0], trained.intercepts_[1])
    hidden = np.maximum(x_train @ weights[0].T + biases[0], 0.0)
    scales = (float(x_train.max()), float(hidden.max()))

    def made(wires: float, spread: float = 0.0, cubic: float = 0.0, chip: int = 0) -> Emulator:
        rng, layers = np.random.default_rng([seed, chip]), []
        for matrix, scale in zip(weights, scales, strict=True):
            mapped = map_weights(matrix, CELLS)
            cells = mapped.conductances * (1 + spread * rng.standard_normal(mapped.conductances.shape))
            tiling = Tiling(cells.shape[0], cells.shape[1], 32, 32)
            arrays = [
                Crossbar(
                    tile,
                    word_line_resistance=wires * SEGMENT,
                    bit_line_resistance=wires * SEGMENT,
                    source_resistance=wires * TERMINAL,
                    sense_resistance=wires * TERMINAL,
                )
                for tile in tiling.cut(cells)
            ]
            layers.append(Layer(tiling, arrays, scale, float(mapped.unit), cubic))
        return Emulator((layers[0], layers[1]), biases)

    return (
        {
            "emulator": [made(1.0)],
            "simpler": [made(0.0)],
            "wires": [made(1.1)],
            "cells": [made(1.0, 0.01, chip=chip) for chip in range(CHIPS)],
            "both": [made(1.1, 0.01)],
            "cubic": [made(1.0, cubic=CUBIC)],
            "coarse": [made(1.0, 0.15)],
        },
        x,
        labels,
    )


def figures(over: list[Array], truths: list[float]) -> dict[str, float]:
    """Of bounds over the truth, each (draws,), of some chips."""
    all_over = np.concatenate(over)
    return {
        "coverage": float(np.mean(all_over >= 1)),
        "tightness": float(all_over.mean()),
        "truth": float(np.mean(truths)),
    }


def truth_of(case: Case, outputs: Array) -> float:
    """Rms error over all inputs, relative to the emulator's outputs."""
    return float(np.linalg.norm(case.outputs - outputs) / np.linalg.norm(outputs))


def whole_inputs(case: Case, outputs: Array, control: Array, seeds: range) -> Array:
    """The output error's bound from 50 whole inputs, over the truth (draws,)."""
    errors, size = np.sum((case.outputs - outputs) ** 2, axis=1), float(np.sum(outputs**2, axis=1).mean())
    bounds = []
    for seed in seeds:
        drawn = np.random.default_rng(seed).permutation(len(errors))[:WHOLE_RUNS]
        found = whole_inputs_bound(errors[drawn], drawn, control, size, confidence=CONFIDENCE, seed=seed)
        bounds.append(found.bound)
    return np.array(bounds) / truth_of(case, outputs)


def sampled_tiles(case: Case, outputs: Array, control: Array, tiles: DigitTiles, seeds: range) -> Array:
    """The same from 1,000 reads of single tiles."""
    size, signal = float(np.sum(outputs**2, axis=1).mean()), tiles.signal()
    widest = max(error.shape[1] for error in case.errors)
    bounds = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        samples = draw_samples(len(tiles.x), READS, rng)
        draw = draw_tiles(signal[:, samples], samples, READS, rng)
        errors = np.zeros((*draw.tiles.shape, widest))
        for at, tile in np.ndenumerate(draw.tiles):
            error = case.errors[tile][draw.samples[at[0]]]
            errors[at][: len(error)] = error + case.noise * rng.standard_normal(len(error))
        found = tiles_bound(draw, errors, tiles.at(samples), control, size, confidence=CONFIDENCE, seed=seed)
        bounds.append(found.bound)
    return np.array(bounds) / truth_of(case, outputs)


def decisions(circuit: Array, emulator: Array, labels: Array, seeds: range) -> tuple[dict[str, float], ...]:
    """Bound on flips, and the accuracy's interval with its width over that of the circuit's runs alone."""
    ours, theirs = emulator.argmax(axis=1), circuit.argmax(axis=1)
    flipped, right, truth = ours != theirs, ours == labels, float(np.mean(theirs == labels))
    bounds, held, widths, population = [], [], [], len(labels)
    for seed in seeds:
        rng = np.random.default_rng(seed)
        drawn = rng.permutation(population)[:FLIP_RUNS]
        bounds.append(flip_bound(int(flipped[drawn].sum()), FLIP_RUNS, population, CONFIDENCE).bound)
        paired = paired_draw(right, FLIP_RUNS, rng)
        changed = right != (theirs == labels)
        kept, other = (
            Stratum(int(kind.sum()), int(kind[paired].sum()), int((kind & changed)[paired].sum()))
            for kind in (right, ~right)
        )
        found = accuracy_interval(kept, other, CONFIDENCE)
        hits = int((theirs == labels)[drawn].sum())  # the same interval, with nothing known of the emulator
        alone = accuracy_interval(
            Stratum(0, 0, 0), Stratum(population, FLIP_RUNS, hits), confidence=CONFIDENCE
        )
        held.append(found.low <= truth <= found.high)
        widths.append((found.high - found.low) / (alone.high - alone.low))
    share = float(flipped.mean())
    flips = {"coverage": float(np.mean(np.array(bounds) >= share)), "bound": float(np.mean(bounds)),
             "truth": share}  # fmt: skip
    accuracy = {"coverage": float(np.mean(held)), "relative_width": float(np.mean(widths)), "truth": truth}
    return flips, accuracy


def measured(repetitions: int, seed: int) -> dict[str, Any]:
    """All figures."""
    made, everything, labels = emulators(seed)
    (emulator,), (simpler,), x = made["emulator"], made["simpler"], everything[:INPUTS]
    hidden, outputs = emulator.run(x)
    control = np.sum((outputs - simpler(x)) ** 2, axis=1)
    controls = np.column_stack([control, np.sum(x**2, axis=1), np.sum(outputs**2, axis=1)])
    sums, simple = emulator.parts(x, hidden), simpler.parts(x, hidden)
    tiles = DigitTiles(emulator, x, hidden, sums, [a - b for a, b in zip(sums, simple, strict=True)])
    cases: dict[str, dict[str, Any]] = {}
    for name in (*ASKED, "cubic"):
        whole, sampled, truths = [], [], []
        for chip, circuit in enumerate(made[name]):
            own = circuit.parts(x, hidden)
            errors = [a - b for a, b in zip(own, sums, strict=True)]
            size = float(np.sqrt(np.mean(np.concatenate(errors, axis=1) ** 2)))
            case = Case(circuit(x), errors, NOISE * size if name == "both" else 0.0)
            seeds = range(seed + chip, seed + repetitions, len(made[name]))
            whole.append(whole_inputs(case, outputs, controls, seeds))
            sampled.append(sampled_tiles(case, outputs, control, tiles, seeds))
            truths.append(truth_of(case, outputs))
        cases[name] = {"inputs": figures(whole, truths), "tiles": figures(sampled, truths)}
    ours = emulator(everything)
    for name in DECIDED:
        seeds = range(seed, seed + repetitions)
        flips, accuracy = decisions(made[name][0](everything), ours, labels, seeds)
        cases[name] = {"flips": flips, "accuracy": accuracy}

    def worst(of: str, figure: str) -> float:
        values = [case[of][figure] for name, case in cases.items() if of in case and name != "cubic"]
        return min(values) if figure == "coverage" else max(values)

    return {
        "flips": {"coverage": worst("flips", "coverage")},
        "accuracy": {figure: worst("accuracy", figure) for figure in ("coverage", "relative_width")},
        "rms": {
            of: {figure: worst(of, figure) for figure in ("coverage", "tightness")}
            for of in ("inputs", "tiles")
        },
        "nominal": CONFIDENCE,
        "repetitions": repetitions,
        "cases": cases,
    }


def main() -> None:
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    began = time.process_time()
    with threadpool_limits(1, "blas"):
        found = measured(given.repetitions, given.seed)
    found["cpu_seconds"] = time.process_time() - began
    if given.json:
        print(json.dumps(found, indent=2))
        return
    print(f"nominal {found['nominal']:.0%}, {given.repetitions} draws, {found['cpu_seconds']:.0f} CPU s")
    for name, case in found["cases"].items():
        print(name)
        for of, figures in case.items():
            print(f"  {of:9s}" + "  ".join(f"{key} {value:.4g}" for key, value in figures.items()))


if __name__ == "__main__":
    main()
