"""The exact crossbar solver beside badcrossbar, CrossSim, a sparse direct solution and ngspice, on the same
arrays.

``python benchmarks/crossbar.py --json``. Conductances uniform in 1-100 uS, segments of 1 ohm (0.1 ohm beside
CrossSim at 1e-8, whose relaxation takes minutes at 1 ohm), inputs uniform in 0-1 V at the left, bit lines at
0 V at the bottom. Times are CPU seconds with one BLAS thread on every side: the median of several runs for
cimspice, one run for a peer (the least of three where it takes less than a second). Ours begin with the
conductances and end with the currents; compilation is not in them. A peer that is not installed gives null
and a reason::

    pip install 'cimspice[peers]'            badcrossbar (first: apt-get install libcairo2-dev pkg-config)
    --cross-sim PATH, or CROSS_SIM=PATH      a checkout of github.com/sandialabs/cross-sim

badcrossbar is timed with all 1,000 vectors, or with as many as memory holds (it keeps every branch of every
vector: 3 GB at N = 256, 11 GB at N = 512) and along a straight line from there, which favours it; CrossSim
with 100, because it does the same for each further one. ``--peer-vectors`` asks for fewer. Errors are the
largest of any column current, relative to the largest current.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

sys.path.insert(0, str(Path(__file__).resolve().parent))
import crossbar_references as references

from cimspice.crossbar import Crossbar, NonlinearCrossbar, SinhCell

VECTORS = 1000
NONLINEARITY = 3.0  # 1/V


def cpu_seconds(function: Callable[[], Any]) -> float:
    start = time.process_time()
    function()
    return time.process_time() - start


def median_seconds(function: Callable[[], Any], runs: int) -> float:
    function()
    return statistics.median(cpu_seconds(function) for _ in range(runs))


def least_seconds(function: Callable[[], Any]) -> float:
    first = cpu_seconds(function)
    return first if first > 1 else min(first, *(cpu_seconds(function) for _ in range(2)))


def array(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.uniform(1e-6, 1e-4, (size, size)), rng.uniform(0.0, 1.0, (VECTORS, size)).round(6)


def relative(found: np.ndarray, reference: np.ndarray) -> float:
    return float(np.abs(found - reference).max() / np.abs(reference).max())


_PEER_BYTES = 45
"""Of badcrossbar per cell and vector, as measured."""


class Peers:
    """The peers that are there, and why one is not."""

    def __init__(self, cross_sim: str | None, vectors: int):
        self.vectors = vectors
        self.reasons: dict[str, str] = {}
        if find_spec("badcrossbar") is None:
            self.reasons["badcrossbar"] = "not installed: pip install 'cimspice[peers]'"
        logging.disable(logging.WARNING)  # badcrossbar logs every step
        self.cross_sim_array = None
        try:
            self.cross_sim_array = references.cross_sim(cross_sim)
        except ImportError as error:
            self.reasons["cross_sim"] = str(error)

    def badcrossbar(self, g: np.ndarray, v: np.ndarray) -> dict | None:
        """Seconds of one vector and of all, and the error of ours against it."""
        if "badcrossbar" in self.reasons:
            return None
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        count = max(2, min(self.vectors, int(0.7 * free / (_PEER_BYTES * g.size))))
        one = min(least_seconds(lambda: references.badcrossbar_currents(g, v[:1])) for _ in range(2))
        start = time.process_time()
        currents = references.badcrossbar_currents(g, v[:count])
        some = time.process_time() - start
        return {
            "one_vector_seconds": one,
            f"{count}_vectors_seconds": some,
            f"{len(v)}_vectors_seconds": one + (some - one) * (len(v) - 1) / (count - 1),
            "difference": relative(Crossbar(g).currents(v[:count]), currents),
        }

    def cross_sim(self, g: np.ndarray, v: np.ndarray, resistance: float, tolerance: float) -> dict | None:
        if self.cross_sim_array is None:
            return None
        solve = self.cross_sim_array(g, resistance, tolerance)
        seconds = least_seconds(lambda: solve(v))
        exact = Crossbar(g, word_line_resistance=resistance, bit_line_resistance=resistance).currents(v)
        return {"seconds": seconds, "vectors": len(np.atleast_2d(v)), "error": relative(solve(v), exact)}


def many_vectors(rng, size: int, peers: Peers, runs: int) -> dict:
    g, v = array(rng, size)
    seconds = median_seconds(lambda: Crossbar(g).currents(v), runs)
    plain = median_seconds(lambda: Crossbar(g, compiled=False).currents(v), runs)
    setup = median_seconds(lambda: Crossbar(g, method="merge").effective_conductance, runs)
    single = Crossbar(g, dtype=np.float32, method="merge").currents(v)
    result: dict[str, Any] = {
        "seconds_1000_vectors": seconds,
        "setup_seconds": setup,
        "numpy": {"seconds_1000_vectors": plain},
        "float32_error": relative(single, Crossbar(g).currents(v)),
        "float32_seconds": median_seconds(lambda: Crossbar(g, dtype=np.float32).currents(v), runs),
        "vs_badcrossbar": None,
    }
    peer = peers.badcrossbar(g, v)
    if peer:
        result["badcrossbar"] = peer
        result["vs_badcrossbar"] = peer[f"{VECTORS}_vectors_seconds"] / seconds
        result["numpy"]["vs_badcrossbar"] = peer[f"{VECTORS}_vectors_seconds"] / plain
    return result


def beside_cross_sim(rng, peers: Peers, runs: int) -> dict:
    g, v = array(rng, 256)

    def ours() -> np.ndarray:
        return Crossbar(g, word_line_resistance=0.1, bit_line_resistance=0.1).currents(v)

    seconds = median_seconds(ours, runs)
    peer = peers.cross_sim(g, v[: max(1, peers.vectors // 10)], 0.1, 1e-8)
    if not peer:
        return {"vs_crosssim": None}
    ratio = peer["seconds"] / peer["vectors"] * VECTORS / seconds
    return {"vs_crosssim": ratio, "crosssim": peer | {"resistance": 0.1, "tolerance": 1e-8, "ours": seconds}}


def one_vector(rng, peers: Peers, runs: int) -> dict:
    g, v = array(rng, 128)
    v = v[:1]
    seconds = median_seconds(lambda: Crossbar(g).currents(v), 20 * runs)
    plain = median_seconds(lambda: Crossbar(g, compiled=False).currents(v), runs)
    result: dict[str, Any] = {
        "one_vector_seconds": seconds,
        "numpy": {"one_vector_seconds": plain},
        "one_vector_vs_badcrossbar": None,
        "one_vector_vs_crosssim": None,
    }
    if "badcrossbar" not in peers.reasons:
        other = least_seconds(lambda: references.badcrossbar_currents(g, v))
        result |= {"badcrossbar_seconds": other, "one_vector_vs_badcrossbar": other / seconds}
        result["numpy"]["one_vector_vs_badcrossbar"] = other / plain
    peer = peers.cross_sim(g, v[0], 1.0, 1e-3)
    if peer:
        result |= {"crosssim": peer, "one_vector_vs_crosssim": peer["seconds"] / seconds}
    return result


def peak_gibibytes() -> float:
    """Largest resident memory of this program so far (getrusage would count the parent's before exec)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 2**20


def _large(connection, seed: int) -> None:
    """In a process of its own, so that its peak of memory is this problem's."""
    with threadpool_limits(limits=1):
        g, v = array(np.random.default_rng(seed), 1024)
        Crossbar(g[:16, :16], method="merge").currents(v[:, :16])
        before = peak_gibibytes()
        seconds = cpu_seconds(lambda: Crossbar(g).currents(v))
        peak = peak_gibibytes()
    connection.send({"seconds_1000_vectors": seconds, "peak_gibibytes": peak, "gibibytes_before": before})


def large(seed: int) -> dict:
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_large, args=(sender, seed))
    process.start()
    result = receiver.recv()
    process.join()
    return result


def nonlinear(rng, size: int, vectors: int, runs: int) -> dict:
    g, v = array(rng, size)
    v = v[:vectors]
    crossbar = NonlinearCrossbar(SinhCell(g, NONLINEARITY))
    seconds = median_seconds(lambda: crossbar.currents(v), runs)
    currents, spice = references.ngspice_currents(g, v, NONLINEARITY)
    return {
        "size": size,
        "vectors": vectors,
        "seconds_per_vector": seconds / vectors,
        "ngspice_seconds_per_vector": spice / vectors,
        "speed_ratio": spice / seconds,
        "error_vs_ngspice": relative(crossbar.currents(v), currents),
    }


def measure(arguments: argparse.Namespace) -> dict:
    rng = np.random.default_rng(arguments.seed)
    peers = Peers(arguments.cross_sim, arguments.peer_vectors)
    runs = arguments.runs
    result: dict[str, Any] = {
        "blas": [f"{i['internal_api']} {i['version']}, {i['num_threads']} thread" for i in threadpool_info()],
        "load": os.getloadavg()[0],
        "compiled": find_spec("numba") is not None,
        "absent": peers.reasons,
        "n128": one_vector(rng, peers, runs),
        "n256": many_vectors(rng, 256, peers, runs) | beside_cross_sim(rng, peers, runs),
        "n512": many_vectors(rng, 512, peers, max(3, runs // 2)),
        "n1024": large(arguments.seed),
    }
    g, v = array(rng, 64)
    spice, _ = references.ngspice_currents(g, v[:10], 0.0)
    result["error_vs_ngspice"] = relative(Crossbar(g).currents(v[:10]), spice)
    result["direct_size"] = arguments.direct
    g, v = array(rng, arguments.direct)
    direct = references.direct_currents(g, v[:4])
    result["error_vs_direct"] = max(
        relative(Crossbar(g, method=method, compiled=compiled).currents(v[:4]), direct)
        for method in ("merge", "conjugate")
        for compiled in {False, result["compiled"]}
    )
    result["nonlinear"] = nonlinear(rng, 64, 10, runs)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument("--cross-sim", default=os.environ.get("CROSS_SIM"), help="checkout of CrossSim")
    parser.add_argument(
        "--peer-vectors", type=int, default=VECTORS, help="vectors that badcrossbar is timed with at most"
    )
    parser.add_argument("--direct", type=int, default=512, help="size for the sparse direct solution")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with threadpool_limits(limits=1):
        result = measure(arguments)
    if arguments.json:
        print(json.dumps(result, indent=1))
        return
    for name, asked in (
        ("n256.vs_badcrossbar", "150"), ("n256.numpy.vs_badcrossbar", "50"), ("n256.vs_crosssim", "100"),
        ("n256.seconds_1000_vectors", ""), ("n512.vs_badcrossbar", "100"), ("n512.numpy.vs_badcrossbar",
        "30"), ("n512.setup_seconds", ""), ("n128.one_vector_vs_badcrossbar", "150"),
        ("n128.one_vector_vs_crosssim", "3"), ("n1024.seconds_1000_vectors", "< 10"), ("n1024.peak_gibibytes",
        "< 2"), ("error_vs_ngspice", "1e-10"), ("error_vs_direct", "1e-10"), ("nonlinear.error_vs_ngspice",
        "1e-8"), ("nonlinear.speed_ratio", "100"),
    ):  # fmt: skip
        value: Any = result
        for key in name.split("."):
            value = value.get(key) if value else None
        print(f"{name:34}{'absent' if value is None else f'{value:.3g}':>12}   asked {asked or '-'}")
    for name, reason in result["absent"].items():
        print(f"{name} was not measured: {reason}")


if __name__ == "__main__":
    main()
