"""``cimspice validate rram``: a memory's card beside ngspice."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cimspice.screen.output import JsonFlag, console, print_json
from cimspice.screen.validation_output import usable, write_report


def rram(
    pulses: Annotated[int, typer.Option(min=2, help="SETs and RESETs of the 1T1R cell, in turn.")] = 20,
    device: Annotated[str | None, typer.Option(help="The memory, without a card; default: skywater.")] = None,
    corner: Annotated[
        str | None, typer.Option(help="Process corner: tt, ff, ss, sf or fs; default: tt, or the card's.")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(help="Degrees Celsius, -55 to 150; default: 27, or the card's.")
    ] = None,
    card: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The memory's card, instead of characterising it (characterize rram --card)."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of states and levels.")] = 0,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="report.json; default: runs/validate-rram-..."),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """A memory's card against ngspice: currents of reads between the voltages of its fit, and states,
    conductances and energies of single pulses on its 1T1R cell with drawn levels."""
    from cimspice.errors import ParameterError
    from cimspice.families import read_card
    from cimspice.pdk import Conditions
    from cimspice.rram.family import characterise, validate
    from cimspice.rram.model.card import FAMILY
    from cimspice.screen.stages import Stages

    known = None if card is None else read_card(card, FAMILY)
    asked = {"--device": device, "--corner": corner, "--temperature": temperature}
    if known is not None and (given := [name for name, value in asked.items() if value is not None]):
        raise ParameterError("the card says its own", place=given[0], remedy="leave it out")
    with Stages(quiet=json) as stages:
        if known is None:
            where = Conditions(corner or "tt", 27.0 if temperature is None else temperature)
            known = characterise(where, device=device or "skywater", progress=stages)
        result = validate(known, pulses=pulses, seed=seed, progress=stages)
    facts = result.facts() | {"seed": seed}
    name = f"validate-rram-{facts['device']}-{facts['corner']}-{facts['temperature']:g}"
    folder = usable(output or Path("runs") / (name + (f"-seed{seed}" if seed else "")))
    report = write_report(facts, folder)
    if json:
        print_json(facts)
        return
    screen = console()
    screen.print(f"{facts['device']}, {facts['corner']}, {facts['temperature']:g} °C, card against ngspice")
    screen.print(
        f"  read law: {100 * facts['read_error']:.2g} % of the largest of {facts['reads']} currents (rms)"
    )
    if facts["pulses"]:
        screen.print(
            f"  {facts['pulses']} pulses: states {facts['state_rmse']:.2g} of the range rms, worst "
            f"{facts['state_worst']:.2g}; conductance {100 * facts['conductance_error']:.2g} %, energy "
            f"{100 * facts['energy_error']:.2g} % rms"
        )
    screen.print(f"  {report}", markup=False)
