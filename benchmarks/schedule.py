"""CPU time of a schedule beside a discrete-event simulation and a plain loop, in one process.

    python benchmarks/schedule.py [--network resnet152] [--extra 0] [--repeats 7] [--json]

All three compute when every pixel of the network ends, sets of one pixel dealt in turn to copies, and must
agree. The simulation is written with simpy: a process for each copy of a layer and an event for each
matrix-vector product. The loop takes the maximum over each pixel's window in plain Python. CPU seconds from
the graph and its copies to the result, of the schedule the median of the repeats; of the simulation also
those of the run alone, without what each product waits for being looked up.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from typing import Any

import simpy

from cimspice.schedule import Graph, Node, Schedule, Settings, load_graph

Place = tuple[str, int, int]


def read_by(graph: Graph, node: Node, y: int, x: int) -> list[Place]:
    """Pixels of the maps before that a pixel reads."""
    found = []
    for source in graph.inputs_of(node):
        if node.kind in ("conv", "pool"):
            top, left = y * node.stride[0] - node.padding[0], x * node.stride[1] - node.padding[1]
            found += [
                (source.name, i, j)
                for i in range(max(top, 0), min(top + node.kernel[0], source.height))
                for j in range(max(left, 0), min(left + node.kernel[1], source.width))
            ]
        elif node.kind == "gather" and node.rows is not None and node.columns is not None:
            found.append((source.name, int(node.rows[y]), int(node.columns[x])))
        elif node.kind in ("dense", "global_pool"):
            found += [(source.name, i, j) for i in range(source.height) for j in range(source.width)]
        else:
            found.append((source.name, y, x))
    return found


def by_loop(graph: Graph, copies: dict[str, int]) -> int:
    """Steps, by a loop over pixels."""
    done = {"input": [[0] * graph.width for _ in range(graph.height)]}
    latest = 0
    for node in graph.nodes:
        count = copies.get(node.name, 0)
        free, number, rows = [0] * count, 0, []
        for y in range(node.height):
            row = []
            for x in range(node.width):
                start = 0
                for name, i, j in read_by(graph, node, y, x):
                    start = max(start, done[name][i][j])
                if count:
                    copy = number % count
                    start = free[copy] = max(start, free[copy]) + 1
                    number += 1
                row.append(start)
            rows.append(row)
        done[node.name] = rows
        latest = max(latest, max(map(max, rows)))
    return latest


def by_simpy(graph: Graph, copies: dict[str, int]) -> tuple[int, float]:
    """Steps, by processes and events; and the CPU time of the run alone."""
    world = simpy.Environment()
    events: dict[Place, Any] = {}
    reads: dict[Place, list[Place]] = {}
    waiting: dict[Place, int] = {}
    readers: dict[Place, list[Place]] = {}
    for node in graph.nodes:
        for y in range(node.height):
            for x in range(node.width):
                place = node.name, y, x
                found = [one for one in read_by(graph, node, y, x) if one[0] != "input"]
                events[place] = world.event()
                if node.name in copies:
                    reads[place] = found
                else:
                    waiting[place] = len(found)
                    for one in found:
                        readers.setdefault(one, []).append(place)

    def finish(place: Place) -> None:
        events[place].succeed()
        for reader in readers.get(place, ()):
            waiting[reader] -= 1
            if not waiting[reader]:
                finish(reader)

    def copy_of(node: Node, first: int):
        for number in range(first, node.pixels, copies[node.name]):
            place = (node.name, *divmod(number, node.width))
            for one in reads[place]:
                if not events[one].triggered:
                    yield events[one]
            yield world.timeout(1)
            finish(place)

    for node in graph.nodes:
        for first in range(copies.get(node.name, 0)):
            world.process(copy_of(node, first))
    begin = time.process_time()
    world.run()
    return int(world.now), time.process_time() - begin


def measure(network: str, extra: int, repeats: int) -> dict[str, Any]:
    """Times of all three, and ratios."""
    graph = load_graph(network)
    plan = Schedule(graph, Settings(extra=extra, sets="pixel"))
    copies = {node.name: count for node, count in zip(plan.layers, plan.copies, strict=True)}
    seconds, steps = [], 0.0
    for _ in range(repeats):
        again = Schedule(graph, plan.settings)
        _ = again.copies
        begin = time.process_time()
        steps = again.steps
        seconds.append(time.process_time() - begin)
    begin = time.process_time()
    looped = by_loop(graph, copies)
    loop_seconds = time.process_time() - begin
    begin = time.process_time()
    simulated, run_seconds = by_simpy(graph, copies)
    simpy_seconds = time.process_time() - begin
    if not steps == looped == simulated:
        raise SystemExit(f"{network}: {steps:g} steps, the loop {looped}, simpy {simulated}")
    own = statistics.median(seconds)
    return {
        "steps": int(steps),
        "schedule_cpu_seconds": own,
        "loop_cpu_seconds": loop_seconds,
        "simpy_cpu_seconds": simpy_seconds,
        "vs_loop": loop_seconds / own,
        "vs_simpy": simpy_seconds / own,
        "vs_simpy_run": run_seconds / own,
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", default="resnet152")
    parser.add_argument("--extra", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = {given.network: measure(given.network, given.extra, given.repeats)}
    if given.json:
        json.dump(found, sys.stdout, indent=2)
        print()
        return
    for name, one in found.items():
        print(
            f"{name}: {one['steps']:,} steps in {1e3 * one['schedule_cpu_seconds']:.1f} ms of CPU; a plain "
            f"loop {one['vs_loop']:.0f} times, simpy {one['vs_simpy']:.0f} times as much (its run alone "
            f"{one['vs_simpy_run']:.0f} times)"
        )


if __name__ == "__main__":
    main()
