"""A trained network: weights, what they were trained for, how well, and where they come from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from cimspice.documents import parse_json
from cimspice.errors import ParameterError
from cimspice.files import read_plain, write_atomically
from cimspice.neuron.emulator.ramp import Ramp
from cimspice.neuron.emulator.spiking_layer import Method, SpikingLayer
from cimspice.neuron.emulator.spiking_network import SpikingNetwork

SCHEMA = "cimspice.trained-network/1"
LARGEST_FILE = 256 << 20  # bytes


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """Result of training."""

    weights: list[np.ndarray]
    """One matrix (out, in) per layer, normalised."""
    e_plus: float
    e_minus: float
    ramp_beta: float
    """``e_plus``, ``e_minus``, ``ramp_beta``: the circuit that it was trained for: reversal potentials and β
    of the ramp (normalised)."""
    train_accuracy: float
    test_accuracy: float
    """``train_accuracy``, ``test_accuracy``: shares of right decisions, solved exactly, without noise."""
    train_index: np.ndarray
    test_index: np.ndarray
    """``train_index``, ``test_index``: rows of the data set that were trained on and held out."""
    history: dict[str, list[float]] = field(default_factory=dict)
    """Per epoch: ``loss`` (mean over mini-batches, with penalties) and ``train_accuracy``."""
    provenance: dict[str, Any] = field(default_factory=dict)
    """Data set, seed, options, versions."""

    def network(self, method: Method = "exact") -> SpikingNetwork:
        """The network on the ideal E_rev circuit."""
        ramp = Ramp(self.ramp_beta)
        return SpikingNetwork(
            [SpikingLayer(w, self.e_plus, self.e_minus, ramp, method=method) for w in self.weights]
        )

    def save(self, path: str | Path) -> None:
        """Write JSON; an existing file is replaced whole or not at all."""
        content = asdict(self) | {
            "schema": SCHEMA,
            "weights": [w.tolist() for w in self.weights],
            "train_index": self.train_index.tolist(),
            "test_index": self.test_index.tolist(),
        }
        # JSON has no infinity: an ideal synapse is null
        for name in ("e_plus", "e_minus"):
            content[name] = None if np.isinf(content[name]) else content[name]
        text = json.dumps(content, indent=1, allow_nan=False)
        write_atomically(Path(path), lambda file: file.write_text(text, encoding="utf-8"))

    @classmethod
    def load(cls, path: str | Path) -> TrainedNetwork:
        """Read what :meth:`save` wrote."""
        try:
            content = parse_json(read_plain(path, LARGEST_FILE))
        except OSError as error:
            raise ParameterError(
                f"cannot read: {error.strerror or error}",
                place=str(path),
                remedy="train and save a network first",
            ) from error
        except ValueError as error:
            raise ParameterError(
                f"not JSON: {error}", place=str(path), remedy="give a file written by TrainedNetwork.save"
            ) from error
        schema = content.pop("schema", None) if isinstance(content, dict) else None
        if schema != SCHEMA:
            raise ParameterError(
                f"schema is {schema!r}, not {SCHEMA!r}",
                place=str(path),
                remedy="give a file written by TrainedNetwork.save of this version, or train again",
            )
        try:
            content["weights"] = [np.asarray(w, dtype=float) for w in content["weights"]]
            for name in ("train_index", "test_index"):
                content[name] = np.asarray(content[name], dtype=int)
            for name, infinite in (("e_plus", np.inf), ("e_minus", -np.inf)):
                content[name] = infinite if content[name] is None else float(content[name])
            trained = cls(**content)
            trained.network()  # shapes, signs, finite numbers
        except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError) as error:
            raise ParameterError(
                f"the file is damaged: {error}", place=str(path), remedy="save it again or train again"
            ) from error
        return trained
