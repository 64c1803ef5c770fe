"""``cimspice train sram``: Iris learnt in the SRAM array: against software, by effect, by chip."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from cimspice.progress import OnProgress, Progress
from cimspice.screen.output import JsonFlag, console, print_json
from cimspice.screen.validation_output import usable, write_report


def sram(
    net: Annotated[
        str | None,
        typer.Argument(
            metavar="[NET]",
            help="Trained network of dense layers with ReLU between them (a name or a file) that the arrays "
            "store and go on learning; without one Iris from random weights.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Samples x and labels y for NET; a network that comes with cimspice has own."
        ),
    ] = None,
    chips: Annotated[
        int | None,
        typer.Option(min=2, max=10_000, help="Chips with mismatch of their own; default 200, of NET 4."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Splits into 5 folds.")] = 10,
    hidden: Annotated[int, typer.Option(min=0, max=32, help="Hidden neurons; 0: one layer.")] = 0,
    bits: Annotated[int, typer.Option(help="Of a word: 4, 6 or 8.")] = 8,
    epochs: Annotated[
        int | None, typer.Option(min=1, max=200, help="Passes over the samples; default 30, of NET 3.")
    ] = None,
    rate: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="Of NET: largest change of a weight (of -1 to 1) by a sample."),
    ] = 0.02,
    step: Annotated[
        bool,
        typer.Option("--step", help="Of NET: also one step of one sample in ngspice, beside the emulator."),
    ] = False,
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
    themselves against the same chips with weights from software.

    With NET: the network stored in arrays with mismatch, which go on learning it: forward, error and update
    on the array; accuracy in software, stored and learnt.
    """
    from cimspice.campaign.versions import provenance
    from cimspice.errors import ParameterError
    from cimspice.screen.stages import Stages
    from cimspice.sram.characterisation.conditions import SramConditions
    from cimspice.sram.training.accuracy import FORMATS, Lessons
    from cimspice.sram.validation.learning import characterised

    if net is None and (data is not None or step):
        raise ParameterError("--data or --step without a network", place="NET", remedy="name the network too")
    if bits not in FORMATS:
        raise ParameterError(f"words of {bits} bits", place="--bits", remedy="use 4, 6 or 8")
    conditions = SramConditions.with_readout(
        corner=corner, temperature=temperature, reference_drop=reference, workers=jobs
    )
    folder = usable(output or Path("runs") / "train-sram")
    if net is not None:
        with Stages(quiet=json) as stages:
            facts = network_facts(
                net, data, conditions, bits, chips or 4, epochs or 3, rate, step, seed, stages
            )
        facts |= {"seed": seed, "corner": corner, "temperature": temperature, "provenance": provenance()}
        write_report(facts, folder)
        if json:
            print_json(facts)
        else:
            _show_network(facts)
            console().print(f"  {folder / 'report.json'}", markup=False)
        return
    sizes = (4, hidden, 3) if hidden else (4, 3)
    lessons = Lessons(sizes=sizes, epochs=epochs or 30, seeds=tuple(range(seeds)), seed=seed)
    with Stages(quiet=json) as stages:
        known = characterised(conditions, samples=MISMATCH_SAMPLES, progress=stages)
        facts = training_facts(known.family(bits), lessons, chips or 200, stages)
    facts |= {"seed": seed, "corner": corner, "temperature": temperature, "provenance": provenance()}
    facts["bits"] = bits
    facts["converter_step_volt"] = known.periphery.converter.step
    write_report(facts, folder)
    if json:
        print_json(facts)
    else:
        show_training(facts)
        console().print(f"  {folder / 'report.json'}", markup=False)


def network_facts(
    net: str,
    data: Path | None,
    conditions: Any,
    bits: int,
    chips: int,
    epochs: int,
    rate: float,
    step: bool,
    seed: int,
    progress: OnProgress,
) -> dict[str, Any]:
    """A user's network, stored and learnt."""
    from dataclasses import replace

    import numpy as np

    from cimspice.errors import ParameterError
    from cimspice.network.decisions import share_right, strongest
    from cimspice.network.samples import network_and_samples
    from cimspice.sram.emulator.learning import LearningRule
    from cimspice.sram.training.chip import TITLES, Effects
    from cimspice.sram.training.lessons import accuracy, learn
    from cimspice.sram.training.network_lessons import own_folds, stored_network
    from cimspice.sram.validation.learning import characterised

    network, samples = network_and_samples(net, data, seed, True)
    if samples.y is None or samples.y_train is None:
        raise ParameterError("samples without labels", place="--data", remedy="give y beside x")
    train, test = (samples.x_train, samples.y_train), (samples.x, samples.y)
    stored = stored_network(network, train[0])
    known = characterised(conditions, samples=MISMATCH_SAMPLES, progress=progress)
    rule, family = LearningRule(rate=rate, hidden_rate=rate), known.family(bits)
    folds = own_folds(stored, train, test, chips)
    arrays = stored.on_chips(family, chips, rule=rule, seed=seed)
    before = accuracy(arrays, folds)
    progress(Progress(stage=f"{network.name} with one effect alone"))
    only = {name: replace(Effects.none(), **{name: True}) for name in TITLES if name != "capacitors"}
    alone = {
        name: float(accuracy(stored.on_chips(family, chips, effects=effects, seed=seed), folds).mean())
        for name, effects in {"words": Effects.none(), **only}.items()
    }
    progress(Progress(stage=f"learn {network.name} on {chips} chips"))
    learn(arrays, folds, epochs=epochs, seed=seed, progress=progress)
    after = accuracy(arrays, folds)
    outputs = network.outputs(test[0])
    facts: dict[str, Any] = {
        "network": network.name,
        "sizes": list(stored.sizes),
        "chips": chips,
        "epochs": epochs,
        "bits": bits,
        "trained_on": len(train[0]),
        "held_out": len(test[0]),
        "clipped_signals": stored.clipped,
        "accuracy_software": share_right(strongest(outputs), test[1], outputs.shape[1]),
        "accuracy_stored": float(before.mean()),
        "accuracy_stored_with_only": alone,
        "accuracy_learnt": float(after.mean()),
        "chip_accuracy_stored": before,
        "chip_accuracy_learnt": after,
        "bits_written": sum(layer.bits_written for layer in arrays.layers),
        "saturated": sum(layer.saturated for layer in arrays.layers),
        "step": None,
    }
    if step:
        from cimspice.sram.validation.learning import compare_network_step

        sample = int(np.random.default_rng(seed).integers(len(train[0])))
        facts["step"] = compare_network_step(
            known, stored, family, folds.x_train[:1, sample], folds.y_train[:1, sample], rule, progress
        )
    return facts


def _show_network(facts: Mapping[str, Any]) -> None:
    """The figures on stdout."""
    from cimspice.sram.training.chip import TITLES

    screen = console()
    screen.print(
        f"{facts['network']} ({'-'.join(map(str, facts['sizes']))}) in 6T arrays, {facts['chips']} chips, "
        f"{facts['epochs']} epochs of {facts['trained_on']:,} samples",
        markup=False,
    )
    shares = ", ".join(
        f"{title} {100 * facts[f'accuracy_{name}']:.4g} %"
        for name, title in (("software", "software"), ("stored", "stored"), ("learnt", "learnt on the chips"))
    )
    screen.print(f"  right of {facts['held_out']:,} held out: {shares}", markup=False)
    titles = {"words": "words alone", **TITLES}
    alone = "; ".join(
        f"{titles[name]} {100 * right:.3g} %" for name, right in facts["accuracy_stored_with_only"].items()
    )
    screen.print(f"  stored, words with one effect alone: {alone}", markup=False)
    if (step := facts["step"]) is not None:
        screen.print(
            f"  a step in ngspice: rails {step['forward_error_percent']:.3g} % (rms of the largest), "
            f"{step['codes_differ']} of {step['codes']} codes and {step['errors_differ']} errors differ, "
            f"gradient {step['gradient_error_percent']:.3g} %",
            markup=False,
        )


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
