"""The crossbar's card: what is assumed or extracted of its lines, and the read law of its memory."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from cimspice.campaign.versions import provenance
from cimspice.crossbar.model.card import ASSUMED, PARTS, Tile, crossbar_card, tile_of
from cimspice.crossbar.processing_element import simulated_element
from cimspice.errors import ParameterError
from cimspice.fit.card import SET
from cimspice.fit.family_card import Card, CardConditions
from cimspice.fit.records import ParameterRecord
from cimspice.pdk import Conditions
from cimspice.pdk.array_wires import array_wires
from cimspice.progress import OnProgress, Progress, silent
from cimspice.resources import data_directory
from cimspice.rram.model.card import FAMILY as MEMORY
from cimspice.rram.model.card import read_of
from cimspice.rram.validation.device import check_device, read_law
from cimspice.schedule.element_card import PART as ELEMENT
from cimspice.schedule.element_card import UNITS, element_with

WIRES, ELEMENTS = ("assumed", "sky130"), ("simulated", "assumed")
_FILE = "sky130_wires.toml"


def characterised_card(
    conditions: Conditions,
    device: str = "skywater",
    *,
    memory: Card | None = None,
    wires: str = "assumed",
    element: str | None = None,
    jobs: int | None = None,
    progress: OnProgress = silent,
    **changes: float,
) -> Card:
    """The card of a crossbar's tile.

    Parameters
    ----------
    conditions
        Corner and temperature.
    device
        The memory whose reads are simulated.
    memory
        Its card, in the place of simulations.
    wires
        ``"assumed"``: 5 ohm per segment. ``"sky130"``: segments of the 1T1R cell's layout, word lines in
        metal 2 and bit lines in metal 1.
    element
        ``"simulated"``: reads of arrays of SkyWater's memory in time, conversions, and the emulated error
        make the part of processing elements, by default unless the memory's card is given. ``"assumed"``, as
        for other devices.
    jobs
        Worker processes.
    changes
        Parameters of :data:`cimspice.crossbar.model.card.PARTS`, and of the part of processing elements
        (:data:`cimspice.schedule.element_card.UNITS`).

    Raises
    ------
    ParameterError, MappingError
        For a device without a netlist, a card of another condition, and values that make no tile.
    """
    own = CardConditions(corner=conditions.corner, temperature=conditions.temperature)
    known = [*(name for names in PARTS.values() for name in names), *UNITS]
    for name, value in changes.items():
        if name not in known:
            raise ParameterError(
                f"crossbar has no setting {name!r}"[:200], place="--set", remedy=f"use {', '.join(known)}"
            )
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ParameterError(
                f"{name} is {value!r}"[:200], place="--set", remedy="give a number in SI units"
            )
    element = element or ("simulated" if memory is None else "assumed")
    for words, value, choices in (("wires are", wires, WIRES), ("element is", element, ELEMENTS)):
        if value not in choices:
            remedy = f"use {' or '.join(choices)}"
            raise ParameterError(f"{words} {value!r}"[:200], place="--set", remedy=remedy)
    if memory is None:
        check_device(device)
        progress(Progress(stage="ngspice: reads of the memory"))
        read = read_law(device, conditions.temperature)
    else:
        if memory.family != MEMORY or memory.conditions != own:
            raise ParameterError(
                f"it is of {memory.family}, {memory.conditions.corner}, {memory.conditions.temperature} °C",
                place="--set memory",
                remedy=f"give one of {MEMORY}, {own.corner}, {own.temperature} °C",
            )
        read = read_of(memory)
    card = crossbar_card(Tile(read=read), own, provenance())
    if wires == "sky130":
        cell, file = array_wires(), data_directory("pdk") / _FILE
        segments = {
            "word_line_resistance": cell.bit_line_resistance,
            "bit_line_resistance": cell.source_line_resistance,
        }
        source = {"file": _FILE, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
        card = _with(card, "wires", segments, "sheet resistance and layout of the 1T1R cell", source)
    for part, names in PARTS.items():
        card = _with(card, part, {name: changes[name] for name in names if name in changes}, SET)
    figures = {name: changes[name] for name in UNITS if name in changes}
    tile, assumed = tile_of(card), element_with(figures)
    if element == "simulated" and device == "skywater":
        part = simulated_element(tile, conditions, figures, jobs=jobs, progress=progress)
    else:
        part = assumed.part(ASSUMED, dict.fromkeys(changes, SET))
    return card.model_copy(update={"parts": {**card.parts, ELEMENT: part}})


def _with(
    card: Card, part: str, values: Mapping[str, float], reason: str, source: Mapping[str, str] | None = None
) -> Card:
    """The card with other values of a part's parameters."""
    own = card.part(part)
    given = {
        name: ParameterRecord(value=value, unit=PARTS[part][name], reason=reason)
        for name, value in values.items()
    }
    return card.replaced(
        part,
        own.model_copy(
            update={"parameters": {**own.parameters, **given}, "source": {**own.source, **(source or {})}}
        ),
    )
