"""A plan against the baselines and the published scheme, on the same network and crossbars."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cimspice.crossbar.programming.memory import check_memory
from cimspice.crossbar.programming.networks import Network
from cimspice.crossbar.programming.plan import Plan
from cimspice.crossbar.programming.program import Programmed, program
from cimspice.crossbar.programming.summary import summary
from cimspice.rram.model.write_cost import WriteCost

BASELINE = (
    "weights unsorted, sections in the layer's own order, layer after layer on the same crossbars, every "
    "cell that differs is written; one pass over crossbars erased before"
)


def compared_plans(plan: Plan) -> dict[str, Plan]:
    """The plans that are held against each other: baseline, sorted sections, the published scheme (sorted
    sections, random bits stuck), and the plan itself."""
    base = replace(plan, order="unsorted", choice="exact", assignment="chunks")
    ordered = replace(plan, order="sorted", choice="exact")
    stuck = replace(plan, order="sorted", choice="random")
    return {"baseline": base, "sorted": ordered, "sorted, bits stuck": stuck, "chosen": plan}


def compare(
    network: Network,
    plan: Plan,
    cost: WriteCost,
    *,
    seed: int = 0,
    progress: Callable[[str], None] = lambda layer: None,
) -> tuple[dict[str, Any], dict[str, Programmed]]:
    """Program the network by each of :func:`compared_plans`.

    Returns
    -------
    dict, dict
        All figures, as ``cimspice program --json`` prints them; and what was programmed, by method.

    Raises
    ------
    ParameterError
        If the memory estimated is more than is free.
    MappingError
        If a weight is not finite.
    """
    plans = compared_plans(plan)
    memory = check_memory(network, list(plans.values()))
    done = dict(zip(plans, program(network, list(plans.values()), seed=seed, progress=progress), strict=True))
    methods = [
        {"method": name, **one.plan.parameters, **summary(one, cost, network)} for name, one in done.items()
    ]
    base, chosen = methods[0], methods[-1]
    trained = None
    if network.accuracy is not None:
        trained = network.accuracy([layer.load() for layer in network.layers])
    for entry in methods:
        entry["reduction"] = base["writes"] / max(entry["writes"], 1)
        entry["accuracy_change"] = None if trained is None else entry["accuracy"] - trained
    figures = {key: value for key, value in chosen.items() if key not in ("method", *plan.parameters)}
    figures |= {
        f"{key}_baseline": base[key]
        for key in ("writes", "sets", "resets", "energy_joule", "time_second", "max_writes_per_cell",
                    "lifetime_passes", "accuracy")
    }  # fmt: skip
    facts = {
        **figures,
        "writes_every_cell": done["chosen"].cells_used,
        "accuracy_trained": trained,
        "network": network.name,
        "weights": network.weights,
        "source": network.source,
        "inputs": network.inputs,
        "seed": seed,
        "plan": plan.parameters,
        "baseline": BASELINE,
        "write_cost": {**cost.parameters(), "endurance_law": cost.endurance_law, "origin": cost.origin},
        "methods": methods,
        "layers": [vars(layer) for layer in done["chosen"].layers],
        "memory_bytes_estimated": memory,
    }
    return facts, done
