"""Trained networks as graphs: what they compute, the circuits under their layers, what they decide."""

from typing import TYPE_CHECKING

from cimspice.lazy import lazy

if TYPE_CHECKING:
    from cimspice.network.built_in_networks import BUILT_IN, BuiltIn, built_in, dense_network
    from cimspice.network.graph import Network, Node
    from cimspice.network.onnx_import import from_onnx

__all__ = ["BUILT_IN", "BuiltIn", "Network", "Node", "built_in", "dense_network", "from_onnx"]
__getattr__, __dir__ = lazy(__name__)
