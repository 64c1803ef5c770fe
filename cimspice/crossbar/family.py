"""The crossbar as a family: its card, a measured read law in it, and arrays and networks from a card."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cimspice.arrays import checked_array, checked_number
from cimspice.crossbar.model.card import check_resistance, tile_of
from cimspice.errors import ParameterError
from cimspice.families import read_card
from cimspice.fit.family_card import Card
from cimspice.pdk import Conditions
from cimspice.progress import OnProgress, silent
from cimspice.rram.family import fit_part, remarks_of

_OWN = {"cell", "device", "memory_card", "write_verify"}
"""Settings of a circuit that are no fields."""

if TYPE_CHECKING:
    from cimspice.campaign.store import Store
    from cimspice.crossbar.emulator import Crossbar, NonlinearCrossbar
    from cimspice.crossbar.emulator.circuit import CrossbarCircuit
    from cimspice.crossbar.emulator.mapped_layer import MappedLayer
    from cimspice.crossbar.emulator.one_transistor import AccessedMemory
    from cimspice.crossbar.validation.network import NetworkValidation
    from cimspice.crossbar.validation.tile_reads import TileReads
    from cimspice.crossbar.validation.tiles import SimulatedLayer
    from cimspice.fit.table_fit import FitOptions
    from cimspice.network.circuit import CircuitNetwork
    from cimspice.network.graph import Network


def characterise(
    conditions: Conditions = Conditions(),  # noqa: B008 - it is frozen
    *,
    device: str = "skywater",
    memory: Card | str | Path | None = None,
    wires: str = "assumed",
    element: str | None = None,
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
    element
        What an MVM takes in time and energy, for `cimspice schedule`: ``"simulated"`` from reads of arrays of
        SkyWater's memory, with converters, or ``"assumed"``; by default simulated, unless the memory's card
        is given.
    jobs, progress
        Worker processes; what is called as simulations go on.
    changes
        Parameters of the card's parts in SI units: ``g_max=1e-4``, ``levels=16``, ``rows=64``.

    Raises
    ------
    ParameterError, MappingError
        For a device without a netlist, a card of another condition, and values that make no tile.
    """
    from cimspice.crossbar.characterisation import characterised_card

    known = memory if memory is None or isinstance(memory, Card) else read_card(str(memory))
    return characterised_card(
        conditions,
        device,
        memory=known,
        wires=wires,
        element=element,
        jobs=jobs,
        progress=progress,
        **changes,
    )


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
    network: Network, card: Card, calibration: np.ndarray, *, tile: tuple[int, int] = (32, 32)
) -> CircuitNetwork:
    """A trained network as conductances on tiles, which emulates it as the card says.

    Parameters
    ----------
    network
        Any network; its dense and convolution layers are mapped.
    card
        The crossbar's.
    calibration
        Inputs (samples, ...) whose largest values set the input scale of each layer.
    tile
        Rows and columns of a tile.

    Raises
    ------
    MappingError, ParameterError
        For what cannot be mapped.
    """
    from cimspice.network.circuit import map_network

    return map_network(network, calibration, circuit(card, tile=tile))


def circuit(
    card: Card | None = None, *, device: str | None = None, cell: str = "passive", **config: Any
) -> CrossbarCircuit:
    """Crossbars for the layers of a network.

    Parameters
    ----------
    card
        The crossbar's; by default segments of 1 ohm, cells from 2 to 80 µS, read at 0.2 V, nothing else.
    device
        The memory of 1T1R cells, by default SkyWater's; passive ones have none.
    cell
        ``"passive"``, or ``"1T1R"`` with the array's access transistor, whose currents are simulated once.
    config
        What is different. In SI units: ``word_line_resistance``, ``bit_line_resistance``,
        ``source_resistance``, ``sense_resistance``, ``drive``, ``sense``; ``g_min``, ``g_max``, ``levels`` (0
        for continuous); ``tolerance``, or ``write_verify`` (that of pulses and reads by the model of a 1T1R
        cell, of the file ``memory_card`` or SkyWater's, fitted to ngspice), ``stuck_low``, ``stuck_high``;
        ``nonlinearity``, ``read_voltage``; and
        the others of `cimspice.crossbar.emulator.circuit.CrossbarCircuit`: ``tile`` (rows, columns, or one
        number for both), ``weight_scale``, ``dac_bits``, ``adc_bits``, ``chips``, ...

    Raises
    ------
    ParameterError, MappingError
        For an unknown key, and values that make no circuit.
    """
    from cimspice.crossbar.emulator.circuit import CrossbarCircuit

    base = CrossbarCircuit()
    if card is not None:
        made = tile_of(card)
        base = CrossbarCircuit(
            cells=made.cells, wires=made.wires, errors=made.errors,
            read_voltage=made.read_voltage, nonlinearity=_curvature(card),
        )  # fmt: skip
    names = {"g_min": "low", "g_max": "high"}
    parts = {name: getattr(base, name) for name in ("wires", "cells", "errors")}
    known = {
        name: {field.name for field in fields(part)} - {"low", "high", "variability"}
        for name, part in parts.items()
    }
    known["cells"] |= names.keys()
    known["errors"] -= {"written"}
    plain = {field.name for field in fields(base)} - parts.keys() - {"memory"}
    verify, memory_card = config.pop("write_verify", None), config.pop("memory_card", None)
    if unknown := config.keys() - plain.union(*known.values()):
        raise ParameterError(
            f"no setting {min(unknown)!r}",
            place="crossbar circuit",
            remedy=f"choose from {', '.join(sorted(plain.union(*known.values(), _OWN)))}",
        )
    for name in ("word_line_resistance", "bit_line_resistance", "source_resistance", "sense_resistance"):
        if name in config:
            check_resistance(name, checked_number(name, config[name]))
    for name in ("g_min", "g_max", "write_verify"):
        if (value := verify if name == "write_verify" else config.get(name)) is not None:
            checked_number(name, value, above=0, place="crossbar circuit")
    for name, value in (("device", device), ("memory_card", memory_card)):
        if value is not None and not isinstance(value, str):
            raise ParameterError(f"{name} is {value!r}", place="crossbar circuit", remedy="give a name")
    for part, keys in known.items():
        given = {names.get(key, key): value for key, value in config.items() if key in keys}
        if given.get("levels") == 0:
            given["levels"] = None
        parts[part] = replace(parts[part], **given)
    rest = {key: value for key, value in config.items() if key in plain}
    if "tile" in rest:
        tile = np.ravel(rest["tile"])
        rest["tile"] = tuple(checked_array("tile", np.resize(tile, 2) if tile.size == 1 else tile, (2,),
                                           low=1, whole=True).tolist())  # fmt: skip
    if verify is not None:
        from cimspice.crossbar.validation.write_errors import write_errors

        parts["errors"] = replace(parts["errors"], written=write_errors(verify, parts["cells"], memory_card))
    elif memory_card is not None:
        raise ParameterError(
            "memory_card without write_verify",
            place="crossbar circuit",
            remedy="give both",
        )
    made = replace(base, **parts, **rest)
    if cell == "1T1R":
        return replace(made, memory=_accessed(device or "skywater", made.read_voltage), nonlinearity=0.0)
    if cell != "passive":
        raise ParameterError(f"cells are {cell!r}", place="cell", remedy="use 'passive' or '1T1R'")
    if device is not None:
        raise ParameterError(
            f"device is {device!r} with passive cells, which are conductances",
            place="crossbar circuit",
            remedy='give cell = "1T1R" too, or leave device out',
        )
    return made


def _accessed(device: str, read_voltage: float) -> AccessedMemory:
    """Memory and access transistor, with the transistor's currents up to the read voltage."""
    from cimspice.crossbar.emulator.one_transistor import AccessedMemory
    from cimspice.crossbar.validation.one_transistor import access_spline
    from cimspice.rram.validation.device import DEVICES, check_device

    check_device(device)
    highest = max(0.3, float(np.ceil(100 * read_voltage)) / 100)
    return AccessedMemory(DEVICES[device].published(), access_spline(highest=highest))


def simulate(
    layer: MappedLayer,
    x: np.ndarray,
    *,
    store: Store | Path | str | None = None,
    jobs: int | None = None,
    progress: OnProgress = silent,
) -> SimulatedLayer:
    """Weighted sums of a circuit's layer for inputs (n, inputs), its tiles read by ngspice.

    Parameters
    ----------
    layer
        Of a `circuit`; of several chips the first is read.
    x
        Inputs (n, inputs).
    store, jobs
        Where finished tiles are kept (default: the store of all runs), and how many run at once.
    progress
        What is called as it goes on.

    Raises
    ------
    ParameterError
        For tiles that ngspice would take hours for.
    SimulationError
        If a tile fails.
    """
    from cimspice.crossbar.validation.tiles import simulate_layer

    return simulate_layer(layer, x, store=store, jobs=jobs, progress=progress)


def simulation_seconds(layer: MappedLayer, inputs: int) -> float:
    """CPU time that `simulate` is expected to take for so many inputs, within a factor of about two."""
    from cimspice.crossbar.validation.tiles import expected_seconds

    return expected_seconds(layer, inputs)


def layer_tiles(
    layer: MappedLayer, *, store: Store | Path | str | None = None, jobs: int | None = None
) -> TileReads:
    """The tiles of a circuit's layer one by one, of several chips the first's; ``store``, ``jobs`` as of
    `simulate`."""
    from cimspice.crossbar.validation.tile_reads import TileReads

    return TileReads(layer, store, jobs)


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
        circuit(card, tile=tile, seed=seed),
        digits=digits,
        nonlinear_digits=nonlinear_digits,
        card=card,
        resistances=(),
        seed=seed,
        progress=progress,
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
