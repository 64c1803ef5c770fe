"""The circuits around the SRAM array, characterised in ngspice and fitted for the learning emulator."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from math import sqrt
from typing import Any

import numpy as np
import pandas as pd

from cimspice.converter.circuit.converter import Converter
from cimspice.fit.ranges import Ranges
from cimspice.pdk import capacitor_sigma
from cimspice.progress import OnProgress, in_stage, silent
from cimspice.sram.characterisation.conditions import SramConditions
from cimspice.sram.characterisation.readout import sampled_lines
from cimspice.sram.circuit.multiplier import MultiplierParameters
from cimspice.sram.emulator.periphery import BOLTZMANN, Periphery
from cimspice.sram.model.bit_line import BitLines
from cimspice.sram.model.line_sampling import fit_line_sampling
from cimspice.sram.model.periphery_fit import fit_charge_sharing, fit_converter, fit_multiplier
from cimspice.sram.model.readout_loads import ReadoutLoads
from cimspice.sram.validation.periphery import packaged_table

COLUMN_CAPACITANCE = 20e-15
"""Of a multiplier's output capacitor (F): a MIM square of 3 um, ``MultiplierParameters.capacitor_side``."""

_CAPACITOR_SIDE = MultiplierParameters().capacitor_side
_PAIRS = [(-0.03, -0.03), (0.05, -0.02), (0.12, 0.0), (-0.02, 0.12), (0.08, 0.08), (0.18, 0.04)]
_MEANS = [(-0.03, -0.03), (0.04, 0.041), (0.08, 0.08), (-0.02, 0.1)]
_SHARING_RANGES = Ranges.seen({"discharge": "V"}, discharge=[-0.04, 0.16])
"""Wider than the bench's means: the equation is a sum of charges."""
_REFERENCE_DROP = Converter().reference_drop
_INPUTS = np.linspace(-0.0756, 0.0743, 32)  # one code in two, 0.2 steps above its threshold
_WATCHED = [4, 31, 58]  # thresholds that are also found by the code itself
_FINE = np.arange(-3, 4) * 0.3e-3
_TARGETS = [-31, -13, -1, 1, 6, 16]


def characterised_periphery(
    conditions: SramConditions,
    lines: BitLines,
    loads: ReadoutLoads,
    *,
    samples: int = 0,
    progress: OnProgress = silent,
) -> Periphery:
    """Multiplier, charge sharing and converter at these conditions, as far as the store lacks them.

    Parameters
    ----------
    conditions
        Supply, array, corner, temperature.
    lines
        Fitted bit lines, for their noise.
    loads
        Capacitance (F) of the converter on a rail.
    samples
        Samples with mismatch of multiplier and comparator; 0: no mismatch.
    progress
        Progress.

    Raises
    ------
    FitError, SimulationError
        If a block does not work at these conditions.
    """
    supply = {"supply_voltage": conditions.array.supply_voltage}
    rows = {"rows": conditions.array.rows}
    converting = supply | conditions.converter
    range_ratio = 1.0 if conditions.reference_drop is None else conditions.reference_drop / _REFERENCE_DROP

    def table(bench: str, runs: Sequence[dict[str, Any]], text: str) -> pd.DataFrame:
        found = conditions.run(bench, runs, in_stage(text, progress))
        given = pd.DataFrame(runs).reindex(found["run"]).reset_index(drop=True)
        return pd.concat([found, given[[name for name in given if name not in found]]], axis=1)

    multiplier = table(
        "sram_multiplier",
        [
            {"code": code, "discharge": own, "discharge_bar": other, **rows, **supply}
            for code, (own, other) in product(range(16), _PAIRS)
        ],
        "charge-based multiplier",
    )
    sharing = table(
        "sram_charge_sharing",
        [
            {
                "columns": n,
                "first_discharge": first,
                "last_discharge": last,
                "load_capacitance": loads.rail,
                **supply,
            }
            for n, (first, last) in product((4, 8, 16), _MEANS)
        ],
        "charge sharing",
    )
    conversions = table(
        "sram_converter",
        [{"difference": float(v), **converting} for v in range_ratio * _INPUTS],
        "signed converter",
    )
    targets = table(
        "sram_converter",
        [
            {"target": code, "difference": range_ratio * volts, "common_drop": drop, **converting}
            for code, (volts, drop) in product(_TARGETS, [(-0.013, 0.03), (0.022, 0.08)])
        ],
        "signed converter with targets",
    )
    watched = fit_converter(conversions).thresholds[_WATCHED]
    edges = table(
        "sram_converter",
        [
            {"difference": round(float(v), 9), **converting}
            for v in (watched[:, None] + range_ratio * _FINE).ravel()
        ],
        "signed converter near thresholds",
    )
    spread, offset = _mismatch(conditions, supply | rows, samples, progress)
    sampled = sampled_lines(conditions, progress)
    return Periphery(
        multiplier=fit_multiplier(multiplier, spread).model,
        sharing=replace(fit_charge_sharing(sharing).model, ranges=_SHARING_RANGES),
        converter=replace(
            fit_converter(conversions, edges, targets, offset_sigma=offset),
            noise_sigma=sqrt(2 * BOLTZMANN * (conditions.temperature + 273.15) / loads.rail),
        ),
        column_capacitance=COLUMN_CAPACITANCE,
        line_capacitance=lines.capacitance + 2 * lines.coupling,
        line_sampling=fit_line_sampling(sampled).model,
        corner=conditions.corner,
        temperature=conditions.temperature,
        capacitor_sigma=capacitor_sigma("cap_mim_m3_1", *[_CAPACITOR_SIDE * 1e6] * 2) if samples else 0.0,
    )


def _mismatch(
    conditions: SramConditions, fixed: Mapping[str, Any], samples: int, progress: OnProgress
) -> tuple[pd.DataFrame | None, float]:
    """Multipliers with mismatch, and the standard deviation of the comparator's offset (V)."""
    if samples < 2:
        return None, 0.0

    def drawn(name: str, **parameters: float) -> pd.DataFrame:
        given = parameters | {"corners": [conditions.corner], "temperatures": [conditions.temperature]}
        given |= {"monte_carlo.samples": samples}
        return packaged_table(
            name,
            [f"{key}={value!r}" for key, value in given.items()],
            workers=conditions.workers,
            store=conditions.store,
            progress=in_stage(name, progress),
        )

    multiplier = drawn("sram_multiplier_mismatch", **fixed)
    offsets = drawn("sram_comparator_offset", supply_voltage=fixed["supply_voltage"])
    return multiplier, float(offsets["offset"].std(ddof=1))
