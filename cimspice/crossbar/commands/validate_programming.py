"""``cimspice validate programming``: a matrix written on a 1T1R array, emulator against ngspice."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from cimspice.screen.output import JsonFlag, console, print_json, say
from cimspice.screen.validation_output import usable, write_report

_ROWS = {
    "done": ("cells within tolerance", 100, "%"),
    "rms_error": ("error of these, rms", 100, "%"),
    "set_pulses": ("SET pulses per cell", 1, ""),
    "reset_pulses": ("RESET pulses per cell", 1, ""),
    "energy": ("energy per cell", 1e12, "pJ"),
    "energy_per_set": ("energy of a SET", 1e12, "pJ"),
    "energy_per_reset": ("energy of a RESET", 1e12, "pJ"),
}


def programming(
    size: Annotated[int, typer.Option(help="Bit lines and source lines, 2 to 16.")] = 8,
    tolerance: Annotated[float, typer.Option(help="Of the conductance, as a share.")] = 0.05,
    lowest: Annotated[float, typer.Option(help="Smallest target in siemens.")] = 5e-6,
    highest: Annotated[float, typer.Option(help="Largest target in siemens.")] = 60e-6,
    corner: Annotated[
        str | None, typer.Option(help="Process corner: tt, ff, ss, sf or fs; default: tt, or the card's.")
    ] = None,
    card: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The memory's card, with the emulator's cell (characterize rram --card).",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the targets.")] = 0,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="report.json; default: runs/validate-..."),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Write-verify of a random matrix in transient ngspice, with disturb, beside the emulator's model.

    All cells are in every transient. 8 x 8 takes three CPU minutes, 4 x 4 ten seconds.
    """
    from cimspice.campaign.versions import provenance
    from cimspice.crossbar.validation.programming import (
        estimated_seconds,
        programming_report,
        validate_programming,
    )
    from cimspice.families import read_card
    from cimspice.rram.model.card import FAMILY
    from cimspice.screen.stages import Stages

    known = None if card is None else read_card(card, FAMILY)
    corner = corner or (known and known.conditions.corner) or "tt"
    folder = usable(output or Path("runs") / f"validate-programming-{size}-{corner}-seed{seed}")
    if not json and 2 <= size <= 16:
        say(f"about {estimated_seconds(size):.0f} CPU seconds")
    with Stages(quiet=json) as stages:
        result = validate_programming(
            size,
            tolerance=tolerance,
            lowest=lowest,
            highest=highest,
            corner=corner,
            card=known,
            seed=seed,
            progress=stages,
        )
    celsius = (known and known.conditions.temperature) or 27.0
    facts = programming_report(result) | {"seed": seed, "corner": corner, "temperature": celsius}
    facts["provenance"] = provenance()
    write_report(facts, folder)
    if json:
        print_json(facts)
    else:
        _show(facts)
        console().print(f"  {folder / 'report.json'}", markup=False)


def _show(facts: Mapping[str, Any]) -> None:
    circuit, model = facts["ngspice"], facts["emulator"]
    table = Table("", "ngspice", "emulator", box=None)
    for name, (title, scale, unit) in _ROWS.items():
        table.add_row(title, *(f"{side[name] * scale:.3g} {unit}" for side in (circuit, model)))
    console().print(table)
    console().print(
        f"disturb by other bit lines: {circuit['state_disturb']:.2g} of the state range; from verify to the "
        f"end {100 * circuit['conductance_disturb']:.2g} % of a conductance\n"
        f"{circuit['transients']} pulses, {1e6 * circuit['array_time']:.3g} us in the array, "
        f"{circuit['cpu_seconds']:.0f} CPU seconds in ngspice; "
        f"solver's read of the final states: {facts['read_error_of_solver']:.1g}",
        markup=False,
    )
