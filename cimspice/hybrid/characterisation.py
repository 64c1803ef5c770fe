"""What is simulated of a column of 6T cells with a comparator on its lines, and the card made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np
import pandas as pd

from cimspice.arrays import Array, checked_count
from cimspice.campaign.versions import provenance
from cimspice.errors import ParameterError, SimulationError
from cimspice.fit.family_card import REMEDY, Card
from cimspice.fit.fit import table_provenance
from cimspice.hybrid.circuit.comparator import Comparator
from cimspice.hybrid.circuit.comparator_noise import REFERENCE as NOISE_REFERENCE
from cimspice.hybrid.mapping.slices import stored_bits
from cimspice.hybrid.model.card import ArrayLines, ColumnComparator, ColumnModel, hybrid_card
from cimspice.hybrid.model.column import Column, SecondRead
from cimspice.progress import OnProgress, in_stage, silent
from cimspice.sram.characterisation.card import characterised_card as characterised_array_card
from cimspice.sram.characterisation.conditions import SramConditions
from cimspice.sram.circuit.array import Array as SramArray
from cimspice.sram.model.card import sram_fit
from cimspice.sram.validation.periphery import packaged_table

SECOND_READS = 24
"""Reads to which the second difference is fitted."""
ACTIVE = (6, 32)
"""Fewest and most inputs of 1 in these reads; pulses of 60 ps take the lines 80 to 360 mV down."""


@dataclass(frozen=True, kw_only=True)
class ColumnConditions(SramConditions):
    """Which column, and where it stands; its lines carry a comparator in all reads."""

    column: Column = field(default_factory=Column)
    largest_code: int = 4
    """Longest pulse of the reads that the lines are fitted to, in units; a column's own are one unit."""
    input_width: float = 12e-6
    """Of the comparator's input transistors (m)."""
    strobe: float = 0.6e-9
    """Time that a decision has (s)."""
    recovery: float = 0.4e-9
    """How much longer it takes from the first word lines to those of the second decision (s)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.array.rows != self.column.rows:
            object.__setattr__(self, "array", self.array.model_copy(update={"rows": self.column.rows}))

    @classmethod
    def of(cls, card: Card, workers: int | None = None, store: Any = None) -> ColumnConditions:
        """What a card was characterised as. ParameterError if it does not say."""
        try:
            circuit = card.provenance["circuit"]
            array = circuit["array"]
            if array["cell"]["devices"] == "special":  # of one size, which the card names as well
                array = array | {"cell": {"devices": "special"}}
            return cls(
                column=Column(**circuit["column"]),
                array=SramArray.model_validate(array),
                corner=card.conditions.corner or "tt",
                temperature=27.0 if card.conditions.temperature is None else card.conditions.temperature,
                **{name: circuit[name] for name in _SETTINGS},
                workers=workers,
                store=store,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ParameterError(
                f"the card does not say of which column it is: {error!r}"[:200],
                place="provenance",
                remedy=REMEDY,
            ) from None

    @property
    def circuit(self) -> dict[str, Any]:
        """What a card says of the column."""
        return {
            "array": self.array.model_dump(mode="json", round_trip=True),
            "column": asdict(self.column),
            **{name: getattr(self, name) for name in _SETTINGS},
        }

    def run(
        self,
        bench: str,
        runs: Sequence[dict[str, Any]],
        progress: OnProgress,
        time_limit: float = 600.0,
    ) -> pd.DataFrame:
        """The runs of a bench under these conditions, reads of lines with the comparator on them."""
        if bench == "sram_multi_row_read":
            sizes = Comparator(input_width=self.input_width).converter.model_dump(round_trip=True)
            bench, runs = "hybrid_line_read", [{**one, "converter": sizes} for one in runs]
        return super().run(bench, runs, progress, time_limit)

    def column_reads(
        self, cells: Array, inputs: Array, progress: OnProgress = silent, *, stage: str
    ) -> pd.DataFrame:
        """Both decisions of columns in ngspice, two rows of ``hybrid_column_read`` for each read.

        Parameters
        ----------
        cells, inputs
            Cell values and input bits, (reads, weights).
        progress, stage
            Progress, and what this stage is called.
        """
        return self.run(
            "hybrid_column_read",
            [self._column_read(stored_bits(one), bits) for one, bits in zip(cells, inputs, strict=True)],
            in_stage(stage, progress),
        )

    @property
    def threshold(self) -> dict[str, Any]:
        """Parameters of ``hybrid_threshold`` for this column."""
        own = self.column
        return {
            "weights": own.weights,
            "dummies": own.dummies,
            "rows": own.rows,
            "active": max(min(20, own.weights), own.dummies),
            "input_width": self.input_width,
            "pulse": self.unit_width,
            "word_line_voltage": self.array.word_line_voltage,
            "strobe": self.strobe,
            "recovery": self.recovery,
        }

    def _column_read(self, bits: Array, inputs: Array) -> dict[str, Any]:
        column, array = self.column, self.array
        rows = np.flatnonzero(np.repeat(inputs, 2))
        opened = [*rows, *column.first_dummies, *column.second_dummies]
        stored = [*bits[rows], *[0] * column.dummies, *[1] * 2 * column.dummies]
        delays = [0.0] * (len(rows) + column.dummies) + [self.strobe + self.recovery] * 2 * column.dummies
        first = array.word_line_start + self.unit_width + self.settle
        return {
            "array": array.model_dump(round_trip=True, exclude_defaults=True),
            "open_rows": [
                {"row": int(row), "width": self.unit_width, "bits": [int(bit)], "delay": delay}
                for row, bit, delay in zip(opened, stored, delays, strict=True)
            ],
            "settle": self.settle,
            "converter": Comparator(input_width=self.input_width).converter.model_dump(round_trip=True),
            "strobe": self.strobe,
            "strobes": [first, first + self.strobe + self.recovery],
        }


_SETTINGS = ("unit_width", "largest_code", "settle", "input_width", "strobe", "recovery")


def characterised_card(
    conditions: ColumnConditions, *, samples: int = 1000, cells: int = 100, progress: OnProgress = silent
) -> Card:
    """The card of a column, characterised in ngspice as far as the store lacks it.

    SimulationError if a read flips cells or fails; FitError if a fit does not converge.

    Parameters
    ----------
    conditions
        Column, comparator, corner, temperature.
    samples, cells
        Comparators with mismatch that give the offset, and cells that give the spread of currents.
    progress
        Progress.
    """
    checked_count("samples", samples, low=3, high=100_000, place="characterise")
    lines = characterised_array_card(conditions, cells=cells, progress=progress)
    stored, inputs = _training_reads(conditions.column.weights)
    reads = conditions.column_reads(stored, inputs, progress, stage="reads with both decisions")
    discharge, difference, _ = by_read(reads)
    threshold = conditions.run("hybrid_threshold", [conditions.threshold], in_stage("thresholds", progress))
    limits = threshold.iloc[0]
    tables = {
        name: comparator_campaign(f"hybrid_comparator_{name}", conditions, given, progress)
        for name, given in {
            "offset": {"monte_carlo.samples": samples, "period": 2e-9 * max(1.0, conditions.strobe / 0.6e-9)},
            "noise": {"strobe": conditions.strobe},
            "decision": {"common_drop": 0.2, "strobe": 2 * conditions.strobe},
        }.items()
    }
    offset, decision = tables["offset"]["offset"], tables["decision"].sort_values("difference")
    half = decision.iloc[(decision["difference"] - limits["unit"] / 2).abs().argmin()]
    comparator = ColumnComparator(
        offset_mean=float(offset.mean()),
        offset_deviation=float(offset.std(ddof=1)),
        samples=len(offset),
        noise=thermal_noise(tables["noise"], conditions.temperature),
        difference=decision["difference"].to_numpy(float),
        delay=decision["decision_delay"].to_numpy(float),
        supply_energy=float(half["supply_energy"]),
        strobe_energy=float(half["strobe_energy"]),
        kick_back=float(half["kick_back_after"]),
    )
    second = SecondRead.fit(discharge, difference[:, 1])
    known = {"second_read": reads, "thresholds": threshold, **tables}
    known |= {"delay": known.pop("decision"), "energy": tables["decision"]}
    sources = {name: dict(part.source) for name, part in lines.parts.items()}
    sources["bit_line"]["reads"] = {**sources["bit_line"]["reads"], "bench": "hybrid_line_read"}
    sources |= {
        name: {"rows": of["table_rows"], "digest": of["table_digest"]}
        for name, of in ((name, table_provenance(table)) for name, table in known.items())
    }
    model = ColumnModel(
        conditions.column,
        ArrayLines(sram_fit(lines), second),
        float(limits["upper"]),
        float(limits["lower"]),
        float(limits["unit"]),
        comparator,
    )
    return hybrid_card(model, sources, {**provenance(), "circuit": conditions.circuit})


def comparator_offsets(conditions: ColumnConditions, samples: int, *, progress: OnProgress = silent) -> Array:
    """Offsets of so many comparators (V), the first ones of those that a card is made of."""
    given = {"monte_carlo.samples": checked_count("samples", samples, low=2, place="comparators")}
    return comparator_campaign("hybrid_comparator_offset", conditions, given, progress)["offset"].to_numpy(
        float
    )


class ComparatorPlace(Protocol):
    """A comparator of a column, where it stands, and how it is simulated."""

    @property
    def input_width(self) -> float: ...
    @property
    def corner(self) -> str: ...
    @property
    def temperature(self) -> float: ...
    @property
    def workers(self) -> int | None: ...
    @property
    def store(self) -> Any: ...


def thermal_noise(table: pd.DataFrame, temperature: float) -> float:
    """Of a comparator (V) at a temperature (°C), from its campaign."""
    return float(table["noise"].iloc[0] * np.sqrt((temperature + 273.15) / NOISE_REFERENCE))


def comparator_campaign(
    name: str, conditions: ComparatorPlace, given: dict[str, Any], progress: OnProgress
) -> pd.DataFrame:
    """A packaged campaign for this column's comparator and conditions alone."""
    wanted = {
        **given,
        "input_width": conditions.input_width,
        "corners": [conditions.corner],
        "temperatures": [conditions.temperature],
    }
    return packaged_table(
        name,
        [f"{key}={value!r}" for key, value in wanted.items()],
        workers=conditions.workers,
        store=conditions.store,
        progress=in_stage(name.replace("_", " "), progress),
    )


def by_read(table: pd.DataFrame) -> tuple[Array, Array, Array]:
    """Discharge at the first strobe (reads, 2) (V), differences (reads, 2) (V) and ternary codes (reads,), of
    columns of 6T cells or pairs of RRAM columns.

    SimulationError if cells flipped.
    """
    lines = ["bit_line_discharge", "bit_line_bar_discharge"]
    if "flipped" not in table:
        lines = ["negative_discharge", "positive_discharge"]
    elif table["flipped"].any():
        raise SimulationError(
            f"{int(table['flipped'].sum())} cells flipped while their column was read",
            place="hybrid_column_read",
            remedy="open fewer rows, or shorten the pulse",
        )
    first = table[table["strobe"] == 0]
    discharge = first[lines].to_numpy()
    difference, decided = (table[name].to_numpy().reshape(-1, 2) for name in ("difference", "decided"))
    return discharge, difference, decided.sum(axis=1).astype(int) - 1


def _training_reads(weights: int) -> tuple[Array, Array]:
    """Cell values and inputs (reads, weights): few to many open rows, sums of either sign to a third of
    them."""
    rng = np.random.default_rng(0)
    cells, inputs = np.zeros((2, SECOND_READS, weights), int)
    fewest, most = (min(active, weights) for active in ACTIVE)
    for read, active in enumerate(np.linspace(fewest, most, SECOND_READS).astype(int)):
        chosen = rng.permutation(weights)[:active]
        inputs[read, chosen] = 1
        lean = rng.uniform(-0.5, 0.5)
        cells[read] = rng.choice([-1, 0, 1], weights, p=[(1 - lean) / 3, 1 / 3, (1 + lean) / 3])
    return cells, inputs
