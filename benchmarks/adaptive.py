"""Simulations that an adaptive campaign saves against a full grid, at equal error on points of neither.

Two circuits: the synapse (gate bias, membrane voltage, temperature, corner) and the read current of the 6T
cell (supply, word line, bit line, temperature, corner). Error: rms over independent points, drawn at random
between the grids' ends, of the current's error as a fraction of the current (of the synapse: of the current
plus 10 pA, a ten-thousandth of a unit weight's). A full grid gets the best of several interpolators (linear,
cubic and quintic splines of the logarithm on each axis and, if whole, the adaptive campaign's own process,
with its axes mixed and apart); the adaptive campaign gets what it has, and its held-out points count as
simulations.

- ``saving``: simulations of the full grid over those after which the adaptive campaign's error is, and stays,
  no larger. One simulation is one operating point.
- ``choice_cpu_seconds``: of choices and fits up to there; ``simulation_cpu_seconds``: of one simulation.
- ``saving_least``: the least such ratio over the thinned grids that no smaller one beats, and the full one.
- ``saving_curves`` (synapse): as ``saving`` where one simulation is one sweep of the membrane voltage, on
  either side, and the error is that of curves that neither has run.

Run ``python benchmarks/adaptive.py --json``; some minutes on two cores. ``--output FILE.png`` draws the
errors.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from adaptive_cases import COLD, CORNERS, HOT, SRAM, SYNAPSE, Case, samples
from adaptive_grids import DEGREES, PROCESSES, Grid, best_grid_errors, spline_prediction
from threadpoolctl import threadpool_limits

from cimspice.campaign import parse_specification
from cimspice.campaign.adaptive import Search
from cimspice.campaign.environment import Environment
from cimspice.campaign.gaussian_process import GaussianProcess
from cimspice.campaign.plan import Plan
from cimspice.campaign.run import run_campaign
from cimspice.campaign.runner import Engine
from cimspice.campaign.store import Store
from cimspice.progress import silent
from cimspice.spice import Pool

TEMPERATURES_CHECKED = 16
WORKERS = 2
SEED = 11
"""Of the independent points. What was chosen looking at these can be tried on others: ``--seed``."""


@dataclass(frozen=True)
class Bench:
    """Where simulations are run and kept."""

    engine: Engine
    store: Store
    environment: Environment
    seed: int = SEED

    def run(self, raw: dict[str, Any]) -> pd.DataFrame:
        """Table of an ordinary campaign."""
        specification = parse_specification(raw)
        result = run_campaign(
            specification, store=self.store, engine=nullcontext(self.engine), environment=self.environment
        )
        assert not result.failed, result.failures[0]
        return result.table

    def search(self, raw: dict[str, Any], watch: Any) -> Search:
        """An adaptive campaign that has spent its budget."""
        found = Search(Plan(parse_specification(raw), self.environment), self.store, silent, WORKERS, watch)
        found.run(nullcontext(self.engine))
        assert not found.failed
        return found


@dataclass(frozen=True)
class Fitted:
    """A fit of an adaptive campaign: simulations so far, error at the independent points, and the CPU time of
    all choices and fits up to it, without that of the simulations.
    """

    points: int
    error: float
    cpu_seconds: float


def grid_table(case: Case, bench: Bench) -> pd.DataFrame:
    """All points of the full grid."""
    sweep: dict[str, Any] = {
        name: {"start": low, "stop": high, "num": count} for name, (low, high, count) in case.axes.items()
    }
    sweep |= {"corners": CORNERS, "temperatures": {"start": COLD, "stop": HOT, "num": case.temperatures}}
    return bench.run({"campaign": {"bench": case.bench}, "sweep": sweep})


def independent(case: Case, bench: Bench) -> pd.DataFrame:
    """Points that are on no grid, under every corner."""
    generator = np.random.default_rng(bench.seed)
    low, high = np.array([ends[:2] for ends in case.axes.values()]).T
    tables = []
    for temperature in generator.uniform(COLD, HOT, TEMPERATURES_CHECKED):
        drawn = generator.uniform(low, high, (case.checked, len(low)))
        sweep: dict[str, Any] = {name: drawn[:, k].tolist() for k, name in enumerate(case.axes)}
        sweep |= {"zip": [list(case.axes)], "corners": CORNERS, "temperatures": [float(temperature)]}
        tables.append(bench.run({"campaign": {"bench": case.bench}, "sweep": sweep}))
    return pd.concat(tables, ignore_index=True)


def point_error(case: Case, table: pd.DataFrame, process: GaussianProcess) -> float:
    """Error of a fit of points at the independent ones."""
    predicted = np.exp(process.predict(samples(case, table))[:, 0])
    return case.error(predicted, table[case.column].to_numpy())


def independent_curves(case: Case, bench: Bench) -> pd.DataFrame:
    """Curves at places that are on no grid, under every corner, at the full grid's values."""
    generator = np.random.default_rng(bench.seed)
    axes = {name: axis for name, axis in case.axes.items() if name != case.swept}
    low, high = np.array([ends[:2] for ends in axes.values()]).T
    tables = []
    for temperature in generator.uniform(COLD, HOT, TEMPERATURES_CHECKED):
        drawn = generator.uniform(low, high, (case.checked // 2, len(low)))
        sweep: dict[str, Any] = {name: drawn[:, k].tolist() for k, name in enumerate(axes)}
        sweep |= {"corners": CORNERS, "temperatures": [float(temperature)]}
        sweep |= {"zip": [list(axes)]} if len(axes) > 1 else {}
        raw = {"campaign": {"bench": case.curve_bench}, "parameters": case.curve, "sweep": sweep}
        tables.append(bench.run(raw))
    table = pd.concat(tables, ignore_index=True)
    kept = np.isclose(table[case.swept].to_numpy()[:, None], case.values, atol=1e-9)
    table[case.swept] = case.values[kept.argmax(axis=1)]
    return table[kept.any(axis=1)]


def curve_error(case: Case, table: pd.DataFrame, process: GaussianProcess) -> float:
    """Error of a fit of curves at the independent ones."""
    heads = table[table[case.swept] == case.values[0]]
    logarithms = process.predict(samples(case, heads, curves=True))
    logarithms = logarithms[:, :: (logarithms.shape[1] - 1) // (len(case.values) - 1)]
    errors = [
        case.error(np.exp(logarithms[:, k]), table.loc[table[case.swept] == value, case.column].to_numpy())
        for k, value in enumerate(case.values)
    ]
    return float(np.sqrt(np.mean(np.square(errors))))


def grid_curve_error(case: Case, table: pd.DataFrame, grid: Grid) -> float:
    """Error of the full grid's curves at the independent ones, with the best spline over the other axes."""
    best = []
    for degree in DEGREES.values():
        errors = []
        for value in case.values:
            rows = table[table[case.swept] == value]
            predicted = spline_prediction(grid.at(case.swept, value), rows, degree)
            errors.append(case.error(predicted, rows[case.column].to_numpy()))
        best.append(np.sqrt(np.mean(np.square(errors))))
    return float(min(best))


def adaptive_errors(case: Case, bench: Bench, table: pd.DataFrame, *, curves: bool) -> list[Fitted]:
    """What each fit of an adaptive campaign came to."""
    axes = {name: axis for name, axis in case.axes.items() if not (curves and name == case.swept)}
    sweep: dict[str, Any] = {
        name: {"start": low, "stop": high, "num": case.fine[name]} for name, (low, high, _) in axes.items()
    }
    sweep |= {"corners": CORNERS, "temperatures": {"start": COLD, "stop": HOT, "step": 7.5}}
    adaptive = {
        "column": case.column,
        "negligible": case.negligible,
        "target": 1e-9,  # never met: the whole curve of errors is wanted
        "budget": case.curve_budget if curves else case.budget,
        "batch": 5 if curves else case.batch,
        "held_out": 15 if curves else 50,
    }
    raw = {
        "campaign": {"bench": case.curve_bench if curves else case.bench},
        "parameters": case.curve if curves else {},
        "sweep": sweep,
        "adaptive": adaptive,
    }
    found: list[Fitted] = []
    judge, began, judging = (
        partial(curve_error if curves else point_error, case, table),
        time.process_time(),
        0.0,
    )

    def watch(count: int, process: GaussianProcess) -> None:
        nonlocal judging
        now = time.process_time()
        error = judge(process)
        found.append(Fitted(count, error, now - began - judging))
        judging += time.process_time() - now

    bench.search(raw, watch)
    return found


def needed(fits: list[Fitted], target: float) -> Fitted | None:
    """The first fit from which on the error is no larger than the target."""
    above = [k for k, fit in enumerate(fits) if fit.error > target]
    after = above[-1] + 1 if above else 0
    return fits[after] if after < len(fits) else None


def assess(case: Case, bench: Bench) -> dict[str, Any]:
    """Everything about one circuit."""
    began = time.process_time()
    print(f"{case.name} ...", file=sys.stderr, flush=True)
    table, full = independent(case, bench), grid_table(case, bench)
    values = table[case.column].to_numpy()
    grid = Grid.of(full, [*case.axes, "temperature"], "corner", case.column)
    grids = best_grid_errors(
        grid, table, lambda predicted: case.error(predicted, values), partial(samples, case)
    )
    whole = grids[0]
    fits = adaptive_errors(case, bench, table, curves=False)
    adaptive = needed(fits, whole.error)
    ratios = {
        entry.points: entry.points / fit.points
        for entry in grids
        if entry.unbeaten and (fit := needed(fits, entry.error)) is not None
    }
    return {
        "saving": adaptive and whole.points / adaptive.points,
        "points_full": whole.points,
        "points_adaptive": adaptive and adaptive.points,
        "choice_cpu_seconds": adaptive and adaptive.cpu_seconds,
        "simulation_cpu_seconds": bench.store.mean_cpu_seconds(case.bench),
        "held_out_error": whole.error,
        "interpolator_full": whole.interpolator,
        "errors_full": whole.errors,
        "saving_least": min(ratios.values()),
        "saving_by_grid": ratios,
        "independent_points": len(table),
        "grids": [vars(entry) for entry in grids],
        "history": [(fit.points, fit.error) for fit in fits],
        "cpu_seconds": time.process_time() - began,
    } | (assess_curves(case, bench, grid) if case.curve_bench else {})


def assess_curves(case: Case, bench: Bench, grid: Grid) -> dict[str, Any]:
    """The same where a simulation is a curve."""
    checks = independent_curves(case, bench)
    fits = adaptive_errors(case, bench, checks, curves=True)
    target = grid_curve_error(case, checks, grid)
    full, chosen = grid.points // len(case.values), needed(fits, target)
    return {
        "saving_curves": chosen and full / chosen.points,
        "curves_full": full,
        "curves_adaptive": chosen and chosen.points,
        "held_out_error_curves": target,
        "history_curves": [(fit.points, fit.error) for fit in fits],
    }


def draw(results: dict[str, dict[str, Any]], path: Path) -> None:
    """Error over simulations, full grids and adaptive campaign."""
    from cimspice.report.colours import colours_of
    from cimspice.report.style import GREY, legend_above, plain_log_axes, sheet

    ways = (*DEGREES, *PROCESSES)
    with sheet(10, 4.6) as canvas:
        for axes, (name, result) in zip(np.ravel(canvas.subplots(1, 2)), results.items(), strict=True):
            for way, mark, colour in zip(ways, "vsDo^", colours_of(ways), strict=True):
                known = [(entry["points"], entry["errors"][way]) for entry in result["grids"]
                         if way in entry["errors"]]  # fmt: skip
                style: dict[str, Any] = {"color": colour, "ms": 4, "alpha": 0.7, "linestyle": "none"}
                axes.plot(*zip(*known, strict=True), marker=mark, label=f"full grids, {way}", **style)
            axes.plot(*zip(*result["history"], strict=True), "-", color="k", label="adaptive")
            error = "error of the largest grid"
            axes.axhline(result["held_out_error"], color=GREY, lw=0.8, ls="--", label=error)
            title = f"{name}: {result['points_full']} simulations against {result['points_adaptive']}"
            axes.set(xscale="log", yscale="log", xlabel="simulations", title=title)
            axes.set_ylabel("rms error, relative")
        legend_above(canvas)
        plain_log_axes(canvas)
        canvas.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--output", type=Path, metavar="FILE.png", help="draw error over simulations")
    parser.add_argument("--store", type=Path, help="keep finished points in this file; default: a new one")
    parser.add_argument("--seed", type=int, default=SEED, help="of the independent points")
    options = parser.parse_args()
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        threadpool_limits(1),  # as in the campaign itself
        Pool(WORKERS) as pool,
        Store(options.store or Path(folder) / "points.sqlite") as store,
    ):
        bench = Bench(pool, store, Environment.detect(), options.seed)
        results = {case.name: assess(case, bench) for case in (SYNAPSE, SRAM)}
    if options.output:
        draw(results, options.output)
    whole = {**results, "seconds": time.monotonic() - began, "load": os.getloadavg()}
    if options.json:
        print(json.dumps(whole, indent=2))
        return
    for name, result in results.items():
        full, chosen = result["points_full"], result["points_adaptive"]
        print(
            f"{name}: full grid {full}, error {result['held_out_error']:.2e} ({result['interpolator_full']})"
        )
        print(f"  adaptive {chosen}; saving {result['saving']}, least {result['saving_least']}")
        if "curves_full" in result:
            print(f"  curves: {result['curves_full']} against {result['curves_adaptive']}")


if __name__ == "__main__":
    main()
