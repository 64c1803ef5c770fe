"""A bound of a schedule's time that counts how a network fills and drains, whatever the order of the sets.

A layer cannot start before something of the layers before it is done, its busiest copy computes its share,
and after its last set, whichever that is, every layer behind it has at least one set to compute.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cimspice.schedule.buffers import spread_back
from cimspice.schedule.engine import Array, Servers, ready
from cimspice.schedule.graph import INPUT, Graph


def latency_bound(graph: Graph, servers: Mapping[str, Servers]) -> tuple[int, str]:
    """Least steps of an image with these copies, sets and split, and the layer that decides."""
    done: dict[str, Array] = {INPUT: np.zeros((graph.height, graph.width), dtype=np.int64)}
    fill: dict[str, int] = {}
    for node in graph.nodes:
        start = ready(graph, node, done)
        if node.name in servers:
            one = servers[node.name]
            start = one.latest(start)
            fill[node.name] = int(start.min())
            start = start + one.set_steps()
        done[node.name] = start
    behind = {
        node.name: np.zeros((node.height, node.width), dtype=np.int64) for node in graph.by_name.values()
    }
    drain: dict[str, int] = {}
    for node in reversed(graph.nodes):
        after = behind[node.name]
        if node.name in servers:
            one = servers[node.name]
            after = one.latest(after)
            drain[node.name] = int(after.min())
            after = after + one.set_steps()
        for source in graph.inputs_of(node):
            spread_back(node, source, after, behind[source.name])
    totals = {name: fill[name] + one.busiest + drain[name] for name, one in servers.items()}
    slowest = max(totals, key=lambda name: totals[name])
    return totals[slowest], slowest
