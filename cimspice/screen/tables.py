"""What ends a command's answer: rows of figures, files, and what to try next."""

from collections.abc import Mapping, Sequence
from typing import Any

from cimspice.screen.output import console


def show_rows(rows: Sequence[tuple[str, str, str]]) -> None:
    """Name, value and remark, one row each."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    for name, value, remark in rows:
        table.add_row(f"  {name}", value, f"[dim]{remark}[/]" if remark else "")
    console().print(table)


def show_files(files: Sequence[object]) -> None:
    """Paths, one a line."""
    for path in files:
        console().print(f"  {path}", markup=False)


def show_next(commands: Mapping[str, str]) -> None:
    """What to try next: command -> what it does."""
    console().print("[bold]next[/]")
    show_rows([(command, "", words) for command, words in commands.items()])


def interval_row(facts: Mapping[str, Any], key: str, unit: str) -> tuple[str, str]:
    """What a validation says of its 95 % intervals: median half-width, and what is and is not counted."""
    counted = ", ".join(facts["counted"]) or "no part"
    left = ", ".join(facts["not_counted"]) or "none"
    return f"± {facts[f'median_half_width_{key}']:.2g} {unit}", f"median; counted {counted}; not {left}"
