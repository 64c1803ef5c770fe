"""``cimspice demo hybrid``: column, comparator, card, training, chips, ngspice, energy, a page."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from cimspice.screen.output import JsonFlag, console, print_json
from cimspice.screen.validation_output import usable, write_report

_NEXT = {
    "cimspice train hybrid --seeds 20": "accuracy by read-out",
    "cimspice validate hybrid --reads 500": "500 of the network's own reads in ngspice",
    "cimspice validate hybrid --chips 51": "chips, with intervals",
    "cimspice train hybrid --front": "which column to build: accuracy against energy",
    "cimspice characterize hybrid_threshold_corners": "thresholds over corners and temperature",
}
_READS, _SEQUENCES = 2, 8
"""Reads of the array and sums of the digital part whose energies are averaged."""
_BITS = (3, 4, 7)
"""Of the converters beside the column."""


def hybrid(
    comparators: Annotated[int, typer.Option(min=5, help="Whose offset ngspice finds.")] = 24,
    reads: Annotated[int, typer.Option(min=2, help="Column reads in ngspice.")] = 24,
    digits: Annotated[int, typer.Option(min=0, help="Digits through the last layer in ngspice.")] = 1,
    chips: Annotated[int, typer.Option(min=2, help="Chips that the network runs on.")] = 12,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is drawn.")] = 0,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Worker processes.")] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Page, figures, card and report.json.")
    ] = Path("runs/demo-hybrid"),
    json: JsonFlag = False,
) -> None:
    """Columns read by comparators: offsets, the card, a digits network trained through it, chips, its own
    reads in ngspice, energy of a read against converters, a page of it all.

    Some minutes the first time; what was simulated is kept.
    """
    from cimspice.campaign.versions import provenance
    from cimspice.hybrid.characterisation import ColumnConditions, comparator_offsets
    from cimspice.hybrid.choices import WAYS
    from cimspice.hybrid.emulator.chips import Spread
    from cimspice.hybrid.energy import energy_table
    from cimspice.hybrid.family import packaged_card
    from cimspice.hybrid.model.card import column_model
    from cimspice.hybrid.report.demo_page import write_demo_page
    from cimspice.hybrid.validation.chips import study_chips
    from cimspice.hybrid.validation.digits import compare_digits
    from cimspice.hybrid.validation.reads import column_design, compare_reads
    from cimspice.screen.stages import Stages

    began, cpu = time.monotonic(), time.process_time()
    folder = usable(output)
    card = packaged_card()
    model, conditions = column_model(card), ColumnConditions.of(card, jobs)
    with Stages(quiet=json) as stages:
        offsets = comparator_offsets(conditions, comparators, progress=stages)
        card.save(folder / "column.json")
        design = column_design(model.column)
        spread, seeds = Spread.of(model), range(seed, seed + 1)
        study = study_chips("digits-64", design, spread, chips=chips, seeds=seeds, progress=stages)
        compared = compare_reads(card, reads=reads, seed=seed, jobs=jobs, progress=stages)
        whole = compare_digits(card, digits, seed=seed, jobs=jobs, progress=stages) if digits else None
        table = energy_table(
            conditions,
            reads=_READS,
            sequences=_SEQUENCES,
            seeds=seeds,
            ways=list(WAYS)[:1],
            converters=_BITS,
            progress=stages,
        ).facts()
        stages.begin("draw")
        figures = _draw(offsets, model, compared, study, table["energy"], folder)
    page = folder / "index.html"
    files = [*figures, folder / "column.json", folder / "report.json", page]
    facts: dict[str, Any] = {
        "offset_mv": 1e3 * float(offsets.std(ddof=1)),
        "offset_card_mv": 1e3 * model.comparator.offset_deviation,
        "noise_card_mv": 1e3 * model.comparator.noise,
        "thresholds_cells": [model.upper, model.lower],
        "chips": study.facts(),
        "reads": compared.facts(),
        "digits": whole and whole.facts(),
        **table,
        "seed": seed,
        **card.conditions.model_dump(),
        "provenance": provenance(),
        "cpu_seconds": time.process_time() - cpu,
        "seconds": time.monotonic() - began,
        "files": {path.name: str(path) for path in files},
    }
    write_report(facts, folder)
    write_demo_page(facts, offsets, model, compared, study, folder)
    if json:
        print_json(facts)
    else:
        _show(facts, figures, folder)


def _draw(
    offsets: Any, model: Any, compared: Any, study: Any, energy: Mapping[str, Any], folder: Path
) -> list[Path]:
    from cimspice.hybrid.report.demo import draw_decisions, draw_energy, draw_hybrid_chips, draw_offsets

    return [
        *draw_offsets(offsets, model, folder),
        *draw_decisions(compared, folder),
        *draw_hybrid_chips(study, folder),
        *draw_energy(energy, folder),
    ]


def _show(facts: Mapping[str, Any], figures: list[Path], folder: Path) -> None:
    from rich.table import Table

    from cimspice.screen.tables import show_files, show_next

    screen, table = console(), Table(box=None, pad_edge=False, show_header=False)
    chips, reads, digits = facts["chips"], facts["reads"], facts["digits"]
    upper, lower = facts["thresholds_cells"]
    table.add_row(
        "  [cyan]comparator[/]",
        f"offset {facts['offset_mv']:.1f} mV here, {facts['offset_card_mv']:.2f} mV on the card; noise "
        f"{facts['noise_card_mv']:.2f} mV; thresholds {upper:.2f} and {lower:.2f} cells",
    )
    table.add_row(
        "  [cyan]chips[/]",
        ", ".join(
            f"{title} {100 * chips[key]['value']:.1f} %"
            for key, title in {
                "plain": "trained on nominal columns",
                "aware": "on chips drawn anew",
                "aware_calibrated": "and calibrated",
            }.items()
        ),
    )
    table.add_row(
        "  [cyan]reads in ngspice[/]",
        f"{reads['reads']}: {100 * reads['decisions_equal']:g} % of the decisions equal, lines "
        f"{reads['line_rmse_percent_full_scale']:.4f} % rms",
    )
    if digits:
        table.add_row(
            "  [cyan]digits in ngspice[/]",
            f"{digits['digits']}: {digits['codes_differing']} of {digits['codes']} codes differ, "
            f"{digits['digits_equal']} decisions equal",
        )
    energy = facts["energy"]
    table.add_row(
        "  [cyan]energy of a read[/]",
        f"{1e15 * energy['column']['per_read']:.0f} fJ with the digital part; converters of "
        + ", ".join(f"{bits} bits {one['ratio']:.1f}x" for bits, one in energy["converters"].items())
        + f"; {energy['equal_accuracy']} bits are as often right",
    )
    screen.print("[bold]the loop[/], columns of 6T cells read by comparators")
    screen.print(table)
    screen.print(f"[bold]figures[/], in {facts['seconds']:.0f} s")
    shown = [path for path in figures if path.suffix == ".png"]
    show_files([folder / "index.html", *shown, folder / "report.json"])
    show_next(_NEXT)
