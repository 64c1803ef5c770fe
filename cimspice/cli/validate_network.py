"""``cimspice validate network``: a trained network in software, in the emulator and in the circuit."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from inspect import Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cimspice.cli.network_on_circuit import (
    CardFile,
    CircuitName,
    Config,
    Data,
    Epochs,
    Net,
    Seed,
    Tune,
    on_circuits,
    show_fine_tuning,
)
from cimspice.screen.output import JsonFlag, console, print_json, say
from cimspice.screen.validation_output import usable, write_report

if TYPE_CHECKING:
    from cimspice.network.validate import NetworkValidation

_PASSES, _READS, _LONGEST = 1200.0, 900.0, 1800.0
"""CPU seconds of default numbers of passes (6T array) and of reads (neurons, whose plan and shares take up to
as long again), and of one input beyond which these run in place of whole inputs."""
_SINGLE = ("neuron", "sram")
"""Families of which they do."""
Samples = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Inputs drawn at random and run through the circuit; default 20, or what takes 20 CPU minutes.",
    ),
]
FlipBound = Annotated[
    float | None,
    typer.Option(
        "--bound",
        help="Instead: as many as bound the share of different decisions at this, if none differs (0.01).",
    ),
]
Reads = Annotated[
    int | None,
    typer.Option(
        "--tiles",
        min=1,
        help="Instead of whole inputs, about so many reads of single tiles, drawn by what they send to the "
        "output (crossbar and neuron, 400 or more), or of single passes of neurons, each as likely (sram, 50 "
        "or more); --samples are then the inputs that they are drawn from. The default where one whole input "
        "takes a neuron or sram circuit more than 30 CPU minutes: as many as take 15 (neuron) or 20.",
    ),
]
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
    tiles: Reads = None,
    fine_tune: Tune = False,
    epochs: Epochs = None,
    seed: Seed = 0,
    jobs: Jobs = None,
    output: Output = None,
    json: JsonFlag = False,
) -> None:
    """A trained network on circuits: the same inputs through software, emulator and ngspice, the error by
    effect and by layer, and what the runs prove about all inputs.

    Each layer in the circuit receives what the circuit's layers before it gave. Tiles that finished are kept,
    and not run again. With --tiles only single tiles run, for single inputs and pixels: what bounds the
    error of outputs where whole inputs take too long.
    """
    from cimspice.campaign.versions import provenance
    from cimspice.errors import ParameterError
    from cimspice.network.certificate import runs_needed
    from cimspice.network.sampled_lines import LinePlan, plan_lines, validate_lines
    from cimspice.network.sampled_tiles import TilePlan, plan_tiles, validate_tiles
    from cimspice.network.validate import default_runs, plan, validate
    from cimspice.report.page_network import write_network_page
    from cimspice.screen.stages import Stages

    needed = ("simulation_seconds",) if tiles is None else ("layer_tiles", "line_reads")
    with Stages(quiet=json) as stages:
        put = on_circuits(
            net, circuit, data, config, card, seed, *needed,
            fine_tune=fine_tune, epochs=epochs, progress=stages,
        )  # fmt: skip
    mapped, x, family = put.mapped, put.x, put.family
    if bound is not None and (samples is not None or tiles is not None):
        other = "--samples" if tiles is None else "--tiles"
        raise ParameterError(f"{other} and --bound", place="--bound", remedy="give one of them")
    folder = usable(output or put.folder("validate"))
    single = tiles is not None
    one = 0.0 if single else plan(mapped, 1, len(x), family.simulation_seconds).cpu_seconds
    single = single or (bound is None and circuit in _SINGLE and one > _LONGEST)
    if not single:
        runs = samples or (default_runs(one, len(x)) if bound is None else runs_needed(len(x), bound))
        given = plan(mapped, runs, len(x), family.simulation_seconds)
        announced = (
            f"{given.runs} of {given.population} inputs; if no decision differs, at most "
            f"{100 * given.flips_without_one:.2g} % of all do (95 % confidence); 1 % needs {given.needed}"
        )
    elif hasattr(family, "line_reads"):
        reads = partial(family.line_reads, jobs=jobs)
        given = plan_lines(mapped, x, tiles, reads, samples=samples, longest=_PASSES, seed=seed)
        announced = (
            f"{given.runs} passes of neurons, drawn from {len(given.emulated):,} of {given.population} inputs"
        )
    else:
        given = plan_tiles(
            mapped,
            x,
            tiles,
            partial(family.layer_tiles, jobs=jobs),
            samples=samples,
            longest=_READS,
            seed=seed,
        )
        announced = (
            f"{given.runs} reads of tiles for {len(given.draw.samples)} of {given.population} inputs, "
            f"{len(given.reads)} of {given.tiles.count} tiles among them"
        )
    if single and tiles is None:
        say(f"One whole input takes about {one:.2g} CPU seconds: single reads are drawn (--tiles)")
    say(f"{announced}. ngspice is expected to take about {given.cpu_seconds:.2g} CPU seconds")
    with Stages(quiet=json) as stages:
        if isinstance(given, LinePlan):
            result = validate_lines(given, put.labels, seed=seed, progress=stages)
        elif isinstance(given, TilePlan):
            result = validate_tiles(given, put.labels, seed=seed, progress=stages)
        else:
            result = validate(
                mapped,
                x,
                put.labels,
                given,
                partial(family.simulate, jobs=jobs),
                seed=seed,
                progress=stages,
            )
        stages.begin("draw")
        facts = result.facts()
        page = write_network_page(result, facts, folder)
    facts |= {**put.facts(), "provenance": provenance()}
    facts["files"] = {path.name: str(path) for path in (page, folder / "report.json")}
    write_report(facts, folder)
    if json:
        print_json(facts)
        return
    _show(facts, result)
    for path in (page, folder / "report.json"):
        console().print(f"  {path}", markup=False)


def digits(**options: Any) -> None:
    """The built-in network 64-32-10 on circuits: short for ``validate network digits``."""
    network("digits", **options)


_OPTIONS = {name: one for name, one in signature(network, eval_str=True).parameters.items() if name != "net"}
digits.__annotations__ = {name: one.annotation for name, one in _OPTIONS.items()}
vars(digits)["__signature__"] = Signature(list(_OPTIONS.values()))  # what the command line asks for


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
        errors = ("" if one[key] is None else f"{one[key]:.2g}" for key in ("emulated_error", "error"))
        table.add_row(f"  {one['name']}", cells, tiles, *errors, f"{one['clipped_inputs']:,}")
    screen.print(table)
    show_fine_tuning(facts["fine_tuning"])
    right = [
        f"{title} {100 * facts[f'accuracy_{name}']:.4g} %"
        for name, title in (
            ("ideal", "software"),
            ("raw", "not fine-tuned"),
            ("emulator", "emulator"),
            ("circuit", "ngspice"),
        )
        if facts[f"accuracy_{name}"] is not None
    ]
    if right:
        screen.print(f"  right: {', '.join(right)}", markup=False)
    shares = ", ".join(f"{name} {100 * share:.3g} %" for name, share in facts["budget"].items())
    screen.print(f"  mean square error by effect: {shares}", markup=False)
    if facts["budget_note"] is not None:
        screen.print(f"  {facts['budget_note']}", markup=False)
    for one in dict.fromkeys((result.certificate, result.output_certificate)):
        if one is not None:
            screen.print(f"  {one.sentence}", markup=False)
