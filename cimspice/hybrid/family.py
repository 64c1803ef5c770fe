"""Columns read by comparators as a family: their card from ngspice, and layers of networks from a card."""

from __future__ import annotations

from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cimspice.errors import ParameterError
from cimspice.families import read_card
from cimspice.fit.family_card import Card
from cimspice.hybrid.model.card import FAMILY, column_model
from cimspice.pdk import Conditions
from cimspice.progress import OnProgress, silent

if TYPE_CHECKING:
    import numpy as np

    from cimspice.campaign import Store
    from cimspice.hybrid.emulator.circuit import HybridCircuit
    from cimspice.hybrid.emulator.mapped_layer import MappedLayer
    from cimspice.hybrid.mapping.slices import WeightFormat
    from cimspice.network.simulated import SimulatedSums


def characterise(
    conditions: Conditions = Conditions(),  # noqa: B008 - it is frozen
    *,
    cell: str = "6T",
    jobs: int | None = None,
    store: Store | Path | str | None = None,
    progress: OnProgress = silent,
    **settings: Any,
) -> Card:
    """The card of a column with its comparator from ngspice; what was simulated before is taken from the
    store.

    Parameters
    ----------
    conditions
        Corner, temperature (°C).
    cell
        ``6T``, or ``rram`` for pairs of RRAM columns.
    jobs, store, progress
        Worker processes (default: one for each processor); where points are kept; what is called as they
        finish.
    settings
        Of the column: those of :func:`sram_column_card` or of
        :func:`cimspice.hybrid.pair_characterisation.pair_card`.

    Raises
    ------
    ParameterError
        For a column that is none.
    SimulationError
        If a point fails.
    """
    common: dict[str, Any] = {"jobs": jobs, "store": store, "progress": progress}
    if _checked(cell) == "6T":
        return sram_column_card(conditions, **common, **settings)
    from cimspice.hybrid.pair_characterisation import pair_card

    known = [name for name in signature(pair_card).parameters if name not in (*common, "conditions")]
    if unknown := settings.keys() - set(known):
        raise ParameterError(
            f"pairs of RRAM columns have no setting {min(unknown)!r}"[:200],
            place="--set",
            remedy=f"use {', '.join(known)}",
        )
    return pair_card(conditions, **common, **settings)


def sram_column_card(
    conditions: Conditions = Conditions(),  # noqa: B008 - it is frozen
    *,
    weights: int = 64,
    dummies: int = 3,
    rows: int = 144,
    input_width: float = 12e-6,
    unit_width: float = 60e-12,
    strobe: float = 0.6e-9,
    recovery: float = 0.4e-9,
    samples: int = 1000,
    cells: int = 100,
    element: bool = False,
    jobs: int | None = None,
    store: Store | Path | str | None = None,
    progress: OnProgress = silent,
    **array: Any,
) -> Card:
    """The card of a column of 6T cells from ngspice: some ten CPU minutes, most of them for the offset.

    Parameters
    ----------
    conditions
        Corner, temperature (°C). Slow comparators need a ``strobe`` of 0.85 ns and a ``recovery`` of 0.8 ns.
    weights, dummies, rows
        Of a column: see :class:`cimspice.hybrid.Column`.
    input_width
        Of the comparator's input transistors (m).
    unit_width, strobe, recovery
        Pulse of an input of 1, the time that a decision has, and what passes between two beside (s).
    samples, cells
        Comparators and cells with mismatch.
    element
        Whether the card has the part ``processing_element``, for `cimspice schedule`: two CPU minutes more.
    jobs, store, progress
        Worker processes (default: one for each processor); where points are kept; what is called as they
        finish.
    array
        Parameters of :class:`cimspice.sram.Array`: ``word_line_voltage=1.1``.

    Raises
    ------
    ParameterError
        For a column that is none.
    SimulationError
        If a point fails.
    """
    from cimspice.hybrid.characterisation import ColumnConditions, characterised_card
    from cimspice.hybrid.element import with_element
    from cimspice.hybrid.model.column import Column
    from cimspice.sram.circuit.array import Array

    if not isinstance(element, bool):
        raise ParameterError(f"element is {element!r}"[:200], place="--set", remedy="use true or false")
    for name, value in {
        "input_width": input_width,
        "unit_width": unit_width,
        "strobe": strobe,
        "recovery": recovery,
    }.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ParameterError(
                f"{name} is {value!r}"[:200], place="--set", remedy="give a number in SI units"
            )
    where = ColumnConditions(
        column=Column(weights=weights, dummies=dummies, rows=rows),
        array=Array.model_validate({**array, "rows": rows}),
        corner=conditions.corner,
        temperature=conditions.temperature,
        input_width=input_width,
        unit_width=unit_width,
        strobe=strobe,
        recovery=recovery,
        workers=jobs,
        store=store,
    )
    made = characterised_card(where, samples=samples, cells=cells, progress=progress)
    return with_element(made, where, progress) if element else made


def card(file: str | Path) -> Card:
    """The column's card in a file, whose figures are those of its data.

    Raises
    ------
    CimspiceError
        If it is no card of a column, naming the file.
    """
    return read_card(file, FAMILY)


def packaged_card(cell: str = "6T") -> Card:
    """That of the default column at tt, 27 °C, which comes with cimspice: of 6T cells, or with ``rram`` of
    pairs of RRAM columns.

    ParameterError for another cell.
    """
    from cimspice.resources import data_directory

    return Card.load(data_directory("cards") / f"{_CARDS[_checked(cell)]}.json", FAMILY)


_CARDS = {"6T": "hybrid", "rram": "hybrid_rram"}
"""Files of cards by cell."""


def _checked(cell: str) -> str:
    if cell not in _CARDS:
        raise ParameterError(f"cell is {cell!r}"[:200], place="cell", remedy=f"use {' or '.join(_CARDS)}")
    return cell


def check(card: Card) -> None:
    """CimspiceError if the card does not make a column."""
    column_model(card)


def map(weights: np.ndarray, form: WeightFormat) -> np.ndarray:
    """Cell values (slices, ...) of the integers nearest to weights (...) in units of their step."""
    return form.sliced(form.rounded(weights))


def circuit(card: Card | None = None, **config: Any) -> HybridCircuit:
    """Columns read by comparators for the layers of a network, all nominal.

    Parameters
    ----------
    card
        The column's; by default that of the default column at tt, 27 °C.
    config
        Settings of `cimspice.hybrid.emulator.circuit.HybridCircuit`: ``readout``, ``weights``,
        ``input_bits``, ``scale_factors``, ``scale_bits``.

    Raises
    ------
    ParameterError
        For an unknown key, and values that make no circuit.
    """
    from dataclasses import fields

    from cimspice.hybrid.emulator.circuit import HybridCircuit

    known = sorted({field.name for field in fields(HybridCircuit)} - {"card"})
    if unknown := config.keys() - set(known):
        raise ParameterError(
            f"no setting {min(unknown)!r}", place="hybrid circuit", remedy=f"choose from {', '.join(known)}"
        )
    return HybridCircuit(card=card or packaged_card(), **config)


def layer(weights: np.ndarray, card: Card, calibration: np.ndarray, **config: Any) -> MappedLayer:
    """The emulated layer of weights (outputs, inputs), its ranges calibrated with inputs (n, inputs).

    Raises
    ------
    MappingError, ParameterError
        For what cannot be mapped.
    """
    return circuit(card, **config).layer(weights, calibration)


def simulate(
    layer: MappedLayer,
    x: np.ndarray,
    *,
    store: Store | Path | str | None = None,
    jobs: int | None = None,
    progress: OnProgress = silent,
) -> SimulatedSums:
    """Weighted sums of a circuit's layer for inputs (n, inputs), both decisions of all columns in ngspice.

    Parameters
    ----------
    layer
        Of a `circuit`.
    x
        Inputs (n, inputs).
    store, jobs
        Where finished reads are kept (default: the store of all runs), and how many run at once.
    progress
        What is called as it goes on.

    Raises
    ------
    SimulationError
        If a read fails.
    """
    from cimspice.hybrid.pair_characterisation import conditions_of
    from cimspice.hybrid.validation.layer import simulate_layer

    return simulate_layer(layer, x, conditions_of(layer.circuit.card, jobs, store), progress=progress)


def simulation_seconds(layer: MappedLayer, inputs: int) -> float:
    """CPU time that `simulate` is expected to take for so many inputs, within a factor of about two."""
    from cimspice.hybrid.validation.layer import expected_seconds

    return expected_seconds(layer, inputs)
