"""``cimspice map``: what of a trained network is programmed into a circuit, and what that leaves right."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from cimspice.cli.network_on_circuit import (
    CardFile,
    CircuitName,
    Config,
    Data,
    Epochs,
    Net,
    Seed,
    Tune,
    on_circuits,
    show_fine_tuning,
)
from cimspice.screen.output import JsonFlag, console, print_json
from cimspice.screen.validation_output import usable, write_report

Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FOLDER", help="mapping.npz and report.json.")
]


_FEW = 8
"""Chips that are shown one by one."""


def map_(
    net: Net,
    circuit: CircuitName,
    data: Data = None,
    config: Config = None,
    card: CardFile = None,
    fine_tune: Tune = False,
    epochs: Epochs = None,
    seed: Seed = 0,
    output: Output = None,
    json: JsonFlag = False,
) -> None:
    """Map a trained network onto circuits, without simulation: tiles, cells, weights and inputs that are
    clipped, errors of the realised weights, accuracy in the emulator beside software's.

    mapping.npz has what is programmed: conductances (S) and the weights that they realise; with --fine-tune
    those that were trained for the circuit, with wires, levels, converters, and a chip drawn for each batch.
    """
    from cimspice.campaign.versions import installed
    from cimspice.network.programmed import mapping_facts, save_mapping
    from cimspice.screen.stages import Stages

    with Stages(quiet=json) as stages:
        put = on_circuits(
            net, circuit, data, config, card, seed, fine_tune=fine_tune, epochs=epochs, progress=stages
        )
        folder = usable(output or put.folder("map"))
        stages.begin("emulator")
        facts = mapping_facts(put.mapped, put.x, put.labels, seed=seed)
    facts |= {"settings": put.settings, **put.facts(), "provenance": installed()}
    files = save_mapping(put.mapped, folder / "mapping.npz"), folder / "report.json"
    facts["files"] = {path.name: str(path) for path in files}
    write_report(facts, folder)
    if json:
        print_json(facts)
        return
    _show(facts, len(put.x))
    for path in files:
        console().print(f"  {path}", markup=False)


def _show(facts: Mapping[str, Any], inputs: int) -> None:
    """The figures on stdout."""
    from rich.table import Table

    screen = console()
    chips = f", {facts['chips']} chips" if facts["chips"] > 1 else ""
    screen.print(f"{facts['network']} on {facts['circuit']} circuits{chips}", markup=False)
    columns = {
        "  layer": "name",
        "tiles": "tiles",
        "cells": "cells",
        "used": "utilisation",
        "weight\nerror": "weight_error",
        "clipped\nweights": "clipped_weights",
        "clipped\ninputs": "clipped_inputs",
        "saturated": "saturated",
        "input\nscale": "input_scale",
        "read in": "inputs",
    }
    table = Table(box=None, pad_edge=False, collapse_padding=True)
    for heading in columns:
        table.add_column(heading, justify="left" if heading in ("  layer", "read in") else "right")
    for layer in facts["layers"]:
        name, *cells = (_cell(key, layer.get(key)) for key in columns.values())
        table.add_row(f"  {name}", *cells)
    screen.print(table)
    show_fine_tuning(facts["fine_tuning"])
    if facts["accuracy_ideal"] is not None:
        right = facts["chip_accuracy"]
        few = len(right) <= _FEW
        rates = (", " if few else " to ").join(
            f"{100 * one:.4g}" for one in (right if few else (min(right), max(right)))
        )
        each = f", by chip {rates}" if chips else ""
        raw = facts["accuracy_raw"]
        raw = "" if raw is None else f" without fine-tuning {100 * raw:.4g} %,"
        screen.print(
            f"  right: software {100 * facts['accuracy_ideal']:.4g} %,{raw} emulator "
            f"{100 * facts['accuracy_emulator']:.4g} %{each}; {facts['samples']:,} of {inputs:,} inputs",
            markup=False,
        )
    if facts["chip_certificate"] is not None:
        screen.print(f"  {facts['chip_certificate']['sentence']}", markup=False)
    screen.print(
        f"  outputs, emulator to software: {facts['emulated_error']:.2g} (rms); effects: "
        f"{', '.join(facts['effects'])}",
        markup=False,
    )


def _cell(key: str, value: Any) -> str:
    if value is None:
        return ""
    if key == "utilisation":
        return f"{100 * value:.3g} %"
    return f"{value:.2g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value
