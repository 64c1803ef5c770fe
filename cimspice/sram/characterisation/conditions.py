"""Which SRAM column is characterised, how it is read, and under which conditions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cimspice.campaign.bench_run import run_bench
from cimspice.campaign.store import Store
from cimspice.errors import ParameterError
from cimspice.pdk import Conditions
from cimspice.progress import OnProgress
from cimspice.sram.circuit.array import Array
from cimspice.sram.circuit.multiplier import READOUT_CAPACITANCE


@dataclass(frozen=True, kw_only=True)
class SramConditions(Conditions):
    """Which column, how it is read, and where it stands.

    Raises
    ------
    ParameterError
        If a condition is outside what the models are for.
    """

    array: Array = field(default_factory=Array)
    """The bank."""
    unit_width: float = 60e-12
    """Pulse of code 1 (s); code n is n times as long."""
    largest_code: int = 15
    """Longest pulse in units."""
    settle: float = 250e-12
    """From the last word line's end to the reading (s)."""
    reference_drop: float | None = None
    """By how much the converter's reference is below the supply (V), which sets its step; its own 0.1 V if
    not given."""
    workers: int | None = None
    store: Store | Path | str | None = None
    """``workers``, ``store``: as for ``run_campaign``."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.reference_drop is not None and not 0.01 <= self.reference_drop <= 0.4:
            raise ParameterError(
                f"a reference {self.reference_drop:g} V below the supply",
                place="reference_drop",
                remedy="use 0.01 to 0.4 V",
            )
        shortest = 1.5 * self.array.driver_edge
        if not np.isfinite(self.unit_width):
            raise ParameterError(
                f"a unit of {self.unit_width:g} s", place="unit_width", remedy="give a time such as 60 ps"
            )
        if self.unit_width < shortest:
            raise ParameterError(
                f"a unit of {self.unit_width * 1e12:g} ps is too short for edges of "
                f"{self.array.driver_edge * 1e12:g} ps",
                place="unit_width",
                remedy=f"use {shortest * 1e12:g} ps or more, or a quicker driver",
            )
        if self.largest_code < 1:
            raise ParameterError(
                f"largest code {self.largest_code}", place="largest_code", remedy="use 1 or more, usually 15"
            )

    @classmethod
    def with_readout(cls, **conditions: Any) -> SramConditions:
        """An array whose bit lines carry multipliers, as in a network."""
        return cls(array=Array(readout_capacitance=READOUT_CAPACITANCE), **conditions)

    @property
    def converter(self) -> dict[str, Any]:
        """What benches with a converter are given of it."""
        return {} if self.reference_drop is None else {"converter": {"reference_drop": self.reference_drop}}

    @cached_property
    def idle_time(self) -> float:
        """Time beside the longest pulse for which the lines float before they are read (s)."""
        return self.settle + 2 * self.array.driver_edge

    def read(
        self,
        rows: np.ndarray,
        codes: np.ndarray,
        bits: np.ndarray,
        *,
        shifts: np.ndarray | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """Parameters of one multi-row read of one column; ``shifts`` (rows, 6) makes the cells differ."""
        opened = [
            {"row": int(row), "width": int(code) * self.unit_width, "bits": [int(bit)]}
            | ({} if shifts is None else {"shifts": [list(map(float, shifts[k]))]})
            for k, (row, code, bit) in enumerate(zip(rows, codes, bits, strict=True))
        ]
        return {
            "array": self.array.model_dump(round_trip=True, exclude_defaults=True),
            "open_rows": opened,
            "settle": self.settle,
            **more,
        }

    def run(
        self,
        bench: str,
        runs: Sequence[dict[str, Any]],
        progress: OnProgress,
        time_limit: float = 600.0,
    ) -> pd.DataFrame:
        """The runs of a bench under these conditions; ``time_limit`` as of ``run_bench`` (s)."""
        return run_bench(
            bench,
            runs,
            self,
            workers=self.workers,
            store=self.store,
            progress=progress,
            time_limit=time_limit,
        )

    def population(self, shifts: np.ndarray | None = None, **settings: Any) -> dict[str, Any]:
        """Parameters of the DC bench of cells, with threshold shifts (V) of shape (cells, 6)."""
        array = self.array
        cells = {} if shifts is None else {"shifts": np.asarray(shifts).tolist()}
        return {
            "cell": array.cell.model_dump(round_trip=True, exclude_defaults=True),
            "supply_voltage": array.supply_voltage,
            "word_line_voltage": array.word_line_voltage,
            **cells,
            **settings,
        }
