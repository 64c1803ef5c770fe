"""``cimspice demo``: a whole loop on a few samples, with its figures."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cimspice.screen.output import JsonFlag, console, print_json

if TYPE_CHECKING:
    from cimspice.neuron.characterisation.synapse_fit import SynapseFit
    from cimspice.neuron.validation.tasks import IrisValidation

_NEXT = {
    "cimspice validate iris --samples 50": "all held-out flowers, as the paper does",
    "cimspice validate iris --corner ss": "another corner: characterised there, trained for it",
    "cimspice validate random --layers 16 12 10": "a network that nobody tuned",
    "cimspice fit synapse --csv FILE": "E± of curves that you measured",
    "cimspice characterize --help": "any circuit over bias, corner, temperature",
}


def neuron(
    samples: Annotated[int, typer.Option(min=1, max=50, help="How many flowers go through ngspice.")] = 6,
    seed: Annotated[int, typer.Option(min=0, help="Of split, training and noise.")] = 0,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Worker processes.")] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Figures and report.json.")
    ] = Path("runs/demo-neuron"),
    json: JsonFlag = False,
) -> None:
    """The SKY130 spiking neuron: characterise, fit, train, map, emulate, and compare with ngspice.

    Some minutes the first time; what was simulated is kept, so a second run takes seconds, and one that was
    stopped goes on where it was.
    """
    from cimspice.neuron.characterisation.card import Conditions
    from cimspice.neuron.characterisation.synapse_fit import SynapseConditions, fit_synapse, simulated_table
    from cimspice.neuron.validation.circuit import trace_circuit
    from cimspice.neuron.validation.tasks import validate_iris
    from cimspice.screen.stages import Stages
    from cimspice.screen.validation_output import usable

    began = time.monotonic()
    folder = usable(output)
    conditions = Conditions(workers=jobs)
    with Stages(quiet=json) as stages:
        result = validate_iris(conditions, samples=samples, seed=seed, progress=stages)
        physical = result.physical
        stages.begin("fit: the synapse's curves at the unit current")
        given = SynapseConditions(unit_current=physical.model.unit_current(5))
        synapse = fit_synapse(simulated_table(given), given)
        stages.begin("trace the membranes of one sample in ngspice")
        trace = trace_circuit(conditions, physical.programmed.programming(), physical.spikes[0])
        stages.begin("draw")
        figures = _draw(result, synapse, trace, folder)
    facts = _facts(result, synapse, figures, folder, seed, time.monotonic() - began)
    if json:
        print_json(facts)
    else:
        _show(result, facts, figures, folder)


def _draw(result: IrisValidation, synapse: SynapseFit, trace: Any, folder: Path) -> dict[str, Path]:
    from cimspice.neuron.report.budget import draw_budget
    from cimspice.neuron.report.fit_figure import draw_synapse_fit
    from cimspice.neuron.report.spikes import draw_spikes
    from cimspice.neuron.report.traces import draw_traces

    physical = result.physical
    drawn = [
        *draw_synapse_fit(synapse, folder),
        *draw_traces(physical.programmed.network(), physical.spikes[0], trace, folder),
        *draw_spikes(physical, folder),
        *draw_budget(physical.budget, folder),
    ]
    return {path.name: path for path in drawn}


def _facts(
    result: IrisValidation,
    synapse: SynapseFit,
    figures: Mapping[str, Path],
    folder: Path,
    seed: int,
    seconds: float,
) -> dict[str, Any]:
    from cimspice.neuron.validation.report import report_of
    from cimspice.screen.validation_output import write_report

    facts = report_of(result) | {"seed": seed}
    facts["synapse_fit"] = synapse.figures.as_dict()
    facts["seconds"] = seconds
    facts["files"] = {name: str(path) for name, path in figures.items()}
    facts["files"]["report.json"] = str(folder / "report.json")
    write_report(facts, folder)
    return facts


def _show(
    result: IrisValidation, facts: Mapping[str, Any], figures: Mapping[str, Path], folder: Path
) -> None:
    from rich.table import Table

    from cimspice.neuron.report.tables import show_budget, show_result
    from cimspice.screen.tables import show_files, show_next

    table = Table(box=None, pad_edge=False, show_header=False)
    for stage, found in _stages(result, facts):
        table.add_row(f"  [cyan]{stage}[/]", found)
    screen = console()
    screen.print("[bold]the loop[/], SKY130 spiking neuron")
    screen.print(table)
    show_result(facts)
    show_budget(facts)
    screen.print(f"[bold]figures[/], in {facts['seconds']:.0f} s")
    show_files([path for path in figures.values() if path.suffix == ".png"] + [folder / "report.json"])
    show_next(_NEXT)


def _stages(result: IrisValidation, facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What each stage found, in words."""
    neuron, fit, accuracy = facts["neuron"], facts["synapse_fit"], facts["accuracy"]
    mappings = result.physical.programmed.mappings
    programs = sum(int((mapping.polarity != 0).sum()) for mapping in mappings)
    return [
        (
            "characterise",
            f"C_m {1e15 * neuron['membrane_capacitance']:.1f} fF, V_switch {neuron['switch_voltage']:.3f} V, "
            f"unit current {1e9 * neuron['unit_current']:.1f} nA",
        ),
        (
            "fit",
            f"λ_N {_figure(fit['lambda_n'])} /V, λ_P {_figure(fit['lambda_p'])} /V, "
            f"straight to {fit['residual_percent']['value']:.2g} %",
        ),
        (
            "train",
            f"for E⁺ {facts['trained_for']['e_plus']:.3f}, E⁻ {facts['trained_for']['e_minus']:.3f}, "
            f"β {facts['trained_for']['ramp_beta']:.3f}: {100 * accuracy['trained_network']:.3g} % of 50 "
            "held-out flowers right",
        ),
        (
            "map",
            f"{programs} gate biases, calibrated on the emulated circuit, "
            f"{facts['clipped_weights']} weights beyond the range",
        ),
        (
            "emulate",
            f"{facts['samples']} flowers in {1e3 * facts['emulator_seconds']:.3g} ms; "
            f"ngspice took {facts['spice_seconds']:.3g} s",
        ),
        (
            "validate",
            f"output spikes of model and ngspice {facts['output_rmse_ns']:.3f} ns apart (rms); conventional "
            f"mapping {facts['conventional_output_rmse_ns']:.3g} ns",
        ),
    ]


def _figure(estimate: Mapping[str, Any]) -> str:
    low, high = estimate["interval"]
    return f"{estimate['value']:.4f} ± {(high - low) / 2:.4f}"
