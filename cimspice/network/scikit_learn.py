"""Perceptrons of scikit-learn: the object itself, or a skops file. Nothing is unpickled."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cimspice.errors import ParameterError
from cimspice.files import open_plain
from cimspice.network.dense import dense_network
from cimspice.network.graph import Network, Node

_ACTIVATIONS = {"relu": "relu", "tanh": "tanh", "logistic": "sigmoid", "identity": "", "softmax": "softmax"}
_OPTIMISERS = (
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
)
_LARGEST_FILE = 2**30


def from_sklearn(model: Any, name: str = "") -> Network:
    """A fitted ``MLPClassifier`` or ``MLPRegressor``; outputs are its ``predict_proba`` or ``predict``.

    Of a classifier output k is the k-th of ``classes_``: labels are such numbers. One of two classes has a
    single weighted sum, of which both shares are made.

    Raises
    ------
    ParameterError
        For anything else.
    """
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    if not isinstance(model, MLPClassifier | MLPRegressor) or not hasattr(model, "coefs_"):
        raise ParameterError(
            f"not a fitted perceptron but {type(model).__name__}",
            place="model",
            remedy="give an MLPClassifier or MLPRegressor after fit; scale its inputs beforehand",
        )
    label = name or type(model).__name__
    network = dense_network(
        label,
        [matrix.T for matrix in model.coefs_],
        model.intercepts_,
        f"scikit-learn's {type(model).__name__}",
        names=[f"coefs_{number}" for number in range(len(model.coefs_))],
        activation=_ACTIVATIONS[model.activation],
        output=_ACTIVATIONS[model.out_activation_],
    )
    if isinstance(model, MLPRegressor):
        return network
    classes = [str(each) for each in np.ravel(model.classes_)]
    remark = f"classes in the order of the outputs: {', '.join(classes)}"
    if len(classes) == 2 and network.shapes[network.output] == (1,):
        both = (
            Node("other", "sub", (network.output,), {}, {"left": np.ones(1)}),
            Node("shares", "concat", ("other", network.output), {"axis": 1}),
        )
        network = replace(network, nodes=(*network.nodes, *both), output="shares")
    return replace(network, remarks=(remark,))


def from_skops(path: str | Path) -> Network:
    """What ``skops.io.dump`` wrote of a perceptron; types that neither scikit-learn's perceptrons need nor
    skops trusts are refused.

    Raises
    ------
    ParameterError
        If the file cannot be read, holds other types or another object, and where skops is not installed.
    """
    try:
        from skops.io import get_untrusted_types, load
    except ImportError:
        raise ParameterError(
            "files of skops need the package skops",
            place=str(path),
            remedy="pip install 'cimspice[networks]'",
        ) from None
    try:
        with open_plain(path, _LARGEST_FILE):
            pass
        unknown = sorted(set(get_untrusted_types(file=path)) - set(_OPTIMISERS))
        if unknown:
            raise ParameterError(
                f"the file holds {', '.join(unknown)}", place=str(path), remedy="save the perceptron alone"
            )
        model = load(path, trusted=list(_OPTIMISERS))
    except ParameterError:
        raise
    except Exception as error:  # whatever skops, zip, JSON and scikit-learn raise of a damaged file
        raise ParameterError(
            f"not a skops file that can be read: {error}", place=str(path), remedy="save it again"
        ) from None
    try:
        return from_sklearn(model, Path(path).name)
    except ParameterError as error:
        raise ParameterError(error.message, place=str(path), remedy=error.remedy) from None
