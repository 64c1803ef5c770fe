"""``cimspice train hybrid``: a network trained through the comparators that read its columns."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from cimspice.hybrid.commands.front import columns_to_build
from cimspice.screen.output import JsonFlag, console, print_json
from cimspice.screen.validation_output import usable, write_report


def hybrid(
    readout: Annotated[
        str, typer.Option(help="ternary, ternary:THRESHOLD (cells), binary, ideal or adc:BITS.")
    ] = "ternary",
    network: Annotated[
        str, typer.Option(help="A built-in network: digits-64, digits-cnn, iris ..., or mnist-vgg.")
    ] = "digits-64",
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="Splits, each with a training.")] = 5,
    rows: Annotated[int, typer.Option(help="Weights that a column adds up: 16, 32, 64 or 128.")] = 64,
    weights: Annotated[
        str,
        typer.Option(help="-4..3 on three slices, -3..3 on two, or odd: three slices of cells of 1 and -1."),
    ] = "-4..3",
    input_bits: Annotated[int, typer.Option(min=1, max=8, help="Bits of an input, one pulse each.")] = 3,
    scale_factors: Annotated[str, typer.Option(help="One for each column, slice or layer.")] = "column",
    scale_bits: Annotated[
        int | None, typer.Option(min=2, max=16, help="Bits of a scale factor. Default: not quantised.")
    ] = None,
    step: Annotated[
        str, typer.Option(help="Of a converter: unit (one cell), range (codes over all rows), or cells.")
    ] = "unit",
    zero: Annotated[
        str,
        typer.Option(
            help="How binary decides on a sum of 0: half_cell (+1, by a dummy cell), random, or software "
            "(code 0, which no comparator gives)."
        ),
    ] = "half_cell",
    public_gradient: Annotated[
        bool,
        typer.Option("--public-gradient", help="Gradient of the scale factors as in public training code."),
    ] = False,
    epochs: Annotated[
        int, typer.Option(min=1, max=1000, help="Of quantisation, and again through the read-out.")
    ] = 100,
    seed: Annotated[int, typer.Option(min=0, help="The first one.")] = 0,
    card: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Of a column: train on chips drawn anew with its offsets, noise, cells, lines and "
            "thresholds.",
        ),
    ] = None,
    front: Annotated[
        bool,
        typer.Option(
            "--front",
            help="Accuracy on chips against energy of a read, of all columns that can be built: a page.",
        ),
    ] = False,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Worker processes, of --front.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="Default: runs/train-hybrid")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """A network with 3-bit weights and inputs on crossbars whose columns are read by comparators: accuracy
    with ideal sums, trained through the read-out, and not trained through it."""
    from cimspice.campaign.versions import provenance
    from cimspice.errors import ParameterError
    from cimspice.hybrid.emulator.columns import Design
    from cimspice.hybrid.mapping.slices import FORMATS
    from cimspice.hybrid.model.readout import named
    from cimspice.hybrid.training.study import study
    from cimspice.hybrid.training.train import Schedule
    from cimspice.screen.stages import Stages

    if front:
        fixed = (readout, rows, weights, input_bits, scale_factors, scale_bits, step, zero)
        _refuse_beside_front(fixed == FIXED and not public_gradient and card is None)
        columns_to_build(network, seeds, epochs, seed, jobs, output, json=json)
        return
    if weights not in FORMATS:
        raise ParameterError(
            f"weights {weights!r}"[:200], place="--weights", remedy=f"use one of {', '.join(FORMATS)}"
        )
    design = Design(
        readout=named(readout, rows, step=step, zero=zero),
        rows=rows,
        weights=FORMATS[weights],
        bits=input_bits,
        shared=scale_factors,  # type: ignore[arg-type] (Design checks it)
        scale_bits=scale_bits,
    )
    spread = None
    if card is not None:
        design, spread = _on_card(card, design)
    folder = usable(output or Path("runs") / "train-hybrid")
    with Stages(quiet=json) as stages:
        found = study(
            network,
            design,
            range(seed, seed + seeds),
            schedule=Schedule(epochs=epochs),
            public_scale_gradient=public_gradient,
            spread=spread,
            progress=stages,
        )
    facts = {
        **found.facts(),
        "network": network,
        "weights": weights,
        "epochs": epochs,
        "seed": seed,
        "corner": None,
        "temperature": None,
        "provenance": provenance(),
    }
    write_report(facts, folder)
    if json:
        print_json(facts)
    else:
        _show(facts)
        console().print(f"  {folder / 'report.json'}", markup=False)


FIXED = ("ternary", 64, "-4..3", 3, "column", None, "unit", "half_cell")
"""What --front chooses itself."""


def _refuse_beside_front(alone: bool) -> None:
    from cimspice.errors import ParameterError

    if not alone:
        raise ParameterError(
            "a read-out, card or crossbar beside --front, which runs through those that it has",
            place="--front",
            remedy="give --network, --seeds, --epochs, --seed, --jobs and --output alone",
        )


def _on_card(file: Path, design: Any) -> tuple[Any, Any]:
    """The design with a card's thresholds, and the spread of its chips.

    ParameterError for another read-out, or a layer of other rows than the card's column has.
    """
    from dataclasses import replace

    from cimspice.errors import ParameterError
    from cimspice.families import read_card
    from cimspice.hybrid.emulator.chips import Spread
    from cimspice.hybrid.model.card import column_model
    from cimspice.hybrid.model.readout import Ternary

    model = column_model(read_card(file, "hybrid"))
    asked, made = design.readout, Ternary(model.column.threshold)
    if not isinstance(asked, Ternary) or asked.threshold not in (None, made.threshold):
        raise ParameterError(
            f"the card's column is read as {made}, not as {asked}",
            place="--readout",
            remedy="leave it out, or make a card with other dummy cells: --set dummies=5",
        )
    if design.rows != model.column.weights:
        raise ParameterError(
            f"{design.rows} rows on the card's column of {model.column.weights} weights",
            place="--rows",
            remedy=f"use --rows {model.column.weights}, or make a card with other --set weights",
        )
    return replace(design, readout=made), Spread.of(model)


ROWS = {
    "accuracy_ideal": "ideal sums",
    "accuracy": "trained through the read-out",
    "accuracy_untrained": "not trained through it",
    "accuracy_on_comparators": "trained, on comparators",
    "accuracy_on_chips": "trained on chips, on another chip",
    "below_ideal": "below ideal sums",
}


def _show(facts: Mapping[str, Any]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("  held-out samples right", "mean %", "95 %"):
        table.add_column(heading, justify="left" if heading.startswith("  ") else "right")
    for key, title in ROWS.items():
        if facts[key] is not None:
            found = facts[key]["interval"]
            between = "" if found is None else f"{100 * found[0]:.2f} to {100 * found[1]:.2f}"
            table.add_row(f"  {title}", f"{100 * facts[key]['value']:.2f}", between)
    screen = console()
    screen.print(
        f"[bold]{facts['network']}[/], {facts['readout']}, {facts['rows']} rows, {facts['seeds']} seeds: "
        f"{facts['scale_factors']} scale factors, {100 * facts['zeros']:.0f} % of the codes 0, "
        f"{facts['cpu_seconds_per_seed']:.1f} s CPU a training"
    )
    screen.print(table)
