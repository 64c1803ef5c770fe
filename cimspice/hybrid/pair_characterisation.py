"""What is simulated of a pair of RRAM columns with a comparator on its drains, and the card made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cimspice.arrays import Array, checked_count, checked_number
from cimspice.campaign.bench_run import run_bench
from cimspice.campaign.store import Store
from cimspice.campaign.versions import provenance
from cimspice.errors import ParameterError
from cimspice.fit.family_card import REMEDY, Card
from cimspice.fit.fit import table_provenance
from cimspice.hybrid.characterisation import (
    ColumnConditions,
    by_read,
    comparator_campaign,
    thermal_noise,
)
from cimspice.hybrid.circuit.rram_column import RramColumnParameters, RramTiming
from cimspice.hybrid.emulator.column_read import ColumnReader
from cimspice.hybrid.model.card import ColumnComparator, ColumnModel, PairLines, hybrid_card
from cimspice.hybrid.model.drains import DrainLaw, PairRead
from cimspice.hybrid.model.rram_column import RramColumn
from cimspice.pdk import Conditions
from cimspice.progress import OnProgress, in_stage, silent
from cimspice.rram.model.programming import WriteScheme

READS = 120
"""Reads to which the drains' law is fitted."""
ACTIVE = (6, 36)
"""Fewest and most inputs of 1 in these reads."""
OPEN, CLOSED = 0.22, 0.34
"""Most cells of low resistance in a column, open and closed, over its weights; digits have fewer."""


@dataclass(frozen=True, kw_only=True)
class PairConditions(Conditions):
    """Which pair of columns, and where it stands."""

    column: RramColumn = field(default_factory=RramColumn)
    input_width: float = 12e-6
    """Of the comparator's input transistors (m)."""
    strobe: float = 0.8e-9
    """Time that a decision has (s)."""
    workers: int | None = None
    store: Store | Path | str | None = None
    """``workers``, ``store``: as for ``run_campaign``."""

    @classmethod
    def of(cls, card: Card, workers: int | None = None, store: Any = None) -> PairConditions:
        """What a card was characterised as. ParameterError if it does not say."""
        try:
            circuit = card.provenance["circuit"]
            return cls(
                column=RramColumn(**circuit["column"]),
                corner=card.conditions.corner or "tt",
                temperature=27.0 if card.conditions.temperature is None else card.conditions.temperature,
                input_width=circuit["input_width"],
                strobe=circuit["strobe"],
                workers=workers,
                store=store,
            )
        except (KeyError, TypeError) as error:
            raise ParameterError(
                f"the card does not say of which pair of columns it is: {error!r}"[:200],
                place="provenance",
                remedy=REMEDY,
            ) from None

    @property
    def circuit(self) -> dict[str, Any]:
        """What a card says of the pair."""
        return {
            "cell": "rram",
            "column": asdict(self.column),
            "input_width": self.input_width,
            "strobe": self.strobe,
        }

    @property
    def read(self) -> PairRead:
        """Times and voltages."""
        given = RramColumnParameters.model_validate(self._shared)
        return PairRead(
            **{name: getattr(given.timing, name) for name in ("settle", "integrate", "strobe", "edge")},
            clamp_voltage=given.clamp_voltage,
            supply_voltage=given.supply_voltage,
            segment=given.array.bit_line_resistance,
        )

    @property
    def _shared(self) -> dict[str, Any]:
        """Parameters of all reads."""
        return {
            "low_state": self.column.low_state,
            "high_state": self.column.high_state,
            "dummies": self.column.dummies,
            "input_width": self.input_width,
            "timing": RramTiming(strobe=self.strobe).model_dump(round_trip=True),
        }

    def run(self, bench: str, runs: Sequence[dict[str, Any]], progress: OnProgress) -> pd.DataFrame:
        """The runs of a bench under these conditions."""
        return run_bench(bench, runs, self, workers=self.workers, store=self.store, progress=progress)

    def column_reads(
        self, cells: Array, inputs: Array, progress: OnProgress = silent, *, stage: str
    ) -> pd.DataFrame:
        """Both decisions of pairs in ngspice, two rows of ``hybrid_rram_column_read`` for each read, of cell
        values and input bits (reads, weights)."""
        runs = [
            {**self._shared, "cells": [one.tolist()], "inputs": bits.tolist()}
            for one, bits in zip(cells, inputs, strict=True)
        ]
        return self.run("hybrid_rram_column_read", runs, in_stage(stage, progress))


def pair_card(
    conditions: Conditions = Conditions(),  # noqa: B008 - it is frozen
    *,
    weights: int = 64,
    dummies: int = 3,
    low_state: float = 0.6,
    high_state: float = 0.0,
    input_width: float = 12e-6,
    strobe: float = 0.8e-9,
    samples: int = 200,
    low_deviation: float | None = None,
    high_deviation: float | None = None,
    jobs: int | None = None,
    store: Store | Path | str | None = None,
    progress: OnProgress = silent,
) -> Card:
    """The card of a pair of RRAM columns with its comparator, characterised in ngspice as far as the store
    lacks it: some ten CPU minutes, most of them for the reads.

    Parameters
    ----------
    conditions
        Corner, temperature (°C).
    weights, dummies, low_state, high_state
        See :class:`cimspice.hybrid.model.rram_column.RramColumn`.
    input_width, strobe
        Of the comparator's input transistors (m); time that a decision has (s).
    samples
        Pairs with mismatch that give the offset.
    low_deviation, high_deviation
        Of the conductances of cells, over their means. By default what a write leaves that verifies: evenly
        spread within the tolerance of :class:`cimspice.rram.WriteScheme`.
    jobs, store, progress
        Worker processes; where points are kept; what is called as they finish.

    Raises
    ------
    ParameterError, SimulationError, FitError
        For a column that is none; if a read fails; if the drains' law does not fit.
    """
    checked_count("samples", samples, low=3, high=100_000, place="characterise")
    even = float(WriteScheme().tolerance / np.sqrt(3))
    low, high = (
        checked_number(name, even if value is None else value, low=0, high=1, place="characterise")
        for name, value in (("low_deviation", low_deviation), ("high_deviation", high_deviation))
    )
    where = PairConditions(
        column=RramColumn(weights, dummies, low_state, high_state),
        corner=conditions.corner,
        temperature=conditions.temperature,
        input_width=input_width,
        strobe=strobe,
        workers=jobs,
        store=store,
    )
    column, states = where.column, {"low_state": low_state, "high_state": high_state}
    cells, inputs = spanning_reads(weights)
    reads = where.column_reads(cells, inputs, progress, stage="reads of pairs with both decisions")
    names = ["positive_discharge", "negative_discharge"]
    drains = reads[names].to_numpy().reshape(len(cells), 2, 2)
    law = DrainLaw.fit(column, where.read, cells, inputs, drains)
    threshold = where.run(
        "hybrid_rram_threshold",
        [{**where._shared, "weights": weights, "active": max(min(20, weights), dummies)}],
        in_stage("thresholds", progress),
    )
    limits = threshold.iloc[0]
    drop = min(0.5, round(float(limits["discharge"]), 2))
    given = {"strobe": strobe, "common_drop": drop}
    noise = comparator_campaign("hybrid_comparator_noise", where, given, progress)
    offset = comparator_campaign(
        "hybrid_rram_offset", where, {"monte_carlo.samples": samples, **states}, progress
    )
    lines = PairLines(law, low, high, where.temperature)
    _, difference, _ = by_read(reads)
    apart, which = np.unique(np.abs(difference).ravel(), return_index=True)
    every = reads[["comparator_energy", "strobe_energy"]].mean() / 2

    def made(unit: float) -> ColumnModel:
        comparator = ColumnComparator(
            offset_mean=unit * float(offset["offset"].mean()),
            offset_deviation=unit * float(offset["offset"].std(ddof=1)),
            samples=len(offset),
            noise=thermal_noise(noise, where.temperature),
            difference=apart,
            delay=reads["decision_delay"].to_numpy()[which],
            supply_energy=float(every["comparator_energy"]),
            strobe_energy=float(every["strobe_energy"]),
            kick_back=0.0,
        )
        upper, lower, volts = (float(limits[name]) for name in ("upper", "lower", "unit"))
        return ColumnModel(column, lines, upper, lower, volts, comparator)

    model = made(ColumnReader.of(made(1.0)).unit)
    tables = {
        "drains": reads, "thresholds": threshold, "offset": offset, "noise": noise, "delay": reads,
        "energy": reads,
    }  # fmt: skip
    sources: dict[str, dict[str, Any]] = {
        name: {"rows": of["table_rows"], "digest": of["table_digest"]}
        for name, of in ((name, table_provenance(table)) for name, table in tables.items())
    }
    sources["states"] = {"tolerance": WriteScheme().tolerance}
    return hybrid_card(model, sources, {**provenance(), "circuit": where.circuit}, where.corner)


def conditions_of(
    card: Card, workers: int | None = None, store: Any = None
) -> ColumnConditions | PairConditions:
    """What a card of either kind of column was characterised as. ParameterError if it does not say."""
    kind = PairConditions if "drains" in card.parts else ColumnConditions
    return kind.of(card, workers, store)


def spanning_reads(weights: int) -> tuple[Array, Array]:
    """Cell values and input bits (reads, weights) that span numbers of open weights, and of open and closed
    cells of low resistance in either column, evenly and independently."""
    rng = np.random.default_rng(0)
    cells, inputs = np.zeros((2, READS, weights), int)
    share = (rng.permuted(np.tile(np.arange(READS), (4, 1)), axis=1) + rng.random((4, READS))) / READS
    fewest, most = (min(active, weights) for active in ACTIVE)
    for read, active in enumerate(np.linspace(fewest, most, READS).astype(int)):
        places = rng.permutation(weights)
        inputs[read, places[:active]] = 1
        for which, largest, (first, second) in (
            (places[:active], OPEN * weights, share[:2, read]),
            (places[active:], CLOSED * weights, share[2:, read]),
        ):
            up = int(first * (min(largest, len(which)) + 1))
            down = int(second * (min(largest, len(which) - up) + 1))
            cells[read, which[:up]], cells[read, which[up : up + down]] = 1, -1
    return cells, inputs
