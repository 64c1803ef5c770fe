"""``cimspice doctor``: whether this machine can do the main job."""

from __future__ import annotations

import typer
from rich.markup import escape
from rich.table import Table

from cimspice.screen.output import JsonFlag, console, print_json


def doctor(json: JsonFlag = False) -> None:
    """Check ngspice, the device models and one real simulation; exit 1 if the main job could not run."""
    from cimspice.campaign.versions import installed
    from cimspice.cli.checks import run_checks

    checks = run_checks()
    good = all(check.ok for check in checks)
    if json:
        print_json({"ok": good, "checks": checks, "provenance": installed()})
    else:
        table = Table(box=None, show_header=False, pad_edge=False)
        for check in checks:
            mark = "[green]ok[/]" if check.ok else "[red]FAILED[/]"
            remedy = f"\n[green]remedy:[/] {escape(check.remedy)}" if check.remedy else ""
            table.add_row(mark, check.name, escape(check.detail) + remedy)
        console().print(table)
        console().print("everything is in place" if good else "[red]the main job cannot run here yet[/]")
    if not good:
        raise typer.Exit(1)
