"""``cimspice validate hybrid``: columns against ngspice, and the network on chips with offsets."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from cimspice.progress import OnProgress
from cimspice.screen.output import JsonFlag, console, print_json
from cimspice.screen.validation_output import usable, write_report


def hybrid(
    reads: Annotated[int, typer.Option(min=0, max=100_000, help="Column reads that ngspice runs, too.")] = 0,
    chips: Annotated[int, typer.Option(min=0, max=10_000, help="Chips on which the network is run.")] = 0,
    offset_sigma: Annotated[
        float | None,
        typer.Option(
            help="Of the comparators, in cells, lines adding up exactly. Default: comparator and lines as "
            "simulated."
        ),
    ] = None,
    noise_sigma: Annotated[float, typer.Option(help="Of each decision, in cells.")] = 0.0,
    dummies: Annotated[
        int, typer.Option(help="Dummy cells that make the threshold, half a unit each: 1, 3, 5 ...")
    ] = 3,
    network: Annotated[str, typer.Option(help="A built-in network.")] = "digits-64",
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Networks that share the chips.")] = 3,
    epochs: Annotated[int, typer.Option(min=1, max=1000, help="Through the read-out.")] = 100,
    corner: Annotated[str, typer.Option(help="Process corner: tt, ff, ss, sf or fs.")] = "tt",
    temperature: Annotated[float, typer.Option(help="Degrees Celsius, -55 to 150.")] = 27.0,
    seed: Annotated[int, typer.Option(min=0, help="Of the first network, and of what is drawn.")] = 0,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Worker processes.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="Default: runs/validate-hybrid")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Ternary columns read by one comparator strobed twice, thresholds from dummy cells: a trained
    network's own reads against ngspice (--reads), and the network on chips whose comparators and cells
    differ (--chips)."""
    from cimspice.campaign.versions import provenance
    from cimspice.errors import ParameterError
    from cimspice.hybrid.characterisation import ColumnConditions
    from cimspice.hybrid.model.column import Column
    from cimspice.hybrid.training.train import Schedule
    from cimspice.hybrid.validation.reads import compare_reads
    from cimspice.screen.stages import Stages

    if not (reads or chips):
        raise ParameterError(
            "neither reads nor chips", place="--reads, --chips", remedy="give --reads 500, --chips 51 or both"
        )
    conditions = ColumnConditions(
        column=Column(dummies=dummies), corner=corner, temperature=temperature, workers=jobs
    )
    schedule = Schedule(epochs=epochs)
    folder = usable(output or Path("runs") / "validate-hybrid")
    facts: dict[str, Any] = {"network": network, "threshold_cells": conditions.column.threshold}
    with Stages(quiet=json) as stages:
        if reads:
            facts |= compare_reads(
                conditions, reads=reads, name=network, seed=seed, schedule=schedule, progress=stages
            ).facts()
        if chips:
            given = offset_sigma, noise_sigma
            which = range(seed, seed + seeds)
            facts |= _chip_facts(conditions, given, chips, network, which, schedule, stages)
    facts |= {"seed": seed, "corner": corner, "temperature": temperature, "provenance": provenance()}
    write_report(facts, folder)
    if json:
        print_json(facts)
    else:
        _show(facts)
        console().print(f"  {folder / 'report.json'}", markup=False)


def _chip_facts(
    conditions: Any,
    given: tuple[float | None, float],
    chips: int,
    network: str,
    seeds: range,
    schedule: Any,
    progress: OnProgress,
) -> dict[str, Any]:
    """The network on chips, whose spread is simulated as far as it is not given."""
    from cimspice.arrays import checked_count
    from cimspice.hybrid.characterisation import (
        cell_deviation,
        characterised_reader,
        comparator_offset,
        line_law,
        unit_difference,
    )
    from cimspice.hybrid.emulator.chips import Spread
    from cimspice.hybrid.emulator.columns import Design
    from cimspice.hybrid.model.readout import Ternary
    from cimspice.hybrid.validation.chips import study_chips

    offset, noise = given
    checked_count("chips", chips, low=len(seeds), place="--chips")
    spread = Spread(offset or 0.0, noise=noise)
    facts: dict[str, Any] = {"offset_sigma_mv": None}
    if offset is None:
        volts = comparator_offset(conditions, progress=progress)
        reader = characterised_reader(conditions, progress=progress)
        offset = volts / unit_difference(reader)
        facts["offset_sigma_mv"] = 1e3 * volts
        spread = replace(spread, law=line_law(reader))
    spread = replace(spread, offset=offset, cell=cell_deviation(conditions, progress=progress))
    column = conditions.column
    design = Design(Ternary(column.threshold), rows=column.weights, shared="slice")
    found = study_chips(
        network, design, spread, chips=chips, seeds=seeds, schedule=schedule, progress=progress
    )
    return facts | found.facts()


CHIP_ROWS = {
    "plain_nominal": "trained on nominal columns, nominal chip",
    "plain": "the same on the chips",
    "aware": "trained on chips drawn anew",
    "aware_calibrated": "+ scale factors and biases per chip",
}


def _show(facts: Mapping[str, Any]) -> None:
    from rich.table import Table

    screen = console()
    if "reads" in facts:
        screen.print(
            f"[bold]{facts['reads']} reads of {facts['network']}[/], threshold {facts['threshold_cells']:g} "
            f"cells of {facts['unit_mv']:.1f} mV: {100 * facts['decisions_equal']:g} % of the decisions "
            f"equal, {facts['near_threshold']} nearer than 0.5 mV; lines "
            f"{facts['line_rmse_percent_full_scale']:.4f} % rms of {facts['full_scale_mv']:.0f} mV"
        )
    if "chips" in facts:
        screen.print(
            f"[bold]{facts['chips']} chips[/], comparators with an offset of "
            f"{facts['offset_sigma_cells']:.2f} cells, cells of {100 * facts['cell_sigma']:.1f} %"
        )
        table = Table(box=None, pad_edge=False)
        for heading in ("  held-out samples right", "mean %", "95 %", "worst"):
            table.add_column(heading, justify="left" if heading.startswith("  ") else "right")
        for key, title in CHIP_ROWS.items():
            found = facts[key]["interval"]
            between = "" if found is None else f"{100 * found[0]:.1f} to {100 * found[1]:.1f}"
            worst = f"{100 * facts[key]['worst']:.1f}" if "worst" in facts[key] else ""
            table.add_row(f"  {title}", f"{100 * facts[key]['value']:.1f}", between, worst)
        screen.print(table)
