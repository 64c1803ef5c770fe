"""``cimspice validate sram-learning``: a learning step and passes of Iris, emulator against ngspice."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from cimspice.screen.output import JsonFlag, console, print_json
from cimspice.screen.validation_output import usable, write_report


def sram_learning(
    samples: Annotated[
        int, typer.Option(min=0, max=30, help="Held-out flowers through the Iris network; 0 for none.")
    ] = 20,
    corner: Annotated[str, typer.Option(help="Process corner: tt, ff, ss, sf or fs.")] = "tt",
    temperature: Annotated[float, typer.Option(help="Degrees Celsius, -55 to 150.")] = 27.0,
    mismatch: Annotated[
        bool, typer.Option("--mismatch", help="Cells of one chip; the emulator knows their DC currents.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is drawn.")] = 0,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Worker processes.")] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="report.json; default: runs/validate-sram-learning-..."
        ),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """One forward pass, error, gradient and weight update of two layers of 4 inputs and 3 neurons with words
    of 4 bits; then held-out flowers through the network that has learnt Iris.

    Array and circuits around it are characterised first, at this corner and temperature.
    """
    from cimspice.screen.stages import Stages
    from cimspice.sram.characterisation.conditions import SramConditions
    from cimspice.sram.training.accuracy import Lessons
    from cimspice.sram.validation.learning import characterised, compare_forward, compare_step, step_report

    conditions = SramConditions.with_readout(corner=corner, temperature=temperature, workers=jobs)
    name = "-".join(
        ["validate-sram-learning", corner, f"{temperature:g}", *(["mismatch"] if mismatch else [])]
        + ([f"seed{seed}"] if seed else [])
    )
    folder = usable(output or Path("runs") / name)
    with Stages(quiet=json) as stages:
        known = characterised(conditions, progress=stages)
        step = compare_step(known, seed=seed, mismatch=mismatch, progress=stages)
        forward = None
        if samples:
            lessons = Lessons(seed=seed)
            forward = compare_forward(known, lessons, samples=samples, mismatch=mismatch, progress=stages)
    facts = step_report(known, step, forward) | {"seed": seed, "mismatch": mismatch}
    write_report(facts, folder)
    if json:
        print_json(facts)
    else:
        show_step(facts)
        console().print(f"  {folder / 'report.json'}", markup=False)


def show_step(facts: Mapping[str, Any]) -> None:
    """The comparison as a table."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    rows = [
        ("forward", f"{facts['forward_error_percent']:.3f} %", "rails, rms of the largest"),
        ("codes", f"{facts['forward_codes_differ']} of {facts['forward_codes']} differ", "converter"),
        ("errors", f"{facts['errors_differ']} differ", "target preloaded"),
        ("transposed read", f"{facts['transposed_error_percent']:.3f} %", "rms of the largest"),
        ("gradient", f"{facts['gradient_error_percent']:.3f} %", "rms of the largest"),
        (
            "update",
            f"{facts['update_bits_differ']} of {facts['update_bits']} bits differ",
            f"{facts['update_bits_changed']} written",
        ),
    ]
    if "forward_samples" in facts:
        rows += [
            (
                f"{facts['forward_samples']} flowers",
                f"{facts['forward_samples_error_percent']:.3f} %",
                f"rails; {facts['forward_samples_codes_differ']} of {facts['forward_samples_codes']} codes "
                f"and {facts['forward_samples_classes_differ']} classes differ",
            )
        ]
    for name, value, remark in rows:
        table.add_row(f"  {name}", value, f"[dim]{remark}[/]")
    screen = console()
    screen.print(
        f"[bold]a learning step, emulator against ngspice[/], {facts['corner']}, {facts['temperature']:g} °C"
    )
    screen.print(table)
