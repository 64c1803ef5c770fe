"""Forward passes of neurons as benches take them, and the passes and conversions that characterise them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cimspice.arrays import Array
from cimspice.fit.family_card import Card
from cimspice.fit.fit import table_provenance
from cimspice.progress import OnProgress, in_stage, silent
from cimspice.sram.characterisation.conditions import SramConditions
from cimspice.sram.emulator.read import MultiRowRead
from cimspice.sram.mapping.pulses import compensated_codes
from cimspice.sram.model.card import sram_fit
from cimspice.sram.model.forward_card import with_forward_pass
from cimspice.sram.model.forward_pass import BLOCK, ForwardPass, Passes, fit_passes
from cimspice.sram.model.periphery_fit import fit_converter, turns

SAMPLING, READ, CONVERSION = "sram_forward_sampling", "sram_forward_read", "sram_converter"
_BITS, _INPUT_BITS, _CONVERTER_BITS = 4, 4, 6
_COLUMNS = 15
"""Of most passes that are simulated."""
_OTHERS = (1, 4, 30)
"""Columns of one further pass each."""
_MOST_COLUMNS = 40
"""That share charge."""
LONGEST = 3600.0
"""Seconds that a pass may take, on a machine that others use as well."""
_REFERENCES = (0.01, 0.04)
"""Of the converter below the supply (V)."""
_INPUTS = np.linspace(-0.756, 0.743, 32)
"""Of the reference: one code in two, 0.2 steps above its threshold."""
_WATCHED = [4, 31, 58]
_FINE = np.arange(-3, 4) * 3e-3
"""Of the reference: steps about the watched thresholds."""


def pass_parameters(
    conditions: SramConditions,
    pulses: Array,
    row: int,
    words: Array,
    codes: Array,
    reference_drop: float,
    converter_bits: int = _CONVERTER_BITS,
) -> dict[str, Any]:
    """Of the bench of a forward pass: columns side by side that store ``words`` from row ``row`` on and have
    inputs of these codes. The bit line is of two sections."""
    array = conditions.array.model_copy(
        update={"simulated_columns": len(words), "readout_capacitance": 0.0, "column": 0, "sections": 2}
    )
    stored = (np.asarray(words, dtype=int) >> np.arange(len(pulses))[:, None]) & 1
    return {
        "array": array.model_dump(round_trip=True, exclude_defaults=True),
        "open_rows": [
            {"row": int(row) + bit, "width": int(code) * conditions.unit_width, "bits": bits.tolist()}
            for bit, (code, bits) in enumerate(zip(pulses, stored, strict=True))
        ],
        "settle": conditions.settle,
        "bits": converter_bits,
        "codes": [int(code) for code in codes],
        "converter": {"reference_drop": float(reference_drop)},
    }


def with_characterised_pass(card: Card, conditions: SramConditions, *, progress: OnProgress = silent) -> Card:
    """The card of an array with its part ``forward_pass``, simulated as far as the store lacks it.

    Every word or its complement with every input once, 15 columns at a time; a few passes of other sizes.

    Raises
    ------
    FitError, SimulationError
        If a pass or a conversion fails, or the code does not turn where it is looked for.
    """
    lines = sram_fit(card).model
    pulses = compensated_codes(lines.widths / lines.unit_width, _BITS)[0]
    generator = np.random.default_rng(11)
    both = generator.permutation([(w, k) for w in range(2**_BITS // 2) for k in range(1, 2**_INPUT_BITS)])
    both[::2, 0] = 2**_BITS - 1 - both[::2, 0]  # complements, for which lines exchange places
    columns = [both[first : first + _COLUMNS] for first in range(0, len(both), _COLUMNS)]
    for count in _OTHERS:
        columns.append(np.stack([generator.integers(low, 16, count) for low in (0, 1)], axis=1))
    runs = [
        pass_parameters(conditions, pulses, 0, pairs[:, 0], pairs[:, 1], _REFERENCES[-1]) for pairs in columns
    ]
    table = conditions.run(SAMPLING, runs, in_stage("forward passes of neurons", progress), LONGEST)
    given = np.concatenate(columns)
    stored = (np.arange(2**_BITS)[:, None] >> np.arange(_BITS)) & 1
    places = (np.arange(_BITS) + 0.5) / conditions.array.rows
    discharge = MultiRowRead(lines)(pulses, stored, positions=places).discharge
    passes = Passes(
        sampled=table.groupby("run")["sampled_difference"].first().to_numpy(),
        number=table["run"].to_numpy(),
        word=given[:, 0],
        code=given[:, 1],
        outputs=table[["output", "output_bar"]].to_numpy(),
    )
    fitted = fit_passes(passes, discharge[:, 1] - discharge[:, 0], 2**_INPUT_BITS)
    thresholds, uncertainty = _converter(conditions, progress)
    model = ForwardPass(
        pulses=pulses,
        **fitted,
        word_line=_word_line(conditions, pulses, progress),
        reference_drops=np.array(_REFERENCES),
        thresholds=thresholds,
        threshold_uncertainty=uncertainty,
    )
    rows = table_provenance(table)
    source = {"bench": SAMPLING, "rows": rows["table_rows"], "digest": rows["table_digest"]}
    return with_forward_pass(card, model, source)


def _word_line(conditions: SramConditions, pulses: Array, progress: OnProgress) -> Array:
    """As of `ForwardPass`: a column's gates load the word lines otherwise than the array's lumped ones do.
    The bits' parts of a discharge add up."""
    signs = 2 * ((np.arange(2**_BITS)[:, None] >> np.arange(_BITS)) & 1) - 1
    counts = [_COLUMNS, *range(BLOCK, _MOST_COLUMNS + 1, BLOCK)]
    words = [np.resize([0, 1, 3, 7], count) for count in counts]
    runs = [
        pass_parameters(conditions, pulses, 0, one, np.full(len(one), 2**_INPUT_BITS - 1), _REFERENCES[-1])
        for one in words
    ]
    table = conditions.run(READ, runs, in_stage("columns on the rails", progress), LONGEST)
    difference = table["bit_line_bar_discharge"] - table["bit_line_discharge"]
    found = [
        np.linalg.lstsq(signs[one], difference[table["run"] == run].to_numpy(), rcond=None)[0]
        for run, one in enumerate(words)
    ]
    return np.stack([np.zeros(_BITS), *(one - found[0] for one in found[1:])])


def _converter(conditions: SramConditions, progress: OnProgress) -> tuple[Array, float]:
    """Thresholds (references, codes − 1), V, and within which they are known (steps): the largest distance to
    where the code was seen to turn, and half the step of looking."""
    found, worst = [], 0.0
    for reference in _REFERENCES:
        conversions = _conversions(conditions, reference * _INPUTS, reference, progress)
        coarse = fit_converter(conversions).thresholds
        edges = _edges(conditions, coarse, reference, progress)
        model = fit_converter(conversions, edges)
        found.append(model.thresholds)
        worst = max(worst, _distance(edges, model.thresholds) / model.step)
    return np.array(found), worst


def _edges(
    conditions: SramConditions, thresholds: Array, reference: float, progress: OnProgress
) -> pd.DataFrame:
    """Conversions in fine steps about some thresholds."""
    volts = thresholds[_WATCHED][:, None] + reference * _FINE
    return _conversions(conditions, volts.ravel(), reference, progress)


def _conversions(
    conditions: SramConditions, volts: Array, reference: float, progress: OnProgress
) -> pd.DataFrame:
    at = replace(conditions, reference_drop=reference)
    supply = conditions.array.supply_voltage
    runs = [{"difference": round(float(v), 9), "supply_voltage": supply, **at.converter} for v in volts]
    text = f"converter, reference {1e3 * reference:.3g} mV below the supply"
    table = at.run(CONVERSION, runs, in_stage(text, progress))
    given = np.array([run["difference"] for run in runs])
    return table.assign(difference=given[table["run"].to_numpy()])


def _distance(edges: pd.DataFrame, thresholds: Array) -> float:
    """Largest distance (V) of a threshold from where its code may turn."""
    places, seen, step = turns(edges)
    return float(np.abs(seen - thresholds[places]).max()) + step / 2
