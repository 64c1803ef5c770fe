"""What the commands share that put a trained network on circuits: their options, and what these stand for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import numpy as np

    from cimspice.fit.family_card import Card
    from cimspice.network.circuit import CircuitNetwork
    from cimspice.network.graph import Network

_LARGEST_CONFIG = 2**20

Net = Annotated[
    str,
    typer.Argument(
        metavar="NET",
        help="A network that comes with cimspice (iris, digits, digits-64, digits-256, digits-cnn, "
        "mnist-conv), or a file (cimspice network show --help).",
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="FILE",
        help="Inputs x and labels y, if there are any: .npz, .npy or .csv. Networks that come with cimspice "
        "have held-out samples of their own.",
    ),
]
CircuitName = Annotated[str, typer.Option("--circuit", help="Family of circuits: crossbar or neuron.")]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="TOML", help="Settings of the circuit, such as tile = 32, adc_bits = 8."
    ),
]
CardFile = Annotated[Path | None, typer.Option("--card", metavar="FILE", help="The family's card.")]
Seed = Annotated[int, typer.Option(min=0, help="Of the draw, and of a built-in network's training.")]


@dataclass(frozen=True, eq=False)
class OnCircuits:
    """A network on circuits, the inputs and labels to run, and the family's functions.

    Attributes
    ----------
    calibration
        Which inputs set the ranges.
    settings
        Of the circuit, as given.
    seed, card
        As given.
    """

    mapped: CircuitNetwork
    x: np.ndarray
    labels: np.ndarray | None
    family: Any
    calibration: str
    settings: dict[str, Any]
    seed: int
    card: Card | None

    def folder(self, command: str) -> Path:
        """Where results go if nothing else is asked for."""
        name = self.mapped.network.name
        name = name if name.replace("-", "").isalnum() else "network"
        return Path("runs") / f"{command}-{name}-{self.mapped.family}"

    def facts(self) -> dict[str, Any]:
        """Seed, conditions, calibration."""
        own = None if self.card is None else self.card.conditions
        return {
            "seed": self.seed,
            "corner": (own and own.corner) or "tt",
            "temperature": 27.0 if own is None or own.temperature is None else own.temperature,
            "calibration": self.calibration,
        }


def on_circuits(
    net: str,
    circuit: str,
    data: Path | None,
    config: Path | None,
    card: Path | None,
    seed: int,
    needed: str = "simulation_seconds",
) -> OnCircuits:
    """The network of the command line on the circuits of the command line, whose family has the function
    ``needed``.

    Raises
    ------
    CimspiceError
        For a network, samples, settings, a card or a family that cannot be had.
    """
    from cimspice.families import read_card
    from cimspice.network.circuit import map_network

    made, calibration, x, labels = _network_and_data(net, data, seed)
    family = _family(circuit, needed)
    known = None if card is None else read_card(card, circuit)
    settings = _settings(config)
    mapped = map_network(made, calibration, family.circuit(known, **settings))
    said = f"{len(calibration)} inputs" + ("" if calibration is not x else ", the data's own")
    return OnCircuits(mapped, x, labels, family, said, settings, seed, known)


def _network_and_data(
    net: str, data: Path | None, seed: int
) -> tuple[Network, np.ndarray, np.ndarray, np.ndarray | None]:
    """Network, inputs to calibrate with, inputs and labels to run."""
    from cimspice.errors import ParameterError
    from cimspice.network.built_in_networks import BUILT_IN, built_in

    if net in BUILT_IN and data is None:
        found = built_in(net, seed)
        return found.network, found.x_train, found.x_test, found.y_test
    from cimspice.network.data import load_data
    from cimspice.network.load import load_network

    if data is None:
        raise ParameterError(
            "no inputs to run", place="--data", remedy="give a file with x, and y where there are labels"
        )
    made = load_network(net, seed=seed)
    given = load_data(data, made)
    return made, given.x, given.x, given.y


def _family(name: str, needed: str) -> Any:
    """The family's functions, ``circuit`` and the one ``needed`` among them."""
    from cimspice.errors import ParameterError
    from cimspice.families import family, with_card

    found = family(name)
    if not hasattr(found, needed):
        have = [one for one in with_card() if hasattr(family(one), needed)]
        part = "single tiles" if needed == "layer_tiles" else "the layers"
        raise ParameterError(
            f"{name} circuits cannot take {part} of a network yet",
            place="--circuit",
            remedy=f"use {' or '.join(have)}",
        )
    return found


def _settings(file: Path | None) -> dict[str, Any]:
    """Of the circuit, from a TOML file.

    Raises
    ------
    ParameterError
        For a file that is none.
    """
    from cimspice.documents import parse_toml
    from cimspice.errors import ParameterError
    from cimspice.files import read_plain

    if file is None:
        return {}
    try:
        return parse_toml(read_plain(file, _LARGEST_CONFIG))
    except (OSError, ValueError) as error:
        raise ParameterError(
            f"no settings of a circuit: {getattr(error, 'strerror', None) or error}",
            place=str(file),
            remedy="give a TOML file with a line such as tile = 32 for each",
        ) from None
