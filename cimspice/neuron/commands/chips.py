"""Chips whose transistors differ: ``validate random --chips`` and ``train neuron --chips``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cimspice.campaign.versions import provenance
from cimspice.neuron.commands.validate import asked_conditions
from cimspice.neuron.validation.chip_yield import ChipYield, iris_on_chips
from cimspice.neuron.validation.chips import ChipValidation
from cimspice.neuron.validation.network import NeuronValidation
from cimspice.neuron.validation.tasks import model_of
from cimspice.progress import OnProgress
from cimspice.screen.output import console, print_json
from cimspice.screen.tables import show_files, show_rows
from cimspice.screen.validation_output import write_report


def present_chips(
    result: ChipValidation, nominal: NeuronValidation, folder: Path, seed: int, json: bool
) -> None:
    """Print and keep what was found on chips, and on the nominal one that has the same programs."""
    comparison = nominal.comparison
    facts = result.facts() | {
        "nominal": {
            "output_rmse_ns": 1e9 * comparison.output_rmse,
            "hidden_rmse_ns": 1e9 * comparison.hidden_rmse,
            "worst_ns": 1e9 * comparison.worst[0],
        },
        "layers": [nominal.spikes.shape[1], *(layer.shape[1] for layer in comparison.circuit)],
        "mapping": nominal.mapping,
        "seed": seed,
        "files": {"report.json": str(folder / "report.json")},
        "provenance": provenance(),
    }
    write_report(facts, folder)
    if json:
        print_json(facts)
        return
    sizes = "-".join(map(str, facts["layers"]))
    console().print(
        f"[bold]{sizes}, {facts['chips']} chips, {facts['samples']} samples[/], {facts['corner']}, "
        f"{facts['temperature']:g} °C: spikes of the output layer, emulator against ngspice, rms"
    )
    each = ", ".join(f"{value:.2f}" for value in facts["chip_rmse_ns"])
    show_rows(
        [
            ("mismatch known", f"{facts['output_rmse_ns']:.3g} ns", f"of each chip {each}"),
            ("worst spike", f"{facts['worst_ns']:.3g} ns", "of any layer"),
            ("mismatch unknown", f"{facts['unknown_rmse_ns']:.3g} ns", "the nominal chip emulated"),
            ("nominal chip", f"{facts['nominal']['output_rmse_ns']:.3g} ns", "in ngspice, too"),
        ]
    )
    show_files([folder / "report.json"])


def study_yield(
    corner: str | None,
    temperature: float | None,
    file: Path | None,
    chips: int,
    seed: int,
    jobs: int | None,
    progress: OnProgress,
) -> tuple[ChipYield, dict[str, Any]]:
    """Iris on emulated chips, and where their model is of."""
    conditions, card = asked_conditions(corner, temperature, "mosfet", jobs, "full", file)
    model = model_of(card, conditions, (5, 5, 5), progress)
    found = iris_on_chips(conditions, model, chips, seed, progress)
    return found, {"corner": conditions.corner, "temperature": conditions.temperature}


def show_yield(facts: Mapping[str, Any]) -> None:
    """The figures on stdout."""
    console().print(
        f"[bold]Iris 5-5-5, {facts['chips']} chips, emulated[/], {facts['corner']}, "
        f"{facts['temperature']:g} °C: held-out flowers right"
    )
    nominal = f"output spikes {facts['nominal_output_rmse_ns']:.3g} ns off the network's"
    rows = [("nominal chip", f"{100 * facts['accuracy_nominal']:.3g} %", nominal)]
    for key, name in (("before", "programmed alike"), ("calibrated", "each calibrated")):
        found = facts[key]
        accuracy, passed = found["accuracy"], found["yield"]
        low, high = (100 * bound for bound in passed["interval"])
        far = f"worst chip {100 * accuracy['worst']:.3g} %; spikes {found['output_rmse_ns']:.3g} ns off"
        rows.append((name, f"{100 * accuracy['value']:.3g} %", f"mean; {far}"))
        rows.append(
            (
                f"  yield at {100 * facts['limit']:g} % right",
                f"{100 * passed['value']:.4g} %",
                f"{low:.4g} to {high:.4g} %, 95 % confidence",
            )
        )
        if found["most_chips"] is not None:
            rows.append(
                ("  of most chips", f"{100 * found['most_chips']['bound']:.3g} %", "reached by 90 % of all")
            )
    show_rows(rows)
