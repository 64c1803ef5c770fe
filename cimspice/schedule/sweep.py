"""Schedules with more and more crossbars, side by side in worker processes."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import product
from typing import Any

from cimspice.progress import OnProgress, Progress, silent
from cimspice.schedule.element_card import ElementCard
from cimspice.schedule.graph import Graph
from cimspice.schedule.plan import Schedule, Settings


def sweep(
    graph: Graph,
    settings: Settings,
    card: ElementCard,
    extras: Sequence[int],
    splits: Sequence[str],
    *,
    jobs: int = 1,
    progress: OnProgress = silent,
) -> list[dict[str, Any]]:
    """Latency, throughput and energy for each number of spare crossbars and each split, in this order."""
    asked = [replace(settings, split=split, extra=extra) for split, extra in product(splits, extras)]  # pyright: ignore[reportArgumentType]
    stage = "schedules with more crossbars"
    progress(Progress(stage=stage, points=len(asked)))
    found = []
    with ProcessPoolExecutor(min(jobs, len(asked))) as pool:
        for one in pool.map(_point, [graph] * len(asked), asked, [card] * len(asked)):
            found.append(one)
            progress(Progress(stage=stage, done=len(found), points=len(asked)))
    return found


def _point(graph: Graph, settings: Settings, card: ElementCard) -> dict[str, Any]:
    plan, time = Schedule(graph, settings, card), card.time_per_mvm
    images = settings.images
    idle = card.idle_energy(plan.present, plan.steps * time)
    return {
        "extra": settings.extra,
        "split": settings.split,
        "present": plan.present,
        "used": plan.used,
        "steps": plan.steps,
        "seconds": plan.steps * time,
        "images_per_second": 1 / (plan.interval * time),
        "energy_joule": plan.work * card.energy_per_mvm
        + idle / images
        + sum(plan.bytes_sent) * card.transfer_energy,
        "utilisation": plan.utilisation(plan.steps, images, plan.present),
        "over_layer_by_layer": images * plan.layer_by_layer() / plan.steps,
        "over_best_layer_by_layer": images * plan.best_layer_by_layer / plan.steps,
        "bound_steps": plan.bound[0],
    }
