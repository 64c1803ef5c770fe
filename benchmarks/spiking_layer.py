"""RC-Spike layer, 1000 × 1000, batch 100: exact and DSTD (M = 10) beside one matrix product of the same size.

``python benchmarks/spiking_layer.py --json``. One BLAS thread, float64. Times are CPU seconds (the least
of several runs), so that a shared machine does not decide. Memory is what a call allocates at its peak
(tracemalloc, which sees every array but the compiled loop's own three blocks of 64 neurons) without the
array it returns; what a layer prepares once per weight matrix stands apart. Errors are the largest over a
few samples, relative to the largest membrane, against the exact solution in extended precision. ``exact``
is the compiled one where numba is installed; ``exact_numpy`` is the reference.
"""

from __future__ import annotations

import argparse
import json
import time
import tracemalloc
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from cimspice.neuron.emulator.dstd import Discretisation
from cimspice.neuron.emulator.spiking_layer import SpikingLayer

E_PLUS, E_MINUS = 2.8, -1.5
MEBIBYTE = 2**20


def cpu_seconds(function: Callable[[], object], repeats: int) -> float:
    """Least CPU time of ``repeats`` runs after one that warms up."""
    function()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def extra_mebibytes(function: Callable[[], np.ndarray]) -> float:
    """Peak of what a call allocates, without its result."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        result = function()
        return (tracemalloc.get_traced_memory()[1] - before - result.nbytes) / MEBIBYTE
    finally:
        tracemalloc.stop()


def extended_precision(layer: SpikingLayer, times: np.ndarray) -> np.ndarray:
    """v(1) (samples, out) in long double, with the textbook form of the exponential step."""
    result = np.empty((len(times), layer.outputs))
    for sample, row in enumerate(times.astype(np.longdouble)):
        order = np.argsort(row)
        gaps = np.diff(row[order], append=np.longdouble(1))
        v, g, f = np.zeros((3, layer.outputs), dtype=np.longdouble)
        for event, gap in zip(order, gaps, strict=True):
            g += layer.weights[:, event]
            f += layer.conductance[:, event]
            decay = np.expm1(-f * gap)
            rest = np.divide(g, f, out=np.zeros_like(g), where=f > 0)
            v = np.where(f > 0, v + (v - rest) * decay, v + g * gap)
        result[sample] = v
    return result


def measure(size: int, batch: int, repeats: int, slow_repeats: int, seed: int) -> dict:
    rng = np.random.default_rng(seed)
    weights = rng.normal(0.0, 1 / np.sqrt(size), (size, size))
    times = rng.uniform(0.0, 1.0, (batch, size))

    def layer(method, order=2) -> SpikingLayer:
        return SpikingLayer(weights, E_PLUS, E_MINUS, method=method, discretisation=Discretisation(10, order))

    reference_layer = layer("exact")
    exact = reference_layer.membrane(times)
    scale = np.abs(exact).max()
    few = slice(0, min(3, batch))
    accurate = extended_precision(reference_layer, times[few])

    def row(method: SpikingLayer, prepared: int, runs: int) -> dict:
        seconds = cpu_seconds(lambda: method.membrane(times), runs)
        v = method.membrane(times)
        return {
            "seconds": seconds,
            "mebibytes": extra_mebibytes(lambda: method.membrane(times)),
            "prepared_mebibytes": prepared / MEBIBYTE,
            "relative_error": float(np.abs(v[few] - accurate).max() / scale),
            "relative_error_rms": float(np.sqrt(np.mean((v[few] - accurate) ** 2)) / scale),
        }

    by_input = np.ascontiguousarray(weights.T)
    result = {
        "size": size,
        "batch": batch,
        "reversal_potentials": [E_PLUS, E_MINUS],
        "blas": [f"{i['internal_api']} {i['version']}, {i['num_threads']} thread" for i in threadpool_info()],
        "gemm": {
            "seconds": cpu_seconds(lambda: times @ by_input, repeats),
            "mebibytes": extra_mebibytes(lambda: times @ by_input),
        },
        "dstd": row(layer("dstd"), 2 * weights.nbytes, repeats),
        "dstd_third_order": row(layer("dstd", 3), 2 * weights.nbytes, repeats),
        "exact_numpy": row(reference_layer, 0, slow_repeats),
    }
    if find_spec("numba"):
        result["exact"] = row(layer("compiled"), weights.nbytes, repeats) | {"solver": "numba"}
    else:
        result["exact"] = result["exact_numpy"] | {"solver": "numpy"}
    result["exact_over_dstd"] = result["exact"]["seconds"] / result["dstd"]["seconds"]
    result["exact_memory_over_dstd"] = result["exact"]["mebibytes"] / result["dstd"]["mebibytes"]
    result["dstd_over_gemm"] = result["dstd"]["seconds"] / result["gemm"]["seconds"]
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument("--size", type=int, default=1000, help="neurons and inputs")
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with threadpool_limits(limits=1):
        result = measure(arguments.size, arguments.batch, arguments.repeats, 1, arguments.seed)
    if arguments.json:
        print(json.dumps(result, indent=1))
        return
    print(f"{'':18}{'CPU s':>10}{'MiB':>9}{'prepared':>10}{'error':>10}")
    for name in ("gemm", "dstd", "dstd_third_order", "exact_numpy", "exact"):
        values = result[name]
        prepared, error = values.get("prepared_mebibytes", 0.0), values.get("relative_error", 0.0)
        print(f"{name:18}{values['seconds']:10.4f}{values['mebibytes']:9.3f}{prepared:10.1f}{error:10.1e}")
    print(f"DSTD takes {result['dstd_over_gemm']:.1f} matrix products")
    print(
        f"exact ({result['exact']['solver']}) takes {result['exact_over_dstd']:.2f} of DSTD's time "
        f"and {100 * result['exact_memory_over_dstd']:.2f} % of its memory"
    )
    if result["exact"]["solver"] == "numpy":
        print("the compiled solution was not measured: pip install 'cimspice[fast]'")


if __name__ == "__main__":
    main()
