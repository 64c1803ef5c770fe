"""``cimspice train sram``: Iris learnt in the SRAM array: against software, by effect, by chip."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from cimspice.progress import OnProgress, Progress
from cimspice.screen.output import JsonFlag, console, print_json
from cimspice.screen.validation_output import usable, write_report


def sram(
    chips: Annotated[int, typer.Option(min=2, max=10_000, help="Chips with mismatch of their own.")] = 200,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Splits into 5 folds.")] = 10,
    hidden: Annotated[int, typer.Option(min=0, max=32, help="Hidden neurons; 0: one layer.")] = 0,
    bits: Annotated[int, typer.Option(help="Of a word: 4, 6 or 8.")] = 8,
    epochs: Annotated[int, typer.Option(min=1, max=200, help="Passes over the training flowers.")] = 30,
    corner: Annotated[str, typer.Option(help="Process corner: tt, ff, ss, sf or fs.")] = "tt",
    temperature: Annotated[float, typer.Option(help="Degrees Celsius, -55 to 150.")] = 27.0,
    reference: Annotated[
        float | None, typer.Option(help="Of the converter, volts below the supply. Default: 0.1")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of initial weights, order, mismatch, noise.")] = 0,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Worker processes.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="Default: runs/train-sram")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Iris on chip: accuracy against software, what each non-ideality costs, and 200 chips that learn for
    themselves against the same chips with weights from software."""
    from cimspice.campaign.versions import provenance
    from cimspice.errors import ParameterError
    from cimspice.screen.stages import Stages
    from cimspice.sram.characterisation.conditions import SramConditions
    from cimspice.sram.training.accuracy import FORMATS, Lessons
    from cimspice.sram.validation.learning import characterised

    if bits not in FORMATS:
        raise ParameterError(f"words of {bits} bits", place="--bits", remedy="use 4, 6 or 8")
    conditions = SramConditions.with_readout(
        corner=corner, temperature=temperature, reference_drop=reference, workers=jobs
    )
    folder = usable(output or Path("runs") / "train-sram")
    sizes = (4, hidden, 3) if hidden else (4, 3)
    lessons = Lessons(sizes=sizes, epochs=epochs, seeds=tuple(range(seeds)), seed=seed)
    with Stages(quiet=json) as stages:
        known = characterised(conditions, samples=MISMATCH_SAMPLES, progress=stages)
        facts = training_facts(known.family(bits), lessons, chips, stages)
    facts |= {"seed": seed, "corner": corner, "temperature": temperature, "provenance": provenance()}
    facts["bits"] = bits
    facts["converter_step_volt"] = known.periphery.converter.step
    write_report(facts, folder)
    if json:
        print_json(facts)
    else:
        show_training(facts)
        console().print(f"  {folder / 'report.json'}", markup=False)


MISMATCH_SAMPLES = 40
"""Of multiplier and comparator, for their spread."""


def training_facts(
    family: Any, lessons: Any, chips: int, progress: OnProgress, *, precision: bool = True
) -> dict[str, Any]:
    """The three tables."""
    from cimspice.sram.training.accuracy import accuracy_table, compare_chips, precision_table

    rows = accuracy_table(family, lessons, progress=progress)
    by_name = {row.name: row for row in rows}
    compared = compare_chips(family, lessons, chips=chips, progress=progress)
    facts: dict[str, Any] = {
        "network": "-".join(map(str, lessons.sizes)),
        "epochs": lessons.epochs,
        "accuracy_software_percent": 100 * float(by_name["software"].values.mean()),
        "accuracy_on_chip_percent": 100 * float(by_name["all"].values.mean()),
        "budget": [row.facts(by_name[_reference(row.name)]) for row in rows],
        "chips": compared.facts(),
        "chip_accuracy": {
            "on_chip": compared.learnt.values,
            "transferred": compared.transferred.values,
            "software": compared.software.values,
        },
    }
    if precision:
        progress(Progress(stage="learn with other words and converters"))
        facts["precision"] = [row.facts(by_name["software"]) for row in precision_table(family, lessons)]
    return facts


def _reference(name: str) -> str:
    """Row that a row's difference is taken from."""
    if name.startswith("with_"):
        return "words"
    return "all" if name.startswith(("without_", "also_")) else "software"


def show_training(facts: Mapping[str, Any]) -> None:
    """The tables."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("  held-out flowers right", "mean %", "spread", "difference, 95 %"):
        table.add_column(heading, justify="left" if heading.startswith("  ") else "right")
    groups = [facts["budget"], facts.get("precision", [])]
    chips = facts["chips"]
    groups.append([chips[name] for name in CHIP_ROWS])
    for group in groups:
        for row in group:
            table.add_row(
                f"  {row['title']}",
                f"{row['mean_percent']:.1f}",
                f"{row['deviation_percent']:.1f}",
                _apart(row),
            )
        table.add_section()
    screen = console()
    screen.print(
        f"[bold]Iris learnt in the array[/], {facts['network']}, {facts['epochs']} epochs; last five rows: "
        f"{chips['chips']} chips"
    )
    screen.print(table)


CHIP_ROWS = ("software", "alike_transferred", "alike_on_chip", "transferred", "on_chip")


def _apart(row: Mapping[str, Any]) -> str:
    if "difference_percent" not in row:
        return ""
    low, high = row["interval_percent"]
    return f"{row['difference_percent']:+.1f} ({low:+.1f} to {high:+.1f})"
