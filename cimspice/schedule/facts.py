"""What a schedule says: the keys of ``cimspice schedule --json``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cimspice.schedule.engine import Layer, Sets, makespan
from cimspice.schedule.latency import latency_bound
from cimspice.schedule.plan import Schedule
from cimspice.schedule.replay import check_reads


def schedule_facts(plan: Schedule) -> dict[str, Any]:
    """What ``cimspice schedule --json`` prints, without the versions."""
    given, card, graph = plan.settings, plan.card, plan.graph
    time, images, minimum = card.time_per_mvm, given.images, sum(plan.costs)
    serial, bound = plan.layer_by_layer(), plan.bound
    first, servers = plan.times[0], plan.servers()
    live, each = plan.buffers
    replay, early = check_reads(graph, servers, first, plan.arrival)
    latency, latency_layer = latency_bound(graph, servers)
    unlimited = plan.steps if given.link is None else makespan(plan.without_link())
    mvm, (sent, partial) = images * plan.work * card.energy_per_mvm, plan.bytes_sent
    transfer = images * (sent + partial) * card.transfer_energy
    idle = card.idle_energy(plan.present, plan.steps * time)
    alone = card.idle_energy(minimum, images * serial * time)
    busiest = max(servers.values(), key=lambda one: one.busiest)
    sets = [servers[node.name] for node in plan.layers]
    return {
        "network": graph.name,
        "input": {"channels": graph.channels, "height": graph.height, "width": graph.width},
        "remarks": _remarks(plan),
        "settings": {
            "sets": given.sets,
            "split": given.split,
            "objective": given.objective,
            "leftover": given.leftover,
            "dense": given.elements.dense,
            "depthwise": given.elements.depthwise,
            "link": given.link,
            "extra": given.extra,
            "row_time_second": given.row_time,
        },
        "card": {
            "origin": card.origin,
            "idle_off": bool(card.gated),
            "error": card.error,
            "extrapolated": card.extrapolated,
        },
        "mvm_time_second": time,
        "pe": {
            "rows": given.elements.rows,
            "columns": given.elements.columns,
            "columns_per_weight": given.elements.columns_per_weight,
            "minimum": minimum,
            "present": plan.present,
            "used": plan.used,
            "busiest_layer": busiest.node.name,
            "busiest_second": images * busiest.busiest * time,
        },
        "layers": [_layer_facts(plan, number, first) for number in range(len(plan.layers))],
        "sets": {
            "rows": Sets.of(given.sets).rows,
            "columns": Sets.of(given.sets).columns,
            "count": sum(len(one.counts) for one in sets),
        },
        "split": given.split,
        "layer_by_layer": {
            "steps": serial,
            "seconds": serial * time,
            "utilisation": plan.utilisation(serial, 1, minimum),
            "best_steps": plan.best_layer_by_layer,
        },
        "duplicated": {"steps": plan.layer_by_layer(plan.copies), "objective": given.objective},
        "cross_layer": {
            "steps": _whole(plan.steps),
            "seconds": plan.steps * time,
            "utilisation": plan.utilisation(plan.steps, images, plan.present),
        },
        "speedup": {
            "over_layer_by_layer": images * serial / plan.steps,
            "over_best_layer_by_layer": images * plan.best_layer_by_layer / plan.steps,
        },
        "bound": {
            "steps": bound[0],
            "layer": bound[1],
            "latency_steps": latency,
            "latency_layer": latency_layer,
        },
        "images": images,
        "interval_second": plan.interval * time,
        "buffers": {
            "peak_bytes": live.peak,
            "peak_step": _whole(live.peak_time),
            "per_layer": {name: one.peak for name, one in each.items()},
            "limited": plan.buffer_rows,
            "deadlock": None,
        },
        "transfer": {
            "bytes": images * sent,
            "partial_sum_bytes": images * partial,
            "seconds_added": (plan.steps - unlimited) * time,
        },
        "energy": {
            "mvm_joule": mvm,
            "idle_joule": idle,
            "transfer_joule": transfer or None,
            "total_joule": mvm + idle + transfer,
            "layer_by_layer_total_joule": mvm + alone + transfer,
        },
        "one_more": plan.one_more(),
        "replay": {
            "max_difference": replay.max_difference,
            "missing_reads": replay.missing_reads,
            "mvms": replay.mvms,
            "layers_that_cannot_be_earlier": sum(count > 0 for count in early.values()),
        },
    }


def _remarks(plan: Schedule) -> list[str]:
    """What is left out or supposed, in words."""
    elements, found = plan.settings.elements, []
    left = [node for node in plan.graph.base if not elements.uses(node)]
    if left:
        names = ", ".join(node.name for node in left[:5]) + ", ..." * (len(left) > 5)
        found.append(f"layers without crossbars, which take no time: {len(left)} ({names})")
    if elements.columns_per_weight == 1:
        found.append("one column a weight, as published counts have it; signed weights need 2")
    if plan.settings.split == "shared" and Sets.of(plan.settings.sets) == Sets(1, 1):
        found.append("copies share sets of one pixel: one copy of each layer computes")
    return found


def _layer_facts(plan: Schedule, number: int, times: Mapping[str, Layer]) -> dict[str, Any]:
    node, copies = plan.layers[number], plan.copies[number]
    inputs, outputs = plan.graph.matrix(node)
    layer = times[node.name]
    return {
        "name": node.name,
        "kind": node.kind if node.groups == 1 else "grouped conv",
        "rows": inputs,
        "columns": outputs * plan.settings.elements.columns_per_weight,
        "groups": node.groups,
        "pes": plan.costs[number],
        "pixels": node.pixels,
        "copies": copies,
        "start": _whole(float(layer.end.min()) - 1),
        "finish": _whole(float(layer.done.max())),
        "busy": node.pixels * plan.settings.images / (copies * plan.steps),
    }


def _whole(steps: float) -> float:
    """A whole number as one."""
    return int(steps) if float(steps).is_integer() else float(steps)
