"""What the papers leave open, swept: the front of writes against output error, and what is gained over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd

from cimspice.crossbar.programming.memory import check_memory
from cimspice.crossbar.programming.networks import Network
from cimspice.crossbar.programming.plan import Plan
from cimspice.crossbar.programming.program import program
from cimspice.crossbar.programming.summary import summary
from cimspice.rram.model.write_cost import WriteCost

SMALL_NETWORK = 2_000_000
"""Weights up to which bits, rows, crossbars and scope are swept as well."""
SETTING = ("bits", "rows", "crossbars", "scope", "sign")
PUBLISHED = "sorted, random"
USEFUL_ERROR = 0.1
"""Output error up to which methods are compared: up to there no plan cost the digits 1 % of accuracy."""
_SUMMARISED = (
    "writes", "sets", "resets", "energy_joule", "time_second", "max_writes_per_cell", "lifetime_passes",
    "output_error", "quantisation_error", "reads_per_section", "accuracy",
)  # fmt: skip


def sweep_plans(plan: Plan, *, wide: bool) -> list[Plan]:
    """Plans around ``plan``: per setting the baseline, the published scheme over stuck columns and fractions,
    the weightiest columns first over the same, and nearest values over the price for each order.

    ``wide`` sweeps the setting (bits, rows, crossbars, scope) too; otherwise it is that of ``plan``.
    """
    settings = [plan]
    if wide:
        settings = [
            replace(plan, bits=bits, rows=rows, crossbars=crossbars, scope=scope)
            for bits, rows, crossbars, scope in product((6, 8), (64, 128), (4, 16), ("output", "layer"))
        ]
    return [one for setting in settings for one in _methods(setting, wide)]


def _methods(setting: Plan, wide: bool) -> Iterator[Plan]:
    yield replace(setting, order="unsorted", choice="exact", assignment="chunks")
    for assignment in ("chunks", "dealt") if wide else ("chunks",):
        yield replace(setting, order="sorted", choice="exact", assignment=assignment)
    columns, fractions = ((2, 3, 4, 5), (0.0, 0.25, 0.5, 0.75)) if wide else ((3, 4, 5), (0.25, 0.5))
    for choice, stuck, fraction in product(("random", "largest"), columns, fractions):
        if stuck <= setting.bits:
            yield replace(
                setting, order="sorted", choice=choice, stuck_columns=stuck, fraction=fraction,
                assignment="chunks",
            )  # fmt: skip
    for order in ("sorted", "gray", "hamming"):
        if order != "sorted":
            yield replace(setting, order=order, choice="exact", assignment="chunks")
        for price in (1.0, 4.0, 16.0, 64.0) if wide else (4.0, 16.0):
            yield replace(setting, order=order, choice="nearest", price=price, assignment="chunks")


def sweep(
    network: Network,
    plan: Plan,
    cost: WriteCost,
    *,
    seed: int = 0,
    progress: Callable[[str], None] = lambda layer: None,
) -> pd.DataFrame:
    """A row per plan of :func:`sweep_plans`: what was chosen, ``method`` (order and choice), the figures of
    :func:`~cimspice.crossbar.programming.summary.summary`, ``relative_writes`` and ``reduction`` against the
    baseline of the same setting."""
    plans = sweep_plans(plan, wide=network.weights <= SMALL_NETWORK)
    check_memory(network, plans)
    rows = []
    for one in program(network, plans, seed=seed, progress=progress):
        figures = summary(one, cost, network)
        chosen = one.plan.parameters
        row = {**chosen, **{name: figures[name] for name in _SUMMARISED}}
        row["method"] = f"{chosen['order']}, {chosen['choice']}"
        rows.append(row)
    table = pd.DataFrame(rows)
    base = table[table["order"] == "unsorted"].set_index(list(SETTING))["writes"]
    keys = pd.MultiIndex.from_frame(table[list(SETTING)])
    table["relative_writes"] = table["writes"] / base.loc[keys].to_numpy()
    table["reduction"] = 1.0 / table["relative_writes"]
    return table


def front(writes: Sequence[float], error: Sequence[float]) -> np.ndarray:
    """Indices of the points that no other one beats in both, by falling writes and rising error."""
    order = np.lexsort((np.asarray(writes), np.asarray(error)))
    ordered = np.asarray(writes)[order]
    best = np.minimum.accumulate(ordered)
    return order[np.append(True, best[1:] < best[:-1])]


def gains(table: pd.DataFrame) -> pd.DataFrame:
    """Writes of the published scheme over those of each other method at no larger output error.

    For every point of the published scheme (sorted sections, bits stuck at random) with an error of at most
    :data:`USEFUL_ERROR` the cheapest point of the
    method, in the same setting, whose error is no larger. Columns: ``method``, ``median``, ``smallest``,
    ``largest`` over these points, and how many ``points`` there were; a point that the method does not reach
    is not counted, and ``unreached`` is their number.
    """
    found: dict[str, list[float]] = {}
    missed: dict[str, int] = {}
    for _, setting in table.groupby(list(SETTING)):
        useful = setting["output_error"] <= USEFUL_ERROR
        published = setting[(setting["method"] == PUBLISHED) & useful]
        for method, points in setting.groupby("method"):
            if method == PUBLISHED:
                continue
            for writes, error in zip(published["writes"], published["output_error"], strict=True):
                reached = points.loc[points["output_error"] <= error, "writes"]
                if len(reached):
                    found.setdefault(str(method), []).append(writes / max(reached.min(), 1))
                else:
                    missed[str(method)] = missed.get(str(method), 0) + 1
    return pd.DataFrame(
        [
            {
                "method": method,
                "median": float(np.median(ratios)),
                "smallest": float(np.min(ratios)),
                "largest": float(np.max(ratios)),
                "points": len(ratios),
                "unreached": missed.get(method, 0),
            }
            for method, ratios in found.items()
        ]
    ).sort_values("median", ascending=False, ignore_index=True)
