"""The neuron's model as a JSON card: its tables, their ranges, and where they come from."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cimspice.documents import number_array, parse_json
from cimspice.errors import CimspiceError, ParameterError
from cimspice.files import read_plain, write_atomically
from cimspice.models.conditions import with_provenance
from cimspice.models.neuron.edges import EdgeModel
from cimspice.models.neuron.neuron import NeuronModel
from cimspice.models.neuron.readout import ReadoutModel
from cimspice.models.neuron.separable import SeparableTable
from cimspice.models.neuron.synapse import SynapseModel
from cimspice.models.neuron.tap import TapModel

SCHEMA = "cimspice.neuron-card/1"
LARGEST_CARD = 256 << 20  # bytes

_KINDS = {
    kind.__name__: kind
    for kind in (NeuronModel, SynapseModel, EdgeModel, ReadoutModel, SeparableTable, TapModel)
}


def save_neuron(model: NeuronModel, path: str | Path, provenance: Mapping[str, Any] | None = None) -> Path:
    """Write the model's card, whole or not at all.

    Parameters
    ----------
    model
        The model.
    path
        File to write, ``*.json``.
    provenance
        Corner, temperature, PDK, simulator, circuit: anything that JSON can hold.

    Raises
    ------
    CimspiceError
        If the file cannot be written, or the provenance has another corner or temperature than the model.
    """
    model = replace(model, **with_provenance(model, provenance or {}, str(path)))
    card = {
        "schema": SCHEMA,
        "provenance": dict(provenance or {}),
        "ranges": model_ranges(model),
        "model": _encode(model),
    }
    text = json.dumps(card, allow_nan=False)
    return write_atomically(Path(path), lambda file: file.write_text(text, encoding="utf-8"))


def load_neuron(path: str | Path) -> tuple[NeuronModel, dict[str, Any]]:
    """Read a card: the model and its provenance.

    Raises
    ------
    ParameterError
        If it is no neuron card of this version, or holds what no table may hold.
    """
    place = str(path)
    remedy = "characterise the neuron again, or take the card of a matching version of cimspice"
    try:
        card = parse_json(read_plain(path, LARGEST_CARD))
        if card["schema"] != SCHEMA:
            raise ParameterError(f"schema is {card['schema']!r}, not {SCHEMA!r}", place=place, remedy=remedy)
        model = _decode(card["model"])
        provenance = dict(card["provenance"])
    except OSError as error:
        raise ParameterError(
            f"card not read: {error.strerror}", place=place, remedy="check the path"
        ) from None
    except CimspiceError as error:
        error.place = error.place or place
        raise
    except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError) as error:
        raise ParameterError(f"not a neuron card: {error!r}"[:300], place=place, remedy=remedy) from None
    if not isinstance(model, NeuronModel):
        raise ParameterError("the card holds no neuron", place=place, remedy=remedy)
    return replace(model, **with_provenance(model, provenance, place)), provenance


def model_ranges(model: NeuronModel) -> dict[str, dict[str, list[float]]]:
    """Per polarity, what the tables cover: program (V or m), membrane voltage (V), current at V0 (A)."""
    return {
        name: {
            "program": [float(synapse.current.program[0]), float(synapse.current.program[-1])],
            "membrane_voltage": [float(synapse.current.x[0]), float(synapse.current.x[-1])],
            "current": [float(synapse.rest_current.min()), float(synapse.rest_current.max())],
        }
        for name, synapse in model.synapses.items()
    }


def _encode(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        entries = {entry.name: _encode(getattr(value, entry.name)) for entry in fields(value)}
        return {"kind": type(value).__name__, **entries}
    if isinstance(value, np.ndarray):
        return {"array": value.tolist()}
    if isinstance(value, Mapping):
        return {"map": [[_encode(key), _encode(entry)] for key, entry in value.items()]}
    if isinstance(value, tuple | list):
        return {"tuple": [_encode(entry) for entry in value]}
    return value.item() if isinstance(value, np.generic) else value


def _decode(value: Any) -> Any:
    if not isinstance(value, dict):
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError("a number is not finite")
        return value
    if "array" in value:
        return number_array(value["array"])
    if "map" in value:
        return {_decode(key): _decode(entry) for key, entry in value["map"]}
    if "tuple" in value:
        return tuple(_decode(entry) for entry in value["tuple"])
    kind = _KINDS[value["kind"]]
    for entry in fields(kind):
        if str(entry.type) in ("float", "int") and entry.name in value:
            number_array(value[entry.name])
    return kind(**{name: _decode(entry) for name, entry in value.items() if name != "kind"})
