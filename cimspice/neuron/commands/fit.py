"""``cimspice fit synapse``: the synapse's figures from characterised or measured curves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cimspice.screen.output import JsonFlag, console, plain, print_json, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from cimspice.campaign import Progress
    from cimspice.fit import Estimate
    from cimspice.neuron.characterisation.synapse_fit import SynapseFit

_NAMES = {
    "lambda_n": "λ_N",
    "lambda_p": "λ_P",
    "e_plus": "E⁺",
    "e_minus": "E⁻",
    "residual_percent": "residual",
}


def synapse(
    corner: Annotated[
        str | None, typer.Option(help="Process corner; default: tt, or the only one of measured curves.")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(help="Degrees Celsius, -40 to 125; default: 27, or as --corner.")
    ] = None,
    order: Annotated[
        str | None,
        typer.Option(help="memory_at_membrane (default) or selector_at_membrane, or as --corner."),
    ] = None,
    unit_current: Annotated[
        float | None,
        typer.Option(
            help="Current at reset (A) of a unit weight, where the figures are taken; default: the neuron's, "
            "of --csv 122e-9."
        ),
    ] = None,
    csv: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="Measured curves instead of simulated ones; may be repeated. n=FILE or p=FILE for a file "
            "without a column of polarities.",
        ),
    ] = None,
    card: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The neuron's card: the measured curves take the place of its currents, and the figures are "
            "those with its V_th and unit current.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER|CARD.json",
            help="Default: runs/fit-synapse-...; with --card the new card, default that file itself.",
        ),
    ] = None,
    json: JsonFlag = False,
) -> None:
    """The synapse's λ and reversal potentials at the unit current, and what better models of it gain.

    Simulates what is not in the store yet, or reads measured curves (--csv), fits, and leaves model cards,
    the curves and a figure in a folder.
    """
    from cimspice.fit.curves import UNIT_CURRENT
    from cimspice.neuron.characterisation.synapse_fit import (
        SynapseConditions,
        fit_synapse,
        measured_table,
        of_neuron,
        simulated_neuron,
        simulated_table,
        with_figures,
    )
    from cimspice.screen.stages import Stages

    if card is not None:
        from cimspice.neuron.commands.card import fit_into_card

        asked = {"--corner": corner, "--temperature": temperature, "--unit-current": unit_current}
        fit_into_card(card, csv or [], order, output, asked, json=json)
        return
    unit = UNIT_CURRENT if unit_current is None else unit_current
    if csv:
        result = fit_synapse(measured_table(csv), SynapseConditions(unit, corner, temperature, order))
    else:
        conditions = SynapseConditions(
            unit,
            "tt" if corner is None else corner,
            27.0 if temperature is None else temperature,
            order or "memory_at_membrane",
        )
        table = simulated_table(conditions, _say_once())
        with Stages(quiet=json) as stages:
            neuron, fan_in = simulated_neuron(conditions.corner, conditions.temperature, stages)
        if unit_current is None:
            conditions = replace(conditions, unit_current=neuron.unit_current(fan_in))
        result = with_figures(fit_synapse(table, of_neuron(conditions, neuron)), neuron)
    folder = output or Path("runs") / _folder_name(result, csv)
    facts = _facts(result)
    files = _write(result, facts, folder)
    if json:
        print_json({**facts, "files": files})
    else:
        _show(result, files)


def _say_once() -> Callable[[Progress], None]:
    """A progress callback that says once per sweep how much is simulated, if anything is."""
    said = False

    def announce(state: Progress) -> None:
        nonlocal said
        if state.done + state.failed == 0:
            said = False  # a sweep begins
        elif state.done > state.cached and not said:
            said = True
            say(f"simulating {state.points - state.cached} curves; {state.cached} are in the store")

    return announce


def _folder_name(result: SynapseFit, csv: list[str] | None) -> str:
    if csv:
        return f"fit-synapse-{Path(csv[0].rpartition('=')[2]).stem}"
    given = result.conditions
    name = f"fit-synapse-{given.corner}-{given.temperature:g}"
    return name if given.order == "memory_at_membrane" else f"{name}-{given.order}"


def _facts(result: SynapseFit) -> dict[str, Any]:
    """The JSON result: figures with intervals, models, conditions, provenance."""
    given = result.conditions
    selection = given.selection("n")
    return {
        **result.figures.as_dict(),
        "gate_bias": {polarity: result.gate_bias(polarity) for polarity in ("n", "p")},
        "line_residual_percent": {
            polarity: fit.residual.percent for polarity, fit in result.figures.fits.items()
        },
        "models": [
            {
                "polarity": row.polarity,
                "term": row.term,
                "kind": row.fit.model.kind if row.fit else None,
                "parameters": len(row.fit.estimates) if row.fit else None,
                "identifiable": row.fit.identifiable if row.fit else False,
                "residual_percent": row.fit.residual.percent if row.fit else None,
                "problem": row.problem,
            }
            for row in result.models
        ],
        "ranges": {
            polarity: {
                "curves": len(curves),
                "gate_bias": sorted(curve.gate_bias for curve in (curves[0], curves[-1])),
                "current": [curves[0].current_at_reset, curves[-1].current_at_reset],
            }
            for polarity, curves in result.curves.items()
        },
        "conditions": {
            "corner": given.corner,
            "temperature": given.temperature,
            "order": given.order,
            "unit_current": given.unit_current,
            "membrane_voltage": selection.window,
            "reset_voltage": selection.reset_voltage,
            "voltage_scale": selection.voltage_scale,
        },
        "seed": None,
        "corner": given.corner,
        "temperature": given.temperature,
        "provenance": result.table.attrs["provenance"],
    }


def _write(result: SynapseFit, facts: dict[str, Any], folder: Path) -> dict[str, Path]:
    """Model cards, the curves, the facts and the figure, each file whole or not at all."""
    import json

    from cimspice.files import write_atomically
    from cimspice.fit.card import ModelCard
    from cimspice.neuron.report.fit_figure import draw_synapse_fit

    origin = {**facts["conditions"], **facts["provenance"]}
    fits = {f"{row.fit.model.kind}_{row.polarity}": row.fit for row in result.models if row.fit}
    fits |= {f"at_unit_current_{polarity}": fit for polarity, fit in result.figures.fits.items()}
    fits |= {f"gate_law_{polarity}": fit for polarity, fit in result.gate_laws.items() if fit}
    files = {}
    for name, fit in fits.items():
        files[name] = folder / f"{name}.json"
        ModelCard.from_fit(fit, plain(origin)).save(files[name])
    text = json.dumps(plain(facts), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    files["curves"] = write_atomically(
        folder / "curves.csv", lambda path: result.table.to_csv(path, index=False)
    )
    files["fit"] = write_atomically(folder / "fit.json", lambda path: path.write_text(text, encoding="utf-8"))
    files["png"], files["svg"] = draw_synapse_fit(result, folder)
    return files


def _show(result: SynapseFit, files: dict[str, Path]) -> None:
    from rich.table import Table

    given = result.conditions
    words = [
        "" if given.order is None else given.order.replace("_", " "),
        given.corner or "",
        "" if given.temperature is None else f"{given.temperature:g} °C",
        f"unit current {given.unit_current * 1e9:.4g} nA",
        f"V_th {given.voltage_scale:.4f} V",
    ]
    screen = console()
    screen.print("[bold]synapse:[/] " + ", ".join(word for word in words if word))
    figures = Table(box=None, pad_edge=False, show_header=False)
    for name, words in _NAMES.items():
        estimate: Estimate = getattr(result.figures, name)
        figures.add_row(f"  {words}", *_value(estimate), _remark(result, name, estimate))
    screen.print(figures)
    screen.print("[bold]models[/] of all weights; residual: rms, % of the current at reset")
    models = Table(box=None, pad_edge=False)
    for heading, side in (("  ", "left"), ("model", "left"), ("parameters", "right"), ("residual", "right"),
                          ("gain", "right"), ("fitted on", "left")):  # fmt: skip
        models.add_column(heading, justify=side)  # pyright: ignore[reportArgumentType] (left or right)
    previous: dict[str, float] = {}
    for row in result.models:
        if row.fit is None:
            models.add_row(f"  {row.polarity}", row.term, "", "", "", row.problem)
            continue
        percent = row.fit.residual.percent
        gain = f"{previous[row.polarity] / percent:.1f}x" if row.polarity in previous else ""
        doubt = "" if row.fit.identifiable else " (not all identifiable)"
        where = _where(result, row.polarity) if row.polarity not in previous else ""
        previous[row.polarity] = percent
        models.add_row(f"  {row.polarity}", row.term, str(len(row.fit.estimates)), f"{percent:.3g} %", gain,
                       where + doubt)  # fmt: skip
    screen.print(models)
    for kind in ("png", "fit"):
        screen.print(f"  {files[kind]}", markup=False)
    cards = sum(path.suffix == ".json" for path in files.values()) - 1
    screen.print(f"  {cards} model cards and curves.csv beside them", markup=False)


def _value(estimate: Estimate) -> tuple[str, str]:
    """The value with as many digits as its interval supports, and the interval."""
    import math

    low, high = estimate.interval
    unit = "" if estimate.unit == "1" else f" {estimate.unit}"
    half = (high - low) / 2
    if not math.isfinite(half) or half <= 0:
        return f"{estimate.value:.4g}{unit}", "interval unknown"
    digits = min(max(1 - math.floor(math.log10(half)), 0), 9)
    # a residual's interval is lopsided, so it is written with both ends
    if abs(estimate.value - (low + high) / 2) > 0.05 * half:
        return f"{estimate.value:.{digits}f}{unit}", f"{low:.{digits}f} to {high:.{digits}f}"
    return f"{estimate.value:.{digits}f} ± {half:.{digits}f}{unit}", ""


def _remark(result: SynapseFit, name: str, estimate: Estimate) -> str:
    if not estimate.identifiable:
        return f"not identifiable: {estimate.reason}"
    if name == "residual_percent":
        both = ", ".join(f"{key} {fit.residual.percent:.2g} %" for key, fit in result.figures.fits.items())
        return f"rms from a straight line: {both}"
    if name.startswith("lambda"):
        bias = result.gate_bias(name[-1])
        return "" if bias is None else f"gate bias {bias:.4f} V"
    return ""


def _where(result: SynapseFit, polarity: str) -> str:
    curves = result.curves[polarity]
    biases = sorted((curves[0].gate_bias, curves[-1].gate_bias))
    low, high = (curves[k].current_at_reset * 1e9 for k in (0, -1))
    return f"{len(curves)} gate biases {biases[0]:g} to {biases[1]:g} V, {low:.3g} to {high:.4g} nA"
