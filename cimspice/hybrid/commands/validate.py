"""``cimspice validate hybrid``: columns against ngspice, and the network on chips with offsets."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cimspice.progress import OnProgress
from cimspice.screen.output import JsonFlag, console, print_json
from cimspice.screen.validation_output import usable, write_report

if TYPE_CHECKING:
    from cimspice.fit.family_card import Card


def hybrid(
    reads: Annotated[int, typer.Option(min=0, max=100_000, help="Column reads that ngspice runs, too.")] = 0,
    digits: Annotated[
        int,
        typer.Option(min=0, max=10_000, help="Samples of which ngspice runs all reads of the last layer."),
    ] = 0,
    chips: Annotated[int, typer.Option(min=0, max=10_000, help="Chips on which the network is run.")] = 0,
    card: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The column's. Default: that of tt, 27 °C, three dummy cells."),
    ] = None,
    offset_sigma: Annotated[
        float | None, typer.Option(help="Of the comparators, in cells, in the place of the card's.")
    ] = None,
    noise_sigma: Annotated[float | None, typer.Option(help="Of each decision, likewise.")] = None,
    comparators: Annotated[
        int, typer.Option(min=1, max=2, help="One strobed twice, or two with offsets of their own, on chips.")
    ] = 1,
    cell: Annotated[
        str | None, typer.Option(help="6T, or rram: pairs of RRAM columns. Without a card.")
    ] = None,
    dummies: Annotated[
        int | None,
        typer.Option(help="Dummy cells that make the threshold, half a cell each: 1, 3 ... Without a card."),
    ] = None,
    network: Annotated[str, typer.Option(help="A built-in network.")] = "digits-64",
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Networks that share the chips.")] = 3,
    epochs: Annotated[int, typer.Option(min=1, max=1000, help="Through the read-out.")] = 100,
    corner: Annotated[
        str | None, typer.Option(help="Process corner: tt, ff, ss, sf or fs. Without a card.")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(help="Degrees Celsius, -55 to 150. Without a card.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the first network, and of what is drawn.")] = 0,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Worker processes.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="Default: runs/validate-hybrid")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Ternary columns read by one comparator strobed twice, thresholds from dummy cells: a trained
    network's own reads against ngspice (--reads), whole samples through its last layer (--digits), and the
    network on chips whose comparators and cells differ (--chips)."""
    from cimspice.arrays import checked_count
    from cimspice.campaign.versions import provenance
    from cimspice.errors import ParameterError
    from cimspice.hybrid.emulator.chips import Spread
    from cimspice.hybrid.emulator.column_read import ColumnReader
    from cimspice.hybrid.model.card import column_model
    from cimspice.hybrid.training.train import Schedule
    from cimspice.hybrid.validation.chips import study_chips
    from cimspice.hybrid.validation.digits import compare_digits
    from cimspice.hybrid.validation.reads import column_design, compare_reads
    from cimspice.screen.stages import Stages

    if not (reads or digits or chips):
        raise ParameterError(
            "neither reads nor digits nor chips",
            place="--reads, --digits, --chips",
            remedy="give --reads 500, --digits 20, --chips 51 or several",
        )
    if chips:
        checked_count("chips", chips, low=seeds, place="--chips")
    given = {"offset": offset_sigma, "noise": noise_sigma}
    known = {name: value for name, value in given.items() if value is not None}
    _ = replace(Spread(), **known)
    folder = usable(output or Path("runs") / "validate-hybrid")
    wanted = {"cell": cell, "corner": corner, "temperature": temperature, "dummies": dummies}
    with Stages(quiet=json) as stages:
        used = card_of(card, wanted, jobs, stages)
        model = column_model(used)
        facts: dict[str, Any] = {"network": network, "threshold_cells": model.column.threshold}
        common: dict[str, Any] = {"schedule": Schedule(epochs=epochs), "progress": stages}
        columns = {"name": network, "seed": seed, "jobs": jobs, **common}
        if reads:
            facts |= compare_reads(used, reads=reads, **columns).facts()
        if digits:
            facts |= {"digit_codes": compare_digits(used, digits, **columns).facts()}
        if chips:
            spread = replace(Spread.of(model), **known)
            design = column_design(model.column, independent=comparators == 2)
            which = range(seed, seed + seeds)
            found = study_chips(network, design, spread, chips=chips, seeds=which, **common)
            facts |= {**found.facts(), "offset_sigma_mv": 1e3 * ColumnReader.of(model).unit * spread.offset}
            facts |= {"comparators": comparators}
    facts |= {"seed": seed, **used.conditions.model_dump(), "provenance": provenance()}
    write_report(facts, folder)
    if json:
        print_json(facts)
    else:
        _show(facts)
        console().print(f"  {folder / 'report.json'}", markup=False)


def card_of(file: Path | None, wanted: Mapping[str, Any], jobs: int | None, progress: OnProgress) -> "Card":
    """The card of a file; else the one that comes with cimspice, or where something else is ``wanted`` (of
    ``cell``, ``corner``, ``temperature``, ``dummies``) one that is characterised.

    ParameterError if both a file and something else are given.
    """
    from cimspice.errors import ParameterError
    from cimspice.families import read_card
    from cimspice.hybrid.family import characterise, packaged_card
    from cimspice.hybrid.model.column import require_threshold
    from cimspice.pdk import Conditions

    known = {name: value for name, value in wanted.items() if value is not None}
    if file is not None:
        if known:
            raise ParameterError(
                f"{', '.join(f'--{name}' for name in known)} beside a card, which says it",
                place="--card",
                remedy="leave it out, or make the card anew: cimspice characterize hybrid --card FILE",
            )
        return read_card(file, "hybrid")
    cell = known.pop("cell", "6T")
    packaged = packaged_card(cell)
    own = {**packaged.conditions.model_dump(), **packaged.provenance["circuit"]["column"]}
    if all(own[name] == value for name, value in known.items()):
        return packaged
    dummies = known.pop("dummies", own["dummies"])
    require_threshold(dummies, "--dummies")
    return characterise(Conditions(**known), cell=cell, dummies=dummies, jobs=jobs, progress=progress)


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
    if "digit_codes" in facts:
        found = facts["digit_codes"]
        screen.print(
            f"[bold]{found['digits']} samples[/] through the last layer: {found['codes_differing']} of "
            f"{found['codes']} codes differ, {found['digits_equal']} decisions equal, "
            f"{found['digits_right']} right; {found['spice_seconds']:.0f} s of CPU time in ngspice, "
            f"{found['expected_spice_seconds']:.0f} expected"
        )
    if "chips" in facts:
        deviation = facts["cell_sigma"], facts["stored_sigma"]
        screen.print(
            f"[bold]{facts['chips']} chips[/], comparators with an offset of "
            f"{facts['offset_sigma_cells']:.2f} cells, noise of {facts['noise_sigma_cells']:.3f}, cells of "
            f"{100 * max(deviation):.1f} %"
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
