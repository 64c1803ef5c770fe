"""``cimspice validate sram``: the multi-row read of an SRAM column, emulator against ngspice."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from cimspice.screen.output import JsonFlag, console, print_json
from cimspice.screen.tables import interval_row
from cimspice.screen.validation_output import usable, write_report

Supply = Annotated[float, typer.Option(help="Supply in volts, at most 1.95.")]
WordLine = Annotated[float, typer.Option(help="Voltage of an open word line (V).")]
Unit = Annotated[float, typer.Option(help="Pulse width of code 1 in ps.")]


def sram(
    words: Annotated[int, typer.Option(min=1, help="How many random words are compared.")] = 500,
    rows: Annotated[str, typer.Option(help="Open rows per word: fewest-most, or one number.")] = "4-32",
    corner: Annotated[
        str | None, typer.Option(help="Process corner: tt, ff, ss, sf or fs; default: tt, or the card's.")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(help="Degrees Celsius, -55 to 150; default: 27, or the card's.")
    ] = None,
    supply: Supply = 1.8,
    word_line: WordLine = 1.2,
    cell: Annotated[
        str, typer.Option(help="Transistors of the cells: special (the foundry's own) or ordinary.")
    ] = "special",
    unit: Unit = 60.0,
    mismatch: Annotated[
        bool, typer.Option("--mismatch", help="Cells of one chip; the emulator knows their DC currents.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of everything that is drawn.")] = 0,
    card: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The array's card, instead of characterising it (characterize sram --card)."
        ),
    ] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Worker processes.")] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="report.json; default: runs/validate-sram-..."),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Words of 4 to 32 open rows of a 512-row column with random data and pulse widths: discharge of both
    bit lines.

    The column is characterised first, at this corner and temperature, unless its card is given. What was
    simulated before is not simulated again.
    """
    from cimspice.fit.family_card import Card, CardConditions
    from cimspice.screen.stages import Stages
    from cimspice.sram.characterisation.conditions import SramConditions
    from cimspice.sram.circuit.array import Array
    from cimspice.sram.circuit.cell import SramCell
    from cimspice.sram.validation.read import sram_report, validate_sram

    known = Card.load(card, "sram") if card else None
    own = known.conditions if known else CardConditions()
    corner = corner or own.corner or "tt"
    temperature = next(t for t in (temperature, own.temperature, 27.0) if t is not None)
    conditions = SramConditions(
        array=Array(
            cell=SramCell.model_validate({"devices": cell}),
            supply_voltage=supply,
            word_line_voltage=word_line,
        ),
        unit_width=unit * 1e-12,
        corner=corner,
        temperature=temperature,
        workers=jobs,
    )
    open_rows = row_range(rows)
    name = "-".join(
        ["validate-sram", corner, f"{temperature:g}", *(["mismatch"] if mismatch else [])]
        + ([cell] if cell != "special" else [])
        + ([f"seed{seed}"] if seed else [])
    )
    folder = usable(output or Path("runs") / name)
    with Stages(quiet=json) as stages:
        result = validate_sram(
            conditions,
            words=words,
            rows=open_rows,
            seed=seed,
            mismatch=mismatch,
            card=known,
            progress=stages,
        )
    facts = sram_report(result) | {"seed": seed}
    write_report(facts, folder)
    if json:
        print_json(facts)
    else:
        _show(facts)
        console().print(f"  {folder / 'report.json'}", markup=False)


def row_range(text: str) -> tuple[int, int]:
    """Fewest and most open rows from ``4-32`` or ``8``. ParameterError if it is neither."""
    from cimspice.errors import ParameterError

    first, dash, last = text.partition("-")
    parts = [first, last] if dash else [first, first]
    if not all(part.strip().isascii() and part.strip().isdigit() for part in parts):
        raise ParameterError(
            f"{text!r} is no number of rows", place="--rows", remedy="write 4-32, or one number such as 16"
        )
    return int(parts[0]), int(parts[1])


def _show(facts: Mapping[str, Any]) -> None:
    point, screen = facts["operating_point"], console()
    screen.print(
        f"[bold]{facts['words']} words[/], {facts['corner']}, {facts['temperature']:g} °C, "
        f"{point['rows']} rows, word line {point['word_line_voltage']:g} V, "
        f"unit {point['unit_width_ps']:g} ps, "
        f"line {point['line_capacitance_ff']:.0f} + {point['coupling_ff']:.0f} fF"
        + (", cells with mismatch" if facts["mismatch"] else "")
    )
    screen.print("[bold]discharge of both bit lines, emulator against ngspice[/]")
    _print(_results(facts))
    screen.print("[bold]error budget[/]: each model adds a term to the one above; percent of full scale")
    table = Table(box=None, pad_edge=False)
    for heading in ("  ", "rms", "worst"):
        table.add_column(heading, justify="left" if heading == "  " else "right")
    for row in facts["budget"]:
        granted = {1: " (best scale)", 2: " (two best scales)"}.get(row["scales"], "")
        table.add_row(
            f"  {row['title']}[dim]{granted}[/]", f"{row['rmse_percent']:.3f}", f"{row['worst_percent']:.3f}"
        )
    screen.print(table)


def _results(facts: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    scale = facts["full_scale_mv"]
    rows = [
        ("rms", f"{facts['rmse_percent_full_scale']:.4f} %", f"of full scale, {scale:.0f} mV"),
        ("worst", f"{facts['worst_percent']:.4f} %", ""),
        ("95 % interval", *interval_row(facts["discharge_interval"], "mv", "mV")),
        ("ideal weighted sum", f"{facts['ideal_rmse_percent']:.3f} %", "rms with its two best scales"),
        ("improvement", f"{facts['improvement']:.3g}x", ""),
        ("words left out", f"{facts['excluded_words']}", _beyond(facts["beyond_bound"])),
        ("cells flipped", f"{facts['flipped_cells']}", "in ngspice"),
        ("speed", f"{facts['speed_ratio']:.3g}x", f"ngspice {facts['spice_seconds']:.3g} s CPU"),
    ]
    if found := facts.get("measured_current"):
        low, high = found["line_voltage"]
        beyond = f"of {facts['words']} fall below the measured {low:.3g} to {high:.3g} V: extrapolated"
        rows.append(("words outside", f"{found['words_below']}", beyond))
    if facts["mismatch"]:
        rows[2:2] = [
            ("thresholds known", f"{facts['threshold_rmse_percent']:.3f} %", "rms"),
            ("nominal cells", f"{facts['nominal_rmse_percent']:.3f} %", "rms; nothing known of the chip"),
        ]
    return rows


def _beyond(found: Mapping[str, Any] | None) -> str:
    beyond = "beyond the disturb bound, reported before simulation"
    if found is None:
        return beyond
    errors = f", the others {found['rmse_percent']:.4f} % rms" if found["rmse_percent"] is not None else ""
    return f"{beyond}; {found['flipped']} of {found['words']} flip cells, {found['flagged']} flagged{errors}"


def _print(rows: list[tuple[str, str, str]]) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value, remark in rows:
        table.add_row(f"  {name}", value, f"[dim]{remark}[/]" if remark else "")
    console().print(table)
