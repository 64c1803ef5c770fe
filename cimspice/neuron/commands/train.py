"""``cimspice train neuron``: what the circuit's own laws cost a network that is trained with them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from cimspice.neuron.commands.validate import CardFile, Corner, Jobs, Temperature
from cimspice.screen.output import JsonFlag, console, print_json
from cimspice.screen.validation_output import usable, write_report


def neuron(
    network: Annotated[
        str,
        typer.Argument(
            metavar="[NET]",
            help="With --sweep-reversal: shape of the network, trained from random weights: digits, "
            "digits-64, digits-cnn ...",
        ),
    ] = "digits",
    sweep_reversal: Annotated[
        bool, typer.Option("--sweep-reversal", help="Accuracy over the synapses' reversal potential |E|.")
    ] = False,
    reversal: Annotated[
        list[float] | None, typer.Option(help="Of the sweep: |E|, may be repeated; default 0.5 to 100.")
    ] = None,
    spike_noise: Annotated[
        float, typer.Option(min=0.0, help="Of the sweep: deviation of spikes in training, in phases.")
    ] = 0.0,
    epochs: Annotated[int | None, typer.Option(min=1, max=1000, help="Of the sweep.")] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, max=100, help="Trainings; default 5, of the sweep 3.")
    ] = None,
    chips: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Iris on this many emulated chips with a threshold shift of every transistor: before and "
            "after each is calibrated from its own spikes.",
        ),
    ] = None,
    corner: Corner = None,
    temperature: Temperature = None,
    card: CardFile = None,
    seed: Annotated[int, typer.Option(min=0, help="The first one.")] = 0,
    jobs: Jobs = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="Default: runs/train-neuron")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Iris on all three folds: trained by the law of E±, its circuit calibrated, and trained through the
    emulated circuit.

    With --sweep-reversal: accuracy over |E| of networks that are trained for it, and of networks trained for
    ideal synapses. With --chips: the calibrated circuit on chips whose transistors differ.
    """
    from cimspice.campaign.versions import provenance
    from cimspice.screen.stages import Stages
    from cimspice.spice.pool import processors

    folder = usable(output or Path("runs") / "train-neuron")
    workers = jobs or processors()
    where: dict[str, Any] = {"corner": None, "temperature": None}
    with Stages(quiet=json) as stages:
        if sweep_reversal:
            from cimspice.neuron.report.reversal_sweep import draw_reversal_sweep
            from cimspice.neuron.training.reversal_sweep import REVERSALS
            from cimspice.neuron.training.reversal_sweep import sweep_reversal as sweep

            found = sweep(
                network,
                reversal or REVERSALS,
                range(seed, seed + (seeds or 3)),
                epochs=epochs,
                spike_noise=spike_noise,
                jobs=workers,
                progress=stages,
            )
            files = draw_reversal_sweep(found, folder)
        elif chips is not None:
            from cimspice.neuron.commands.chips import study_yield
            from cimspice.neuron.report.chip_yield import draw_chip_yield

            found, where = study_yield(corner, temperature, card, chips, seed, workers, stages)
            files = draw_chip_yield(found, folder)
        else:
            found, where = _folds(
                corner, temperature, card, range(seed, seed + (seeds or 5)), workers, stages
            )
            files = []
    facts = {**found.facts(), "seed": seed, **where, "provenance": provenance()}
    facts["files"] = {path.name: str(path) for path in (*files, folder / "report.json")}
    write_report(facts, folder)
    if json:
        print_json(facts)
        return
    if chips is not None and not sweep_reversal:
        from cimspice.neuron.commands.chips import show_yield

        show_yield(facts)
    else:
        (_show_sweep if sweep_reversal else _show_folds)(facts)
    for path in facts["files"].values():
        console().print(f"  {path}", markup=False)


def _folds(
    corner: str | None, temperature: float | None, file: Path | None, seeds: range, jobs: int, stages: Any
) -> tuple[Any, dict[str, Any]]:
    """The study, and where its model is of."""
    from cimspice.neuron.commands.validate import asked_conditions
    from cimspice.neuron.training.folds import study_folds
    from cimspice.neuron.validation.tasks import model_of

    conditions, card = asked_conditions(corner, temperature, "mosfet", jobs, "full", file)
    model = model_of(card, conditions, (5, 5, 5), stages)
    found = study_folds(model, seeds, jobs=jobs, progress=stages)
    return found, {"corner": conditions.corner, "temperature": conditions.temperature}


_ROWS = {
    "accuracy_by_law": "trained by the law of E±",
    "accuracy_guarded": "with a guard at the phase's ends",
    "accuracy_calibrated": "its circuit, calibrated, emulated",
    "accuracy_through_circuit": "trained through the emulated circuit",
    "through_circuit_minus_by_law": "that minus the first, points",
}


def _show_folds(facts: Mapping[str, Any]) -> None:
    screen = console()
    screen.print(
        f"[bold]Iris 5-5-5[/], {facts['seeds']} seeds, each on {facts['folds']} folds of all flowers"
    )
    screen.print(_table("held-out flowers right", [(title, facts[key]) for key, title in _ROWS.items()]))
    error = facts["calibrated_output_rmse_ns"]["value"]
    screen.print(f"  calibrated circuits' spikes are {error:.2f} ns from their networks'")


def _show_sweep(facts: Mapping[str, Any]) -> None:
    screen = console()
    screen.print(f"[bold]{facts['network']}[/], {facts['seeds']} seeds, trained from random weights")
    rows = []
    for point in facts["points"]:
        for key, title in (("physical", "trained at it"), ("conventional", "trained for ideal synapses")):
            rows.append((f"|E| = {point['reversal_potential']:g}, {title}", point[f"accuracy_{key}"]))
    rows.append(("ideal synapses", facts["accuracy_ideal"]))
    best = f"|E| = {facts['best_reversal_potential']:g}, the best one, minus ideal, points"
    screen.print(_table("held-out samples right", [*rows, (best, facts["best_minus_ideal"])]))


def _table(title: str, rows: list[tuple[str, Mapping[str, Any]]]) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in (f"  {title}", "mean %", "95 %"):
        table.add_column(heading, justify="left" if heading.startswith("  ") else "right")
    for name, found in rows:
        low_high = found["interval"]
        between = "" if low_high is None else f"{100 * low_high[0]:.2f} to {100 * low_high[1]:.2f}"
        table.add_row(f"  {name}", f"{100 * found['value']:.2f}", between)
    return table
