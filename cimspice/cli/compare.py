"""``cimspice compare``: what changed between two runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cimspice.screen.output import JsonFlag, console, print_json

if TYPE_CHECKING:
    from cimspice.report.difference import Difference, Effect

_SHOWN = 20


def compare(
    before: Annotated[Path, typer.Argument(metavar="RUN_A", help="Run folder.")],
    after: Annotated[Path, typer.Argument(metavar="RUN_B", help="Run folder that is held against it.")],
    json: JsonFlag = False,
) -> None:
    """What changed from one run to another: models, simulator, parameters, and results by size of effect."""
    from cimspice.report.difference import compare_runs

    found = compare_runs(before, after)
    if json:
        print_json(
            {"same": found.same, **{name: getattr(found, name) for name in found.__dataclass_fields__}}
        )
        return
    _show(found)


def _show(found: Difference) -> None:
    from rich.markup import escape
    from rich.table import Table

    from cimspice.report.quantity import cut, quantity, words

    screen = console()
    if found.same:
        screen.print("the runs are the same")
        return
    if found.changes:
        table = Table("", "what", "before", "after", "", box=None, pad_edge=False)
        for change in found.changes:
            sides = (
                "—" if side is None else quantity(side, change.unit) for side in (change.before, change.after)
            )
            cells = (words(change.name), *(cut(side, 48) for side in sides), cut(change.where, 80))
            table.add_row(change.section, *map(escape, cells))
        screen.print(table)
    if found.effects:
        table = Table("quantity", "change", "", "largest", "effect", box=None, pad_edge=False)
        table.add_column("against", no_wrap=True)
        for entry in found.effects[:_SHOWN]:
            table.add_row(*(escape(cell) for cell in _cells(entry)))
        screen.print(table)
    rest = [_rows(entry) for entry in found.effects if entry.changed < entry.rows or any(entry.not_finite)]
    rest += [f"{len(found.effects) - _SHOWN} smaller effects"] if len(found.effects) > _SHOWN else []
    rest += [f"unchanged: {', '.join(map(words, found.unchanged))}"] if found.unchanged else []
    rest += (
        [f"{found.only_a} rows only in A, {found.only_b} only in B"] if found.only_a or found.only_b else []
    )
    for failures, what in ((found.new_failures, "new"), (found.gone_failures, "no longer")):
        if failures:
            first = f"{failures[0].error}: {failures[0].message}"
            rest.append(f"failed points, {what}: {len(failures)}; the first: {first}")
    for line in rest:
        screen.print(line, markup=False)


def _rows(entry: Effect) -> str:
    from cimspice.report.quantity import words

    line = f"{words(entry.column)}: {entry.changed} of {entry.rows} rows changed"
    if any(entry.not_finite):
        line += f"; NaN or infinite are {entry.not_finite[0]} of A, {entry.not_finite[1]} of B"
    return line


def _cells(entry: Effect) -> list[str]:
    from cimspice.report.quantity import cut, quantity, words

    spread = f"{quantity(entry.spread, entry.unit)} over {entry.spread_over}"
    deviation = "" if entry.deviation_ratio is None else f"; σ × {entry.deviation_ratio:.3g}"
    return [
        words(entry.column),
        quantity(entry.change, entry.unit),
        "" if entry.percent is None else f"{entry.percent:+.3g} %",
        f"{quantity(entry.largest, entry.unit)}{f' at {cut(entry.place, 80)}' if entry.place else ''}",
        "nothing spreads" if entry.effect is None else f"{entry.effect:.3g} σ",
        f"{spread}{deviation}",
    ]
