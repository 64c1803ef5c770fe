"""Networks of dense layers in a row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cimspice.network.graph import INPUT, Network, Node


def dense_network(
    name: str,
    weights: Sequence[np.ndarray],
    biases: Sequence[np.ndarray | None],
    source: str = "",
    remarks: Sequence[str] = (),
    *,
    names: Sequence[str] = (),
    activation: str = "relu",
    output: str = "",
) -> Network:
    """Dense layers, weights (outputs, inputs), with an activation in between.

    Parameters
    ----------
    name, source, remarks
        As of a `Network`.
    weights, biases
        Of each layer.
    names
        Of the layers; without them ``dense1``, ``dense2``, ...
    activation, output
        Operation between the layers, and after the last; ``""``: none.
    """
    nodes: list[Node] = []
    for number, (weight, bias) in enumerate(zip(weights, biases, strict=True), 1):
        arrays = {"weights": weight} if bias is None else {"weights": weight, "bias": bias}
        called = names[number - 1] if names else f"dense{number}"
        nodes.append(Node(called, "dense", (nodes[-1].name if nodes else INPUT,), {}, arrays))
        after = activation if number < len(weights) else output
        if after:
            nodes.append(Node(f"{after}{number}", after, (nodes[-1].name,)))
    return Network(name, (np.shape(weights[0])[-1],), tuple(nodes), nodes[-1].name, source, tuple(remarks))
