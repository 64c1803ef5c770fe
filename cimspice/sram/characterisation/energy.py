"""Energy of a multiply-accumulate in the SRAM array by block, against reading words and digital MACs.

Everything is simulated at transistor level in the same technology. In: cells, precharge with its gates, word
lines (each column its share), multiplier, sharing, converter, and what drives their controls. Out, on both
sides: address decoders, the controller, the clock tree, wires of the readout and of the digital MAC, the
reference's generator, leakage between operations; and input registers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd

from cimspice.campaign.bench_run import run_bench
from cimspice.campaign.store import Store
from cimspice.errors import ParameterError
from cimspice.pdk import Conditions
from cimspice.progress import OnProgress, silent

BITS = 4
"""Of a stored word: rows that are read for one product, at once or one after another."""

CODES = (1, 2, 4, 8)
"""Of the word's rows, least significant bit first."""

RAIL = (4, 16)
"""Fewest and most columns of one rail."""


@dataclass(frozen=True)
class EnergyTable:
    """Energies in J; a rail of ``columns`` columns shares a converter."""

    columns: int
    blocks: dict[str, float]
    baseline_blocks: dict[str, float]
    """``blocks``, ``baseline_blocks``: per MAC, by block."""
    conversion: float
    """Of one conversion."""

    @property
    def per_mac(self) -> float:
        return sum(self.blocks.values())

    @property
    def baseline_per_mac(self) -> float:
        return sum(self.baseline_blocks.values())

    def decision(self, layers: Sequence[int]) -> tuple[float, float]:
        """Energy (J) of one forward pass, ours and the baseline's.

        ParameterError if a layer has more inputs than a rail has columns.

        Parameters
        ----------
        layers
            Neurons per layer, inputs first; every layer has one column more, for its bias. Activations are
            in neither.
        """
        ours = baseline = 0.0
        each = self.per_mac - self.blocks["converter"]
        for inputs, neurons in pairwise(layers):
            if neurons < 1 or not 1 <= inputs < RAIL[1]:
                raise ParameterError(
                    f"layer of {inputs} inputs and {neurons} neurons",
                    place="layers",
                    remedy=f"a rail has {RAIL[1]} columns, one of them for the bias",
                )
            macs = (inputs + 1) * neurons
            ours += macs * each + neurons * self.conversion
            baseline += macs * self.baseline_per_mac
        return ours, baseline

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "columns_per_converter": self.columns,
            "energy_per_mac_joule": self.per_mac,
            "baseline_energy_per_mac_joule": self.baseline_per_mac,
            "energy_ratio": self.baseline_per_mac / self.per_mac,
            "energy_blocks_joule": self.blocks,
            "baseline_energy_blocks_joule": self.baseline_blocks,
            "energy_per_conversion_joule": self.conversion,
        }


def energy_table(
    columns: int = 16,
    *,
    rows: int = 512,
    conditions: Conditions | None = None,
    workers: int | None = None,
    store: Store | Path | str | None = None,
    progress: OnProgress = silent,
) -> EnergyTable:
    """Simulate what the store lacks, and sum up.

    ParameterError if a rail cannot have so many columns.

    Parameters
    ----------
    columns
        On one rail.
    rows
        Of the array, which has 64 columns.
    conditions
        Corner and temperature.
    workers, store, progress
        As for ``run_campaign``.
    """
    if not RAIL[0] <= columns <= RAIL[1]:
        raise ParameterError(
            f"{columns} columns on one rail", place="columns", remedy=f"give {RAIL[0]} to {RAIL[1]}"
        )

    def run(bench: str, parameters: dict[str, Any], **sweep: Any) -> pd.DataFrame:
        return run_bench(
            bench, parameters, conditions, sweep=sweep, workers=workers, store=store, progress=progress
        )

    first = rows // 4
    opened = [{"row": first + k, "width": code * 60e-12, "bits": [k % 2]} for k, code in enumerate(CODES)]
    array = run("sram_read_energy", {"array": {"rows": rows}, "open_rows": opened, "restore": 2e-9})
    codes = [3, 6, 9, 12]
    multiplier = run("sram_multiplier", {"rows": rows}, code=codes)
    sharing = run("sram_charge_sharing", {"columns": columns, "last_discharge": 0.1})
    converter = run("sram_converter", {}, difference=[-0.03, 0.01, 0.05])
    column = {"rows": rows, "columns": 64}
    timing = {"close": 8e-9, "precharge_again": 8.2e-9, "end": 14e-9}
    access = run("sram_read_access", {"column": column, "timing": timing}).iloc[0]
    mac = run("sram_digital_mac", {}, seed=[1, 2, 3]).mean(numeric_only=True)
    conversion = float((converter["converter_energy"] + converter["control_energy"]).mean())
    read = array.iloc[0]
    return EnergyTable(
        columns=columns,
        blocks={
            "cells": float(read["cell_energy"]),
            "precharge": float(read["precharge_energy"] + read["control_energy"]),
            "word_lines": float(read["word_line_energy"]),
            "multiplier": float(multiplier["multiplier_energy"].mean()),
            "multiplier_controls": float(multiplier["control_energy"].mean()),
            "charge_sharing": float(sharing["energy_per_column"].iloc[0]),
            "converter": conversion / columns,
        },
        baseline_blocks={
            "precharge": BITS * float(access["precharge_energy"]),
            "word_lines": BITS * float(access["word_energy"]) / column["columns"],
            "sense_amplifiers": BITS * float(access["sense_energy"]),
            "cells_and_controls": BITS * float(
                access["bit_energy"]
                - access["precharge_energy"]
                - access["sense_energy"]
                - access["word_energy"] / column["columns"]
            ),
            "digital_mac": float(mac["mac_energy"]),
            "digital_mac_inputs": float(mac["control_energy"]),
        },
        conversion=conversion,
    )  # fmt: skip
