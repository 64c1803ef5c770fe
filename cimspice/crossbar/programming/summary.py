"""The figures of a programmed network: writes, energy, time, wear, lifetime, error."""

from __future__ import annotations

from typing import Any

import numpy as np

from cimspice.crossbar.programming.networks import Network
from cimspice.crossbar.programming.program import Programmed
from cimspice.rram.model.write_cost import WriteCost

_PERCENTILES = (50, 90, 99)


def summary(done: Programmed, cost: WriteCost, network: Network) -> dict[str, Any]:
    """Figures of one pass of the network over its crossbars.

    ``time_second``: the cells of a crossbar are written one after another, crossbars side by side, so it is
    that of the crossbar that takes longest. ``lifetime_passes``: passes until the cell written most reaches
    the median endurance (two writes are one cycle); ``lifetime_passes_levelled`` the same were all cells
    written equally often. ``accuracy`` is None where it cannot be known.
    """
    sets, resets = done.sets, done.resets
    per_cell = sets + resets
    busiest = cost.time(sets.sum(axis=(1, 2)), resets.sum(axis=(1, 2))).max()
    return {
        "writes": done.writes,
        "sets": int(sets.sum()),
        "resets": int(resets.sum()),
        "energy_joule": float(cost.energy(int(sets.sum()), int(resets.sum()))),
        "time_second": float(busiest),
        "max_writes_per_cell": int(per_cell.max()),
        "mean_writes_per_cell": float(per_cell.mean()),
        "writes_per_cell_percentiles": {
            str(share): float(np.percentile(per_cell, share)) for share in _PERCENTILES
        },
        "writes_per_column": per_cell.sum(axis=(0, 1)).tolist(),
        "lifetime_passes": _passes(cost, per_cell.max()),
        "lifetime_passes_levelled": _passes(cost, per_cell.mean()),
        "output_error": done.output_error,
        "quantisation_error": done.quantisation_error,
        "reads_per_section": done.outputs_per_section,
        "accuracy": network.accuracy(done.weights) if network.accuracy and done.weights else None,
    }


def _passes(cost: WriteCost, writes: float) -> float:
    return float(2.0 * cost.endurance_cycles / writes) if writes else float("inf")
