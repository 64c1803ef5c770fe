"""The resistive memory's card: device, read law, 1T1R cell and cost of a write."""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from cimspice.errors import ParameterError
from cimspice.fit.card import ModelCard
from cimspice.fit.family_card import REMEDY, Card, CardConditions, Part
from cimspice.fit.model import Model
from cimspice.fit.ranges import ModelRangeWarning, Ranges
from cimspice.fit.records import ParameterRecord
from cimspice.rram.model.access import AccessTransistor
from cimspice.rram.model.access_tabulated import TabulatedAccess
from cimspice.rram.model.cell import RramCell
from cimspice.rram.model.device import RramDevice
from cimspice.rram.model.parameter_sets import parameter_set
from cimspice.rram.model.read import SinhRead
from cimspice.rram.model.write_cost import WriteCost

FAMILY = "rram"
DEVICE, READ, ACCESS, WRITE_COST = "device", "read", "access", "write_cost"
KINDS: Mapping[str, type[Model]] = {READ: SinhRead, ACCESS: AccessTransistor, WRITE_COST: WriteCost}
"""Part -> the model that may be fitted to a measured table and stands there then."""
EXACT = "from one simulation: its error is not known"


def rram_card(
    device: RramDevice,
    read: ModelCard,
    cell: RramCell | None = None,
    write_cost: WriteCost | None = None,
    *,
    conditions: CardConditions,
    sources: Mapping[str, Mapping[str, Any]] | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Card:
    """The card of a memory.

    Parameters
    ----------
    device
        The compact model.
    read
        Its read law, a fit of :class:`SinhRead`.
    cell, write_cost
        The 1T1R cell with a :class:`TabulatedAccess`, and what writing it costs; None: the card has neither.
    sources
        Part -> where its numbers come from, beside what the models themselves say.
    """
    published = parameter_set("rram", device.parameter_set)
    own = ModelCard.from_model(device, {"set": published.model, "numbers": published.source}, "published")
    parts = {DEVICE: own.part(), READ: read.part()}
    if cell is not None:
        parts[ACCESS] = _access(cell)
    if write_cost is not None:
        parts[WRITE_COST] = _write_cost(write_cost)
    given = sources or {}
    return Card(
        family=FAMILY,
        conditions=conditions,
        provenance=dict(provenance or {}),
        parts={
            name: part.model_copy(update={"source": {**part.source, **given.get(name, {})}})
            for name, part in parts.items()
        },
    )


def check(card: Card) -> None:
    """Whether all parts make what they should.

    Raises
    ------
    ParameterError
        If a part is missing, or is not what belongs there.
    """
    device_of(card)
    read_of(card)
    if ACCESS in card.parts:
        cell_of(card)
    if WRITE_COST in card.parts:
        ModelCard.of_part(card.part(WRITE_COST)).model_of(WriteCost)


def device_of(card: Card) -> RramDevice:
    """The compact model."""
    return ModelCard.of_part(card.part(DEVICE)).model_of(RramDevice)


def read_of(card: Card) -> ModelCard:
    """The read law."""
    law = ModelCard.of_part(card.part(READ))
    law.model_of(SinhRead)
    return law


def cell_of(card: Card) -> RramCell:
    """The 1T1R cell.

    Raises
    ------
    ParameterError
        If the card has none, or its figures are not those of its data.
    """
    part = card.part(ACCESS)
    transistor = _bare(part, ()).model_of(TabulatedAccess)
    if part.origin == "measured":
        law = _law(part, transistor.temperature)
        if not np.allclose(transistor.currents, _with_law(transistor, law).currents, rtol=1e-9, atol=0):
            raise _other("the currents are not those of its parameters")
    values = {name: part.parameters[name].value for name in _CELL if name in part.parameters}
    if len(values) < len(_CELL):
        raise _other(f"it lacks {', '.join(name for name in _CELL if name not in values)}")
    cell = RramCell(
        device=device_of(card),
        transistor=transistor,
        inner_capacitance=values["inner_capacitance"],
        read_voltage=values["read_voltage"],
        read_gate_voltage=values["read_gate_voltage"],
    )
    expected = _on_resistance(cell)
    if not np.isclose(values["on_resistance"], expected, rtol=1e-9):
        raise _other(f"on_resistance is {values['on_resistance']:.10g} ohm; its data say {expected:.10g} ohm")
    return cell


def with_model(card: Card, name: str, fitted: ModelCard) -> Card:
    """The card with a model that was fitted to a measured table in the place of a part."""
    if name != ACCESS:
        return card.replaced(name, fitted.part())
    cell = cell_of(card)
    assert isinstance(cell.transistor, TabulatedAccess)
    law = fitted.model_of(AccessTransistor)
    new = replace(cell, transistor=_with_law(cell.transistor, law))
    measured = fitted.part()
    part = _access(new).model_copy(
        update={"origin": measured.origin, "source": measured.source, "range": measured.range}
    )
    return card.replaced(
        ACCESS, part.model_copy(update={"parameters": {**measured.parameters, **part.parameters}})
    )


def _write_cost(cost: WriteCost) -> Part:
    """Energies are simulated; times are those of the pulses, the endurance is assumed."""
    part = ModelCard.from_model(cost).part()
    reasons = {name: "assumed" if name.startswith("endurance") else EXACT for name in part.parameters}
    parameters = {
        name: record.model_copy(update={"reason": reasons[name]}) for name, record in part.parameters.items()
    }
    return part.model_copy(update={"origin": "simulated", "parameters": parameters})


_CELL = {"on_resistance": "ohm", "read_gate_voltage": "V", "read_voltage": "V", "inner_capacitance": "F"}


def _access(cell: RramCell) -> Part:
    values = {"on_resistance": _on_resistance(cell)} | {name: getattr(cell, name) for name in list(_CELL)[1:]}
    card = ModelCard.from_model(cell.transistor)
    return card.part().model_copy(
        update={
            "origin": "simulated",
            "parameters": {
                name: ParameterRecord(
                    value=value,
                    unit=_CELL[name],
                    reason="follows from the currents" if name == "on_resistance" else "of the cell",
                )
                for name, value in values.items()
            },
        }
    )


def _on_resistance(cell: RramCell) -> float:
    """Of the channel at the gate and the voltage of a read (ohm)."""
    return cell.read_voltage / float(cell.transistor.current(cell.read_gate_voltage, cell.read_voltage, 0.0))


def _bare(part: Part, names: tuple[str, ...]) -> ModelCard:
    """The model of a part whose parameters are only these."""
    kept = {name: part.parameters[name] for name in names if name in part.parameters}
    return ModelCard.of_part(part.model_copy(update={"parameters": kept}))


def _law(part: Part, temperature: float) -> AccessTransistor:
    """The law whose parameters a measured part has."""
    names = tuple(AccessTransistor.parameter_units)
    data = {"kind": AccessTransistor.kind, "settings": {"temperature": temperature}}
    return _bare(part.model_copy(update={"data": data}), names).model_of(AccessTransistor)


def _with_law(table: TabulatedAccess, law: AccessTransistor) -> TabulatedAccess:
    """The charges of the table, with the law's currents at its points."""
    gate, low, across = np.meshgrid(table.gate, table.low, table.across, indexing="ij")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ModelRangeWarning)  # the part says its range
        currents = law.current(gate, low + across, low)
    seen = {name: law.ranges[name] for name in ("gate_voltage",) if name in law.ranges}
    return replace(table, currents=currents, temperature=law.temperature, ranges=Ranges(seen))


def _other(words: str) -> ParameterError:
    return ParameterError(words, place=f"part {ACCESS!r} of the card", remedy=REMEDY)
