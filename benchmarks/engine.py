"""A loaded engine in two workers against one ``ngspice -b`` per point with the full SKY130 library.

Three jobs of 200 points each:

- ``vtc``: transfer curve of an inverter (181 points) over 5 widths x 8 supplies x 5 corners;
- ``snm``: butterfly of a 6T cell (181 points), every transistor with its own threshold mismatch;
- ``read``: read of a 6T cell, 20 ns in steps of at most 20 ps, with the same mismatch.

What is compared, and how:

- *Ours*: a `Pool` of two workers that has started. A job's time runs from the first item sent to the last
  result received: slicing the models, loading, altering, running, sending the arrays back. The median of the
  rounds. In the first round (``first_seconds``) each worker also reads the PDK and cuts its models out for
  the first time; ``ratio_with_startup`` takes that round and adds the start of the pool.
- *Reference*: how it is done by hand: for each point a deck with ``.lib`` of the full combined library, run
  by ``ngspice -b``, one after another. Each run costs seconds, so a sample of the points is run, between
  the rounds of ours, and its mean stands for all of them (``--all`` runs all). ``ratio`` is reference per
  point over ours per point in wall time; ``cpu_ratio`` the same in CPU time, where the second worker gains
  nothing.
- The full library has no ``delvto``. For the reference its three SRAM subcircuits get that one parameter in a
  private copy of the library, otherwise unchanged. Ours alters ``@m...[delvto]`` of the loaded circuit.
- ``max_difference``: largest difference of any value of any vector at the sampled points, over the vector's
  largest magnitude; 0.0 is bit for bit.
- ``cpu_over_analysis``: CPU time of our workers during the job over that spent inside ngspice's analysis
  commands.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from cimspice import pdk
from cimspice.bench import Bench, bench
from cimspice.netlist import Netlist
from cimspice.spice import Analysis, Pool, Session, Waveforms
from cimspice.spice.batch import run_deck
from cimspice.spice.deck import Deck

WORKERS = 2
SAMPLES = 200
SEED = 20250
BARS = {"vtc": 1000.0, "snm": 800.0, "read": 250.0}
WIDTHS = (0.5e-6, 0.75e-6, 1e-6, 2e-6, 4e-6)
SUPPLIES = (0.9, 1.0, 1.1, 1.2, 1.35, 1.5, 1.65, 1.8)
SRAM_DEVICES = ("special_nfet_latch", "special_nfet_pass", "special_pfet_latch")

Curve = tuple[float, str, float]
Cell = tuple[str, int, dict[str, float]]


@cache
def inverter(width: float) -> Netlist:
    """The inverter at its default supply, which is altered afterwards."""
    chosen = bench("inverter")
    return chosen.netlist(chosen.Parameters(pull_down_width=width, pull_up_width=2 * width))


@cache
def inverter_sweep(supply: float) -> Analysis:
    chosen = bench("inverter")
    return chosen.analysis(chosen.Parameters(supply_voltage=supply))


@cache
def cell(name: str) -> tuple[Netlist, Analysis]:
    """Netlist and analysis of a bench of the SRAM cell."""
    chosen: Bench = bench(name)
    return chosen.netlist(chosen.Parameters()), chosen.analysis(chosen.Parameters())


def run_curve(session: Session, point: Curve) -> dict[str, np.ndarray]:
    """One transfer curve in a worker."""
    width, corner, supply = point
    session.configure(inverter(width), corner=corner, alterations={"vsupply": supply})
    return dict(session.run(inverter_sweep(supply)).vectors)


def run_cell(session: Session, point: Cell) -> dict[str, np.ndarray]:
    """One cell with its mismatch in a worker."""
    name, _, shifts = point
    netlist, analysis = cell(name)
    session.configure(netlist, alterations=shifts)
    return dict(session.run(analysis).vectors)


def draw(name: str, sample: int) -> dict[str, float]:
    """Threshold shifts (V) of one sample, by instance."""
    return pdk.draw_mismatch(pdk.threshold_sigmas(cell(name)[0].text), SEED, sample)


def cells(name: str) -> list[Cell]:
    """All samples of a cell, with what is to be altered."""
    text = cell(name)[0].text
    points = []
    for sample in range(SAMPLES):
        altered = pdk.mismatch_alterations(text, draw(name, sample))
        points.append((name, sample, {f"@{path}[delvto]": shift for path, shift in altered.items()}))
    return points


def full_deck(text: str, library: Path, corner: str) -> Deck:
    """The deck that one writes by hand: the full library and the circuit."""
    title, *circuit = text.splitlines()
    lines = [title, ".temp 27.0", f'.lib "{library}" {corner}', *circuit]
    return Deck(tuple(line for line in lines if line.strip()), frozenset(), {}, corner)


def reference_curve(point: Curve, libraries: Libraries) -> Waveforms:
    """The same curve by ``ngspice -b``."""
    width, corner, supply = point
    chosen = bench("inverter")
    parameters = chosen.Parameters(pull_down_width=width, pull_up_width=2 * width, supply_voltage=supply)
    deck = full_deck(chosen.netlist(parameters).text, libraries.untouched, corner)
    return run_deck(deck, inverter_sweep(supply))


def reference_cell(point: Cell, libraries: Libraries) -> Waveforms:
    """The same cell by ``ngspice -b``."""
    name, sample, _ = point
    netlist, analysis = cell(name)
    text = pdk.with_mismatch(netlist.text, draw(name, sample))
    return run_deck(full_deck(text, libraries.with_shifts, "tt"), analysis)


@dataclass(frozen=True)
class Libraries:
    """The full library as it is, and with ``delvto`` in its SRAM subcircuits."""

    untouched: Path
    with_shifts: Path


def make_libraries(folder: Path) -> Libraries:
    """Copy the library into ``folder``; three of the files get a parameter."""
    library = pdk.locate().library()
    root = library.parent.parent
    for part in (library.parent.name, "cells"):
        # Copies, since ngspice follows a link before it looks for what a file includes.
        shutil.copytree(root / part, folder / part)
    for device in SRAM_DEVICES:
        name = f"sky130_fd_pr__{device}"
        path = folder / "cells" / device / f"{name}.pm3.spice"
        path.write_text(with_shift_parameter(path.read_text(), name))
    return Libraries(library, folder / library.relative_to(root))


def with_shift_parameter(text: str, device: str) -> str:
    """A subcircuit's file with ``delvto`` as a parameter (V, default 0) that its transistor takes."""
    lines = text.splitlines()
    changed = 0
    for k, line in enumerate(lines):
        words = line.split()
        if words[:2] == [".subckt", device]:
            lines[k], changed = f"{line} delvto=0", changed + 1
        elif words[:1] == [f"m{device}"]:
            lines[k], changed = f"{line} delvto={{delvto}}", changed + 1
    if changed != 2:
        raise SystemExit(f"{device}: its file is not as expected; the reference cannot take mismatch")
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Job:
    """One of the three comparisons."""

    name: str
    work: Callable[[Session, Any], dict[str, np.ndarray]]
    points: list
    reference: Callable[[Any, Libraries], Waveforms]
    chunk: int | None = None


def jobs() -> list[Job]:
    """The three jobs; neighbouring points share as much of their circuit as possible."""
    curves = [(w, corner, supply) for w in WIDTHS for corner in pdk.CORNERS for supply in SUPPLIES]
    return [
        # One width is one loaded circuit: its points go to one worker together.
        Job("vtc", run_curve, curves, reference_curve, chunk=len(curves) // len(WIDTHS)),
        Job("snm", run_cell, cells("sram_noise_margin"), reference_cell),
        Job("read", run_cell, cells("sram_read"), reference_cell),
    ]


def difference(ours: dict[str, np.ndarray], reference: Waveforms) -> float:
    """Largest relative difference of all vectors; infinite if they are not over the same axis."""
    worst = 0.0
    for name, expected in reference.vectors.items():
        if name not in ours or ours[name].shape != expected.shape:
            return float("inf")
        scale = float(np.max(np.abs(expected))) or 1.0
        worst = max(worst, float(np.max(np.abs(ours[name] - expected))) / scale)
    return worst


def children_cpu() -> float:
    """CPU seconds of the processes that have ended: the reference runs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def compare(job: Job, pool: Pool, libraries: Libraries, rounds: int, sampled: list[int]) -> dict[str, Any]:
    """Run a job: ours ``rounds`` times, the reference's sampled points in between."""
    walls, cpu, analysis = [], [], []
    reference_walls, reference_cpu, differences = [], [], []
    ours: list = []
    for k in range(rounds):
        before = pool.statistics
        begin = time.perf_counter()
        ours = list(pool.map(job.work, job.points, chunk=job.chunk))
        walls.append(time.perf_counter() - begin)
        after = pool.statistics
        cpu.append(after.cpu_seconds - before.cpu_seconds)
        analysis.append(after.sessions.analysis_seconds - before.sessions.analysis_seconds)
        for index in sampled[k::rounds]:
            begin, cpu_before = time.perf_counter(), children_cpu()
            expected = job.reference(job.points[index], libraries)
            reference_walls.append(time.perf_counter() - begin)
            reference_cpu.append(children_cpu() - cpu_before)
            differences.append(difference(ours[index], expected))
    per_point = statistics.median(walls) / len(job.points)
    reference_per_point = statistics.mean(reference_walls)
    ratio = reference_per_point / per_point
    overhead = statistics.median(c / a for c, a in zip(cpu, analysis, strict=True))
    return {
        "ratio": ratio,
        "bar": BARS[job.name],
        "max_difference": max(differences),
        "cpu_over_analysis": overhead,
        "cpu_ratio": statistics.mean(reference_cpu) / (statistics.median(cpu) / len(job.points)),
        "points": len(job.points),
        "seconds": statistics.median(walls),
        "first_seconds": walls[0],
        "milliseconds_per_point": 1e3 * per_point,
        "reference_seconds_per_point": reference_per_point,
        "reference_points": len(sampled),
        "reference_extrapolated": len(sampled) < len(job.points),
        "met": ratio >= BARS[job.name] and max(differences) <= 1e-12 and overhead <= 1.3,
    }


def measure(rounds: int, sample: int | None) -> dict[str, Any]:
    """All jobs; ``sample`` is the number of points of the reference, ``None`` for all."""
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="cimspice-benchmark-") as folder:
        libraries = make_libraries(Path(folder))
        begin = time.perf_counter()
        with Pool(WORKERS) as pool:
            pool.warm_up()
            startup = time.perf_counter() - begin
            for job in jobs():
                count = len(job.points)
                sampled = list(range(count)) if sample is None else _spread(count, sample)
                results[job.name] = compare(job, pool, libraries, rounds, sampled)
                with_startup = startup + results[job.name]["first_seconds"]
                reference = results[job.name]["reference_seconds_per_point"] * count
                results[job.name]["ratio_with_startup"] = reference / with_startup
    results["conditions"] = {
        "workers": WORKERS,
        "startup_seconds": startup,
        "rounds": rounds,
        "load_average": os.getloadavg()[0],
        "ours": "pool started, then timed from the first item sent to the last result; median of the rounds",
        "reference": "one ngspice -b per point, full combined library, one after another; mean of its points",
    }
    return results


def _spread(count: int, sample: int) -> list[int]:
    """Points spread evenly over all, so that all widths, corners and supplies take part."""
    return [int((k + 0.5) * count / sample) for k in range(min(sample, count))]


def main() -> None:
    parser = argparse.ArgumentParser(description="a loaded engine against one ngspice -b per point")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--all", action="store_true", help="run the reference for all points (about an hour)")
    parser.add_argument("--rounds", type=int, default=5, help="repetitions of ours")
    parser.add_argument("--sample", type=int, default=6, help="points of the reference per job")
    arguments = parser.parse_args()
    results = measure(arguments.rounds, None if arguments.all else arguments.sample)
    if arguments.json:
        print(json.dumps(results, indent=2))
        return
    print("job       ratio    bar   max diff  cpu/analysis  ms/point  ref s/point")
    for name in BARS:
        row = results[name]
        print(
            f"{name:6} {row['ratio']:8.0f} {row['bar']:6.0f} {row['max_difference']:10.2g}"
            f" {row['cpu_over_analysis']:13.2f} {row['milliseconds_per_point']:9.2f}"
            f" {row['reference_seconds_per_point']:12.2f}"
        )
    for key, value in results["conditions"].items():
        print(f"{key}: {value}")


if __name__ == "__main__":
    main()
