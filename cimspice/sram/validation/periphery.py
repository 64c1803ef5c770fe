"""The array's peripheral circuits: characterised, fitted, kept as cards, and compared at inputs not seen."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cimspice.campaign import read_specification, run_bench, run_campaign
from cimspice.campaign.store import Store
from cimspice.converter.circuit.converter import Converter
from cimspice.converter.model.converter import SignedConverter
from cimspice.families import campaigns
from cimspice.fit.card import ModelCard
from cimspice.fit.fit import Fit
from cimspice.progress import OnProgress, Progress, silent
from cimspice.sram.characterisation.conditions import SramConditions
from cimspice.sram.characterisation.readout import readout_loads, sampled_lines
from cimspice.sram.emulator.periphery import BOLTZMANN
from cimspice.sram.model.charge_sharing import ChargeSharing
from cimspice.sram.model.line_sampling import LineSampling, fit_line_sampling
from cimspice.sram.model.multiplier import ChargeMultiplier
from cimspice.sram.model.periphery_fit import (
    fit_charge_sharing,
    fit_converter,
    fit_multiplier,
    fit_write_back,
)
from cimspice.sram.model.readout_loads import ReadoutLoads, fit_readout_loads
from cimspice.sram.model.write_back import WriteBack


@dataclass(frozen=True, eq=False)
class Periphery:
    """Fitted models at tt, 27 degrees Celsius, 1.8 V; ``fits`` of those that come from one, by kind."""

    multiplier: ChargeMultiplier
    sharing: ChargeSharing
    converter: SignedConverter
    write_back: WriteBack
    line_sampling: LineSampling
    loads: ReadoutLoads
    fits: dict[str, Fit[Any]]

    def save(self, folder: str | Path) -> list[Path]:
        """Write one card per model, with intervals and residual where it has a fit.

        Raises
        ------
        CimspiceError
            If a file cannot be written.
        """
        models = [
            self.multiplier,
            self.sharing,
            self.converter,
            self.write_back,
            self.line_sampling,
            self.loads,
        ]
        paths = [Path(folder) / f"{model.kind}.json" for model in models]
        conditions = {"corner": "tt", "temperature": 27.0, "supply_voltage": 1.8}
        for model, path in zip(models, paths, strict=True):
            fit = self.fits.get(model.kind)
            card = ModelCard.from_fit(fit, conditions) if fit else ModelCard.from_model(model, conditions)
            card.save(path)
        return paths


def characterised_periphery(*, workers: int | None = None, progress: OnProgress = silent) -> Periphery:
    """Run the campaigns ``sram_multiplier``, ``sram_charge_sharing``, ``sram_converter`` and their kin as
    far as the store lacks them (some four minutes of CPU time), and fit.

    Raises
    ------
    SimulationError
        If a point fails.
    FitError
        If a table does not support its model.
    """

    def table(name: str) -> pd.DataFrame:
        progress(Progress(stage=name))
        return packaged_table(name, workers=workers)

    multiplier = fit_multiplier(table("sram_multiplier"), table("sram_multiplier_mismatch"))
    sharing = fit_charge_sharing(table("sram_charge_sharing"))
    offset = table("sram_comparator_offset")["offset"]
    converter = fit_converter(
        table("sram_converter"),
        table("sram_converter_edges"),
        table("sram_converter_target"),
        offset_sigma=float(offset.std(ddof=1)),
    )
    conditions = SramConditions(workers=workers)
    progress(Progress(stage="sampled lines, loads"))
    sampling = fit_line_sampling(sampled_lines(conditions))
    loads = fit_readout_loads(readout_loads(conditions))
    design = Converter()
    plates = design.reference_drop * design.unit_capacitance / converter.step
    noise = float(np.sqrt(2 * BOLTZMANN * 300.15 / plates))
    return Periphery(
        multiplier.model,
        sharing.model,
        replace(converter, noise_sigma=noise),
        _write_back(workers),
        sampling.model,
        loads.model,
        {fit.model.kind: fit for fit in (multiplier, sharing, sampling, loads)},
    )


WRITE_TIMING = {"close": 1.4e-9, "precharge_again": 1.6e-9, "end": 6e-9}
"""Of a row of 512-row columns (s): written 0.38 ns after the word line's enable."""


def _write_back(workers: int | None) -> WriteBack:
    fixed = {"column": {"rows": 512, "columns": 64}, "timing": WRITE_TIMING}
    rows = [
        run_bench(bench, fixed, workers=workers).iloc[0]
        for bench in ("sram_write_access", "sram_half_selected")
    ]
    margins = packaged_table(
        "sram_write_margin_mismatch",
        ["swept='bit_line'", "supply_voltage=1.8", "corners=['tt']", "monte_carlo.samples=100"],
        workers=workers,
    )
    written = rows[0].copy()
    written["columns"], written["duration"] = 64, WRITE_TIMING["end"]
    return fit_write_back(margins, written, rows[1])


def packaged_table(
    name: str,
    overrides: Sequence[str] = (),
    *,
    workers: int | None = None,
    store: Store | Path | str | None = None,
    progress: OnProgress = silent,
) -> pd.DataFrame:
    """Table of a campaign that comes with cimspice; ``overrides`` as with ``--set``. Points that failed are
    left out and reported (`FailedPointsWarning`).
    """
    specification = read_specification(campaigns()[name], overrides=list(overrides))
    result = run_campaign(specification, workers=workers, store=store, progress=progress)
    if result.failed:
        warnings.warn(
            f"{result.failed} of {result.points} points of {name} failed, and its table lacks them; "
            f"the first: {result.failures[0][1].message}",
            FailedPointsWarning,
            stacklevel=2,
        )
    return result.table


class FailedPointsWarning(UserWarning):
    """A table lacks points that failed."""


@dataclass(frozen=True)
class Unseen:
    """Models against ngspice at random inputs that no fit has seen."""

    multiplier_rms: float
    multiplier_worst: float
    sharing_rms: float
    sharing_worst: float
    """``multiplier_rms``, ``multiplier_worst``, ``sharing_rms``, ``sharing_worst``: errors (V)."""
    codes: int
    codes_differ: int
    """``codes``, ``codes_differ``: conversions, and how many codes are not the model's."""
    farthest: float
    """Of these, the farthest from the threshold between (steps)."""


def unseen(periphery: Periphery, *, points: int = 16, seed: int = 7, workers: int | None = None) -> Unseen:
    """Compare at so many random inputs of each circuit.

    Raises
    ------
    SimulationError
        If a point fails.
    """
    rng = np.random.default_rng(seed)

    def run(bench: str, **axes: np.ndarray) -> pd.DataFrame:
        listed = {name: values.tolist() for name, values in axes.items()}
        return run_bench(bench, sweep={**listed, "zip": [list(axes)]}, workers=workers)

    codes = rng.permutation(16)[:points]
    one, other, low, high = rng.uniform(0, 0.12, (4, len(codes)))
    table = run("sram_multiplier", code=codes, discharge=one, discharge_bar=other)
    given = table[["discharge", "discharge_bar"]].to_numpy()
    product = (
        periphery.multiplier(given, table["code"].to_numpy()) - table[["output", "output_bar"]].to_numpy()
    )

    counts = np.array([5, 6, 7, 9, 10, 11, 12, 13, 14, 15])
    table = run(
        "sram_charge_sharing",
        columns=counts,
        first_discharge=low[: len(counts)],
        last_discharge=high[: len(counts)],
    )
    means = [
        float(periphery.sharing(np.linspace(first, last, int(count)))) - rail
        for first, last, count, rail in table[
            ["first_discharge", "last_discharge", "columns", "rail_discharge"]
        ].to_numpy()
    ]
    volts = rng.uniform(-0.07, 0.07, points)
    table = run("sram_converter", difference=volts)
    table = table[table["decision"] == 0]
    expected = periphery.converter(table["difference"].to_numpy())
    wrong = table[expected != table["code"]]["difference"].to_numpy()
    distance = np.abs(wrong[:, None] - periphery.converter.thresholds).min(axis=1, initial=np.inf)
    return Unseen(
        multiplier_rms=float(np.sqrt(np.mean(product**2))),
        multiplier_worst=float(np.abs(product).max()),
        sharing_rms=float(np.sqrt(np.mean(np.square(means)))),
        sharing_worst=float(np.abs(means).max()),
        codes=len(table),
        codes_differ=len(wrong),
        farthest=float(distance.max(initial=0.0)) / periphery.converter.step,
    )
