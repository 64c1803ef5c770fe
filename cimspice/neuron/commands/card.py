"""``cimspice fit synapse --card FILE``: measured synapse curves in the neuron's card, and its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cimspice.errors import ParameterError

if TYPE_CHECKING:
    from cimspice.fit.family_card import Card

_DIGEST = "measured_file_digest"


def fit_into_card(
    file: Path,
    curves: Sequence[str],
    order: str | None,
    output: Path | None,
    asked: Mapping[str, object],
    *,
    json: bool,
) -> None:
    """``cimspice fit synapse --csv n=FILE --card CARD``: measured curves in the place of the card's currents,
    and its figures. Without curves these are shown alone.

    TableError or ParameterError if a file, its curves or the card cannot be used, or a condition is asked for
    that is the card's.
    """
    from cimspice.families import read_card
    from cimspice.screen.card import conditions, origin_of, shown
    from cimspice.screen.output import console, print_json

    for option, value in asked.items():
        if value is not None:
            raise ParameterError(f"the card says its own, not {value}", place=option, remedy="leave it out")
    card = read_card(file, "neuron")
    new = _with_curves(card, curves, order) if curves else card
    kept = new.save(output or file) if curves or output else file
    replaced = [name for name in new.parts if new.parts[name] != card.parts[name]]
    facts = {**figures(new), "replaced": replaced, "files": {"card": kept}}
    facts["parts"] = {name: new.facts()["parts"][name] for name in ("synapse_n", "synapse_p")}
    if json:
        print_json({**facts, **origin_of(new)})
        return
    given, screen = facts["conditions"], console()
    screen.print(
        f"synapse: {conditions(card)}, unit current "
        f"{given['unit_current'] * 1e9:.4g} nA, V_th {given['voltage_scale']:.4f} V"
    )
    for words, part, name in _FIGURES.values():
        now = new.part(part)
        screen.print(f"  {words}  {shown(now.parameters[name]):32}  {now.origin}")
    screen.print(f"  {kept}", markup=False)


_FIGURES = {
    "lambda_n": ("λ_N", "synapse_n", "reversal_coefficient"),
    "lambda_p": ("λ_P", "synapse_p", "reversal_coefficient"),
    "e_plus": ("E⁺ ", "synapse_n", "reversal_potential"),
    "e_minus": ("E⁻ ", "synapse_p", "reversal_potential"),
}


def figures(card: Card) -> dict[str, Any]:
    """λ and E of both polarities with their intervals, and the conditions: what ``fit synapse`` prints."""
    from cimspice.neuron.model.simplify import WINDOW

    parameters = {name: part.parameters for name, part in card.parts.items()}
    return {
        **{key: parameters[part][name].model_dump(mode="json") for key, (_, part, name) in _FIGURES.items()},
        "conditions": {
            **card.conditions.model_dump(),
            "unit_current": parameters["capacitance"]["unit_current"].value,
            "membrane_voltage": WINDOW,
            "reset_voltage": parameters["circuit"]["rest_voltage"].value,
            "voltage_scale": parameters["readout"]["voltage_scale"].value,
        },
    }


def _with_curves(card: Card, files: Sequence[str], order: str | None) -> Card:
    """The card with the curves of all files (``n=FILE``, or with a column of polarities)."""
    from cimspice.neuron.characterisation.synapse_fit import measured_table
    from cimspice.neuron.family import with_curves

    table = measured_table(files, ignore_others=True)
    each = [measured_table([name], ignore_others=True) for name in files]
    for polarity in sorted(set(table["polarity"])):
        origins = [
            one.attrs["provenance"]["measured"][0] for one in each if (one["polarity"] == polarity).any()
        ]
        names, digests = ([origin[key] for origin in origins] for key in ("measured_file", _DIGEST))
        alone = len(names) == 1
        source = {"file": names[0] if alone else names, "sha256": digests[0] if alone else digests}
        card = with_curves(card, polarity, table, source, order)
    return card
