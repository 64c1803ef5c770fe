"""Trained networks as graphs: what they compute, the circuits under their layers, what they decide."""

from typing import TYPE_CHECKING

from cimspice.lazy import lazy

if TYPE_CHECKING:
    from cimspice.network.budget import Budget, shapley
    from cimspice.network.built_in_networks import BuiltIn, built_in
    from cimspice.network.certificate import (
        Certificate,
        Stratum,
        accuracy_interval,
        chips_bound,
        flip_bound,
        paired_draw,
        runs_needed,
    )
    from cimspice.network.circuit import CircuitNetwork, map_network
    from cimspice.network.data import Data, load_data
    from cimspice.network.dense import dense_network
    from cimspice.network.fine_tuning import FineTuned, fine_tune
    from cimspice.network.graph import Network, Node
    from cimspice.network.load import from_torch, load_network
    from cimspice.network.network_file import from_network_file
    from cimspice.network.onnx_import import from_onnx
    from cimspice.network.scikit_learn import from_sklearn, from_skops
    from cimspice.network.weight_files import from_arrays

__all__ = [
    "Budget",
    "BuiltIn",
    "Certificate",
    "CircuitNetwork",
    "Data",
    "FineTuned",
    "Network",
    "Node",
    "Stratum",
    "accuracy_interval",
    "built_in",
    "chips_bound",
    "dense_network",
    "fine_tune",
    "flip_bound",
    "from_arrays",
    "from_network_file",
    "from_onnx",
    "from_sklearn",
    "from_skops",
    "from_torch",
    "load_data",
    "load_network",
    "map_network",
    "paired_draw",
    "runs_needed",
    "shapley",
]
__getattr__, __dir__ = lazy(__name__)
