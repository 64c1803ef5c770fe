"""What the commands share that put a trained network on circuits: their options, and what these stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cimspice.progress import OnProgress, silent

if TYPE_CHECKING:
    import numpy as np

    from cimspice.fit.family_card import Card
    from cimspice.network.circuit import Circuit, CircuitNetwork
    from cimspice.network.samples import Samples

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
CircuitName = Annotated[
    str, typer.Option("--circuit", help="Family of circuits: crossbar, hybrid, neuron or sram.")
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="TOML", help="Settings of the circuit, such as tile = 32, adc_bits = 8."
    ),
]
CardFile = Annotated[Path | None, typer.Option("--card", metavar="FILE", help="The family's card.")]
Seed = Annotated[
    int, typer.Option(min=0, help="Of the draw, of a built-in network's training, and of fine-tuning.")
]
Tune = Annotated[
    bool,
    typer.Option(
        "--fine-tune",
        help="First train the weights further through the emulated circuit: with the training samples of a "
        "built-in network, with x_train and y_train of --data, or else with half of its samples. What was "
        "trained with is not run.",
    ),
]
Epochs = Annotated[
    int | None,
    typer.Option(min=1, help="Of --fine-tune: times that each sample is seen; default 20."),
]


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
    fine_tuning
        What ``--json`` says of it; None without.
    """

    mapped: CircuitNetwork
    x: np.ndarray
    labels: np.ndarray | None
    family: Any
    calibration: str
    settings: dict[str, Any]
    seed: int
    card: Card | None
    fine_tuning: dict[str, Any] | None = None

    def folder(self, command: str) -> Path:
        """Where results go if nothing else is asked for."""
        name = self.mapped.network.name
        name = name if name.replace("-", "").isalnum() else "network"
        return Path("runs") / f"{command}-{name}-{self.mapped.family}"

    def facts(self) -> dict[str, Any]:
        """Seed, conditions, calibration, fine-tuning."""
        own = None if self.card is None else self.card.conditions
        return {
            "seed": self.seed,
            "corner": (own and own.corner) or "tt",
            "temperature": 27.0 if own is None or own.temperature is None else own.temperature,
            "calibration": self.calibration,
            "fine_tuning": self.fine_tuning,
        }


def on_circuits(
    net: str,
    circuit: str,
    data: Path | None,
    config: Path | None,
    card: Path | None,
    seed: int,
    *needed: str,
    fine_tune: bool = False,
    epochs: int | None = None,
    progress: OnProgress = silent,
) -> OnCircuits:
    """The network of the command line on the circuits of the command line, whose family has one of the
    functions ``needed``.

    Raises
    ------
    CimspiceError
        For a network, samples, settings, a card or a family that cannot be had.
    """
    from cimspice.errors import CimspiceError, ParameterError
    from cimspice.families import read_card
    from cimspice.network.circuit import map_network
    from cimspice.network.samples import network_and_samples

    if epochs is not None and not fine_tune:
        raise ParameterError("--epochs without --fine-tune", place="--epochs", remedy="give both")
    made, samples = network_and_samples(net, data, seed, fine_tune)
    family = _family(circuit, needed or ("simulation_seconds",))
    known = None if card is None else read_card(card, circuit)
    settings = _settings(config)
    try:
        circuits = family.circuit(known, **settings)
    except CimspiceError as error:
        error.place = f"{config}: {error.place}" if settings else error.place
        raise
    if fine_tune and not hasattr(circuits, "drawn"):
        raise ParameterError(
            f"{circuit} circuits are fine-tuned whenever they are mapped",
            place="--fine-tune",
            remedy="leave it out",
        )
    mapped = map_network(made, samples.x_train, circuits, progress)
    tuning = None
    if fine_tune:
        samples, left_out = samples.apart()
        mapped, tuning = _fine_tuned(mapped, circuits, samples, epochs, seed, progress)
        tuning["left_out"] = left_out
    said = f"{len(samples.x_train)} inputs" + (", the data's own" if samples.x_train is samples.x else "")
    return OnCircuits(mapped, samples.x, samples.y, family, said, settings, seed, known, tuning)


def _fine_tuned(
    mapped: CircuitNetwork,
    circuits: Circuit,
    samples: Samples,
    epochs: int | None,
    seed: int,
    progress: OnProgress,
) -> tuple[CircuitNetwork, dict[str, Any]]:
    """The network with weights trained for its circuits, and what ``--json`` says of that."""
    from cimspice.errors import ParameterError
    from cimspice.network.circuit import map_network
    from cimspice.network.fine_tuning import EPOCHS, fine_tune
    from cimspice.network.programmed import mapping_facts

    if samples.y is None or samples.y_train is None:
        raise ParameterError(
            "samples without labels", place="--data", remedy="give y beside x: fine-tuning learns classes"
        )
    tuned = fine_tune(
        mapped.network, circuits, samples.x_train, samples.y_train,
        epochs=epochs or EPOCHS, seed=seed, progress=progress,
    )  # fmt: skip
    after = map_network(tuned.network, samples.x_train, circuits)
    accuracy = [
        mapping_facts(one, samples.x, samples.y, seed=seed)["accuracy_emulator"] for one in (mapped, after)
    ]
    found = {"trained_on": samples.said, "accuracy_before": accuracy[0], "accuracy_after": accuracy[1]}
    return after, tuned.facts() | found


def _family(name: str, needed: tuple[str, ...]) -> Any:
    """The family's functions, ``circuit`` and one of those ``needed`` among them."""
    from cimspice.errors import ParameterError
    from cimspice.families import family, with_card

    found = family(name)
    if not any(hasattr(found, one) for one in needed):
        have = [one for one in with_card() if any(hasattr(family(one), function) for function in needed)]
        part = "single tiles" if "layer_tiles" in needed else "the layers"
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
        found = parse_toml(read_plain(file, _LARGEST_CONFIG))
    except (OSError, ValueError) as error:
        raise ParameterError(
            f"no settings of a circuit: {getattr(error, 'strerror', None) or error}",
            place=str(file),
            remedy="give a TOML file with a line such as tile = 32 for each",
        ) from None
    for name, value in found.items():
        if isinstance(value, dict):
            raise ParameterError(
                f"settings in a table [{name}]",
                place=str(file),
                remedy="give a line such as tile = 32 for each",
            )
    if "card" in found:
        raise ParameterError(
            f"card is {found['card']!r}"[:200], place=str(file), remedy="give the card with --card FILE"
        )
    return found


def show_fine_tuning(facts: Mapping[str, Any] | None) -> None:
    """What fine-tuning changed, on stdout."""
    from cimspice.screen.output import console

    if facts is None:
        return
    before, after = (100 * facts[f"accuracy_{when}"] for when in ("before", "after"))
    console().print(
        f"  fine-tuned: emulator right {before:.4g} % before, {after:.4g} % after {facts['epochs']} epochs "
        f"of {facts['samples']:,} samples ({facts['trained_on']}); loss {facts['loss'][0]:.3g} to "
        f"{facts['loss'][-1]:.3g}",
        markup=False,
    )
