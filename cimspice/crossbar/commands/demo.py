"""``cimspice demo crossbar``: device, array, fit, solver, network on tiles, ngspice, programming, report."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from cimspice.screen.output import JsonFlag, console, print_json
from cimspice.screen.validation_output import usable, write_report

if TYPE_CHECKING:
    from cimspice.crossbar.emulator.tile_programming import ProgrammedTile
    from cimspice.crossbar.validation.array import ArrayStudy
    from cimspice.crossbar.validation.network import NetworkValidation
    from cimspice.rram.validation.device import DeviceStudy

_NEXT = {
    "cimspice validate crossbar": "accuracy over segment resistance and tile size",
    "cimspice validate crossbar --tile 64": "larger tiles, minutes of ngspice",
    "cimspice program": "bit-sliced crossbars, with as few writes as possible",
    "python benchmarks/crossbar.py": "the exact solver beside other simulators",
}


@dataclass(frozen=True, eq=False)
class _Loop:
    """What the stages found; ``written_accuracy`` is that of the network with the tile as it was written."""

    device: DeviceStudy
    array: ArrayStudy
    network: NetworkValidation
    written: ProgrammedTile
    written_accuracy: float


def crossbar(
    digits: Annotated[int, typer.Option(min=1, max=899, help="How many digits go through ngspice.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Of split, training and programming errors.")] = 0,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Figures, card and report.json.")
    ] = Path("runs/demo-crossbar"),
    json: JsonFlag = False,
) -> None:
    """The resistive crossbar: device, array, fit, exact solver, digits network on tiles, ngspice, writes."""
    from cimspice.screen.stages import Stages

    began = time.monotonic()
    folder = usable(output)
    with Stages(quiet=json) as stages:
        loop = _run(digits, seed, folder, stages)
        stages.begin("draw")
        figures = _draw(loop, folder)
    facts = _facts(loop, figures, folder, time.monotonic() - began)
    facts |= {"seed": seed, "corner": "tt", "temperature": 27.0}
    write_report(facts, folder)
    if json:
        print_json(facts)
    else:
        _show(facts, figures, folder)


def _run(digits: int, seed: int, folder: Path, stages: Any) -> _Loop:
    from cimspice.crossbar.validation.array import study_array
    from cimspice.crossbar.validation.budget import STARTING
    from cimspice.crossbar.validation.network import validate_crossbar
    from cimspice.network.decisions import share_right, strongest
    from cimspice.rram.validation.device import nonlinearity_of, study_device

    stages.begin("device: SET, RESET and read of the memory in ngspice and numpy")
    device = study_device()
    device.card.save(folder / "read_law.json")
    stages.begin("array: a passive crossbar in ngspice and in the exact solver")
    array = study_array(nonlinearity_of(device.card, device.device), seed=seed)
    network = validate_crossbar(
        replace(STARTING, seed=seed),
        digits=digits,
        device=device.device,
        card=device.card,
        resistances=(),
        seed=seed,
        progress=stages,
    )
    stages.begin("program: the last tile by write-verify, a cell fitted to ngspice")
    written = _written(network)
    trained = network.trained
    decided = strongest(written.network.outputs(trained.x_test))
    accuracy = share_right(decided, trained.y_test, len(trained.network.weight_layers[-1].arrays["weights"]))
    return _Loop(device, array, network, written, accuracy)


def _written(result: NetworkValidation) -> ProgrammedTile:
    """The last tile of the compensated network, written with the model of a 1T1R cell."""
    from cimspice.crossbar.emulator.network_layers import tiled_layers, with_tiled_layers
    from cimspice.crossbar.emulator.tile_programming import program_tile
    from cimspice.rram.model.programming import SetResponse, WriteScheme
    from cimspice.rram.validation.cell import CircuitCell, fit_cell
    from cimspice.rram.validation.device import DEVICES

    cell = fit_cell(DEVICES[result.device].published(), CircuitCell()).cell
    scheme = WriteScheme(tolerance=result.given.errors.tolerance)
    response = SetResponse.of(cell, scheme, points=33)
    # every tile as it was drawn but the layer that is written: its cells are targets
    network, targets = result.steps.compensated, tiled_layers(result.steps.targets)
    layers = tiled_layers(network)
    layers[-1] = layers[-1].with_conductances(targets[-1].mapped.conductances, layers[-1].gains)
    aimed, last = with_tiled_layers(network, layers), len(layers) - 1
    tile = len(layers[-1].tiling.places) - 1
    return program_tile(aimed, last, tile, cell, scheme, response=response)


def _draw(loop: _Loop, folder: Path) -> dict[str, Path]:
    from cimspice.crossbar.report.demo import draw_array, draw_device, draw_writing
    from cimspice.crossbar.report.network import draw_causes, draw_compensation

    steps = loop.network.steps
    drawn = [
        *draw_device(loop.device, folder),
        *draw_array(loop.array, folder),
        *draw_causes(loop.network.causes, len(steps.corrections), folder),
        *draw_compensation(steps, folder),
        *draw_writing(loop.written.record, folder),
    ]
    return {path.name: path for path in drawn}


def _facts(loop: _Loop, figures: Mapping[str, Path], folder: Path, seconds: float) -> dict[str, Any]:
    from cimspice.crossbar.validation.network import network_report

    device, array, written = loop.device, loop.array, loop.written
    law = device.fits[max(device.fits)]
    facts = network_report(loop.network)
    facts["device"] = {
        "name": device.device,
        "read_error": device.read_error,
        "state_error": device.state_error,
    }
    facts["fit"] = {
        "nonlinearity": law.model.curvature,
        "residual_percent": law.residual.percent,
        "spread": max(one.model.curvature for one in device.fits.values())
        - min(one.model.curvature for one in device.fits.values()),
    }
    facts["array"] = {
        name: getattr(array, name)
        for name in ("size", "error", "nonlinear_error", "wire_loss", "spice_seconds", "solver_size",
                     "vectors", "solver_seconds")
    }  # fmt: skip
    record = written.record
    facts["programming"] = {
        **record.summary(),
        "writes": written.writes,
        "set_writes": int(record.set_pulses.sum()),
        "reset_writes": int(record.reset_pulses.sum()),
        "total_energy": float(record.energy.sum()),
        "accuracy": loop.written_accuracy,
    }
    facts["seconds"] = seconds
    files = [*figures.values(), folder / "read_law.json", folder / "report.json"]
    facts["files"] = {path.name: str(path) for path in files}
    return facts


def _show(facts: Mapping[str, Any], figures: Mapping[str, Path], folder: Path) -> None:
    from cimspice.crossbar.commands.validate import show_network
    from cimspice.screen.tables import show_files, show_next

    table = Table(box=None, pad_edge=False, show_header=False)
    for stage, found in _stages(facts):
        table.add_row(f"  [cyan]{stage}[/]", found)
    screen = console()
    screen.print("[bold]the loop[/], resistive crossbar")
    screen.print(table)
    show_network(facts)
    screen.print(f"[bold]figures[/], in {facts['seconds']:.0f} s")
    show_files([path for path in figures.values() if path.suffix == ".png"] + [folder / "report.json"])
    show_next(_NEXT)


def _stages(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What each stage found, in words."""
    device, fit, array = facts["device"], facts["fit"], facts["array"]
    writing, cells = facts["programming"], facts["cells"]
    return [
        (
            "device",
            f"{device['name']}: numpy and ngspice differ by {device['state_error']:.1e} of the state after "
            f"pulses, {device['read_error']:.1e} of the current in reads",
        ),
        (
            "array",
            f"{array['size']} x {array['size']}: wires take {100 * array['wire_loss']:.1f} %; exact solver "
            f"within {array['error']:.1e} of ngspice, sinh cells within {array['nonlinear_error']:.1e}",
        ),
        ("fit", f"sinh, {fit['nonlinearity']:.4f} /V, residual {fit['residual_percent']:.1g} %"),
        (
            "solve",
            f"{array['vectors']:,} vectors of {array['solver_size']} x {array['solver_size']} in "
            f"{array['solver_seconds']:.2f} s CPU",
        ),
        (
            "map",
            f"{facts['tiles']} tiles, {1e6 * cells['low']:g} to {1e6 * cells['high']:g} µS, "
            f"{cells['levels']} levels",
        ),
        (
            "program",
            f"{writing['cells']:.0f} cells, {writing['writes']:,} writes ({writing['set_writes']:,} SET, "
            f"{writing['reset_writes']:,} RESET), {1e9 * writing['total_energy']:.0f} nJ, rms error "
            f"{100 * writing['rms_error']:.1f} %; {100 * writing['accuracy']:.1f} % right with it",
        ),
    ]
