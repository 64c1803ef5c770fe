"""RC-Spike layer, 1000 × 1000, batch 100: exact and DSTD (M = 10) beside one matrix product of the same size.

``python benchmarks/spiking_layer.py --json``. One BLAS thread, float64. Times are CPU seconds (the least
of several runs), so that a shared machine does not decide. Memory is what a call allocates at its peak
(tracemalloc, which sees every array but the compiled loop's own three blocks of 64 neurons) without the
array it returns; what a layer prepares once per weight matrix stands apart. Errors are the largest over a
few samples, relative to the largest membrane, against the exact solution in extended precision. ``exact``
is the compiled one; ``exact_numpy`` is the reference.

``backward`` is forward and backward in training, DSTD of third order: its time in matrix products, and the
largest error of membranes, ∂L/∂t and ∂L/∂w, each relative to the largest of its kind, against the exact
adjoint; ∂L/∂v is random. Its memory is what the process takes more at its peak, beside that of torch's
automatic derivative of the exact solution (``memory_ratio``, null where torch is not installed), which is
measured with a tenth of the batch, as it grows with the batch.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import re
import time
import tracemalloc
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from cimspice.neuron.emulator.dstd import Discretisation
from cimspice.neuron.emulator.spiking_layer import SpikingLayer
from cimspice.neuron.training.dstd_gradient import DstdPass
from cimspice.neuron.training.exact_gradient import ExactPass

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


def drawn(size: int, batch: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weights (out, in), spike times (batch, in) and ∂L/∂v(1) (batch, out)."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(0.0, 1 / np.sqrt(size), (size, size))
    return weights, rng.uniform(0.0, 1.0, (batch, size)), rng.normal(size=(batch, size))


def inverses(weights: np.ndarray) -> np.ndarray:
    return np.where(weights >= 0, 1 / E_PLUS, 1 / E_MINUS)


def trained(solver: Discretisation | None, weights: np.ndarray, times: np.ndarray, grad: np.ndarray) -> tuple:
    """v(1), ∂L/∂t, ∂L/∂w."""
    inverse = inverses(weights)
    if solver is None:
        done = ExactPass.forward(times, weights, inverse)
    else:
        done = DstdPass.forward(times, weights, inverse, solver)
    return done.membrane, *done.backward(grad)


def differentiated_by_torch(weights: np.ndarray, times: np.ndarray, grad: np.ndarray) -> tuple:
    """v(1), ∂L/∂t, ∂L/∂w by torch's tape through the exact solution in its textbook form."""
    import torch  # only here, where it is installed  # type: ignore[reportMissingImports] as torch is no dependency

    w, t = torch.tensor(weights, requires_grad=True), torch.tensor(times, requires_grad=True)
    conductance = (w * torch.tensor(inverses(weights))).T
    ordered, order = torch.sort(t, dim=1)
    v = g = f = torch.zeros((len(times), len(weights)), dtype=torch.float64)
    for k in range(times.shape[1]):
        g, f = g + w.T[order[:, k]], f + conductance[order[:, k]]
        stop = ordered[:, k + 1 : k + 2] if k + 1 < times.shape[1] else 1.0
        rest = g / f
        v = rest + (v - rest) * torch.exp(-f * (stop - ordered[:, k : k + 1]))
    v.backward(torch.tensor(grad))
    return v.detach().numpy(), t.grad.numpy(), w.grad.numpy()


def _peak(function: str, solver: Discretisation | None, size: int, batch: int, seed: int) -> float:
    given = drawn(size, batch, seed)
    arguments = () if solver is None else (solver,)
    globals()[function](*arguments, *drawn(8, 2, seed))  # what is loaded and compiled once
    Path("/proc/self/clear_refs").write_text("5")  # the peak from here on
    status = Path("/proc/self/status")
    before = re.search(r"VmRSS:\s+(\d+)", status.read_text())
    globals()[function](*arguments, *given)
    peak = re.search(r"VmHWM:\s+(\d+)", status.read_text())
    assert before is not None
    assert peak is not None
    return (int(peak[1]) - int(before[1])) / 1024


def peak_mebibytes(*arguments) -> float:
    """What a process of its own takes more at its peak (Linux), its results among it."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak, arguments)


def measure_backward(size: int, batch: int, repeats: int, seed: int, gemm_seconds: float) -> dict:
    given = drawn(size, batch, seed)
    solver = Discretisation(36, order=3)  # gradients of spike times within 1e-2; membranes and weights by 8
    pairs = zip(trained(solver, *given), trained(None, *given), strict=True)
    errors = [float(np.abs(found - exact).max() / np.abs(exact).max()) for found, exact in pairs]
    seconds = cpu_seconds(lambda: trained(solver, *given), repeats)
    own = peak_mebibytes("trained", solver, size, batch, seed)
    torch = None
    if find_spec("torch"):
        part = max(1, batch // 10)
        torch = peak_mebibytes("differentiated_by_torch", None, size, part, seed) * batch / part
    return {
        "steps": solver.steps,
        "order": solver.order,
        "seconds": seconds,
        "gemms": seconds / gemm_seconds,
        "mebibytes": own,
        "torch_mebibytes": torch,
        "memory_ratio": None if torch is None else own / torch,
        "relative_error": max(errors),
        "relative_errors": dict(zip(("membrane", "times", "weights"), errors, strict=True)),
    }


def measure(size: int, batch: int, repeats: int, slow_repeats: int, seed: int) -> dict:
    weights, times, _ = drawn(size, batch, seed)

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
        "dstd": row(layer("dstd"), weights.nbytes, repeats),
        "dstd_third_order": row(layer("dstd", 3), weights.nbytes, repeats),
        "exact_numpy": row(reference_layer, weights.nbytes, slow_repeats),
        "exact": row(layer("compiled"), 2 * weights.nbytes, repeats),
    }
    result["exact_over_dstd"] = result["exact"]["seconds"] / result["dstd"]["seconds"]
    result["exact_memory_over_dstd"] = result["exact"]["mebibytes"] / result["dstd"]["mebibytes"]
    result["dstd_over_gemm"] = result["dstd"]["seconds"] / result["gemm"]["seconds"]
    result["backward"] = measure_backward(size, batch, repeats, seed, result["gemm"]["seconds"])
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
        f"exact takes {result['exact_over_dstd']:.2f} of DSTD's time "
        f"and {100 * result['exact_memory_over_dstd']:.2f} % of its memory"
    )
    backward = result["backward"]
    print(
        f"forward and backward ({backward['steps']} intervals, order {backward['order']}) take "
        f"{backward['gemms']:.1f} matrix products and {backward['mebibytes']:.1f} MiB, "
        f"at an error of {backward['relative_error']:.1e}"
    )
    if backward["memory_ratio"] is not None:
        print(f"{100 * backward['memory_ratio']:.2f} % of torch's {backward['torch_mebibytes']:.0f} MiB")


if __name__ == "__main__":
    main()
