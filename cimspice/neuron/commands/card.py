"""The neuron as a family: its card from ngspice, and measured synapse curves in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cimspice.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd

    from cimspice.fit.family_card import Card
    from cimspice.fit.table_fit import FitOptions
    from cimspice.neuron.model.synapse_currents import Polarity
    from cimspice.pdk import Conditions
    from cimspice.progress import OnProgress

_DIGEST = "measured_file_digest"


def characterised(
    conditions: Conditions, settings: Sequence[str], jobs: int | None, progress: OnProgress
) -> Card:
    """The neuron's card; ``settings`` are ``layers=5,5,5`` and ``synapse=mosfet``."""
    from cimspice.neuron.characterise.card import Conditions as NeuronConditions
    from cimspice.neuron.characterise.card import characterised_card
    from cimspice.neuron.characterise.synapse_fit import LAYERS
    from cimspice.neuron.commands.validate import layer_sizes

    given = {"layers": ",".join(map(str, LAYERS)), "synapse": "mosfet"}
    for setting in settings:
        name, _, value = setting.partition("=")
        if name not in given:
            raise ParameterError(
                f"a neuron has no setting {name!r}"[:200], place="--set", remedy=f"use {' or '.join(given)}"
            )
        given[name] = value
    wanted = NeuronConditions(
        conditions.corner,
        conditions.temperature,
        given["synapse"],  # pyright: ignore[reportArgumentType] (checked there)
        jobs,
    )
    return characterised_card(wanted, layer_sizes([given["layers"].strip("[]")]), progress)


def check(card: Card) -> None:
    """CimspiceError if the card does not make a neuron."""
    from cimspice.neuron.model.card import neuron_of

    neuron_of(card)


def measured(card: Card, part: str, source: Path, given: FitOptions) -> tuple[Card, str, list[str]]:
    """The card with measured curves in the place of ``synapse_n``, ``synapse_p``, ``capacitance`` or ``ramp``
    (of the part ``readout``)."""
    from cimspice.fit.table import CAPACITANCE, SYNAPSE, TRACE
    from cimspice.neuron.model.measured import with_measured_capacitance, with_measured_ramp
    from cimspice.screen.card import shown

    polarities: dict[str, Polarity] = {"synapse_n": "n", "synapse_p": "p"}
    curves = {"capacitance": (CAPACITANCE, with_measured_capacitance), "ramp": (TRACE, with_measured_ramp)}
    name = {"ramp": "readout"}.get(part, part)
    if part in polarities:
        table = given.read_unfitted(source, SYNAPSE, {"polarity": polarities[part]})
        changed = _replaced(card, polarities[part], table, _source(table))
    elif part in curves:
        schema, replaced = curves[part]
        table = given.read_unfitted(source, schema)
        _check_conditions(card, table, "CSV")
        table.attrs["provenance"] = _source(table)
        changed = replaced(card, table)
    else:
        raise ParameterError(
            f"no measured curve makes the part {part!r}"[:200],
            place="--model",
            remedy="use --model synapse_n or synapse_p (current over gate bias and membrane voltage), "
            "capacitance (over membrane voltage) or ramp (membrane voltage over time)",
        )
    return changed, name, [f"{key} {shown(record)}" for key, record in changed.part(name).parameters.items()]


def _source(table: pd.DataFrame) -> dict[str, Any]:
    known = table.attrs["provenance"]
    return {"file": known["measured_file"], "sha256": known[_DIGEST]}


def _check_conditions(card: Card, table: pd.DataFrame, place: str) -> None:
    for name, value in card.conditions.model_dump(exclude_none=True).items():
        if name in table and (others := set(table[name]) - {value}):
            raise ParameterError(
                f"the curves are of {name} {sorted(others)[0]}, the card of {value}",
                place=place,
                remedy="give curves of the card's own condition",
            )


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

    Raises
    ------
    TableError, ParameterError
        If a file, its curves or the card cannot be used, or a condition is asked for that is the card's.
    """
    from cimspice.screen.card import conditions, read, shown
    from cimspice.screen.output import console, print_json

    for option, value in asked.items():
        if value is not None:
            raise ParameterError(f"the card says its own, not {value}", place=option, remedy="leave it out")
    card = read(file, "neuron")
    new = _with_curves(card, curves, order) if curves else card
    kept = new.save(output or file) if curves or output else file
    replaced = [name for name in new.parts if new.parts[name] != card.parts[name]]
    facts = {**figures(new), "replaced": replaced, "files": {"card": kept}}
    facts["parts"] = {name: new.facts()["parts"][name] for name in ("synapse_n", "synapse_p")}
    if json:
        print_json(facts)
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
    from cimspice.neuron.characterise.synapse_fit import measured_table

    table = measured_table(files, ignore_others=True)
    each = [measured_table([name], ignore_others=True) for name in files]
    for polarity in sorted(set(table["polarity"])):
        origins = [
            one.attrs["provenance"]["measured"][0] for one in each if (one["polarity"] == polarity).any()
        ]
        names, digests = ([origin[key] for origin in origins] for key in ("measured_file", _DIGEST))
        alone = len(names) == 1
        source = {"file": names[0] if alone else names, "sha256": digests[0] if alone else digests}
        card = _replaced(card, polarity, table, source, order)
    return card


def _replaced(
    card: Card, polarity: Polarity, table: pd.DataFrame, source: Mapping[str, Any], order: str | None = None
) -> Card:
    from cimspice.fit.table import SYNAPSE
    from cimspice.neuron.model.card import with_measured_current

    _check_conditions(card, table, "--csv")
    rows = SYNAPSE.rows(table, polarity=polarity, order=order)
    rows.attrs["provenance"] = source
    return with_measured_current(card, polarity, rows)
