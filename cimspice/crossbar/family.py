"""The crossbar as a family: its card, a measured read law in it, and arrays and networks from a card."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from cimspice.crossbar.model.card import tile_of
from cimspice.families import read_card
from cimspice.fit.family_card import Card
from cimspice.pdk import Conditions
from cimspice.progress import OnProgress, silent
from cimspice.rram.family import fit_part, remarks_of

if TYPE_CHECKING:
    import numpy as np

    from cimspice.crossbar.emulator import Crossbar, NonlinearCrossbar
    from cimspice.crossbar.emulator.perceptron import Perceptron
    from cimspice.crossbar.emulator.tiled import TiledNetwork
    from cimspice.crossbar.validation.budget import TileConditions
    from cimspice.crossbar.validation.network import NetworkValidation
    from cimspice.fit.table_fit import FitOptions


def characterise(
    conditions: Conditions = Conditions(),  # noqa: B008 - it is frozen
    *,
    device: str = "skywater",
    memory: Card | str | Path | None = None,
    wires: str = "assumed",
    jobs: int | None = None,
    progress: OnProgress = silent,
    **changes: float,
) -> Card:
    """The card of a crossbar's tile: the read law of its memory from ngspice, the rest assumed or extracted.

    Parameters
    ----------
    conditions
        Corner, temperature (°C).
    device
        The memory whose reads are simulated.
    memory
        Its card, or a file with it, in the place of simulations.
    wires
        ``"assumed"``, or ``"sky130"`` for segments of the 1T1R cell's layout.
    jobs, progress
        Worker processes, of which the few simulations need one; what is called as they go on.
    changes
        Parameters of the card's parts in SI units: ``g_max=1e-4``, ``levels=16``.

    Raises
    ------
    ParameterError, MappingError
        For a device without a netlist, a card of another condition, and values that make no tile.
    """
    from cimspice.crossbar.characterisation import characterised_card

    known = memory if memory is None or isinstance(memory, Card) else read_card(str(memory))
    return characterised_card(conditions, device, memory=known, wires=wires, progress=progress, **changes)


def card(file: str | Path) -> Card:
    """The crossbar's card in a file, whose figures are those of its data.

    Raises
    ------
    CimspiceError
        If it is no card of a crossbar, naming the file.
    """
    return read_card(file, "crossbar")


def layer(conductances: np.ndarray, card: Card) -> Crossbar | NonlinearCrossbar:
    """The exact solver of an array with the card's wires, terminals and read law.

    Parameters
    ----------
    conductances
        At 0 V (S), shape (rows, columns).
    card
        The crossbar's.

    Raises
    ------
    ParameterError
        For conductances that are none, and a read law with a series resistance that matters.
    """
    from cimspice.crossbar.emulator import Crossbar, NonlinearCrossbar, SinhCell

    wires, curvature = asdict(tile_of(card).wires), _curvature(card)
    if curvature > 0:
        return NonlinearCrossbar(SinhCell(conductances, curvature), **wires)
    return Crossbar(conductances, **wires)


def map(
    network: Perceptron, card: Card, calibration: np.ndarray, *, tile: tuple[int, int] = (32, 32)
) -> TiledNetwork:
    """A trained network as conductances on tiles, which emulates it with the card's wires and read law.

    Parameters
    ----------
    network
        Weights (outputs, inputs) and biases.
    card
        The crossbar's.
    calibration
        Inputs (samples, inputs) ≥ 0 whose largest values set the input scale of each layer.
    tile
        Rows and columns of a tile.

    Raises
    ------
    MappingError, ParameterError
        For what cannot be mapped.
    """
    from cimspice.crossbar.emulator.tiled import map_network
    from cimspice.crossbar.validation.budget import with_nonlinearity

    made = tile_of(card)
    mapped = map_network(
        network, calibration, made.cells, tile=tile, wires=made.wires, read_voltage=made.read_voltage
    )
    return with_nonlinearity(mapped, _curvature(card))


def validate(
    card: Card,
    *,
    tile: tuple[int, int] = (32, 32),
    digits: int = 20,
    nonlinear_digits: int = 4,
    seed: int = 0,
    progress: OnProgress = silent,
) -> NetworkValidation:
    """A digits network on tiles: emulator against ngspice, errors by cause, and compensation.

    Parameters
    ----------
    card
        The crossbar's.
    tile
        Rows and columns of a tile.
    digits, nonlinear_digits
        How many digits go through ngspice with linear cells and with the card's read law.
    seed
        Of split, training and programming errors.
    progress
        What is called as it goes on.

    Raises
    ------
    ParameterError, MappingError
        For tiles that ngspice cannot take, and a card that describes none.
    SimulationError
        If a tile fails.
    """
    from cimspice.crossbar.validation.network import validate_crossbar

    return validate_crossbar(
        conditions_of(card, tile, seed),
        digits=digits,
        nonlinear_digits=nonlinear_digits,
        card=card,
        resistances=(),
        seed=seed,
        progress=progress,
    )


def conditions_of(card: Card, tile: tuple[int, int], seed: int) -> TileConditions:
    """What a network is mapped on, as the card says."""
    from cimspice.crossbar.validation.budget import TileConditions

    made = tile_of(card)
    return TileConditions(
        cells=made.cells,
        tile=tile,
        wires=made.wires,
        errors=made.errors,
        read_voltage=made.read_voltage,
        seed=seed,
    )


def _curvature(card: Card) -> float:
    from cimspice.rram.validation.device import nonlinearity_of

    temperature = card.conditions.temperature
    return nonlinearity_of(tile_of(card).read, None, 27.0 if temperature is None else temperature)


def check(card: Card) -> None:
    """CimspiceError if the card describes no tile."""
    tile_of(card)


def measured(card: Card, part: str, source: Path, given: FitOptions) -> tuple[Card, str, list[str]]:
    """The card with a measured curve in the place of ``read`` (``rram_read_sinh``)."""
    name, fitted = fit_part(card, part, source, given)
    return card.replaced(name, fitted.part()), name, remarks_of(fitted)
