"""The neuron's model and card under conditions: characterised with ngspice, or from a card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd

from cimspice import pdk
from cimspice.campaign.store import Store
from cimspice.campaign.versions import provenance
from cimspice.errors import ParameterError
from cimspice.fit.family_card import Card
from cimspice.fit.fit import table_provenance
from cimspice.neuron.characterisation.tables import characterise_neuron
from cimspice.neuron.circuit.circuit import NeuronCircuit, resistor_circuit
from cimspice.neuron.model.build import COLUMNS, OF_RESISTORS, neuron_model
from cimspice.neuron.model.card import neuron_card, neuron_of
from cimspice.neuron.model.neuron import NeuronModel
from cimspice.progress import OnProgress, silent

SynapseKind = Literal["mosfet", "resistor"]

_BENCHES = {
    "current": "neuron_synapse",
    "idle": "neuron_synapse",
    "capacitance": "neuron_capacitance",
    "internal_nodes": "neuron_internal_node",
    "leakage": "neuron_discharger",
    "injection": "neuron_injection",
    "unselected": "neuron_injection",
    "reset": "neuron_reset",
    "readout": "neuron_readout",
    "ramp": "neuron_ramp",
    "comparator": "neuron_comparator",
}
_TABLES = {
    "synapse_n": ("current",),
    "synapse_p": ("current",),
    "capacitance": ("capacitance", "internal_nodes"),
    "leakage": ("leakage", "idle"),
    "edges": ("injection", "unselected"),
    "reset": ("reset",),
    "readout": ("readout", "ramp", "comparator"),
}
"""Part of the card → tables of the characterisation."""


@dataclass(frozen=True)
class Conditions(pdk.Conditions):
    """Where the circuit stands and how it is run."""

    synapse: SynapseKind = "mosfet"
    """``"mosfet"`` or ``"resistor"``."""
    workers: int | None = None
    store: Store | Path | str | None = None
    """``workers``, ``store``: as for ``run_campaign``."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.synapse not in get_args(SynapseKind):
            raise ParameterError(f"unknown synapse {self.synapse!r}", remedy="use mosfet or resistor")

    @property
    def circuit(self) -> NeuronCircuit:
        """The circuit of this kind of synapse."""
        return NeuronCircuit() if self.synapse == "mosfet" else resistor_circuit()


@dataclass(frozen=True)
class Sizes:
    """(Fan-in, fan-out) of every layer of a network, and how many neurons the lines of its inputs drive."""

    fans: Sequence[tuple[int, int]]
    loads: Sequence[int]

    @classmethod
    def of(cls, layers: Sequence[int] | Sizes, bias_lines: bool = False) -> Sizes:
        """Of dense layers: inputs, then neurons of each; the last drives nothing. Every layer may have a bias
        line, one input more."""
        if isinstance(layers, Sizes):
            return layers
        inputs = [size + bias_lines for size in layers[:-1]]
        return cls(list(zip(inputs, [*layers[2:], 0], strict=True)), list(layers[1:]))

    @property
    def remedy(self) -> str:
        """What a card that lacks them is made with."""
        for bias_lines, more in ((False, ""), (True, " --set bias_lines=true")):
            dense = [self.fans[0][0] - bias_lines, *self.loads]
            if Sizes.of(dense, bias_lines) == Sizes(list(self.fans), list(self.loads)):
                return f"--layers {','.join(map(str, dense))}{more}"
        return "--set network=NAME_OR_FILE"


def characterised_model(
    conditions: Conditions, layers: Sequence[int] | Sizes, progress: OnProgress = silent
) -> NeuronModel:
    """The neuron's model under these conditions for a network of these sizes (inputs, then neurons per
    layer)."""
    return _model(conditions, _characterised(conditions, layers, progress))


def characterised_card(
    conditions: Conditions, layers: Sequence[int] | Sizes, progress: OnProgress = silent
) -> Card:
    """The card of :func:`characterised_model`."""
    sizes = Sizes.of(layers)
    tables = _characterised(conditions, layers, progress)
    return neuron_card(
        _model(conditions, tables),
        sizes.fans[0][0],
        sources={part: _source(part, tables) for part in _TABLES},
        provenance={
            **provenance(),
            "fans": [list(fan) for fan in sizes.fans],
            "loads": list(sizes.loads),
            "circuit": conditions.circuit.model_dump(mode="json"),
        },
    )


def carded_model(card: Card, conditions: Conditions, layers: Sequence[int] | Sizes) -> NeuronModel:
    """The model that a card holds, for a network of these sizes under these conditions.

    ParameterError if the card is of another condition or circuit, or lacks one of the sizes.
    """
    check_card(card, conditions)
    model = neuron_of(card)
    check_sizes(model, Sizes.of(layers))
    return model


def check_card(card: Card, conditions: Conditions) -> None:
    """ParameterError for a card of another corner, temperature, kind of synapse or circuit."""
    for name in ("corner", "temperature"):
        found, wanted = getattr(card.conditions, name), getattr(conditions, name)
        if found is not None and found != wanted:
            raise ParameterError(
                f"the card is of {name} {found}, not {wanted}",
                place="--card",
                remedy=f"leave out --{name}, or give another card",
            )
    if synapse_of(card) != conditions.synapse:
        raise ParameterError(
            f"the card is of a neuron with {synapse_of(card)} synapses, not {conditions.synapse}",
            place="--card",
            remedy="leave out --synapse, or give another card",
        )
    circuit = conditions.circuit.model_dump(mode="json")
    own = card.provenance.get("circuit")
    own = own if isinstance(own, dict) else {}
    own |= {name: card.part("circuit").parameters[name].value for name in ("phase", "rest_voltage")}
    other = [name for name, value in circuit.items() if own.get(name, value) != value]
    if other:
        raise ParameterError(
            f"the card is of another circuit: its {other[0]} is {own[other[0]]!r}, not {circuit[other[0]]!r}",
            place="--card",
            remedy="characterise again: cimspice characterize neuron --card FILE",
        )


def synapse_of(card: Card) -> SynapseKind:
    """Kind of synapse of a card: that of its model."""
    return "mosfet" if neuron_of(card).synapses["n"].internal_node is None else "resistor"


def check_sizes(model: NeuronModel, sizes: Sizes) -> None:
    """ParameterError for a model that lacks one of the sizes."""
    wanted = {
        "read-out for (fan-in, fan-out)": (sizes.fans, model.readouts),
        "reset for fan-in": ([fan_in for fan_in, _ in sizes.fans], model.reset_step),
        "edges for drivers of this many neurons": (sizes.loads, model.edges),
    }
    for what, (needed, known) in wanted.items():
        for size in needed:
            if size not in known:
                raise ParameterError(
                    f"the card has no {what}: {size}; it has {', '.join(map(str, known))}",
                    place="--card",
                    remedy=f"characterise them: cimspice characterize neuron --card FILE {sizes.remedy}",
                )


def _characterised(
    conditions: Conditions, layers: Sequence[int] | Sizes, progress: OnProgress
) -> dict[str, pd.DataFrame]:
    sizes = Sizes.of(layers)
    return characterise_neuron(
        conditions.circuit,
        list(dict.fromkeys(sizes.fans)),
        loads=sizes.loads,
        conditions=conditions,
        workers=conditions.workers,
        store=conditions.store,
        progress=lambda state: progress(replace(state, stage=f"characterise: {state.stage}")),
    )


def _model(conditions: Conditions, tables: Mapping[str, pd.DataFrame]) -> NeuronModel:
    circuit = conditions.circuit
    return neuron_model(tables, phase=circuit.phase, rest_voltage=circuit.rest_voltage)


def _source(part: str, tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Bench of each table that a part is made of, its rows and the digest of what the model reads."""
    source = {}
    for name in _TABLES[part]:
        if name not in tables:
            continue
        rows = tables[name][list({**COLUMNS, **OF_RESISTORS}[name])]
        if part.startswith("synapse"):
            rows = rows[rows["polarity"] == part[-1]]
        known = table_provenance(rows)
        source[name] = {
            "bench": _BENCHES[name],
            "rows": known["table_rows"],
            "digest": known["table_digest"],
        }
    return source
