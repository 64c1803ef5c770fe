"""``cimspice demo sram``: cell, array, model, Iris learnt on chip, check against ngspice."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from cimspice.screen.output import JsonFlag, console, print_json
from cimspice.screen.validation_output import usable, write_report

_NEXT = {
    "cimspice validate sram --words 500": "the read of the array, all of the words",
    "cimspice validate sram-learning": "a learning step and 20 flowers against ngspice",
    "cimspice train sram": "the whole accuracy table",
    "cimspice characterize sram_snm": "noise margins over corners, temperature, supply",
}


def sram(
    words: Annotated[int, typer.Option(min=1, help="Random words through ngspice.")] = 40,
    samples: Annotated[int, typer.Option(min=0, max=30, help="Flowers through ngspice.")] = 3,
    chips: Annotated[int, typer.Option(min=2, max=10_000, help="Chips that learn.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is drawn.")] = 0,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Worker processes.")] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Figures and report.json.")
    ] = Path("runs/demo-sram"),
    json: JsonFlag = False,
) -> None:
    """The 6T array: noise margins, multi-row read, model, Iris learnt on 200 chips, a step against ngspice.

    Some minutes the first time; what was simulated is kept.
    """
    from cimspice.screen.stages import Stages
    from cimspice.sram.characterisation.conditions import SramConditions
    from cimspice.sram.commands.train import training_facts
    from cimspice.sram.training.accuracy import Lessons
    from cimspice.sram.validation.butterfly import butterfly
    from cimspice.sram.validation.learning import characterised, compare_forward, compare_step, step_report
    from cimspice.sram.validation.read import sram_report, validate_sram

    began = time.monotonic()
    folder = usable(output)
    conditions = SramConditions.with_readout(workers=jobs)
    array = conditions.array
    with Stages(quiet=json) as stages:
        stages.begin("cell: butterflies of hold and read")
        curves = {
            "hold": butterfly(0.0),
            "read": butterfly(array.supply_voltage),
            f"read, word line {array.word_line_voltage:g} V": butterfly(array.word_line_voltage),
        }
        validation = validate_sram(conditions, words=words, seed=seed, progress=stages)
        known = characterised(conditions, samples=DEMO_MISMATCH, progress=stages)
        lessons = Lessons(seeds=(0, 1, 2, 3), seed=seed)
        learning = training_facts(known.family(8), lessons, chips, stages, precision=False)
        step = compare_step(known, seed=seed, progress=stages)
        forward = compare_forward(known, lessons, samples=samples, progress=stages) if samples else None
        stages.begin("draw")
        figures = _draw(curves, validation, learning, folder)
    facts = {
        "cell": {
            name: {
                "noise_margin": curve.noise_margin,
                "search_difference": curve.searched - curve.noise_margin,
            }
            for name, curve in curves.items()
        },
        "array": (report := sram_report(validation)),
        "learning": learning,
        "step": step_report(known, step, forward),
        "seed": seed,
        **{name: report[name] for name in ("corner", "temperature", "provenance")},
        "seconds": time.monotonic() - began,
        "files": {path.name: str(path) for path in figures} | {"report.json": str(folder / "report.json")},
    }
    write_report(facts, folder)
    if json:
        print_json(facts)
    else:
        _show(facts, figures, folder)


DEMO_MISMATCH = 20
"""Samples of multiplier and comparator."""


def _draw(curves: Any, validation: Any, learning: Mapping[str, Any], folder: Path) -> list[Path]:
    from cimspice.sram.report.figures import draw_butterfly, draw_chips, draw_discharge, draw_learning_budget

    return [
        *draw_butterfly(curves, folder),
        *draw_discharge(validation, folder),
        *draw_learning_budget(learning["budget"], folder),
        *draw_chips(learning["chip_accuracy"], folder),
    ]


def _show(facts: Mapping[str, Any], figures: list[Path], folder: Path) -> None:
    from rich.table import Table

    from cimspice.screen.tables import show_files, show_next
    from cimspice.sram.commands.train import show_training
    from cimspice.sram.commands.validate_learning import show_step

    array, screen = facts["array"], console()
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, cell in facts["cell"].items():
        table.add_row(f"  [cyan]{name}[/]", f"noise margin {1e3 * cell['noise_margin']:.0f} mV")
    table.add_row(
        "  [cyan]array[/]",
        f"{array['words']} words: model {array['rmse_percent_full_scale']:.3f} % rms, ideal sum "
        f"{array['ideal_rmse_percent']:.2f} %",
    )
    screen.print("[bold]the loop[/], SKY130 6T array")
    screen.print(table)
    show_training(facts["learning"])
    show_step(facts["step"])
    screen.print(f"[bold]figures[/], in {facts['seconds']:.0f} s")
    show_files([path for path in figures if path.suffix == ".png"] + [folder / "report.json"])
    show_next(_NEXT)
