"""Tables of a validation of the spiking neuron, as a person reads them."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from cimspice.screen.output import console
from cimspice.screen.tables import interval_row, show_rows

PUBLISHED = {"conventional_output_rmse_ns": 39.04, "trained_output_rmse_ns": 1.97}
"""Sakemi et al., arXiv 2412.09010: 5-5-5, 50 Iris samples, phases of 1 µs; shown beside ours, never used."""

_MAPPINGS = {
    "scale": "by the law of E±, mapped with one scale",
    "calibrated": "by the law of E±, weights calibrated on the emulated circuit",
    "trained": "trained through the emulated circuit, whose spikes these are",
}


def show_result(facts: Mapping[str, Any]) -> None:
    """The figures of a validation's report on stdout."""
    phase = facts["phase_ns"]
    rows = [
        ("output layer, rms", *_time(facts["output_rmse_ns"], phase)),
        ("hidden layers, rms", *_time(facts["hidden_rmse_ns"], phase)),
        ("worst spike", *_time(facts["worst_ns"], phase)),
        ("95 % interval", *interval_row(facts["spike_time_interval"], "ns", "ns")),
        ("decisions agree", f"{100 * facts['decisions_agree']:g} %", _undecided(facts)),
        ("spikes inside the phase", f"{100 * facts['spiking']:.3g} %", "of the circuit's, all layers"),
    ]
    if len(facts["layers"]) < 3:
        del rows[1]
    screen = console()
    layers = "-".join(map(str, facts["layers"]))
    screen.print(
        f"[bold]{layers}, {facts['samples']} samples[/], {facts['synapse']} synapse, {facts['corner']}, "
        f"{facts['temperature']:g} °C, phases of {phase:g} ns"
    )
    screen.print(f"[bold]spike times, model '{facts['model']}' against ngspice[/]")
    show_rows(rows)
    screen.print("[bold]for comparison[/], output layer, rms")
    show_rows(_others(facts))
    screen.print("[bold]cost[/], CPU time of the samples")
    show_rows(_cost(facts))


def _others(facts: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    trained, conventional = [], []
    if (error := facts["conventional_output_rmse_ns"]) is not None:
        ratio = "" if facts["ratio"] is None else f", {facts['ratio']:.3g}x the model's"
        conventional = [("conventional", _ns(error), facts["conventional"] + ratio)]
    if "trained_output_rmse_ns" in facts:
        lines = ", a bias line in every layer" if facts["bias_lines"] else ""
        how = (
            f"{_MAPPINGS[facts['mapping']]}{lines}; worst spike of any layer {_ns(facts['trained_worst_ns'])}"
        )
        trained = [("trained network", _ns(facts["trained_output_rmse_ns"]), how)]
    if "accuracy" not in facts:
        return [*trained, *conventional]
    accuracy = facts["accuracy"]
    right = f"of ngspice; model {100 * accuracy['emulator']:.3g} %"
    if conventional:
        right += f", conventional in ngspice {100 * accuracy['conventional_circuit']:.3g} %"
    rows = [*trained, *conventional, ("right decisions", f"{100 * accuracy['circuit']:.3g} %", right)]
    if facts["synapse"] == "mosfet" and conventional:
        published, naive = (PUBLISHED[f"{name}_output_rmse_ns"] for name in ("trained", "conventional"))
        rows.insert(
            2, ("published", f"{published} ns", f"trained network; {naive} ns conventional; 50 samples")
        )
    return rows


def _cost(facts: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    ratio = facts["speed_ratio"]
    return [
        ("ngspice", f"{facts['spice_seconds']:.3g} s", "now, or when they were first run"),
        (
            "model",
            f"{1e3 * facts['emulator_seconds']:.3g} ms",
            "" if ratio is None else f"{ratio:.2g}x less",
        ),
    ]


def show_budget(facts: Mapping[str, Any]) -> None:
    """How much of the error each term of the model removes."""
    for key, title in (
        ("ladder", "error budget[/]: each model adds a term to the one above; rms in ns"),
        ("without", "the full model without one term[/]"),
    ):
        table = Table(box=None, pad_edge=False)
        for heading in ("  ", "output", "hidden", "worst"):
            table.add_column(heading, justify="left" if heading == "  " else "right")
        for row in facts["budget"][key]:
            errors = (_digits(row[f"{name}_ns"]) for name in ("output_rmse", "hidden_rmse", "worst"))
            table.add_row(f"  {row['title']}", *errors)
        console().print(f"[bold]{title}")
        console().print(table)


def _undecided(facts: Mapping[str, Any]) -> str:
    return f"no decision in {100 * facts['undecided']:.3g} %" if facts["undecided"] else ""


def _time(value: float, phase: float) -> tuple[str, str]:
    return _ns(value), f"{100 * value / phase:.2g} % of a phase"


def _ns(value: float) -> str:
    return f"{_digits(value)} ns"


def _digits(value: float) -> str:
    return f"{value:.1f}" if value >= 10 else f"{value:.3f}"
