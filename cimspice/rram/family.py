"""The resistive memory as a family: its card from ngspice, and measured curves in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cimspice.errors import ParameterError
from cimspice.families import read_card
from cimspice.fit.family_card import Card
from cimspice.pdk import Conditions
from cimspice.progress import OnProgress, silent
from cimspice.rram.model.card import KINDS, check, with_model

if TYPE_CHECKING:
    import numpy as np

    from cimspice.fit.table_fit import FitOptions
    from cimspice.rram.model.programming import WriteRecord, WriteScheme
    from cimspice.rram.validation.memory import MemoryValidation

__all__ = ["card", "characterise", "check", "map", "measured", "validate"]


def characterise(
    conditions: Conditions = Conditions(),  # noqa: B008 - it is frozen
    *,
    device: str = "skywater",
    transistor: str | None = None,
    width: float | None = None,
    length: float | None = None,
    jobs: int | None = None,
    progress: OnProgress = silent,
) -> Card:
    """The memory's card from ngspice: read law, 1T1R cell, cost of a write.

    Parameters
    ----------
    conditions
        Corner, temperature (°C).
    device
        A memory with a netlist, such as ``"vteam"``.
    transistor, width, length
        The cell's access transistor: its model's name and sizes (m).
    jobs, progress
        Worker processes, of which the few simulations need one; what is called as they go on.

    Raises
    ------
    ParameterError
        For an unknown device, and a transistor where there is no cell.
    SimulationError
        If a simulation fails.
    """
    from cimspice.rram.characterisation import characterised_card

    given = {"transistor": transistor, "width": width, "length": length}
    asked = {name: value for name, value in given.items() if value is not None}
    return characterised_card(conditions, device, progress=progress, **asked)


def card(file: str | Path) -> Card:
    """The memory's card in a file, whose figures are those of its data.

    Raises
    ------
    CimspiceError
        If it is no card of a memory, naming the file.
    """
    return read_card(file, "rram")


def map(conductances: np.ndarray, card: Card, *, scheme: WriteScheme | None = None) -> WriteRecord:
    """What write-verify makes of target conductances (S), any shape, in cells of the card that begin in their
    most resistive state: conductances reached, pulses, energies, times.

    Raises
    ------
    ParameterError
        For targets that are not positive and finite, and a card without a 1T1R cell.
    """
    from cimspice.rram.model.card import cell_of
    from cimspice.rram.model.programming import SetResponse, WriteScheme, write_verify

    cell, pulses = cell_of(card), scheme or WriteScheme()
    celsius = 27.0 if card.conditions.temperature is None else card.conditions.temperature
    response = SetResponse.of(cell, pulses, celsius)
    return write_verify(cell, conductances, pulses, response=response, ambient=celsius)


def validate(
    card: Card, *, pulses: int = 20, seed: int = 0, progress: OnProgress = silent
) -> MemoryValidation:
    """The card's read law and 1T1R cell against ngspice, for voltages and pulses that it was not made from.

    Parameters
    ----------
    card
        The memory's, which says what is simulated.
    pulses, seed
        SETs and RESETs of the cell, in turn; of states and levels.
    progress
        What is called as it goes on.

    Raises
    ------
    ParameterError
        For fewer than two pulses, and a card whose memory has no netlist.
    SimulationError
        If a simulation fails.
    """
    from cimspice.rram.validation.memory import validate_memory

    return validate_memory(card, pulses=pulses, seed=seed, progress=progress)


def measured(card: Card, part: str, source: Path, given: FitOptions) -> tuple[Card, str, list[str]]:
    """The card with a measured curve in the place of ``read`` or ``access``, which may be named by the model
    that is fitted, too (``rram_read_sinh``, ``rram_access_transistor``)."""
    name, fitted = fit_part(card, part, source, given)
    return with_model(card, name, fitted), name, remarks_of(fitted)


def fit_part(card: Card, part: str, source: Path, given: FitOptions) -> tuple[str, Any]:
    """The part's name and the model that is fitted to the measured file.

    ParameterError for a part that no curve makes or that the card lacks, and a curve of another condition.
    """
    from cimspice.fit.table_fit import fit_measured

    names = {kind.kind: name for name, kind in KINDS.items() if hasattr(kind, "fit") and name in card.parts}
    name = names.get(part, part)
    if name not in names.values():
        raise ParameterError(
            f"no measured curve makes the part {part!r}"[:200],
            place="--model",
            remedy=f"use --model {' or '.join(names.values())}",
        )
    fitted = fit_measured(source, KINDS[name].kind, given).card
    fitted.check_conditions(**card.conditions.model_dump(exclude_none=True))
    return name, fitted


def remarks_of(fitted: Any) -> list[str]:
    """The parameters of a fit, and what it leaves."""
    from cimspice.screen.card import shown

    left = fitted.residual
    return [
        *(f"{name} {shown(record)}" for name, record in fitted.parameters.items()),
        *(
            [f"residual: rms {left.rms:.3g} {left.unit}, {left.percent:.3g} % of the {left.full_scale}"]
            if left
            else []
        ),
    ]
