"""Time, energy and error of a matrix-vector product on a crossbar with converters, from simulations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

from cimspice.campaign.bench_run import run_bench
from cimspice.crossbar.circuit.gated import GatedReadParameters
from cimspice.crossbar.circuit.lumped import lumped
from cimspice.crossbar.circuit.settling import SettlingParameters
from cimspice.crossbar.emulator.circuit import CrossbarCircuit
from cimspice.crossbar.model.card import ASSUMED, Tile
from cimspice.errors import ParameterError
from cimspice.fit.card import SET
from cimspice.fit.family_card import Card, Part
from cimspice.fit.fit import table_provenance
from cimspice.fit.records import ParameterRecord, RangeRecord
from cimspice.pdk import Conditions
from cimspice.progress import OnProgress, silent
from cimspice.rram.model.skywater import SkywaterReram
from cimspice.schedule.element_card import PART, UNITS, ElementCard, element_of, element_with

SIZES = (16, 32, 64, 128, 256)
"""Rows and columns of the arrays that are simulated."""
PLACES = (8, 4)
"""Of each: rows and columns of places, as of `lumped`."""
DRAWS = 2
_OUTPUT = 0.4
"""By how much (V) an amplifier's output falls when all rows are on and cells have the mean conductance."""
_CONVERSIONS = (-0.03, 0.01, 0.05)
"""Differential inputs (V) over which the energy of a conversion is averaged."""
_ADC_BITS = 6
_INPUTS = 64
ERROR = "of an emulated crossbar, 64 random inputs"


@dataclass(frozen=True)
class Read:
    """One simulated array: its figures per column, and seconds."""

    rows: int
    settle_time: float
    wake_time: float
    energy: float
    """Until settled (J)."""
    gated_energy: float
    """From switching on until settled, gates included (J)."""
    static_power: float
    idle_power: float
    off_power: float


def reads(
    arrays: Sequence[Mapping[str, Any]], conditions: Conditions, jobs: int | None, progress: OnProgress
) -> tuple[list[Read], dict[str, pd.DataFrame]]:
    """Of arrays (parameters of `SettlingParameters`) with amplifiers that stay on and that are switched, and
    the benches' tables."""
    tables = {}
    for name, kind, settings in (
        ("crossbar_settling", SettlingParameters, {"stop": 151e-9}),
        ("crossbar_gated_read", GatedReadParameters, {"hold": 150e-9, "stop": 155e-9}),
    ):
        given = [lumped(kind(**{**one, **settings}), *_places(one["states"])) for one in arrays]
        tables[name] = run_bench(name, given, conditions, workers=jobs, progress=progress)
    found = []
    for number, one in enumerate(arrays):
        on, gated = (table[table["run"] == number] for table in tables.values())
        rows, columns = len(one["states"]), len(one["states"][0])
        settled = float(on["settling_time"].max())
        energies = (on["energy"], gated["energy"] + gated["switch_energy"])
        powers = (on["static_power"], on["idle_power"], gated["idle_power"])
        found.append(
            Read(
                rows,
                settled,
                float(gated["settling_time"].max()) - settled,
                *(float(each.iloc[0]) / columns for each in (*energies, *powers)),
            )
        )
    return found, tables


def _places(states: Sequence[Sequence[float]]) -> tuple[int, ...]:
    """As `PLACES`, or the next fewer that divide the array."""
    sizes = zip((len(states), len(states[0])), PLACES, strict=True)
    return tuple(max(n for n in range(1, most + 1) if size % n == 0) for size, most in sizes)


def drawn_cells(tile: Tile, rows: int, columns: int, columns_per_weight: int, draw: int) -> np.ndarray:
    """Conductances (S, rows and columns) of normally distributed weights: pairs, or around mid-range where a
    weight has one column."""
    cells, pairs = tile.cells, columns_per_weight > 1
    weights = np.random.default_rng([rows, draw]).normal(size=(rows, -(-columns // 2) if pairs else columns))
    shares = weights / np.abs(weights).max()
    if not pairs:
        return cells.low + cells.span * (1 + shares) / 2
    both = np.stack([np.maximum(shares, 0.0), np.maximum(-shares, 0.0)], axis=2)
    return cells.low + cells.span * both.reshape(rows, -1)[:, :columns]


def array_of(tile: Tile, conductances: np.ndarray, driven: np.ndarray, mean: float) -> dict[str, Any]:
    """Cells (S, rows and columns) with the card's wires and drivers, rows driven with so much (0 to 1) of its
    read voltage; the feedback of the amplifiers is for a column of cells of ``mean`` conductance (S)."""
    device = SkywaterReram.published()
    ends = device.conductance(np.array([0.0, 1.0]))
    return {
        "states": device.state_of(np.clip(conductances, *ends)).tolist(),
        "voltages": (tile.read_voltage * driven).tolist(),
        "sensing": "amplifier",
        "feedback_resistance": float(_OUTPUT / (len(conductances) * tile.read_voltage * mean)),
        "array": {
            "bit_line_resistance": tile.wires.word_line_resistance,
            "source_line_resistance": tile.wires.bit_line_resistance,
            "source_resistance": tile.wires.source_resistance,
        },
    }


def drawn_array(tile: Tile, size: int, columns_per_weight: int, draw: int) -> dict[str, Any]:
    """A square array of `drawn_cells`, half of its rows on."""
    cells = drawn_cells(tile, size, size, columns_per_weight, draw)
    driven = np.random.default_rng([size, draw]).permutation(np.arange(size) % 2)
    return array_of(tile, cells, driven, float(cells.mean()))


def simulated_element(
    tile: Tile,
    conditions: Conditions,
    given: Mapping[str, float],
    *,
    jobs: int | None = None,
    progress: OnProgress = silent,
) -> Part:
    """The part of a crossbar's card from reads of arrays of `SIZES`, conversions, and the emulated tile.

    Parameters
    ----------
    tile
        What the card describes.
    conditions
        Corner and temperature.
    given
        Figures of `cimspice.schedule.element_card.UNITS` that are set.
    jobs, progress
        As of `run_bench`.
    """
    width = element_with(given).columns_per_weight
    arrays = [drawn_array(tile, size, width, draw) for size in SIZES for draw in range(DRAWS)]
    found, tables = reads(arrays, conditions, jobs, progress)
    tables["sram_converter"] = converted = run_bench(
        "sram_converter", sweep={"difference": list(_CONVERSIONS)}, conditions=conditions, workers=jobs,
        progress=progress,
    )  # fmt: skip
    element = element_with({"conversion_time": float(converted["duration"].max()), **given}, "simulated")
    conversion = float((converted["converter_energy"] + converted["control_energy"]).mean())
    records = dict(element.part(ASSUMED, dict.fromkeys(given, SET)).parameters)
    records["conversion_time"] = _record(element.conversion_time, "s", "its clock's: sampling and decisions")
    records["error"] = _record(error_of(tile, element), "1", ERROR)
    outside = not SIZES[0] <= element.rows <= SIZES[-1]
    reason = f"extrapolated from {SIZES[0]} to {SIZES[-1]} rows" if outside else ""
    for name, (value, interval) in fitted(found, element, conversion).items():
        records[name] = ParameterRecord(value=value, unit=UNITS[name], interval=interval, reason=reason)
    records |= {name: _record(value, UNITS[name], SET) for name, value in given.items()}
    sources = {name: table_provenance(table) for name, table in tables.items()}
    return Part(
        origin="simulated",
        source={
            name: {"bench": name, "rows": one["table_rows"], "digest": one["table_digest"]}
            for name, one in sources.items()
        },
        range={"rows": RangeRecord(low=SIZES[0], high=SIZES[-1], unit="1")},
        parameters=records,
        data={"conversion_energy": conversion, "reads": [asdict(one) for one in found]},
    )


def fitted(
    found: Sequence[Read], element: ElementCard, conversion: float
) -> dict[str, tuple[float, tuple[float, float]]]:
    """Figures of a crossbar of this size, with 95 % intervals, from reads of arrays; ``conversion`` is the
    energy of one (J)."""
    rows, columns = np.array([one.rows for one in found], dtype=float), element.columns
    of = {
        "settle_time": [one.settle_time for one in found],
        "wake_time": [one.wake_time for one in found],
        "energy_per_mvm": [columns * mvm_energy(one, element, conversion) for one in found],
        "idle_power": [columns * one.idle_power for one in found],
        "off_power": [columns * one.off_power for one in found],
    }
    return {name: predicted(rows, np.array(values), element.rows) for name, values in of.items()}


def resized(card: Card, rows: int, columns: int, columns_per_weight: int) -> tuple[ElementCard, float]:
    """The card's crossbar in another size, and the energy of a conversion (J).

    ParameterError if the card does not hold the reads that its figures are fitted to.
    """
    part = card.part(PART)
    if not isinstance(part.data, dict):
        raise ParameterError(
            f"part {PART} is {part.origin} and holds no reads of arrays",
            place="--card",
            remedy="make the card with: cimspice characterize crossbar --card FILE",
        )
    found = [Read(**one) for one in part.data["reads"]]
    size = {"rows": rows, "columns": columns, "columns_per_weight": columns_per_weight}
    element = replace(element_of(card), **size)
    figures = fitted(found, element, part.data["conversion_energy"])
    given = {name: value for name, (value, _) in figures.items()}
    return replace(element, **given), part.data["conversion_energy"]


def _record(value: float, unit: str, reason: str) -> ParameterRecord:
    return ParameterRecord(value=value, unit=unit, reason=reason)


def mvm_energy(one: Read, element: ElementCard, conversion: float) -> float:
    """Of an MVM, of a column (J): what it adds to amplifiers that stay on, or all if they are switched."""
    conversions = element.columns_per_converter * element.conversion_time
    held = max(conversions - one.settle_time, 0.0) if element.overlap else conversions
    reading = one.energy + one.static_power * held
    if element.gated:
        first = one.gated_energy + one.static_power * held
        return first + (element.input_bits - 1) * reading + element.input_bits * conversion
    added = reading - one.idle_power * (one.settle_time + held)
    return element.input_bits * (added + conversion)


def predicted(rows: np.ndarray, values: np.ndarray, wanted: float) -> tuple[float, tuple[float, float]]:
    """A straight line through values over the logarithm of rows: at the wanted rows, with the 95 % interval
    of one more array."""
    x, at = np.log(rows), np.log(wanted)
    matrix, point = np.stack([np.ones_like(x), x], axis=1), np.array([1.0, at])
    line, *_ = np.linalg.lstsq(matrix, values)
    variance = np.sum((values - matrix @ line) ** 2) / (len(x) - 2)
    spread = variance * (1 + point @ np.linalg.inv(matrix.T @ matrix) @ point)
    value, half = float(point @ line), float(student.ppf(0.975, len(x) - 2) * np.sqrt(spread))
    return value, (value - half, value + half)


def error_of(tile: Tile, element: ElementCard) -> float:
    """Rms error of an MVM's results on an emulated crossbar relative to the largest exact result.

    Normally distributed weights as pairs of columns, or with one column of the crossbar as their reference;
    the card's wires, terminals and programming; inputs of ``input_bits`` one bit after another, every sum
    converted with 6 bits; a digital gain for each output, found with other inputs.
    """
    pairs = element.columns_per_weight > 1
    outputs = element.columns // element.columns_per_weight if pairs else element.columns - 1
    circuit = CrossbarCircuit(
        cells=tile.cells,
        tile=(element.rows, 2 * outputs if pairs else element.columns),
        wires=tile.wires,
        errors=tile.errors,
        read_voltage=tile.read_voltage,
        weight_form="differential" if pairs else "offset column",
        dac_bits=element.input_bits,
        bit_serial=True,
        adc_bits=_ADC_BITS,
        signed=False,
    )
    rng = np.random.default_rng(0)
    weights, x = rng.normal(size=(outputs, element.rows)), rng.random((2 * _INPUTS, element.rows))
    exact, sums = x @ weights.T, circuit.layer(weights, x[:_INPUTS])(x)
    known, other = slice(0, _INPUTS), slice(_INPUTS, None)
    squares = np.maximum(np.sum(sums[known] ** 2, axis=0), np.finfo(float).tiny)  # 0: all codes are 0
    gains = np.sum(sums[known] * exact[known], axis=0) / squares
    wrong = gains * sums[other] - exact[other]
    return float(np.sqrt(np.mean(wrong**2)) / np.max(np.abs(exact[other])))
