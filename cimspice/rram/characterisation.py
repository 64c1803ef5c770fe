"""The resistive memory's card from ngspice: reads of the device, curves of the access transistor, pulses."""

from typing import Any

from cimspice.campaign.versions import provenance
from cimspice.errors import ParameterError
from cimspice.fit.family_card import Card, CardConditions
from cimspice.pdk import Conditions
from cimspice.progress import OnProgress, Progress, silent
from cimspice.rram.circuit.cell_write import CellWriteParameters
from cimspice.rram.model.card import ACCESS, WRITE_COST, rram_card
from cimspice.rram.model.skywater import SkywaterReram
from cimspice.rram.validation.cell import CircuitCell, fit_cell, simulated_write_cost
from cimspice.rram.validation.device import DEVICES, check_device, read_law

_TRANSISTOR = ("transistor", "width", "length")


def characterised_card(
    conditions: Conditions,
    device: str = SkywaterReram.parameter_set,
    *,
    progress: OnProgress = silent,
    **transistor: Any,
) -> Card:
    """The card of a memory and of a 1T1R cell with it.

    ``transistor`` gives ``transistor``, ``width`` and ``length`` (m) of the cell's access transistor. Only
    the filament model has a cell: the pulses of :class:`WriteScheme` are those of SkyWater's ReRAM.

    ParameterError for a device without a netlist, and a transistor where there is no cell.
    """
    check_device(device)
    known = {"corner": conditions.corner, "temperature": conditions.temperature}
    progress(Progress(stage="ngspice: reads of the memory"))
    read = read_law(device, conditions.temperature)
    model, versions = DEVICES[device].published(), provenance()
    if device != SkywaterReram.parameter_set:
        if transistor:
            raise ParameterError(
                f"a card of {device} has no 1T1R cell",
                place="--set",
                remedy=f"leave out {', '.join(transistor)}",
            )
        return rram_card(model, read, conditions=CardConditions(**known), provenance=versions)
    given = CellWriteParameters.model_validate({"model": device, **transistor})
    circuit = CircuitCell(given, conditions.corner, conditions.temperature)
    progress(Progress(stage="ngspice: access transistor and five SETs of a cell"))
    fitted = fit_cell(model, circuit)
    progress(Progress(stage="ngspice: a SET and a RESET"))
    curves = {"current": {"bench": "rram_access_grid"}, "charge": {"bench": "rram_access_charge"}}
    pulses = {"bench": "rram_cell_write", "share_of_the_charge": fitted.abrupt_share}
    return rram_card(
        model,
        read,
        fitted.cell,
        simulated_write_cost(circuit),
        conditions=CardConditions(**known),
        sources={ACCESS: {**curves, "set": pulses}, WRITE_COST: {"pulses": {"bench": "rram_cell_write"}}},
        provenance={
            **versions,
            "circuit": {name: given.model_dump(mode="json")[name] for name in _TRANSISTOR},
        },
    )
