"""``cimspice validate network``: a trained network in software, in the emulator and in the circuit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cimspice.screen.output import JsonFlag, console, print_json, say
from cimspice.screen.validation_output import usable, write_report

if TYPE_CHECKING:
    import numpy as np

    from cimspice.network.graph import Network
    from cimspice.network.validate import NetworkValidation

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
CircuitName = Annotated[str, typer.Option("--circuit", help="Family of circuits: crossbar.")]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="TOML", help="Settings of the circuit, such as tile = 32, adc_bits = 8."
    ),
]
CardFile = Annotated[Path | None, typer.Option("--card", metavar="FILE", help="The family's card.")]
Samples = Annotated[
    int | None, typer.Option(min=1, help="Inputs drawn at random and run through the circuit; default 20.")
]
FlipBound = Annotated[
    float | None,
    typer.Option(
        "--bound",
        help="Instead: as many as bound the share of different decisions at this, if none differs (0.01).",
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Of the draw, and of a built-in network's training.")]
Jobs = Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Worker processes.")]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="report.json and the page.")
]


def network(
    net: Net,
    circuit: CircuitName,
    data: Data = None,
    config: Config = None,
    card: CardFile = None,
    samples: Samples = None,
    bound: FlipBound = None,
    seed: Seed = 0,
    jobs: Jobs = None,
    output: Output = None,
    json: JsonFlag = False,
) -> None:
    """A trained network on circuits: the same inputs through software, emulator and ngspice, the error by
    effect and by layer, and what the runs prove about all inputs.

    Each layer in the circuit receives what the circuit's layers before it gave. Tiles that finished are kept,
    and not run again.
    """
    from cimspice.campaign.versions import provenance
    from cimspice.errors import ParameterError
    from cimspice.families import read_card
    from cimspice.network.certificate import runs_needed
    from cimspice.network.circuit import map_network
    from cimspice.network.validate import plan, validate
    from cimspice.report.page_network import write_network_page
    from cimspice.screen.stages import Stages

    made, calibration, x, labels = _network_and_data(net, data, seed)
    family = _family(circuit)
    known = None if card is None else read_card(card, circuit)
    mapped = map_network(made, calibration, family.circuit(known, **_settings(config)))
    if samples is not None and bound is not None:
        raise ParameterError("--samples and --bound", place="--bound", remedy="give one of them")
    runs = samples or (min(20, len(x)) if bound is None else runs_needed(len(x), bound))
    given = plan(mapped, runs, len(x), family.simulation_seconds)
    name = made.name if made.name.replace("-", "").isalnum() else "network"
    folder = usable(output or Path("runs") / f"validate-{name}-{circuit}")
    if not json:
        say(
            f"{given.runs} of {given.population} inputs; if no decision differs, at most "
            f"{100 * given.flips_without_one:.2g} % of all do (95 % confidence); 1 % needs {given.needed}. "
            f"ngspice is expected to take about {given.cpu_seconds:.2g} CPU seconds"
        )
    with Stages(quiet=json) as stages:
        result = validate(
            mapped,
            x,
            labels,
            given,
            lambda layer, inputs, progress: family.simulate(layer, inputs, jobs=jobs, progress=progress),
            seed=seed,
            progress=stages,
        )
        stages.begin("draw")
        facts = result.facts()
        page = write_network_page(result, facts, folder)
    own = None if known is None else known.conditions
    facts |= {
        "seed": seed,
        "corner": (own and own.corner) or "tt",
        "temperature": 27.0 if own is None or own.temperature is None else own.temperature,
        "provenance": provenance(),
    }
    facts["calibration"] = f"{len(calibration)} inputs" + ("" if calibration is not x else ", the data's own")
    facts["files"] = {path.name: str(path) for path in (page, folder / "report.json")}
    write_report(facts, folder)
    if json:
        print_json(facts)
        return
    _show(facts, result)
    for path in (page, folder / "report.json"):
        console().print(f"  {path}", markup=False)


def digits(
    circuit: CircuitName,
    config: Config = None,
    card: CardFile = None,
    samples: Samples = None,
    bound: FlipBound = None,
    seed: Seed = 0,
    jobs: Jobs = None,
    output: Output = None,
    json: JsonFlag = False,
) -> None:
    """The built-in network 64-32-10 on circuits: short for ``validate network digits``."""
    network("digits", circuit, None, config, card, samples, bound, seed, jobs, output, json)


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


def _family(name: str) -> Any:
    """The family's functions ``circuit``, ``simulate`` and ``simulation_seconds``."""
    from cimspice.errors import ParameterError
    from cimspice.families import family, with_card

    found = family(name)
    if not hasattr(found, "simulation_seconds"):
        have = [one for one in with_card() if hasattr(family(one), "simulation_seconds")]
        raise ParameterError(
            f"{name} circuits cannot take the layers of a network yet",
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


def _show(facts: Mapping[str, Any], result: NetworkValidation) -> None:
    """The figures on stdout."""
    from rich.table import Table

    screen = console()
    screen.print(
        f"{facts['network']} on {facts['circuit']} circuits, {facts['samples']} inputs", markup=False
    )
    table = Table(box=None, pad_edge=False)
    for heading in ("  layer", "cells", "tiles", "emulator to software", "ngspice to emulator", "clipped"):
        table.add_column(heading, justify="left" if heading == "  layer" else "right")
    for one in facts["layers"]:
        cells, tiles = (f"{one[key]:,}" if one.get(key) is not None else "" for key in ("cells", "tiles"))
        errors = (f"{one[key]:.2g}" for key in ("emulated_error", "error"))
        table.add_row(f"  {one['name']}", cells, tiles, *errors, f"{one['clipped_inputs']:,}")
    screen.print(table)
    right = [
        f"{title} {100 * facts[f'accuracy_{name}']:.4g} %"
        for name, title in (("ideal", "software"), ("emulator", "emulator"), ("circuit", "ngspice"))
        if facts[f"accuracy_{name}"] is not None
    ]
    if right:
        screen.print(f"  right: {', '.join(right)}", markup=False)
    shares = ", ".join(f"{name} {100 * share:.3g} %" for name, share in facts["budget"].items())
    screen.print(f"  mean square error by effect: {shares}", markup=False)
    for one in dict.fromkeys((result.certificate, result.output_certificate)):
        if one is not None:
            screen.print(f"  {one.sentence}", markup=False)
