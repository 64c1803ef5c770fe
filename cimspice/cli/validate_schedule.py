"""``cimspice validate schedule``: a network in the order of its schedule, and its tiles in ngspice."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from cimspice.cli.schedule import Extra, InputSize, SetSize, SplitName, packaged_or
from cimspice.screen.output import JsonFlag, console, print_json

if TYPE_CHECKING:
    from cimspice.schedule.engine import Split
    from cimspice.schedule.plan import Settings
    from cimspice.screen.stages import Stages

_TILE = 32

Net = Annotated[
    str,
    typer.Argument(
        metavar="NETWORK",
        help="digits-cnn, trained, with its tiles in ngspice; of another published network the order alone, "
        "with random weights.",
    ),
]
Tiles = Annotated[
    int, typer.Option("--tiles", min=1, help="Tiles that ngspice reads, one of each layer or more.")
]
Vectors = Annotated[int, typer.Option("--vectors", min=1, help="Reads of each tile.")]
Samples = Annotated[int, typer.Option(min=1, help="Inputs that run in the schedule's order.")]
Seed = Annotated[int, typer.Option(min=0, help="Of the draws.")]
CardFile = Annotated[
    Path | None,
    typer.Option(
        "--card",
        metavar="FILE",
        help="Of the crossbar: its time and energy are checked. By default the packaged one.",
    ),
]
Jobs = Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Worker processes.")]


def schedule(
    network: Net = "digits-cnn",
    extra: Extra = 6,
    sets: SetSize = "pixel",
    split: SplitName = "cyclic",
    tiles: Tiles = 8,
    vectors: Vectors = 4,
    samples: Samples = 4,
    input_size: InputSize = None,
    card: CardFile = None,
    seed: Seed = 0,
    jobs: Jobs = None,
    json: JsonFlag = False,
) -> None:
    """A schedule is right: the emulator runs its matrix-vector products in its order on buffers that hold NaN
    until they are written, and gives what it gives layer by layer, bit by bit.

    Any layer one step earlier must read what is not written. For digits-cnn the emulator is that of crossbars
    with trained weights, and ngspice reads a sample of its tiles, some of them in time with amplifiers.
    """
    from cimspice.schedule.plan import Settings
    from cimspice.screen.stages import Stages

    given = Settings(extra=extra or 0, sets=sets, split=cast("Split", split))  # checked where it is used
    with Stages(quiet=json) as stages:
        if network == "digits-cnn":
            facts = _trained(given, card, tiles, vectors, samples, seed, jobs, stages)
        else:
            facts = _random(network, given, input_size, seed, stages)
    facts |= {
        "network": network,
        "sets": sets,
        "split": split,
        "seed": seed,
        "corner": "tt",
        "temperature": 27.0,
    }
    facts["cpu_seconds"] = time.process_time()
    if json:
        print_json(facts)
        return
    screen = console()
    screen.print(
        f"{network}: {facts['mvms']:,} MVMs in the schedule's order, largest difference from layer by layer "
        f"{facts['max_difference']:g}, {facts['missing_reads']} read what was not written; "
        f"{facts['layers_that_cannot_be_earlier']} of {facts['layers_moved']} layers do one step earlier",
        markup=False,
    )
    if facts["tiles"]:
        screen.print(
            f"  {facts['tiles']} tiles, {facts['reads']} reads: ngspice to emulator "
            f"{facts['normalised_rmse']:.2g} rms, worst {facts['worst_error']:.2g} of a layer's largest sum",
            markup=False,
        )
        mvm = facts["mvm"]
        screen.print(
            f"  an MVM by the card ({mvm['origin']}) {mvm['card_second']:.4g} s and {mvm['card_joule']:.3g} "
            f"J, by ngspice, of {mvm['tiles']} tiles, {mvm['simulated_second']:.4g} s and "
            f"{mvm['simulated_joule']:.3g} J",
            markup=False,
        )


def _trained(
    given: Settings,
    card: Path | None,
    tiles: int,
    vectors: int,
    samples: int,
    seed: int,
    jobs: int | None,
    stages: Stages,
) -> dict[str, Any]:
    from dataclasses import asdict, replace

    from cimspice.campaign.versions import provenance
    from cimspice.crossbar.validation.products import check_products
    from cimspice.families import family
    from cimspice.network.built_in_networks import built_in
    from cimspice.network.circuit import map_network
    from cimspice.schedule.placement import Elements
    from cimspice.schedule.plan import Schedule
    from cimspice.schedule.shapes import from_network
    from cimspice.schedule.validate import check_order, check_tiles

    stages.begin("training")
    made = built_in("digits-cnn")
    crossbars = cast("Any", family("crossbar"))  # not every family has circuits and tiles; crossbars do
    circuit = crossbars.circuit(tile=_TILE)
    mapped = map_network(made.network, made.x_train, circuit)
    elements = Elements(_TILE, _TILE, columns_per_weight=2, dense="include")
    plan = Schedule(from_network(made.network), replace(given, elements=elements))
    x = made.x_test[:samples]
    order = check_order(plan, mapped, x, stages)
    read = check_tiles(
        mapped, x, lambda layer: crossbars.layer_tiles(layer, jobs=jobs), tiles, vectors,
        seed=seed, progress=stages,
    )  # fmt: skip
    known = packaged_or(card or Path("crossbar"))
    products = check_products(known, mapped, x, (_TILE, _TILE), seed=seed, jobs=jobs, progress=stages)
    return {
        "max_difference": order.max_difference,
        "missing_reads": order.missing_reads,
        "mvms": order.mvms,
        "whole_difference": order.whole_difference,
        "layers_moved": len(order.earlier),
        "layers_that_cannot_be_earlier": sum(count > 0 for count in order.earlier.values()),
        **{key: value for key, value in asdict(read).items() if key != "seconds"},
        "spice_seconds": read.seconds,
        "mvm": asdict(products),
        "provenance": provenance(),
    }


def _random(
    network: str, given: Settings, input_size: str | None, seed: int, stages: Stages
) -> dict[str, Any]:
    import numpy as np

    from cimspice.schedule.load import load_graph
    from cimspice.schedule.plan import Schedule
    from cimspice.schedule.replay import Emulation, check_reads, random_sums

    graph = load_graph(network, input_size)
    plan = Schedule(graph, given)
    stages.begin("emulator: layer by layer, and in the schedule's order")
    shape = graph.channels, graph.height, graph.width
    x = np.random.default_rng(seed).standard_normal(shape, np.float32)
    found = Emulation(graph, plan.servers(), random_sums(graph, seed), x).replay(plan.times[0])
    early = check_reads(graph, plan.servers(), plan.times[0])[1]
    return {
        "max_difference": found.max_difference,
        "missing_reads": found.missing_reads,
        "mvms": found.mvms,
        "whole_difference": None,
        "layers_moved": len(early),
        "layers_that_cannot_be_earlier": sum(count > 0 for count in early.values()),
        "layers": [],
        "tiles": 0,
        "reads": 0,
        "normalised_rmse": None,
        "worst_error": None,
        "spice_seconds": 0.0,
        "mvm": None,
    }
