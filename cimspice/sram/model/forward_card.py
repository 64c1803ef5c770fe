"""The part of the 6T array's card that says what a neuron's forward pass gives: ``forward_pass``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cimspice.errors import ParameterError
from cimspice.fit.family_card import REMEDY, Card, Part, encode
from cimspice.fit.records import ParameterRecord, RangeRecord
from cimspice.sram.model.forward_pass import ForwardPass

FORWARD_PASS = "forward_pass"

_UNITS = {"wire_ratio": "1", "load_ratio": "1", "bend": "1/V", "threshold_uncertainty": "1", "residual": "V"}


def with_forward_pass(card: Card, model: ForwardPass, source: Mapping[str, Any]) -> Card:
    """The card with this part; ``source`` says where its numbers come from."""
    low, high = model.reference_drops[[0, -1]].tolist()
    part = Part(
        origin="simulated",
        source=dict(source),
        range={
            "reference_drop": RangeRecord(low=low, high=high, unit="V"),
            "columns": RangeRecord(low=1, high=model.most_columns, unit="1"),
        },
        parameters={
            name: ParameterRecord(
                value=getattr(model, name), unit=unit, reason="of passes simulated once, without noise"
            )
            for name, unit in _UNITS.items()
        },
        data=encode(model),
    )
    return card.model_copy(update={"parts": {**card.parts, FORWARD_PASS: part}})


def forward_pass_of(card: Card) -> ForwardPass:
    """What the card says of forward passes.

    Raises
    ------
    CimspiceError
        If it has no such part, or a figure is not what its data say.
    """
    found = card.decoded(FORWARD_PASS, {ForwardPass.__name__: ForwardPass})
    if not isinstance(found, ForwardPass):
        raise ParameterError("not what belongs there", place=f"part {FORWARD_PASS!r}", remedy=REMEDY)
    for name, record in card.part(FORWARD_PASS).parameters.items():
        if record.value != getattr(found, name, None):
            raise ParameterError(
                f"{name} is {record.value}, the data say {getattr(found, name, 'nothing of it')}",
                place=f"part {FORWARD_PASS!r} of the card",
                remedy="change the data, or make the card anew",
            )
    return found
