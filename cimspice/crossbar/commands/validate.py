"""``cimspice validate crossbar``: a digits network on crossbar tiles, emulator against ngspice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from cimspice.screen.output import JsonFlag, console, print_json
from cimspice.screen.tables import interval_row
from cimspice.screen.validation_output import usable, write_report

if TYPE_CHECKING:
    from cimspice.crossbar.emulator.circuit import CrossbarCircuit
    from cimspice.fit.family_card import Card

Tile = Annotated[int, typer.Option(help="Rows and columns of a tile, even, at most 64.")]
Wire = Annotated[float | None, typer.Option(help="Of every wire segment, ohm; default 5.")]
Terminal = Annotated[
    float | None, typer.Option(help="Of each driver and of each sense terminal, ohm; default 100.")
]
Low = Annotated[
    float | None, typer.Option("--g-min", help="Smallest conductance of a cell, siemens; default 2e-6.")
]
High = Annotated[
    float | None, typer.Option("--g-max", help="Largest conductance of a cell, siemens; default 80e-6.")
]
Levels = Annotated[int | None, typer.Option(help="Levels of conductance; default 64.")]
Tolerance = Annotated[
    float | None, typer.Option(help="Of write-verify: each cell within ± this share; default 0.05.")
]
Stuck = Annotated[
    float | None, typer.Option(help="Share of cells that are stuck, half of them low; default none.")
]
Device = Annotated[
    str | None,
    typer.Option(help="Model of the memory whose read law cells have; default skywater, or the card's."),
]
CardFile = Annotated[
    Path | None,
    typer.Option(
        "--card",
        metavar="FILE",
        help="A crossbar's card, which says all of the above but the tile's size; or a memory's, or a fitted "
        "read law (characterize crossbar|rram --card, fit --model rram_read_sinh).",
    ),
]


def crossbar(
    digits: Annotated[int, typer.Option(min=1, max=899, help="Digits through ngspice, linear cells.")] = 20,
    nonlinear_digits: Annotated[
        int, typer.Option(min=1, max=899, help="Digits through ngspice, non-linear cells.")
    ] = 4,
    hidden: Annotated[int, typer.Option(min=1, max=512, help="Hidden neurons of the network.")] = 32,
    tile: Tile = 32,
    wire: Wire = None,
    terminal: Terminal = None,
    g_min: Low = None,
    g_max: High = None,
    levels: Levels = None,
    tolerance: Tolerance = None,
    stuck: Stuck = None,
    device: Device = None,
    card: CardFile = None,
    sweep: Annotated[bool, typer.Option("--sweep/--no-sweep", help="Over wires and tile sizes.")] = True,
    seed: Annotated[int, typer.Option(min=0, help="Of split, training and programming errors.")] = 0,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="Figures and report.json."),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """A digits network on tiles: emulator against ngspice, errors by cause, and compensation."""
    from cimspice.crossbar.report.network import draw_causes, draw_compensation, draw_sweep
    from cimspice.crossbar.validation.network import RESISTANCES, TILES, network_report, validate_crossbar
    from cimspice.families import read_card
    from cimspice.fit import CardConditions
    from cimspice.screen.stages import Stages

    asked = {"--wire": wire, "--terminal": terminal, "--g-min": g_min, "--g-max": g_max, "--levels": levels,
             "--tolerance": tolerance, "--stuck": stuck}  # fmt: skip
    known = None if card is None else read_card(card)
    given = circuit_of(tile, seed, {name: value for name, value in asked.items() if value is not None}, known)
    folder = usable(output or Path("runs") / f"validate-crossbar-{device or 'skywater'}-{tile}")
    with Stages(quiet=json) as stages:
        result = validate_crossbar(
            given,
            digits=digits,
            nonlinear_digits=nonlinear_digits,
            hidden=(hidden,),
            device=device,
            card=known,
            resistances=RESISTANCES if sweep else (),
            tiles=TILES if sweep else (),
            seed=seed,
            progress=stages,
        )
        stages.begin("draw")
        figures = [
            *draw_causes(result.causes, len(result.steps.corrections), folder),
            *draw_compensation(result.steps, folder),
            *(draw_sweep(result.sweep, folder) if sweep else ()),
        ]
    own = CardConditions() if known is None else known.conditions
    facts = network_report(result) | {"seed": seed, "corner": own.corner or "tt"}
    facts["temperature"] = 27.0 if own.temperature is None else own.temperature
    facts["files"] = {path.name: str(path) for path in [*figures, folder / "report.json"]}
    write_report(facts, folder)
    if json:
        print_json(facts)
        return
    show_network(facts)
    for path in [*(path for path in figures if path.suffix == ".png"), folder / "report.json"]:
        console().print(f"  {path}", markup=False)


def circuit_of(tile: int, seed: int, asked: Mapping[str, float], card: Card | None) -> CrossbarCircuit:
    """What the network is mapped on: as the crossbar's card says, or as asked for.

    Raises
    ------
    MappingError, ParameterError
        For ranges, tiles, wires and errors that are none, and for an option that the card answers.
    """
    from cimspice.crossbar.emulator.tile_layer import TileWires
    from cimspice.crossbar.family import circuit
    from cimspice.crossbar.mapping.tiles import Tiling
    from cimspice.crossbar.model.card import FAMILY, check_resistance
    from cimspice.crossbar.validation.budget import STARTING
    from cimspice.crossbar.validation.tiles import check_tile
    from cimspice.errors import ParameterError

    Tiling(1, 2, tile, tile)
    check_tile((tile, tile))
    if card is not None and card.family == FAMILY:
        if asked:
            raise ParameterError("the card says its own", place=next(iter(asked)), remedy="leave it out")
        return circuit(card, tile=(tile, tile), seed=seed)
    wires, cells, errors = STARTING.wires, STARTING.cells, STARTING.errors
    wire, terminal, stuck = (
        asked.get(name, default)
        for name, default in (
            ("--wire", wires.word_line_resistance),
            ("--terminal", wires.source_resistance),
            ("--stuck", 0.0),
        )
    )
    check_resistance("--wire", wire)
    check_resistance("--terminal", terminal)
    if not 0 <= stuck <= 1:
        raise ParameterError(f"{stuck:g} of the cells", place="--stuck", remedy="give a share from 0 to 1")
    levels = int(asked["--levels"]) if "--levels" in asked else cells.levels
    cells = replace(
        cells, low=asked.get("--g-min", cells.low), high=asked.get("--g-max", cells.high), levels=levels
    )
    errors = replace(
        errors,
        tolerance=asked.get("--tolerance", errors.tolerance),
        stuck_low=stuck / 2,
        stuck_high=stuck / 2,
    )
    wires = TileWires(wire, wire, terminal, terminal)
    return replace(STARTING, tile=(tile, tile), seed=seed, cells=cells, wires=wires, errors=errors)


def show_network(facts: Mapping[str, Any]) -> None:
    """The figures of a report on stdout."""
    screen, compared = console(), facts["ngspice"]
    layers, wires = "-".join(map(str, facts["network"])), facts["wires"]
    screen.print(
        f"[bold]{layers} on {facts['tiles']} tiles[/] of {facts['tile'][0]} x {facts['tile'][1]}, "
        f"{wires['word_line_resistance']:g} ohm per segment, {wires['source_resistance']:g} ohm at terminals"
    )
    screen.print("[bold]exact solver against ngspice[/], largest difference of a column current")
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, title in (
        ("linear", "linear cells"),
        ("nonlinear", "sinh cells"),
        ("compensated", "compensated"),
    ):
        one = compared[name]
        table.add_row(
            f"  {title}",
            f"{one['error']:.1e}",
            f"{one['digits']} digits, decisions agree {100 * one['decisions_agree']:.3g} %, "
            + (f"none in {100 * one['undecided']:.3g} %, " if one["undecided"] else "")
            + f"{one['spice_seconds']:.3g} s against {1e3 * one['solver_seconds']:.3g} ms",
        )
    screen.print(table)
    width, counted = interval_row(facts["current_interval"], "na", "nA")
    screen.print(f"  95 % interval of a column current, sinh cells: {width}, {counted}")
    screen.print(
        f"[bold]errors by cause[/], {facts['held_out_digits']} held-out digits; "
        f"float {100 * facts['accuracy_float']:.1f} %"
    )
    table = Table(box=None, pad_edge=False)
    for heading in ("  ", "rms error of outputs", "right", "alone", "share of square"):
        table.add_column(heading, justify="left" if heading == "  " else "right")
    for row in facts["causes"]:
        alone = "" if row["alone"] is None else f"{100 * row['alone']:.2f} %"
        right = f"{100 * row['accuracy']:.1f} %"
        share = "" if row["share"] is None else f"{100 * row['share']:.1f} %"
        table.add_row(f"  {row['title']}", f"{100 * row['output_error']:.2f} %", right, alone, share)
    screen.print(table)
