"""What ``cimspice validate random --chips`` prints."""

from __future__ import annotations

from pathlib import Path

from cimspice.campaign.versions import provenance
from cimspice.neuron.validation.chips import ChipValidation
from cimspice.neuron.validation.network import NeuronValidation
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
